"""Running a plan: binding calls, driving them, recording what happened."""
