"""The agent as a state machine, and a graph that answers a letter with it.

``agent.run(question=...)`` gives a ``Reply``; ``desk.run(letter=...)`` gives the text of an answer.
"""
# pyright: reportUnusedExpression=false
# A statement "a >> b" is an expression whose value is not used: it wires.

from dataclasses import replace

from fastdag_typed import DAG, FSM, ConditionalReturn, FSMReturn

from .model import decide
from .talk import Letter, Note, Planned, Reply, Say, Talk
from .tools import TOOLS, ToolError

agent = FSM("agent", "Plan, call a tool, observe, plan again, answer.", max_cycles=100)


@agent.state(is_initial=True)
def listen(question: str) -> FSMReturn[Talk]:
    """Begin with nothing but the question."""
    return FSMReturn(next_state="plan", value=Talk(question))


@agent.state
def plan(talk: Talk) -> FSMReturn[Planned | Reply]:
    """Let the model decide: call a tool, or answer."""
    action = decide(talk.question, talk.notes)
    if isinstance(action, Say):
        return FSMReturn(next_state=answer, value=Reply(action.text, len(talk.notes)))
    return FSMReturn(next_state="call_tool", value=Planned(talk, action))


@agent.state
async def call_tool(planned: Planned) -> Talk:
    """Do what was decided, and note what came of it."""
    talk, call = planned
    try:
        note = Note(call, await TOOLS[call.tool](call.argument))
    except ToolError as error:
        note = Note(call, str(error), failed=True)
    return replace(talk, notes=(*talk.notes, note))


@agent.state
def observe(talk: Talk, patience: int = 8) -> ConditionalReturn[Talk]:
    """Plan again, unless that went on for too long."""
    return ConditionalReturn(len(talk.notes) < patience, talk)


@agent.state(is_final=True)
def answer(reply: Reply) -> Reply:
    """Say what the model says."""
    return reply


@agent.state(is_final=True)
def give_up(talk: Talk) -> Reply:
    """Say what is known, for want of an answer."""
    known = "; ".join(f"{note.call.argument} is {note.result}" for note in talk.notes)
    return Reply(f"I give up. What I found: {known}.", len(talk.notes))


call_tool >> observe
observe.on_true >> plan
observe.on_false >> give_up

desk = DAG("desk", "Answer a letter.")


@desk.node
def read_letter(letter: str) -> Letter:
    """Take a letter apart: ``Ada: What is 1 plus 1?``."""
    sender, _, question = letter.partition(":")
    return Letter(sender.strip(), " ".join(question.split()))


@desk.node
def write_answer(sender: str, reply: Reply) -> str:
    """Write the answer."""
    return f"Dear {sender}: {reply.text} (tools called: {reply.calls})"


ask = desk.add_workflow("ask", agent)

read_letter >> ask
[read_letter, ask] >> write_answer
