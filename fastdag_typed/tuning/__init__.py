"""What would make a workflow cheaper, and what it costs now."""
