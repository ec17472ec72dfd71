"""A picture's colours as a screen shows them: sRGB bytes, by the profile that the file brings."""

from __future__ import annotations

import io

import numpy as np

from ...image.image import Image

SPACES = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}  # as bytes 16 to 20 of a profile say
MODES = {1: "L", 3: "RGB", 4: "CMYK"}


class Colours:
    """How the pixels of one picture are shown. channels: of what is shown, 1 or 3."""

    def __init__(self, picture: Image):
        self.count = picture.channels
        self.channels = 3 if self.count in (3, 4) else 1
        self.transform = _transform(picture.metadata.icc, self.count)

    def shown(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (C, h, w), black 0 and white 1, as bytes (h, w, `channels`)."""
        if self.transform is None:
            return _bytes(self.plain(pixels))
        from PIL import Image as Pillow
        from PIL import ImageCms

        ink = 1 - pixels if self.count == 4 else pixels  # a profile counts ink, our pixels count light
        eight = _bytes(np.moveaxis(ink, 0, -1))
        mode = MODES[self.count]
        strip = Pillow.frombytes(mode, (eight.shape[1], eight.shape[0]), eight.tobytes())
        made = np.asarray(ImageCms.applyTransform(strip, self.transform))
        return made[..., : self.channels]

    def plain(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (C, h, w) as (h, w, `channels`) floats without the profile; of other channel counts the first."""
        if self.count == 4:
            pixels = pixels[:3] * pixels[3]  # ink over ink
        return np.moveaxis(pixels[: self.channels], 0, -1)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _transform(icc: bytes | None, count: int):
    """From the file's profile to sRGB; None where there is none, it is sRGB already, or of another kind."""
    if not icc or count not in SPACES or icc[16:20] != SPACES[count]:
        return None
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if "srgb" in (ImageCms.getProfileDescription(profile) or "").lower():
            return None
        return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), MODES[count], "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None  # a damaged profile is no reason to show nothing
