"""Pictures as people have them, through the real decoder and recogniser."""

import asyncio
import io
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from agent import stills, trial
from agent.stills import StillRecogniser
from models.errors import ModelMissingError
from models.inference import registry
from relay.http.decoding import WORKING_SIDE, Decoding
from relay.protocol import EXPRESSIONS
from relay.trial import BadPictureError, DecodedPicture, UnavailableError

HAPPY = EXPRESSIONS.index("happy")
ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    try:
        return Image.open(registry.path("portrait")).convert("RGB")
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def recogniser() -> Iterator[StillRecogniser]:
    try:
        registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))
    recogniser = StillRecogniser()
    yield recogniser
    recogniser.close()


def file_of(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(file: bytes) -> DecodedPicture:
    return asyncio.run(Decoding().decode(file))


FORMS: dict[str, Callable[[Image.Image], bytes]] = {
    "jpeg": lambda image: file_of(image, "JPEG"),
    "png": lambda image: file_of(image, "PNG"),
    "webp": lambda image: file_of(image, "WEBP"),
    "animated gif": lambda image: file_of(
        image.quantize(), "GIF", save_all=True, append_images=[Image.new("P", image.size)]
    ),
    "grey": lambda image: file_of(image.convert("L"), "PNG"),
    "print colours": lambda image: file_of(image.convert("CMYK"), "JPEG"),
    "transparent": lambda image: file_of(image.convert("RGBA"), "PNG"),
    "transparent palette": lambda image: file_of(image.quantize(), "PNG", transparency=bytes([0, 128] + 254 * [255])),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_portrait_is_happy_in_every_form(form: str, recogniser: StillRecogniser, portrait: Image.Image) -> None:
    findings = recogniser.look(decoded(FORMS[form](portrait)), "")
    assert (findings.model, findings.width, findings.height) == (registry.DEFAULT, 512, 512)
    assert set(findings.milliseconds) == {"load", "find", "classify"}
    (face,) = findings.faces
    assert sum(face.probabilities) == pytest.approx(1, abs=1e-4)
    assert int(np.argmax(face.probabilities)) == HAPPY
    # The square that the classifier saw, around the face's middle.
    corners = np.array(face.outline)
    assert corners.mean(0) / 512 == pytest.approx([0.435, 0.22], abs=0.03)
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    assert sides == pytest.approx(sides[0], rel=0.01)
    assert corners[0, 0] < corners[1, 0] and corners[0, 1] < corners[3, 1]  # noqa: PT018  # one picture, upright


@pytest.mark.parametrize(("orientation", "turn"), [(3, 180), (6, 90), (8, 270)])
def test_a_picture_taken_with_a_turned_phone_is_upright(
    orientation: int, turn: int, recogniser: StillRecogniser, portrait: Image.Image
) -> None:
    tall = portrait.crop((60, 0, 360, 400))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    findings = recogniser.look(decoded(file_of(tall.rotate(turn, expand=True), "JPEG", exif=exif)), "")
    assert (findings.width, findings.height) == (300, 400)
    assert [int(np.argmax(face.probabilities)) for face in findings.faces] == [HAPPY]


def test_a_large_photograph_is_shrunk_and_its_faces_are_found(
    recogniser: StillRecogniser, portrait: Image.Image
) -> None:
    wall = Image.new("RGB", (6000, 4000), (120, 110, 100))
    face = portrait.crop((110, 0, 340, 230)).resize((800, 800))
    for left in (400, 2600, 4800):
        wall.paste(face, (left, 1500))
    findings = recogniser.look(decoded(file_of(wall, "JPEG")), "")
    assert findings.width == WORKING_SIDE
    assert [int(np.argmax(face.probabilities)) for face in findings.faces] == [HAPPY] * 3
    middles = [np.array(face.outline)[:, 0].mean() / findings.width for face in findings.faces]
    assert middles == pytest.approx([0.13, 0.5, 0.87], abs=0.03)


def test_a_picture_without_a_face(recogniser: StillRecogniser) -> None:
    assert recogniser.look(DecodedPicture(800, 600, bytes(800 * 600 * 3)), "").faces == ()


def test_a_classifier_that_is_none(recogniser: StillRecogniser) -> None:
    for name in ("nosuch", "face_landmarker"):
        with pytest.raises(BadPictureError, match=f"no classifier '{name}'.*{registry.DEFAULT}"):
            recogniser.look(DecodedPicture(8, 8, bytes(8 * 8 * 3)), name)


def test_the_choices_are_the_classifiers_that_are_here(recogniser: StillRecogniser) -> None:
    names = [choice.name for choice in recogniser.choices()]
    assert names[0] == registry.DEFAULT
    assert "portrait" not in names


def test_without_its_packages_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['mediapipe'] = None\n"
        "from agent import trial\n"
        "try: trial.recogniser()\n"
        "except trial.UnavailableError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "mediapipe is not installed" in run.stdout
    assert "pip install '.[agent]'" in run.stdout


def test_without_the_face_finders_file_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModelMissingError(f"the file of {name!r} is missing: run `moodcast models fetch`")

    monkeypatch.setattr(stills.registry, "path", missing)
    with pytest.raises(UnavailableError, match=r"^The file of 'face_landmarker' is missing: run `moodcast models"):
        trial.recogniser()


def test_faces_that_the_agent_would_not_send_are_marked(recogniser: StillRecogniser, portrait: Image.Image) -> None:
    """As a viewer would be away: by the same rules, without those that need time."""
    (face,) = recogniser.look(decoded(file_of(portrait, "PNG")), "").faces
    assert face.unread == ""
    left, top, right, bottom = (round(edge) for edge in (*np.min(face.outline, 0), *np.max(face.outline, 0)))
    masked = portrait.copy()
    middle = (top + bottom) // 2
    masked.paste((60, 110, 170), (left + 20, middle + 5, right - 20, bottom - 10))
    assert [one.unread for one in recogniser.look(decoded(file_of(masked, "PNG")), "").faces] == ["covered"]
    cut = portrait.crop((0, 0, 512, (middle + 2 * bottom) // 3))
    assert {one.unread for one in recogniser.look(decoded(file_of(cut, "PNG")), "").faces} <= {"chin_outside"}
