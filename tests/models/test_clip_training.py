"""Training on clips: it learns, every step is a place to go on from, and what can't be trained is a sentence."""

import functools
import itertools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from torch import Tensor, nn  # noqa: E402

from models.clips.source import in_memory, take  # noqa: E402
from models.errors import RecipeError, TrainingError  # noqa: E402
from models.inference.contract import IMAGENET, Pixels  # noqa: E402
from models.training import (  # noqa: E402
    checkpoint,
    classify_clips,
    masked,
    probe,
    recipe,
    sight_pixels,
    train,
)
from models.training.recipe import ClipsSection, Recipe  # noqa: E402
from models.training.trainer import learning_shares  # noqa: E402
from models.zoo import (  # noqa: E402
    frame_attention,
    fused,
    mae_dfer,
    networks,
    videomae,
)
from models.zoo.entry import Architecture  # noqa: E402
from tests.moving import CLASSES, ENTRY, Tiny, shapes  # noqa: E402

CPU = torch.device("cpu")
PLAIN = {"roll_degrees": 0, "zoom": 0, "shift": 0, "operations": 0, "erase_share": 0, "mixup_alpha": 0}
ROUGH = {"mixup_alpha": 0.4, "cutmix_share": 0.3}


def made(**sections: dict[str, Any]) -> Recipe:
    """A recipe for ``Tiny``, with these fields changed; the mirror image of "left" would be "right"."""
    basis: dict[str, dict[str, Any]] = {
        "clips": {"layout": "moving"},
        "augmentation": PLAIN,
        "optimizer": {"learning_rate": 0.02},
        "schedule": {"epochs": 3, "batch": 8, "ema_decay": 0.5, "checkpoint_minutes": 0},
    }
    names = dict.fromkeys([*basis, *sections])
    return recipe.parse({name: basis.get(name, {}) | sections.get(name, {}) for name in names}, "here")


def task(how: Recipe, number: int = 32, net: nn.Module | None = None) -> classify_clips.ClassifyClips:
    torch.manual_seed(how.data.seed)
    source = shapes(number)
    return classify_clips.ClassifyClips(how, net or Tiny(), ENTRY, source, source, CPU)


def run(how: Recipe, folder: Path, number: int = 32) -> classify_clips.ClassifyClips:
    folder.mkdir(exist_ok=True)
    this = task(how, number)
    train.fit(how, this, folder, CPU)
    return this


def scores(folder: Path) -> dict[str, float]:
    """The last row of the log."""
    names, *_, last = (folder / "log.csv").read_text().splitlines()
    return dict(zip(names.split(","), map(float, last.split(",")), strict=True))


@pytest.mark.parametrize(
    "sections",
    [
        {"loss": {"intensity": 0.1, "smoothing": 0.1, "class_balance": 0.9}},
        {"clips": {"sampling": "strided", "stride": 2}, "optimizer": {"kind": "adamw", "learning_rate": 0.003}},
    ],
)
def test_learns_clips_by_heart_and_tells_war_uar_and_the_lowest_recall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sections: dict[str, dict[str, Any]]
) -> None:
    monkeypatch.setattr(sight_pixels, "augment", lambda faces, _, __: faces)  # mirrored, "left" would be "right"
    run(made(schedule={"epochs": 12}, **sections), tmp_path / "run")
    found = scores(tmp_path / "run")
    assert (found["war"], found["uar"], found["lowest_recall"]) == (1, 1, 1)
    assert checkpoint.load(tmp_path / "run")["classes"] == CLASSES


def test_every_step_is_a_place_to_go_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    how = made(augmentation={"operations": 2} | ROUGH, optimizer={"sam_rho": 0.05}, schedule={"epochs": 2})
    whole = run(how, tmp_path / "whole", 24).net.state_dict()
    advance = train.Trainer.advance
    calls = itertools.count()

    def stops_after_one(trainer: train.Trainer) -> float:
        if next(calls) % 2:
            raise KeyboardInterrupt
        return advance(trainer)

    monkeypatch.setattr(train.Trainer, "advance", stops_after_one)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            run(how, tmp_path / "stopped", 24)
    stopped = run(how, tmp_path / "stopped", 24).net.state_dict()
    assert all(torch.equal(stopped[name], tensor) for name, tensor in whole.items())
    assert (tmp_path / "stopped" / "log.csv").read_text() == (tmp_path / "whole" / "log.csv").read_text()


class Inner(Tiny):
    """Also answers halfway, all classes alike."""

    def with_auxiliary(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        logits = self(x)
        return logits, (torch.zeros_like(logits), torch.zeros_like(logits))


def test_answers_inside_a_network_add_their_share_to_the_loss() -> None:
    net, found = Inner().eval(), []
    for auxiliary in (0.0, 0.05):
        this = task(made(loss={"auxiliary": auxiliary}), net=net)
        batch = this.batch(torch.arange(8), 0, torch.Generator().manual_seed(0))
        found.append(this.loss(this.answer(net, batch), batch).item())
    assert found[1] - found[0] == pytest.approx(2 * 0.05 * np.log(4), abs=1e-5)


def test_a_checkpoint_from_before_recipes_knew_clips_is_gone_on_with(tmp_path: Path) -> None:
    how = made(network={"name": "tiny"})
    run(how, tmp_path / "run")
    state = torch.load(tmp_path / "run" / checkpoint.FILE, weights_only=True)
    del state["recipe"]["loss"]["intensity"], state["recipe"]["optimizer"]["layer_decay"], state["classes"]
    torch.save(state, tmp_path / "run" / checkpoint.FILE)
    assert checkpoint.differences(state["recipe"], how) == []
    assert checkpoint.differences(state["recipe"], made(loss={"intensity": 0.1}, network={"name": "tiny"})) == [
        "loss.intensity was 0.0 and is 0.1"
    ]
    assert len(checkpoint.load(tmp_path / "run")["classes"]) == 7


def test_convolutions_over_time_are_not_trusted_to_a_processors_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(4 * 3 * 32 * 32, 4))
    asked = made(optimizer={"precision": "bfloat16"})
    found = [train.Trainer(how, task(how, net=net), CPU).precision for how, net in ((made(), Tiny()), (made(), flat))]
    assert found == [torch.float32, torch.bfloat16]
    assert train.Trainer(asked, task(asked), CPU).precision == torch.bfloat16


def test_the_same_change_is_made_to_all_frames_of_a_clip() -> None:
    still = in_memory([np.repeat(shapes(1).frames(0)[:1], 8, 0)] * 8, [0] * 8, CLASSES)
    how = made(augmentation={"roll_degrees": 18, "zoom": 0.2, "shift": 0.1, "mixup_alpha": 0.2})
    this = classify_clips.ClassifyClips(how, Tiny(), ENTRY, still, still, CPU)
    batch = this.batch(torch.arange(8), 0, torch.Generator().manual_seed(3))
    (clips,) = batch.inputs
    assert clips.shape == (8, 3, 4, 32, 32)
    torch.testing.assert_close(clips, clips[:, :, :1].expand_as(clips))
    assert (clips[0] - clips[1]).abs().max() > 0.1  # but clips differ from each other


def test_onset_and_apex_are_taken_where_known_and_found_where_not() -> None:
    frames, how = shapes(1).frames(0), ClipsSection(sampling="apex")
    (known,) = sight_pixels.chosen(frames, np.array([2, 5]), 2, how, None)
    (found,) = sight_pixels.chosen(np.concatenate([frames, frames[:1]]), np.array([-1, -1]), 2, how, None)
    assert known.tolist() == [2, 5]
    assert found[0] == 0
    assert 0 < found[1] < 8
    grey = np.repeat(np.array([0, 40, 100, 110, 130, 120], np.uint8), 12).reshape(6, 2, 2, 3)
    for moments, both in (((-1, 3), [0, 3]), ((2, -1), [2, 4]), ((-1, -1), [0, 4]), ((5, -1), [5, 5])):
        (half,) = sight_pixels.chosen(grey, np.array(moments), 2, how, None)
        assert half.tolist() == both


def test_a_network_of_one_frame_sees_the_apex_and_a_grey_one_the_luma() -> None:
    source, grey = shapes(1), Pixels((0.0,), (255.0,))
    source.moments[:] = [2, 5]
    seen = sight_pixels.Seen.by(Architecture("one", Tiny, "", 32, grey, 0), ClipsSection(sampling="apex"))
    (face,) = seen.ready(seen.views(source, 0, None))
    assert face.shape == (1, 1, 32, 32)
    expected = source.frames(0)[5] @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(255 * face[0, 0].numpy(), expected, atol=1e-3)


class Penalised(Tiny):
    """Asks for small logits besides."""

    def with_penalty(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self(x)
        return logits, logits.square().mean()


def test_a_network_brings_its_own_loss_along() -> None:
    plain, more = (task(made(loss={"penalty": weight}), net=Penalised()) for weight in (0, 2))
    batch = plain.batch(torch.arange(8), 0, torch.Generator().manual_seed(3))
    own = plain.net.with_penalty(*batch.inputs)[1]
    losses = [this.loss(this.answer(plain.net, batch), batch) for this in (plain, more)]
    torch.testing.assert_close(losses[1], losses[0] + 2 * own)
    with pytest.raises(TrainingError, match=r"loss\.penalty: tiny has no loss of its own"):
        task(made(loss={"penalty": 1}))


def test_the_answer_to_a_clip_is_the_mean_over_its_views() -> None:
    source = shapes(10, frames=30)
    torch.manual_seed(0)
    net = Tiny().eval()
    seen = sight_pixels.Seen.by(ENTRY, ClipsSection(sampling="strided", stride=2, views=3))
    with torch.inference_mode():
        both = classify_clips.probabilities(net, source, seen, True, CPU)
        (views,) = seen.ready(seen.views(source, 9, None))
        expected = torch.cat([net(side).softmax(1) for side in (views, views.flip(4))]).mean(0)
    assert len(views) == 3
    torch.testing.assert_close(both[9], expected)
    torch.testing.assert_close(both.sum(1), torch.ones(10))


@pytest.mark.parametrize("build", [mae_dfer.MaeDfer, fused.MaeDferCA])
def test_fine_tuning_begins_with_the_encoder_of_a_pretraining(tmp_path: Path, build: Any) -> None:
    autoencoder, net = mae_dfer.pretraining(depth=1), build(4, depth=1)
    how = made(network={"name": "mae-dfer", "task": "reconstruct"})
    average = {f"module.{name}": tensor for name, tensor in autoencoder.state_dict().items()}
    state = {"recipe": msgspec.to_builtins(how), "classes": (), "step": 1, "losses": [], "history": []}
    checkpoint.save({**state, "net": {}, "average": average, "optimizer": {}}, tmp_path)  # type: ignore[typeddict-item]
    head = net.fc.weight.clone()
    classify_clips.start_from(net, tmp_path)
    for name, tensor in autoencoder.encoder.state_dict().items():
        assert torch.equal(net.encoder.state_dict()[name], tensor)
    assert torch.equal(net.fc.weight, head)
    with pytest.raises(TrainingError, match="another network's"):
        classify_clips.start_from(videomae.VideoMAE(4, depth=1), tmp_path)
    with pytest.raises(TrainingError, match="pre-training"):
        checkpoint.load_network(tmp_path)


@pytest.mark.parametrize("over", ["moodnet-tiny", "mobilefacenet"])
def test_frame_attention_begins_with_a_network_that_was_trained_on_faces(tmp_path: Path, over: str) -> None:
    trained, channels = networks.build(over), networks.get(over).pixels.channels
    net = frame_attention.single(4, functools.partial(networks.build, over), channels)
    torch.save(trained.state_dict(), tmp_path / "weights.pt")
    classify_clips.start_from(net, tmp_path / "weights.pt")
    for name, tensor in net.frames.state_dict().items():
        assert torch.equal(tensor, trained.state_dict()[name])


def test_a_network_of_other_classes_keeps_its_own_last_layer(tmp_path: Path) -> None:
    run(made(), tmp_path / "run")
    same, other = Tiny(), Tiny(classes=3)
    classify_clips.start_from(same, tmp_path / "run")
    torch.save(same.state_dict(), tmp_path / "weights.pt")
    classify_clips.start_from(other, tmp_path / "weights.pt")
    trained = checkpoint.averaged(checkpoint.load(tmp_path / "run"))
    assert torch.equal(same.fc.weight, trained["fc.weight"])
    names = tuple(checkpoint.load(tmp_path / "run")["classes"])
    for classes, taken in ((names, True), (names[::-1], False)):
        named = Tiny()
        classify_clips.start_from(named, tmp_path / "run", classes)
        assert torch.equal(named.fc.weight, trained["fc.weight"]) == taken
        assert torch.equal(named.look.weight, trained["look.weight"])
    assert torch.equal(other.look.weight, trained["look.weight"])
    assert other.fc.weight.shape == (3, 2048)
    with pytest.raises(TrainingError, match="expected a run folder"):
        classify_clips.start_from(same, tmp_path / "nothing")


class Guess(nn.Module):
    """Draws every hidden cube of two clips alike, as it has learned to."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(1, 720 * 1536)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        return self.encoder(torch.ones(len(x), 1)).view(len(x), 720, 1536)


def test_a_pretraining_runs_on_the_same_trainer_and_its_loss_falls(tmp_path: Path) -> None:
    entry = Architecture("mae-dfer", Guess, "", 160, IMAGENET, 0, frames=16)
    how = made(
        network={"name": "mae-dfer", "task": "reconstruct"},
        schedule={"epochs": 4, "batch": 2},
        optimizer={"kind": "adamw", "learning_rate": 0.1, "beta2": 0.95},
    )
    source = take(shapes(4, frames=16, size=40), [0, 0])
    this = masked.Reconstruct(how, masked.pretraining("mae-dfer"), Guess(), entry, source, source, CPU)
    train.fit(how, this, tmp_path, CPU)
    rows = [row.split(",") for row in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows[0] == ["epoch", "loss", "reconstruction"]
    assert float(rows[-1][2]) < float(rows[1][2])


def test_features_of_a_network_that_knows_the_motion_are_read_off_linearly() -> None:
    learn, test = shapes(40), shapes(20, seed=1)
    seen = sight_pixels.Seen.by(ENTRY, ClipsSection())
    net = Tiny()
    known, asked = (probe.features(net, source, seen, CPU) for source in (learn, test))
    assert known.shape == (40, 2048)
    found = probe.probe(known, torch.from_numpy(learn.labels), learn.subjects, asked, len(CLASSES))
    assert (found.numpy() == test.labels).mean() > 0.9


def test_probe_finds_what_shows_only_in_the_difference_of_two_features() -> None:
    generator = torch.Generator().manual_seed(0)
    common, labels = torch.randn(300, generator=generator), torch.arange(300) % 2
    features = torch.stack([common, common + 0.05 * (labels - 0.5)], 1)  # a strong penalty forbids so large weights
    people = [str(i // 10) for i in range(200)]
    found = probe.probe(features[:200], labels[:200], people, features[200:], 2)
    assert (found == labels[200:]).float().mean() > 0.9


def test_deeper_blocks_learn_faster_and_what_follows_them_at_the_full_rate() -> None:
    shares = learning_shares(mae_dfer.MaeDfer(7, depth=3), 0.5)
    assert shares["encoder.representatives"] == shares["encoder.embed.project.weight"] == 0.5**4
    assert shares["encoder.blocks.0.mlp.0.weight"] == 0.5**3
    assert shares["encoder.blocks.2.mlp.0.weight"] == 0.5
    assert shares["norm.weight"] == shares["fc.bias"] == 1
    with pytest.raises(TrainingError, match="layer_decay"):
        learning_shares(nn.Linear(2, 2), 0.5)


def test_what_does_not_fit_together_is_a_sentence() -> None:
    with pytest.raises(TrainingError, match="divisor"):
        sight_pixels.Seen.by(ENTRY, ClipsSection(run=3))
    with pytest.raises(TrainingError, match="'apex' gives one or two"):
        sight_pixels.Seen.by(ENTRY, ClipsSection(sampling="apex"))
    with pytest.raises(RecipeError, match="mae-dfer, videomae"):
        masked.pretraining("c3d")
    with pytest.raises(RecipeError, match=r"expected clips\.layout"):
        recipe.parse({"network": {"task": "reconstruct"}}, "here")
    with pytest.raises(RecipeError, match="teach faces"):
        made(distillation={"teachers": ["moodnet"]})
    with pytest.raises(RecipeError, match="clips come in one size, expected 0 or 3"):
        made(schedule={"small_epochs": 1})
    with pytest.raises(RecipeError, match=r"clips come in one size, expected 0$"):
        made(schedule={"small_epochs": 3}, network={"task": "reconstruct"})
