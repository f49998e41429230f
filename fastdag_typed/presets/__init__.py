"""The specification's tower of classes as thin constructors: they choose policies, and override nothing else."""
