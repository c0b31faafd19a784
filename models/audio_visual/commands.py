"""``moodcast models fuse`` and its neighbours: sight and sound together (docs/audio-visual.md)."""

import argparse

from models.audio_visual import ablation, fuse
from models.inference.face_stage import FaceStage


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", faces: FaceStage) -> None:
    """On the actions of ``moodcast models``; ``faces`` finds faces in clips."""
    fuse.add_arguments(actions.add_parser("fuse", help="late fusion of face and speech (docs/audio-visual.md)"))
    ablation.add_arguments(
        actions.add_parser("sight-and-sound", help="what sight and sound are worth, together and alone"), faces
    )
