"""Non-local operations: similarity over distance, each with its definition and its fast paths."""
