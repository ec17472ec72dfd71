"""One picture that someone brought: its file, what it is, what is wrong with it, and how it is shown."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ImageError, NonlocError
from ...image import formats
from ...image.image import Image
from ...image.read import header, read, read_pages
from ...image.source import HEAD
from .names import ending
from .preview import Pyramid, Window, build, find_window
from .telling import Told, told

if TYPE_CHECKING:
    from ...verbs.options import Options
    from .changes import Changes

LOOKING, READY, FAILED = "looking", "ready", "failed"


@dataclass
class Page:
    """One page as it is shown."""

    pyramid: Pyramid
    window: Window

    def as_dict(self) -> dict[str, Any]:
        return {"sizes": self.pyramid.sizes, "window": self.window.told}


@dataclass
class Picture:
    """state: looking, ready, failed. path: our own name of the file; name: its owner's, for showing only."""

    id: str
    name: str
    folder: Path
    path: Path
    size: int
    changes: Changes
    state: str = LOOKING
    error: Told | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] | None = None
    version: int = 0
    like: Image | None = None  # the first page without its samples, for forecasts
    _pages: dict[int, Page] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def as_dict(self) -> dict[str, Any]:
        names = ("id", "name", "size", "state", "error", "plan", "version")
        return {**{name: getattr(self, name) for name in names}, "facts": dict(self.facts)}

    @property
    def end(self) -> str:
        """The ending that a result of this picture has."""
        return self.facts["ending"]

    def look(self, options: Options) -> None:
        """Check it, make its first page ready to be shown, and diagnose it; errors are kept, not raised."""
        try:
            self._open(options)
            picture = read(self.path)
            with self._lock:  # a page that was loaded anew may ask for it at the same time
                self._pages[0] = self._shown(picture, 0)
            hollow = np.broadcast_to(np.zeros((), picture.dtype), picture.samples.shape)
            self.like = Image(hollow, picture.scale, picture.offset)
            self.changes.touch(self)  # it can be seen from here on
            self.plan = self._planned(picture, options)
            self.state = READY
        except Exception as error:
            self.state, self.error = FAILED, told(error, {self.path: self.name})
            if not isinstance(error, (NonlocError, OSError, MemoryError)):
                self.changes.fault(error)
        self.changes.touch(self)

    def _open(self, options: Options) -> None:
        """What the header says; refused where it would not fit."""
        with open(self.path, "rb") as file:
            module = formats.by_content(file.read(HEAD))
        found = header(self.path)
        assert module is not None  # header would have refused it
        needed = found.width * found.height * found.channels * -(-found.bits // 8)
        if needed > options.memory:
            raise ImageError(
                self.name,
                f"{found.width} x {found.height} pixels need {needed / 2**30:.1f} GiB when unpacked, more than "
                f"this page may use ({options.memory / 2**30:.1f} GiB)",
                f"Start it with 'nonloc web --memory {-(-4 * needed // 2**30)}G'",
            )
        path = self.path.with_name("picture" + ending(self.name, module).lower())
        self.path = self.path.rename(path)
        self.facts = {
            "width": found.width,
            "height": found.height,
            "bits": found.bits,
            "pages": found.pages,
            "format": module.NAME,
            "ending": ending(self.name, module),
        }

    def _planned(self, picture: Image, options: Options) -> dict[str, Any]:
        """What `nonloc restore` would do to the first page, and why."""
        from ...engine import prepare
        from ...verbs.task import Task

        plan, record = Task("restore", "restored", {"strength": 1.0}, options).planner(picture)
        self.plan = {**record.as_dict(), "changed": plan is not None}
        if plan is not None:  # the diagnosis is seen while weights are loaded for the forecast
            name = plan.method if isinstance(plan.method, str) else plan.method.card.name
            self.plan |= {"method": name, "degradation": str(plan.degradation), "reason": plan.reason}
            self.changes.touch(self)
            record = prepare(plan, picture)[1]
        return {**record.as_dict(), "changed": record.changed}

    def page(self, number: int) -> Page:
        """How a page is shown; made when first asked for. Errors as for reading."""
        with self._lock:
            if number not in self._pages:
                self._pages[number] = self._shown(read_page(self.path, number), number)
            return self._pages[number]

    def _shown(self, picture: Image, number: int) -> Page:
        window = find_window(picture)
        self.facts["channels"] = picture.channels
        self.facts["depth"] = str(picture.dtype)
        return Page(build(picture, self.folder / f"page-{number}", window), window)


def read_page(path: Path, number: int) -> Image:
    """One page of a file; those before it are read on the way. ImageError where there is none."""
    page = next(islice(read_pages(path), number, None), None)
    if page is None:
        raise ImageError(f"page {number + 1}", "the file has fewer", "Choose another page")
    return page
