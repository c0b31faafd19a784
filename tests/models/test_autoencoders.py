"""The pre-training of VideoMAE and MAE-DFER: what is hidden, what is to be drawn, and that drawing is learned."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from models.zoo import mae_dfer, videomae  # noqa: E402
from tests.shallow import SHALLOW  # noqa: E402

BOTH = pytest.mark.parametrize("module", [videomae, mae_dfer], ids=["videomae", "mae-dfer"])


def chance(seed: int = 0) -> Any:
    return torch.Generator().manual_seed(seed)


def masks(module: Any, clips: int, seed: int = 0) -> Any:
    draw = videomae.tube_masks if module is videomae else mae_dfer.region_masks
    return draw(clips, chance(seed))


def clips(number: int) -> Any:
    """RGB, 0 to 1."""
    return torch.rand(number, 3, 16, 160, 160, generator=chance())


@BOTH
def test_a_mask_hides_nine_tenths_and_the_same_places_all_the_time(module: Any) -> None:
    hidden = masks(module, 50)
    assert hidden.shape == (50, 800)
    assert (hidden.sum(1) == 720).all()
    slots = hidden.view(50, 8, 100)
    assert (slots == slots[:, :1]).all()
    assert len({tuple(row.tolist()) for row in hidden}) == 50, "each clip has a mask of its own"
    assert torch.equal(hidden, masks(module, 50)), "the generator decides alone"
    assert not torch.equal(hidden, masks(module, 50, seed=1))
    assert (~hidden).any(0).all(), "every place is seen some time"


def test_every_region_of_mae_dfer_keeps_ten_tokens() -> None:
    hidden = masks(mae_dfer, 20)
    assert ((~mae_dfer.regions(hidden)).sum(2) == 10).all()


def test_regions_are_two_slots_of_the_upper_or_lower_half() -> None:
    places = torch.cartesian_prod(torch.arange(8), torch.arange(10), torch.arange(10))[None]
    found = mae_dfer.regions(places)
    assert found.shape == (1, 8, 100, 3)
    for number, region in enumerate(found[0]):
        time, half = divmod(number, 2)
        assert set(region[:, 0].tolist()) == {2 * time, 2 * time + 1}
        assert set(region[:, 1].tolist()) == set(range(5 * half, 5 * half + 5))
        assert set(region[:, 2].tolist()) == set(range(10))


def test_a_cube_shows_its_two_frames_pixel_by_pixel() -> None:
    clip = clips(1)
    slot, row, column = 3, 7, 2
    shown = clip[0, :, 6:8, 112:128, 32:48]  # colour, frame, y, x
    found = videomae.cubes(clip)[0, (slot * 10 + row) * 10 + column]
    assert torch.equal(found.view(2, 16, 16, 3), shown.permute(1, 2, 3, 0))


def test_each_colour_of_a_cube_is_standardised() -> None:
    found = videomae.standardised(clips(1) * torch.tensor([0.1, 1.0, 0.5]).view(3, 1, 1, 1)).flatten(2, 3)
    torch.testing.assert_close(found.mean(2), torch.zeros(1, 800, 3), rtol=0, atol=1e-4)
    torch.testing.assert_close(found.var(2), torch.ones(1, 800, 3), rtol=0, atol=1e-3)
    assert videomae.standardised(torch.full((1, 3, 16, 160, 160), 0.5)).abs().max() == 0


def test_videomae_draws_pixels_and_mae_dfer_appearance_and_motion() -> None:
    clip, hidden = clips(2), masks(mae_dfer, 2)
    pixels = videomae.target(clip, hidden).view(2, 720, 2, 768)
    found = mae_dfer.target(clip, hidden).view(2, 720, 2, 768)
    assert torch.equal(found[:, :, 0], pixels[:, :, 0])
    assert torch.equal(found[:, :, 1], pixels[:, :, 1] - pixels[:, :, 0])
    assert torch.equal(pixels, videomae.standardised(clip)[hidden].view(2, 720, 2, 768))


def test_of_a_still_clip_there_is_no_motion_to_draw() -> None:
    still = clips(1)[:, :, :1].expand(-1, -1, 16, -1, -1)
    found = mae_dfer.target(still, masks(mae_dfer, 1)).view(1, 720, 2, 768)
    assert found[:, :, 1].abs().max() == 0
    assert found[:, :, 0].abs().max() > 0


@BOTH
def test_loss_is_the_mean_square_over_all_hidden_cubes(module: Any) -> None:
    clip, hidden = clips(1), masks(module, 1)
    wanted = module.target(clip, hidden)
    assert module.loss(wanted, clip, hidden) == 0
    off = wanted.clone()
    off[..., :768] += 2  # the first frames only
    torch.testing.assert_close(module.loss(off, clip, hidden), torch.tensor(2.0), rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", ["videomae", "mae-dfer"])
def test_what_is_hidden_has_no_part_in_what_is_drawn_and_every_weight_has(name: str) -> None:
    module: Any = {"videomae": videomae, "mae-dfer": mae_dfer}[name]
    torch.manual_seed(0)
    network, clip, hidden = SHALLOW[f"{name}-pretraining"](), clips(1), masks(module, 1)
    drawn = network(clip, hidden)
    assert drawn.shape == (1, 720, 1536)
    unseen = hidden.view(8, 1, 10, 1, 10, 1).expand(8, 2, 10, 16, 10, 16).reshape(16, 160, 160)
    with torch.no_grad():
        torch.testing.assert_close(network(clip.masked_fill(unseen, 9.0), hidden), drawn)
        assert not torch.allclose(network(clip.masked_fill(~unseen, 9.0), hidden), drawn, atol=1e-2)
    module.loss(drawn, clip, hidden).backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


@pytest.mark.parametrize(
    ("module", "params", "gigamacs", "shown"),
    [(videomae, 94_210_944, 15.93, 80), (mae_dfer, 92_760_192, 14.03, 10)],
    ids=["videomae", "mae-dfer"],
)
def test_pretraining_has_the_size_and_cost_of_the_official_one(
    module: Any, params: int, gigamacs: float, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with torch.device("meta"):
        network, clip = module.pretraining().eval(), torch.empty(1, 3, 16, 160, 160)
        hidden = torch.empty(1, 800, dtype=torch.bool)
    assert sum(parameter.numel() for parameter in network.parameters()) == params
    counts = iter([shown, 80, 720])  # of a sequence or region, then of all: the device knows shapes only

    def some(tokens: Any, _: Any) -> Any:
        return tokens[:, : next(counts)]

    monkeypatch.setattr(videomae, "select", some)
    monkeypatch.setattr(mae_dfer, "select", some)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(clip, hidden)
    assert counter.get_total_flops() / 2e9 == pytest.approx(gigamacs, rel=0.001)
