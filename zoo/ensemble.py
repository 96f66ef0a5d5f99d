"""The ensemble: many small networks trained at once, as one network with an axis more.

What varies from member to member is data: the seed, the width, the learning rate, the share of wrong labels. One pass
over stacked weights then does the work of all, and the time that a small network spends waiting between its small
operations is paid once.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from zoo.errors import InputError, unknown
from zoo.initialisation import start_weights
from zoo.model import Network, initialise
from zoo.task import Samples

OPTIMISERS = ("sgd", "momentum", "adamw")
MOMENTUM = 0.9
BETAS = (0.9, 0.999)
EPSILON = 1e-8

State = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network of an ensemble. `options` replace those that all have in common: widths may differ, since a narrow
    network is a wide one whose other units are nought and stay so."""

    seed: int = 0
    learning_rate: float = 1e-3
    label_noise: float = 0.0
    """Share of the training labels that are replaced by another class, drawn from the seed."""
    initialisation: str | None = None
    """A name of `initialisation.py`; None for the architecture's own."""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What all members have in common: how long, in which batches, by which rule."""

    epochs: int
    batch_size: int
    optimiser: str = "adamw"
    weight_decay: float = 0.0
    """Decoupled: w ← (1 − η λ) w, on matrices alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """The members' networks, in evaluation mode, and their histories; `together` says whether they were trained as one
    or, since their architecture does not allow it, one after the other."""

    models: tuple[Network, ...]
    loss: Float[Tensor, "member epoch"]
    """Mean cross-entropy of the training batches, as they were seen, on labels as they were given."""
    held_out: Float[Tensor, "member epoch"] | None
    """Accuracy on the samples that were only looked at; None where there were none."""
    seconds: float
    together: bool


def train_together(
    architecture: type[Network],
    options: Mapping[str, object],
    members: Sequence[Member],
    samples: Samples,
    schedule: Schedule,
    held_out: Samples | None = None,
) -> Trained:
    """Every member trained on these samples, as if each had been trained alone: the same losses up to rounding.

    Each draws its initial weights, its wrong labels and the order of its batches from its own seed. An epoch leaves out
    the samples that do not fill a batch. Recurrent modules cannot be stacked (pytorch issue 105982): they are trained
    one after the other, by the same steps. Raises `InputError` where members do not fit each other, the optimiser is
    unknown, the architecture draws random numbers while it trains (dropout) or keeps running statistics (batch
    normalisation), or a loss stops being a number.
    """
    if not members:
        raise InputError("An ensemble needs at least one member.")
    if schedule.optimiser not in OPTIMISERS:
        raise unknown("optimiser of an ensemble", schedule.optimiser, OPTIMISERS)
    start = time.perf_counter()
    models = [_made(architecture, {**options, **member.options}, member) for member in members]
    _check(models[0], members, samples, schedule)
    together = not any(isinstance(module, nn.RNNBase) for module in models[0].modules())
    groups = [list(range(len(members)))] if together else [[index] for index in range(len(members))]
    losses, accuracies = [], []
    for rows in groups:
        stack = _Stack([models[i] for i in rows], [members[i] for i in rows], schedule)
        loss, accuracy = stack.train(samples, held_out)
        losses.append(loss)
        accuracies.append(accuracy)
    return Trained(
        models=tuple(model.eval() for model in models),
        loss=torch.cat(losses),
        held_out=None if held_out is None else torch.cat(accuracies),
        seconds=time.perf_counter() - start,
        together=together,
    )


class _Stack:
    """Members as one network: their weights stacked, each in the corner of the widest."""

    def __init__(self, models: Sequence[Network], members: Sequence[Member], schedule: Schedule) -> None:
        self.models, self.members, self.schedule = models, members, schedule
        self.base = max(models, key=lambda model: sum(p.numel() for p in model.parameters()))
        self.single = len(models) == 1
        wide, self.buffers = stack_module_state([self.base] * len(models))
        self.weights: State = {name: torch.zeros_like(tensor) for name, tensor in wide.items()}
        self.inside: State = {name: torch.zeros_like(tensor, dtype=torch.bool) for name, tensor in wide.items()}
        for row, model in enumerate(models):
            for name, tensor in model.named_parameters():
                _check_fit(tensor, self.weights[name][row], name)
                _corner(self.weights[name][row], tensor).copy_(tensor.detach())
                _corner(self.inside[name][row], tensor).fill_(True)
        self.full = all(bool(mask.all()) for mask in self.inside.values())
        self.rate = torch.tensor([member.learning_rate for member in members])
        self.moments: list[State] = []
        self.steps = 0

    def train(self, samples: Samples, held_out: Samples | None) -> tuple[Tensor, Tensor]:
        """Loss and held-out accuracy per member and epoch; the models are filled with what was found."""
        labels = torch.stack([noisy(samples.labels, member, _classes(samples)) for member in self.members])
        orders = [torch.Generator().manual_seed(member.seed) for member in self.members]
        losses, accuracies = [], []
        for _ in range(self.schedule.epochs):
            shuffled = torch.stack([torch.randperm(len(samples), generator=order) for order in orders])
            whole = len(samples) // self.schedule.batch_size * self.schedule.batch_size
            batches = shuffled[:, :whole].split(self.schedule.batch_size, dim=1)
            total = torch.zeros(len(self.members))
            for rows in batches:
                total += self.step(samples.inputs[rows], labels.gather(1, rows))
            losses.append(total / len(batches))
            self._check_finite(losses[-1], len(losses))
            if held_out is not None:
                accuracies.append(self._accuracy(held_out))
        self._unstack()
        return torch.stack(losses, 1), torch.stack(accuracies, 1) if accuracies else torch.zeros(0)

    def step(
        self, inputs: Shaped[Tensor, "member sample ..."], labels: Int[Tensor, "member sample"]
    ) -> Float[Tensor, "member"]:
        """One step of every member; its loss before the step. The gradient of the sum holds each member's own."""
        weights = {name: tensor.requires_grad_() for name, tensor in self.weights.items()}
        logits = self._answers(weights, inputs, shared=False)
        losses = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        losses = losses.view(labels.shape).mean(1)
        gradients = torch.autograd.grad(losses.sum(), list(weights.values()))
        with torch.no_grad():
            self._update(dict(zip(weights, gradients, strict=True)))
        return losses.detach()

    def _answers(self, weights: State, inputs: Tensor, shared: bool) -> Tensor:
        """Logits (member, sample, class) of inputs that each member has its own of, or all share."""
        if self.single:
            own = {name: tensor[0] for name, tensor in {**weights, **self.buffers}.items()}
            return functional_call(self.base, own, (inputs if shared else inputs[0],))[None]

        def answer(own: State, buffers: State, given: Tensor) -> Tensor:
            return functional_call(self.base, {**own, **buffers}, (given,))

        return vmap(answer, in_dims=(0, 0, None if shared else 0))(weights, self.buffers, inputs)

    def _update(self, gradients: State) -> None:
        """w ← w − η u, with u the gradient, its running mean, or that over the root of the running mean of squares."""
        self.steps += 1
        if not self.full:
            gradients = {name: gradient * self.inside[name] for name, gradient in gradients.items()}
        for name, direction in self._directions(gradients).items():
            weight = self.weights[name].detach()
            rate = self.rate.view(-1, *[1] * (weight.ndim - 1))
            if self.schedule.weight_decay and weight.ndim > 2:
                weight.mul_(1 - rate * self.schedule.weight_decay)
            weight.sub_(rate * direction)
            self.weights[name] = weight

    def _directions(self, gradients: State) -> State:
        if self.schedule.optimiser == "sgd":
            return gradients
        kinds = 1 if self.schedule.optimiser == "momentum" else 2
        if not self.moments:
            self.moments = [{name: torch.zeros_like(g) for name, g in gradients.items()} for _ in range(kinds)]
        if kinds == 1:
            for name, gradient in gradients.items():
                self.moments[0][name].mul_(MOMENTUM).add_(gradient)
            return self.moments[0]
        first, second = self.moments
        found = {}
        for name, gradient in gradients.items():
            first[name].lerp_(gradient, 1 - BETAS[0])
            second[name].mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            root = (second[name] / (1 - BETAS[1] ** self.steps)).sqrt_().add_(EPSILON)
            found[name] = first[name] / (1 - BETAS[0] ** self.steps) / root
        return found

    @torch.no_grad()
    def _accuracy(self, held_out: Samples) -> Float[Tensor, "member"]:
        weights = {name: tensor.detach() for name, tensor in self.weights.items()}
        answers = self._answers(weights, held_out.inputs, shared=True)
        return (answers.argmax(2) == held_out.labels).float().mean(1)

    def _check_finite(self, losses: Float[Tensor, "member"], epoch: int) -> None:
        wrong = (~losses.isfinite()).nonzero().flatten().tolist()
        if wrong:
            rates = ", ".join(f"{self.members[i].learning_rate:g}" for i in wrong[:5])
            raise InputError(
                f"The loss of {len(wrong)} of {len(self.members)} members is not a number in epoch {epoch} (learning "
                f"rates {rates}). Lower them."
            )

    @torch.no_grad()
    def _unstack(self) -> None:
        for row, model in enumerate(self.models):
            for name, tensor in model.named_parameters():
                tensor.copy_(_corner(self.weights[name][row], tensor))


def noisy(labels: Int[Tensor, "sample"], member: Member, classes: int) -> Int[Tensor, "sample"]:
    """The labels, of which a share is replaced: each by one of the other classes, all equally likely."""
    if not 0 <= member.label_noise <= 1:
        raise InputError(f"A share of wrong labels lies between 0 and 1; {member.label_noise:g} does not.")
    generator = torch.Generator().manual_seed(member.seed)
    wrong = torch.randperm(len(labels), generator=generator)[: round(member.label_noise * len(labels))]
    shift = torch.randint(1, classes, (len(wrong),), generator=generator)
    replaced = labels.clone()
    replaced[wrong] = (labels[wrong] + shift) % classes
    return replaced


def _made(architecture: type[Network], options: dict[str, object], member: Member) -> Network:
    model = initialise(architecture, options, member.seed)
    if member.initialisation is not None:
        start_weights(model, member.initialisation, member.seed, str(options.get("activation", "relu")))
    return model


def _classes(samples: Samples) -> int:
    return int(samples.labels.max()) + 1


def _corner(wide: Tensor, small: Tensor) -> Tensor:
    """The part of a wide tensor, from its first entry on, that has the shape of a small one; a view."""
    for axis, size in enumerate(small.shape):
        wide = wide.narrow(axis, 0, size)
    return wide


def _check_fit(small: Tensor, wide: Tensor, name: str) -> None:
    if small.ndim != wide.ndim or any(a > b for a, b in zip(small.shape, wide.shape, strict=True)):
        shapes = " and ".join(str(tuple(tensor.shape)) for tensor in (small, wide))
        raise InputError(
            f"The members do not fit each other: {name} is {shapes}. Let one be the widest in every layer."
        )


def _check(model: Network, members: Sequence[Member], samples: Samples, schedule: Schedule) -> None:
    """`InputError` where the members, the architecture or the batches are not for an ensemble."""
    if len({str(member.options.get("activation")) for member in members}) > 1:
        raise InputError("All members must have the same activation. Train an ensemble for each.")
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules()):
        raise InputError(
            f"{model.name} keeps running statistics, which an ensemble cannot share. Choose another network."
        )
    if any(isinstance(module, nn.Dropout) and module.p > 0 for module in model.modules()):
        raise InputError(f"{model.name} has dropout, which draws random numbers of its own. Set it to 0.")
    if not 0 < schedule.batch_size <= len(samples) or schedule.epochs < 1 or not math.isfinite(schedule.weight_decay):
        raise InputError(
            f"Batches of {schedule.batch_size} cannot be cut from {len(samples)} samples. Make them smaller."
        )
