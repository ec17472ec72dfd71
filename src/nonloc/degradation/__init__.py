"""What can happen to a picture: one vocabulary for training, benchmark, estimation and methods."""

from .degradation import Degradation, Distribution, Mixture, Random, RandomSequence, Sequence
from .noise import CameraNoise, Clip8, GaussianLevels, GaussianNoise
from .poisson_gaussian import PoissonGaussian, PoissonGaussianLevels
from .text import parse, parse_fixed

__all__ = [
    "CameraNoise",
    "Clip8",
    "Degradation",
    "Distribution",
    "GaussianLevels",
    "GaussianNoise",
    "Mixture",
    "PoissonGaussian",
    "PoissonGaussianLevels",
    "Random",
    "RandomSequence",
    "Sequence",
    "parse",
    "parse_fixed",
]
