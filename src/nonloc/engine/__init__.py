"""Any method on any picture: size, memory, device, progress and the record are decided here and nowhere else."""

from .channels import separate
from .execute import prepare, run
from .plan import MEMORY, Plan
from .progress import Progress
from .record import Record

__all__ = ["MEMORY", "Plan", "Progress", "Record", "prepare", "run", "separate"]
