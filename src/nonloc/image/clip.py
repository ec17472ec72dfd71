"""The frames of a clip as Images, one by one, and what must be known of its file to write another like it.

Most clips hold brightness (Y) and, at half the sides or half the width, two differences of colour (U, V). Their noise
is another in each, and is white in none of R, G and B; so these planes are given as three gray Images, as they are.
Clips of full colour are given as one RGB Image (8 bits, or 16 for deeper ones), gray ones as one gray Image. The planes
are those of the file to the last bit; RGB is there and back within rounding. PyAV (FFmpeg) decodes; it is imported when
a clip is opened.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import hypot
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import ImageError, UsageError
from .image import Image

ENDINGS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi"}
# sws: bicubic, accurate rounding, chroma at full width both ways; without them luma changes by up to two levels
FLAGS = 0x4 | 0x40000 | 0x2000 | 0x4000
MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # of AVCOL_SPC the matrix of swscale; BT.601 where none is told


WEIGHTS = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}  # of red and blue in brightness


class Frame(NamedTuple):
    """One frame: Y, U and V, or one picture; when it is shown and for how long, in units of the clip's time base."""

    planes: tuple[Image, ...]
    pts: int
    duration: int


@dataclass(frozen=True)
class Clip:
    """What the file says of its first video stream.

    width, height: as frames are given, upright. rotation: by which multiple of 90 degrees, counterclockwise, they were
    turned. frames: how many there are, lasts: for how many seconds; None where it cannot be told. color: range, matrix,
    primaries and transfer. bits: of a sample. subsampling: '420', '422', '444', '400' (gray).
    """

    path: Path
    codec: str
    pix_fmt: str
    bits: int
    subsampling: str
    width: int
    height: int
    rotation: int
    time_base: Fraction
    rate: Fraction
    aspect: Fraction
    color: tuple[int, int, int, int]
    frames: int | None
    lasts: float | None

    @property
    def range(self) -> int:
        """1 where black is 16 of 255, 2 where it is 0."""
        return 2 if self.color[0] == 2 else 1

    @property
    def planar(self) -> bool:
        """Whether frames are given as Y, U and V."""
        return self.subsampling in ("420", "422")

    @property
    def pixel_format(self) -> str:
        """What frames are given in, by FFmpeg's name."""
        if self.planar:
            return f"yuv{self.subsampling}p" + ("" if self.bits == 8 else f"{self.bits}le")
        if self.subsampling == "400":
            return "gray" if self.bits == 8 else "gray16le"
        return "rgb24" if self.bits == 8 else "rgb48le"

    @property
    def shares(self) -> tuple[float, ...]:
        """How much of white noise in R, G and B is in each plane: by the matrix, and by what halving leaves."""
        if not self.planar:
            return (1.0,)
        red, blue = WEIGHTS.get(self.color[1], (0.299, 0.114))
        green = 1 - red - blue
        difference = [
            hypot(*(w / (1 - own) / 2 for w in others), 0.5)
            for own, others in ((blue, (red, green)), (red, (green, blue)))
        ]
        kept = 0.4 if self.subsampling == "420" else 0.4**0.5  # in FFmpeg's halving, measured
        return (hypot(red, green, blue), kept * difference[0], kept * difference[1])


def is_clip(path: Path) -> bool:
    """Whether the name's ending is that of a clip."""
    return path.suffix.lower() in ENDINGS


def pyav() -> Any:
    """PyAV; UsageError that says how to have it."""
    try:
        import av
    except ImportError:
        raise UsageError("reading a clip", "PyAV is not installed", "Run: pip install 'nonloc[video]'") from None
    av.logging.set_level(av.logging.PANIC)  # what is wrong is told as an error, in words
    return av


@contextlib.contextmanager
def telling(path: Path, doing: str = "read") -> Iterator[None]:
    """Whatever FFmpeg finds wrong becomes an ImageError that names the file."""
    av = pyav()
    try:
        yield
    except FileNotFoundError:
        raise ImageError(str(path), "no such file", "Check the name and the folder") from None
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        do = "Check that it plays" if doing == "read" else "Name an .mkv with -o"
        raise ImageError(str(path), f"it cannot be {doing} as a clip ({reason})", do) from error


def look(path: Path) -> Clip:
    """What `path` says of itself, its first frame included.

    Raises ImageError: no such file, damaged, no video, interlaced, transparent; UsageError without PyAV.
    """
    with telling(path), pyav().open(str(path)) as container:
        stream = video_stream(container, path)
        first = next(container.decode(stream), None)
        if first is None:
            raise ImageError(str(path), "its video has no frame that can be decoded", "Check that it plays")
        if first.interlaced_frame:
            found = "its frames are interlaced: two instants woven into one picture"
            raise ImageError(str(path), found, "Deinterlace it first: ffmpeg -i CLIP -vf bwdif OUT")
        kind = first.format
        if any(part.is_alpha for part in kind.components):
            raise ImageError(str(path), f"it is partly transparent ({kind.name})", "Save it without transparency")
        turned = round(first.rotation / 90) % 4
        width, height = (first.height, first.width) if turned % 2 else (first.width, first.height)
        aspect = stream.codec_context.sample_aspect_ratio or Fraction(1)
        rate = stream.average_rate or stream.base_rate or Fraction(25)
        return Clip(
            path=path,
            codec=stream.codec_context.codec.canonical_name,
            pix_fmt=kind.name,
            bits=max(part.bits for part in kind.components),
            subsampling="444" if turned % 2 and _subsampling(kind) == "422" else _subsampling(kind),
            width=width,
            height=height,
            rotation=90 * turned,
            time_base=stream.time_base,
            rate=rate,
            aspect=1 / aspect if turned % 2 else aspect,
            color=(first.color_range, first.colorspace, first.color_primaries, first.color_trc),
            frames=stream.frames or _guessed(container, stream, rate),
            lasts=_lasts(stream),
        )


def frames(clip: Clip, start: int = 0) -> Iterator[Frame]:
    """The frames of `clip` from number `start` on; those before it are decoded and passed over.

    Raises ImageError where the file is damaged, or where frames change their size.
    """
    with telling(clip.path), pyav().open(str(clip.path)) as container:
        step = max(1, round(1 / (clip.rate * clip.time_base)))
        pts, first = -step, None
        for number, frame in enumerate(container.decode(video_stream(container, clip.path))):
            if frame.pts is not None and container.format.name != "avi":
                pts = frame.pts
            else:  # AVI knows only when frames are decoded; what is said of more is a guess
                first = frame.dts if first is None else first
                pts = max(pts + 1, pts + step if frame.dts is None else frame.dts - first)
            if number >= start:
                yield Frame(_planes(frame, clip, number), pts, frame.duration or step)


def encoded(planes: tuple[Image, ...], clip: Clip, pix_fmt: str) -> Any:
    """`planes`, as `frames` gives them, as a PyAV frame of the format that an encoder wants."""
    av = pyav()
    span, matrix, primaries, transfer = clip.color
    if clip.planar:
        frame = av.VideoFrame(clip.width, clip.height, clip.pixel_format)
        for plane, image in zip(frame.planes, planes, strict=True):
            samples = np.minimum(image.samples, 2**clip.bits - 1)
            padded = np.zeros((plane.height, plane.line_size // samples.itemsize), samples.dtype)
            padded[:, : plane.width] = samples
            plane.update(padded.tobytes())
    else:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes[0].samples), format=clip.pixel_format)
    if pix_fmt.replace("yuvj", "yuv") != clip.pixel_format:
        frame = frame.reformat(
            format=pix_fmt,
            dst_colorspace=MATRIX.get(matrix, 5),
            src_color_range=clip.range if clip.planar else 2,
            dst_color_range=clip.range,
            interpolation=FLAGS,
        )
    frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc = span, matrix, primaries, transfer
    return frame


def _planes(frame: Any, clip: Clip, number: int) -> tuple[Image, ...]:
    turned = clip.rotation // 90
    if (frame.width, frame.height) != ((clip.height, clip.width) if turned % 2 else (clip.width, clip.height)):
        found = f"frame {number} is {frame.width} x {frame.height}, unlike those before it"
        raise ImageError(str(clip.path), found, "Cut the clip where its size changes")
    if frame.format.name.replace("yuvj", "yuv") != clip.pixel_format:
        frame = frame.reformat(
            format=clip.pixel_format,
            src_colorspace=MATRIX.get(clip.color[1], 5),
            src_color_range=clip.range,
            dst_color_range=clip.range if clip.planar else 2,
            interpolation=FLAGS,
        )
    if not clip.planar:
        samples = np.ascontiguousarray(np.rot90(frame.to_ndarray(), turned))
        return (Image(samples, 1 / np.iinfo(samples.dtype).max, path=clip.path),)
    kind = np.dtype("u1" if clip.bits == 8 else "<u2")
    step = 2 ** (clip.bits - 8)  # from 8 bits
    images = []
    for plane, (black, span) in zip(frame.planes, ((16, 219), (16, 224), (16, 224)), strict=True):
        rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
        samples = np.rot90(rows[: plane.height, : plane.width], turned).copy()
        full = clip.range == 2
        scale, offset = (1 / (256 * step - 1), 0.0) if full else (1 / (span * step), -black / span)
        images.append(Image(samples, scale, offset, path=clip.path))
    return tuple(images)


def video_stream(container: Any, path: Path) -> Any:
    """The first video stream that is no cover picture."""
    attached = pyav().stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & attached:
            return stream
    raise ImageError(str(path), "it holds no video", "Give a clip, or a picture with the ending of its format")


def _subsampling(kind: Any) -> str:
    if len(kind.components) == 1:
        return "400"
    if kind.is_rgb or kind.chroma_width(64) == 64:
        return "444"
    return "422" if kind.chroma_height(64) == 64 else "420"


def _guessed(container: Any, stream: Any, rate: Fraction) -> int | None:
    if stream.duration:
        return max(1, round(stream.duration * stream.time_base * rate))
    return max(1, round(container.duration * rate / 1_000_000)) if container.duration else None


def _lasts(stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    told = stream.metadata.get("DURATION", "")  # Matroska: 00:00:01.470000000
    try:
        hours, minutes, seconds = map(float, told.split(":"))
    except ValueError:
        return None
    return 3600 * hours + 60 * minutes + seconds
