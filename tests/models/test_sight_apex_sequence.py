"""What ATNet sees of a clip: the apex, or the middle, and the flow around it; mirrored, both are."""

from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips.source import Clips, in_memory  # noqa: E402
from models.errors import TrainingError  # noqa: E402
from models.training import recipe, sights  # noqa: E402
from models.training.recipe import ClipsSection  # noqa: E402
from models.zoo import networks  # noqa: E402

ATNET = networks.get("atnet")
SIGHT = sights.of(ATNET, ClipsSection(sampling="apex"))


def drifting(frames: int = 9, **how: Any) -> Clips:
    """A clip whose frames brighten one by one, and whose upper left moves right."""
    rng = np.random.default_rng(1)
    still = cv2.resize(rng.integers(0, 200, (28, 28, 3)).astype(np.uint8), (112, 112), interpolation=cv2.INTER_CUBIC)
    clip = []
    for i in range(frames):
        moved = cv2.warpAffine(still, np.array([[1, 0, 0.4 * i], [0, 1, 0]], np.float32), (112, 112))
        clip.append(still + np.uint8(i))
        clip[-1][:56, :56] = moved[:56, :56] + np.uint8(i)
    return in_memory([np.stack(clip)], [0], ("one",), **how)


def grey(source: Clips, frame: int) -> float:
    return float(source.frames(0)[frame].astype(np.float64).mean())


def test_the_labelled_apex_is_seen_else_the_middle() -> None:
    for source, apex in ((drifting(moments=[(0, 6)]), 6), (drifting(), 4), (drifting(1), 0)):
        face, motion = SIGHT.views(source, 0, None)
        assert face.shape == (1, 1, 224, 224)
        assert motion.shape == (1, 64, 128)
        assert float(face.mean()) == pytest.approx(grey(source, apex), abs=3)
        frames = len(source.frames(0))
        places = [min(max(apex - 32 + step + (step >= 32), 0), frames - 1) for step in range(64)]
        assert [bool(step.any()) for step in motion[0]] == [place != apex for place in places]


def test_a_mirrored_view_is_the_view_of_the_mirrored_clip() -> None:
    source = drifting(moments=[(0, 6)])
    turned = in_memory([source.frames(0)[:, :, ::-1]], [0], ("one",), moments=[(0, 6)])
    face, motion = SIGHT.mirrored(SIGHT.ready(SIGHT.views(source, 0, None)))
    expected_face, expected_motion = SIGHT.ready(SIGHT.views(turned, 0, None))
    torch.testing.assert_close(face, expected_face, atol=1e-5, rtol=0)
    assert (motion - expected_motion).norm() < 0.2 * expected_motion.norm()  # flow is not quite the same both ways


def test_in_training_a_face_and_its_motion_are_mirrored_together() -> None:
    face, motion = SIGHT.views(drifting(moments=[(0, 6)]), 0, None)
    still = {"roll_degrees": 0, "zoom": 0, "shift": 0, "operations": 0, "erase_share": 0, "mixup_alpha": 0}
    how = recipe.parse({"augmentation": still}, "here").augmentation
    views = (face.repeat(16, 1, 1, 1), motion.repeat(16, 1, 1))
    (faces, motions), kept = SIGHT.varied(views, how, torch.Generator().manual_seed(0))
    assert kept == 1
    plain = [(a - face[0]).abs().max() < 0.5 for a in faces]
    assert 3 < sum(plain) < 13
    mirrored_face, mirrored_motion = SIGHT.mirrored((face, motion))
    for i, same in enumerate(plain):
        torch.testing.assert_close(faces[i], (face if same else mirrored_face)[0], atol=0.01, rtol=0)
        torch.testing.assert_close(motions[i], (motion if same else mirrored_motion)[0])


def test_faces_and_motion_are_mixed_alike() -> None:
    views = (torch.zeros(2, 1, 224, 224), torch.zeros(2, 64, 128))
    views[0][0], views[1][0] = 200, 1
    still = {"roll_degrees": 0, "zoom": 0, "shift": 0, "operations": 0, "erase_share": 0, "mixup_alpha": 1.0}
    how = recipe.parse({"augmentation": still}, "here").augmentation
    (faces, motion), kept = SIGHT.varied(views, how, torch.Generator().manual_seed(0))
    assert 0 < kept < 1
    assert float(faces[0].mean()) == pytest.approx(200 * kept, rel=1e-4)
    assert sorted(motion.abs().amax((1, 2)).tolist()) == pytest.approx(sorted([kept, 1 - kept]), rel=1e-4)


def test_another_sampling_than_apex_is_told() -> None:
    with pytest.raises(TrainingError, match="atnet looks at the apex and around it, expected 'apex'"):
        sights.of(ATNET, ClipsSection(sampling="segments"))
