"""Batch renormalisation: batch normalisation at first, the algorithm of the paper later."""

import torch
from torch import nn

from nonloc.methods.networks.batch_renorm import BatchRenorm2d


def layers(ramp=100):
    torch.manual_seed(0)
    ours, plain = BatchRenorm2d(3, ramp=ramp), nn.BatchNorm2d(3, eps=1e-3, momentum=0.01)
    for values in plain.state_dict().values():
        if values.is_floating_point():
            values.uniform_(0.5, 1.5)
    ours.load_state_dict(plain.state_dict())
    return ours, plain


def test_the_first_batch_is_normalised_as_by_batch_normalisation():
    ours, plain = layers()
    x = torch.randn(4, 3, 5, 5)
    torch.testing.assert_close(ours(x), plain(x))
    for name, values in plain.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], values)


def test_in_use_it_is_batch_normalisation():
    ours, plain = layers()
    x = torch.randn(4, 3, 5, 5)
    torch.testing.assert_close(ours.eval()(x), plain.eval()(x))


def test_within_its_bounds_a_batch_is_normalised_by_the_running_statistics():
    """r and d undo the batch's own: what is left is (x - mu) / sigma with the running mu and sigma."""
    ours, plain = layers(ramp=1)
    ours.num_batches_tracked.fill_(1)  # fully grown: r within 1/3 and 3, d within 5
    x = 1 + 1.2 * torch.randn(8, 3, 5, 5)
    torch.testing.assert_close(ours(x), plain.eval()(x), rtol=1e-4, atol=1e-5)


def test_beyond_its_bounds_it_is_cut():
    ours, _ = layers(ramp=1)
    ours.num_batches_tracked.fill_(1)
    r, d = ours.correction(100 + 50 * torch.randn(8, 3, 5, 5))
    torch.testing.assert_close(r, torch.full((3,), 3.0))
    torch.testing.assert_close(d, torch.full((3,), 5.0))
    r, d = ours.correction(-100 + 1e-3 * torch.randn(8, 3, 5, 5))
    torch.testing.assert_close(r, torch.full((3,), 1 / 3))
    torch.testing.assert_close(d, torch.full((3,), -5.0))


def test_the_correction_takes_no_gradient():
    ours, _ = layers(ramp=1)
    ours.num_batches_tracked.fill_(1)
    x = torch.randn(4, 3, 5, 5, requires_grad=True)
    (ours(x) * torch.randn(4, 3, 5, 5)).sum().backward()
    # with r and d constant, the batch's own mean and spread have been taken out of the gradient
    torch.testing.assert_close(x.grad.mean((0, 2, 3)), torch.zeros(3), atol=1e-6, rtol=0)


def test_the_mean_over_all_batches_can_be_asked_for():
    ours, plain = layers()
    for layer in (ours, plain):
        layer.reset_running_stats()
        layer.momentum = None
    for _ in range(3):
        x = torch.randn(4, 3, 5, 5)
        ours(x), plain(x)
    torch.testing.assert_close(ours.running_mean, plain.running_mean)
    torch.testing.assert_close(ours.running_var, plain.running_var)
