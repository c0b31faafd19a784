"""The agent's face stage for ``moodcast models`` (``models.inference.face_stage.FaceStage``); docs as there."""

import contextlib
from collections.abc import Iterator

from agent import packages
from models.inference import registry
from models.inference.face_stage import FindFaces, TrackFaces

_LANDMARKER = "face_landmarker"


@contextlib.contextmanager
def finding(command: str) -> Iterator[FindFaces]:
    with packages.needed_by(command):
        from agent.face import StillFaceFinder

        finder = StillFaceFinder(registry.path(_LANDMARKER))
    with contextlib.closing(finder):
        yield lambda picture: [face.points for face in finder.find(picture)]


@contextlib.contextmanager
def tracking(command: str) -> Iterator[TrackFaces]:
    with packages.needed_by(command):
        from agent.face import FilmFaceFinder

        finder = FilmFaceFinder(registry.path(_LANDMARKER))
    with contextlib.closing(finder):
        yield lambda frame, time_ms: [face.points for face in finder.find(frame, time_ms)]
