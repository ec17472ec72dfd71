"""`nonloc serve`: pictures over HTTP, through the same verbs as the command line, with a bounded queue."""
