"""Restricted Boltzmann machines learn by contrastive divergence, each by itself; a fine-tuning starts from them."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips.source import Clips, in_memory, take  # noqa: E402
from models.training import recipe, train  # noqa: E402
from models.training.classify_clips import ClassifyClips  # noqa: E402
from models.zoo import gabor_dbn, networks  # noqa: E402

CPU = torch.device("cpu")
CLASSES = ("across", "down")


def machine(visible: int = 12, hidden: int = 5) -> gabor_dbn.RestrictedBoltzmannMachine:
    torch.manual_seed(0)
    return gabor_dbn.RestrictedBoltzmannMachine(visible, hidden)


def striped(number: int) -> Clips:
    """Clips of faces striped across or down, in classes of that name."""
    rng = np.random.default_rng(0)
    labels = np.arange(number) % 2
    clips, signals = [], []
    for label in labels:
        wave = 60 * np.sin(np.arange(64) * rng.uniform(0.6, 0.9) + rng.uniform(0, 6)) + rng.normal(0, 20, (64, 64))
        face = np.clip(120 + (wave if label else wave.T), 0, 255).astype(np.uint8)
        clips.append(np.repeat(face[None, ..., None], 3, 3))
        signals.append({"points": rng.uniform(0, 64, (1, 478, 2)).astype(np.float32)})
    return in_memory(clips, labels, CLASSES, signals=signals)


def shipped(name: str, **sections: dict[str, Any]) -> recipe.Recipe:
    """A recipe as shipped, but for these fields; short."""
    given = msgspec.to_builtins(recipe.load(recipe.find(name)))
    for section, fields in ({"schedule": {"epochs": 12, "batch": 8, "ema_decay": 0.0}} | sections).items():
        given[section] |= fields
    return recipe.parse(given, name)


def test_the_gradient_is_that_of_contrastive_divergence() -> None:
    """What is shown times what it raises, less the same of what the machine makes of it in one step."""
    rbm, shown = machine(), torch.rand(6, 12)
    torch.manual_seed(1)
    rbm.contrastive_divergence(shown).backward()
    torch.manual_seed(1)
    with torch.no_grad():
        again = rbm.made_up(torch.bernoulli(rbm(shown)))
        expected = (rbm(again).t() @ again - rbm(shown).t() @ shown) / 6
    torch.testing.assert_close(rbm.up.weight.grad, expected)
    torch.testing.assert_close(rbm.visible.grad, (again - shown).mean(0))


def test_free_energy_is_that_of_all_hidden_states() -> None:
    rbm, shown = machine(4, 3), torch.bernoulli(torch.full((5, 4), 0.5))
    states = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    energies = -(shown @ rbm.visible)[:, None] - rbm.up(shown) @ states.t()
    torch.testing.assert_close(rbm.free_energy(shown), -torch.logsumexp(-energies, 1))


def test_no_machines_divergence_reaches_another_or_the_last_layer() -> None:
    torch.manual_seed(0)
    net, shown = gabor_dbn.GaborDBN(2), torch.rand(3, gabor_dbn.FIGURES)
    torch.manual_seed(1)
    net.with_penalty(shown)[1].backward()
    together = net.machines[0].up.weight.grad.clone()
    net.zero_grad()
    torch.manual_seed(1)
    net.machines[0].contrastive_divergence(shown).backward()
    torch.testing.assert_close(net.machines[0].up.weight.grad, together)
    assert net.fc.weight.grad is None


def test_it_learns_without_labels_and_then_with_them_from_there(tmp_path: Path) -> None:
    """``loss.label = 0`` leaves the last layer alone while what is made up comes nearer to what is shown."""
    learn = striped(32)
    how = shipped("gabor-dbn-pretraining", optimizer={"weight_decay": 0.0})
    torch.manual_seed(0)
    task = ClassifyClips.of(how, learn, take(learn, range(8)), CPU)
    last = task.net.fc.weight.detach().clone()
    first = task.net.machines[0]
    shown = torch.cat([task.seen.views(learn, i, None)[0] for i in range(32)])

    def missed() -> float:
        with torch.no_grad():
            return float((first.made_up(first(shown)) - shown).square().mean())

    before = missed()
    with train.made_folder(tmp_path / "pretrained"):
        train.fit(how, task, tmp_path / "pretrained", CPU)
    assert missed() < before / 2
    assert torch.equal(task.net.fc.weight, last)

    fine = shipped("gabor-dbn", network={"start": str(tmp_path / "pretrained")})
    tuned = ClassifyClips.of(fine, learn, take(learn, range(8)), CPU)
    tuned.start_from(fine.network.start)
    torch.testing.assert_close(tuned.net.machines[1].up.weight, task.net.machines[1].up.weight)
    assert networks.get("gabor-dbn").params == sum(p.numel() for p in networks.build("gabor-dbn").parameters())
    with train.made_folder(tmp_path / "tuned"):
        trainer = train.fit(fine, tuned, tmp_path / "tuned", CPU)
    assert trainer.validate()["war"] == 1
