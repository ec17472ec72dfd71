"""A table as data, and how it is written: plain text, Markdown, LaTeX."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """caption: with the protocol in it. header, rows: cells as text, equally many in each. notes: lines
    below."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """For a terminal: columns of equal width, the first to the left."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        rule = "  ".join("-" * width for width in widths)
        body = [
            "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]
        return "\n".join([self.caption, "", body[0].rstrip(), rule, *(b.rstrip() for b in body[1:]), *self.notes])

    def markdown(self) -> str:
        def line(cells: tuple[str, ...]) -> str:
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        marks = "| --- |" + " ---: |" * (len(self.header) - 1)
        notes = [f"- {note}" for note in self.notes]
        return "\n".join(
            [
                self.caption,
                "",
                line(self.header),
                marks,
                *map(line, self.rows),
                *(["", *notes] if notes else []),
            ]
        )

    def latex(self) -> str:
        """A `table` with booktabs rules; needs no other package."""
        lines = [" & ".join(map(_latex, cells)) + r" \\" for cells in (self.header, *self.rows)]
        below = [rf"\par\footnotesize {_latex(' '.join(_sentence(note) for note in self.notes))}"] if self.notes else []
        return "\n".join([
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(self.caption)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(self.header) - 1)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            *below,
            r"\end{table}",
        ])  # fmt: skip


def _sentence(note: str) -> str:
    return note if note.endswith(".") else f"{note}."


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "†": r"$\dagger$",
    "‡": r"$\ddagger$", "¹": r"$^1$", "²": r"$^2$", "³": r"$^3$", "σ": r"$\sigma$",
}  # fmt: skip


def _latex(text: str) -> str:
    """Text as LaTeX; a minus before a digit becomes a real one."""
    out = "".join(_LATEX.get(letter, letter) for letter in text)
    return f"${out.split(' ')[0]}$" + out[len(out.split(" ")[0]) :] if text[:1] in "+-" and text[1:2].isdigit() else out
