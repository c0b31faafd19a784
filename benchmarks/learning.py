"""Do the clip networks learn? ``python -m benchmarks.learning --portraits DIR --out DIR``; results: docs/learning.md.

On synthetic clips (``models.clips.synth``) of portraits called ``NAME_neutral.jpg``. Three parts: every network learns
32 clips by heart; MAE-DFER is pre-trained, and a linear probe compares its features with random ones; and an ablation,
fused networks and the intensity-aware loss, tested on people that were not learned from.

For two processor cores the networks are small editions of the same code: ``shrink`` sets smaller sides, widths and
depths. What is in ``results.json`` already is not done again, and the pre-training, the longest part, is kept after
every epoch, so a stopped benchmark goes on where it was.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from benchmarks import machine
from benchmarks.learning_clips import followed, hummed, played
from models import atomic, metrics
from models.clips.source import Clips, take
from models.inference.contract import IMAGENET, RAW_GREY, RAW_RGB, Pixels
from models.training import checkpoint, classify_clips, masked, probe, recipe
from models.training.recipe import Recipe
from models.training.sight_pixels import Seen
from models.training.trainer import Trainer
from models.zoo import (
    action_units,
    akmnet,
    atnet,
    audio_visual,
    c3d,
    dtscnn,
    former_dfer,
    frame_attention,
    fused,
    ial,
    inception,
    mae_dfer,
    micro_attention,
    mmnet,
    networks,
    r3d,
    resnet,
    spot_cnn,
    vgg,
    vgg13,
    vgg_differences,
    videomae,
    wav2vec2,
)
from models.zoo.entry import UNIT, Architecture

CPU = torch.device("cpu")
FACE, SIDE = 96, 64
"""Of the clips that are learned by heart; of the others, and of the transformers' input."""
LEARNERS, TESTED = slice(0, 40), slice(40, 60)
"""Subjects."""
LEARN_TURNS, TEST_TURNS = 6, 4
"""How often each plays every expression; for what is learned by heart, once."""
LOW = 0.5
"""Test clips of less intensity than this are the low-intensity ones."""
DEPTH, DECODER_DEPTH = 2, 2
SOUND = 16_000
"""Samples of what is heard of a clip."""
RESULTS = "results.json"
SMALLER: dict[Any, dict[str, Any]] = {
    videomae: {
        "SIZE": SIDE, "SIDE": 4, "TOKENS": 8 * 16, "WIDTH": 128, "HEADS": 2, "DECODER_WIDTH": 64, "DECODER_HEADS": 1,
    },
    mae_dfer: {
        "SIDE": 4, "WIDTH": 128, "HEADS": 2, "REGION": (2, 2, 4), "REGION_TOKENS": 16, "REGIONS": 8, "VISIBLE": 4,
    },
    fused: {"SIDE": 4, "WIDTH": 128},
    mmnet: {"SIDE": 4, "STEM": 45, "WIDTHS": (32, 32, 64, 128), "WIDTH": 128},
    former_dfer: {"SIZE": 32, "PLACES": 2 * 2},
    atnet: {"HIDDEN": 128},
    ial: {"SIZE": 32, "PLACES": 1},
    resnet: {"WIDTHS": (16, 32, 64, 128)},
    vgg: {"CONFIGURATION_D": (16, 16, "M", 32, 32, "M", 64, 64, 64, "M", 128, 128, 128, "M", 128, 128, 128, "M")},
    vgg_differences: {"HIDDEN": 64},
    wav2vec2: {"CHANNELS": 64, "WIDTH": 128, "HEADS": 2, "POSITION_KERNEL": 16},
}  # fmt: skip


def shrink() -> None:
    for module, constants in SMALLER.items():
        for name, value in constants.items():
            assert hasattr(module, name), f"{module.__name__} has no {name} any more"
            setattr(module, name, value)


class Subject(NamedTuple):
    """A network to train: how it is built, what it sees, and a recipe's sections that it needs."""

    build: Callable[[], nn.Module]
    frames: int
    size: int
    pixels: Pixels
    reduced: str
    sections: Mapping[str, Mapping[str, Any]]
    sight: str = "pixels"
    finer: int = 1
    signals: Mapping[str, tuple[int, ...]] = MappingProxyType({})

    @property
    def entry(self) -> Architecture:
        return Architecture(
            "small",
            self.build,
            "",
            self.size,
            self.pixels,
            0,
            frames=self.frames,
            sight=self.sight,
            finer=self.finer,
            signals=self.signals,
        )


def small_c3d() -> nn.Module:
    net = c3d.C3D(7)
    net.head[1] = nn.Linear(512 * 2 * 2, 4096)
    return net


def fusion(how: str, calibrated: bool) -> Subject:
    def build() -> nn.Module:
        return fused.MaeDferCA(7, how == "concat", calibrated, DEPTH)

    return Subject(build, 16, SIDE, IMAGENET, f"{TOKENS}; CA branch a quarter as wide", TRANSFORMER)


def units(build: Callable[[], nn.Module], sight: str, sections: Mapping[str, Any], *frames: int) -> Subject:
    seen = {"units": (*frames, action_units.COLUMNS)}
    return Subject(build, 1, 0, UNIT, "the network itself", sections, sight, signals=seen)


def whole(name: str, sections: Mapping[str, Mapping[str, Any]]) -> Subject:
    """The zoo's own network, of what is found beside the faces."""
    entry, build = networks.get(name), partial(networks.build, name, 7)
    reduced = "the network itself"
    return Subject(build, 1, 0, entry.pixels, reduced, sections, entry.sight, signals=entry.signals)


GENTLE = {"optimizer": {"kind": "adamw", "learning_rate": 1e-4}}
STEADY = {"optimizer": {"kind": "adamw", "learning_rate": 3e-4}}
MANY_DROPOUTS = {"optimizer": {"kind": "adamw", "learning_rate": 6e-4}, "schedule": {"epochs": 240}}
BRISK = {"optimizer": {"kind": "adamw", "learning_rate": 1e-3}}
LIVELY = {"optimizer": {"kind": "adamw", "learning_rate": 3e-3}}
EAGER = {"optimizer": {"kind": "adamw", "learning_rate": 1e-2}}
SGD = {"optimizer": {"kind": "sgd", "learning_rate": 0.01}}
TRANSFORMER = {"optimizer": {"kind": "adamw", "learning_rate": 3e-3, "beta2": 0.95, "weight_decay": 0.05}}
APEX = {"clips": {"sampling": "apex"}}
TOKENS = f"{SIDE} px, width 128 (2 heads), depth {DEPTH}"
SUBJECTS = {
    "c3d": Subject(small_c3d, 16, 32, UNIT, "32 px, so a first dense layer of 2048 inputs", GENTLE),
    "r3d18": Subject(lambda: r3d.r3d18(7), 8, 32, UNIT, "8 frames of 32 px", SGD),
    "former-dfer": Subject(
        lambda: former_dfer.FormerDFER(7), 16, 32, UNIT, "32 px: 4 places, not 49", SGD | {"clips": {"run": 2}}
    ),
    "ial": Subject(
        lambda: ial.IALNetwork(7),
        16,
        32,
        UNIT,
        "32 px: 1 place, not 16",
        SGD | {"loss": {"intensity": 0.1, "auxiliary": 0.05}},
    ),
    "videomae": Subject(lambda: videomae.VideoMAE(7, depth=DEPTH), 16, SIDE, IMAGENET, TOKENS, TRANSFORMER),
    "mae-dfer": Subject(
        lambda: mae_dfer.MaeDfer(7, depth=DEPTH),
        16,
        SIDE,
        IMAGENET,
        TOKENS,
        TRANSFORMER | {"schedule": {"epochs": 400}},
    ),
    "mmnet": Subject(
        lambda: mmnet.MMNet(7),
        2,
        SIDE,
        IMAGENET,
        f"{SIDE} px, a quarter as wide",
        TRANSFORMER | APEX,
    ),
    "micro-attention": Subject(
        lambda: micro_attention.MicroAttention(7), 1, SIDE, micro_attention.GREY_UNIT, f"{SIDE} px", SGD | APEX
    ),
    "apex-resnet10": Subject(
        lambda: micro_attention.ApexResNet10(7), 1, SIDE, micro_attention.GREY_UNIT, f"{SIDE} px", SGD | APEX
    ),
    "dtscnn": Subject(
        lambda: dtscnn.both(7), 192, 32, dtscnn.FLOW, "the network itself", LIVELY, "flow-60-120", dtscnn.FINER
    ),
    "atnet": Subject(
        lambda: atnet.ATNet(7),
        1,
        SIDE,
        Pixels((0.0,), (255.0,)),
        f"{SIDE} px; sequence branch a quarter as wide",
        LIVELY | {"clips": {"sampling": "apex"}},
        "apex-sequence",
    ),
    "spot-cnn": Subject(
        lambda: spot_cnn.SpotCNN(7), spot_cnn.FRAMES, spot_cnn.SIDE, RAW_GREY, "the network itself", LIVELY
    ),
    "akmnet": Subject(
        lambda: akmnet.AKMNet(7, SIDE),
        8,
        SIDE,
        akmnet.GREY,
        f"8 frames of {SIDE} px, a quarter as wide",
        LIVELY | {"loss": {"penalty": 1.0}},
        "magnified",
    ),
    "inception-v3": Subject(
        lambda: inception.InceptionV3(7),
        1,
        75,
        inception.PLUS_MINUS_ONE,
        "75 px",
        SGD | APEX | {"schedule": {"epochs": 240}},
    ),
    "vgg13": Subject(lambda: vgg13.Vgg13(7), 1, vgg13.SIDE, vgg13.GREY, "the network itself", MANY_DROPOUTS | APEX),
    "vgg16-differences": Subject(
        lambda: vgg_differences.VggDifferences(7), 8, SIDE, IMAGENET, f"8 frames of {SIDE} px, a quarter as wide", BRISK
    ),
    **{
        f"av {name}": Subject(
            build,
            8,
            SIDE,
            IMAGENET,
            f"8 frames of {SIDE} px; ResNet50 a quarter as wide",
            LIVELY | {"schedule": {"epochs": epochs}},
            "faces-and-sound",
            signals={"mfcc": (audio_visual.STEPS, audio_visual.HEARD)},
        )
        for name, epochs, build in (
            ("gru", 120, lambda: audio_visual.gru(7)),
            ("lstm", 240, lambda: audio_visual.lstm(7)),
            ("sum", 240, lambda: audio_visual.added(7)),
        )
    },
    "xlsr-53": Subject(
        lambda: wav2vec2.Wav2Vec2(7, DEPTH),
        1,
        0,
        UNIT,
        f"an eighth as wide (2 heads), depth {DEPTH}",
        BRISK | {"schedule": {"epochs": 400}},
        "sound",
        signals={"sound": (SOUND,)},
    ),
    "au-mlp": units(lambda: action_units.UnitsMLP(7), "unit-means", EAGER),
    "au-bilstm": units(lambda: action_units.UnitsBiLSTM(7), "units", LIVELY, action_units.FRAMES),
    "moodnet-voice": whole("moodnet-voice", LIVELY),
    "au-autoencoder": whole("au-autoencoder", {"optimizer": {"kind": "adamw", "learning_rate": 0.03}}),
    "landmark-svm": whole("landmark-svm", {"loss": {"kind": "hinge"}, "optimizer": {"learning_rate": 0.05}}),
    "gabor-dbn": whole("gabor-dbn", LIVELY),
    "mae-dfer-ca add": fusion("add", False),
    "mae-dfer-ca concat": fusion("concat", False),
    "mae-dfer-ca-pc add": fusion("add", True),
    "mae-dfer-ca-pc concat": fusion("concat", True),
    **{
        f"frame attention {kind}": Subject(
            partial(build, 7, partial(networks.build, "moodnet-tiny"), 1), 16, 48, RAW_RGB, "over moodnet-tiny", LIVELY
        )
        for kind, build in (
            ("single", frame_attention.single),
            ("relation", frame_attention.relation),
            ("self", frame_attention.self_attention),
        )
    },
}
BASIS: Mapping[str, Mapping[str, Any]] = {
    "clips": {"layout": "synthetic"},
    "augmentation": {
        "roll_degrees": 5, "zoom": 0.05, "shift": 0.03, "operations": 0, "erase_share": 0, "mixup_alpha": 0,
    },
    "schedule": {"batch": 8, "ema_decay": 0.0},
}  # fmt: skip


def made(*layers: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """A recipe of sections, later ones over earlier ones."""
    sections: dict[str, dict[str, Any]] = {}
    for layer in (BASIS, *layers):
        for name, fields in layer.items():
            sections[name] = sections.get(name, {}) | dict(fields)
    return recipe.parse(sections, "benchmarks.learning")


def trained(trainer: Trainer, title: str, perfect: str = "") -> Iterator[dict[str, float]]:
    """Train from where the trainer is; the mean loss of each epoch.

    With ``perfect`` come the task's scores, and the training ends when this one is 1.
    """
    losses = []
    with tqdm(total=trainer.steps, initial=trainer.step, desc=title, unit="step", mininterval=5) as bar:
        while trainer.step < trainer.steps:
            losses.append(trainer.advance())
            bar.update()
            if trainer.step % trainer.batches == 0:
                found = {"loss": float(np.mean(losses))} | (trainer.validate() if perfect else {})
                losses = []
                yield found
                if perfect and found[perfect] == 1:
                    return


def by_heart(name: str, learn: Clips) -> dict[str, Any]:
    """Train on 32 clips, each of somebody else, until all are known; they are four or five of each expression."""
    subject = SUBJECTS[name]
    still = {"roll_degrees": 0, "zoom": 0, "shift": 0}
    how, few = (
        made({"augmentation": still, "schedule": {"epochs": 120}}, subject.sections),
        take(hummed(learn), range(0, 256, 8)),
    )
    torch.manual_seed(how.data.seed)
    net = subject.build()
    began = time.process_time()
    trainer = Trainer(how, classify_clips.ClassifyClips(how, net, subject.entry, few, few, CPU), CPU)
    *_, found = trained(trainer, name, "war")
    return {
        "reduced": subject.reduced,
        "params": sum(parameter.numel() for parameter in net.parameters()),
        "war": found["war"],
        "epochs": trainer.epoch,
        "loss": found["loss"],
        "cpu_seconds": time.process_time() - began,
    }


def pretrain(learn: Clips, test: Clips, out: Path, epochs: int) -> dict[str, Any]:
    """Pre-train MAE-DFER and compare its features with those of three random networks by a linear probe."""
    how = made(
        {"network": {"name": "mae-dfer", "task": "reconstruct"}, "clips": {"sampling": "strided", "stride": 1}},
        {"optimizer": {"kind": "adamw", "learning_rate": 1e-3, "beta2": 0.95, "weight_decay": 0.05}},
        {"schedule": {"epochs": epochs, "batch": 16, "warm_up": 0.1, "ema_decay": 0.9}},
    )
    torch.manual_seed(how.data.seed)
    net = videomae.MaskedAutoencoder(mae_dfer.LGIFormer([0.0] * DEPTH), mae_dfer.WIDTH, DECODER_DEPTH)
    entry = SUBJECTS["mae-dfer"].entry
    task = masked.Reconstruct(how, masked.pretraining("mae-dfer"), net, entry, learn, test, CPU)
    trainer = Trainer(how, task, CPU)
    rows: list[list[float]] = []  # loss and processor seconds of each epoch
    unfinished = out / "unfinished"  # so that no ablation begins with it
    unfinished.mkdir(exist_ok=True)
    if (unfinished / checkpoint.FILE).is_file():
        state = checkpoint.load(unfinished)
        if differences := checkpoint.differences(state["recipe"], how):
            sys.exit(
                f"{unfinished} holds another pre-training ({'; '.join(differences)}): delete it, or choose its recipe"
            )
        trainer.restore(state)
        rows = state["history"]
    began = time.process_time()
    for found in trained(trainer, "pre-training"):
        rows.append([found["loss"], time.process_time() - began])
        checkpoint.save(trainer.state([], rows), unfinished)
        began = time.process_time()
    checkpoint.save(trainer.state([], rows), out)
    return {
        "epochs": epochs,
        "first_loss": rows[0][0],
        "last_loss": rows[-1][0],
        "held_out_loss": trainer.validate()["reconstruction"],
        "cpu_seconds": sum(seconds for _, seconds in rows),
        "probe": probed(out, learn, test, 0),
        "probe_of_random": [probed(None, learn, test, seed) for seed in range(3)],
    }


def probed(run: Path | None, learn: Clips, test: Clips, seed: int) -> float:
    """Accuracy of a linear probe on the features of a network: a random one, but for what ``run`` has pre-trained."""
    torch.manual_seed(seed)
    net = mae_dfer.MaeDfer(7, depth=DEPTH)
    if run:
        classify_clips.start_from(net, run)
    seen = Seen.by(SUBJECTS["mae-dfer"].entry, made({"clips": {"sampling": "strided", "stride": 1}}).clips)
    known, asked = (probe.features(net, source, seen, CPU) for source in (learn, test))
    found = probe.probe(known, torch.from_numpy(learn.labels), learn.subjects, asked, 7)
    return float((found.numpy() == test.labels).mean())


ABLATION = {
    "none, cross-entropy, from a random start": ("none", 0.0, False),
    **{
        f"{kind}, {loss}": (kind, weight, True)
        for loss, weight in (("cross-entropy", 0.0), ("+ intensity-aware", 0.1))
        for kind in ("none", "add", "concat")
    },
}


def ablate(name: str, learn: Clips, test: Clips, start: Path, epochs: int) -> dict[str, Any]:
    """Fine-tune, mostly from the pre-trained encoder, and test on people that were not learned from."""
    kind, weight, pretrained = ABLATION[name]
    subject = SUBJECTS["mae-dfer" if kind == "none" else f"mae-dfer-ca {kind}"]
    how = made(
        subject.sections,
        {"clips": {"sampling": "strided", "stride": 1}, "optimizer": {"layer_decay": 0.75}},
        {"loss": {"intensity": weight}, "schedule": {"epochs": epochs, "warm_up": 0.1, "ema_decay": 0.9}},
    )
    torch.manual_seed(how.data.seed)
    task = classify_clips.ClassifyClips(how, subject.build(), subject.entry, learn, test, CPU)
    if pretrained:
        classify_clips.start_from(task.net, start)
    began = time.process_time()
    trainer = Trainer(how, task, CPU)
    *_, found = trained(trainer, name)
    trainer.average.eval()
    with torch.inference_mode(), trainer.autocast():
        answers = classify_clips.probabilities(trainer.average, test, task.seen, True, CPU).argmax(1).numpy()
    parts = {
        "all": np.ones(len(test), np.bool_),
        "low": test.intensity < LOW,  # neutral clips have no intensity, and are in neither half
        "high": test.intensity >= LOW,
    }
    matrices = {part: metrics.confusion(test.labels[rows], answers[rows], 7) for part, rows in parts.items()}
    return {
        "loss": found["loss"],
        "epochs": epochs,
        "cpu_seconds": time.process_time() - began,
        **{
            part: {
                "clips": int(matrix.sum()),
                "uar": metrics.uar(matrix),
                "war": metrics.accuracy(matrix),
                "interval": metrics.wilson(int(matrix.trace()), int(matrix.sum())),
            }
            for part, matrix in matrices.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="those whose names begin so (default: all, in order)")
    parser.add_argument("--portraits", type=Path, required=True, help="folder of portraits, NAME_neutral.jpg")
    parser.add_argument("--out", type=Path, required=True, help="results.json, the clips and the pre-trained encoder")
    parser.add_argument("--pretraining-epochs", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--ablation-epochs", type=int, default=4, help="default: %(default)s")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    shrink()
    print(f"Machine: {machine.describe()}")
    of = partial(played, args.portraits)
    single = cache(partial(of, LEARNERS, 1, FACE, 1, args.out / "single.npz"))  # drawn when the first row needs them
    signalled = cache(lambda: followed(single(), args.out / "signals.npz"))
    learn = cache(partial(of, LEARNERS, LEARN_TURNS, SIDE, 2, args.out / "learn.npz"))
    test = cache(partial(of, TESTED, TEST_TURNS, SIDE, 3, args.out / "test.npz"))
    jobs: dict[str, Callable[[], dict[str, Any]]] = {
        "pre-training": lambda: pretrain(learn(), test(), args.out, args.pretraining_epochs),
        **{
            f"ablation {name}": lambda name=name: ablate(name, learn(), test(), args.out, args.ablation_epochs)
            for name in ABLATION
        },
        **{
            f"by heart {name}": lambda name=name: by_heart(name, signalled() if SUBJECTS[name].signals else single())
            for name in SUBJECTS
        },
    }
    for name in [name for row in args.rows or [""] for name in jobs if name.startswith(row)]:
        if name not in stored(args.out):
            found = jobs[name]()
            results = stored(args.out) | {name: found}  # other rows may run beside this one
            if (here := machine.describe()) != results["machine"]:  # results that were begun elsewhere
                found["machine"] = here
            atomic.write(json.dumps(results, indent=2).encode(), args.out / RESULTS)
        print(f"{name}: {json.dumps(stored(args.out)[name])}", flush=True)


def stored(out: Path) -> dict[str, Any]:
    file = out / RESULTS
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {"machine": machine.describe()}
    return found


if __name__ == "__main__":
    main()
