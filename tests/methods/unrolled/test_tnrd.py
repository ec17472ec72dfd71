"""TNRD: its size, its reach, a step against the equation, and what it does on pictures smaller than its filters."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.errors import UsageError
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.methods.unrolled.filter_bank import adjoint, correlate, pad
from nonloc.methods.unrolled.radial_basis import mixture
from nonloc.methods.unrolled.tnrd import TNRD, TNRDMethod


def drawn(**arguments):
    """A network whose steps differ."""
    torch.manual_seed(0)
    network = TNRD(**arguments).eval()
    with torch.no_grad():
        for stage in network.stages:
            stage.filters.mixing += 0.5 * torch.randn_like(stage.filters.mixing)
            stage.influence.weights += 0.02 * torch.randn_like(stage.influence.weights)
    return network.requires_grad_(False)


def on(module, samples, tile=None):
    method = TNRDMethod(registry.card("tnrd"), module=module)
    restored, _ = run(Plan(method, GaussianNoise(25), tile=tile), Image(samples, scale=1.0))
    return restored.samples


@pytest.mark.parametrize(
    ("size", "stages", "expected"), [(5, 5, 10_445), (5, 8, 16_712), (7, 5, 26_645), (7, 8, 42_632)]
)
def test_has_the_papers_number_of_parameters(size, stages, expected):
    assert sum(p.numel() for p in TNRD(size=size, stages=stages).parameters()) == expected


@pytest.mark.parametrize("size", [3, 5])
def test_a_step_is_the_authors_on_a_wider_picture_cropped(size):
    """They mirror by m + 1 pixels, let both convolutions mirror again, and crop."""
    stage = drawn(size=size, stages=1).stages[0].double()
    u, f = (255 * torch.rand(2, 1, 20, 13, dtype=torch.float64) for _ in range(2))
    rim, k = size + 1, stage.filters()
    wide, noisy = pad(u, rim, "symmetric"), pad(f, rim, "symmetric")
    v = correlate(wide, k, "symmetric")
    phi = mixture(v, stage.influence.weights, stage.influence.centres.double(), 10)
    diffusion = correlate(phi.flatten(0, 1)[:, None], k.flip(-2, -1), "symmetric")
    diffusion = diffusion.unflatten(0, phi.shape[:2]).diagonal(dim1=1, dim2=2).sum(-1, keepdim=True).movedim(-1, 1)
    wanted = wide - diffusion - stage.log_reaction.exp() * (wide - noisy)
    torch.testing.assert_close(stage(u, f), wanted[..., rim:-rim, rim:-rim], rtol=0, atol=2e-3)


def test_inside_the_picture_a_step_goes_down_the_gradient_of_the_potentials():
    stage = drawn(size=3, stages=1).stages[0].double()
    u, k = 255 * torch.rand(1, 1, 15, 15, dtype=torch.float64), stage.filters()
    down = adjoint(stage.influence(correlate(u, k, "symmetric")), k, "symmetric")
    torch.testing.assert_close(stage(u, u)[..., 2:-2, 2:-2], (u - down)[..., 2:-2, 2:-2])


def test_a_pixel_sees_two_radii_a_stage_and_the_card_tells_the_most():
    for size, reach in ((5, 20), (7, 30)):
        network = drawn(size=size)
        y = torch.rand(1, 1, 75, 75, requires_grad=True)
        network(y)[0, 0, 37, 37].backward()
        rows, columns = torch.nonzero(y.grad[0, 0], as_tuple=True)
        assert max(int((rows - 37).abs().max()), int((columns - 37).abs().max())) == reach
    assert registry.card("tnrd").halo_exact == reach


@settings(max_examples=8)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_tiles_leave_no_trace(height, width):
    samples = np.random.default_rng(0).random((height, width), dtype=np.float32)
    network = drawn(size=5)
    np.testing.assert_allclose(on(network, samples, tile=16), on(network, samples), atol=2e-5)


def test_colours_are_restored_each_alone():
    samples = np.random.default_rng(0).random((20, 21, 3), dtype=np.float32)
    network = drawn()
    alone = np.stack([on(network, samples[..., c]) for c in range(3)], -1)
    np.testing.assert_allclose(on(network, samples), alone, atol=1e-6)


def test_a_lighter_picture_gives_a_lighter_result():
    network, y = drawn(), torch.rand(1, 1, 20, 20)  # no filter sees a constant
    torch.testing.assert_close(network(y + 0.25), network(y) + 0.25, rtol=0, atol=1e-5)


def test_half_precision_around_it_changes_nothing():
    network, y = drawn(), torch.rand(1, 1, 20, 20)
    with torch.autocast("cpu", torch.bfloat16):
        found = network(y)
    torch.testing.assert_close(found, network(y), rtol=0, atol=0)


def test_with_less_depth_the_first_stages_alone_run():
    network, y = drawn(), torch.rand(1, 1, 20, 20)
    network.depth = 1
    stage = network.stages[0]
    torch.testing.assert_close(network(y), stage(255 * y, 255 * y) / 255)


def test_every_parameter_learns():
    network = TNRD(size=3, stages=2)
    network(torch.rand(1, 1, 16, 16)).square().mean().backward()
    for name, parameter in network.named_parameters():
        if name != "stages.0.log_reaction":  # there u is f still
            assert parameter.grad.abs().max() > 0, name


def test_untrained_it_already_takes_out_some_noise():
    torch.manual_seed(0)
    noise = 25 / 255 * torch.randn(1, 1, 40, 40)
    with torch.no_grad():
        assert (TNRD()(0.5 + noise) - 0.5).std() < 0.5 * noise.std()


def test_colour_is_not_its_own():
    with pytest.raises(UsageError, match="3 channels"):
        TNRD(channels=3)
