"""The engine: what a policy means for a workload. Pure, synchronous, standard library only."""
