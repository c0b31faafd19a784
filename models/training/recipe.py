"""Recipes: the TOML files that say how a network is trained, and the table their fields are checked against.

Each section of a file is a struct here, and each field has its default, its bounds and its description in one place;
``docs/recipes.md`` is written from them.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from models.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SHIPPED = Path(__file__).parent.parent / "recipes"

Share = Annotated[float, Meta(ge=0, le=1)]
Section = TypeVar("Section", bound=msgspec.Struct)


class NetworkSection(msgspec.Struct, frozen=True, kw_only=True):
    """What is trained, and from where it starts."""

    name: Annotated[str, Meta(min_length=1, description="Network of `moodcast models list`.")] = "moodnet-small"
    start: Annotated[
        str,
        Meta(
            description="Where the weights start: a run folder, a file of `moodcast models convert`, or for faces the "
            "weights registry's name of one of our networks; empty for a fresh start. Where it has other classes, all "
            "but the last layer is taken."
        ),
    ] = ""
    task: Annotated[
        Literal["classify", "reconstruct", "spot"],
        Meta(
            description="`reconstruct` is the pre-training of a masked autoencoder (`mae-dfer`, `videomae`): it draws "
            "hidden parts of clips and needs no labels. A run that classifies can start from it. `spot` teaches "
            "`spot-cnn` where in films micro-expressions are; its layouts are those of long videos."
        ),
    ] = "classify"


class DataSection(msgspec.Struct, frozen=True, kw_only=True):
    """Which examples are held out, and chance."""

    validation_share: Annotated[
        float,
        Meta(
            gt=0,
            le=0.5,
            description="Share that is held out: of FER2013's training rows, by groups of identical tiles; of clips, "
            "by subjects.",
        ),
    ] = 0.1
    validation_flip: Annotated[
        bool,
        Meta(description="Validate on the mean of each face or clip and its mirror image (test-time augmentation)."),
    ] = False
    seed: Annotated[
        int, Meta(ge=0, lt=2**62, description="All chance comes from this number, and so does the choice held out.")
    ] = 20261121


class ClipsSection(msgspec.Struct, frozen=True, kw_only=True):
    """Clips to learn from, for networks that look at clips."""

    layout: Annotated[
        str,
        Meta(
            description="How the folder given with `--data` is laid out, such as `plain` for `CLASS/CLIP.mp4` "
            "(`moodcast models clips DIR --layout -` lists all); empty for FER2013's faces."
        ),
    ] = ""
    aligned: Annotated[
        bool, Meta(description="The clips are aligned faces already, as `moodcast models synth` makes.")
    ] = False
    seven: Annotated[bool, Meta(description="Only clips of Moodcast's seven expressions, under their names.")] = False
    protocol: Annotated[
        Literal["share", "official", "folds", "leave-one-out"],
        Meta(
            description="Who is held out: `data.validation_share` of the subjects; or in turn, with a run and a folder "
            "each, what the folds of the layout's authors say, each of `folds` groups of subjects, or each subject."
        ),
    ] = "share"
    folds: Annotated[int, Meta(ge=2, le=1000, description="Groups of subjects with the protocol `folds`.")] = 5
    only: Annotated[
        tuple[str, ...], Meta(description="Names of the folds that are trained; all of them where none is named.")
    ] = ()
    sampling: Annotated[
        Literal["segments", "strided", "apex"],
        Meta(
            description="The frames that are seen: `run` of them from each of as many equal parts of the clip as it "
            "takes, every `stride`-th from somewhere, or onset and apex (MMNet)."
        ),
    ] = "segments"
    run: Annotated[int, Meta(ge=1, le=64, description="Consecutive frames of a part: 2 for Former-DFER.")] = 1
    stride: Annotated[
        int, Meta(ge=1, le=64, description="Frames from one that is seen to the next: 4 for MAE-DFER.")
    ] = 4
    views: Annotated[
        int,
        Meta(ge=1, le=16, description="Strided runs over a clip whose answers are averaged in validation and tests."),
    ] = 2


class AugmentationSection(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a face before the network sees it. Half of the faces are mirrored."""

    roll_degrees: Annotated[float, Meta(ge=0, le=45, description="Largest roll, to either side.")] = 18.0
    zoom: Annotated[float, Meta(ge=0, le=0.5, description="Largest zoom in or out, as a natural logarithm.")] = 0.18
    shift: Annotated[float, Meta(ge=0, le=0.3, description="Largest shift, as a share of the width.")] = 0.09
    operations: Annotated[
        int,
        Meta(
            ge=0,
            le=8,
            description="How many changes of picture quality each face gets, drawn anew (RandAugment's N, Cubuk et al. "
            "2020, over those a camera makes: contrast, brightness, gamma, side light, blur, few pixels, sharpening, "
            "noise).",
        ),
    ] = 2
    strength: Annotated[Share, Meta(description="How strong these are at most (RandAugment's M).")] = 0.6
    erase_share: Annotated[
        Share,
        Meta(description="Share of faces in which a rectangle becomes noise (random erasing, Zhong et al. 2020)."),
    ] = 0.4
    mixup_alpha: Annotated[
        float,
        Meta(ge=0, le=5, description="Beta(a, a) of the blend of two faces (mixup, Zhang et al. 2018); 0 for none."),
    ] = 0.2
    cutmix_share: Annotated[
        Share,
        Meta(description="Share of batches that get a rectangle of other faces instead (CutMix, Yun et al. 2019)."),
    ] = 0.0


class LossSection(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the network. With two heads each has its own target; a single head has the sum."""

    kind: Annotated[
        Literal["cross-entropy", "hinge"],
        Meta(
            description="Of labels and votes: `cross-entropy`, or `hinge`, the multi-class hinge loss of a support "
            "vector machine (Crammer and Singer 2001)."
        ),
    ] = "cross-entropy"
    label: Annotated[float, Meta(ge=0, le=10, description="Weight of the label; 0 to pre-train by `penalty`.")] = 1.0
    votes: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="Weight of the distribution of FER+'s votes (label distribution learning); clips have none.",
        ),
    ] = 1.0
    smoothing: Annotated[
        Share, Meta(description="Share of every target that is spread over all classes (Szegedy et al. 2016).")
    ] = 0.0
    intensity: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="Weight of the intensity-aware loss (Li et al. 2023) on top of the cross-entropy, such as 0.1.",
        ),
    ] = 0.0
    auxiliary: Annotated[
        float,
        Meta(ge=0, le=10, description="Weight of the answers inside a network that has them: 0.05 for `ial`."),
    ] = 0.0
    penalty: Annotated[
        float,
        Meta(ge=0, le=10, description="Weight of the loss that a network brings along, such as 1 for `akmnet`."),
    ] = 0.0
    class_balance: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="Beta of the class weights by effective numbers (Cui et al. 2019), such as 0.999; 0 for none.",
        ),
    ] = 0.0
    logit_adjustment: Annotated[
        float,
        Meta(
            ge=0,
            le=2,
            description="Tau of the logit adjustment (Menon et al. 2021), 1 for the balanced error; 0 for none.",
        ),
    ] = 0.0


class DistillationSection(msgspec.Struct, frozen=True, kw_only=True):
    """Answers of other networks as further targets (Hinton et al. 2015; itself: Furlanello et al. 2018)."""

    teachers: Annotated[
        tuple[str, ...],
        Meta(description="Run folders and names of the weights registry; the mean of their answers is learned."),
    ] = ()
    share: Annotated[Share, Meta(description="Weight of the teachers' answers; the targets keep the rest.")] = 0.5
    temperature: Annotated[float, Meta(ge=1, le=20, description="Softens the answers of teachers and network.")] = 1.0


class OptimizerSection(msgspec.Struct, frozen=True, kw_only=True):
    """How a step is made."""

    kind: Annotated[
        Literal["sgd", "adamw"],
        Meta(description="`sgd` (Nesterov, momentum 0.9) or `adamw` (Loshchilov & Hutter 2019)."),
    ] = "sgd"
    learning_rate: Annotated[float, Meta(gt=0, le=10, description="Highest learning rate.")] = 0.1
    beta2: Annotated[
        float, Meta(gt=0, lt=1, description="AdamW's memory of squared gradients: 0.95 to pre-train MAE-DFER.")
    ] = 0.999
    layer_decay: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Each block of a transformer learns at this share of the next one's rate (Clark et al. 2020), "
            "such as 0.75 to fine-tune MAE-DFER.",
        ),
    ] = 1.0
    weight_decay: Annotated[float, Meta(ge=0, le=1, description="Weight decay of matrices and kernels.")] = 5e-4
    sam_rho: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Radius of sharpness-aware minimisation (SAM, Foret et al. 2021), such as 0.05, at twice the "
            "cost; 0 for none.",
        ),
    ] = 0.0
    clip_norm: Annotated[float, Meta(gt=0, description="Longest gradient; longer ones are shortened to it.")] = 5.0
    precision: Annotated[
        Literal["auto", "bfloat16", "float32"],
        Meta(
            description="Of the network's arithmetic; `auto` takes bfloat16 where the processor has it and it is safe."
        ),
    ] = "auto"


class ScheduleSection(msgspec.Struct, frozen=True, kw_only=True):
    """How long, and how fast when."""

    epochs: Annotated[int, Meta(ge=1, le=10_000, description="Passes over the examples.")] = 60
    batch: Annotated[int, Meta(ge=2, le=4096, description="Faces or clips a step.")] = 128
    warm_up: Annotated[
        Share, Meta(description="Share of the steps in which the learning rate rises; a half cosine brings it to zero.")
    ] = 0.05
    small_epochs: Annotated[
        int,
        Meta(
            ge=0,
            description="The first epochs see smaller faces: nearly the same lesson for less time. Where all epochs "
            "do, the network is one for small faces: clips come in this size then, and validation and export go by it.",
        ),
    ] = 0
    small_size: Annotated[int, Meta(ge=16, le=512, description="Side of those faces, in pixels.")] = 32
    ema_decay: Annotated[
        float, Meta(ge=0, lt=1, description="Of the exponential moving average of the weights, which is the result.")
    ] = 0.998
    checkpoint_minutes: Annotated[
        float, Meta(ge=0, description="Minutes between checkpoints: what a kill can cost.")
    ] = 2.0


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A whole recipe: one section a field."""

    network: NetworkSection = NetworkSection()
    data: DataSection = DataSection()
    clips: ClipsSection = ClipsSection()
    augmentation: AugmentationSection = AugmentationSection()
    loss: LossSection = LossSection()
    distillation: DistillationSection = DistillationSection()
    optimizer: OptimizerSection = OptimizerSection()
    schedule: ScheduleSection = ScheduleSection()


def shipped() -> list[str]:
    """Names of the recipes that come with Moodcast."""
    return sorted(file.stem for file in _SHIPPED.glob("*.toml"))


def find(config: str) -> Path:
    """The file of a recipe that is given as a path or as the name of a shipped one.

    Raises:
        RecipeError: neither.
    """
    for path in (Path(config), _SHIPPED / f"{config}.toml"):
        if path.is_file():
            return path
    raise RecipeError(f"expected a recipe file or one of {', '.join(shipped())}, got {config!r}, which is neither")


def load(path: Path) -> Recipe:
    """A recipe from its file.

    Raises:
        RecipeError: no TOML, or wrong fields; the message lists every one.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"expected a recipe in TOML in {path}: {error}") from error
    return parse(given, str(path))


def parse(given: Mapping[str, Any], origin: str) -> Recipe:
    """A recipe from plain values; ``origin`` stands in front of every complaint.

    Raises:
        RecipeError: lists every field that is unknown or wrong, one a line.
    """
    wrong: list[str] = []
    sections = {field.name: field.type for field in msgspec.structs.fields(Recipe)}
    made: dict[str, Any] = {}
    for name, values in given.items():
        if name not in sections:
            wrong.append(f"[{name}]: there is no such section; there are {', '.join(sections)}")
        elif not isinstance(values, Mapping):
            wrong.append(f"{name}: expected a section [{name}], got {values!r}")
        else:
            made[name] = _parse_section(sections[name], name, values, wrong)
    if not wrong:
        recipe = Recipe(**made)
        wrong += _contradictions(recipe)
    if wrong:
        raise RecipeError("\n".join(f"{origin}: {line}" for line in wrong))
    return recipe


def _parse_section(table: type[Section], name: str, values: Mapping[str, Any], wrong: list[str]) -> Section:
    """One section; complaints are appended to ``wrong``."""
    fields = {field.name: field for field in msgspec.structs.fields(table)}
    good: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            wrong.append(f"{name}.{key}: there is no such field; there are {', '.join(fields)}")
            continue
        try:
            good[key] = msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError as error:
            wrong.append(f"{name}.{key}: {error}, got {value!r}")
    return table(**good)


def _contradictions(recipe: Recipe) -> list[str]:
    """What is wrong though every field by itself is right."""
    wrong = []
    if recipe.loss.label + recipe.loss.votes == 0:
        wrong.append("loss: label and votes are both 0, so nothing would be learned; expected one of them above 0")
    if recipe.clips.layout and recipe.network.task == "classify" and recipe.loss.label + recipe.loss.penalty == 0:
        wrong.append("loss: label and penalty are both 0, so nothing would be learned of clips; expected one above 0")
    if recipe.schedule.small_epochs > recipe.schedule.epochs:
        wrong.append(
            f"schedule.small_epochs: expected at most epochs ({recipe.schedule.epochs}), "
            f"got {recipe.schedule.small_epochs}"
        )
    one_size = (0, recipe.schedule.epochs) if recipe.network.task == "classify" else (0,)
    if recipe.clips.layout and recipe.schedule.small_epochs not in one_size:
        wrong.append(f"schedule.small_epochs: clips come in one size, expected {' or '.join(map(str, one_size))}")
    if recipe.clips.layout and recipe.distillation.teachers:
        wrong.append("distillation.teachers: they teach faces, not clips; expected none")
    if recipe.network.task == "reconstruct" and not recipe.clips.layout:
        wrong.append("network.task: clips are reconstructed, not faces; expected clips.layout")
    if recipe.network.task == "spot" and not recipe.clips.layout:
        wrong.append("network.task: micro-expressions are spotted in films, not faces; expected clips.layout")
    if any(not teacher for teacher in recipe.distillation.teachers):
        wrong.append("distillation.teachers: expected names and folders, got an empty one")
    return wrong
