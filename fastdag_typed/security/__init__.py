"""What may come to nodes: a policy, and what holds values against it."""
