"""What the site's pages need on top of their text; MkDocs calls `on_page_markdown` for each.

Links out of the folder lead to files of the checkout, which the site has not: they become plain words. Figures of
measurements that are not made yet are left out, as their tables say so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]
OUTSIDE = re.compile(r"(?<!!)\[([^\]]+)\]\((?:\.\./)[^)]*\)")
FIGURE = re.compile(r"^!\[[^\]]*\]\(([^):]+)\)\n?", re.MULTILINE)
UNMEASURED = "Not measured yet."


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The text of one page as the site has it."""
    text = OUTSIDE.sub(r"\1", markdown)
    if UNMEASURED in text:
        text = FIGURE.sub(lambda found: found[0] if (DOCS / found[1]).is_file() else "", text)
    return text
