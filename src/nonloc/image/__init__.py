"""A picture and its files."""
