"""What decides: a stand-in for a language model that runs here, knows a few words and gives the same answer always."""

import re
from typing import Final

from .talk import Call, Note, Say

ASKED: Final = re.compile(r"(?:what is|how much is) (.+?)\s*\?*", re.IGNORECASE)
FACT: Final = re.compile(r"(?:the )?((?:height|area|population) of [A-Z]\w*)")
WORDS: Final = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}


def decide(question: str, notes: tuple[Note, ...]) -> Call | Say:
    """Decide what to do next: call a tool for what is not known yet, else answer."""
    asked = ASKED.fullmatch(question.strip())
    if asked is None:
        return Say('I understand questions that begin with "What is".')
    known = {note.call: note for note in notes}
    failed = next((note for note in notes if note.failed), None)
    if failed:
        return Say(f"I cannot tell: {failed.result}.")
    for fact in FACT.findall(asked[1]):
        if Call("look_up", fact) not in known:
            return Call("look_up", fact)
    formula = FACT.sub(lambda found: known[Call("look_up", found[1])].result, asked[1])
    for word, sign in WORDS.items():
        formula = re.sub(rf"\b{word}\b", sign, formula)
    call = Call("calculate", formula)
    return Say(f"It is {known[call].result}.") if call in known else call
