"""What a micro-expression that was spotted shows: any run of a clip network, asked about its frames."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.clips import source
from models.clips.source import Frames
from models.errors import EvaluationError
from models.micro.spotting import Spotted

if TYPE_CHECKING:  # naming a recogniser needs no torch
    from torch import nn

    from models.training.recipe import Recipe


@dataclass(frozen=True)
class ClipRecogniser:
    """Made by ``load``; ``size`` is the side of the faces that it is given."""

    classes: tuple[str, ...]
    size: int
    net: "nn.Module"
    made_by: "Recipe"
    device: Any

    def name(self, frames: Frames, spotted: Spotted, rate: float) -> str:
        """The class of ``spotted``, of whose film ``frames`` (F, S, S, 3) are those from onset to offset."""
        import torch

        from models.training import classify_clips, sights
        from models.training.inputs import architecture

        top = min(spotted.apex - spotted.onset, len(frames) - 1)
        clip = source.in_memory([frames], [0], self.classes, moments=[(0, top)], rate=[rate], offset=[len(frames) - 1])
        how = self.made_by
        sight = sights.of(architecture(how), how.clips)
        with torch.inference_mode():
            found = classify_clips.probabilities(self.net, clip, sight, how.data.validation_flip, self.device)
        return self.classes[int(found[0].argmax())]


def load(run: Path) -> ClipRecogniser:
    """The network of a run of `moodcast models train` on clips.

    Raises:
        EvaluationError: it looks at single faces, or is a spotter.
        TrainingError: the run can't be read, or is not trained to its end.
    """
    from models.training import checkpoint
    from models.training.inputs import architecture
    from models.training.trainer import pick_device

    net, made_by, classes = checkpoint.load_network(run)
    if not made_by.clips.layout or made_by.network.task != "classify":
        raise EvaluationError(f"expected a run that recognises clips, got one of {made_by.network.name} in {run}")
    device = pick_device()
    return ClipRecogniser(classes, architecture(made_by).face_size, net.to(device), made_by, device)
