"""Tables of measured figures: means beside the published ones, paired differences, gains on real noise."""

from __future__ import annotations

from dataclasses import dataclass

from ..datasets import dataset
from ..errors import UsageError
from .protocol import Protocol, protocol
from .published import RECREATED, caveat, published, shown
from .results import Results, Row
from .statistics import Mean, gain, mean, paired
from .table import Table

DAGGER = "†"


@dataclass(frozen=True)
class Block:
    """All rows of one set under one kind of draw and one regime: what stands in one table."""

    protocol: Protocol
    kind: str
    regime: str
    rows: tuple[Row, ...]

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(row.method for row in self.rows))

    @property
    def sigmas(self) -> list[float | None]:
        return sorted({row.sigma for row in self.rows}, key=lambda s: (s is None, s))

    def of(self, method: str, sigma: float | None) -> list[Row]:
        return [row for row in self.rows if row.method == method and row.sigma == sigma]

    @property
    def line(self) -> str:
        """The protocol in words, for every caption: set, pictures, draw, regime."""
        pictures = len({row.picture for row in self.rows})
        tracks = ", ".join(sorted({row.track for row in self.rows}))
        draw = "real noise" if self.protocol.real else f"track {tracks}, regime {self.regime}"
        if self.protocol.task == "upscale":
            draw = "made smaller by MATLAB's bicubic"
        return f"{self.protocol.title}, {pictures} {self.protocol.channels} pictures, {draw}"

    @property
    def versions(self) -> str:
        return ", ".join(sorted({row.version for row in self.rows}))


def blocks(results: Results) -> list[Block]:
    """The results, cut into what stands in one table each, in their order."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in results.rows:
        found.setdefault((row.set, row.track.partition(":")[0], row.regime), []).append(row)
    return [Block(protocol(set), kind, regime, tuple(rows)) for (set, kind, regime), rows in found.items()]


def means_table(block: Block) -> Table:
    """One line a method: PSNR, published PSNR and SSIM at each level, CPU seconds a picture."""
    sigmas, notes = block.sigmas, []
    pictures = {(m, s): len({row.picture for row in block.of(m, s)}) for m in block.methods for s in sigmas}
    beside = _published(block)
    header, body = ["method"], []
    for sigma in sigmas:
        header += [_level(sigma, block), *(["published"] if beside else []), "SSIM"]
    # every method sees the same noisy pictures; the longest group tells most of them
    inputs = [max((block.of(m, s) for m in block.methods), key=len) for s in sigmas]
    cells = ["bicubic" if block.protocol.task == "upscale" else "noisy input, 8 bits"]
    for rows in inputs:
        cells += [f"{mean(rows).psnr_input:.2f}", *([""] if beside else []), ""]
    body.append((*cells, ""))
    most = max(pictures.values())
    for method in block.methods:
        cells = [shown(method)]
        for sigma in sigmas:
            rows, level = block.of(method, sigma), _level(sigma, block)
            figure = beside.get(method, {}).get(sigma) if sigma is not None else None
            mark = DAGGER if figure is not None and block.protocol.name == "bsd68" and caveat(method) else ""
            other = [f"{figure:.2f}{mark}" if figure is not None else "-"] if beside else []
            cells += [_psnr(mean(rows)), *other, f"{mean(rows).ssim:.4f}"] if rows else ["-", *other, "-"]
            if mark:
                notes.append(f"{DAGGER} {method}, published figure: {caveat(method)}")
            if rows and mean(rows).infinite:
                notes.append(f"{method} at {level}: {mean(rows).infinite} pictures came out exact, left out")
            if rows and pictures[method, sigma] < most:
                notes.append(f"{method} at {level}: {pictures[method, sigma]} of {most} pictures so far")
        seconds = mean([row for row in block.rows if row.method == method]).cpu_s
        body.append((*cells, _seconds(seconds)))
    threads = ", ".join(sorted({str(row.threads) for row in block.rows}))
    notes.append(f"CPU s: mean of a picture, {threads} thread{'' if threads == '1' else 's'}")
    if any(shown(method) != method for method in block.methods):
        notes.append(f"{RECREATED} re-created: the paper's own layers are not known to us")
    if mean(inputs[0]).draws > 1:
        notes.append("± of a PSNR: standard error over the draws")
    caption = f"{block.line}; {block.protocol.metric}; nonloc {block.versions}"
    return Table(caption, (*header, "CPU s"), tuple(body), tuple(dict.fromkeys(notes)))


def differences_table(block: Block, against: str | None = None) -> Table | None:
    """Each method minus one of them, picture by picture, with the 95 % interval; None for a single method."""
    reference = against or block.methods[0]
    if reference not in block.methods:
        raise UsageError(
            f"differences from {reference}",
            "it is not in the table",
            f"Name one of {', '.join(block.methods)}",
        )
    others = [method for method in block.methods if method != reference]
    if not others:
        return None
    body = []
    for method in others:
        cells = [shown(method)]
        for sigma in block.sigmas:
            first, second = block.of(method, sigma), block.of(reference, sigma)
            common = {row.picture for row in first} & {row.picture for row in second}
            cells.append(str(paired(first, second)) if common else "-")
        body.append(tuple(cells))
    caption = f"PSNR minus that of {reference} in dB, paired by picture, with 95 % interval; {block.line}"
    return Table(caption, ("method", *(_level(sigma, block) for sigma in block.sigmas)), tuple(body))


def gains_table(block: Block) -> Table | None:
    """What each method gains over a really noisy input, and its worst picture; None for synthetic noise."""
    if not block.protocol.real:
        return None
    body = []
    for method in block.methods:
        for sigma in block.sigmas:
            if rows := block.of(method, sigma):
                d = gain(rows)
                body.append((shown(method), _level(sigma, block), str(d), f"{d.lowest:+.2f}", d.lowest_picture))
    caption = f"Gain over the input in dB, with 95 % interval; {block.line}"
    return Table(caption, ("method", "told", "gain", "worst", "worst picture"), tuple(body))


def tables(results: Results, against: str | None = None) -> list[Table]:
    """All tables of some results; a refused method is a note of the first."""
    found: list[Table] = []
    for block in blocks(results):
        base = against if against in block.methods else None
        found += [t for t in (means_table(block), differences_table(block, base), gains_table(block)) if t]
    if found and results.refused:
        first = found[0]
        notes = (*first.notes, *(f"not run: {text}" for text in results.refused))
        found[0] = Table(first.caption, first.header, first.rows, notes)
    return found


def _published(block: Block) -> dict[str, dict[float, float]]:
    """Published figures by method, where they mean the same: all pictures, Gaussian noise, not clipped."""
    whole = len({row.picture for row in block.rows}) == dataset(block.protocol.set).count
    other = block.regime != "float" and block.protocol.task == "denoise"
    if block.protocol.real or other or block.kind == "truncated" or not whole:
        return {}
    found = {method: dict(published(method, block.protocol.name)) for method in block.methods}
    return found if any(found.values()) else {}


def _psnr(found: Mean) -> str:
    return f"{found.psnr:.2f}" + (f" ± {found.error:.3f}" if found.error is not None else "")


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds >= 10 else f"{seconds:.2g}"


def _level(sigma: float | None, block: Block) -> str:
    if sigma is None:
        return "blind"
    return f"x {sigma:g}" if block.protocol.task == "upscale" else f"σ {sigma:g}"
