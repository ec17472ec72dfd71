"""Writing a clip: runs of frames encoded alone, each a closed group, and joined without encoding again.

A run of frames becomes packets in a file of their own (one line of JSON, then their bytes). Since no frame refers to
one behind it, the runs stand one after the other in the joined file, beside the sound of the source, packet by packet.
"""

from __future__ import annotations

import heapq
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ImageError, UsageError
from .atomic import atomic
from .clip import ENDINGS, Clip, Frame, encoded, pyav, telling, video_stream

CRF = 12  # of H.264: at 16 a third of a decibel of what was restored was lost again
LOSSLESS = ("ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "png", "qtrle", "magicyuv", "v210")
MJPEG = ("mjpeg", "mjpeg", {"qmin": "2", "qmax": "2", "strict": "unofficial"})  # the finest it has in practice
IN_AVI = ("ffv1", "mjpeg")  # H.264 in it is shown a frame late by some
OWN_NAMES = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}  # the new file has its own


@dataclass(frozen=True)
class Encoding:
    """How frames are encoded: the encoder's name and options, its pixel format, and the container's name."""

    container: str
    codec: str
    encoder: str
    pix_fmt: str
    options: dict[str, str] = field(default_factory=dict)
    global_header: bool = True


def choose_encoding(clip: Clip, target: Path, quality: int | None = None) -> Encoding:
    """The family of `clip`'s own codec where we encode it and the container of `target` takes it, else H.264 or VP9.

    quality: 1 to 100; None is 76 (crf 12). Raises ImageError when the container holds nothing as deep as the clip.
    """
    ending = target.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"writing {target}", "its ending is that of no clip", f"End it in {', '.join(ENDINGS)}")
    with pyav().open(io.BytesIO(), "w", format=ENDINGS[ending]) as container:
        known = container.supported_codecs
        global_header = bool(container.format.flags & 0x40)
    crf = CRF if quality is None else round(0.51 * (100 - quality))
    for codec, encoder, options in _wanted(clip.codec, crf):
        if codec not in known or (ending == ".avi" and codec not in IN_AVI):
            continue
        pix_fmt = _pixel_format(clip, [kind.name for kind in pyav().codec.Codec(encoder, "w").video_formats])
        if pix_fmt is not None:
            return Encoding(ENDINGS[ending], codec, encoder, pix_fmt, options, global_header)
    found = f"nothing that it holds keeps {clip.bits} bits ({clip.pix_fmt})"
    raise ImageError(f"writing {target}", found, "Name an .mkv with -o")


def write_run(run: Sequence[Frame] | Iterable[Frame], clip: Clip, encoding: Encoding, path: Path) -> None:
    """Encode frames, as `frames` gives them, alone into `path`, which appears whole or not at all."""
    av = pyav()
    context = av.CodecContext.create(encoding.encoder, "w")
    _configure(context, clip, encoding)
    if encoding.global_header:
        context.flags |= 1 << 22
    told: list[tuple[int, bool, int]] = []
    data = bytearray()
    lasting: dict[int, int] = {}

    def take(packets: Iterable[Any]) -> None:
        for packet in packets:
            content = bytes(packet)
            told.append((packet.pts, packet.is_keyframe, len(content)))
            data.extend(content)

    with telling(path, "written"):
        for planes, pts, duration in run:
            frame = encoded(planes, clip, encoding.pix_fmt)
            frame.pts, frame.time_base = pts, clip.time_base
            lasting[pts] = duration
            take(context.encode(frame))
        take(context.encode(None))
    head = {"frames": len(lasting), "packets": [(pts, lasting[pts], key, size) for pts, key, size in told]}
    with atomic(path, overwrite=True) as stream:
        stream.write(json.dumps(head).encode() + b"\n")
        stream.write(data)


def join(clip: Clip, encoding: Encoding, runs: Sequence[Path], path: Path) -> list[str]:
    """Put `runs` together in `path`, with all sound and subtitles of the clip's file; what was left out, in words.

    Raises ImageError when the container cannot hold the clip's sound. The file is not atomic: `path` is to be hidden.
    """
    av = pyav()
    notes: list[str] = []
    with (
        telling(path, "written"),
        av.open(str(clip.path)) as source,
        # bitexact: no random numbers in the file, so that the same frames give the same bytes
        av.open(str(path), "w", format=encoding.container, container_options={"fflags": "+bitexact"}) as out,
    ):
        main, copies = video_stream(source, clip.path), {}
        made = None
        for stream in source.streams:
            if stream is main:
                made = out.add_stream(encoding.encoder, rate=clip.rate)
                _configure(made.codec_context, clip, encoding)
                made.time_base = clip.time_base
                twin = made
            elif stream.type in ("audio", "subtitle"):
                name = stream.codec_context.codec.canonical_name
                if name not in out.supported_codecs:
                    found = f"{encoding.container} cannot hold its {stream.type} ({name})"
                    raise ImageError(str(clip.path), found, "Name an .mkv with -o")
                twin = copies[stream.index] = out.add_stream_from_template(stream)
            else:
                what = "cover picture or second video" if stream.type == "video" else stream.type
                notes.append(f"left out: stream {stream.index} ({what})")
                continue
            twin.metadata.update({k: v for k, v in stream.metadata.items() if k.lower() not in OWN_NAMES})
            twin.disposition = stream.disposition
        out.metadata.update({k: v for k, v in source.metadata.items() if k.lower() not in OWN_NAMES})
        out.set_chapters(source.chapters())
        out.start_encoding()
        ours = ((packet.pts * clip.time_base, 0, packet) for packet in _packets(runs, made, clip))
        for _, _, packet in heapq.merge(ours, _copied(source, copies), key=lambda item: item[:2]):
            out.mux(packet)
    return notes


def _packets(runs: Sequence[Path], stream: Any, clip: Clip) -> Iterator[Any]:
    packet_of = pyav().Packet
    for path in runs:
        with open(path, "rb") as file:
            for pts, duration, key, size in json.loads(file.readline())["packets"]:
                packet = packet_of(file.read(size))
                packet.pts = packet.dts = pts
                packet.duration, packet.is_keyframe = duration, key
                packet.time_base, packet.stream = clip.time_base, stream
                yield packet


def _copied(source: Any, copies: dict[int, Any]) -> Iterator[tuple[Any, int, Any]]:
    if not copies:
        return
    for packet in source.demux(*(source.streams[index] for index in copies)):
        if packet.dts is None:  # the empty one at the end
            continue
        when = packet.dts * packet.time_base
        packet.stream = copies[packet.stream.index]
        yield when, 1, packet


def _configure(context: Any, clip: Clip, encoding: Encoding) -> None:
    context.width, context.height, context.pix_fmt = clip.width, clip.height, encoding.pix_fmt
    context.time_base, context.framerate = clip.time_base, clip.rate
    context.sample_aspect_ratio = clip.aspect
    context.color_range, context.colorspace, context.color_primaries, context.color_trc = clip.color
    context.options = dict(encoding.options)
    context.thread_count = 1  # what x264 writes depends on it
    context.max_b_frames = 0  # so that runs can follow one another


def _wanted(codec: str, crf: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Codec, encoder and options, the best first."""
    if codec in LOSSLESS:
        yield "ffv1", "ffv1", {"level": "3"}
    if codec == "prores":
        yield "prores", "prores_ks", {"profile": "3"}
    if codec == "hevc":
        quiet = "bframes=0:log-level=none:pools=none:frame-threads=1:info=0"
        yield "hevc", "libx265", {"crf": str(crf), "x265-params": quiet}
    if codec == "mjpeg":
        yield MJPEG
    if codec in ("vp8", "vp9", "av1"):
        yield _vp9(crf)
    yield "h264", "libx264", {"crf": str(crf), "preset": "medium"}
    yield _vp9(crf)
    yield MJPEG


def _vp9(crf: int) -> tuple[str, str, dict[str, str]]:
    return "vp9", "libvpx-vp9", {"crf": str(crf), "b": "0", "lag-in-frames": "0", "cpu-used": "4"}


def _pixel_format(clip: Clip, offered: Sequence[str]) -> str | None:
    """The clip's own format, or one that is as deep and as fine in colour; None where none is."""
    deep = ("p",) if clip.bits == 8 else (f"p{clip.bits}le", "p10le" if clip.bits <= 10 else "p12le", "p16le")
    finer = {"400": ("420", "444"), "420": ("420", "444"), "422": ("422", "444"), "444": ("444",)}[clip.subsampling]
    known = [clip.pix_fmt, *(f"yuv{fine}{bits}" for fine in finer for bits in deep)]
    return next((name for name in known if name in offered), None)
