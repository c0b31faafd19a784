"""``moodcast models train``: train, or go on training, as a recipe says.

The run folder holds ``checkpoint.pt`` (always whole: written beside and swapped), while it trains room for the next one
(so that a disk that fills up costs nothing), ``log.csv`` with a row an epoch, and TensorBoard's event files. Validation
faces come from the training rows; the public split is never read here.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from tqdm import tqdm

from models import atomic
from models.clips.cutting import Prepare
from models.errors import RecipeError, TrainingError
from models.training import checkpoint, films, sets
from models.training.classify_clips import ClassifyClips
from models.training.classify_faces import stills
from models.training.events import EventLog
from models.training.inputs import architecture
from models.training.masked import Reconstruct
from models.training.recipe import Recipe
from models.training.spot_films import SpotFilms
from models.training.task import Task
from models.training.trainer import Trainer, pick_device
from models.zoo import networks

_GONE_WILD = 10
"""Times what was lost at the first step, and at least as many nats: no epoch of a training that learns is so bad."""


class _Run:
    """A run folder and what has happened in it."""

    def __init__(self, folder: Path, trainer: Trainer) -> None:
        self.folder, self.trainer = folder, trainer
        self.losses: list[float] = []
        self.history: list[list[float]] = []
        self.saved_at = time.monotonic()
        self.saved = 0
        """The step of the folder's checkpoint."""
        self.room = 0
        """Bytes for it and the next one."""

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; False where there is none.

        Raises:
            TrainingError: it can't be read, or another recipe or other data made it.
        """
        if not (self.folder / checkpoint.FILE).is_file():
            return False
        state = checkpoint.load(self.folder, self.trainer.device)
        differing = checkpoint.differences(state["recipe"], self.trainer.recipe)
        if differing:
            raise TrainingError(
                f"{self.folder} holds a run of another recipe ({'; '.join(differing)}): go on with that recipe, or "
                "give another folder with --run"
            )
        if tuple(state["classes"]) != self.trainer.task.classes or state["step"] > self.trainer.steps:
            raise TrainingError(
                f"{self.folder} holds a run that learned from other data: go on with that, or give another folder with "
                "--run"
            )
        self.trainer.restore(state)
        self.losses, self.history = state["losses"], state["history"]
        self.saved = self.trainer.step
        with contextlib.suppress(OSError):  # there may be room all the same
            atomic.clear(self.folder)
        return True

    def secure(self, new: bool) -> None:
        """Before any work: a new run's first checkpoint, and room for the next one.

        Raises:
            TrainingError: the disk is full, or the folder can't be written to.
        """
        if self.trainer.step == self.trainer.steps:
            return
        try:
            if new:
                checkpoint.save(self.trainer.state(self.losses, self.history), self.folder)
            self.room = checkpoint.room(self.folder, self.saved)
            checkpoint.keep_room(self.folder, self.room)
        except OSError as error:
            raise TrainingError(
                f"can't keep room for the next {checkpoint.FILE} in {self.folder} ({error.strerror}). Nothing is lost: "
                "make room and give the command again, or give another folder with --run"
            ) from error

    def go(self) -> None:
        """Train until the recipe's epochs are done.

        Raises:
            TrainingError: the loss became no number, or the result can't be written.
        """
        trainer, done = self.trainer, self.trainer.step
        if done:
            tqdm.write(f"{self.folder}: going on after step {done} of {trainer.steps}", sys.stderr)
        events = EventLog(self.folder)
        minutes = trainer.recipe.schedule.checkpoint_minutes
        with tqdm(total=trainer.steps, initial=done, unit="step", mininterval=1, smoothing=0.05, disable=None) as bar:
            while trainer.step < trainer.steps:
                self.losses.append(trainer.advance())
                bar.update()
                if trainer.step % trainer.batches == 0:
                    self.end_epoch(events)
                if trainer.step == trainer.steps or time.monotonic() - self.saved_at >= 60 * minutes:
                    self.save()

    def end_epoch(self, events: EventLog) -> None:
        """Validate, tell, log.

        Raises:
            TrainingError: the network has lost what it knew.
        """
        trainer, epochs = self.trainer, self.trainer.recipe.schedule.epochs
        loss = sum(self.losses) / len(self.losses)
        if loss > _GONE_WILD * max(trainer.first_loss, 1):
            raise TrainingError(
                f"the mean loss of epoch {trainer.epoch} is {loss:,.0f}, and was {trainer.first_loss:.3g} before "
                "anything was learned: lower optimizer.learning_rate in the recipe, and train into a new run folder"
            )
        scores = trainer.validate()
        self.history.append([trainer.epoch, loss, *scores.values()])
        self.losses = []
        told = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
        tqdm.write(f"epoch {trainer.epoch}/{epochs}: loss {loss:.3f}; validation: {told}", sys.stdout)
        sys.stdout.flush()
        columns = ("epoch", "loss", *trainer.task.scores)
        rows = [",".join(columns), *(",".join(f"{value:.6g}" for value in row) for row in self.history)]
        try:
            events.scalars(
                trainer.step,
                {"train/loss": loss, "train/learning_rate": trainer.optimizer.param_groups[0]["lr"]}
                | {f"validation/{name}": score for name, score in scores.items()},
            )
            atomic.write("\n".join([*rows, ""]).encode(), self.folder / "log.csv")
        except OSError as error:
            trouble = f"can't write the log in {self.folder} ({error.strerror})"
            tqdm.write(f"moodcast: {trouble}; training goes on", sys.stderr)

    def save(self) -> None:
        """Write the checkpoint. A disk that is full for a while costs nothing; at the end it is an error.

        Raises:
            TrainingError: the run is over and its result can't be written.
        """
        self.saved_at = time.monotonic()
        over = self.trainer.step == self.trainer.steps
        try:
            checkpoint.save(self.trainer.state(self.losses, self.history), self.folder)
        except OSError as error:
            trouble = (
                f"can't write {self.folder / checkpoint.FILE} ({error.strerror}); that of step {self.saved} of "
                f"{self.trainer.steps} is whole"
            )
            if over:
                raise TrainingError(f"{trouble}. Make room and give the command again to go on from there") from error
            tqdm.write(f"moodcast: {trouble}. Training goes on and tries again: make room", sys.stderr)
        else:
            self.saved = self.trainer.step
        if not over:
            self.keep_room()

    def keep_room(self) -> None:
        """Keep room for the next checkpoint again; where there is none, that one takes what there is.

        On a disk that is full there is what the last one gave back: as much, less what it has grown by.
        """
        for less in range(0, checkpoint.MARGIN, checkpoint.MARGIN // 16):
            with contextlib.suppress(OSError):
                checkpoint.keep_room(self.folder, self.room - less)
                self.room -= less
                return


def train(recipe: Recipe, folder: Path, run: Path, prepare: Prepare) -> None:
    """Train into the run folder, or go on there; the last checkpoint's ``average`` is the result.

    ``folder`` is a FER2013 folder (see ``models.stills.fer2013``), or a set of clips in the recipe's layout, whose
    faces ``prepare`` cuts.

    Raises:
        DatasetError: ``folder`` is not what the recipe asks for.
        RecipeError: the recipe names a network or a teacher that there is not.
        TrainingError: the run folder can't be used, or the training failed.
        ModelError: a file of weights is missing or damaged.
    """
    device = pick_device()
    with made_folder(run):
        if recipe.clips.layout:
            _train_clips(recipe, folder, run, prepare, device)
            return
        if not networks.get(recipe.network.name).sees_faces:
            raise RecipeError(
                f"network.name: {recipe.network.name} looks at clips, and without clips.layout there are single faces: "
                "name the layout of --data, or teach moodnet-clip with `moodcast models distil`"
            )
        fit(recipe, stills(recipe, folder, run, device), run, device)


_TASKS: Mapping[str, Callable[..., Task]] = MappingProxyType(
    {"classify": ClassifyClips.of, "reconstruct": Reconstruct.of, "spot": SpotFilms.of}
)


def _train_clips(recipe: Recipe, folder: Path, run: Path, prepare: Prepare, device: torch.device) -> None:
    """Train each fold of a set of clips in a folder of its own (``sets.fold_folder``), or go on where that stopped."""
    kind = recipe.network.task
    opened = films.opened if kind == "spot" else sets.opened
    every = opened(recipe, folder, architecture(recipe).face_size, prepare, recipe.schedule.batch)
    for fold in every.folds:
        place = sets.fold_folder(run, fold)
        with made_folder(place):
            if fold:
                tqdm.write(f"{place}: fold {fold} of {', '.join(every.folds)}")
            torch.manual_seed(recipe.data.seed)
            recorded = not isinstance(every, sets.Set) or every.listing.recorded
            fit(recipe, _TASKS[kind](recipe, *every.sides(fold), device), place, device, recorded)


@contextlib.contextmanager
def made_folder(run: Path) -> Iterator[None]:
    """The run folder, made where there is none yet; on an error those that were made go again, if they are empty.

    Raises:
        TrainingError: it can't be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(atomic.made_folder(run))
        except OSError as error:
            raise TrainingError(
                f"can't create the run folder {run}: {error.strerror}; give another with --run"
            ) from error
        yield


def fit(recipe: Recipe, task: Task, run: Path, device: torch.device, recorded: bool = True) -> Trainer:
    """Train a task into a run folder that there is, or go on there; ``recorded`` is as in ``checkpoint.RunState``.

    Raises:
        TrainingError: as ``train``.
        ModelError: the recipe's start is missing or damaged.
    """
    torch.backends.cudnn.deterministic = True
    trainer = Trainer(recipe, task, device, recorded)
    this = _Run(run, trainer)
    new = not this.resume()
    if new and recipe.network.start:
        task.start_from(recipe.network.start)
        trainer.recorded = recorded and checkpoint.recorded(Path(recipe.network.start))
    this.secure(new)
    this.go()
    return trainer
