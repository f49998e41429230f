"""The specification's "Basic DAG Workflow"."""
# ruff: noqa: D103, ARG001 - word for word from the specification
# fmt: off

from fastdag_typed import DAG, Context, Runner

# Create workflow
workflow = DAG("data_processing")

@workflow.node()
def load_data(file_path: str) -> dict:
    # Load data implementation
    return {"data": "loaded"}

@workflow.node()
def process_data(data: dict, context: Context) -> dict:
    # Process data implementation
    return {"processed": True}

@workflow.node()
def save_results(processed: dict) -> bool:
    # Save implementation
    return True

# Connect nodes using operators
load_data >> process_data >> save_results

# Or using method chaining
load_data.connect_to(process_data).connect_to(save_results)

# Execute
runner = Runner(workflow)
metrics = runner.run(inputs={"file_path": "data.csv"})

# Access results
result = workflow["save_results"]  # or workflow.get_result("save_results")
