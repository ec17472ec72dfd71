"""Trained weights of nonloc, found by `nonloc.methods.weights.locate`. There is no code here."""
