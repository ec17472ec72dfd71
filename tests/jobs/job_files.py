"""Folders of small noisy pictures, and the command as a child process."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import nonloc
from nonloc import testing
from nonloc.image.image import Image
from nonloc.image.write import write
from nonloc.jobs import Task

COMMAND = [sys.executable, "-c", "import sys; from nonloc.interfaces.cli import main; sys.exit(main())"]
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(nonloc.__file__).parent.parent),
}
FAST = Task("denoise", "denoised", {"method": "gaussian", "sigma": "20"})


def picture(height=24, width=32, channels=1, seed=0, bits=8) -> Image:
    """A noisy picture; no two seeds give the same."""
    samples = testing.sample(height, width, channels, sigma=20).samples
    samples = samples + np.random.default_rng(seed).normal(0, 0.02, samples.shape)
    top = 2**bits - 1
    return Image((np.clip(samples, 0, 1) * top).round().astype(f"u{bits // 8}"), scale=1 / top)


def fill(folder: Path, *names: str, **kind) -> list[Path]:
    """Write one picture per name below `folder`."""
    paths = []
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        paths.append(write(picture(seed=seed, **kind), path))
    return paths


def start(*words, folder: Path, **options) -> subprocess.Popen:
    """`nonloc WORDS` as a child of its own process group."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **options,
    )


def run(*words, folder: Path, code: int = 0, data: bytes | None = None) -> tuple[bytes, str]:
    """The child's stdout and stderr; its exit code is asserted."""
    child = start(*words, folder=folder, stdin=subprocess.PIPE)
    out, err = child.communicate(data)
    assert child.returncode == code, err.decode()
    return out, err.decode()


def files(folder: Path) -> list[Path]:
    """All that is below `folder`, hidden or not, also while it changes."""
    return sorted(Path(at) / name for at, folders, names in os.walk(folder) for name in (*folders, *names))


def visible(folder: Path) -> dict[str, str]:
    """Checksums of all files that are not hidden, without the manifest, by name."""
    found = {}
    for path in files(folder):
        name = path.relative_to(folder)
        if path.is_file() and path.name != "nonloc-job.jsonl" and not any(part[0] == "." for part in name.parts):
            found[name.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def hidden(folder: Path) -> list[str]:
    """What a run left behind."""
    return [str(path) for path in files(folder) if path.name.startswith(".")]


def same(folder: Path) -> dict[str, tuple[int, int]]:
    """What changes when a file is written anew: inode and time."""
    return {name: ((folder / name).stat().st_ino, (folder / name).stat().st_mtime_ns) for name in visible(folder)}
