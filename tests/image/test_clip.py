"""Clips: what is read is what is there, and what is written again keeps times, depth and sound."""

from fractions import Fraction

import numpy as np
import pytest

from nonloc.errors import ImageError

av = pytest.importorskip("av")

from clip_files import heard, make_clip, scene, shown, times  # noqa: E402

from nonloc.image.clip import encoded, frames, look  # noqa: E402
from nonloc.image.clip_write import choose_encoding, join, write_run  # noqa: E402


def rewritten(source, target, quality=None, run=8):
    """The clip with its own frames, in runs."""
    clip = look(source)
    encoding = choose_encoding(clip, target, quality)
    all_frames, runs = list(frames(clip)), []
    for start in range(0, len(all_frames), run):
        runs.append(target.with_name(f"{target.name}.{start}"))
        write_run(all_frames[start : start + run], clip, encoding, runs[-1])
    return join(clip, encoding, runs, target)


def test_planes_are_those_of_the_file(tmp_path):
    path = make_clip(tmp_path / "a.mkv", 3, codec="ffv1", sound=None)
    with av.open(str(path)) as container:
        raw = [np.frombuffer(bytes(frame.planes[0]), np.uint8).reshape(48, -1) for frame in container.decode(video=0)]
    for frame, luma in zip(frames(look(path)), raw, strict=True):
        np.testing.assert_array_equal(frame.planes[0].samples, luma[:, :64])
        assert [plane.samples.shape for plane in frame.planes] == [(48, 64), (24, 32), (24, 32)]


def test_brightness_is_black_at_16_and_white_at_235(tmp_path):
    first = next(frames(look(make_clip(tmp_path / "a.mkv", 1, codec="ffv1", sound=None, sigma=0))))
    red, green, blue = np.moveaxis(scene(0, sigma=0) / 255, -1, 0)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    assert abs(first.planes[0].pixels()[0] - expected).max() < 1.5 / 255


@pytest.mark.parametrize("shape", [(48, 64), (37, 61)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p", "yuvj420p", "gray", "yuv444p10le"])
def test_there_and_back_changes_no_plane_by_more_than_rounding(tmp_path, pix_fmt, shape):
    codec, name = ("mjpeg", "a.avi") if "j" in pix_fmt else ("ffv1", "a.mkv")
    height, width = shape
    made = make_clip(tmp_path / name, 2, codec=codec, pix_fmt=pix_fmt, sound=None, height=height, width=width)
    clip = look(made)
    assert clip.pix_fmt == pix_fmt
    with av.open(str(clip.path)) as container:
        for frame, raw in zip(frames(clip), container.decode(video=0), strict=True):
            back = encoded(frame.planes, clip, pix_fmt)
            for one, two in zip(back.planes, raw.planes, strict=True):
                kind = "u1" if clip.bits == 8 else "<u2"
                a, b = (np.frombuffer(bytes(p), kind).reshape(p.height, -1)[:, : p.width] for p in (one, two))
                error = (np.abs(a.astype(int) - b)).max()
                assert error == 0 if clip.planar or pix_fmt == "gray" else error <= 2


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        ("a.mp4", "b.mp4", {}),
        ("a.mp4", "b.mp4", {"pix_fmt": "yuv420p10le"}),
        ("a.mkv", "b.mov", {"sound": "pcm_s16le"}),
        ("a.mkv", "b.mkv", {"codec": "ffv1", "pix_fmt": "yuv422p"}),
        ("a.webm", "b.webm", {"codec": "libvpx-vp9", "sound": None}),
    ],
)
def test_times_depth_and_sound_stay(tmp_path, source, target, kind):
    made = make_clip(tmp_path / source, **kind)
    rewritten(made, tmp_path / target)
    before, after = look(made), look(tmp_path / target)
    assert shown(tmp_path / target) == shown(made) == [Fraction(ms, 1000) for ms in times(20)]
    assert (after.pix_fmt, after.width, after.height) == (before.pix_fmt, before.width, before.height)
    assert after.color[1:] == before.color[1:]
    if kind.get("sound", "aac"):
        assert heard(tmp_path / target) == heard(made)
        with av.open(str(tmp_path / target)) as container:
            assert container.metadata["title"] == "a tone"


def test_the_same_frames_give_the_same_bytes(tmp_path):
    made = make_clip(tmp_path / "a.mkv", 9)
    for name in ("b.mkv", "c.mkv"):
        rewritten(made, tmp_path / name)
    assert (tmp_path / "b.mkv").read_bytes() == (tmp_path / "c.mkv").read_bytes()


def test_a_frame_can_be_begun_at_without_those_before(tmp_path):
    clip = look(make_clip(tmp_path / "a.mp4", 9))
    whole, rest = list(frames(clip)), list(frames(clip, 5))
    assert [frame.pts for frame in rest] == [frame.pts for frame in whole[5:]]
    np.testing.assert_array_equal(rest[0].planes[0].samples, whole[5].planes[0].samples)


def test_a_clip_that_is_shown_turned_comes_out_upright(tmp_path):
    made = make_clip(tmp_path / "a.mp4", 2)
    upright = next(frames(look(made))).planes
    data = bytearray(made.read_bytes())
    at = data.index(b"tkhd") + 44  # the matrix of the first track
    quarter = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]
    data[at : at + 36] = b"".join(number.to_bytes(4, "big", signed=True) for number in quarter)
    (tmp_path / "turned.mp4").write_bytes(data)
    clip = look(tmp_path / "turned.mp4")
    assert (clip.width, clip.height) == (48, 64)
    # a quarter to the right, as players show this matrix
    np.testing.assert_array_equal(next(frames(clip)).planes[0].samples, np.rot90(upright[0].samples, -1))
    rewritten(tmp_path / "turned.mp4", tmp_path / "b.mp4")
    again = look(tmp_path / "b.mp4")
    assert (again.width, again.height, again.rotation) == (48, 64, 0)


def test_what_is_no_clip_is_told_in_words(tmp_path):
    (tmp_path / "text.mp4").write_text("no clip")
    with pytest.raises(ImageError, match="cannot be read as a clip"):
        look(tmp_path / "text.mp4")
    with pytest.raises(ImageError, match="no such file"):
        look(tmp_path / "none.mp4")
    whole = make_clip(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=r"half\.mp4"):
        look(tmp_path / "half.mp4")
    with av.open(str(tmp_path / "sound.mkv"), "w") as out:
        tone = out.add_stream("aac", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 8000
        out.mux(tone.encode(silence))
        out.mux(tone.encode(None))
    with pytest.raises(ImageError, match="it holds no video"):
        look(tmp_path / "sound.mkv")


def test_a_container_that_cannot_hold_the_clip_is_refused(tmp_path):
    deep = make_clip(tmp_path / "a.mkv", 2, pix_fmt="yuv420p10le")
    with pytest.raises(ImageError, match="keeps 10 bits"):
        choose_encoding(look(deep), tmp_path / "b.webm")
    with pytest.raises(ImageError, match="cannot hold its audio"):
        rewritten(make_clip(tmp_path / "c.mkv", 2), tmp_path / "c.webm")


def test_interlaced_frames_are_refused(tmp_path):
    made = make_clip(
        tmp_path / "a.mkv", 3, options={"x264-params": "interlaced=1:tff=1", "flags": "+ildct+ilme"}, sound=None
    )
    with pytest.raises(ImageError, match="interlaced"):
        look(made)
