"""Weights of others: recognised, turned into ours number by number, and refused in words."""

from itertools import pairwise

import h5py
import numpy as np
import pytest
import torch

from nonloc.errors import WeightsError
from nonloc.importing import import_weights
from nonloc.methods.networks.dncnn import DnCNN
from nonloc.methods.networks.ffdnet import FFDNet
from nonloc.methods.networks.nlrn import NLRN

NETWORKS = {"dncnn": DnCNN, "ffdnet": FFDNet, "nlrn": NLRN}


def loaded(found):
    """Our network with the imported numbers; every one must fit."""
    network = NETWORKS[found.method](**found.facts.network)
    network.load_state_dict(found.state)
    return network.eval()


def write_mat(path, shapes):
    """A MatConvNet file as MATLAB 7.3 writes it; the filters in torch's order."""
    rng = np.random.default_rng(0)
    layers = []
    with h5py.File(path, "w") as file:
        references = []
        for k, shape in enumerate(shapes):
            weight, bias = rng.random(shape, np.float32), rng.random(shape[0], np.float32)
            layers.append((weight, bias))
            swapped = weight.swapaxes(2, 3)
            stored = [file.create_dataset(f"#refs#/w{k}", data=swapped[0] if shape[0] == 1 else swapped)]
            stored.append(file.create_dataset(f"#refs#/b{k}", data=bias[np.newaxis]))
            group = file.create_group(f"#refs#/layer{k}")
            group["type"] = np.array([[ord(letter)] for letter in "conv"], np.uint16)
            group["weights"] = np.array([[part.ref] for part in stored], h5py.ref_dtype)
            other = file.create_group(f"#refs#/other{k}")
            other["type"] = np.array([[ord(letter)] for letter in "relu"], np.uint16)
            references += [[group.ref], [other.ref]]
        file["net/layers"] = np.array(references, h5py.ref_dtype)
    return layers


def plain(inputs, outputs, depth, features):
    widths = [inputs, *[features] * (depth - 1), outputs]
    return [(b, a, 3, 3) for a, b in pairwise(widths)]


@pytest.mark.parametrize("channels", [1, 3])
def test_dncnn_from_matconvnet(tmp_path, channels):
    layers = write_mat(tmp_path / "sigma=15.mat", plain(channels, channels, 5, 7))
    found = import_weights(tmp_path / "sigma=15.mat")
    assert found.method == "dncnn"
    assert found.facts.network == {"channels": channels, "depth": 5, "features": 7, "norm": False}
    assert found.facts.sigma == (15, 15)
    convolutions = [layer for layer in loaded(found).noise if isinstance(layer, torch.nn.Conv2d)]
    for ours, (weight, bias) in zip(convolutions, layers, strict=True):
        np.testing.assert_array_equal(ours.weight.detach(), weight)
        np.testing.assert_array_equal(ours.bias.detach(), bias)


@pytest.mark.parametrize("channels", [1, 3])
def test_ffdnet_from_matconvnet_in_our_order_of_sub_pictures(tmp_path, channels):
    layers = write_mat(tmp_path / "a.mat", plain(4 * channels + 1, 4 * channels, 4, 5))
    found = import_weights(tmp_path / "a.mat")
    assert found.method == "ffdnet"
    assert found.facts.channels == channels
    assert found.facts.sigma == (0, 75)
    network = loaded(found)
    first = network.features[0].weight.detach().numpy()
    for colour in range(channels):
        for ours, theirs in enumerate((0, 2, 1, 3)):  # rows first, columns first
            a, b = 4 * colour + ours, 4 * colour + theirs
            np.testing.assert_array_equal(first[:, a], layers[0][0][:, b])
            np.testing.assert_array_equal(network.last.weight.detach()[a], layers[-1][0][b])
            np.testing.assert_array_equal(network.last.bias.detach()[a], layers[-1][1][b])
    np.testing.assert_array_equal(first[:, -1], layers[0][0][:, -1])


def nlrn_variables(steps=2, features=5, embedding=3):
    """Variables under the names of the authors' graph."""
    rng = np.random.default_rng(0)

    def some(*shape):
        return rng.random(shape).astype(np.float32)

    sides = {
        "conv1": (3, 3, 1, features),
        "conv_end": (3, 3, features, 1),
        "rnn/RB1_a": (3, 3, features, features),
        "rnn/RB1_b": (3, 3, features, features),
        "rnn/non_local_theta": (1, 1, features, embedding),
        "rnn/non_local_phi": (1, 1, features, embedding),
        "rnn/non_local_g": (1, 1, features, features),
    }
    variables = {f"model/{name}/kernel": some(*shape) for name, shape in sides.items()}
    variables |= {f"model/{name}/bias": some(shape[-1]) for name, shape in sides.items()}
    norms = {"batch_normalization": 1, "batch_normalization_1": features}
    norms |= {f"rnn/batch_normalization{f'_{k}' if k else ''}": features for k in range(3 * steps)}
    for name, width in norms.items():
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            variables[f"model/{name}/{part}"] = some(width)
    return variables


def test_nlrn_from_tensorflow(write_bundle, tmp_path):
    variables = nlrn_variables(steps=4)
    write_bundle(tmp_path, variables)
    for path in (tmp_path, tmp_path / "variables.index", tmp_path / "variables.data-00000-of-00001"):
        found = import_weights(path, sigma=25)
        assert found.method == "nlrn"
        assert found.facts.sigma == (25, 25)
        assert found.facts.network == {"channels": 1, "steps": 4, "features": 5, "embedding": 3}
    network = loaded(found)
    kernel = variables["model/rnn/RB1_b/kernel"]
    np.testing.assert_array_equal(network.b.weight.detach(), kernel.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(network.theta.bias.detach(), variables["model/rnn/non_local_theta/bias"])
    for t, k, place in ((0, 0, "before"), (2, 7, "between"), (3, 11, "within")):
        name = f"model/rnn/batch_normalization{f'_{k}' if k else ''}"
        layer = getattr(network.norms[t], place)
        np.testing.assert_array_equal(layer.weight.detach(), variables[f"{name}/gamma"])
        np.testing.assert_array_equal(layer.running_var, variables[f"{name}/moving_variance"])
    np.testing.assert_array_equal(network.norm_in.bias.detach(), variables["model/batch_normalization/beta"])
    np.testing.assert_array_equal(network.norm_out.running_mean, variables["model/batch_normalization_1/moving_mean"])


def test_what_a_training_kept_beside_its_variables_is_left_out(write_bundle, tmp_path):
    variables = nlrn_variables()
    more = {f"{name}/Adam": values for name, values in variables.items()} | {"step": np.array(5, np.int64)}
    write_bundle(tmp_path, variables | more)
    loaded(import_weights(tmp_path))


def test_the_level_is_told_by_the_folder_or_not_at_all(write_bundle, tmp_path):
    for name, level in (("sigma50", (50, 50)), ("mine", None)):
        folder = tmp_path / name
        folder.mkdir()
        write_bundle(folder, nlrn_variables())
        assert import_weights(folder).facts.sigma == level


def test_a_network_without_a_variable_is_refused_by_its_name(write_bundle, tmp_path):
    variables = nlrn_variables()
    del variables["model/rnn/batch_normalization_4/moving_mean"]
    write_bundle(tmp_path, variables)
    with pytest.raises(WeightsError, match=r"batch_normalization_4/moving_mean.*not in the file"):
        import_weights(tmp_path)


def test_shapes_that_do_not_fit_together_are_refused(write_bundle, tmp_path):
    variables = nlrn_variables() | {"model/rnn/non_local_phi/kernel": np.zeros((1, 1, 5, 4), np.float32)}
    write_bundle(tmp_path, variables)
    with pytest.raises(WeightsError, match=r"phi.weight"):
        import_weights(tmp_path)


def test_other_files_are_refused_in_words(write_bundle, tmp_path):
    write_bundle(tmp_path, {"model/w": np.zeros(3, np.float32)})
    (tmp_path / "a.mat").write_bytes(b"MATLAB 7.3 MAT-file, cut off")
    (tmp_path / "b.pth").write_bytes(b"")
    write_mat(tmp_path / "fdncnn.mat", plain(2, 1, 20, 4))
    write_mat(tmp_path / "empty.mat", [])
    (tmp_path / "nothing").mkdir()
    for name, found in {
        "variables.index": "not those of an NLRN",
        "a.mat": "no MatConvNet network",
        "b.pth": "this kind of file",
        "fdncnn.mat": r"20, 2 channels in, 1 out",
        "empty.mat": "no MatConvNet network|no convolutions",
        "nothing": "no TensorFlow variables",
        "missing.mat": "no such file",
    }.items():
        with pytest.raises(WeightsError, match=found):
            import_weights(tmp_path / name)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "method", "sigma", "count"),
    [
        ("nlrn", "nlrn", (15, 15), 349_573),
        ("dncnn/dncnn_s_sigma25.mat", "dncnn", (25, 25), 555_137),
        ("dncnn/dncnn_b_gray_blind.mat", "dncnn", (0, 55), 665_921),
        ("cdncnn/GD_Color_Blind.mat", "dncnn", (0, 55), 668_227),
        ("ffdnet/FFDNet_gray.mat", "ffdnet", (0, 75), 485_316),
        ("ffdnet/FFDNet_color.mat", "ffdnet", (0, 75), 852_108),
    ],
)
def test_the_authors_files_are_recognised(data_root, file, method, sigma, count):
    found = import_weights(data_root / "reference" / file)
    assert (found.method, found.facts.sigma) == (method, sigma)
    assert "github.com" in found.facts.source
    loaded(found)
    assert sum(values.numel() for values in found.state.values() if values.is_floating_point()) == count
