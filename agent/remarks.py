"""What the viewer should know of the network that looks, and of the camera's picture. Pure: from values to words."""

from pathlib import Path

from models.inference.contract import ClipSpec


class Remarks:
    """Which remark is due while somebody is looked at. Each is made as often as something changes."""

    def __init__(self, clip: ClipSpec | None) -> None:
        """``clip``: of the network, where it looks at clips."""
        self._clip = clip
        self._is_late = False
        self._stretch = 1.0

    def due(self, took_s: float, stretch: float) -> list[str]:
        """Those that are due now. ``took_s``: a look of the network, on average; ``stretch``: see ``Recogniser``."""
        sentences = []
        late = _late_labels(self._clip, took_s)
        if late and not self._is_late:
            self._is_late = True
            sentences.append(late)
        if stretch != self._stretch:
            self._stretch = stretch
            sentences.append(_proportions(stretch))
        return sentences


def about_model(model: str, clip: ClipSpec | None, missed_card: bool) -> list[str]:
    """What the viewer should know of the chosen network before it starts."""
    sentences = []
    if clip is not None:
        seconds = (clip.frames - 1) * clip.interval_s
        what = "What it made of them stays" if clip.features else "They stay"
        sentences.append(
            f"{Path(model).name} looks at clips: the last {clip.frames} faces, {clip.interval_s:g} s apart. {what} in "
            f"memory for these {seconds:.1f} seconds."
        )
    if missed_card:
        sentences.append(
            "The graphics card can't be used (ONNX Runtime finds no CUDA driver or libraries that fit): the processor "
            "does the work."
        )
    return sentences


def _late_labels(clip: ClipSpec | None, took_s: float) -> str:
    """A sentence where a clip takes longer than the time to the next one; empty where all is well."""
    if clip is None or took_s <= clip.every * clip.interval_s:
        return ""
    return (
        f"A clip takes {took_s:.1f} s on this computer, so your label follows your face that much later. A smaller "
        "network (moodnet) or a graphics card would be faster."
    )


def _proportions(stretch: float) -> str:
    """What is done about a picture that comes ``stretch`` times as wide as it should."""
    if stretch == 1:
        return "The picture comes with the right proportions now: nothing is undone any more."
    how = "squeezed to three quarters of its width" if stretch < 1 else "stretched by a third of its width"
    return (
        f"The picture comes {how}, as when 16:9 and 4:3 are mistaken for each other. Smiles are missed in such a "
        "picture, so the agent undoes it from now on. The settings of the camera, or of the program that passes it on, "
        "would mend it for good."
    )
