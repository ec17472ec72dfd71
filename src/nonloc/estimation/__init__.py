"""What did happen to a picture, found from the picture alone."""

from .noise import NoiseEstimate, estimate_noise

__all__ = ["NoiseEstimate", "estimate_noise"]
