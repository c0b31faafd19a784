"""The networks of the apex frame: their sizes, their masks, and what they can start from."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from models.errors import TrainingError  # noqa: E402
from models.training.classify_clips import start_from  # noqa: E402
from models.zoo import networks  # noqa: E402
from models.zoo.micro_attention import ApexResNet10, ApexTrunk, MicroAttention, MicroAttentionUnit  # noqa: E402


def count(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def faces(number: int, size: int = 64) -> Any:
    return torch.rand(number, 1, size, size, generator=torch.Generator().manual_seed(0))


def test_sizes_are_the_published_ones_part_by_part() -> None:
    with torch.device("meta"):
        attentive, plain = MicroAttention(5), ApexResNet10(5)
    assert (count(attentive), count(plain)) == (5_945_799, 4_900_359)
    assert (count(attentive.trunk), count(plain.trunk)) == (5_943_234, 4_897_794)
    # 3C -> C -> 1 without a bias, for each of 64, 128, 256 and 512
    assert [count(unit.attention) for unit in attentive.trunk.units] == [3 * c * c + c for c in (64, 128, 256, 512)]
    assert all(networks.get(name).micro for name in ("micro-attention", "apex-resnet10"))


def test_a_unit_multiplies_its_sum_by_one_and_its_mask() -> None:
    torch.manual_seed(0)
    unit = MicroAttentionUnit(4, 8, 2, True).eval()
    x = torch.randn(2, 4, 10, 10)
    shortcut, first, second = unit.layers(x)
    assert shortcut.shape == first.shape == second.shape == (2, 8, 5, 5)
    assert first.min() >= 0
    mask = unit.attention(torch.cat([shortcut, first, second], 1))
    torch.testing.assert_close(unit(x), (shortcut + second) * (1 + mask))
    torch.testing.assert_close(unit.look(x)[1], mask)


def test_without_attention_micro_attention_is_the_resnet() -> None:
    torch.manual_seed(0)
    attentive, plain = MicroAttention(5).eval(), ApexResNet10(5).eval()
    own = plain.state_dict()
    plain.load_state_dict({name: tensor for name, tensor in attentive.state_dict().items() if name in own})
    for unit in attentive.trunk.units:
        unit.attention = Nowhere()
    with torch.no_grad():
        torch.testing.assert_close(attentive(faces(2)), plain(faces(2)))


class Nowhere(torch.nn.Module):
    """A mask of zeros."""

    def forward(self, x: Any) -> Any:
        return torch.zeros_like(x[:, :1])


def test_masks_are_those_of_the_forward_pass() -> None:
    torch.manual_seed(0)
    net = MicroAttention(5).eval()
    seen: list[Any] = []
    for unit in net.trunk.units:
        unit.attention.register_forward_hook(lambda _, __, mask: seen.append(mask))
    with torch.no_grad():
        net(faces(2))
        masks = net.masks(faces(2))
    assert [tuple(mask.shape) for mask in masks] == [(2, 1, side, side) for side in (16, 8, 4, 2)]
    assert all(torch.equal(one, other) for one, other in zip(seen[:4], masks, strict=True))


def test_masks_begin_near_a_half_where_a_sigmoid_can_learn() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        masks = MicroAttention(5).train().masks(faces(4))
    assert all(0.1 < mask.min() <= mask.max() < 0.9 for mask in masks)


def test_features_of_the_trunk_are_what_the_last_layer_is_given() -> None:
    torch.manual_seed(0)
    net = ApexResNet10(3).eval()
    with torch.no_grad():
        features = net.trunk(faces(2))
        torch.testing.assert_close(net.fc(features), net(faces(2)))
    assert features.shape == (2, 512)
    assert features.min() >= 0


def test_the_input_is_standardised_so_brightness_and_contrast_do_not_matter_in_training() -> None:
    torch.manual_seed(0)
    trunk = ApexTrunk().train()
    torch.testing.assert_close(trunk(faces(4)), trunk(0.5 * faces(4) + 0.2), rtol=1e-2, atol=1e-2)


def test_both_start_from_runs_of_other_classes_and_micro_attention_from_the_resnet(tmp_path: Path) -> None:
    """As in the paper: a ResNet10 that has seen other pictures first, then with attention, then with other classes."""
    plain, attentive, five = ApexResNet10(7), MicroAttention(7), MicroAttention(5)
    torch.save(plain.state_dict(), tmp_path / "plain.pt")
    before = [unit.attention[0].weight.clone() for unit in attentive.trunk.units]
    start_from(attentive, tmp_path / "plain.pt")
    own = attentive.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in plain.state_dict().items())
    assert all(torch.equal(a, b.attention[0].weight) for a, b in zip(before, attentive.trunk.units, strict=True))
    torch.save(attentive.state_dict(), tmp_path / "attentive.pt")
    fresh = five.fc.weight.clone()
    start_from(five, tmp_path / "attentive.pt")
    assert torch.equal(five.fc.weight, fresh)
    assert torch.equal(five.trunk.units[3].attention[0].weight, attentive.trunk.units[3].attention[0].weight)
    with pytest.raises(TrainingError, match="another network's"):
        start_from(plain, tmp_path / "attentive.pt")
