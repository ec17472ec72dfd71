"""nonloc import-weights"""

from __future__ import annotations

from pathlib import Path

NAME = "import-weights"


def command(file: Path, /, *, sigma: float | None = None) -> int:
    """Take over weights that a paper's authors released, to check our networks against theirs or to use them.

    Reads NLRN's TensorFlow bundles (give the folder, or its .index file), the MATLAB files of DnCNN, FFDNet, CSF, NLNet
    and BM3D-Net, and the .pth files of ECNDNet. The numbers are kept in your own folder, never in the package; what
    their authors allow is between you and them.

    Parameters
    ----------
    file
        The authors' file or folder.
    sigma
        The level of noise it was trained for (0-255 scale), where the file does not tell.
    """
    from ...verbs.import_weights import import_weights

    kept = import_weights(file, sigma=sigma)
    low, high = kept.weights.sigma
    levels = f"sigma {low:g}" if low == high else f"sigma {low:g} to {high:g}"
    colour = "colour" if kept.weights.channels == 3 else "gray"
    print(f"{kept.method}: {colour}, {levels}; kept in {kept.folder}")
    return 0
