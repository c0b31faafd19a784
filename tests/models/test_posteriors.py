"""The published posteriors: what is read of a folder, what is refused, and the fusion of the real ones."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.errors import DatasetError
from models.evaluation import posteriors
from tests.made_posteriors import REAL, make_posteriors

needs_posteriors = pytest.mark.skipif(
    not REAL.is_dir(), reason="needs ../shared/data/ravdess/posteriors, which are not here"
)


def test_columns_are_in_the_order_of_emotions_whatever_the_files_have(tmp_path: Path) -> None:
    """In the made-up folder every recogniser is surest of the clip's own emotion."""
    folds = posteriors.read(make_posteriors(tmp_path))
    assert len(folds) == posteriors.FOLDS
    for fold in folds:
        for clips in (fold.train, fold.test):
            assert list(clips.names) == sorted(clips.names)
            assert clips.columns.shape == (len(clips.names), 24)
            answers = clips.columns.reshape(-1, 3, 8).argmax(2)
            assert (answers == clips.labels[:, None]).mean() > 0.8
            assert [int(name[-2:]) for name in clips.names] == clips.actors.tolist()


def test_every_actor_is_tested_once(tmp_path: Path) -> None:
    tested = [set(fold.test.actors.tolist()) for fold in posteriors.read(make_posteriors(tmp_path))]
    assert sorted(actor for actors in tested for actor in actors) == list(range(1, 11))


def test_a_column_that_never_changes_is_no_trouble(tmp_path: Path) -> None:
    fold = posteriors.read(make_posteriors(tmp_path))[0]
    fold.train.columns[:, 3] = 0.5
    assert np.isfinite(posteriors.fused(fold.train, posteriors.FACE).logits(fold.test)).all()


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def first_number(new: str) -> Callable[[str], str]:
    return lambda text: re.sub(r"-?\d+\.\d+", new, text, count=1)


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("au_mlp/test_fold1.csv", None, "can't read .*au_mlp/test_fold1.csv: No such file"),
        ("au_mlp/train_fold0.csv", replaced("embs3", "other"), "embs0 to embs7 and name or video_name .* no embs3"),
        ("wav2vec2/train_fold0.csv", replaced(";name;", ";clip;"), "got no video_name"),
        ("au_mlp/test_fold0.csv", first_number("high"), "expected 8 numbers .* in line 2 of .* 'high"),
        ("wav2vec2/test_fold0.csv", first_number("nan"), "expected 8 numbers .* in line 2"),
        ("au_bilstm/test_fold0.csv", replaced("[", "[7.0, "), "expected 8 numbers .* in line 1"),
        ("au_bilstm/test_fold0.csv", first_number("null"), "expected 8 numbers .* in line 1"),
        ("au_bilstm/test_fold0.csv", first_number("1e308"), "expected 8 numbers from -1e6 to 1e6 in line 1"),
        ("au_bilstm/test_fold0.csv", first_number("1" * 400), "expected 8 numbers .* in line 1"),
        ("au_bilstm/test_fold0.csv", replaced("[", "[" * 60_000), "expected a clip and a list of numbers in line 1"),
        ("au_bilstm/test_fold0.csv", replaced("[", "("), "expected a clip and a list of numbers in line 1"),
        ("au_mlp/test_fold0.csv", replaced("01-01-01-", "01-01-09-"), "emotion from 01 to 08, in line 2 .*'01-01-09"),
        ("wav2vec2/test_fold0.csv", replaced("01-01-01-", "holiday-"), "expected a clip's name .* 'holiday-"),
        ("wav2vec2/test_fold0.csv", replaced("01-01-01-01-01-01-01", "01-01-01-01-01-09-01"), "and .* has not"),
        ("au_mlp/test_fold0.csv", lambda text: text + text.splitlines()[1], "expected each clip once .* again"),
        ("au_mlp/test_fold0.csv", lambda text: text.splitlines()[0], "expected a line a clip in .*, got none"),
        ("au_bilstm/test_fold0.csv", lambda text: "", "expected a line a clip in .*, got none"),
    ],
)
def test_what_is_no_such_folder_is_refused_with_a_sentence(
    tmp_path: Path, file: str, change: Callable[[str], str] | None, sentence: str
) -> None:
    place = make_posteriors(tmp_path) / file
    if change is None:
        place.unlink()
    else:
        place.write_text(change(place.read_text()))
    with pytest.raises(DatasetError, match=sentence):
        posteriors.read(tmp_path)


def test_no_folder_and_no_text_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"but there is none at .*nowhere"):
        posteriors.read(tmp_path / "nowhere")
    (make_posteriors(tmp_path) / "au_mlp" / "test_fold0.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DatasetError, match="expected a CSV file in UTF-8"):
        posteriors.read(tmp_path)


def test_the_folder_around_them_will_do(tmp_path: Path) -> None:
    inner = tmp_path / "posteriors"
    inner.mkdir()
    with pytest.raises(DatasetError, match=r"with the folders au_mlp, au_bilstm, wav2vec2, but there is none at"):
        posteriors.read(tmp_path)
    make_posteriors(inner)
    for told, expected in zip(posteriors.read(tmp_path), posteriors.read(inner), strict=True):
        assert told.test.names == expected.test.names


def test_an_actor_who_is_learned_from_and_tested_is_refused(tmp_path: Path) -> None:
    make_posteriors(tmp_path)
    for recogniser in ("au_mlp", "au_bilstm", "wav2vec2"):
        train, test = (tmp_path / recogniser / f"{part}_fold2.csv" for part in ("train", "test"))
        train.write_text(train.read_text() + test.read_text().splitlines()[-1] + "\n")
    with pytest.raises(DatasetError, match="got actor 06 in both"):
        posteriors.read(tmp_path)


def test_training_clips_without_an_emotion_are_refused(tmp_path: Path) -> None:
    make_posteriors(tmp_path)
    for recogniser in ("au_mlp", "au_bilstm", "wav2vec2"):
        file = tmp_path / recogniser / "train_fold2.csv"
        file.write_text("".join(line for line in file.read_text().splitlines(True) if "01-01-07-" not in line))
    with pytest.raises(DatasetError, match=r"expected clips of all emotions in train_fold2.csv .* none of disgust"):
        posteriors.read(tmp_path)


@needs_posteriors
def test_the_fusion_is_the_published_one() -> None:
    """Accuracies by fold as published, and the probabilities to 1e-4."""
    right = []
    for number, fold in enumerate(posteriors.read(REAL)):
        fusion = posteriors.fused(fold.train, posteriors.FACE_AND_SPEECH)
        right.append(100 * (fusion.logits(fold.test).argmax(1) == fold.test.labels).mean())
        rows = [line.split(";") for line in (REAL / "fusion" / f"test_fold{number}.csv").read_text().splitlines()]
        published = {row[8]: row[:8] for row in rows}
        expected = np.array([published[name] for name in fold.test.names], float)
        found = fusion.regression.probabilities(fusion.scaled(fold.test))
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.round(right, 2).tolist() == [88.67, 88.67, 84.67, 85.67, 85.83]
