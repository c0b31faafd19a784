"""What is learned of real faces, with the shipped network: small smiles that it takes for none."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from agent import face_stage
from agent.personal.answers import Answer
from agent.personal.learning import learn
from models.clips import video
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.align import aligned_face
from models.inference.infer import Classifier, load_still
from relay.protocol import EXPRESSIONS

LONDON = Path(__file__).parents[3] / ".." / "shared" / "data" / "photos" / "london"
HAPPY, NEUTRAL = EXPRESSIONS.index("happy"), EXPRESSIONS.index("neutral")
SMALL_SMILES = "017", "045", "092"
TAUGHT, UNSEEN = 6, 10


def tiles(picture: NDArray[np.uint8], classifier: Classifier, count: int) -> NDArray[np.uint8]:
    """A face as a camera sees it ``count`` times: a little moved, in another light, with noise."""
    rng = np.random.default_rng(0)
    with face_stage.finding("tests") as find:
        (points,) = find(picture)
    found = []
    for _ in range(count):
        turn, grow = rng.normal(0, 2), rng.normal(1, 0.02)
        matrix = cv2.getRotationMatrix2D((256, 256), turn, grow)
        moved = cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        jitter = points @ matrix[:, :2].T + matrix[:, 2] + rng.normal(0, 2, 2)
        noisy = moved * rng.uniform(0.7, 1.2) + rng.normal(0, 6, picture.shape)
        found.append(aligned_face(np.clip(noisy, 0, 255).astype(np.uint8), jitter, classifier.network.contract.crop))
    return np.stack(found)


@pytest.mark.slow
@pytest.mark.skipif(not LONDON.is_dir(), reason="needs the portraits ../shared/data/photos/london, which are not here")
@pytest.mark.parametrize("person", SMALL_SMILES)
def test_a_small_smile_that_the_network_takes_for_none_is_learned(person: str) -> None:
    classifier, faces, universal, labels = load_still(registry.DEFAULT), [], [], []
    for label, name in ((HAPPY, "happy"), (NEUTRAL, "neutral")):
        picture = video.read_picture(LONDON / f"{person}_{name}.jpg")
        try:
            probabilities, features = classifier.read(tiles(picture, classifier, TAUGHT + UNSEEN))
        except ModelMissingError as error:
            pytest.skip(str(error))
        assert features is not None
        faces.append(features)
        universal.append(probabilities)
        labels.append(label)
    answers = [
        Answer(1_800_000_000.0 + 240 * number + 120 * turn, label, seen[number], said[number], True)
        for turn, (label, seen, said) in enumerate(zip(labels, faces, universal, strict=True))
        for number in range(TAUGHT)
    ]
    learned = learn(answers)
    right_before = [np.mean(said[TAUGHT:].argmax(1) == label) for label, said in zip(labels, universal, strict=True)]
    assert right_before[0] < 0.5, "the network knows this smile"
    assert learned.head is not None
    for label, seen, said in zip(labels, faces, universal, strict=True):
        found = learned.head.probabilities(seen[TAUGHT:], said[TAUGHT:]).argmax(1)
        assert (found == label).all()
