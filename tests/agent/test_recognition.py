"""The shipped networks on a face, through the agent's own stages."""

import contextlib

import numpy as np
import pytest
from PIL import Image

from agent.recognition import Recogniser
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.registry import Packaged
from relay.protocol import EXPRESSIONS

SHIPPED = [name for name, entry in registry.WEIGHTS.items() if entry.crop and isinstance(entry.sources[0], Packaged)]


@pytest.mark.parametrize("model", SHIPPED)
def test_a_shipped_network_sees_a_smile_that_stays(model: str) -> None:
    try:
        picture = np.asarray(Image.open(registry.path("portrait")).convert("RGB"))
        recogniser = Recogniser(model)
    except ModelMissingError as error:
        pytest.skip(str(error))
    with contextlib.closing(recogniser):
        looks = [recogniser.look(picture, 200 * i) for i in range(10)]
    for look in looks:
        assert look.probabilities is not None
        assert EXPRESSIONS[int(np.argmax(look.probabilities))] == "happy"
        assert sum(look.probabilities) == pytest.approx(1, abs=1e-4)
