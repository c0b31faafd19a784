"""Clips made of still faces: they move, they change as told, and the answer follows the newest frames."""

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.training import pseudo  # noqa: E402
from models.training.recipe import AugmentationSection  # noqa: E402

HOW, STILL = AugmentationSection(), torch.zeros(6, 8)


def generator(seed: int = 0) -> "torch.Generator":
    return torch.Generator().manual_seed(seed)


def tiles(seed: int) -> "torch.Tensor":
    """Smooth pictures, as photographs are."""
    small = torch.rand(6, 1, 6, 6, generator=generator(seed)) * 255
    return torch.nn.functional.interpolate(small, size=(48, 48), mode="bilinear", align_corners=False)


def correlation(one: "torch.Tensor", other: "torch.Tensor") -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def test_clips_move_and_stay_pictures_of_the_same_face() -> None:
    clips = pseudo.clips(tiles(1), tiles(2), STILL, HOW, generator())
    assert clips.shape == (6, 8, 48, 48)
    assert 0 <= clips.min() <= clips.max() <= 255
    for clip in clips:
        assert (clip[1:] - clip[:-1]).abs().mean(dim=(1, 2)).min() > 0.1
        middle = clip[:, 12:36, 12:36]
        alike = [correlation(frame, other) for frame in middle for other in middle]
        assert torch.tensor(alike).median() > 0.5


def test_the_same_seed_gives_the_same_clips() -> None:
    one, same, other = (pseudo.clips(tiles(1), tiles(2), STILL, HOW, generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_change_goes_from_one_face_to_the_other_and_not_back() -> None:
    second = pseudo.blend(2000, 8, generator())
    changing = second.max(1).values > 0
    assert float(changing.float().mean()) == pytest.approx(pseudo.CHANGES, abs=0.05)
    assert bool((second[:, 1:] >= second[:, :-1]).all())
    assert 0 <= second.min() <= second.max() <= 1
    assert bool((second[changing, 0] < 1).any())


def test_the_answer_follows_the_newest_frames() -> None:
    before, half, settled, whole = torch.zeros(8), torch.zeros(8), torch.zeros(8), torch.ones(8)
    half[-1], settled[-3:] = 1.0, 1.0
    shares = pseudo.answer_shares(torch.stack([before, half, settled, whole]))
    assert shares[0] == 0
    assert float(shares[1]) == pytest.approx(pseudo.SETTLED, abs=0.01)
    assert shares[2] > 0.85
    assert float(shares[3]) == pytest.approx(1)
