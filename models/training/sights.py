"""The ways in which networks see clips, by the names that ``Architecture.sight`` gives."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from models.training.recipe import ClipsSection
from models.training.sight import ClipSight
from models.training.sight_apex_sequence import ApexSequence
from models.training.sight_av import FacesAndSound, FeaturesAndSound
from models.training.sight_landmarks import LandmarkFigures
from models.training.sight_magnified import Magnified
from models.training.sight_pixels import Seen
from models.training.sight_rates import SEEN, FlowAtRates
from models.training.sight_sound import HeardSound
from models.training.sight_units import UnitsSight
from models.zoo.entry import Architecture

_SIGHTS: Mapping[str, Callable[[Architecture, ClipsSection], ClipSight]] = MappingProxyType(
    {
        "pixels": Seen.by,
        "apex-sequence": ApexSequence.by,
        "magnified": Magnified.by,
        "interpolated": Magnified.evenly,
        "units": UnitsSight.by,
        "unit-means": UnitsSight.by,
        "landmark-distances": LandmarkFigures.distances,
        "landmark-gabor": LandmarkFigures.jets,
        "faces-and-sound": FacesAndSound.by,
        "sound": HeardSound.by,
        "features-and-sound": FeaturesAndSound.by,
        **dict.fromkeys(SEEN, FlowAtRates.by),
    }
)


def of(entry: Architecture, how: ClipsSection) -> ClipSight:
    """How a network sees the clips of a recipe.

    Raises:
        TrainingError: the recipe's sampling is none for it.
    """
    return _SIGHTS[entry.sight](entry, how)
