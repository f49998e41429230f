"""The specification's use of the visualizer, on the workflow of its basic example."""

from fastdag_typed import Visualizer

from .basic import workflow

# Usage
viz = Visualizer(workflow)
mermaid_diagram = viz.to_mermaid(include_results=True)
graphviz_diagram = viz.to_graphviz(include_results=True)
