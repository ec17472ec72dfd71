"""Which method was measured: a fingerprint of its source, and its weights, so that a figure never outlives
its method.

The fingerprint covers the method's own module, the modules of `methods` and `nonlocal_ops` that it imports,
and those fields of its card that change what it computes. Comments, docstrings and layout do not count.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..methods.card import Card

OURS = __package__.rpartition(".")[0]
COUNTED = (f"{OURS}.methods.", f"{OURS}.nonlocal_ops")
MACHINERY = tuple(f"{OURS}.methods.{name}" for name in ("base", "card", "registry", "weights"))


def code(card: Card) -> str:
    """12 hex digits that change when the method does."""
    settings = {name: argument.default for name, argument in card.arguments.items()}
    data = repr((sorted(settings.items()), sorted(card.network.items()), card.needs))
    return hashlib.sha256(f"{data}\n{_sources(card.cls.partition(':')[0])}".encode()).hexdigest()[:12]


@cache
def _sources(module: str) -> str:
    """The trees of a module and of all counted modules behind it, as text."""
    seen: dict[str, str] = {}
    pending = [module]
    while pending:
        name = pending.pop()
        path = _file(name)
        if name in seen or path is None:
            continue
        tree = _bare(ast.parse(path.read_text(encoding="utf-8")))
        seen[name] = ast.dump(tree)
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        pending += [found for found in _imports(tree, package) if found.startswith(COUNTED) and found not in MACHINERY]
    return "\n".join(f"{name}: {seen[name]}" for name in sorted(seen))


def _file(module: str) -> Path | None:
    """Where the module's source lies; None for what is no module, such as a name imported from one."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _imports(tree: ast.AST, package: str) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            home = ".".join([*base, *([node.module] if node.module else [])])
            found += [home, *(f"{home}.{alias.name}" for alias in node.names)]
    return found


def _bare(tree: ast.Module) -> ast.Module:
    """The tree without docstrings."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return tree
