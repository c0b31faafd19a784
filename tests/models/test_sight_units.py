"""What networks of action units see, less the rest of the person; and that the one trainer needs no faces."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from torch import Tensor, nn  # noqa: E402

from models.clips import action_units  # noqa: E402
from models.clips.cache import Prepared  # noqa: E402
from models.clips.layouts import Listing  # noqa: E402
from models.clips.source import Clips, in_memory, take  # noqa: E402
from models.errors import ModelContractError, RecipeError, TrainingError  # noqa: E402
from models.evaluation import clip_runs  # noqa: E402
from models.export.run import export  # noqa: E402
from models.inference.blendshapes import BLENDSHAPES  # noqa: E402
from models.inference.contract import RESEARCH_KEY  # noqa: E402
from models.inference.infer import load, open_session  # noqa: E402
from models.training import recipe, sights  # noqa: E402
from models.training.recipe import ClipsSection  # noqa: E402
from models.training.train import train  # noqa: E402
from models.zoo import networks  # noqa: E402
from models.zoo.entry import UNIT, Architecture  # noqa: E402
from tests import moving  # noqa: E402

MOVED = {"smile": "mouthSmile", "brows": "browDown"}
FRAMES = 12


class LeastOfUnits(nn.Module):
    """Units (N, 35), or (N, T, 35) of which it takes the mean, to logits."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(35, 8)
        self.fc = nn.Linear(8, classes)

    def forward(self, units: Tensor) -> Tensor:
        return self.fc(self.hidden(units if units.ndim == 2 else units.mean(1)).relu())


def entry(*frames: int) -> Architecture:
    sight = "units" if frames else "unit-means"
    return Architecture("least", LeastOfUnits, "", 0, UNIT, 0, 2, signals={"units": (*frames, 35)}, sight=sight)


def clips(number: int = 16, people: int = 4) -> Clips:
    """Clips that smile or frown from half of the time on; whose resting face smiles more, by who it is."""
    rng = np.random.default_rng(0)
    told = []
    face = rng.uniform(100, 300, (1, 478, 2)).astype(np.float32).repeat(FRAMES, 0)
    for i in range(number):
        shapes = np.zeros((FRAMES, 52), np.float32)
        name = list(MOVED.values())[i % 2]
        for side in ("Left", "Right"):
            shapes[:, BLENDSHAPES.index(f"mouthSmile{side}")] += 0.2 * (i // (number // people))
            shapes[FRAMES // 2 :, BLENDSHAPES.index(f"{name}{side}")] += 0.1 + 0.01 * i
        told.append({"points": face, "shapes": shapes})
    pictures = [rng.integers(0, 255, (2, 32, 32, 3)).astype(np.uint8) for _ in range(number)]
    who = [f"s{i // (number // people)}" for i in range(number)]
    return in_memory(pictures, np.arange(number) % 2, tuple(MOVED), who, np.ones(number), signals=told)


def seen(source: Clips, index: int, *frames: int, chance: int | None = None) -> Tensor:
    rng = None if chance is None else np.random.default_rng(chance)
    return sights.of(entry(*frames), ClipsSection()).views(source, index, rng)[0]


def test_means_are_over_the_clip_and_a_sequence_is_spread_over_it() -> None:
    source, smile = clips(), action_units.UNITS.index("AU12_r")
    means, sequence = seen(source, 0), seen(source, 0, 4)
    assert (means.shape, sequence.shape) == ((1, 35), (1, 4, 35))
    assert sequence[0, :, smile].tolist() == pytest.approx([0, 0, 0.3, 0.3], abs=1e-4)
    assert means[0, smile] == pytest.approx(0.15, abs=1e-4)


def test_a_frame_of_each_part_is_drawn_by_chance() -> None:
    source = clips()
    assert any(not torch.equal(seen(source, 0, 3), seen(source, 0, 3, chance=chance)) for chance in range(9))
    assert torch.equal(seen(source, 0, 3, chance=1), seen(source, 0, 3, chance=1))


def test_the_rest_is_that_of_the_person_over_all_their_clips() -> None:
    source, sight = clips(), sights.of(entry(FRAMES), ClipsSection())
    resting = [sight.views(source, i, None)[0][0, : FRAMES // 2] for i in range(16)]
    assert all(not units.any() for units in resting), "a resting smile is taken for one that is made"
    again = sight.views(clips(), 15, None)[0]
    torch.testing.assert_close(again, sight.views(source, 15, None)[0])


def test_units_are_mixed_with_those_of_another_clip_and_mirroring_leaves_them() -> None:
    sight = sights.of(entry(4), ClipsSection())
    units = torch.cat([seen(clips(), i, 4) for i in (0, 1)])
    how = recipe.parse({"augmentation": {"mixup_alpha": 1.0}}, "here").augmentation
    (mixed,), kept = sight.varied((units,), how, torch.Generator().manual_seed(0))
    assert 0 < kept < 1
    torch.testing.assert_close(mixed, kept * units + (1 - kept) * units.flip(0))
    assert sight.mirrored(sight.ready((units,)))[0] is units


def test_another_sampling_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"clips\.sampling: least looks at the whole clip"):
        sights.of(entry(4), ClipsSection(sampling="apex"))


RECIPE = {
    "network": {"name": "least"},
    "clips": {"layout": "plain", "protocol": "folds", "folds": 2},
    "augmentation": {"mixup_alpha": 0.0},
    "optimizer": {"kind": "adamw", "learning_rate": 0.02},
    "schedule": {"epochs": 40, "batch": 4, "ema_decay": 0.5},
}


@pytest.mark.parametrize("frames", [(), (4,)], ids=["means", "sequence"])
def test_a_network_without_faces_is_trained_evaluated_and_exported(
    frames: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")

    every = {**networks.listed(), "least": entry(*frames)}
    monkeypatch.setattr(networks, "listed", lambda: every)
    source, folder, run = clips(), tmp_path / "clips", tmp_path / "run"
    moving.write(source, folder)

    def prepare(_: Path, listing: Listing, size: int, aligned: bool) -> Prepared:
        assert (size, aligned) == (64, False)
        order = [int(clip.path.name.split("_")[1]) for clip in listing.clips]
        return Prepared(listing, take(source, order), (), (), ())

    how = recipe.parse(RECIPE, "here")
    train(how, folder, run, prepare)
    assert clip_runs.evaluate(run, folder, prepare)["war"] == 1
    assert clip_runs.evaluate(run, folder, prepare, probing=True)["war"] == 1
    file = tmp_path / "least.onnx"
    (first, *_) = export(run / "fold-1", file, "float32", tmp_path)
    assert first.startswith("least, for research: no agent takes it")
    told = msgspec.json.decode(open_session(file).get_modelmeta().custom_metadata_map[RESEARCH_KEY])
    assert told == {"network": "least", "classes": list(MOVED), "inputs": {"units": [1, *frames, 35]}}
    with pytest.raises(ModelContractError, match="no agent shows or sends what they say"):
        load(str(file))
    small = recipe.parse(RECIPE | {"schedule": {"epochs": 1, "small_epochs": 1}}, "here")
    with pytest.raises(RecipeError, match="least sees no faces"):
        train(small, folder, tmp_path / "other", prepare)
