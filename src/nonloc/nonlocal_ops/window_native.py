"""Window attention in C++, compiled at first use where there is a compiler; never needed, inference only.

Source of the operation: see window.py; of the kernel's design: window_native.cpp. The compiled kernel is kept in the
user's cache folder, under a name made of source, compiler, flags and processor: a change of any makes a new one.
Environment: NONLOC_NATIVE=off keeps it from being used; CXX names the compiler, CXXFLAGS the processor to compile for,
such as -mavx2, in place of this one.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

SOURCE = Path(__file__).with_suffix(".cpp")
FLAGS = ("-O3", "-std=c++17", "-shared", "-fPIC", "-pthread")
NATIVE = "-mcpu=native" if platform.machine() in ("aarch64", "arm64") else "-march=native"
COMPILERS = ("g++", "c++", "clang++")
PATIENCE = 300  # seconds for a compiler; it takes 2 alone, 10 on a busy machine


def load() -> ctypes.CDLL | None:
    """The compiled kernel, or None where there is none; `status` says why."""
    return _library()[0]


def status() -> str:
    """Whether window attention runs compiled here, and if not, why: one line for `nonloc doctor`."""
    return _library()[1]


def held_numbers(height: int, width: int, window: int, border: str = "clamp") -> int:
    """How many logits `attend` holds for one picture: a row of keys takes whole vectors."""
    rows, columns = (_keys(side, window, border) for side in (height, width))
    return height * width * rows * _whole(columns)


def holds(dtype: torch.dtype) -> bool:
    """Whether logits can be held in this dtype: float32, and float16 where the processor converts it."""
    library = load()
    return dtype == torch.float32 or (
        dtype == torch.float16 and library is not None and bool(library.nonloc_holds_half())
    )


def attend(
    theta: Tensor,
    phi: Tensor,
    g: Tensor,
    window: int,
    border: str,
    held: Tensor | None,
    keep: bool,
    products: torch.dtype,
    held_as: torch.dtype,
) -> tuple[Tensor, Tensor | None]:
    """z (B, m, H, W) and the logits held, (B, H, W, key rows, key columns in whole vectors), changed in place.

    theta (already scaled), phi (B, l, H, W), g (B, m, H, W): float32 on the CPU; no autograd. products: torch.bfloat16
    rounds theta, phi, weights and g minus its mean where the processor multiplies such pairs. held_as: see `holds`.
    The result is the same for any number of threads, and the same bits for a tile whose halo is wide enough.
    """
    library = load()
    assert library is not None
    batch, m, height, width = g.shape
    columns = _whole(_keys(width, window, border))
    # a stride that is no multiple of 4 kB: rows of all channels would fall on the same cache lines
    stride = _whole(width) + columns + (_whole(1) if (_whole(width) + columns) % 64 == 0 else 0)
    theta, phi, g = (maps.detach() for maps in (theta, phi, g))
    pairs = products == torch.bfloat16 and bool(library.nonloc_pairs())
    Q = theta.permute(0, 2, 3, 1)
    K = functional.pad(phi.permute(0, 2, 1, 3), (0, stride - width))
    mean = g.mean((2, 3), keepdim=True) if pairs else g.new_zeros(1, 1, 1, 1)  # rows of P sum to 1: it can wait outside
    V = functional.pad((g - mean if pairs else g).permute(0, 2, 3, 1), (0, _whole(m) - m))
    if pairs:
        odd = theta.shape[1] % 2
        Q = functional.pad(Q, (0, odd)).bfloat16()
        K = functional.pad(K, (0, 0, 0, odd)).bfloat16().unflatten(2, (-1, 2)).transpose(3, 4)
        # pairs of keys from key 0 and from key 1 on; zeros follow the last one
        V = functional.pad(V, (0, 0, 0, 3 - width % 2)).bfloat16()
        count = width // 2 + 1
        V = torch.stack([V[:, :, b : b + 2 * count].unflatten(2, (count, 2)).transpose(3, 4) for b in (0, 1)], 1)
    Q, K, V = (maps.contiguous() for maps in (Q, K, V))
    Z = torch.empty(batch, height, width, _whole(m))
    S = held
    if keep and S is None:
        S = torch.empty(batch, height, width, _keys(height, window, border), columns, dtype=held_as)
    for b in range(batch):
        library.nonloc_window_attention(
            *(maps[b].data_ptr() for maps in (Q, K, V, Z)),
            None if S is None else S[b].data_ptr(),
            held is not None,
            keep,
            S is not None and S.dtype == torch.float16,
            pairs,
            *(height, width, K.shape[2], Z.shape[3], stride, window, border == "clamp", torch.get_num_threads()),
        )
    return Z[..., :m].permute(0, 3, 1, 2).add_(mean), S if keep else None


def _keys(side: int, window: int, border: str) -> int:
    """The most keys that a window has along an axis."""
    return min(window, side) if border == "clamp" else 2 * min(window // 2, side - 1) + 1


def _whole(numbers: int) -> int:
    """Rounded up to whole vectors."""
    library = load()
    lanes = 16 if library is None else library.nonloc_lanes()
    return -(-numbers // lanes) * lanes


@functools.cache
def _library() -> tuple[ctypes.CDLL | None, str]:
    """The kernel and one line about it; tried once in the life of a process."""
    if os.environ.get("NONLOC_NATIVE", "").lower() in ("off", "0", "no"):
        return None, "not compiled: NONLOC_NATIVE is off"
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CXX", ""), *COMPILERS))), None)
    if compiler is None:
        return (
            None,
            "not compiled: no C++ compiler (g++, c++, clang++ or CXX); products of blocks take about twice as long",
        )
    flags = (*FLAGS, *(os.environ.get("CXXFLAGS") or NATIVE).split())
    try:
        path = _cache() / f"window-{_fingerprint(compiler, flags)}.so"
        if not path.exists():
            _compile(compiler, flags, path)
        library = ctypes.CDLL(str(path))
        run = library.nonloc_window_attention
        run.argtypes, run.restype = [ctypes.c_void_p] * 5 + [ctypes.c_int] * 12, None
        return library, f"compiled by {compiler}, {library.nonloc_lanes()} lanes: {path}"
    except (OSError, AttributeError, subprocess.SubprocessError) as error:
        words = getattr(error, "stderr", None) or str(error)
        return None, f"not compiled: {compiler} failed, {words.strip().splitlines()[0] if words.strip() else error!r}"


def _compile(compiler: str, flags: Sequence[str], path: Path) -> None:
    """Compile to `path`; whoever comes at the same time compiles, too, and the last one stays."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        subprocess.run(
            [compiler, *flags, "-o", str(made), str(SOURCE)],
            check=True,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
        )
        os.replace(made, path)


def _fingerprint(compiler: str, flags: Sequence[str]) -> str:
    """What the compiled kernel depends on; a home folder may be shared by machines of many kinds."""
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, timeout=PATIENCE).stdout
    processor = [platform.system(), platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor += sorted(
            {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))}
        )
    parts = [SOURCE.read_text(), version.decode(errors="replace"), *flags, *processor]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _cache() -> Path:
    """A folder of the user's own; code is loaded from it, so nobody else may write there."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    places = [Path(base) / "nonloc", Path(tempfile.gettempdir()) / f"nonloc-{_user()}"]
    for place in places:
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            owned = not hasattr(os, "getuid") or place.stat().st_uid == os.getuid()
            if owned and not place.stat().st_mode & 0o022 and os.access(place, os.W_OK):
                return place
    raise OSError(
        f"no folder to keep it in: {' and '.join(map(str, places))} cannot be written, or others can write there"
    )


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
