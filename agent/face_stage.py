"""The agent's face stage for ``moodcast models`` (``models.inference.face_stage.FaceStage``); docs as there."""

import contextlib
from collections.abc import Iterator

from agent import packages
from models.inference import registry
from models.inference.face_stage import DescribeFaces, FindFaces, TrackFaces


@contextlib.contextmanager
def finding(command: str) -> Iterator[FindFaces]:
    with describing(command) as find:
        yield lambda picture: [points for points, _ in find(picture)]


@contextlib.contextmanager
def describing(command: str) -> Iterator[DescribeFaces]:
    with packages.needed_by(command):
        from agent.face import StillFaceFinder

        finder = StillFaceFinder(registry.path(registry.LANDMARKER))
    with contextlib.closing(finder):
        yield finder.find


@contextlib.contextmanager
def tracking(command: str) -> Iterator[TrackFaces]:
    with packages.needed_by(command):
        from agent.face import FilmFaceFinder

        finder = FilmFaceFinder(registry.path(registry.LANDMARKER))
    with contextlib.closing(finder):
        yield finder.find
