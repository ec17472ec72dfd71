"""What the service tells Prometheus: base units, few labels, nothing of any picture."""

from __future__ import annotations

import importlib.metadata
import sys
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from ...version import __version__

if TYPE_CHECKING:
    from .queue import Queue
    from .work import Work

disable_created_metrics()  # twice as many lines that nobody asks for
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, float("inf"))
MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """All counters of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = at = CollectorRegistry()
        ProcessCollector(registry=at)
        self.requests = Counter(
            "nonloc_http_requests_total", "Answers, by what was asked and by status.", ["task", "status"], registry=at
        )
        self.durations = Histogram(
            "nonloc_http_request_duration_seconds", "From head to answer.", ["task"], buckets=SECONDS, registry=at
        )
        self.runs = Histogram(
            "nonloc_run_duration_seconds", "Work alone.", ["method", "device"], buckets=SECONDS, registry=at
        )
        self.pixels = Counter("nonloc_pixels_processed_total", "Pixels of pictures that were done.", registry=at)
        self.waits = Histogram("nonloc_queue_wait_seconds", "From acceptance to work.", buckets=SECONDS, registry=at)
        self.failures = Counter("nonloc_job_failures_total", "Works that failed.", ["reason"], registry=at)
        self.bytes = Counter("nonloc_input_bytes_total", "Bytes of pictures that were sent.", registry=at)
        self.length = Gauge("nonloc_queue_length", "Requests that wait or are being sent.", registry=at)
        self.working = Gauge("nonloc_jobs_in_progress", "Pictures that are worked on.", registry=at)
        peak = Gauge("nonloc_memory_peak_bytes", "The most resident memory so far.", registry=at)
        peak.set_function(peak_memory)
        built = Gauge("nonloc_build_info", "What runs here.", ["version", "torch"], registry=at)
        built.labels(__version__, _version("torch")).set(1)

    def watch(self, queue: Queue) -> None:
        """Read the gauges of the queue from it."""
        self.length.set_function(lambda: queue.length)
        self.working.set_function(lambda: queue.busy_workers)

    def answered(self, task: str, status: int, seconds: float) -> None:
        self.requests.labels(task, str(status)).inc()
        self.durations.labels(task).observe(seconds)

    def waited(self, seconds: float) -> None:
        self.waits.observe(seconds)

    def ended(self, work: Work) -> None:
        """Count a work that came to its end."""
        if work.problem is not None:
            self.failures.labels("cancelled" if work.state == "cancelled" else work.problem.kind).inc()
        elif work.told is not None and work.header is not None:
            if work.task is not None:
                method, device = work.told.get("method") or "none", work.told.get("device") or "cpu"
                self.runs.labels(method, device).observe(work.told.get("seconds") or 0.0)
            self.pixels.inc(work.header.width * work.header.height * work.header.pages)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def peak_memory() -> float:
    """Bytes; NaN where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
