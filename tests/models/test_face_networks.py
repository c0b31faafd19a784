"""Face networks give features: files of ONNX that do so by themselves, files that don't, and networks in torch."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import MissingTorchError, ModelContractError, TrainingError, UnknownModelError
from models.inference import contract as contracts
from models.inference.contract import RAW_GREY, RAW_RGB, Contract, CropSpec
from models.inference.infer import OnnxNetwork
from models.personal import face_networks
from models.zoo import networks
from relay.protocol import EXPRESSIONS

COLOURS = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3)).astype(np.uint8)


def grey(faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (faces @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)


@pytest.mark.parametrize(("name", "width"), [("moodnet", 256), ("moodnet-tiny", 88)])
def test_our_own_files_tell_theirs(name: str, width: int) -> None:
    network = face_networks.find(name)
    found = network.read(COLOURS)
    assert found.shape == (3, width)
    assert found.dtype == np.float32
    assert network.crop == CropSpec(48, 1.0, RAW_GREY)
    assert len(network.identity) == 64
    as_grey = network.read(np.repeat(grey(COLOURS)[..., None], 3, 3))
    assert np.abs(found - as_grey).max() < 0.05 * np.abs(found).max()  # but for the rounding of grey


def test_many_faces_go_in_batches() -> None:
    network = face_networks.find("moodnet-tiny")
    many = np.concatenate([COLOURS] * 40)
    np.testing.assert_allclose(network.read(many)[117:], network.read(COLOURS), atol=1e-5)


def dense(folder: Path, by: str = "Gemm", ending: str = "") -> Path:
    """A file like EmotiEffNet's: colours to 5 means of features, to 8 logits with contempt."""
    onnx = pytest.importorskip("onnx", reason="naming a file's features needs onnx: pip install '.[train]'")
    rng = np.random.default_rng(1)
    weights = {
        "look": rng.normal(0, 1e-2, (5, 3, 1, 1)).astype(np.float32),
        "answer": rng.normal(0, 1, (8, 5) if by == "Gemm" else (5, 8)).astype(np.float32),
        "bias": np.zeros(8, np.float32),
    }
    make = onnx.helper.make_node
    nodes = [
        make("Conv", ["faces", "look"], ["maps"]),
        make("GlobalAveragePool", ["maps"], ["pooled"]),
        make("Flatten", ["pooled"], ["given"]),
    ]
    last = "logits" if not ending else "products"
    if by == "Gemm":
        nodes.append(make("Gemm", ["given", "answer", "bias"], [last], transB=1))
    else:
        nodes += [make("MatMul", ["given", "answer"], ["raw"]), make("Add", ["raw", "bias"], [last])]
    if ending:
        nodes.append(make(ending, ["products"], ["logits"]))
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "dense",
        [tensor("faces", onnx.TensorProto.FLOAT, ["n", 3, 48, 48])],
        [tensor("logits", onnx.TensorProto.FLOAT, ["n", 8])],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    labels = (*EXPRESSIONS, "contempt")
    contracts.write(model, Contract(CropSpec(48, 1.0, RAW_RGB), labels, logits=ending != "Softmax"))
    file = folder / f"{by}{ending}.onnx"
    onnx.save(model, file)
    return file


@pytest.mark.parametrize(("by", "ending"), [("Gemm", ""), ("Gemm", "Softmax"), ("MatMul", "Softmax"), ("MatMul", "")])
def test_of_a_file_without_features_they_are_what_its_dense_layer_is_given(
    tmp_path: Path, by: str, ending: str
) -> None:
    file = dense(tmp_path, by, ending)
    before = file.read_bytes()
    found = face_networks.find(str(file)).read(COLOURS)
    assert found.shape == (3, 5)
    look = np.random.default_rng(1).normal(0, 1e-2, (5, 3, 1, 1)).astype(np.float32)[..., 0, 0]
    np.testing.assert_allclose(found, COLOURS.mean((1, 2)) @ look.T, rtol=1e-4, atol=1e-4)
    assert file.read_bytes() == before
    OnnxNetwork(file)


def test_a_file_that_ends_in_something_else_has_none(tmp_path: Path) -> None:
    with pytest.raises(ModelContractError, match="gives no features, and its answers do not come from a dense layer"):
        face_networks.find(str(dense(tmp_path, ending="Relu")))


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(
        UnknownModelError, match=r"expected a classifier of faces \(moodnet, .*mobilenet-v1.*got 'mudn'"
    ):
        face_networks.find("mudn")
    with pytest.raises(UnknownModelError, match="to give the weights runs/x, got 'moodnet'"):
        face_networks.find("moodnet", Path("runs/x"))


def test_clip_networks_are_refused() -> None:
    for name in ("moodnet-clip", "c3d"):
        with pytest.raises(ModelContractError, match="looks at clips"):
            face_networks.find(name)


def test_networks_to_train_need_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "can_build", lambda: False)
    with pytest.raises(MissingTorchError, match="the network 'mobilenet-v1' needs torch"):
        face_networks.find("mobilenet-v1")


def test_networks_to_train_give_what_their_classifier_is_given() -> None:
    torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")
    network, again = (face_networks.find("mobilenet-v1") for _ in range(2))
    faces = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype(np.uint8)
    found = network.read(faces)
    assert found.shape == (2, 1024)
    assert network.crop.size == 224
    assert network.identity == again.identity != face_networks.find("moodnet-base").identity
    np.testing.assert_array_equal(found, again.read(faces))
    before = torch.initial_seed()
    face_networks.find("moodnet-base")
    assert torch.initial_seed() == before


def test_weights_of_a_file_are_those_that_look(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")
    torch.manual_seed(9)
    whole, file = networks.build("moodnet-base", 4).eval(), tmp_path / "weights.pt"
    torch.save(whole.state_dict(), file)
    network = face_networks.find("moodnet-base", file)
    with torch.no_grad():
        expected = whole.features(torch.from_numpy(grey(COLOURS)).unsqueeze(1).float())
    np.testing.assert_allclose(network.read(np.repeat(grey(COLOURS)[..., None], 3, 3)), expected, atol=1e-5)
    assert network.identity != face_networks.find("moodnet-base").identity
    with pytest.raises(TrainingError, match=r"expected weights of resnet18 in .*, got another network's"):
        face_networks.find("resnet18", file)
    (tmp_path / "notes").write_text("no weights")
    with pytest.raises(TrainingError, match="notes"):
        face_networks.find("moodnet-base", tmp_path / "notes")


def test_features_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")
    whole = networks.build("moodnet-tiny", 7)
    whole.stem[0].weight.data[:] = torch.nan
    torch.save(whole.state_dict(), tmp_path / "lost.pt")
    network = face_networks._to_train("moodnet-tiny", tmp_path / "lost.pt")
    with pytest.raises(ModelContractError, match="no finite numbers"):
        network.read(COLOURS)
