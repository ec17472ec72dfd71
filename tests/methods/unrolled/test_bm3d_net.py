"""BM3D-Net: its basis, its votes, what it does with levels and borders, the authors' file, and the checked figures."""

import h5py
import numpy as np
import pytest
import torch

from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import UsageError, WeightsError
from nonloc.image.image import Image
from nonloc.importing import import_weights
from nonloc.methods import registry
from nonloc.methods.networks.dncnn import DnCNN
from nonloc.methods.unrolled.bm3d_net import AT_ONCE, LEVEL, BM3DNet, BM3DNetMethod, group_basis, haar, plain_bm3d
from nonloc.methods.unrolled.nonlocal_operator import find
from nonloc.methods.unrolled.radial_basis import mixture
from nonloc.metrics.psnr import im2uint8, psnr

TINY = {"patch": 3, "group": 4, "window": 7}
CHECKED = {15: (29.674, 28.339), 25: (27.056, 25.921), 50: (23.748, 22.938)}  # twelve crops, and the first


def drawn(**arguments):
    """A small network that does something else than at the start."""
    torch.manual_seed(0)
    network = BM3DNet(**{**TINY, **arguments}).eval()
    with torch.no_grad():
        network.mixing += 20 * torch.randn_like(network.mixing)
        network.shrinkage.weights += torch.randn_like(network.shrinkage.weights)
    return network.requires_grad_(False)


def picture(*sides, seed=0):
    return torch.rand(1, 1, *sides, generator=torch.Generator().manual_seed(seed))


def test_has_the_authors_number_of_parameters():
    assert sum(p.numel() for p in BM3DNet().parameters()) == 177_514


def test_the_basis_is_orthonormal_and_lacks_the_constant():
    basis = group_basis(3, 4).double()
    torch.testing.assert_close(basis @ basis.T, torch.eye(35).double(), rtol=0, atol=1e-6)
    torch.testing.assert_close(basis @ torch.ones(36).double(), torch.zeros(35).double(), rtol=0, atol=1e-6)


def test_haar_is_coarse_before_fine():
    np.testing.assert_allclose(haar(4)[1], [0.5, 0.5, -0.5, -0.5])
    np.testing.assert_allclose(haar(4)[3], [0, 0, 0.5**0.5, -(0.5**0.5)])


def test_each_patch_of_each_group_votes_for_each_of_its_pixels():
    network = drawn().double()
    height, width, m, r = 8, 7, 3, 1
    y = 255 * picture(height, width).double()
    nearest = find(y, m, network.window, network.group).nearest
    mirrored = np.pad(y[0, 0].numpy(), r, mode="symmetric")
    w = (network.mixing / network.mixing.norm(dim=1, keepdim=True) @ network.basis).numpy()
    functions = network.shrinkage.weights, network.shrinkage.centres.double(), 10
    total, votes = np.zeros((2, height + 2 * r, width + 2 * r))
    for group in nearest.tolist():
        places = [divmod(j, width) for j in group]
        stack = np.concatenate([mirrored[v : v + m, u : u + m].ravel() for v, u in places])
        shrunk = mixture(torch.from_numpy(w @ stack)[None, :, None], *functions)[0, :, 0].numpy()
        for (v, u), vote in zip(places, (w.T @ shrunk).reshape(-1, m, m), strict=True):
            total[v : v + m, u : u + m] += vote
            votes[v : v + m, u : u + m] += 1
    wanted = (total / votes)[r:-r, r:-r]
    np.testing.assert_allclose(network.noise(y, nearest)[0, 0], wanted, atol=0.02)  # what the table is off


def test_groups_in_pieces_give_what_all_at_once_do(monkeypatch):
    network, y = drawn(), 255 * picture(20, 19)
    nearest = find(y, 3, 7, 4).nearest
    whole = network.noise(y, nearest)
    assert len(nearest) < AT_ONCE
    monkeypatch.setattr("nonloc.methods.unrolled.bm3d_net.AT_ONCE", 100)
    torch.testing.assert_close(network.noise(y, nearest), whole, rtol=1e-5, atol=1e-4)


def test_one_set_of_numbers_serves_every_level_by_scaling():
    network, y, guide = drawn(), picture(12, 13), picture(12, 13, seed=1)
    torch.testing.assert_close(network(2 * y, 50 / 255, guide), 2 * network(y, 25 / 255, guide), rtol=0, atol=1e-5)
    pair = network(torch.cat([y, y]), torch.tensor([25, 50]) / 255, torch.cat([guide, guide]))
    for one, level in zip(pair.split(1), (25, 50), strict=True):
        torch.testing.assert_close(one, network(y, level / 255, guide), rtol=0, atol=1e-5)


def test_without_noise_a_picture_stays_as_it_is():
    y = picture(16, 16)
    torch.testing.assert_close(drawn()(y, 0.0), y, rtol=0, atol=0)


def test_groups_are_found_on_bm3d_where_no_other_guide_is_given():
    network, y, std = drawn(), picture(20, 20), 25 / 255
    guide = plain_bm3d(y, torch.full((1, 1, 1, 1), std))
    torch.testing.assert_close(network(y, std), network(y, std, guide))
    assert (network(y, std) - network(y, std, y)).abs().max() > 1e-3


def test_a_pixel_sees_two_patches_and_two_windows_beyond_what_the_guide_sees():
    network, y, guide = drawn(), picture(60, 60), picture(60, 60, seed=1)
    reach = 2 * (TINY["window"] // 2) + 2 * (TINY["patch"] - 1)
    other, alike = y.clone(), guide.clone()
    other[..., 30, 30] += 1
    alike[..., 30, 30] += 1
    moved = (network(other, 0.1, alike) - network(y, 0.1, guide)).abs()[0, 0] > 1e-6
    rows, columns = torch.nonzero(moved, as_tuple=True)
    assert 2 < max(int((rows - 30).abs().max()), int((columns - 30).abs().max())) <= reach
    card = registry.card("bm3d-net")
    full = 2 * (card.network["window"] // 2) + 2 * (card.network["patch"] // 2)
    assert card.halo_exact == registry.card("bm3d").halo_exact + full


def test_untrained_it_shrinks_as_bm3d_does_first():
    noise = LEVEL / 255 * torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (BM3DNet()(0.5 + noise, LEVEL / 255) - 0.5).std() < 0.3 * noise.std()


def test_every_parameter_learns_and_the_memory_kept_small_changes_nothing():
    network, y = BM3DNet(**TINY), picture(14, 14)
    network(y, 25 / 255).square().mean().backward()
    found = {name: p.grad.clone() for name, p in network.named_parameters()}
    assert all(gradient.abs().max() > 0 for gradient in found.values())
    before = network.mixing.data.clone()
    loss = {}
    for sign in (-1, 1):  # along the gradient, by differences
        network.mixing.data = before + sign * found["mixing"] / found["mixing"].norm() * 0.1
        with torch.no_grad():
            loss[sign] = float(network(y, 25 / 255).double().square().mean())
    assert (loss[1] - loss[-1]) / 0.2 == pytest.approx(float(found["mixing"].norm()), rel=0.05)


def test_colour_is_not_its_own():
    with pytest.raises(UsageError, match="3 channels"):
        BM3DNet(3)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The authors' form: one vector in a MATLAB 7.3 file."""
    path = tmp_path_factory.mktemp("bm3d-net") / "weight.mat"
    numbers = np.random.default_rng(0).standard_normal(391 * 391 + 391 * 63)
    with h5py.File(path, "w") as file:
        file["weight"] = numbers[None]
    return path, numbers


def test_a_vector_of_the_authors_form_is_read(written):
    """Their basis counts through the group first, then down the columns of a patch; their vector, down the columns."""
    path, numbers = written
    method, state, facts = import_weights(path)
    assert (method, facts.channels, facts.sigma) == ("bm3d-net", 1, (0, 100))
    network = BM3DNet()
    network.load_state_dict(state)
    theirs = numbers[: 391**2].reshape(391, 391, order="F")
    theirs = theirs / np.linalg.norm(theirs, axis=0)
    ours = (network.mixing / network.mixing.norm(dim=1, keepdim=True)).detach().numpy()
    for n, (group, down, along) in ((0, (1, 0, 0)), (7, (0, 1, 0)), (55, (0, 0, 1)), (390, (7, 6, 6))):
        np.testing.assert_allclose(ours[:, 49 * group + 7 * down + along - 1], theirs[n], atol=1e-6)
    functions = numbers[391**2 :].reshape(63, 391, order="F")
    np.testing.assert_allclose(network.shrinkage.weights.detach().numpy(), functions.T, rtol=1e-6)


def test_another_vector_is_not_taken_for_it(tmp_path):
    with h5py.File(tmp_path / "weight.mat", "w") as file:
        file["weight"] = np.zeros((1, 100))
    with pytest.raises(WeightsError):
        import_weights(tmp_path / "weight.mat")


@pytest.mark.data
def test_the_basis_is_the_authors(data_root):
    from scipy.io import loadmat

    theirs = loadmat(data_root / "reference/bm3dnet/basis.mat")["basis"].reshape(8, 7, 7, 7, 7, 8)
    ours = group_basis(7, 8).numpy()  # theirs: patch, column, row of a sample, then along, down, group of the basis
    wanted = theirs.transpose(5, 4, 3, 0, 2, 1).reshape(392, 392)[1:]
    np.testing.assert_allclose(ours, wanted, atol=1e-6)


def reference(data_root):
    module = BM3DNet()
    module.load_state_dict(import_weights(data_root / "reference/bm3dnet/weight.mat").state)
    return module.eval().requires_grad_(False)


def crop_score(data_root, module, i, sigma):
    """PSNR on the i-th crop that the reference weights were checked on, groups found on the result of DnCNN-S."""
    samples = load("bsd68", root=data_root)[6 * i].pixels8("gray")
    top, left = (samples.shape[0] - 128) // 2, (samples.shape[1] - 128) // 2
    clean = samples[top : top + 128, left : left + 128]
    noise = np.random.default_rng(1000 * sigma + i).standard_normal(clean.shape) * sigma
    y = torch.from_numpy(((clean + noise) / 255).astype(np.float32))[None, None]
    guide = DnCNN(norm=False).eval()
    guide.load_state_dict(import_weights(data_root / f"reference/dncnn/dncnn_s_sigma{sigma}.mat").state)
    with torch.inference_mode():
        return psnr(clean, im2uint8(module(y, sigma / 255, guide(y))[0, 0].numpy()), data_range=255)


@pytest.mark.data
@pytest.mark.parametrize("sigma", list(CHECKED))
def test_the_authors_weights_give_the_checked_figure_on_a_crop(data_root, sigma):
    assert crop_score(data_root, reference(data_root), 0, sigma) == pytest.approx(CHECKED[sigma][1], abs=0.002)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("sigma", [25, *(pytest.param(sigma, marks=pytest.mark.whole_sets) for sigma in (15, 50))])
def test_the_authors_weights_give_the_checked_figures_on_twelve_crops(data_root, sigma):
    scores = [crop_score(data_root, reference(data_root), i, sigma) for i in range(12)]
    assert np.mean(scores) == pytest.approx(CHECKED[sigma][0], abs=0.002)


@pytest.mark.data
@pytest.mark.slow
def test_in_tiles_the_authors_weights_leave_no_trace(data_root):
    samples = load("bsd32val", root=data_root)[0].pixels8("gray")[:310, :150] / np.float32(255)
    samples = samples + 25 / 255 * np.random.default_rng(0).standard_normal(samples.shape).astype(np.float32)
    method = BM3DNetMethod(registry.card("bm3d-net"), module=reference(data_root))
    whole, tiled = (
        run(Plan(method, GaussianNoise(25), tile=tile), Image(samples, scale=1.0))[0].samples for tile in (None, 96)
    )
    np.testing.assert_allclose(tiled, whole, atol=2e-5)
