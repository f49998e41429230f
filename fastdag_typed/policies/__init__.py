"""What changes a node's call: where it runs, how long, how often, what is checked, kept, or done around it."""
