"""The folder job on many machines, by Ray Data: `nonloc restore IN -r -o OUT --cluster ray`."""

from .job import read_cluster, run_on_ray

__all__ = ["read_cluster", "run_on_ray"]
