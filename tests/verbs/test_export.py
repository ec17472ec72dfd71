"""A network as an ONNX file gives what torch gives, at sizes that nobody traced, and tells whose it is."""

import numpy as np
import pytest

import nonloc
from nonloc import engine
from nonloc.degradation import Downscale, GaussianNoise
from nonloc.engine import Plan
from nonloc.errors import ImageError, UsageError, WeightsError
from nonloc.interfaces.cli import main
from nonloc.testing import sample
from nonloc.verbs import export as verb

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SIZES = ((83, 70), (129, 64), (9, 200))  # the first is more than nlrn-fast's window on both axes, the last less
CASES = {
    "nonloc-s": (3, 25.0),
    "nonloc-photo": (3, 12.0),
    "nlrn-fast": (1, 40.0),
    "tnrd": (1, None),
    "sr-fast": (3, None),
}


@pytest.fixture(scope="module", params=CASES)
def exported(request, tmp_path_factory):
    """One network's file, and how it is called."""
    channels, sigma = CASES[request.param]
    path = tmp_path_factory.mktemp("onnx") / f"{request.param}.onnx"
    return verb.export(request.param, path, channels=channels), channels, sigma


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def test_the_file_gives_what_the_engine_gives(exported):
    written, channels, sigma = exported
    running = session(written.path)
    for height, width in SIZES:
        picture = sample(height, width, channels)
        pixels = np.ascontiguousarray(picture.pixels()[np.newaxis])
        feed = {"pixels": pixels} if sigma is None else {"pixels": pixels, "sigma": np.array([sigma], np.float32)}
        found = running.run(None, feed)[0][0].transpose(1, 2, 0)
        told = Downscale(2) if written.method == "sr-fast" else GaussianNoise(sigma or 25)
        plan = Plan(written.method, told, tile=None, memory=8 << 30)
        due = np.asarray(engine.run(plan, picture)[0].samples)
        np.testing.assert_allclose(found.reshape(due.shape), due, atol=1e-4)


def test_it_tells_method_weights_licence_and_range(exported):
    written, channels, _ = exported
    told = session(written.path).get_modelmeta().custom_metadata_map
    weights = next(w for w in nonloc.card(written.method).weights if w.file == told["weights"])
    assert told["method"] == written.method
    assert told["weights_sha256"] == weights.sha256
    assert told["licence"] == weights.licence
    assert told["channels"] == str(channels)
    assert told["range"].startswith("black 0, white 1")
    assert written.largest <= verb.BOUND


def test_each_picture_of_a_batch_has_its_own_level(tmp_path):
    written = verb.export("nonloc-s", tmp_path / "gray.onnx", channels=1)
    pixels = np.stack([sample(40, 48).pixels()] * 2)
    run = session(written.path).run
    both = run(None, {"pixels": pixels, "sigma": np.array([5, 50], np.float32)})[0]
    for i, sigma in enumerate((5, 50)):
        alone = run(None, {"pixels": pixels[i : i + 1], "sigma": np.array([sigma], np.float32)})[0]
        np.testing.assert_allclose(both[i], alone[0], atol=1e-5)
    assert np.abs(both[0] - both[1]).max() > 0.01


def test_a_file_that_differs_from_torch_is_never_written(tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "BOUND", 0.0)  # no two programs agree to the last bit
    with pytest.raises(WeightsError, match="differs from torch"):
        verb.export("sr-fast", tmp_path / "sr.onnx", channels=1)
    assert not list(tmp_path.iterdir())


def test_what_is_no_network_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match=r"no network.*nonloc-s"):
        verb.export("bm3d", tmp_path / "bm3d.onnx")


def test_the_command_writes_once_and_asks_before_it_writes_again(tmp_path, capsys):
    path = tmp_path / "small.onnx"
    words = ["export", "sr-fast", "--onnx", str(path), "--channels", "1"]
    assert main(words) == 0
    assert "largest difference from torch" in capsys.readouterr().out
    before = path.read_bytes()
    assert main(words) == 3
    assert "exists" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main([*words, "--overwrite"]) == 0


def test_a_missing_folder_is_told_as_one(tmp_path):
    with pytest.raises(ImageError, match="no folder"):
        verb.export("sr-fast", tmp_path / "nowhere" / "sr.onnx", channels=1)
