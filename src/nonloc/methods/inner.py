"""A trained method that another method runs inside: a denoiser as the prior of plug-and-play, the network of NN3D."""

from __future__ import annotations

from typing import cast

from .base import NetworkMethod
from .registry import create

ANY = 25  # sigma, to choose weights by: those that are told the level serve all of them


def made(inner: str, channels: int) -> NetworkMethod:
    """The network method `inner`, which is told the level of noise, for pictures of so many channels."""
    return cast(NetworkMethod, create(inner, channels=channels, sigma=ANY))
