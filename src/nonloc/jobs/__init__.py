"""Many files, safely: what the inputs are, what the outputs are called, what is done already, and who does the rest."""

from ..verbs.task import Task
from .folder import run_job
from .inputs import Input, gather
from .summary import FileOutcome, Listener, Summary

__all__ = ["FileOutcome", "Input", "Listener", "Summary", "Task", "gather", "run_job"]
