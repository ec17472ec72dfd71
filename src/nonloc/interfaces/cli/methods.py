"""nonloc methods"""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any, Literal

from cyclopts import Parameter

NAME = "methods"


def command(
    name: str = "*",
    /,
    *,
    task: Literal["denoise", "upscale", "deblur", "repair"] | None = None,
    runnable: Annotated[bool, Parameter(negative="")] = False,
    licence: Literal["open", "research"] | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """List methods, or tell all about one.

    Parameters
    ----------
    name
        A name, or a pattern such as '*nlm*'.
    task
        Only methods for this task.
    runnable
        Only methods that need nothing more than the package.
    licence
        Only methods with weights of this licence; 'open': anyone may use them for anything.
    json
        Print JSON: all fields of the cards.
    """
    from ...errors import UnknownMethod
    from ...methods.registry import card, methods

    names = methods(name, task=task, runnable=runnable or None, licence=licence)
    if not names and not any(c in name for c in "*?["):
        card(name)  # tells the nearest name, or that the filters exclude it
        raise UnknownMethod(f"method {name!r}", "the other options exclude it", "Leave them out")
    found = [card(n) for n in names]
    if json:
        print(json_module.dumps([as_dict(c) for c in found], indent=2))
    elif len(found) == 1 and name == found[0].name:
        print(_whole(found[0]))
    else:
        for c in found:
            missing = "" if c.runnable else "  (no weights yet)"
            print(f"{c.name:<24} {c.task:<8} {c.fidelity:<12} {'/'.join(c.licences) or '-':<9} {c.title}{missing}")
    return 0


def as_dict(card: Any) -> dict[str, Any]:
    """A card as JSON can hold it, without the paths of this machine."""
    from dataclasses import asdict

    told = {**asdict(card), "class": card.cls, "runnable": card.runnable, "licences": list(card.licences)}
    del told["path"], told["cls"]
    return told


def _whole(card: Any) -> str:
    lines = [f"{card.name}: {card.title}", f"  {card.advice}"]
    lines.append(f"  task: {card.task}; family: {card.family}; {card.fidelity}: {card.fidelity_why}")
    if card.sigma:
        lines.append(f"  sigma: {card.sigma[0]:g} to {card.sigma[1]:g}; channels: {', '.join(map(str, card.channels))}")
    if card.reference:
        lines.append("  source: " + ", ".join(f"{key} {value}" for key, value in card.reference.items()))
    for name, argument in card.arguments.items():
        default = "by rule" if argument.default is None else argument.default
        lines.append(f"  --set {name}={default}: {argument.meaning}; {argument.allowed}")
    for weights in card.weights:
        lines.append(f"  weights {weights.file} ({weights.licence}): {weights.data}")
    for score in card.scores:
        lines.append("  score: " + ", ".join(f"{key} {value}" for key, value in score.items()))
    return "\n".join(lines)
