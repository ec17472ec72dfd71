"""A network as an ONNX file, checked against torch before anyone sees it.

Source: ONNX (Open Neural Network Exchange), operator set 17, which runtimes in C++, C#, Java and browsers read.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, WeightsError
from ..methods import registry
from ..version import __version__

if TYPE_CHECKING:
    import torch

OPSET = 17
BOUND = 1e-4  # of white; how far the file may be from torch
SIZES = ((24, 40), (37, 61))  # that it is checked on; neither is the one that was traced
TRACED = (48, 64)


@dataclass(frozen=True)
class Exported:
    """What was written. inputs: names and shapes. largest: difference from torch, None where that was not computed."""

    path: Path
    method: str
    inputs: dict[str, str]
    metadata: dict[str, str]
    largest: float | None

    def __str__(self) -> str:
        lines = [f"{self.method} -> {self.path}"]
        lines += [f"  input {name}: {shape}" for name, shape in self.inputs.items()]
        lines += [f"  {name}: {text}" for name, text in self.metadata.items()]
        told = "onnxruntime is not installed: not checked" if self.largest is None else f"{self.largest:.1e} of white"
        return "\n".join([*lines, f"  largest difference from torch: {told}"])


def export(
    name: str,
    path: Path | str,
    *,
    channels: int | None = None,
    sigma: float | None = None,
    licence: str | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write the network of method `name` with its weights to `path`, as ONNX with height and width left open.

    channels: 1 gray, 3 colour; None takes colour where the method has it. sigma: the level, for a method with weights
    for one level each. licence: only weights of that licence. The file's input `pixels` is float32 (B, C, H, W), black
    0, white 1, of any size; `sigma`, where the network is told the level, is (B,) on the 0-255 scale; the output
    `restored` is not clipped. Large pictures are the caller's to cut: tiles, and the record, are not in the file.
    Raises UnknownMethod, CardError, WeightsError, UsageError for what is no network, or where the packages are
    missing, and ImageError where the file cannot be written.
    """
    from ..image.atomic import atomic
    from ..methods.base import NetworkMethod

    onnx = _package()
    card = registry.card(name)
    channels = max(card.channels) if channels is None else channels
    method = registry.create(name, channels=channels, sigma=sigma, licence=licence, factor=(card.factors or (1,))[0])
    if not isinstance(method, NetworkMethod) or method.weights is None:
        raise UsageError(f"exporting {name}", "it is no network", "Take one of: " + ", ".join(exportable()))
    from .portable import portable

    network = portable(method, channels)
    metadata = _metadata(method, channels)
    model = onnx.load_model_from_string(_trace(network, channels, method.card.name))
    onnx.helper.set_model_props(model, metadata)
    model.producer_name, model.producer_version = "nonloc", __version__
    data = model.SerializeToString()
    largest = difference(data, network, channels, method)
    if largest is not None and not largest <= BOUND:
        raise WeightsError(
            f"exporting {name}", f"the file differs from torch by {largest:.2g} of white", "Run it with torch"
        )
    with atomic(Path(path), overwrite=overwrite) as stream:
        stream.write(data)
    inputs = {"pixels": f"float32 (B, {channels}, H, W), black 0, white 1"}
    if network.told:
        inputs["sigma"] = "float32 (B,), of the noise, 0 to 255"
    return Exported(Path(path), name, inputs, metadata, largest)


def exportable() -> list[str]:
    """Names of the methods whose class is a network and whose weights are there."""
    from ..methods.base import NetworkMethod

    trained = [card for card in registry.cards().values() if card.weights]
    return [card.name for card in trained if issubclass(registry.method_class(card), NetworkMethod)]


def difference(data: bytes, network: Any, channels: int, method: Any) -> float | None:
    """Largest difference between the ONNX file and the method itself, in units of white; None without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        return None
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    apart = 0.0
    for i, (height, width) in enumerate(SIZES):
        pixels = torch.rand(1 + i, channels, height, width, generator=torch.Generator().manual_seed(i))
        level = _level(method)
        feed = {"pixels": pixels.numpy()}
        if network.told:
            feed["sigma"] = torch.full((1 + i,), level).numpy()
        found = torch.from_numpy(session.run(None, feed)[0])
        with torch.inference_mode():
            due = _by_torch(method, pixels, level)
        apart = max(apart, float((found - due).abs().max())) if found.shape == due.shape else float("inf")
    return apart


def _by_torch(method: Any, pixels: torch.Tensor, level: float) -> torch.Tensor:
    """What the method gives for `pixels`, padded as the engine pads them."""
    import torch

    from ..degradation import Downscale, GaussianNoise
    from ..engine.tiles import pad

    card = method.card
    told = Downscale(method.weights.factor) if card.factors else GaussianNoise(level)
    padded = torch.from_numpy(pad(pixels.numpy(), card.multiple, card.minimum))
    times = method.weights.factor
    return method.restore(padded, told)[..., : times * pixels.shape[-2], : times * pixels.shape[-1]]


def _level(method: Any) -> float:
    low, high = method.weights.sigma
    return float(min(max(25.0, low), high))


def _trace(network: Any, channels: int, name: str) -> bytes:
    import torch

    given: list[Any] = [torch.rand(1, channels, *TRACED)]
    inputs, axes = ["pixels"], {"pixels": {0: "batch", 2: "height", 3: "width"}}
    if network.told:
        given.append(torch.tensor([25.0]))
        inputs, axes["sigma"] = ["pixels", "sigma"], {0: "batch"}
    axes["restored"] = {0: "batch", 2: "rows", 3: "columns"}
    stream: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that leaves sizes open best is called old, at length
        try:
            torch.onnx.export(
                network, tuple(given), stream, dynamo=False, opset_version=OPSET, input_names=inputs,
                output_names=["restored"], dynamic_axes=axes, do_constant_folding=True,
            )  # fmt: skip
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            reason = str(error).splitlines()[0]
            raise UsageError(
                f"exporting {name}", f"it has steps that ONNX has not: {reason}", "Run it with torch"
            ) from error
    return stream.getvalue()


def _metadata(method: Any, channels: int) -> dict[str, str]:
    """What the file says of itself; texts, as ONNX has no others."""
    card, weights = method.card, method.weights
    low, high = weights.sigma
    told = {
        "method": card.name,
        "title": card.title,
        "fidelity": card.fidelity,
        "weights": weights.file,
        "weights_sha256": weights.sha256,
        "licence": weights.licence,
        "data": weights.data,
        "channels": str(channels),
        "range": "black 0, white 1, not clipped",
        "factor": str(weights.factor),
    }
    if not card.factors:
        told["sigma"] = f"{low:g} to {high:g}, on the 0-255 scale" if high > low else f"{low:g}, on the 0-255 scale"
    return told


def _package() -> Any:
    try:
        import onnx
    except ImportError:
        raise UsageError(
            "an ONNX file", "the package onnx is not installed", "Install it with: pip install 'nonloc[onnx]'"
        ) from None
    return onnx
