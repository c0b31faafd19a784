"""``moodcast models spot`` and ``moodcast models micro``: micro-expressions, found and recognised (docs/micro.md)."""

import argparse

from models.inference.face_stage import FaceStage
from models.micro import across, key_frames, spot, spot_report, transfer, two_rates


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", faces: FaceStage) -> None:
    """On the actions of ``moodcast models``; ``faces`` finds faces in clips."""
    spot.add_arguments(actions.add_parser("spot", help="when videos show micro-expressions (docs/micro.md)"), faces)
    spot_report.add_arguments(
        actions.add_parser("spot-report", help="how well that is done, on annotated films (docs/micro.md)"), faces
    )
    parser = actions.add_parser("micro", help="studies of micro-expressions (docs/micro.md)")
    studies = parser.add_subparsers(dest="study", metavar="STUDY", required=True)
    two_rates.add_arguments(studies.add_parser("rates", help="what a second frame rate is worth (DTSCNN)"), faces)
    transfer.add_arguments(studies.add_parser("transfer", help="is a start from macro-expressions worth more"), faces)
    across.add_arguments(
        studies.add_parser("across", help="from one set to another, with and without flow (ATNet)"), faces
    )
    key_frames.add_arguments(studies.add_parser("key-frames", help="which frames tell, and do they (AKMNet)"), faces)
