"""The one training loop: from a recipe to weights."""

from __future__ import annotations

import copy
import csv
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..degradation import parse
from ..engine.device import place
from ..methods import registry
from ..methods import weights as weights_files
from . import checkpoint, stages
from .data import Batch, Crops, TorchRandom, draw_batch, load_pictures
from .loss import fastest_precision, training_loss
from .noisy import noisy_loss
from .noisy_pictures import load_noisy
from .recipe import Recipe
from .schedule import Progress, ema_decay, rate
from .start import check_blind, module_of, network_method, started
from .terms import own_terms, terms
from .validation import HeldOut, Validation

BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Event:
    """What the loop tells while it runs: after each `tell_every` steps, and after each validation.

    psnr: by sigma. held_out: where nothing clean is known, the loss of noisy pictures kept apart, which is no PSNR;
    nothing: that of leaving them as they are.
    """

    step: int
    fraction: float
    seconds: float
    loss: float
    rate: float
    psnr: dict[float, float] | None = None
    held_out: float | None = None
    nothing: float | None = None


class Training:
    """A recipe being trained in a folder, which holds `checkpoint.pt`, `log.csv` and `weights.safetensors`.

    Continues where an earlier run in the same folder stopped. In `steps` mode on a CPU, interrupted and resumed equals
    uninterrupted, bit for bit.
    """

    def __init__(self, recipe: Recipe, folder: Path, *, device: str = "cpu", fresh: bool = False):
        self.card = registry.card(recipe.method)
        self.noisy = load_noisy(recipe.noisy) if recipe.noisy is not None else None
        if self.noisy is not None:
            check_blind(self.card)
            recipe = self.noisy.settle(recipe, self.card)
        self.recipe, self.folder, self.device = recipe, folder, device
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self.module = place(module_of(self.card, recipe), device)
        self.ema = copy.deepcopy(self.module).eval().requires_grad_(False)
        options = recipe.optimizer
        self.optimizer = torch.optim.AdamW(
            self.module.parameters(), lr=options.rate, betas=options.betas, weight_decay=options.weight_decay
        )
        self.rng = np.random.default_rng(recipe.seed)
        # of a blind network nothing: it is given the picture alone
        self.condition = network_method(self.card).conditions
        self.noise = TorchRandom(torch.Generator(device).manual_seed(recipe.seed))
        self.progress = Progress(recipe.schedule)
        self.scores: dict[float, float] = {}
        self.held_out: float | None = None
        self.precision = recipe.precision
        self.validation: Validation | HeldOut
        if self.noisy is not None:
            self.crops: Crops = self.noisy.crops(recipe.data.patch, device)
            self.validation = HeldOut(self.noisy, device)
        else:
            self.degradation = parse(recipe.degradation)
            self.crops = Crops(load_pictures(recipe.data.pictures, recipe.channels), recipe.data.patch, device)
            self.validation = Validation(recipe, self.card)
        self.checkpoint = folder / "checkpoint.pt"
        if self.checkpoint.is_file() and not fresh:
            self._restore(checkpoint.load(self.checkpoint, recipe))

    def run(
        self,
        listener: Callable[[Event], None] | None = None,
        *,
        stop_after: int | None = None,
        save_every: float = 180,
        tell_every: int = 50,
    ) -> dict[float, float]:
        """Train to the end of the schedule, or for `stop_after` steps; returns the last validation's PSNR by sigma."""
        if self.precision == "auto":
            self.precision = fastest_precision(self.module, self._batch, self._loss, self.device)
        every, first_step = self.recipe.validate, self.progress.step
        saved = validated = self.progress.seconds
        losses: list[float] = []
        clock = self.progress.now()
        while not self.progress.done:
            losses.append(self._step())
            now = self.progress.now()
            self.progress.seconds, clock = self.progress.seconds + now - clock, now
            self.progress.step += 1
            if listener and self.progress.step % tell_every == 0:
                listener(self._event(float(np.mean(losses[-tell_every:]))))
            stopping = stop_after is not None and self.progress.step - first_step >= stop_after
            if every.steps:
                due = self.progress.step % every.steps == 0
            else:
                due = self.progress.seconds - validated > 60 * every.minutes
            if due or self.progress.done:
                validated = self.progress.seconds
                self._validate(float(np.mean(losses[-1000:])), listener)
                losses = losses[-1000:]
                clock = self.progress.now()  # the schedule counts training only
            if due or stopping or self.progress.done or self.progress.seconds - saved > save_every:
                saved = self.progress.seconds
                checkpoint.save(self.checkpoint, self.recipe, self._state())
                clock = self.progress.now()
            if stopping:
                break
        return self.scores

    def _step(self) -> float:
        if self.recipe.stages is not None:
            stages.enter(self.module, self.progress.fraction, self.recipe.stages.greedy)
            self.ema.depth = self.module.depth
        factor = rate(self.progress.fraction, self.recipe.schedule.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.optimizer.rate * factor
        loss = self._loss(self.module, self._batch(), self.precision)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.optimizer.clip)
        self.optimizer.step()
        decay = ema_decay(self.progress.step, self.recipe.optimizer.ema)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.parameters()), list(self.module.parameters()), 1 - decay)
            for mean, buffer in zip(self.ema.buffers(), self.module.buffers(), strict=True):
                mean.copy_(buffer)
        return float(loss.detach())

    def _batch(self) -> Batch:
        return self._draw(self.rng, self.noise)

    def _loss(self, module: nn.Module, batch: Batch, precision: str) -> torch.Tensor:
        if self.noisy is not None:
            return noisy_loss(module, batch, self.noisy.spread, precision)
        return training_loss(module, batch, self.recipe.optimizer.noise_floor, precision)

    def _draw(self, rng: np.random.Generator, noise: TorchRandom) -> Batch:
        if self.noisy is not None:
            return self.noisy.lesson(self.crops.draw(self.recipe.data.batch, rng), noise)
        return draw_batch(self.crops, self.recipe.data.batch, self.degradation, rng, noise, self.condition)

    def _validate(self, loss: float, listener: Callable[[Event], None] | None) -> None:
        if any(isinstance(layer, BATCH_NORM) for layer in self.ema.modules()):
            self._recalibrate()
        self.scores = self.validation.psnr(self.ema)
        event = self._event(loss, self.scores)
        if isinstance(self.validation, HeldOut):
            self.held_out = self.validation.loss(self.ema)
            event = replace(event, held_out=self.held_out, nothing=self.validation.nothing)
        _log(self.folder / "log.csv", event)
        weights_files.save(self.ema, self.folder / "weights.safetensors", self.metadata())
        if listener:
            listener(event)

    def _recalibrate(self, batches: int = 50) -> None:
        """The averaged weights' own batch statistics; those of the live weights are not theirs."""
        layers = [layer for layer in self.ema.modules() if isinstance(layer, BATCH_NORM)]
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean over all batches
        rng = np.random.default_rng(self.recipe.seed)
        noise = TorchRandom(torch.Generator(self.device).manual_seed(self.recipe.seed))
        self.ema.train()
        with torch.no_grad():
            for _ in range(batches):
                batch = self._draw(rng, noise)
                self.ema(batch.noisy, *batch.told)
        self.ema.eval()
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum

    def metadata(self) -> dict[str, Any]:
        """What goes into the weights file."""
        recipe = {**self.recipe.as_dict(), "start": started(self.recipe.start)}
        data = terms(self.recipe.data.pictures)
        if self.noisy is not None and self.recipe.noisy is not None:
            data, recipe["noisy"] = own_terms(self.recipe.noisy, self.noisy.count)
        return {
            "method": self.recipe.method,
            "network": {"channels": self.recipe.channels, **self.card.network, **self.recipe.network},
            "recipe": recipe,
            "data": data,
            "steps": self.progress.step,
            "minutes": round(self.progress.seconds / 60, 1),
            "device": f"{self.device}, {platform.machine()}, {torch.get_num_threads()} thread, {self.precision}",
            "torch": torch.__version__,
            "validation": self.validation.told(self.scores, self.held_out),
        }

    def _event(self, loss: float, psnr: dict[float, float] | None = None) -> Event:
        progress = self.progress
        return Event(
            progress.step,
            progress.fraction,
            progress.seconds,
            loss,
            self.optimizer.param_groups[0]["lr"],
            psnr,
        )

    def _state(self) -> dict[str, Any]:
        return {
            "module": self.module.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": self.rng.bit_generator.state,
            "noise": self.noise.generator.get_state(),
            "step": self.progress.step,
            "seconds": self.progress.seconds,
            "precision": self.precision,
            "scores": self.scores,
            "held_out": self.held_out,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.module.load_state_dict(state["module"])
        self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.bit_generator.state = state["rng"]
        self.noise.generator.set_state(state["noise"])
        self.progress.step, self.progress.seconds = state["step"], state["seconds"]
        self.precision, self.scores, self.held_out = state["precision"], state["scores"], state.get("held_out")


def _log(path: Path, event: Event) -> None:
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        scores = {f"psnr_{sigma:g}": value for sigma, value in (event.psnr or {}).items()}
        if event.held_out is not None:
            scores["held_out"] = event.held_out
        if new:
            writer.writerow(["step", "fraction", "minutes", "loss", "rate", *scores])
        writer.writerow(
            [
                event.step,
                f"{event.fraction:.5f}",
                f"{event.seconds / 60:.2f}",
                f"{event.loss:.6f}",
                f"{event.rate:.3e}",
            ]
            + [f"{value:.4f}" for value in scores.values()]
        )
        file.flush()
        os.fsync(file.fileno())
