"""Methods that look at several slices of a volume."""
