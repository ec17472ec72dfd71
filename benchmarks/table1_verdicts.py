"""Claims of the review article as differences of measured figures, and the rule that judges them.

Source: the article's Table 1 and its text (Antonenko et al., 2024, DOI 10.32782/tnv-tech.2024.6.1). Nothing here is
judged by hand: a claim says that one figure is larger than another, and `verdict` looks at the seeds.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from equal_time import spread
from noise_kinds import COMPLEX

Seeds = list[float]  # one figure, a value for each seed
LEAST = 0.01  # dB; a smaller difference is undecided however alike the seeds are: rounding to bf16 costs about as much


class Figures:
    """Rows of results/table1.csv by network, probe and place; KeyError for what is not measured."""

    def __init__(self, rows: list[dict[str, str]]):
        self.rows: dict[tuple[str, str], dict[str, Seeds]] = defaultdict(lambda: defaultdict(list))
        for r in sorted(rows, key=lambda r: int(r["seed"])):
            self.rows[r["network"], r["probe"]][r["at"]].append(float(r["value"]))

    def places(self, network: str, probe: str) -> list[str]:
        return list(self.rows.get((network, probe), {}))

    def __call__(self, network: str, probe: str, at: str | int) -> Seeds:
        found = self.rows.get((network, probe), {}).get(str(at))
        if not found:
            raise KeyError(f"{network} {probe} {at}")
        return found

    def mean_of(self, network: str, probe: str, at: tuple[str, ...]) -> Seeds:
        """The mean over several places, for each seed."""
        if not at:
            raise KeyError(f"{network} {probe}")
        return [statistics.mean(values) for values in zip(*(self(network, probe, a) for a in at), strict=True)]

    def less(self, network: str, probe: str, later: str | int, earlier: str | int) -> Seeds:
        """One place minus another, seed by seed."""
        pairs = zip(self(network, probe, later), self(network, probe, earlier), strict=True)
        return [a - b for a, b in pairs]

    def complex(self, network: str) -> Seeds:
        return self.mean_of(network, "noise", COMPLEX)

    def far(self, network: str) -> Seeds:
        """Gain from copies at 32 pixels and more."""
        return self.mean_of(network, "copy", tuple(d for d in self.places(network, "copy") if int(d) >= 32))

    def beyond(self, network: str) -> Seeds:
        """Share of the gradient further away than 32 pixels."""
        radii = [int(r) for r in self.places(network, "gradient") if r.isdigit() and int(r) <= 32]
        return [1 - share for share in self(network, "gradient", max(radii, default=""))]

    def smallest(self, network: str) -> str:
        return next(iter(self.places(network, "size")), "")

    def small_loss(self, network: str) -> Seeds:
        """What the smallest picture loses to the whole one."""
        return self.less(network, "size", "whole", self.smallest(network))

    def all_steps(self, network: str) -> Seeds:
        """Gain of the last step over the first; 0 by construction where there is one."""
        if not (steps := self.places(network, "step")):
            return [0.0] * len(self(network, "noise", "white"))
        return self.less(network, "step", steps[-1], steps[0])

    def last_step(self, network: str) -> Seeds:
        last = len(self.places(network, "step"))
        return self.less(network, "step", last, last - 1)

    def longest(self, network: str) -> str:
        return max(self.places(network, "memory"), key=int, default="")


Of = Callable[[Figures], Seeds]


@dataclass(frozen=True)
class Claim:
    """What the article says, in our words; it is right where `more` is larger than `less`."""

    where: str
    says: str
    shown_by: str
    more: Of
    less: Of
    unit: str = "dB"

    def figures(self, figures: Figures) -> tuple[Seeds, Seeds] | None:
        """Both figures, or None where one is not measured."""
        try:
            return self.more(figures), self.less(figures)
        except KeyError:
            return None

    def judged(self, figures: Figures) -> str:
        found = self.figures(figures)
        return verdict(*found, least=LEAST if self.unit == "dB" else 0) if found else "not measured"


def verdict(more: Seeds, less: Seeds, least: float = 0) -> str:
    """'confirmed' or 'refuted' when the means differ by more than twice the larger spread of the seeds and by more than
    `least`, else 'undecided'.

    One seed decides nothing. Counts have no spread, and any difference decides.
    """
    difference = statistics.mean(more) - statistics.mean(less)
    if min(len(more), len(less)) < 2 or abs(difference) <= max(2 * larger_spread(more, less), least):
        return "undecided"
    return "confirmed" if difference > 0 else "refuted"


def larger_spread(more: Seeds, less: Seeds) -> float:
    return max(spread(more), spread(less))


NL = "rnn-nl"
# (row and column of Table 1), in its order
CELLS = [
    Claim("memory, recurrent", "uses memory for sequential data", "denoiser of sequences: longest memory over none",
          lambda f: f("recurrent", "memory", f.longest("recurrent")), lambda f: f("recurrent", "memory", 1)),
    Claim("memory, convolutional", "no explicit memory of past inputs",
          "gain from frames before the last five: recurrent over five-frame",
          lambda f: f.less("recurrent", "memory", f.longest("recurrent"), 5),
          lambda f: f.less("five-frame", "memory", f.longest("five-frame"), 5)),
    Claim("memory, perceptron", "no memory, each input alone", "gain of the last step over the first: rnn over mlp",
          lambda f: f.all_steps("rnn"), lambda f: f.all_steps("mlp")),
    Claim("sharing, recurrent", "weights are shared by the steps", "uses of a weight a pixel: rnn over cnn",
          lambda f: f("rnn", "cost", "uses"), lambda f: f("cnn", "cost", "uses"), ""),
    Claim("sharing, convolutional", "weights are shared in space", "uses of a weight a pixel: cnn over mlp",
          lambda f: f("cnn", "cost", "uses"), lambda f: f("mlp", "cost", "uses"), ""),
    Claim("sharing, perceptron", "each neuron has its own weights", "parameters at equal cost: mlp over cnn",
          lambda f: f("mlp", "cost", "parameters"), lambda f: f("cnn", "cost", "parameters"), ""),
    Claim("context, recurrent", "captures long-term dependencies",
          "gain from copies 32 pixels away and more: rnn over cnn",
          lambda f: f.far("rnn"), lambda f: f.far("cnn")),
    Claim("context, convolutional", "limited field, local context",
          "share of the gradient beyond 32 pixels: cnn-nl over cnn",
          lambda f: f.beyond("cnn-nl"), lambda f: f.beyond("cnn"), ""),
    Claim("context, perceptron", "does not model context", "radius of 90 % of the gradient: cnn over mlp",
          lambda f: f("cnn", "gradient", "radius"), lambda f: f("mlp", "gradient", "radius"), "pixels"),
    Claim("noise, recurrent", "processes complex noise patterns", "mean PSNR on the four kinds not white: rnn over cnn",
          lambda f: f.complex("rnn"), lambda f: f.complex("cnn")),
    Claim("noise, convolutional", "reduces noise effectively in local areas", "PSNR on white noise: cnn over mlp",
          lambda f: f("cnn", "noise", "white"), lambda f: f("mlp", "noise", "white")),
    Claim("noise, perceptron", "limited on complex noise", "mean PSNR on the four kinds not white: cnn over mlp",
          lambda f: f.complex("cnn"), lambda f: f.complex("mlp")),
]  # fmt: skip
TEXT = [
    Claim("non-local in recurrent", "long-term dependencies are taken into account",
          "gain from copies 32 pixels away and more: rnn-nl over rnn", lambda f: f.far(NL), lambda f: f.far("rnn")),
    Claim("non-local in recurrent", "pictures of any size without loss of quality",
          "loss of the smallest picture to the whole: cnn over rnn-nl",
          lambda f: f.small_loss("cnn"), lambda f: f.small_loss(NL)),
    Claim("non-local in recurrent", "overall better quality", "PSNR on white noise: rnn-nl over cnn",
          lambda f: f(NL, "noise", "white"), lambda f: f("cnn", "noise", "white")),
    Claim("non-local in recurrent", "keeps and uses information at each step",
          "rnn-nl: the last step over the one before",
          lambda f: f.last_step(NL), lambda f: [0.0] * len(f.last_step(NL))),
    Claim("non-local", "improves a recurrent network", "PSNR on white noise: rnn-nl over rnn",
          lambda f: f(NL, "noise", "white"), lambda f: f("rnn", "noise", "white")),
    Claim("non-local", "improves a convolutional network", "PSNR on white noise: cnn-nl over cnn",
          lambda f: f("cnn-nl", "noise", "white"), lambda f: f("cnn", "noise", "white")),
    Claim("recurrent", "better than convolutional, by its memory", "PSNR on white noise: rnn over cnn",
          lambda f: f("rnn", "noise", "white"), lambda f: f("cnn", "noise", "white")),
    Claim("recurrent, non-local", "suits complex noise patterns",
          "mean PSNR on the four kinds not white: rnn-nl over cnn",
          lambda f: f.complex(NL), lambda f: f.complex("cnn")),
    Claim("recurrent", "suits sequential data", "PSNR with the longest memory: recurrent over five-frame",
          lambda f: f("recurrent", "memory", f.longest("recurrent")),
          lambda f: f("five-frame", "memory", f.longest("five-frame"))),
    Claim("convolutional", "suits small pictures", "PSNR of the smallest pictures: cnn over rnn-nl",
          lambda f: f("cnn", "size", f.smallest("cnn")), lambda f: f(NL, "size", f.smallest(NL))),
]  # fmt: skip
