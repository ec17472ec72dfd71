"""How people and programs reach nonloc; each interface calls verbs and jobs, nothing deeper."""
