"""ECNDNet: the authors' weights, turned into ours, give their figures; the narrow end learns."""

import authors
import numpy as np
import pytest
import torch

from nonloc.benchmark.draws import Track, noisy
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import UsageError, WeightsError
from nonloc.image.image import Image
from nonloc.importing import import_weights
from nonloc.methods import registry
from nonloc.methods.networks.ecndnet import ECNDNet, ECNDNetMethod
from nonloc.metrics.psnr import im2uint8, psnr


def on(module, samples, sigma):
    """What the engine makes of noisy float `samples`, as 8 bits."""
    method = ECNDNetMethod(registry.card("ecndnet"), module=module)
    restored, _ = run(Plan(method, GaussianNoise(sigma)), Image(samples, scale=1.0))
    return im2uint8(restored.samples)


def theirs(network):
    """The network's numbers under the authors' names, with what training on several devices puts in front."""
    names = {"narrow.weight": "conv1_16.0.weight", "end.1.weight": "conv3.weight", "end.1.bias": "conv3.bias"}
    state = {}
    for name, values in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in names:
            _, k, number = name.split(".")
            name = f"conv1_{int(k) // 3 + 1}.{int(k) % 3}.{number}"
        state[f"module.{names.get(name, name)}"] = values
    return state


def test_the_authors_numbers_find_their_places(tmp_path):
    network = ECNDNet(features=3)
    for values in network.state_dict().values():
        if values.is_floating_point():
            values.uniform_(0.1, 1)
    (tmp_path / "sigma25").mkdir()
    torch.save(theirs(network), tmp_path / "sigma25" / "model.pth")
    found = import_weights(tmp_path / "sigma25" / "model.pth")
    assert (found.method, found.facts.sigma) == ("ecndnet", (25, 25))
    ours = ECNDNet(**found.facts.network)
    ours.load_state_dict(found.state)
    y = torch.rand(1, 1, 9, 8)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(y), network.eval()(y), rtol=0, atol=0)


def test_a_state_dict_that_is_not_theirs_is_refused_in_words(tmp_path):
    path = tmp_path / "model.pth"
    state = theirs(ECNDNet(features=2))
    del state["module.conv1_7.1.running_var"]
    for content, said in (
        (state, r"conv1_7\.1\.running_var.*not in the file"),
        ({"weight": torch.zeros(1)}, "no network of ours has its tensors"),
        ([1, 2], "other things than the tensors"),
        (pytest, "cannot be read"),  # an object, which only running code could bring back
    ):
        if content is pytest:
            path.write_bytes(b"\x80\x02cos\nsystem\n.")
        else:
            torch.save(content, path)
        with pytest.raises(WeightsError, match=said):
            import_weights(path)
    with pytest.raises(WeightsError, match="no such file"):
        import_weights(tmp_path / "missing.pth")


def test_a_variant_that_nobody_has_is_refused():
    with pytest.raises(UsageError, match="plain"):
        ECNDNet(variant="narrow")


@pytest.mark.parametrize("seed", [0, 1])
def test_the_narrow_end_is_alive_after_a_hundred_steps(seed):
    torch.manual_seed(seed)
    network = ECNDNet(features=8)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    clean = torch.rand(4, 1, 1, 1).expand(4, 1, 20, 20)
    noisy = clean + 0.1 * torch.randn(clean.shape)
    losses = []
    for _ in range(100):
        loss = (network(noisy) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        narrow = network.narrow(network.features(noisy))
    assert float((narrow > 0).float().mean()) > 0.9
    assert np.mean(losses[-10:]) < 0.005  # the noise is 0.01


def reference(data_root, sigma):
    return authors.load(ECNDNet(), data_root / "reference" / "ecndnet" / f"sigma{sigma}" / "model_180.pth")


@pytest.mark.data
@pytest.mark.parametrize(("sigma", "mean", "first"), [(15, 30.149, 28.780), (25, 27.545, 26.375), (50, 24.340, 23.383)])
def test_the_authors_weights_give_the_checked_figures_on_twelve_crops(data_root, sigma, mean, first):
    network, pictures, scores = reference(data_root, sigma), load("bsd68", root=data_root), []
    for i in range(12):
        clean, samples = authors.checked_crop(pictures, i, sigma, "gray")
        if i == 0:
            with torch.inference_mode():
                narrow = network.narrow(network.features(torch.from_numpy(samples)[None, None]))
            assert float(narrow.min()) > 0  # the ReLU behind it cuts nothing off
        scores.append(psnr(clean, on(network, samples, sigma), data_range=255))
    assert scores[0] == pytest.approx(first, abs=0.002)
    assert np.mean(scores) == pytest.approx(mean, abs=0.002)


@pytest.mark.data
def test_the_authors_files_are_known(data_root):
    for sigma in (15, 25, 50):
        facts = import_weights(data_root / "reference" / "ecndnet" / f"sigma{sigma}" / "model_180.pth").facts
        assert (facts.sigma, facts.channels, facts.network) == ((sigma, sigma), 1, {"channels": 1, "features": 64})
        assert "hellloxiaotian" in facts.source


@pytest.mark.data
@pytest.mark.whole_sets
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("sigma", "published"), [(15, 31.71), (25, 29.22), (50, 26.23)])
def test_the_authors_weights_give_their_published_means_on_bsd68(data_root, sigma, published):
    network, scores = reference(data_root, sigma), []
    for picture in load("bsd68", root=data_root):
        clean = picture.pixels8("gray")
        restored = on(network, noisy(clean, picture.path.name, sigma, Track("matlab4")), sigma)
        scores.append(psnr(clean, restored, data_range=255))
    assert np.mean(scores) == pytest.approx(published, abs=0.02)
