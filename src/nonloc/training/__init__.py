"""Training: one loop for every network, each experiment one recipe."""
