"""What can happen to a picture: one vocabulary for training, benchmark, estimation and methods."""

from .blur import Blur, Defocus, GaussianBlur, KernelBlur, MotionBlur, TurnedGaussianBlur, TurnedGaussians
from .compression import Jpeg, JpegQualities
from .damage import Missing, SaltAndPepper
from .degradation import Degradation, Distribution, Mixture, Random, RandomSequence, Sequence
from .gaussian_map import GaussianMap
from .noise import CameraNoise, Clip8, GaussianLevels, GaussianNoise
from .poisson_gaussian import PoissonGaussian, PoissonGaussianLevels
from .rician import Rician
from .scaling import Downscale
from .speckle import Speckle
from .text import parse, parse_fixed

__all__ = [
    "Blur",
    "CameraNoise",
    "Clip8",
    "Defocus",
    "Degradation",
    "Distribution",
    "Downscale",
    "GaussianBlur",
    "GaussianLevels",
    "GaussianMap",
    "GaussianNoise",
    "Jpeg",
    "JpegQualities",
    "KernelBlur",
    "Missing",
    "Mixture",
    "MotionBlur",
    "PoissonGaussian",
    "PoissonGaussianLevels",
    "Random",
    "RandomSequence",
    "Rician",
    "SaltAndPepper",
    "Sequence",
    "Speckle",
    "TurnedGaussianBlur",
    "TurnedGaussians",
    "parse",
    "parse_fixed",
]
