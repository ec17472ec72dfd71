"""All that a training needs to go on as if it had never stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from ..errors import RecipeError
from .recipe import Recipe


def save(path: Path, recipe: Recipe, state: dict[str, Any]) -> None:
    """Write the state; a half-written file never takes the place of a whole one."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        torch.save({"recipe": recipe.as_dict(), **state}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path, recipe: Recipe) -> dict[str, Any]:
    """The state of an earlier run; RecipeError when it was a run of another recipe."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    theirs, ours = state["recipe"], recipe.as_dict()
    changed = sorted(key for key in ours if key != "name" and theirs.get(key) != ours[key])
    if changed:
        raise RecipeError(
            f"resuming {path.parent}",
            f"it was trained by another recipe: {', '.join(changed)} changed",
            "Take another --folder, or --fresh to begin again",
        )
    return state
