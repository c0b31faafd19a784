"""A run's start from a shipped ONNX file, whose batch norms were folded into the convolutions at export.

A folded convolution Wx + b is a convolution W followed by a batch norm of the mean m and variance v that Wx has over
faces, with scale sqrt(v + eps) and shift b + m. Measured layer after layer, this gives a network that answers as the
file does and can be trained on. A norm cancels the length of a filter, which yet decides how fast it learns, and
folding has left these lengths at random: all filters get the same (``LENGTH``, that of a fresh one).
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from models.errors import TrainingError

LENGTH = 0.58
"""Of the filters that torch starts a convolution with: their weights are uniform with a variance of 1 / (3 fan-in)."""


def take_up(file: Path, net: nn.Module, faces: Tensor) -> None:
    """Give ``net`` the weights of an ONNX file that ``models.export.run`` made of such a network.

    ``faces`` (N, 1, S, S) float32 in 0..255, a thousand or more of those that will be trained on, are what the norms
    are measured on.

    Raises:
        TrainingError: the file is of another network.
    """
    stored = _weights_in(onnx.load(file))
    weights = {_name_in_net(name): torch.from_numpy(values).to(faces.device) for name, values in stored.items()}
    folded = [(name, part) for name, part in net.named_modules() if isinstance(part, nn.Sequential) and _is_pair(part)]
    plain = {
        name: weights.get(name)
        for name in net.state_dict()
        if not any(name.startswith(f"{pair}.") for pair, _ in folded)
    }
    net.eval()
    try:
        with torch.no_grad():
            net.load_state_dict(plain, strict=False)
            for name, pair in folded:
                unfold(pair, weights[f"{name}.0.weight"], weights[f"{name}.0.weight_bias"], net, faces)
    except (AttributeError, KeyError, RuntimeError) as error:
        raise TrainingError(
            f"expected a file of the recipe's network in {file}, got one of another ({error})"
        ) from error


def _weights_in(model: onnx.ModelProto) -> dict[str, NDArray[np.float32]]:
    """The constants of a file by name; those stored as integers (``export.quantize``) as the numbers they stand for."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found = {name: values.astype(np.float32) for name, values in stored.items()}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            integers, scale, zero = (found[name] for name in node.input)
            each = (-1, *[1] * (integers.ndim - 1))  # one scale for each channel, the first axis
            found[node.input[0].removesuffix("_quantized")] = (integers - zero.reshape(each)) * scale.reshape(each)
    return found


def _name_in_net(name: str) -> str:
    """The exporter's name of a weight as the network's own."""
    return name.removesuffix("_f16").removeprefix("net.")


def _is_pair(part: nn.Sequential) -> bool:
    return len(part) == 2 and isinstance(part[0], nn.Conv2d) and isinstance(part[1], nn.BatchNorm2d)


def unfold(pair: nn.Sequential, weight: Tensor, bias: Tensor, net: nn.Module, faces: Tensor) -> None:
    """One convolution and its norm; those before it must be right already."""
    convolution, norm = pair
    stretch = LENGTH / weight.flatten(1).norm(dim=1).clamp(min=1e-6)
    convolution.weight.copy_(weight * stretch.view(-1, 1, 1, 1))
    mean, variance = moments(convolution, net, faces)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt() / stretch)
    norm.bias.copy_(bias + mean / stretch)


def moments(part: nn.Module, net: nn.Module, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of what a part of the network answers to faces."""
    sums: list[tuple[Tensor, Tensor]] = []

    def look(_: nn.Module, __: object, answer: Tensor) -> None:
        sums.append((answer.sum((0, 2, 3)), (answer * answer).sum((0, 2, 3))))
        pixels.append(answer.numel() // answer.shape[1])

    pixels: list[int] = []
    hook = part.register_forward_hook(look)
    for chunk in faces.split(256):
        net(chunk)
    hook.remove()
    mean, square = (torch.stack(parts).sum(0) / sum(pixels) for parts in zip(*sums, strict=True))
    return mean, square - mean * mean
