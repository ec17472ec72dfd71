"""A clip through a verb: one plan, few frames at a time, sound and times kept, and the same file after a kill."""

import signal
import sys
import time
import weakref

import numpy as np
import pytest

av = pytest.importorskip("av")

from clip_files import heard, make_clip, scene, shown  # noqa: E402
from job_files import hidden, start  # noqa: E402

from nonloc.degradation import GaussianNoise  # noqa: E402
from nonloc.engine import Plan  # noqa: E402
from nonloc.errors import UsageError  # noqa: E402
from nonloc.image.clip import frames, look  # noqa: E402
from nonloc.image.image import Image  # noqa: E402
from nonloc.interfaces.cli import main  # noqa: E402
from nonloc.jobs import Task  # noqa: E402
from nonloc.jobs.clip import run_clip  # noqa: E402
from nonloc.jobs.inputs import Input  # noqa: E402
from nonloc.jobs.names import Names  # noqa: E402
from nonloc.verbs.clip import restore_frames  # noqa: E402

SMALL = {"height": 32, "width": 48}


def run(source, target, tell=None, **settings):
    task = Task("denoise", "denoised", {"sigma": "20", **settings})
    return run_clip(Input(source), task, Names(str(target), "file", "denoise", "denoised"), tell=tell)


def brightness(path) -> np.ndarray:
    return np.stack([frame.planes[0].samples for frame in frames(look(path))]).astype(float)


def test_a_clip_loses_noise_and_keeps_times_and_sound(tmp_path):
    source = make_clip(tmp_path / "clip.mp4", 8)
    outcome = run(source, tmp_path / "out.mp4")
    assert outcome.record.method == "temporal"
    assert shown(tmp_path / "out.mp4") == shown(source)
    assert heard(tmp_path / "out.mp4") == heard(source)
    rgb = np.stack([scene(number, sigma=0) for number in range(8)])
    clean = 16 + rgb @ [0.299, 0.587, 0.114] * 219 / 255
    before, after = (np.square(brightness(path) - clean).mean() for path in (source, tmp_path / "out.mp4"))
    assert after < before / 8  # 9 dB
    assert hidden(tmp_path) == []


def test_a_clip_killed_and_interrupted_gives_the_same_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "clip.mkv", 54, codec="ffv1", pix_fmt="gray", **SMALL)
    words = ["denoise", "clip.mkv", "--sigma", "20", "-q", "-o"]
    assert main([*words, "whole.mkv"]) == 0
    runs = [tmp_path / ".out.mkv.nonloc" / f"{number:06}.run" for number in range(2)]
    stats = []
    for number, finished in zip((signal.SIGKILL, signal.SIGINT), runs, strict=True):
        child = start(*words, "out.mkv", folder=tmp_path)
        while not finished.exists():
            assert child.poll() is None, child.stderr.read().decode()
            time.sleep(0.002)
        child.send_signal(number)
        _, err = child.communicate()
        assert not (tmp_path / "out.mkv").exists()
        stats.append((runs[0].stat().st_ino, runs[0].stat().st_mtime_ns))
    assert stats[0] == stats[1], "what was finished before the kill was done again"
    assert child.returncode == 130
    assert b"same command again" in err
    assert main([*words, "out.mkv"]) == 0
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()
    assert shown(tmp_path / "out.mkv") == shown(tmp_path / "clip.mkv")
    assert hidden(tmp_path) == []


def test_what_another_task_left_is_not_used(tmp_path):
    source = make_clip(tmp_path / "clip.mkv", 3, **SMALL)
    run(source, tmp_path / "whole.mkv", method="gaussian")
    folder = tmp_path / ".out.mkv.nonloc"
    folder.mkdir()
    (folder / "job").write_text("of another task")
    (folder / "000000.run").write_text("no packets")
    run(source, tmp_path / "out.mkv", method="gaussian")
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()


def test_a_file_that_ends_early_is_told(tmp_path):
    whole = make_clip(tmp_path / "clip.mkv", 40, **SMALL)
    half = tmp_path / "half.mkv"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    told = [run(path, tmp_path / f"out-{path.name}", method="gaussian").record.warnings for path in (whole, half)]
    assert not any("missing or damaged" in text for text in told[0])
    assert any("missing or damaged" in text for text in told[1])


@pytest.mark.parametrize(("method", "held"), [("gaussian", 2), ("temporal", 7)])
def test_frames_are_held_no_longer_than_they_are_looked_at(method, held):
    alive: weakref.WeakSet[Image] = weakref.WeakSet()
    most = []

    def pictures():
        for number in range(12):
            picture = Image(scene(number, **SMALL), 1 / 255)
            alive.add(picture)
            most.append(len(alive))
            yield picture

    assert sum(1 for _ in restore_frames(pictures(), Plan(method, GaussianNoise(20)))) == 12
    assert max(most) <= held


def test_frames_that_are_only_looked_at_change_nothing_but_are_not_given():
    pictures = [Image(scene(number, **SMALL), 1 / 255) for number in range(7)]
    plan = Plan("temporal", GaussianNoise(20), strength=0.5)
    whole = list(restore_frames(pictures, plan))
    rest = list(restore_frames(pictures[2:], plan, 2))
    assert [np.array_equal(a.samples, b.samples) for a, b in zip(whole[4:], rest, strict=True)] == [True] * 3


def test_a_clean_clip_stays_byte_for_byte(tmp_path):
    source = make_clip(tmp_path / "clip.mp4", 6, sigma=0, height=96, width=128)
    outcome = run_clip(Input(source), Task("restore", "restored"), Names.read(None, "restore", "restored", single=True))
    assert not outcome.record.changed
    assert (tmp_path / "clip-restored.mp4").read_bytes() == source.read_bytes()


def test_the_level_is_of_red_green_and_blue(tmp_path):
    source = make_clip(tmp_path / "clip.mp4", 6, height=96, width=128)
    given, seen = (run_clip(Input(source), Task("denoise", "denoised", {"sigma": level}), NAMES, dry_run=True)
                   for level in ("20", "auto"))  # fmt: skip
    levels = [float(one.record.degradation.removeprefix("gaussian:")) for one in (given, seen)]
    assert levels[0] == pytest.approx(20 * 0.6686, abs=0.01)
    assert levels[1] == pytest.approx(levels[0], rel=0.1)


NAMES = Names.read(None, "denoise", "denoised", single=True)


def test_the_command_tells_what_clips_cannot(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "clip.mp4", 2)
    for words, told in (
        (["denoise", "clip.mp4", "--jobs", "2"], "--jobs, --compare and --manifest are for pictures"),
        (["denoise", "clip.mp4", "-o", "out.gif"], "its ending is that of no clip"),
        (["denoise", "clip.mp4", "-o", "clip.mp4", "--overwrite"], "it is the input itself"),
        (["denoise", "clip.mp4", "-o", "none/out.mp4"], "there is no folder none"),
        (["upscale", "clip.mp4", "--factor", "2"], "clips are denoised only"),
    ):
        assert main(words) in (2, 3)
        assert told in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]


def test_without_pyav_it_is_said_how_to_have_it(tmp_path, monkeypatch):
    source = make_clip(tmp_path / "clip.mp4", 2)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UsageError, match=r"pip install 'nonloc\[video\]'"):
        run(source, tmp_path / "out.mp4")
