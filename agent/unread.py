"""The reasons for which a face makes no vote, in words. ``agent.readable`` finds them."""

from enum import Enum


class Unread(Enum):
    """A reason: its name in the report, the words after "away" in the status line, and what helps."""

    CHIN_CUT = (
        "chin_outside",
        "your chin is outside the picture",
        "Your chin is outside the picture, so nothing is sent. Tilt the camera, or move back.",
    )
    FACE_CUT = (
        "face_outside",
        "part of your face is outside the picture",
        "Part of your face is outside the picture, so nothing is sent. Move to the picture's middle.",
    )
    UPSIDE_DOWN = (
        "upside_down",
        "your face is upside down",
        "Your face is upside down in the picture, so nothing is sent. Turn the camera, or its picture in its settings.",
    )
    COVERED = (
        "covered",
        "something covers your mouth",
        "Something covers your mouth, as a mask does, so nothing is sent.",
    )
    UNSURE = (
        "unsure",
        "your expression is not clear",
        "What your face shows is not clear, so nothing is sent. More light on your face may help.",
    )
    FROZEN = (
        "frozen",
        "the picture is frozen",
        "The camera sends the same picture again and again, so nothing is sent. Is its cover open? Else unplug it and "
        "plug it in again; of a screen: does the call still go on?",
    )
    LIFELESS = (
        "lifeless",
        "the face does not move, as in a photograph",
        "The face has not moved for a minute, as in a picture on a wall, so nothing is sent. It counts again once it "
        "moves.",
    )

    def __init__(self, key: str, words: str, hint: str) -> None:
        self.key, self.words, self.hint = key, words, hint
