"""Results in the form that somebody wants to read them."""

from __future__ import annotations

import json
import math
from typing import Any

from ..errors import UsageError
from .published import fidelity, published
from .results import Results
from .statistics import mean, paired
from .table2 import as_data as table2_data
from .table2 import table2
from .tables import blocks, tables

FORMATS = ("text", "markdown", "latex", "json")


def render(results: Results, format: str = "text", *, against: str | None = None) -> str:
    """The tables of `results` as 'text', 'markdown', 'latex' or 'json'.

    against: the method that the others' paired differences are taken from, the first by default. UsageError
    for another format.
    """
    if format not in FORMATS:
        raise UsageError(f"format {format!r}", "tables have no such form", f"Use {', '.join(FORMATS)}")
    if format == "json":
        return json.dumps(_finite(as_data(results, against)), indent=2, allow_nan=False)
    return "\n\n".join(getattr(table, format)() for table in tables(results, against)) + "\n"


def _finite(data: Any) -> Any:
    """JSON knows neither infinity nor NaN: they become null."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def render_table2(results: Results, format: str = "markdown") -> str:
    """The article's Table 2 as 'text', 'markdown', 'latex' or 'json': printed, in the sources, measured, how made."""
    if format not in FORMATS:
        raise UsageError(f"format {format!r}", "Table 2 has no such form", f"Use {', '.join(FORMATS)}")
    if format == "json":
        return json.dumps(_finite(table2_data(results)), indent=2, allow_nan=False) + "\n"
    return getattr(table2(results), format)() + "\n"


def as_data(results: Results, against: str | None = None) -> dict[str, Any]:
    """Means, differences and refusals as plain data, for programs."""
    means, differences = [], []
    for block in blocks(results):
        same = {"set": block.protocol.name, "track": block.kind, "regime": block.regime}
        reference = against if against in block.methods else block.methods[0]
        for sigma in block.sigmas:
            for method in block.methods:
                rows = block.of(method, sigma)
                if not rows:
                    continue
                one = rows[0]
                means.append({
                    **same, "sigma": sigma, "method": method, "fidelity": fidelity(method), **vars(mean(rows)),
                    "weights": one.weights, "code": one.code, "version": one.version,
                    "threads": one.threads, "device": one.device,
                    "published": published(method, one.set).get(sigma) if sigma is not None else None,
                })  # fmt: skip
                base = block.of(reference, sigma)
                if method != reference and {r.picture for r in rows} & {r.picture for r in base}:
                    d = paired(rows, base)
                    differences.append({**same, "sigma": sigma, "method": method, "against": reference, **vars(d)})
    return {"means": means, "differences": differences, "refused": results.refused, "reused": results.reused}
