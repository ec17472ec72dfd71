"""nlrn-fast: the host at the start, far sight where it is asked for, any size."""

import pytest
import torch

from nonloc.methods.networks.nlrn_fast import REACH, NlrnFast, Recurrence
from nonloc.methods.networks.nonloc_s import NonlocS

SMALL = {"widths": (8, 12, 8), "blocks": (1, 1, 1, 1, 1)}


def shaken(network: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """With no zero left in it."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return network.eval()


@pytest.mark.parametrize("reach", REACH)
def test_with_the_weights_of_nonloc_s_it_starts_as_nonloc_s(reach):
    host, network = shaken(NonlocS(1, **SMALL)), NlrnFast(1, **SMALL, reach=reach, steps=2, window=5)
    assert not network.load_state_dict(host.state_dict(), strict=False).unexpected_keys
    picture = torch.rand(1, 1, 32, 40)
    assert torch.equal(network.eval()(picture, 0.1), host(picture, 0.1))


def test_the_state_of_nonloc_s_has_no_trace_of_the_place_for_a_recurrence():
    assert not any("refine" in name for name in NonlocS(1).state_dict())


def test_another_reach_is_an_error():
    with pytest.raises(ValueError, match="depthwise"):
        Recurrence(8, reach="global")


@pytest.mark.parametrize("propagate", [True, False])
def test_pixels_far_away_are_seen_by_attention_only_as_far_as_window_and_steps_reach(propagate):
    recurrence = shaken(Recurrence(6, steps=1, window=7, embedding=4, values=4, propagate=propagate))
    y = torch.randn(1, 6, 24, 24, requires_grad=True)
    recurrence(y)[0, :, 12, 12].sum().backward()
    seen = y.grad.abs().sum((0, 1)) > 0
    rows, columns = torch.nonzero(seen, as_tuple=True)
    # window 7 and two 3 x 3 filters: 3 + 2 pixels each way
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (7, 17, 7, 17)


def test_carried_logits_change_the_result():
    y = torch.randn(1, 6, 12, 12)
    carried = shaken(Recurrence(6, steps=3, window=5, embedding=4, values=4))
    alone = shaken(Recurrence(6, steps=3, window=5, embedding=4, values=4, propagate=False))
    alone.load_state_dict(carried.state_dict())
    assert not torch.allclose(alone(y), carried(y), atol=1e-4)


@pytest.mark.parametrize("sides", [(8, 8), (24, 8), (40, 56)])
def test_any_size_trains_and_runs_alike(sides):
    network = shaken(NlrnFast(1, **SMALL, steps=3, window=5))
    picture = torch.rand(2, 1, *sides)
    std = torch.tensor([0.05, 0.2])
    trained = network(picture, std)  # with gradients: kept logits in full precision
    trained.mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    with torch.no_grad():
        assert torch.allclose(network(picture, std), trained, atol=1e-4)
