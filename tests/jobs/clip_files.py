"""Small clips, made in the test: noise on a moving pattern, a variable rate, and sound."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

STEPS = (33, 50, 17, 100)  # milliseconds a frame, in turns


def scene(number: int, height: int = 48, width: int = 64, sigma: float = 20.0) -> np.ndarray:
    """Frame `number` of a moving pattern, uint8 (H, W, 3)."""
    y, x = np.mgrid[:height, :width]
    planes = [0.5 + 0.3 * np.sin((x + number + 5 * c) / 7) * np.cos(y / (6 + c)) for c in range(3)]
    noise = np.random.default_rng(number).normal(0, sigma / 255, (height, width, 3))
    return (np.clip(np.stack(planes, -1) + noise, 0, 1) * 255).round().astype(np.uint8)


def times(count: int) -> list[int]:
    """When each frame is shown, in milliseconds: a variable rate."""
    return [sum(STEPS[i % len(STEPS)] for i in range(n)) for n in range(count)]


def make_clip(
    path: Path,
    count: int = 20,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    sound: str | None = "aac",
    sigma: float = 20.0,
    options: dict[str, str] | None = None,
    **shape: int,
) -> Path:
    """Write a clip of `count` frames."""
    with av.open(str(path), "w") as out:
        height, width = scene(0, **shape).shape[:2]
        video = out.add_stream(codec, rate=25, options=options or ({"crf": "5"} if codec == "libx264" else {}))
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        video.codec_context.time_base = video.time_base = Fraction(1, 1000)
        tone = out.add_stream(sound, rate=8000, layout="mono") if sound else None
        if sound:
            out.metadata["title"] = "a tone"
        for number, pts in enumerate(times(count)):
            frame = av.VideoFrame.from_ndarray(scene(number, sigma=sigma, **shape)).reformat(format=pix_fmt)
            frame.pts, frame.time_base = pts, Fraction(1, 1000)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if tone is not None:
            wave = (8000 * np.sin(np.arange(8 * 1024) / 5)).astype(np.int16)
            for number in range(8):
                part = wave[number * 1024 : (number + 1) * 1024].reshape(1, -1)
                if sound == "aac":
                    part = part.astype(np.float32) / 32768
                heard = av.AudioFrame.from_ndarray(part, format="fltp" if sound == "aac" else "s16", layout="mono")
                heard.sample_rate, heard.pts, heard.time_base = 8000, number * 1024, Fraction(1, 8000)
                out.mux(tone.encode(heard))
            out.mux(tone.encode(None))
    return path


def shown(path: Path) -> list[Fraction]:
    """When each frame is shown, in seconds."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def heard(path: Path) -> list[tuple[Fraction, bytes]]:
    """The packets of the sound: their times and bytes."""
    with av.open(str(path)) as container:
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(audio=0) if p.dts is not None]
