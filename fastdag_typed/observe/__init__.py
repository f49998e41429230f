"""Observers: what reads the events of a run and never changes its result."""
