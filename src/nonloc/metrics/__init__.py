"""How near a restored picture is to the clean one.

SciPy loads inside the functions that need it. The names are bound here, not lazily: `psnr` and `ssim` are
also names of the files they live in, and a lazy name would be hidden as soon as somebody imported the file.
"""

from .luma import luma
from .psnr import im2uint8, psnr
from .ssim import ssim

__all__ = ["im2uint8", "luma", "psnr", "ssim"]
