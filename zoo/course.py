"""The course of a training: all that changes from one epoch to the next, and whether it goes on."""

import time
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo import distributed, stopping
from zoo.checkpoint import Checkpoint, Origin, Point
from zoo.material import Material
from zoo.model import Network
from zoo.recipe import Training
from zoo.steps import Steps

BATCH = 256
"""Of the held-out samples."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How a training stands after an epoch."""

    called: str
    """What is being trained."""
    epoch: int
    """From 1."""
    epochs: int
    loss: float
    """Of the epoch's batches, as they were seen."""
    score: float
    """Accuracy, or R² of a regression, of the same."""
    held_out_loss: float | None
    held_out_score: float | None
    learning_rate: float
    """Of the epoch's last step."""
    seconds: float
    """Since the training began, without what lay between an interruption and its resumption."""
    trouble: str | None
    """A sentence where no checkpoint could be written; training goes on."""


class Course:
    """A training under way: its epochs so far, the states of its generators and the best weights seen."""

    def __init__(
        self, seed: int, how: Training, steps: Steps, score: str, held_out: Material | None, start: float
    ) -> None:
        self.how, self.steps, self.score, self.held_out = how, steps, score, held_out
        self.order = torch.Generator().manual_seed(seed)
        """Draws the order of the samples."""
        self.noise = torch.Generator(steps.device).manual_seed(seed)
        """Draws augmentation."""
        names = ("loss", score) if held_out is None else ("loss", score, "held_out_loss", f"held_out_{score}")
        self.history: dict[str, list[float]] = {name: [] for name in names}
        self.epoch = 0
        self.resumed = False
        self._best: dict[str, Tensor] = {}
        self._start, self._before = start, 0.0

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, or the patience is at an end."""
        losses, patience = self.history.get("held_out_loss", []), self.how.patience
        return self.epoch >= self.how.epochs or (patience is not None and stopping.has_stopped(losses, patience))

    @property
    def is_on_path(self) -> bool:
        """Whether the weights as they are now are a point of the path."""
        gaps, last = max(self.how.path - 1, 1), self.how.epochs
        spaced = {round(index * last / gaps) for index in range(self.how.path)} if self.how.path > 1 else set()
        return self.epoch in spaced or (self.how.path > 0 and self.is_over)

    @property
    def seconds(self) -> float:
        return self._before + time.perf_counter() - self._start

    @property
    def past(self) -> dict[str, tuple[float, ...]]:
        """The history so far."""
        return {name: tuple(series) for name, series in self.history.items()}

    def end_epoch(self, means: Float[Tensor, "2"]) -> None:
        """Note an epoch's mean loss and score, and measure what is held out. Raises `Diverged` where a loss or a weight
        is not a finite number."""
        self.steps.check()
        self._note("", distributed.total(means))
        if self.held_out is not None:
            self._note("held_out_", distributed.agreed(self._measured(self.held_out)))
            if stopping.is_best(self.history["held_out_loss"]):
                self._best = _copied(self.steps.kept)
        self.epoch += 1

    def _note(self, prefix: str, means: Float[Tensor, "2"]) -> None:
        for name, value in zip(("loss", self.score), means.tolist(), strict=True):
            self.history[prefix + name].append(value)

    @torch.no_grad()
    def _measured(self, held_out: Material) -> Float[Tensor, "2"]:
        """Mean loss and score of what is held out, by the network that would be kept."""
        model, device = self.steps.kept.eval(), self.steps.device
        totals = torch.zeros(2, device=device)
        for inputs, targets in held_out.batches(BATCH, torch.Generator().manual_seed(0), device):
            loss, score = self.steps.goal(model, inputs, targets)
            totals += torch.stack((loss * len(targets), score))
        model.train()
        return totals / len(held_out)

    def progress(self, called: str, trouble: str | None) -> Progress:
        """How it stands, for whoever watches."""
        latest = {name: series[-1] for name, series in self.history.items()}
        return Progress(
            called=called,
            epoch=self.epoch,
            epochs=self.how.epochs,
            loss=latest["loss"],
            score=latest[self.score],
            held_out_loss=latest.get("held_out_loss"),
            held_out_score=latest.get(f"held_out_{self.score}"),
            learning_rate=self.steps.rate(self.steps.done - 1),
            seconds=self.seconds,
            trouble=trouble,
        )

    def finished(self) -> Network:
        """The network that is kept: with the best weights where a part was held out."""
        if self._best:
            self.steps.kept.load_state_dict(self._best)
        return cast(Network, self.steps.kept)

    def point(self) -> Point:
        """Where the path is now."""
        return Point(epoch=self.epoch, weights=_copied(self.steps.kept))

    def checkpoint(self, origin: Origin) -> Checkpoint:
        """A copy of everything that is needed to go on from here."""
        tensors = {f"steps.{name}": tensor for name, tensor in self.steps.tensors().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        tensors |= {"order": self.order.get_state(), "noise": self.noise.get_state(), "torch": torch.get_rng_state()}
        if self.steps.device.type == "cuda":
            tensors["cuda"] = torch.cuda.get_rng_state(self.steps.device)
        return Checkpoint(origin=origin, epoch=self.epoch, history=self.past, seconds=self.seconds, tensors=tensors)

    def restore(self, last: Checkpoint) -> None:
        """Go on from a checkpoint."""
        tensors = last.tensors
        self.steps.restore({k.removeprefix("steps."): t for k, t in tensors.items() if k.startswith("steps.")})
        self._best = {k.removeprefix("best."): t for k, t in tensors.items() if k.startswith("best.")}
        self.order.set_state(tensors["order"])
        self.noise.set_state(tensors["noise"])
        torch.set_rng_state(tensors["torch"])
        if self.steps.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["cuda"], self.steps.device)
        self.history = {name: list(series) for name, series in last.history.items()}
        self.epoch, self._before, self.resumed = last.epoch, last.seconds, True


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
