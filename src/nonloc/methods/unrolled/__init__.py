"""Unrolled optimisation: a few steps of a classical scheme, each with filters and functions that were learned."""
