"""Text between two marks of a Markdown file, written by a script and by nobody else."""

from pathlib import Path


def write(path: Path, name: str, content: str) -> None:
    """Replace what stands between `<!-- NAME: written by ... -->` and `<!-- end of NAME -->`."""
    text = path.read_text(encoding="utf-8")
    start = text.index(f"<!-- {name}: written by ")
    start = text.index("-->", start) + len("-->")
    end = text.index(f"<!-- end of {name} -->")
    path.write_text(f"{text[:start]}\n{content}\n{text[end:]}", encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, the first column to the left."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
