"""Methods that look at several frames of a clip."""
