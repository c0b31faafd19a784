"""The networks of action units: as large as the authors', and what they make of columns."""

import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips.action_units import INTENSITIES, UNITS  # noqa: E402
from models.training import recipe, sights  # noqa: E402
from models.zoo import action_units, networks  # noqa: E402


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_every_part_is_as_large_as_the_authors() -> None:
    network = action_units.UnitsBiLSTM(8)
    assert [count(part) for part in (network.lstm, network.attention, network.fc)] == [95_600, 10_201, 808]
    assert count(action_units.UnitsMLP(8)) == 3_528


def test_columns_are_scaled_by_what_they_can_be() -> None:
    largest = action_units.UnitsMLP(8).largest.tolist()
    assert largest == [5.0 if name in INTENSITIES else 1.0 for name in UNITS]


def test_attention_is_a_mean_weighted_by_the_frames() -> None:
    network = action_units.UnitsBiLSTM(8).eval()
    units = torch.rand(2, 9, 35)
    with torch.inference_mode():
        features, _ = network.lstm(units)
        shares = network.attention(features).softmax(1)
        torch.testing.assert_close(shares.sum(1), torch.ones(2, 1))
        torch.testing.assert_close(network(units), network.fc(torch.einsum("ntk,nt->nk", features, shares[..., 0])))


@pytest.mark.parametrize("name", ["au-mlp", "au-bilstm"])
def test_the_recipes_are_of_the_authors_folds(name: str) -> None:
    how = recipe.load(recipe.find(name))
    assert (how.clips.layout, how.clips.protocol, how.clips.only) == ("ravdess", "official", ("1", "2", "3", "4", "5"))
    assert not how.clips.aligned, "landmarks are found where faces are"
    assert (how.optimizer.learning_rate, how.schedule.batch) == (1e-3, 64)
    sights.of(networks.get(name), how.clips)
