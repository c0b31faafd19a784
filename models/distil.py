"""``moodcast models distil``: teach moodnet-clip on pseudo-clips what its teachers say of the still faces.

The clips are made of FER2013 tiles (``models.training.pseudo``); a clip's target are the label, the votes and the
teachers' answers of its tile, or of its two tiles where the expression changes, as far as the newest frames show them.
The teachers see the tile as it is, and mirrored; the network sees it moved, lit and disturbed. So it learns to say of a
clip what a still classifier would say of its best frame.

The run folder is one of ``moodcast models train``: ``checkpoint.pt``, ``log.csv``, and going on after a kill.
"""

import sys
import time
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from models import fer2013, networks
from models.errors import RecipeError, TrainingError
from models.registry import EXPRESSIONS, Pixels
from models.training import checkpoint, data, losses, pseudo, teachers, unfold
from models.training.inputs import prepared
from models.training.recipe import Recipe
from models.training.schedule import learning_rate
from models.training.trainer import make_optimizer, pick_device, pick_precision, seed_of
from models.zoo.moodnet import Moodnet
from models.zoo.moodnet_clip import FRAMES, MoodnetClip

K = len(EXPRESSIONS)
COLUMNS = ("epoch", "loss", "still_label", "still_votes", "moving_label", "moving_votes")
"""Of ``log.csv``: mean training loss; accuracy of the averaged network on clips of one still tile, and on pseudo-clips
without a change of expression, against FER2013's label and against the FER+ majority."""
MEASURED = 2048
CHECKED = 64
"""Clips that are validated at once."""


def targets(faces: data.Split, taught: Tensor, share: float) -> Tensor:
    """What is to be learned of each tile (N, 7): label and votes in equal parts, and the teachers' answers by share."""
    own = (F.one_hot(faces.labels, K).float() + faces.votes) / 2
    return (1 - share) * own + share * taught.mean(1)


def as_clips(faces: Tensor, pixels: Pixels) -> Tensor:
    """Grey clips (N, F, S, S) as the network takes them, (N, 3, F, S, S)."""
    frames = faces.shape[1]
    return prepared(faces.flatten(0, 1).unsqueeze(1), pixels).unflatten(0, (-1, frames)).transpose(1, 2)


class Distillation:
    """The network, its moving average and its optimizer. All chance comes from the seed and the number of the step."""

    def __init__(self, recipe: Recipe, learn: data.Split, wanted: Tensor, device: torch.device) -> None:
        self.recipe, self.learn, self.wanted, self.device = recipe, learn, wanted.to(device), device
        self.precision = pick_precision(recipe.optimizer.precision, device)
        self.entry = networks.get(recipe.network.name)
        torch.manual_seed(recipe.data.seed)
        net = networks.build(recipe.network.name, K)
        if not isinstance(net, MoodnetClip):
            raise RecipeError(f"network.name: expected moodnet-clip, got {recipe.network.name!r}")
        self.net = net.to(device)
        self.optimizer = make_optimizer(self.net, recipe)
        self.average = self.averaged()
        self.batches = len(learn) // recipe.schedule.batch
        if self.batches == 0:
            raise TrainingError(
                f"expected at least one batch of {recipe.schedule.batch} faces (schedule.batch), got {len(learn)} faces"
            )
        self.steps, self.step = self.batches * recipe.schedule.epochs, 0

    def averaged(self) -> AveragedModel:
        decay = get_ema_multi_avg_fn(self.recipe.schedule.ema_decay)
        return AveragedModel(self.net, multi_avg_fn=decay, use_buffers=True)

    def start_from(self, source: Path) -> None:
        """Take the trunk of a moodnet-small, and for the head the mean of its two.

        Raises:
            TrainingError: the file is of another network, or can't be read.
        """
        if source.name == checkpoint.FILE:
            still = checkpoint.load_network(source.parent)[0]
        else:
            still = networks.build("moodnet-small", K).to(self.device)
            faces = self.learn.pixels[torch.randperm(len(self.learn))[:MEASURED].to(self.device)]
            unfold.take_up(source, still, faces.float())
        if not isinstance(still, Moodnet):
            raise TrainingError(f"network.start: expected a moodnet-small in {source}, got another network")
        try:
            self.net.trunk.load_state_dict(still.state_dict(), strict=False)
            with torch.no_grad():
                for mine, one, other in zip(
                    self.net.head.classify.parameters(), still.label.parameters(), still.votes.parameters(), strict=True
                ):
                    mine.copy_((one + other) / 2)
        except RuntimeError as error:
            raise TrainingError(f"network.start: expected a moodnet-small in {source}, got another size") from error
        self.average = self.averaged()

    def state(self, losses_so_far: list[float], history: list[list[float]]) -> checkpoint.State:
        return {
            "recipe": msgspec.to_builtins(self.recipe),
            "step": self.step,
            "losses": losses_so_far,
            "history": history,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: checkpoint.State) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def batch(self) -> tuple[Tensor, Tensor]:
        """This step's clips (B, F, S, S) and their targets (B, 7)."""
        size, seed = self.recipe.schedule.batch, self.recipe.data.seed
        generator = torch.Generator(self.device).manual_seed(seed_of(seed, 1, self.step))
        order = torch.Generator().manual_seed(seed_of(seed, 0, self.step // self.batches))
        first = self.step % self.batches * size
        index = torch.randperm(len(self.learn), generator=order)[first : first + size].to(self.device)
        other = torch.randint(len(self.learn), (size,), generator=generator, device=self.device)
        second = pseudo.blend(size, FRAMES, generator)
        tiles, others = (self.learn.pixels[chosen].float() for chosen in (index, other))
        clips = pseudo.clips(tiles, others, second, self.recipe.augmentation, generator)
        share = pseudo.answer_shares(second)[:, None]
        return clips, (1 - share) * self.wanted[index] + share * self.wanted[other]

    def advance(self) -> float:
        """One step; returns its loss.

        Raises:
            TrainingError: the loss is no number any more.
        """
        clips, wanted = self.batch()
        how, schedule = self.recipe.optimizer, self.recipe.schedule
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.steps, how.learning_rate, schedule.warm_up)
        # The norms keep the statistics of all tiles: a batch holds but a few faces, each many times.
        self.net.eval()
        self.optimizer.zero_grad(set_to_none=True)
        loss = losses.soft_cross_entropy(self.answers(self.net, clips), wanted)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss became {float(loss)} at step {self.step}: lower optimizer.learning_rate in the recipe, and "
                "train into a new run folder"
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), how.clip_norm)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return float(loss.detach())

    def answers(self, net: nn.Module, clips: Tensor) -> Tensor:
        """Logits (N, 7) float32 of grey clips (N, F, S, S)."""
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            logits: Tensor = net(as_clips(clips, self.entry.pixels))
        return logits.float()

    @torch.inference_mode()
    def validate(self, check: data.Split) -> list[float]:
        """The last four of ``COLUMNS``. The pseudo-clips are the same every time."""
        self.average.eval()
        generator = torch.Generator(self.device).manual_seed(seed_of(self.recipe.data.seed, 2))
        found: list[list[Tensor]] = [[], []]
        for tiles in check.pixels.float().split(CHECKED):
            nothing = torch.zeros(len(tiles), FRAMES, device=self.device)
            moving = pseudo.clips(tiles, tiles, nothing, self.recipe.augmentation, generator)
            for k, clips in enumerate((tiles.expand(-1, FRAMES, -1, -1), moving)):
                found[k].append(self.answers(self.average, clips).argmax(1))
        scores, counted = [], check.majority >= 0
        for guess in map(torch.cat, found):
            scores.append(float((guess == check.labels).float().mean()))
            scores.append(float((guess == check.majority)[counted].float().mean()))
        return scores


def distil(recipe: Recipe, folder: Path, run: Path) -> None:
    """Train into the run folder, or go on there; the last checkpoint's ``average`` is the result.

    Raises:
        DatasetError: ``folder`` is no FER2013 folder.
        RecipeError: the recipe names another network, or no teacher.
        TrainingError: the run folder can't be used, or the training failed.
        ModelError: a teacher's file is missing or damaged.
    """
    if not recipe.distillation.teachers or not recipe.network.start:
        raise RecipeError("expected network.start and distillation.teachers in a recipe to distil, got none")
    device = pick_device()
    try:
        run.mkdir(parents=True, exist_ok=True)
        learn, check = data.split(fer2013.load(folder, "Training"), recipe.data)
        taught = torch.from_numpy(teachers.answers(recipe.distillation.teachers, learn.pixels, run)).to(device)
    except OSError as error:
        raise TrainingError(f"can't write into the run folder {run}: {error.strerror}; give another with --run") from error
    faces = data.Split.of(learn, device)
    this = Distillation(recipe, faces, targets(faces, taught, recipe.distillation.share), device)
    Run(run, this, data.Split.of(check, device)).go()


class Run:
    """A run folder and what has happened in it."""

    def __init__(self, folder: Path, this: Distillation, check: data.Split) -> None:
        self.folder, self.this, self.check = folder, this, check
        self.losses: list[float] = []
        self.history: list[list[float]] = []

    def go(self) -> None:
        """Train until the recipe's epochs are done.

        Raises:
            TrainingError: see ``distil``.
        """
        this = self.this
        if (self.folder / checkpoint.FILE).is_file():
            state = checkpoint.load(self.folder, this.device)
            differing = checkpoint.differences(state["recipe"], this.recipe)
            if differing:
                raise TrainingError(
                    f"{self.folder} holds a run of another recipe ({'; '.join(differing)}): go on with that recipe, or "
                    "give another folder with --run"
                )
            this.restore(state)
            self.losses, self.history = state["losses"], state["history"]
            tqdm.write(f"{self.folder}: going on after step {this.step} of {this.steps}", sys.stderr)
        else:
            this.start_from(teachers.file_of(this.recipe.network.start))
            self.end_epoch()
        saved_at = time.monotonic()
        with tqdm(total=this.steps, initial=this.step, unit="step", mininterval=1, disable=None) as bar:
            while this.step < this.steps:
                self.losses.append(this.advance())
                bar.update()
                if this.step % this.batches == 0:
                    self.end_epoch()
                elif time.monotonic() - saved_at >= 60 * this.recipe.schedule.checkpoint_minutes:
                    self.save()
                    saved_at = time.monotonic()

    def end_epoch(self) -> None:
        """Validate, tell, log, save; before the first epoch there is no loss."""
        this = self.this
        loss = sum(self.losses) / len(self.losses) if self.losses else float("nan")
        scores = this.validate(self.check)
        self.history.append([this.step // this.batches, loss, *scores])
        self.losses = []
        told = ", ".join(f"{name} {score:.4f}" for name, score in zip(COLUMNS[2:], scores, strict=True))
        tqdm.write(f"epoch {this.step // this.batches}: loss {loss:.3f}; validation: {told}", sys.stdout)
        sys.stdout.flush()
        self.save()

    def save(self) -> None:
        """Write log and checkpoint. A disk that is full for a while costs nothing; at the end it is an error.

        Raises:
            TrainingError: the run is over and its result can't be written.
        """
        rows = [",".join(COLUMNS), *(",".join(f"{value:.6g}" for value in row) for row in self.history)]
        try:
            checkpoint.write("\n".join([*rows, ""]).encode(), self.folder / "log.csv")
            checkpoint.save(self.this.state(self.losses, self.history), self.folder)
        except OSError as error:
            trouble = f"can't write the run in {self.folder} ({error.strerror}); the checkpoint before it is whole"
            if self.this.step == self.this.steps:
                raise TrainingError(f"{trouble}. Make room and give the command again to go on from there") from error
            tqdm.write(f"moodcast: {trouble}. Training goes on and tries again: make room", sys.stderr)
