"""``moodcast models fuse`` and its neighbours: sight and sound together (docs/audio-visual.md)."""

import argparse

from models.inference.face_stage import FaceStage


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", faces: FaceStage) -> None:
    """On the actions of ``moodcast models``; ``faces`` finds faces in clips."""
