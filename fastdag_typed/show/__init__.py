"""Pictures of workflows, with or without the results of a run."""
