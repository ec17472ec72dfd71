"""Methods that learn from the noisy picture alone."""
