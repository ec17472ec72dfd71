"""Rows that no method made, for the tests of what is counted from rows."""

from dataclasses import replace

from nonloc.benchmark.results import Results, Row

ROW = Row(
    "0.1.0", "c0de", "bm3d", "", "matlab4", "float", "set12", 25.0, 25.0, "01", 100,
    29.123456, 29.2, 0.81234567, 20.1, 1.25, 1.5, 1, "cpu",
)  # fmt: skip


def measured(count=68, methods=("bm3d", "nlrn"), **changes):
    """Rows as of a whole set; the second method is 0.25 or 0.35 dB above the first."""
    base = replace(ROW, set="bsd68", **changes)
    rows = []
    for sigma in (15.0, 25.0):
        for m, method in enumerate(methods):
            for i in range(count):
                psnr = 30 - sigma / 10 + 0.25 * m + i % 2 * 0.1 * m
                rows.append(replace(base, method=method, sigma=sigma, picture=f"test{i:03}", psnr=psnr))
    return Results(rows)
