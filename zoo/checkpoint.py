"""Checkpoints: what a training keeps of itself while it runs, so that it can go on after whatever ended it."""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from zoo import storage
from zoo.errors import InputError
from zoo.recipe import Recipe
from zoo.recipes import recipe

VARIABLE = "WORKBENCH_RUNS"
"""Names the folder that holds the runs, instead of ~/.cache/interpretability-workbench/runs."""
FILE = "checkpoint.safetensors"
FORMAT = "interpretability-workbench checkpoint 1"
INTERVAL = 10.0
"""Seconds between two checkpoints, where epochs are shorter than that."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a training comes from; only from the same origin can it go on as if nothing had happened."""

    recipe: Recipe
    data: str
    """sha256 of the samples that are learnt from."""
    torch: str
    device: str
    threads: int
    processes: int = 1

    def difference(self, other: "Origin") -> str | None:
        """What of another origin differs, in words; None where nothing does."""
        if not (self.recipe.is_made_like(other.recipe) and self.recipe.seed == other.recipe.seed):
            return "another recipe or seed"
        if self.data != other.data:
            return "other training data"
        words = {"torch": "torch", "device": "device", "threads": "CPU threads", "processes": "processes"}
        for key, word in words.items():
            if getattr(self, key) != getattr(other, key):
                return f"{word} {getattr(other, key)}, not {getattr(self, key)}"
        return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """A training at the end of an epoch: every tensor it needs to go on, and how it went so far."""

    origin: Origin
    epoch: int
    """How many epochs are done."""
    history: Mapping[str, tuple[float, ...]]
    seconds: float
    tensors: Mapping[str, Tensor]
    """Weights, averaged and best weights, the optimiser's state, the states of all random generators."""

    def to_bytes(self) -> bytes:
        """As a safetensors file, with everything else as JSON in its header."""
        facts = {"epoch": self.epoch, "history": self.history, "seconds": self.seconds, "origin": asdict(self.origin)}
        header = {"format": FORMAT, "facts": json.dumps(facts)}
        return tensors_to_bytes({name: t.cpu().contiguous() for name, t in self.tensors.items()}, header)

    @classmethod
    def from_file(cls, path: Path) -> "Checkpoint":
        """The checkpoint in a file; `InputError` where it is none, `FileNotFoundError` where there is no file."""
        try:
            with safetensors.safe_open(path, "pt") as file:
                header = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header.get("format") != FORMAT:
                raise ValueError("it says nothing of our format")
            facts = json.loads(header["facts"])
            origin = Origin(**{**facts["origin"], "recipe": Recipe.from_dict(facts["origin"]["recipe"])})
            history = {name: tuple(series) for name, series in facts["history"].items()}
        except FileNotFoundError:
            raise
        except (safetensors.SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"{path} is not a checkpoint ({error}). Train again, without resuming.") from None
        return cls(origin=origin, epoch=facts["epoch"], history=history, seconds=facts["seconds"], tensors=tensors)


@dataclass(frozen=True, kw_only=True, eq=False)
class Point:
    """A place on the way of a training: the weights that would have been kept after so many epochs."""

    epoch: int
    weights: Mapping[str, Tensor]


@dataclass
class Run:
    """The folder of one training, with its last checkpoint and the points of its path.

    A checkpoint replaces the one before it in one step. Where the disk is full, or the folder cannot be written, the
    training goes on without, the old files stay, and `trouble` says so in a sentence.
    """

    folder: Path
    interval: float = INTERVAL
    trouble: str | None = None
    saved: int | None = None
    """The epoch of the checkpoint that is on the disk, once it was read or written."""
    _pending: Checkpoint | None = field(default=None, repr=False)
    _written: float = field(default_factory=time.monotonic, repr=False)

    @property
    def file(self) -> Path:
        """Where the last checkpoint lies."""
        return self.folder / FILE

    def start(self) -> None:
        """Begin anew: the path of an earlier training goes, and what a killed process left half written. An earlier
        checkpoint stays until it is replaced."""
        for leftover in (*self.folder.glob("path/*.safetensors"), *self.folder.rglob(".*.tmp")):
            with contextlib.suppress(OSError):  # a folder that cannot be written is noted when it is written to
                leftover.unlink()

    def last(self, origin: Origin) -> Checkpoint | None:
        """The checkpoint to go on from, None where there is none; `InputError` where it is of another origin."""
        try:
            found = Checkpoint.from_file(self.file)
        except FileNotFoundError:
            return None
        difference = origin.difference(found.origin)
        if difference is not None:
            raise InputError(
                f"{self.file} cannot be gone on from here: it is from {difference}. Train again, without resuming."
            )
        self.saved = found.epoch
        return found

    def offer(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint: on the disk where the last was written some seconds ago, else in memory until `flush`."""
        self._pending = checkpoint
        if time.monotonic() - self._written >= self.interval:
            self.flush()

    def flush(self) -> None:
        """Write the checkpoint that is in memory, if one is."""
        if self._pending is not None:
            if self._write(self.file, self._pending.to_bytes()):
                self.saved = self._pending.epoch
            self._pending = None
            self._written = time.monotonic()

    def keep_point(self, point: Point) -> None:
        """Add a point to the path."""
        content = tensors_to_bytes({name: t.cpu().contiguous() for name, t in point.weights.items()})
        self._write(self.folder / "path" / f"epoch-{point.epoch:05d}.safetensors", content)

    def path(self) -> tuple[Point, ...]:
        """The points of the path, from the first."""
        found = []
        for file in sorted(self.folder.glob("path/epoch-*.safetensors")):
            with safetensors.safe_open(file, "pt") as content:
                weights = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
            found.append(Point(epoch=int(file.stem.removeprefix("epoch-")), weights=weights))
        return tuple(found)

    def finish(self) -> None:
        """Delete the checkpoint: the model is written, and nobody has to go on from here. The path stays."""
        self._pending = None
        with contextlib.suppress(OSError):  # it does no harm where it stays; a folder with a path is not empty
            self.file.unlink(missing_ok=True)
            self.folder.rmdir()

    def _write(self, file: Path, content: bytes) -> bool:
        """Whether it could be written; if not, the trouble is noted."""
        try:
            storage.write_atomically({file: content})
        except OSError as error:
            kept = "that of an earlier epoch is kept" if self.saved is not None else "there is none to go on from"
            self.trouble = (
                f"No checkpoint could be written to {self.folder} ({error.strerror}); {kept}, and training goes on. "
                f"Make room there, or set {VARIABLE} to another folder."
            )
            return False
        self.trouble = None
        return True


def run(plan: Recipe) -> Run:
    """The run of a recipe and its seed, in the folder of all runs."""
    given = os.environ.get(VARIABLE)
    home = Path(given) if given else Path.home() / ".cache" / "interpretability-workbench" / "runs"
    return Run(home / f"{plan.name}-seed{plan.seed}")


def standing(plan: Recipe) -> dict[int, int]:
    """How many epochs are done of each seed of a recipe that has a checkpoint, by seed."""
    runs = {seed: run(replace(plan, seed=seed)) for seed in range(plan.seed, plan.seed + plan.seeds)}
    return {seed: Checkpoint.from_file(each.file).epoch for seed, each in runs.items() if each.file.exists()}


def path(name: str, seed: int | None = None) -> tuple[Point, ...]:
    """The path that the training of a network took: its weights at evenly spaced epochs, start and end among them.

    The seed is the recipe's where none is given. Raises `InputError` where no path was kept on this machine.
    """
    plan = recipe(name)
    plan = plan if seed is None else replace(plan, seed=seed)
    points = run(plan).path()
    if not points:
        raise InputError(
            f"No path of {name} (seed {plan.seed}) was kept in {run(plan).folder}. Say how many points to keep in its "
            f"recipe (path=20, for example), and run `python -m zoo train {name}`."
        )
    return points


def here(plan: Recipe, data: str, device: torch.device, processes: int = 1) -> Origin:
    """The origin of a training that starts here and now."""
    return Origin(
        recipe=plan,
        data=data,
        torch=torch.__version__,
        device=device.type,
        threads=torch.get_num_threads(),
        processes=processes,
    )
