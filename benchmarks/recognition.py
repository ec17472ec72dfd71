"""Does restoration help programs that recognise: are faces found again, are plates read again?

    NONLOC_DATA=... python benchmarks/recognition.py near|far|steady|plates

Writes the tables of docs/recognition.md. Cascades: LBP, which comes with scikit-image (Zhang et al., ICB 2007, DOI
10.1007/978-3-540-74549-5_2; OpenCV's training), and, where OpenCV 4 is installed, its Haar cascade (Viola and Jones,
CVPR 2001, DOI 10.1109/CVPR.2001.990517). Readers of plates: recognition_reader.py.
"""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import marked
import numpy as np
import recognition_reader as reader

import nonloc
from nonloc.datasets import load
from nonloc.datasets.gray import rgb2gray
from nonloc.degradation import parse_fixed

PAGE = Path(__file__).parents[1] / "docs" / "recognition.md"
Box = tuple[int, int, int]  # left, top, side in pixels
Detector = Callable[[np.ndarray], list[Box]]

# Faces, seen by eye, of pictures that no shipped network was trained on
FACES: dict[tuple[str, str], list[Box]] = {
    ("kodak24", "kodim04"): [(97, 77, 360)],
    ("kodak24", "kodim14"): [(301, 234, 26), (20, 170, 25)],
    ("kodak24", "kodim17"): [(132, 8, 128)],
    ("kodak24", "kodim18"): [(250, 41, 65)],
    ("mcmaster", "06"): [(192, 288, 188)],
    ("set14", "foreman"): [(104, 75, 172)],
    ("set14", "lenna"): [(221, 204, 165)],
    ("set12", "12"): [(165, 148, 28)],
    ("cbsd68", "119082"): [(211, 86, 33)],
    ("cbsd68", "189080"): [(27, 162, 262)],
    ("cbsd68", "216081"): [(332, 56, 31), (124, 70, 28)],
    ("cbsd68", "302008"): [(50, 151, 83)],
    ("bsd32val", "156065"): [(141, 173, 35)],
    ("bsd32val", "376043"): [(133, 108, 57)],
    ("skimage", "astronaut"): [(176, 66, 95)],
}
FACELESS = [("kodak24", f"kodim{i:02}") for i in (1, 3, 7)]  # where a face found is a false one
FAR = 48  # side, in pixels, of the largest face of a picture that is taken from far away
WINDOW = {"far": 160, "near": 420}
SEEDS = {"far": 2, "near": 1}
LIGHT = 0.1  # of the dark pictures, whose file is of 16 bits; they are looked at ten times brighter
SPOILT = {
    "sigma 25": "gaussian:25 + clip8",
    "sigma 50": "gaussian:50 + clip8",
    "sigma 75": "gaussian:75 + clip8",
    "sigma 50, then JPEG 75": "gaussian:50 + clip8 + jpeg:75",
    "a tenth of the light": "poisson-gaussian:0.008,1",
}
HARDLY = "gaussian:3 + clip8"  # noise that nobody sees, to learn how steady a cascade is by itself
OVERLAP, AGREEING = 0.3, 10  # shared part of two boxes that are one face; windows that must agree, for LBP
METHODS = ("default", "bm3d", "median")
CONTRAST, SIGMAS, PLATES = 0.5, (25, 35, 50, 75, 90), 40


def restored_by(method: str, noisy: np.ndarray) -> np.ndarray:
    """The level, and for the default the kind of noise, are estimated; `noisy` itself for the method 'noisy'."""
    if method == "noisy":
        return noisy
    return nonloc.restore(noisy) if method == "default" else nonloc.denoise(noisy, method=method)


def picture(source: str, name: str) -> np.ndarray:
    """8-bit samples."""
    if source == "skimage":
        import skimage.data

        return np.asarray(getattr(skimage.data, name)())
    return next(one for one in load(source) if Path(one.name).stem.split("_")[0] == name).pixels8()


def part(clean: np.ndarray, faces: list[Box], size: str) -> tuple[np.ndarray, list[Box]]:
    """What is looked at of a picture, WINDOW pixels wide around the first face, and the faces whose middle is in it.

    size: 'near' as the picture is; 'far' made smaller, so that its largest face is of FAR pixels.
    """
    from PIL import Image

    factor = min(1.0, FAR / max(box[2] for box in faces)) if size == "far" and faces else 1.0
    height, width = (round(factor * n) for n in clean.shape[:2])
    small = np.asarray(Image.fromarray(clean).resize((width, height), Image.Resampling.LANCZOS))
    faces = [(round(factor * x), round(factor * y), round(factor * side)) for x, y, side in faces]
    x, y, side = faces[0] if faces else (width // 2, height // 2, 0)
    window = WINDOW[size]
    left, top = max(0, x + side // 2 - window // 2), max(0, y + side // 2 - window // 2)
    small = small[top : top + window, left : left + window]
    moved = [(x - left, y - top, side) for x, y, side in faces]
    bottom, right = small.shape[:2]
    return small, [(x, y, n) for x, y, n in moved if 0 <= x + n // 2 < right and 0 <= y + n // 2 < bottom]


def spoil(clean: np.ndarray, how: str, seed: Any) -> np.ndarray:
    """What a file of the spoilt picture holds: 8 bits, 16 of the dark one."""
    rng = np.random.default_rng(seed)
    dark = how.startswith("poisson")
    pixels = np.atleast_3d(clean).transpose(2, 0, 1) / 255 * (LIGHT if dark else 1)
    spoilt = np.asarray(parse_fixed(how).apply(pixels.astype(np.float32), rng)).transpose(1, 2, 0).reshape(clean.shape)
    white = 65535 if dark else 255
    return np.clip(np.rint(white * spoilt), 0, white).astype(np.uint16 if dark else np.uint8)


def seen(samples: np.ndarray) -> np.ndarray:
    """The gray 8-bit picture that a detector is given."""
    if samples.dtype == np.uint16:
        samples = np.clip(np.rint(samples / (257 * LIGHT)), 0, 255).astype(np.uint8)
    return samples if samples.ndim == 2 else rgb2gray(samples)


@cache
def lbp() -> Detector:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    cascade = Cascade(lbp_frontal_face_cascade_filename())

    def detect(gray: np.ndarray) -> list[Box]:
        found = cascade.detect_multi_scale(
            gray, scale_factor=1.1, step_ratio=1, min_size=(24, 24), max_size=(300, 300), min_neighbor_number=AGREEING
        )
        return [(one["c"], one["r"], one["width"]) for one in found]

    return detect


def haar() -> Detector:
    import cv2

    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    return lambda gray: [tuple(box[:3]) for box in cascade.detectMultiScale(gray, 1.1, 4, minSize=(24, 24))]


def shared(a: Box, b: Box) -> float:
    """Area of both over area of either."""
    sides = [max(0, min(p + a[2], q + b[2]) - max(p, q)) for p, q in zip(a[:2], b[:2], strict=True)]
    both = sides[0] * sides[1]
    return both / (a[2] ** 2 + b[2] ** 2 - both)


def judge(found: list[Box], clean: list[Box], faces: list[Box]) -> tuple[int, int, int]:
    """Of the faces that are found in the clean picture those `found`; all of them; and what is found and is no face."""

    def among(box: Box, boxes: list[Box]) -> bool:
        return any(shared(box, other) >= OVERLAP for other in boxes)

    known = [box for box in clean if among(box, faces)]
    false = sum(not among(box, faces + known) for box in found)
    return sum(among(box, found) for box in known), len(known), false


def look(
    detectors: dict[str, Detector], place: tuple[str, str], size: str, methods: tuple[str, ...], seeds: int
) -> Iterator[tuple[tuple[str, str, str], np.ndarray]]:
    """((cascade, what was done to the picture, method), counts as of `judge`) of one picture."""
    clean, faces = part(picture(*place), FACES.get(place, []), size)
    known = {detector: detect(seen(clean)) for detector, detect in detectors.items()}
    for detector in detectors:
        yield (detector, "clean", ""), np.array(judge(known[detector], known[detector], faces))
    for said, how in SPOILT.items():
        for seed in range(seeds):
            noisy = spoil(clean, how, [seed, zlib.crc32(place[1].encode())])
            for method in methods:
                shown = seen(restored_by(method, noisy))
                for detector, detect in detectors.items():
                    yield (detector, said, method), np.array(judge(detect(shown), known[detector], faces))


def faces(size: str) -> None:
    detectors = {"LBP": lbp()}
    try:
        detectors["Haar"] = haar()
    except (ImportError, AttributeError):  # OpenCV 5 brings no cascades along
        print("no OpenCV 4: LBP alone")
    methods = ("noisy", *METHODS)
    counts: dict[Any, Any] = {}
    for place in [*FACES, *(FACELESS if size == "near" else [])]:
        for key, count in look(detectors, place, size, methods, SEEDS[size]):
            counts[key] = counts.get(key, 0) + count
        print(size, place, {key: n.tolist() for key, n in counts.items()}, flush=True)
    print(table := table_of_faces(counts, tuple(detectors), SEEDS[size]))
    marked.write(PAGE, size, table)


def steady() -> None:
    """Writes how many faces are found again in noise of sigma 3, near and far, five draws of each."""
    rows = []
    for name, cascade in (("LBP", lbp), ("Haar", haar)):
        for size in WINDOW:
            total = np.zeros(3, int)
            for place in FACES:
                clean, faces = part(picture(*place), FACES[place], size)
                known = cascade()(seen(clean))
                for seed in range(5):
                    total += judge(cascade()(seen(spoil(clean, HARDLY, [seed, 0]))), known, faces)
            rows.append([f"{name}, {size}", f"{100 * total[0] / total[1]:.0f} %"])
    marked.write(PAGE, "steady", marked.table(["found again in noise of sigma 3", "faces"], rows))


def table_of_faces(counts: dict[Any, Any], detectors: tuple[str, ...], seeds: int) -> str:
    """Found again and false ones, in the sums over pictures and seeds that `faces` makes."""
    rows = []
    for detector in detectors:
        _, known, false = counts[detector, "clean", ""]
        rows.append([f"{detector}: clean, {known} faces, {false} false", *[""] * (1 + len(METHODS))])
        for said in SPOILT:
            cells = [counts[detector, said, method] for method in ("noisy", *METHODS)]
            rows.append(
                [f"{detector}: {said}", *(f"{100 * n / of:.0f} %, {wrong / seeds:g}" for n, of, wrong in cells)]
            )
    return marked.table(["found again, and false ones", "noisy", *METHODS], rows)


READERS = {"shapes": reader.read_shapes, "places": reader.read_places}


def read(sigma: float, method: str, count: int, seed: int = 0, contrast: float = CONTRAST) -> dict[str, float]:
    """Share of wrong letters of each reader on `count` plates."""
    wrong: Counter[str] = Counter()
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        text = reader.text_of(rng)
        clean = reader.draw(text, rng, contrast)
        noisy = np.clip(np.rint(255 * clean + sigma * rng.standard_normal(clean.shape)), 0, 255).astype(np.uint8)
        restored = restored_by(method, noisy)
        for name, reads in READERS.items():
            wrong[name] += reader.errors(reads(restored / 255), text)
    return {name: wrong[name] / (count * reader.COUNT) for name in READERS}


def plates() -> None:
    methods = ("noisy", *METHODS)
    clean = read(0, "noisy", PLATES)
    rows = [[f"{name}, clean", f"{100 * clean[name]:.1f} %", *[""] * len(METHODS)] for name in READERS]
    for sigma in SIGMAS:
        found = [read(sigma, method, PLATES) for method in methods]
        for name in READERS:
            cells = [f"{100 * one[name]:.1f} %" for one in found]
            rows.append([f"{name}, sigma {sigma}", *cells])
        print(rows[-2:], flush=True)
    rows.sort(key=lambda row: not row[0].startswith("shapes"))
    print(table := marked.table(["letters read wrong", *methods], rows))
    marked.write(PAGE, "plates", table)


if __name__ == "__main__":
    jobs: dict[str, Callable[[], None]] = {"steady": steady, "plates": plates}
    jobs |= {size: partial(faces, size) for size in WINDOW}
    jobs[sys.argv[1]]()
