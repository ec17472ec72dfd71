"""The harbour of the sample picture: what stands in it, what it is made of, how light falls on it."""
