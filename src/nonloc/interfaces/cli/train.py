"""nonloc train"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

NAME = "train"


def command(
    recipe: str,
    /,
    *,
    folder: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
    start: str | None = None,
    minutes: float | None = None,
    rate: float | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    ship: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Train a network by a recipe; goes on where an earlier run in the same folder stopped.

    Parameters
    ----------
    recipe
        A TOML file, or the name of one in the package, such as nonloc-s-color.
    folder
        Where checkpoint, log and weights go; default: runs/RECIPE.
    device
        cpu or cuda.
    threads
        CPU threads; two trainings with one thread each are faster than one with two.
    start
        Instead of the recipe's: scratch, shipped for the weights in the package, or a file.
    minutes
        Instead of the recipe's length, however that is given.
    rate
        Instead of the recipe's highest learning rate; about half of it when going on from trained weights.
    fresh
        Begin again, whatever the folder holds.
    ship
        Train nothing; put the folder's weights into the package, under the recipe's name, and onto the card.
    """
    import torch

    from ...training.loop import Event, Training
    from ...training.recipe import changed, read_recipe

    if ship:
        from ...training.ship import ship as put

        name = read_recipe(recipe).name
        digest = put((folder or Path("runs") / name) / "weights.safetensors", title=name)
        print(f"shipped {name}, sha256 {digest}")
        return 0
    if threads:
        torch.set_num_threads(threads)
    read = changed(read_recipe(recipe), start, minutes, rate)
    training = Training(read, folder or Path("runs") / read.name, device=device, fresh=fresh)
    if training.progress.step:
        print(f"going on after {training.progress.step} steps ({training.progress.fraction:.1%})", flush=True)

    def tell(event: Event) -> None:
        line = f"step {event.step}  {event.fraction:6.2%}  {event.seconds / 60:6.1f} min  loss {event.loss:.5f}"
        if event.psnr:
            line += "  " + "  ".join(f"{sigma:g}: {value:.3f} dB" for sigma, value in event.psnr.items())
        if event.psnr or event.step % 500 == 0:
            print(line, flush=True)

    training.run(tell)
    print(f"weights: {training.folder / 'weights.safetensors'}")
    return 0
