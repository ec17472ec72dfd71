"""The local page, `nonloc web`: a server for this machine only, and a page of our own that needs nothing else."""
