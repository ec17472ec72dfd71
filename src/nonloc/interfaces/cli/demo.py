"""nonloc demo"""

from __future__ import annotations

from pathlib import Path

NAME = "demo"


def command(folder: Path = Path(), /) -> int:
    """Restore a bundled sample picture, and say where before and after are.

    Parameters
    ----------
    folder
        Where the three pictures go; default: here.
    """
    from ...verbs.demo import demo

    found = demo(folder)
    print(f"noisy     {found.noisy}  {found.psnr_before:.2f} dB")
    print(f"restored  {found.restored}  {found.psnr_after:.2f} dB")
    print("\n".join(f"  {line}" for line in str(found.record).splitlines()))
    print(f"before and after at 100 %: {found.sheet}")
    return 0
