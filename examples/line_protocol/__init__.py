"""A resumable parser of a line protocol, as a state machine: feed it bytes in chunks of any size."""
