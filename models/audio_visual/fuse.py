"""``moodcast models fuse``: late fusion of face and speech, on the published posteriors of RAVDESS."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from models import json_output
from models.audio_visual.fuse_study import Calibration, FusionStudy, figures, study
from models.audio_visual.fusion_methods import FUSION, has_scikit_learn
from models.audio_visual.voice_gain import RuleFigures, VoiceGain
from models.evaluation.posteriors import EMOTIONS, read, read_published


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """On the parser of ``moodcast models fuse``."""
    parser.description = (
        "Fuses what three recognisers answered to RAVDESS' clips, two that saw action units of the face and one that "
        "heard the speech, as published and in other ways; tells what is right by fold, how far confidences can be "
        "trusted, and what the voice adds to the face alone (docs/audio-visual.md). No torch; seconds."
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="the published posteriors: au_mlp, au_bilstm and wav2vec2, and fusion to compare with",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=report)


def report(options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    if options.json:
        json_output.check(options.json)
    folds = read(options.folder)
    result = study(folds, read_published(options.folder, folds))
    if options.json:
        json_output.write(figures(result), options.json)
    if options.json != "-":
        print("\n".join(lines(result)))
    return 0


def lines(result: FusionStudy) -> Iterator[str]:
    """The figures for people."""
    yield "Answers that are right in percent, the mean of the folds; UAR; each fold; and the expected calibration error"
    yield "(15 bins) in percent, before and after a temperature that the other folds choose."
    yield ""
    width = max(map(len, result.methods))
    yield f"{'':{width}}  right    UAR   {'folds':34}  ECE, after, temperature"
    for name, found in result.methods.items():
        shares = " ".join(f"{share:6.2f}" for share in found.folds)
        yield f"{name:{width}}  {found.accuracy:5.2f}  {found.uar:5.2f}  {shares}  {_trust(result, name)}".rstrip()
    if not has_scikit_learn():
        yield "Support vector machines, nearest neighbours and tree need scikit-learn: pip install scikit-learn"
    yield ""
    if result.difference is None:
        yield "The folder has no fusion/, so the fusion can't be compared with the published posteriors."
    else:
        yield f"Largest distance of the fusion's posteriors from the published ones: {result.difference:.1e}"
    yield f"Temperatures that a fold's training clips choose, for the fusion: {_told(result.on_training)}"
    yield ""
    yield from _confusion(result)
    for gain in result.voice:
        yield ""
        yield from _gain(gain)


def _trust(result: FusionStudy, name: str) -> str:
    calibration = result.calibrations.get(name)
    return _told(calibration) if calibration else ""


def _told(found: Calibration) -> str:
    """Such as 15.34  2.83  2.04 to 2.24."""
    return f"{100 * found.before.ece:5.2f}  {100 * found.after.ece:5.2f}  {_range(found.temperatures)}"


def _range(numbers: tuple[float, ...]) -> str:
    least, most = f"{min(numbers):.2f}", f"{max(numbers):.2f}"
    return least if least == most else f"{least} to {most}"


def _confusion(result: FusionStudy) -> Iterator[str]:
    """Rows are what was acted, columns the answers, in percent of the row."""
    yield f"{FUSION}: answers (columns) to what was acted (rows), in percent of the row"
    width = max(map(len, EMOTIONS)) + 1
    yield " " * width + "".join(f"{name:>{width}}" for name in EMOTIONS)
    for name, row in zip(EMOTIONS, result.methods[FUSION].confusion, strict=True):
        yield f"{name:{width}}" + "".join(f"{100 * count / max(1, row.sum()):{width}.1f}" for count in row)


def _gain(found: VoiceGain) -> Iterator[str]:
    yield f"The voice beside the face ({found.face}), {found.classes} classes, both calibrated"
    width = max(map(len, found.rules))
    yield f"{'':{width}}  right    UAR    ECE   over the face alone    w, chosen by the other folds"
    for name, rule in found.rules.items():
        shares = f"{rule.accuracy:5.2f}  {rule.uar:5.2f}  {rule.ece:5.2f}"
        yield f"{name:{width}}  {shares}   {_over(rule):21}  {_weights(rule)}".rstrip()


def _over(rule: RuleFigures) -> str:
    """Such as +24.7 (+20.1 to +28.9), with a 95 % interval over actors; nothing of the face itself."""
    if not rule.gain and rule.interval in (None, (0, 0)):
        return ""
    told = f"{rule.gain:+.1f}"
    return told if rule.interval is None else f"{told} ({rule.interval[0]:+.1f} to {rule.interval[1]:+.1f})"


def _weights(rule: RuleFigures) -> str:
    return _range(rule.weights) if rule.weights else ""
