"""The documentation builds without a warning, and no page of it loads anything from outside."""

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# attributes that make a browser fetch something by itself; href only where the element is a <link> that is fetched
FETCHED = {"src", "srcset", "data", "poster", "action"}
RELATIONS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
OUTSIDE = re.compile(r"^\s*(https?:)?//")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "mkdocs.yml").is_file(), reason="needs the checkout"),
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("mkdocs", "material", "mkdocstrings"))),
        reason="needs the extra: pip install 'nonloc[docs]'",
    ),
]


class Loads(HTMLParser):
    """What a page fetches, and its links and anchors."""

    def __init__(self):
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.fetched += [value for name, value in attrs if name in FETCHED and value]
        if tag == "link" and RELATIONS & set((known.get("rel") or "").split()):
            self.fetched.append(known.get("href") or "")
        if tag == "use":
            self.fetched.append(known.get("href") or known.get("xlink:href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return folder


def test_every_page_is_there(site):
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"README"}
    assert pages | {"index"} <= {path.stem for path in site.glob("*.html")}


def test_no_page_loads_anything_from_outside(site):
    outside = []
    for path in site.rglob("*.html"):
        page = Loads()
        page.feed(path.read_text(encoding="utf-8"))
        outside += [f"{path.name}: {what}" for what in page.fetched if OUTSIDE.match(what)]
        assert 'class="mermaid"' not in path.read_text(encoding="utf-8"), "the theme would fetch what draws it"
    assert outside == []


def test_no_style_loads_anything_from_outside(site):
    outside = []
    for path in [*site.rglob("*.css"), *site.rglob("*.svg"), *site.glob("*.html")]:
        text = path.read_text(encoding="utf-8")
        outside += [f"{path.name}: {found}" for found in re.findall(r"url\(\s*['\"]?(?:https?:)?//[^)]*\)", text)]
        outside += [f"{path.name}: {found}" for found in re.findall(r"@import[^;]*//[^;]*;", text)]
    assert outside == []


def test_pictures_on_pages_exist(site):
    for path in site.glob("*.html"):
        for name in re.findall(r'<img[^>]*\ssrc="([^"]+)"', path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), f"{path.name} shows {name}, which is not there"


def test_the_functions_are_told_with_their_docstrings(site):
    text = re.sub(r"<[^>]+>", "", (site / "api.html").read_text(encoding="utf-8"))
    for words in ("Remove noise from a picture", "z (B, m, H, W) of queries theta", "Write the network of method"):
        assert words in text


def test_the_index_of_the_folder_names_every_page():
    listed = set(re.findall(r"\]\((\w+)\.md\)", (ROOT / "docs" / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.stem for path in (ROOT / "docs").glob("*.md")} - {"README"}
