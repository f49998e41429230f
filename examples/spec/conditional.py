"""The specification's "Conditional Workflow"."""
# ruff: noqa: D103 - word for word from the specification
# fmt: off

from fastdag_typed import DAG, ConditionalReturn

workflow = DAG("conditional_example")

@workflow.node()
def check_condition(value: int) -> ConditionalReturn:
    return ConditionalReturn(
        condition=value > 10,
        true_branch="handle_large",
        false_branch="handle_small",
        value=value
    )

@workflow.condition(true_branch="process_large", false_branch="process_small")
def branch_logic(value: int) -> ConditionalReturn:
    return ConditionalReturn(condition=value > 100)

@workflow.node()
def process_large(value: int) -> str:
    return f"Large: {value}"

@workflow.node()
def process_small(value: int) -> str:
    return f"Small: {value}"
