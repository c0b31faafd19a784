"""The network that sees and hears: which of both its parts listen to, and that they learn."""

from typing import Any, get_args

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.zoo import audio_visual, networks  # noqa: E402
from models.zoo.audio_visual import HEARD, JOINT, STEPS, TOLD, AudioVisual, Parts  # noqa: E402
from models.zoo.resnet import BasicBlock, Trunk  # noqa: E402


def given(number: int = 2) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(0)
    shapes = (number, 3, 4, 32, 32), (number, STEPS, HEARD)
    clips, heard = (torch.randn(shape, generator=generator) for shape in shapes)
    return clips, heard


def made(parts: Parts) -> Any:
    torch.manual_seed(0)
    return AudioVisual(7, Trunk(BasicBlock, (1, 1, 1, 1)), torch.nn.GRU, parts).eval()


@pytest.mark.parametrize("parts", get_args(Parts))
def test_each_listens_to_its_parts_alone(parts: Parts) -> None:
    net, (clips, heard) = made(parts), given()
    with torch.inference_mode():
        plain, other_face, other_sound = net(clips, heard), net(clips.flip(0), heard), net(clips, heard.flip(0))
        backwards = net(clips.flip(2), heard)
    assert plain.shape == (2, 7)
    assert torch.equal(plain, other_face) == (parts == "audio")
    assert torch.equal(plain, other_sound) == (parts in ("static", "dynamic"))
    assert torch.allclose(plain, backwards, atol=1e-5) == (parts in ("static", "audio")), "single frames know no order"


def test_added_by_weights_that_sum_to_one() -> None:
    net, (clips, heard) = made("sum"), given()
    with torch.inference_mode():
        seen, told = net.sight(clips), net.hearing(heard)
        torch.testing.assert_close(net.fused(clips, heard), (seen + told) / 2)
        net.weights.copy_(torch.tensor([0.0, 100.0]))
        torch.testing.assert_close(net.fused(clips, heard), told)


def test_side_by_side() -> None:
    net, (clips, heard) = made("concat"), given()
    with torch.inference_mode():
        fused = net.fused(clips, heard)
        torch.testing.assert_close(fused[:, :JOINT], net.sight(clips))
        torch.testing.assert_close(fused[:, JOINT:], net.hearing(heard))


def test_gru_and_lstm_differ_in_their_cells_alone() -> None:
    with torch.device("meta"):
        nets = {name: networks.build(name) for name in ("av-gru", "av-lstm")}
    sizes = {
        name: {part: tuple(value.shape) for part, value in net.state_dict().items() if ".order." not in part}
        for name, net in nets.items()
    }
    assert sizes["av-gru"] == sizes["av-lstm"]
    assert isinstance(nets["av-gru"].sight.order, torch.nn.GRU)
    assert isinstance(nets["av-lstm"].hearing.order, torch.nn.LSTM)


@pytest.mark.parametrize("parts", ["audio", "sum", "concat"])
def test_learns_what_only_the_sound_tells(parts: Parts) -> None:
    """Eight clips of one face, whose sounds differ in whether they rise or fall."""
    torch.manual_seed(0)
    net = AudioVisual(2, None, torch.nn.GRU, parts)
    clips = torch.randn(1, 4, TOLD).expand(8, -1, -1)
    labels = torch.arange(8) % 2
    slope = torch.linspace(-1, 1, STEPS)[None, :, None] * torch.where(labels == 1, 1.0, -1.0)[:, None, None]
    heard = slope + 0.1 * torch.randn(8, STEPS, HEARD)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(clips, heard), labels).backward()
        optimizer.step()
    with torch.inference_mode():
        assert torch.equal(net.eval()(clips, heard).argmax(1), labels)


def test_the_small_one_is_told_of_frames_by_another_network() -> None:
    net = audio_visual.small(7, "static").eval()
    told = torch.randn(2, 8, TOLD)
    with torch.inference_mode():
        torch.testing.assert_close(net(told, given()[1]), net(told.flip(1), given()[1]))
