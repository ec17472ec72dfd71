"""nonloc train"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

NAME = "train"


def command(
    recipe: str | None = None,
    /,
    *,
    noisy: Path | None = None,
    pairs: Path | None = None,
    way: str = "",
    method: Annotated[str, Parameter(name=["--method", "-m"])] = "nonloc-lab",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    keep: Path | None = None,
    folder: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
    start: str | None = None,
    minutes: float | None = None,
    rate: float | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    ship: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Train a network by a recipe, or on noisy pictures alone; goes on where an earlier run in the folder stopped.

    Parameters
    ----------
    recipe
        A TOML file, or the name of one in the package, such as nonloc-s-color.
    noisy
        In place of a recipe: a folder or a stack of noisy pictures. 'nonloc denoise -m METHOD' then finds the weights.
    pairs
        With --noisy: the same pictures once more, with other noise, under the same names.
    way
        With --noisy and no pairs: masked (Noise2Void, the default) or neighbours (Neighbor2Neighbor).
    method
        With --noisy: the network, one that need not be told the noise.
    output
        With --noisy: also write the weights here, to be passed on.
    keep
        Train nothing; take over weights that another wrote with --output.
    folder
        Where checkpoint, log and weights go; default: runs/RECIPE, or runs/noisy-FOLDER.
    device
        cpu or cuda.
    threads
        CPU threads; two trainings with one thread each are faster than one with two.
    start
        Instead of the recipe's: scratch, shipped for the weights in the package, or a file.
    minutes
        Instead of the recipe's length, however that is given; 20 with --noisy.
    rate
        Instead of the recipe's highest learning rate; about half of it when going on from trained weights.
    fresh
        Begin again, whatever the folder holds.
    ship
        Train nothing; put the folder's weights into the package, under the recipe's name, and onto the card.
    """
    import torch

    from ...errors import UsageError
    from ...training.loop import Event, Training
    from ...training.own import keep_weights, noisy_recipe
    from ...training.recipe import changed, read_recipe

    given = [name for name, value in (("RECIPE", recipe), ("--noisy", noisy), ("--keep", keep)) if value is not None]
    if len(given) != 1:
        raise UsageError("training", " and ".join(given) or "nothing to train was given", "Give one: RECIPE or --noisy")
    if keep is not None:
        print(keep_weights(keep))
        return 0
    if noisy is None and (pairs or way or output):
        raise UsageError("training by a recipe", "--pairs, --way and --output go with --noisy", "Leave them out")
    if ship:
        from ...training.ship import ship as put

        if recipe is None:
            raise UsageError("--ship", "your own weights are no part of the package", "Give --output to pass them on")
        name = read_recipe(recipe).name
        digest = put((folder or Path("runs") / name) / "weights.safetensors", title=name)
        print(f"shipped {name}, sha256 {digest}")
        return 0
    if threads:
        torch.set_num_threads(threads)
    asked = read_recipe(recipe) if recipe is not None else noisy_recipe(noisy, pairs, method, way)  # type: ignore[arg-type]
    read = changed(asked, start, minutes, rate)
    training = Training(read, folder or Path("runs") / read.name, device=device, fresh=fresh)
    if training.progress.step:
        print(f"going on after {training.progress.step} steps ({training.progress.fraction:.1%})", flush=True)

    def tell(event: Event) -> None:
        line = f"step {event.step}  {event.fraction:6.2%}  {event.seconds / 60:6.1f} min  loss {event.loss:.5f}"
        if event.psnr:
            line += "  " + "  ".join(f"{sigma:g}: {value:.3f} dB" for sigma, value in event.psnr.items())
        if event.held_out is not None:
            line += f"  held out {event.held_out:.5f}, doing nothing {event.nothing:.5f} (no PSNR)"
        if event.psnr or event.held_out is not None or event.step % 500 == 0:
            print(line, flush=True)

    training.run(tell)
    weights = training.folder / "weights.safetensors"
    print(f"weights: {weights}")
    if noisy is not None:
        if output is not None:
            output.write_bytes(weights.read_bytes())
            print(f"weights: {output}")
        print(keep_weights(weights))
    return 0
