"""Methods against blur whose kernel is known."""
