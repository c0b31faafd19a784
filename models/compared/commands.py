"""``moodcast models local`` and its neighbours: systems that the documents compare with (docs/audio-visual.md)."""

import argparse

from models.compared import local
from models.inference.face_stage import FaceStage


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", faces: FaceStage) -> None:
    """On the actions of ``moodcast models``; ``faces`` finds faces in clips."""
    local.add_arguments(actions.add_parser("local", help="network features, visual words and local learning"))
