"""Auto-encoders over action units learn to draw them, each for itself, and a fine-tuning starts from them."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips.source import Clips, in_memory, take  # noqa: E402
from models.errors import EvaluationError, TrainingError  # noqa: E402
from models.evaluation import clip_runs  # noqa: E402
from models.training import recipe, train  # noqa: E402
from models.training.classify_clips import ClassifyClips  # noqa: E402
from models.zoo.au_autoencoder import AUAutoencoder  # noqa: E402

CPU = torch.device("cpu")
BLENDSHAPES = 52


def shaped(number: int) -> Clips:
    """Clips of three classes by the blendshapes that are shown, eight by each person, who are calm in the first."""
    rng = np.random.default_rng(0)
    shown = np.zeros((3, BLENDSHAPES))
    shown[1:, 1:] = rng.uniform(0, 1, (2, BLENDSHAPES - 1)) * (rng.random((2, BLENDSHAPES - 1)) < 0.4)
    face = rng.uniform(0, 100, (478, 2))
    labels = np.arange(number) % 3
    signals = [
        {
            "points": np.repeat((face + rng.normal(0, 0.1, face.shape))[None], 2, 0).astype(np.float32),
            "shapes": np.clip(shown[label] + rng.normal(0, 0.05, (2, BLENDSHAPES)), 0, 1).astype(np.float32),
        }
        for label in labels
    ]
    frames = [np.zeros((2, 4, 4, 3), np.uint8)] * number
    return in_memory(frames, labels, ("neutral", "one", "two"), [f"s{i // 8}" for i in range(number)], signals=signals)


def shipped(name: str, **sections: dict[str, Any]) -> recipe.Recipe:
    """A recipe as shipped, but for these fields; short."""
    given = msgspec.to_builtins(recipe.load(recipe.find(name)))
    for section, fields in ({"schedule": {"epochs": 40, "batch": 8, "ema_decay": 0.0}} | sections).items():
        given[section] |= fields
    return recipe.parse(given, name)


def test_no_reconstruction_reaches_another_auto_encoder_or_the_last_layer() -> None:
    torch.manual_seed(0)
    net, shown = AUAutoencoder(6), torch.rand(4, 35)
    net.with_penalty(shown)[1].backward()
    together = net.stack[0].encoder.weight.grad.clone()
    net.zero_grad()
    net.stack[0].reconstruction(net._shares(shown)).backward()
    torch.testing.assert_close(net.stack[0].encoder.weight.grad, together)
    assert net.fc.weight.grad is None


def test_units_beyond_the_scale_count_as_the_largest() -> None:
    net = AUAutoencoder(6).eval()
    largest = torch.tensor([[5.0] * 17 + [1.0] * 18])
    torch.testing.assert_close(net(largest * 3), net(largest))
    torch.testing.assert_close(net(-largest), net(torch.zeros(1, 35)))


def test_it_learns_without_labels_and_then_with_them_from_there(tmp_path: Path) -> None:
    """``loss.label = 0`` leaves the last layer alone while what is drawn comes nearer to what is shown."""
    learn = shaped(24)
    how = shipped("au-autoencoder-pretraining")
    torch.manual_seed(0)
    task = ClassifyClips.of(how, learn, take(learn, range(3)), CPU)
    last = task.net.fc.weight.detach().clone()
    units = torch.cat([task.seen.views(learn, i, None)[0] for i in range(len(learn))])
    spread = (units / task.net.largest).var(0, unbiased=False).mean()

    def missed() -> float:
        with torch.no_grad():
            shown = task.net._shares(units)
            return float((torch.sigmoid(task.net.stack[0].decoder(task.net.stack[0](shown))) - shown).square().mean())

    with train.made_folder(tmp_path / "pretrained"):
        train.fit(how, task, tmp_path / "pretrained", CPU)
    assert missed() < 0.2 * float(spread), "it draws little more than the mean"
    assert torch.equal(task.net.fc.weight, last)
    with pytest.raises(EvaluationError, match="is a pre-training, which classifies nothing"):
        clip_runs.evaluate(tmp_path / "pretrained", tmp_path, lambda *_: pytest.fail("no clip is looked at"))

    fine = shipped("au-autoencoder", network={"start": str(tmp_path / "pretrained")})
    tuned = ClassifyClips.of(fine, learn, take(learn, range(8)), CPU)
    tuned.start_from(fine.network.start)
    torch.testing.assert_close(tuned.net.stack[1].encoder.weight, task.net.stack[1].encoder.weight)
    with train.made_folder(tmp_path / "tuned"):
        assert train.fit(fine, tuned, tmp_path / "tuned", CPU).validate()["war"] == 1


def test_a_network_without_a_loss_of_its_own_can_not_be_pretrained_so() -> None:
    how = shipped("au-autoencoder-pretraining", network={"name": "landmark-svm"})
    with pytest.raises(TrainingError, match=r"loss\.penalty: landmark-svm has no loss of its own"):
        ClassifyClips.of(how, shaped(8), shaped(8), CPU)
