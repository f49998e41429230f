"""The specification's "FSM Workflow"."""
# ruff: noqa: D103, ARG001 - word for word from the specification
# fmt: off

from fastdag_typed import FSM, FSMReturn, Runner

fsm = FSM("state_machine")

@fsm.state(is_initial=True)
def initial_state(data: dict) -> FSMReturn:
    if data["ready"]:
        return FSMReturn(next_state="processing", value=data)
    return FSMReturn(next_state="waiting", value=data)

@fsm.state()
def processing(data: dict) -> FSMReturn:
    # Process data
    if data["complete"]:
        return FSMReturn(next_state="final", stop_condition=True)
    return FSMReturn(next_state="processing", value=data)

@fsm.state(is_final=True)
def final(data: dict) -> FSMReturn:
    return FSMReturn(stop_condition=True, value="complete")

# Execute FSM
runner = Runner(fsm)
metrics = runner.run(inputs={"data": {"ready": True, "complete": False}})

# Access latest results
latest_result = fsm["processing"]  # Latest cycle result
specific_result = fsm["processing.2"]  # Specific cycle result
