"""What stands in an exported file for our compiled kernels equals them, with weights that look at single places."""

import copy
from types import MethodType

import pytest
import torch

from nonloc.image.resize import resize
from nonloc.methods.networks.nlrn_fast import Recurrence
from nonloc.methods.unrolled.tnrd import TNRD
from nonloc.verbs.portable import Portable, PortableTNRD, attend, bicubic


@pytest.mark.parametrize("size", [(20, 23), (9, 30), (30, 4), (5, 5), (1, 1)])
def test_the_recurrence_with_sharp_attention_is_the_same(size):
    torch.manual_seed(0)
    fast = Recurrence(12, steps=3, window=9, embedding=4, values=6).eval().requires_grad_(False)
    for layer in (fast.theta, fast.phi):
        layer.weight.mul_(6)
    for layer in (fast.project, fast.second):
        torch.nn.init.normal_(layer.weight, std=0.2)
    plain = copy.deepcopy(fast)
    plain._attend = MethodType(attend, plain)
    y = torch.randn(2, 12, *size)
    found, due = plain(y), fast(y)
    assert (due - y).abs().max() > 0.1
    torch.testing.assert_close(found, due, atol=2e-3, rtol=0)  # the fast path holds logits in half precision


def test_the_stages_of_tnrd_are_the_same():
    torch.manual_seed(0)
    network = TNRD(size=5, stages=2).eval().requires_grad_(False)
    f = torch.rand(2, 1, 13, 9)
    torch.testing.assert_close(PortableTNRD(network)(f), network(f), atol=1e-5, rtol=0)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_enlarging_is_the_same(factor):
    x = torch.rand(2, 3, 7, 11, generator=torch.Generator().manual_seed(factor))
    torch.testing.assert_close(bicubic(x, 3, factor), resize(x, factor), atol=1e-5, rtol=0)


def test_the_rim_is_mirrored_as_the_engine_does_it():
    from nonloc.engine.tiles import pad

    seen = []

    class Look(torch.nn.Module):
        def forward(self, y):
            seen.append(y)
            return y

    x = torch.rand(1, 1, 3, 13)
    assert torch.equal(Portable(Look(), 8, 16, told=False)(x), x)
    assert torch.equal(seen[0], torch.from_numpy(pad(x.numpy(), 8, 16)))
