"""Imports run downward only, and importing costs nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import nonloc

ROOT = Path(nonloc.__file__).parent
GROUND = {"errors", "version", "image", "degradation", "metrics", "datasets"}
# each floor may import those below it and the ground floor
FLOORS = ["nonlocal_ops", "methods", "engine", "estimation", "verbs", "jobs", "interfaces"]
ALLOWED = {name: GROUND | set(FLOORS[: i + 1]) for i, name in enumerate(FLOORS)}
BELOW_VERBS = GROUND | set(FLOORS[: FLOORS.index("verbs")])
ALLOWED["training"] = BELOW_VERBS | {"training"}
ALLOWED["benchmark"] = BELOW_VERBS | {"benchmark"}
ALLOWED["importing"] = GROUND | {"nonlocal_ops", "methods", "importing"}
ALLOWED["verbs"] |= {"importing"}
ALLOWED["interfaces"] |= {"training", "benchmark"}
ALLOWED["testing"] = BELOW_VERBS
for ground in GROUND:  # metrics and datasets may use errors and image; nothing of ours above
    ALLOWED[ground] = GROUND


def imports(path: Path):
    """Names of our own packages that the file imports, as (line, first part)."""
    package = ["nonloc", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            full = [*base, *(node.module.split(".") if node.module else [])]
            names = [full] if len(full) > 1 else [[*full, alias.name] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module.split(".")]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == "nonloc" and len(name) > 1:
                yield node.lineno, name[1]


def test_imports_run_downward():
    wrong = []
    for path in ROOT.rglob("*.py"):
        place = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if place in ("__init__", "__main__"):
            continue
        wrong += [
            f"{path.relative_to(ROOT)}:{line} imports {name}"
            for line, name in imports(path)
            if name not in ALLOWED[place]
        ]
    assert wrong == []


def test_methods_never_import_the_engine():
    assert not any(
        name in ("engine", "verbs", "interfaces") for p in (ROOT / "methods").rglob("*.py") for _, name in imports(p)
    )


def modules_after(code: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after running `code`."""
    program = f"import sys\n{code}\nprint(' '.join({{m.partition('.')[0] for m in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_importing_the_package_loads_nothing_heavy():
    assert not modules_after("import nonloc; dir(nonloc)") & {"numpy", "torch", "scipy", "numba", "PIL"}


def test_help_and_listing_load_neither_torch_nor_scipy():
    heavy = {"torch", "scipy", "numba"}
    for words in (["--help"], ["methods"], ["denoise", "--help"], ["methods", "--json"]):
        assert not modules_after(f"from nonloc.interfaces.cli import main; main({words})") & heavy
