"""``python -m fastdag_typed.cli``."""

from . import main

main()
