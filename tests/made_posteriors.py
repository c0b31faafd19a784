"""A small folder of posteriors as the published ones are laid out: ten actors, who each show two emotions oddly."""

import json
from pathlib import Path

import numpy as np

from models.evaluation.posteriors import EMOTIONS, FOLDS
from models.inference.softmax import softmax

REAL = Path(__file__).parents[1] / ".." / "shared" / "data" / "ravdess" / "posteriors"
ACTORS = range(1, 11)
ALPHABETICAL = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
HEADER = ";".join(f"embs{k}" for k in range(8))


def make_posteriors(folder: Path, seed: int = 0) -> Path:
    """Write it, with actors 1 and 2 tested in the first fold, and so on; returns the folder.

    Every answer is likeliest for the clip's own emotion, but for one of each actor, taken for another in all clips.
    """
    rng = np.random.default_rng(seed)
    names = {actor: [name(emotion, take, actor) for emotion in range(8) for take in range(4)] for actor in ACTORS}
    odd = {actor: rng.permutation(8)[:2] for actor in ACTORS}
    clips = {
        clip: [answers(actor, int(clip[6:8]) - 1, odd, rng) for _ in range(3)]
        for actor in ACTORS
        for clip in names[actor]
    }
    for number in range(FOLDS):
        tested = {2 * number + 1, 2 * number + 2}
        for part in ("train", "test"):
            chosen = [clip for actor in ACTORS if (actor in tested) == (part == "test") for clip in names[actor]]
            write(folder, f"{part}_fold{number}.csv", {clip: clips[clip] for clip in chosen})
    return folder


def name(emotion: int, take: int, actor: int) -> str:
    return f"01-01-{emotion + 1:02}-01-{take // 2 + 1:02}-{take % 2 + 1:02}-{actor:02}"


def answers(actor: int, emotion: int, odd: dict[int, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Of one recogniser, in RAVDESS' order."""
    shown, taken_for = odd[actor]
    found = rng.normal(0, 0.3, 8)
    found[taken_for if emotion == shown else emotion] += 2
    if emotion == shown:
        found[taken_for - 1] += 1  # what tells it from the other
    return found


def write(folder: Path, file: str, clips: dict[str, list[np.ndarray]]) -> None:
    for recogniser in ("au_mlp", "au_bilstm", "wav2vec2"):
        (folder / recogniser).mkdir(exist_ok=True)
    order = [EMOTIONS.index(emotion) for emotion in ALPHABETICAL]
    mlp, lstm, speech = [f"{HEADER};video_name"], [], [f"{HEADER};name;emotion;actor"]
    for clip, (first, second, third) in clips.items():
        mlp.append(";".join([*map(str, softmax(first).tolist()), clip]))
        lstm.append(f'{clip}.csv,"{json.dumps(second[order].tolist())}"')
        speech.append(";".join([*map(str, third[order].tolist()), clip, "Any", clip[-2:]]))
    for recogniser, lines in (("au_mlp", mlp), ("au_bilstm", lstm), ("wav2vec2", speech)):
        (folder / recogniser / file).write_text("\n".join(lines) + "\n")
