"""An agent: a state machine that plans, calls a tool, observes what came of it, and plans again until it can answer.

``machine.py`` holds the machine, and the graph around it that answers a letter; ``model.py`` decides what to do next,
where others ask a language model: it knows a few words and is always right or silent; ``tools.py`` are the tools.
``python -m examples.agent "What is the height of Everest minus the height of Teide?"`` shows each step.
"""
