"""NLRN: one residual step with a non-local operation in it, repeated with shared weights; similarities are carried on.

Source: Liu, Wen, Fan, Loy, Huang, "Non-Local Recurrent Network for Image Restoration", NeurIPS 2018, arXiv 1806.02919.
Where the paper leaves it open, as the authors' weights for sigma 15 want it: a batch normalisation of its own in each
step, no ReLU before the first convolution of a step, the first feature map added in every step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ...degradation import Degradation
from ...errors import UsageError
from ...nonlocal_ops.window import window_attention
from ..base import NetworkMethod
from ..card import Card, Weights

AFFINITIES = ("embedded", "symmetric", "euclidean", "gaussian")
WHITE = 255  # the authors' range
PATCH_BYTES = 400  # a pixel, for a picture of 400 x 400; the patches in work take the same for every size
TOGETHER = 4  # patches in one batch: more are no faster, and each takes 15 MB


class NLRN(nn.Module):
    """Residual denoiser for one level of noise, which it is not told.

    channels: of the picture. steps: T. features: m, channels inside. embedding: l, of theta and phi. window: q, odd
    side of the square of keys; a picture or crop not larger is attended whole. propagation: whether logits are carried
    from step to step. affinity: 'embedded' exp(theta_i . phi_j); 'symmetric' the same with theta = phi; 'euclidean'
    exp(-|theta_i - phi_j|^2 / 2); 'gaussian' exp(r_i . r_j), without embedding. border: 'clamp' moves the window
    inside the picture, 'mask' leaves out keys beyond it. thrifty: keep only the state and the logits of each step for
    the way back and compute the rest again: a crop of 43 x 43 takes 210 MB in place of 257, and a quarter more time.
    """

    def __init__(
        self,
        channels: int = 1,
        steps: int = 12,
        features: int = 128,
        embedding: int = 64,
        window: int = 45,
        propagation: bool = True,
        affinity: str = "embedded",
        border: str = "clamp",
        thrifty: bool = False,
    ):
        super().__init__()
        if affinity not in AFFINITIES:
            raise UsageError(f"affinity {affinity!r}", "there is no such one", f"Take one of {', '.join(AFFINITIES)}")
        self.steps, self.window, self.border = steps, window, border
        self.propagation, self.affinity, self.thrifty = propagation, affinity, thrifty
        self.norm_in = norm(channels)
        self.first = conv(channels, features, 3)
        self.theta = conv(features, embedding, 1) if affinity != "gaussian" else None
        self.phi = conv(features, embedding, 1) if affinity in ("embedded", "euclidean") else None
        self.g = conv(features, features, 1)
        self.a, self.b = conv(features, features, 3), conv(features, features, 3)
        self.norms = nn.ModuleList(Norms(features) for _ in range(steps))  # the only numbers that steps do not share
        self.norm_out = norm(features)
        self.last = conv(features, channels, 3)
        nn.init.zeros_(self.g.weight)  # each step begins without looking far, as the authors' code does

    def forward(self, x: Tensor) -> Tensor:
        """Clean estimate of noisy `x` (B, C, H, W), black 0, white 1; same shape, not clipped."""
        if self.training or torch.is_grad_enabled():
            return x + self.unrolled(WHITE * x) / WHITE
        # asked for bfloat16, only the products of the attention use it, most of the work; all of it loses 0.07 dB
        products = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else None
        with torch.autocast(x.device.type, enabled=False):
            return x + self.merged(WHITE * x, products) / WHITE

    def unrolled(self, x: Tensor) -> Tensor:
        """Minus the noise of `x`, white 255: the definition, and the form that is trained."""
        y = self.first(self.norm_in(x))
        h, logits = y, None
        for t in range(self.steps):
            if self.thrifty and torch.is_grad_enabled():
                contexts = partial(_contexts, self.norms[t])
                h, logits = checkpoint(self.step, t, h, y, logits, use_reentrant=False, context_fn=contexts)
            else:
                h, logits = self.step(t, h, y, logits)
        r = F.relu(self.norm_out(h))
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 has 8 bits, too few for the result
            return self.last(r.to(self.last.weight.dtype))

    def step(self, t: int, h: Tensor, y: Tensor, logits: Any) -> tuple[Tensor, Any]:
        """State and carried logits after step t: h_t = f(h_(t-1)) + y."""
        norms = self.norms[t]
        r = F.relu(norms.before(h))  # type: ignore[operator]
        z, logits = self.attend(r, self.g(r), logits, t)
        r = F.relu(norms.within(self.a(norms.between(r + z))))  # type: ignore[operator]
        return self.b(r) + y, logits

    def attend(
        self, r: Tensor, g: Tensor, logits: Any, t: int, products: torch.dtype | None = None
    ) -> tuple[Tensor, Any]:
        """softmax(S_t) g with S_t = theta_t phi_t^T + S_(t-1) over the window of each pixel, and S_t to carry on."""
        theta = r if self.theta is None else self.theta(r)
        phi = theta if self.phi is None else self.phi(r)
        with torch.autocast(r.device.type, enabled=False):  # logits add up over the steps, to hundreds
            exact = torch.promote_types(r.dtype, torch.float32)
            theta, phi, g = theta.to(exact), phi.to(exact), g.to(exact)
            if self.affinity == "euclidean":  # |theta_i|^2 is the same for all keys of i, and leaves the softmax
                phi = torch.cat([phi, -0.5 * phi.square().sum(1, keepdim=True)], 1)
                theta = F.pad(theta, (0, 0, 0, 0, 0, 1), value=1.0)
            return window_attention(
                theta, phi, g, self.window,
                carried=logits, keep=self.propagation and t + 1 < self.steps, border=self.border, products=products,
            )  # fmt: skip

    def merged(self, x: Tensor, products: torch.dtype | None = None) -> Tensor:
        """The same as `unrolled` where nothing is trained, with every normalisation merged into what stands before it.

        Rows of the softmax sum to 1, so that scale and shift of the middle one go through it, into g.
        """
        y = self.first(self.norm_in(x))
        norms = cast(Sequence[Norms], self.norms)
        entering = [*(step.before for step in norms), self.norm_out]
        scale, shift = affine(entering[0])
        r, logits = torch.addcmul(shift, y, scale).relu_(), None
        for t in range(self.steps):
            scale, shift = affine(norms[t].between)
            z, logits = self.attend(r, scaled(self.g, r, scale, shift), logits, t, products)
            z.addcmul_(r, scale)
            r = scaled(self.a, z, *affine(norms[t].within)).relu_()
            del z
            scale, shift = affine(entering[t + 1])
            r = scaled(self.b, r, scale, shift).addcmul_(y, scale).relu_()
        return self.last(r)


class Norms(nn.Module):
    """The normalisations of one step: before the non-local operation, between it and the convolutions, within these."""

    def __init__(self, features: int):
        super().__init__()
        self.before, self.between, self.within = norm(features), norm(features), norm(features)


def norm(features: int) -> nn.BatchNorm2d:
    """With TensorFlow's constants, not torch's: variances inside are as small as 0.007."""
    return nn.BatchNorm2d(features, eps=1e-3, momentum=0.01)


def conv(inputs: int, outputs: int, side: int) -> nn.Conv2d:
    """Zeros beyond the border; drawn as Glorot and Bengio, AISTATS 2010, as the authors' code does."""
    made = nn.Conv2d(inputs, outputs, side, padding=side // 2)
    nn.init.xavier_uniform_(made.weight)
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]
    return made


def affine(layer: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """A trained normalisation as scale and shift, each (1, C, 1, 1)."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    scale = layer.weight / (layer.running_var + layer.eps).sqrt()
    shift = layer.bias - layer.running_mean * scale
    return scale.view(1, -1, 1, 1), shift.view(1, -1, 1, 1)


def scaled(layer: nn.Conv2d, r: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """scale * layer(r) + shift, for no more than layer(r) costs."""
    weight = layer.weight * scale.reshape(-1, 1, 1, 1)
    bias = cast(Tensor, layer.bias) * scale.flatten() + shift.flatten()
    return F.conv2d(r, weight, bias, padding=layer.padding)


def _contexts(norms: nn.Module) -> tuple[AbstractContextManager, AbstractContextManager]:
    """Around a step, and around it when it is computed again."""
    return nullcontext(), uncounted(norms)


@contextmanager
def uncounted(norms: nn.Module) -> Iterator[None]:
    """Leave the running statistics as they are: they have seen the batch already."""
    layers = [layer for layer in norms.modules() if isinstance(layer, nn.BatchNorm2d)]
    before = [(layer.momentum, cast(Tensor, layer.num_batches_tracked).clone()) for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, (momentum, count) in zip(layers, before, strict=True):
            layer.momentum = momentum
            cast(Tensor, layer.num_batches_tracked).copy_(count)


def restore_patches(module: nn.Module, pixels: Tensor, side: int, stride: int) -> Tensor:
    """Mean over patches of side x side, `stride` apart, the last ones flush with the end, each restored alone.

    As the authors test; the result is not clipped, neither that of a patch nor the mean.
    """
    total, count = torch.zeros_like(pixels), torch.zeros_like(pixels[:1, :1])
    height, width = pixels.shape[-2:]
    places = [
        (..., slice(top, top + side), slice(left, left + side))
        for top in starts(height, side, stride)
        for left in starts(width, side, stride)
    ]
    for group in (places[i : i + TOGETHER] for i in range(0, len(places), TOGETHER)):
        restored = module(torch.cat([pixels[place] for place in group])).chunk(len(group))
        for place, patch in zip(group, restored, strict=True):
            total[place] += patch
            count[place] += 1
    return total / count


def starts(length: int, side: int, stride: int) -> list[int]:
    """Where patches begin along an axis; a length below `side` has one patch, which is that short."""
    last = max(length - side, 0)
    return [*range(0, last, stride), last]


class NLRNMethod(NetworkMethod):
    """mode: 'window', the whole picture at once, each pixel with its own window; or 'patch', as the authors test:
    patches of the window's side, `stride` apart, each attended whole, averaged where they overlap."""

    network = NLRN  # its arguments stand under `network` in the card
    module: NLRN

    def __init__(
        self,
        card: Card,
        weights: Weights | None = None,
        module: NLRN | None = None,
        mode: str = "window",
        stride: int = 7,
    ):
        super().__init__(card, weights, module)
        self.mode, self.stride = mode, stride
        if mode == "patch":
            self.card = patch_card(card, self.module.window, stride)

    def restore(self, pixels: Tensor, degradation: Degradation | None) -> Tensor:
        if self.mode == "window":
            return self.module(pixels)
        return restore_patches(self.module, pixels, self.module.window, self.stride)


def patch_card(card: Card, side: int, stride: int) -> Card:
    """The card for patches: they end the reach of a pixel, and tiles that begin where patches do find the same ones."""
    overlap = (side / stride) ** 2
    seconds = None if card.seconds_per_mp is None else card.seconds_per_mp * overlap
    return replace(
        card, halo_exact=side, halo_8bit=None, grid=stride, bytes_per_pixel=PATCH_BYTES, seconds_per_mp=seconds
    )
