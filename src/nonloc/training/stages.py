"""Training a network stage by stage: each alone behind those before it, then all together.

Source: Schmidt, Roth, CVPR 2014, section 3.2, and Chen, Pock, IEEE TPAMI 2017, section 4: greedy, then joint.
"""

from __future__ import annotations

from torch import nn

from ..errors import RecipeError


def enter(network: nn.Module, fraction: float, greedy: float) -> None:
    """Let `network` have as many stages, and learn in those, as `fraction` of the way asks for.

    network: with `stages`, a ModuleList, and `depth`, how many of them run. greedy: the part of the way in which the
    stages come one after another, in equal times, each learning alone; after it all learn. RecipeError for a network
    without stages.
    """
    stages = getattr(network, "stages", None)
    if not isinstance(stages, nn.ModuleList) or not hasattr(network, "depth"):
        raise RecipeError("training stage by stage", f"{type(network).__name__} has no stages", "Leave [stages] out")
    joint = fraction >= greedy
    depth = len(stages) if joint else int(fraction / greedy * len(stages)) + 1
    network.depth = depth  # type: ignore[assignment]
    for i, stage in enumerate(stages):
        stage.requires_grad_(joint or i == depth - 1)
