"""CSF: its size, a stage against the equation, and the checked figures with the authors' weights."""

import numpy as np
import pytest
import torch

from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import UsageError
from nonloc.image.image import Image
from nonloc.importing import import_weights
from nonloc.methods import registry
from nonloc.methods.unrolled.csf import CENTRES, CSF, CSFMethod, Differences, ShrinkageField, power
from nonloc.methods.unrolled.filter_bank import dct_filters
from nonloc.methods.unrolled.radial_basis import mixture
from nonloc.metrics.psnr import im2uint8, psnr

CHECKED = {
    15: {"pw": 28.698, "3x3": 29.424, "5x5": 29.680, "7x7": 29.733},
    25: {"pw": 26.018, "3x3": 26.780, "5x5": 26.992, "7x7": 27.051},
}


def count(module):
    return sum(p.numel() for p in module.parameters())


def drawn(filters):
    """A stage that does something, in double precision."""
    torch.manual_seed(0)
    stage = ShrinkageField(filters).double()
    with torch.no_grad():
        for parameter in stage.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
        stage.log_strength.zero_()  # a small one would divide, and so magnify, what the table is off
    return stage


def test_has_the_papers_number_of_parameters():
    assert [count(CSF(filters=name)) for name in ("3x3", "5x5", "7x7")] == [2445, 9245, 24245]
    assert count(CSF(filters="pairwise", stages=3)) == 3 * (2 * 53 + 1)


@pytest.mark.parametrize("filters", ["pairwise", "3x3", "5x5"])
def test_a_stage_is_the_equation_filter_by_filter(filters):
    stage, (height, width) = drawn(filters), (21, 24)
    x, y = (100 * torch.rand(1, 1, height, width, dtype=torch.float64) for _ in range(2))
    strength = stage.log_strength.exp()
    top, bottom = strength * torch.fft.fft2(y), strength
    shrunk = stage.shrinkage.weights, stage.shrinkage.centres.double(), 10
    for i, kernel in enumerate(stage.filters()[:, 0]):
        r = kernel.shape[-1] // 2
        spread = torch.zeros(height, width, dtype=torch.float64)
        spread[: kernel.shape[0], : kernel.shape[1]] = kernel.flip(0, 1)  # turned over: a convolution
        f = torch.fft.fft2(spread.roll((-r, -r), (0, 1)))
        v = torch.fft.ifft2(f * torch.fft.fft2(x)).real
        v = mixture(v, shrunk[0][i : i + 1], *shrunk[1:])
        top, bottom = top + f.conj() * torch.fft.fft2(v), bottom + f.abs() ** 2
    wanted = torch.fft.ifft2(top / bottom).real
    torch.testing.assert_close(stage(x, y), wanted, rtol=0, atol=0.02)  # what the table is off, summed


def test_the_power_of_the_filters_is_the_sum_of_their_squared_transforms():
    k, shape = torch.randn(4, 1, 5, 5), (13, 22)
    padded = torch.nn.functional.pad(k, (0, shape[1] - 5, 0, shape[0] - 5))
    wanted = torch.fft.rfft2(padded).abs().square().sum(0, keepdim=True)
    torch.testing.assert_close(power(k, shape), wanted, rtol=1e-4, atol=1e-4)


def test_untrained_it_gives_its_input_back():
    y = 0.5 + 0.1 * torch.randn(2, 1, 30, 17)  # responses within the centres
    torch.testing.assert_close(CSF()(y), y, rtol=0, atol=0.01)


def test_the_pairwise_filters_are_differences_and_are_not_trained():
    ramp = torch.arange(5.0).expand(1, 1, 5, 5)
    found = torch.nn.functional.conv2d(ramp + 10 * ramp.transpose(2, 3), Differences()())
    assert found[0, :, 1, 1].tolist() == [1, 10]
    assert not any("filters" in name for name, _ in CSF(filters="pairwise").named_parameters())


def test_every_parameter_learns():
    network = CSF(filters="3x3", stages=2)
    network(torch.rand(1, 1, 16, 16)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("given", [{"channels": 3}, {"filters": "4x4"}])
def test_what_it_has_not_is_refused(given):
    with pytest.raises(UsageError):
        CSF(**given)


@pytest.fixture
def written(tmp_path):
    """Writes a model as the authors' MATLAB code does."""
    from scipy.io import savemat

    def write(filters="3x3", stages=2, deblurring=0, means=None):
        rng = np.random.default_rng(0)
        if filters == "pairwise":
            kernels = [np.array([[1, -1, 0]], np.int16), np.array([[1], [-1], [0]], np.int16)]
        else:
            side = int(filters[0])
            mixing = np.linalg.qr(rng.standard_normal((side**2 - 1, side**2 - 1)))[0]
            kernels = list((mixing @ dct_filters(side).flatten(1).double().numpy()).reshape(-1, side, side))
        f = np.empty((len(kernels), stages), object)
        shrink = np.empty((len(kernels), stages), [(name, object) for name in ("precision", "means", "weights")])
        for i, s in np.ndindex(f.shape):
            f[i, s] = kernels[i]
            grid = np.array([CENTRES if means is None else means], np.int16).T
            shrink[i, s] = (0.01, grid, rng.standard_normal((len(grid), 1)))
        model = {"nfilters": len(kernels), "sigma": 25, "is_deblurring": deblurring, "nstages": stages}
        model |= {"lambda": rng.random((1, stages)) + 0.5, "f": f, "shrink": shrink}
        path = tmp_path / "model.mat"
        savemat(path, {"model": model})
        return path, kernels, shrink

    return write


@pytest.mark.parametrize("filters", ["pairwise", "3x3", "7x7"])
def test_a_model_of_the_authors_form_is_read(written, filters):
    path, kernels, shrink = written(filters)
    method, state, facts = import_weights(path)
    assert (method, facts.sigma, facts.network) == ("csf", (25, 25), {"filters": filters, "stages": 2})
    network = CSF(**facts.network)
    network.load_state_dict(state)
    if filters != "pairwise":
        found = network.stages[1].filters()[:, 0]
        wanted = torch.from_numpy(np.stack(kernels)[:, ::-1, ::-1].copy()).float()
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    weights = network.stages[1].shrinkage.weights[0].detach().numpy()
    np.testing.assert_allclose(weights, shrink[0, 1]["weights"].ravel(), rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "said"), [({"deblurring": 1}, "deblurring"), ({"means": range(0, 50, 10)}, "another grid")]
)
def test_a_model_of_another_kind_is_refused(written, given, said):
    from nonloc.errors import WeightsError

    with pytest.raises(WeightsError, match=said):
        import_weights(written(**given)[0])


def test_another_matlab_5_file_names_its_variables(tmp_path):
    from scipy.io import savemat

    from nonloc.errors import WeightsError

    savemat(tmp_path / "other.mat", {"basis": np.eye(3)})
    with pytest.raises(WeightsError, match="basis"):
        import_weights(tmp_path / "other.mat")
    (tmp_path / "torn.mat").write_bytes((tmp_path / "other.mat").read_bytes()[:180])
    with pytest.raises(WeightsError, match="torn"):
        import_weights(tmp_path / "torn.mat")


def crop_score(module, pictures, i, sigma):
    """PSNR on the i-th crop that the reference weights were checked on: centre 128 x 128 of each sixth picture."""
    samples = pictures[6 * i].pixels8("gray")
    top, left = (samples.shape[0] - 128) // 2, (samples.shape[1] - 128) // 2
    clean = samples[top : top + 128, left : left + 128]
    noise = np.random.default_rng(1000 * sigma + i).standard_normal(clean.shape) * sigma
    method = CSFMethod(registry.card("csf"), module=module)
    restored, _ = run(Plan(method, GaussianNoise(sigma)), Image(((clean + noise) / 255).astype(np.float32), scale=1.0))
    return psnr(clean, im2uint8(restored.samples), data_range=255)


@pytest.mark.data
@pytest.mark.parametrize("filters", ["pw", "3x3", "5x5", "7x7"])
@pytest.mark.parametrize("sigma", [15, 25])
def test_the_authors_weights_give_the_checked_figures_on_twelve_crops(data_root, sigma, filters):
    _, state, facts = import_weights(data_root / f"reference/csf/table1/sigma{sigma}/csf_{filters}.mat")
    assert facts.sigma == (sigma, sigma)
    module = CSF(**facts.network)
    module.load_state_dict(state)
    module.eval().requires_grad_(False)
    pictures = load("bsd68", root=data_root)
    scores = [crop_score(module, pictures, i, sigma) for i in range(12)]
    assert np.mean(scores) == pytest.approx(CHECKED[sigma][filters], abs=0.002)
