"""Augmented faces stay faces, chance comes from the generator alone, and targets can be mixed alike."""

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from models.training import augment as aug  # noqa: E402
from models.training.recipe import AugmentationSection  # noqa: E402

SIZES = st.sampled_from([32, 40, 48])


def generator(seed: int) -> "torch.Generator":
    return torch.Generator().manual_seed(seed)


def faces(seed: int, size: int = 48, n: int = 6) -> "torch.Tensor":
    """Smooth pictures, as photographs are."""
    small = torch.rand(n, 1, 6, 6, generator=generator(seed)) * 255
    return torch.nn.functional.interpolate(small, size=(size, size), mode="bilinear", align_corners=False)


@given(st.integers(0, 10_000), SIZES, st.integers(0, 8), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_any_strength_yields_finite_pictures_and_the_seed_decides(
    seed: int, size: int, operations: int, strength: float
) -> None:
    how = AugmentationSection(operations=operations, strength=strength)
    before = faces(seed, size)
    out = aug.augment(before, how, generator(seed))
    assert out.shape == before.shape
    assert out.isfinite().all()
    assert out.min() >= 0
    assert out.max() <= 255
    assert torch.equal(out, aug.augment(before, how, generator(seed)))
    assert torch.equal(before, faces(seed, size))  # the stored faces are not touched


def test_a_plain_face_stays_plain() -> None:
    """No black borders come in at the sides."""
    out = aug.geometry(torch.full((8, 1, 48, 48), 128.0), AugmentationSection(), generator(1))
    torch.testing.assert_close(out, torch.full_like(out, 128.0))


def test_without_geometry_a_face_is_itself_or_its_mirror_image() -> None:
    before = faces(3, n=32)
    out = aug.geometry(before, AugmentationSection(roll_degrees=0, zoom=0, shift=0), generator(0))
    same = [torch.allclose(a, b, atol=1e-2) for a, b in zip(out, before, strict=True)]
    mirrored = [torch.allclose(a, b.flip(2), atol=1e-2) for a, b in zip(out, before, strict=True)]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 5 < sum(same) < 27


@pytest.mark.parametrize("operation", aug.OPERATIONS, ids=lambda operation: operation.__name__)
def test_an_operation_does_nothing_at_zero_and_keeps_the_face_recognisable_at_its_strongest(operation: object) -> None:
    assert callable(operation)
    before = faces(5, n=16) * 0.6 + 50
    torch.testing.assert_close(operation(before, torch.zeros(16, 1, 1, 1), generator(0)), before, atol=1e-3, rtol=0)
    after = operation(before, torch.ones(16, 1, 1, 1), generator(0)).clamp(0, 255)
    assert (after - before).abs().mean() > 0.2
    for a, b in zip(before, after, strict=True):
        assert torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1] > 0.5


def test_each_face_gets_as_many_operations_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = [lambda x, amount, _, k=k: x + (amount > 0) for k in range(8)]
    monkeypatch.setattr(aug, "OPERATIONS", tuple(counted))
    for number in (0, 3, 8):
        out = aug.quality(torch.zeros(16, 1, 4, 4), number, 1.0, generator(number))
        assert (out == number).all()


def test_erasing_hits_the_share_asked_for_and_a_rectangle_only() -> None:
    out = aug.erase(torch.full((400, 1, 48, 48), -1.0), 0.5, generator(2))
    hit = (out >= 0).flatten(1)
    assert 150 < int(hit.any(1).sum()) < 250
    assert float(hit.float().mean(1).max()) < 0.4
    assert torch.equal(aug.erase(out, 0.0, generator(3)), out)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.2, 1.0]))
@settings(max_examples=40, deadline=None)
def test_mixing_keeps_the_share_it_reports(seed: int, cutmix: float, alpha: float) -> None:
    black_and_white = torch.cat([torch.zeros(1, 1, 32, 32), torch.full((1, 1, 32, 32), 255.0)])
    how = AugmentationSection(mixup_alpha=alpha, cutmix_share=cutmix)
    out, kept = aug.mix(black_and_white, how, generator(seed))
    assert 0 <= kept <= 1
    assert float(out[1].mean() / 255) == pytest.approx(kept, abs=1e-4)
    assert float(out[0].mean() / 255) == pytest.approx(1 - kept, abs=1e-4)
    if alpha == cutmix == 0:
        assert kept == 1


def test_beta_has_its_mean_and_variance() -> None:
    chance = generator(0)
    for alpha in (0.2, 1.0, 2.0):
        draws = torch.tensor([aug.beta(alpha, chance) for _ in range(4000)])
        assert float(draws.mean()) == pytest.approx(0.5, abs=0.03)
        assert float(draws.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)
