"""nonloc-photo: nonloc-s trained on simulated cameras, whose noise is coarse, coloured and under a JPEG.

Source: the network is nonloc-s's; the training pairs are those of `nonloc.degradation.camera`, after Brooks et al.,
"Unprocessing images for learned raw denoising", CVPR 2019, DOI 10.1109/CVPR.2019.01129. The level that it is told is
that of `middle_level` there, and was not quite right in training, as estimates are not.
"""

from __future__ import annotations

from .nonloc_s import NonlocSMethod


class NonlocPhotoMethod(NonlocSMethod):
    """The method of nonloc-s with other weights."""
