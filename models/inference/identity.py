"""Whether two faces are one person's: dlib's face recognition network (King 2017), in numpy.

A residual network (He et al. 2016) of 29 convolutions, with half of ResNet-34's filters and some blocks fewer. Its loss
put the faces of a person into a ball of radius 0.6 that no other person's touches. The file is face-api's: dlib's
numbers, most of them in 8 bits. Nothing is loaded or fetched unless it is asked for: see docs/personal.md.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import ModelContractError
from models.inference import registry
from models.inference.boxes import Points

NETWORK, LAYOUT = "dlib-face", "dlib-face-layout"
"""The entries of the registry: the numbers, and what stands where in them."""
SIDE, WIDTH = 150, 128
"""Pixels of a face, numbers of an embedding."""
SAME_BELOW = 0.5
"""Distance under which two faces are taken for one person's. dlib's own limit, 0.6, lets more strangers in."""

Tensors = Mapping[str, NDArray[np.float32]]
Embeddings = NDArray[np.float32]

_MEAN = np.array([122.782, 117.001, 104.298], np.float32)
"""Of red, green and blue."""
_BLOCKS = (
    ("conv32_1", 32, 1), ("conv32_2", 32, 1), ("conv32_3", 32, 1),
    ("conv64_down", 64, 2), ("conv64_1", 64, 1), ("conv64_2", 64, 1), ("conv64_3", 64, 1),
    ("conv128_down", 128, 2), ("conv128_1", 128, 1), ("conv128_2", 128, 1),
    ("conv256_down", 256, 2), ("conv256_1", 256, 1), ("conv256_2", 256, 1), ("conv256_down_out", 256, 2),
)  # fmt: skip
"""Residual blocks, as the file calls them: filters and stride."""
_POINTS = (263, 362, 33, 133, 2)
"""In the landmarker's mesh: outer and inner corner of the subject's left eye, of the right one, and below the nose."""
_PLACES = np.array([[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]])
"""Where dlib's training faces have them, of a side without the margin."""
_MARGIN = 0.25
"""Around that, of its side."""


class FaceEmbedder:
    """The network. ``tensors`` are its numbers by name, of the shapes that ``shapes`` tells."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors

    def embed(self, faces: NDArray[np.uint8]) -> Embeddings:
        """Faces (N, 150, 150, 3) RGB as ``aligned`` cuts them, to embeddings (N, 128), any range."""
        maps = (faces.astype(np.float32) - _MEAN) / np.float32(256)
        maps = np.maximum(self._convolved(maps, "conv32_down", 2), 0)
        maps = np.maximum.reduce(list(_shifts(maps, 3, 2)))
        for name, _, stride in _BLOCKS:
            maps = self._block(maps, name, stride)
        embeddings: Embeddings = maps.mean((1, 2)) @ self._tensors["fc"]
        return embeddings

    def _block(self, maps: NDArray[np.float32], name: str, stride: int) -> NDArray[np.float32]:
        """Two convolutions and the way round them; the smaller of the two is filled up with zeros."""
        ahead = np.maximum(self._convolved(maps, f"{name}/conv1", stride), 0)
        ahead = self._convolved(ahead, f"{name}/conv2", 1)
        if stride > 1:
            maps = np.add.reduce(list(_shifts(maps, 2, 2))) / np.float32(4)
        shape = np.maximum(maps.shape, ahead.shape)
        rectified: NDArray[np.float32] = np.maximum(_filled_up(maps, shape) + _filled_up(ahead, shape), 0)
        return rectified

    def _convolved(self, maps: NDArray[np.float32], name: str, stride: int) -> NDArray[np.float32]:
        """(N, H, W, C) convolved, with the affine layer that follows; padded where the stride is 1, as dlib does."""
        kernels = self._tensors[f"{name}/conv/filters"]
        side, filters = kernels.shape[0], kernels.shape[3]
        if stride == 1:
            maps = np.pad(maps, ((0, 0), (side // 2,) * 2, (side // 2,) * 2, (0, 0)))
        columns = np.concatenate(list(_shifts(maps, side, stride)), 3)
        found = columns @ kernels.reshape(-1, filters) + self._tensors[f"{name}/conv/bias"]
        scaled: NDArray[np.float32] = (
            found * self._tensors[f"{name}/scale/weights"] + self._tensors[f"{name}/scale/biases"]
        )
        return scaled


def load() -> FaceEmbedder:
    """The network of the registry's entries ``NETWORK`` and ``LAYOUT``.

    Raises:
        ModelMissingError: one of them was not fetched.
        ChecksumMismatchError: one of them is damaged.
        ModelContractError: they are not this network.
    """
    return FaceEmbedder(_read(registry.path(NETWORK), registry.path(LAYOUT)))


def shapes() -> dict[str, tuple[int, ...]]:
    """What the network consists of, by the names in its file."""
    found: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, side: int, before: int, filters: int) -> None:
        found[f"{name}/conv/filters"] = (side, side, before, filters)
        for part in ("conv/bias", "scale/weights", "scale/biases"):
            found[f"{name}/{part}"] = (filters,)

    convolution("conv32_down", 7, 3, 32)
    before = 32
    for name, filters, _ in _BLOCKS:
        convolution(f"{name}/conv1", 3, before, filters)
        convolution(f"{name}/conv2", 3, filters, filters)
        before = filters
    found["fc"] = (before, WIDTH)
    return found


def aligned(frame: NDArray[np.uint8], landmarks: Points) -> NDArray[np.uint8]:
    """The face of an RGB frame (H, W, 3) as the network wants it, (150, 150, 3); ``landmarks`` (478, 2) in pixels.

    The similarity transform that brings five points nearest to where they are to be (least squares; Umeyama 1991).
    Large faces are averaged down, as in ``models.inference.align``; beyond the frame's edge its last pixels repeat.
    """
    seen = landmarks[list(_POINTS)]
    places = (_PLACES + _MARGIN) / (1 + 2 * _MARGIN) * SIDE
    middle, centre = seen.mean(0), places.mean(0)
    # A turn with a scale is one complex factor.
    source, target = (seen - middle) @ [1, 1j], (places - centre) @ [1, 1j]
    factor = (source.conj() @ target) / max(float((source.conj() @ source).real), 1e-6)
    finer = int(np.clip(np.ceil(1 / max(abs(factor), 1e-6)), 1, 32))
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]]) * finer
    shift = centre * finer + (finer - 1) / 2 - linear @ middle
    large = cv2.warpAffine(
        frame, np.column_stack([linear, shift]), (SIDE * finer,) * 2,
        flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    face: NDArray[np.uint8] = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return face


def distances(ones: Embeddings, others: Embeddings) -> NDArray[np.float64]:
    """Between embeddings (N, 128) and (M, 128): (N, M), from 0."""
    apart: NDArray[np.float64] = np.linalg.norm(ones[:, None].astype(np.float64) - others[None], axis=2)
    return apart


def _shifts(maps: NDArray[np.float32], side: int, stride: int) -> Iterator[NDArray[np.float32]]:
    """Of maps (N, H, W, C), for each place in a window what lies there as the window moves, row by row."""
    height, width = ((extent - side) // stride + 1 for extent in maps.shape[1:3])
    for y in range(side):
        for x in range(side):
            yield maps[:, y : y + stride * height : stride, x : x + stride * width : stride]


def _filled_up(maps: NDArray[np.float32], shape: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.pad(maps, [(0, int(wanted) - here) for here, wanted in zip(maps.shape, shape, strict=True)])


def _read(numbers: Path, layout: Path) -> Tensors:
    """Tensors by name; 8-bit ones are stored with a scale and the value of 0."""
    data, start, tensors = numbers.read_bytes(), 0, {}
    try:
        for entry in json.loads(layout.read_text(encoding="utf-8"))[0]["weights"]:
            packed = entry.get("quantization")
            kind = np.dtype(packed["dtype"] if packed else entry["dtype"])
            values = np.frombuffer(data, kind, int(np.prod(entry["shape"])), start).astype(np.float32)
            start += values.size * kind.itemsize
            if packed:
                values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
            tensors[str(entry["name"])] = values.reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ModelContractError(f"expected the tensors of {NETWORK} in {numbers} as {layout} says: {error}") from error
    wanted = shapes()
    if {name: tensor.shape for name, tensor in tensors.items()} != wanted or start != len(data):
        odd = sorted({name for name in {*wanted, *tensors} if name not in tensors or
                      tensors[name].shape != wanted.get(name)})  # fmt: skip
        raise ModelContractError(
            f"expected the {len(wanted)} tensors of {NETWORK} in {numbers}, and nothing else: "
            f"{odd[0] if odd else 'the end'} is not as it should be"
        )
    return tensors
