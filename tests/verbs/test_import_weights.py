"""Imported weights: kept for the user, found by the registry, never mixed into the package."""

import pytest
import torch

from nonloc.errors import UsageError, WeightsError
from nonloc.methods import registry, user_weights
from nonloc.methods.networks.dncnn import DnCNN
from nonloc.verbs.import_weights import import_weights

NETWORK = {"channels": 1, "depth": 4, "features": 8, "norm": False}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of imported weights of this test's own."""
    monkeypatch.setenv("NONLOC_WEIGHTS", str(tmp_path / "weights"))
    registry.cards.cache_clear()
    yield tmp_path / "weights"
    monkeypatch.undo()
    registry.cards.cache_clear()


def keep(state, sigma=(25, 25)):
    told = {"channels": 1, "sigma": sigma, "network": NETWORK, "data": 'their "own"'}
    kept = user_weights.add(registry.card("dncnn"), state, told)
    registry.cards.cache_clear()
    return kept


def test_kept_weights_run_under_the_name_of_their_method(own):
    theirs = DnCNN(**NETWORK)
    keep(theirs.state_dict())
    method = registry.create("dncnn", channels=1, sigma=25)
    picture = torch.rand(1, 1, 16, 16)
    assert torch.equal(method.module(picture), theirs.eval()(picture))  # full precision
    assert method.weights.licence == "research"
    assert method.weights.data == 'their "own"'


def test_the_same_import_replaces_and_another_level_stands_beside(own):
    keep(DnCNN(**NETWORK).state_dict())
    second = DnCNN(**NETWORK)
    kept = keep(second.state_dict())
    keep(DnCNN(**NETWORK).state_dict(), sigma=(50, 50))
    weights = [w for w in registry.card("dncnn").weights if "their" in w.data]
    assert [w.sigma for w in weights] == [(25, 25), (50, 50)]
    assert weights[0].sha256 == kept.sha256
    assert len(list(own.iterdir())) == 4


def test_a_damaged_file_is_refused(own):
    kept = keep(DnCNN(**NETWORK).state_dict())
    path = own / kept.file
    path.write_bytes(path.read_bytes()[:-4] + b"abcd")
    with pytest.raises(WeightsError, match="checksum"):
        registry.create("dncnn", channels=1, sigma=25)


def test_a_note_that_does_not_read_names_the_file(own):
    own.mkdir()
    (own / "bad.toml").write_text("method = 3\n")
    with pytest.raises(WeightsError, match=r"bad\.toml"):
        registry.cards()


@pytest.mark.data
def test_the_authors_dncnn_is_imported_and_denoises(own, data_root):
    kept = import_weights(next((data_root / "reference" / "dncnn").glob("*sigma25.mat")))
    assert (kept.method, kept.weights.sigma, kept.folder) == ("dncnn", (25, 25), own)
    assert registry.create("dncnn", channels=1, sigma=25).weights.file == kept.weights.file


@pytest.mark.data
def test_a_specialist_of_unknown_level_is_asked_for_it(own, data_root, tmp_path):
    source = next((data_root / "reference" / "dncnn").glob("*sigma25.mat"))
    nameless = tmp_path / "net.mat"
    nameless.write_bytes(source.read_bytes() + b"\0")  # no file that is known by its checksum
    with pytest.raises(UsageError, match="--sigma"):
        import_weights(nameless)
    assert import_weights(nameless, sigma=30).weights.sigma == (30, 30)
