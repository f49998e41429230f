"""A census of a source tree: read every Python file, measure it, and write a report.

``flow.py`` is the place to begin: it holds the nodes and their wiring. ``model.py`` holds the types that travel
between nodes, ``measure.py`` what is measured in one file, ``imports.py`` the nested workflow that looks at who
imports whom, and ``report.py`` the text of the report.
"""
