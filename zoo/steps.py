"""Steps: what one batch does to a network, its averaged weights and its optimiser."""

import copy
from collections.abc import Mapping

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from zoo import distributed
from zoo.errors import unknown
from zoo.objective import Objective
from zoo.optimisers import climbed, optimiser, schedule
from zoo.recipe import Training

PRECISIONS = ("float32", "bfloat16")
IMAGE = 4
"""Axes of a batch of images."""


class Diverged(ArithmeticError):
    """The loss, or a weight, is no longer a finite number."""

    def __init__(self, step: int, rate: float) -> None:
        super().__init__(step, rate)
        self.step, self.rate = step, rate


class Steps:
    """The optimiser's side of training: `take` makes one step per batch, learning rate and averaged weights included.

    `kept` is the network that would be kept if training ended now: the averaged weights where a recipe wants them. In
    bfloat16, so always on CUDA, images and convolutions lie in memory channels last, which the fast kernels read: a
    step of a network with 64 to 256 channels took 153 ms instead of 232 ms on one core, and 582 ms in float32. In
    float32 the order stays as it is; it would save a fifth and give other last bits. What is for CUDA alone (the fused
    optimiser, `torch.compile`, data kept on the device, NCCL) was written without a GPU at hand and has not been run.
    """

    def __init__(self, model: nn.Module, how: Training, goal: Objective, total: int, device: torch.device) -> None:
        if how.precision not in PRECISIONS:
            raise unknown("precision", how.precision, PRECISIONS)
        self.model, self.how, self.goal, self.total, self.device = model, how, goal, total, device
        self.short = device.type == "cuda" or how.precision == "bfloat16"
        if self.short:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.kept = model if how.average is None else copy.deepcopy(model)
        pairs = list(zip(self.kept.state_dict().values(), model.state_dict().values(), strict=True))
        self._averaged = _columns([pair for pair in pairs if pair[0].is_floating_point()])
        self._counted = _columns([pair for pair in pairs if not pair[0].is_floating_point()])
        self.optimiser = optimiser(model, how, device)
        self.done = 0
        self.failed = torch.full((), torch.inf, device=device)
        if how.compile and device.type == "cuda":
            model.compile()
        self.learner = distributed.together(_Learner(model, goal))

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        return self.how.learning_rate * self._share(step)

    def take(self, inputs: Shaped[Tensor, "sample ..."], targets: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "2"]:
        """One step on a batch. Its summed loss and score, as a tensor: reading them would wait for the device.

        Raises `Diverged` where the loss is not a finite number, before anything is changed; on CUDA `check` does.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = group["full"] * self._share(self.done)
        whole = len(inputs)
        inputs, targets, count = distributed.share(inputs, targets)
        weight = count * distributed.processes() / whole  # the processes' gradients are averaged
        loss, score = self._backward(inputs, targets, weight)
        if self.how.optimiser == "sam":
            with climbed(self.model, self.how.radius):
                self._backward(inputs, targets, weight)
        if self.how.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.how.clip_norm)
        self.optimiser.step()
        self.done += 1
        self._update_average()
        return torch.stack((loss.detach() * count, score * (count > 0)))

    def _backward(self, inputs: Tensor, targets: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        if self.short and inputs.ndim == IMAGE:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.short):
            loss, score = self.learner(inputs, targets)
        self._note(loss)
        self.optimiser.zero_grad()
        (loss * weight).backward()
        return loss, score

    def _note(self, loss: Tensor) -> None:
        """Whether a loss is a number; a GPU is not waited for, it only remembers the step."""
        if self.device.type == "cpu":
            if not loss.isfinite():
                raise Diverged(self.done + 1, self.rate(self.done))
        else:
            self.failed = torch.where(loss.detach().isfinite(), self.failed, self.failed.clamp(max=self.done + 1))

    def check(self) -> None:
        """Raise `Diverged` where a loss since the last check, or a weight now, is not a finite number."""
        if self.failed.isfinite():
            step = int(self.failed)
            raise Diverged(step, self.rate(step - 1))
        if not all(bool(tensor.isfinite().all()) for tensor in self.model.state_dict().values()):
            raise Diverged(self.done, self.rate(self.done - 1))

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and running statistics; short at first, so the start is forgotten."""
        if self.how.average is None:
            return
        decay = min(self.how.average, self.done / (self.done + 10))
        torch._foreach_lerp_(self._averaged[0], self._averaged[1], 1 - decay)
        for counted, current in zip(*self._counted, strict=True):
            counted.copy_(current)

    def _share(self, step: int) -> float:
        return schedule(step, self.total, self.how.warm_up, self.how.schedule)

    def tensors(self) -> dict[str, Tensor]:
        """Copies of all that the next step depends on, by name."""
        found = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self.kept is not self.model:
            found |= {f"kept.{name}": tensor for name, tensor in self.kept.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            found |= {f"optimiser.{index}.{key}": value for key, value in state.items() if value is not None}
        return {name: tensor.detach().clone() for name, tensor in found.items()} | {"done": torch.tensor(self.done)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` gave, with the same bits in the same memory order."""
        self.done = int(tensors["done"])
        self.model.load_state_dict(_part(tensors, "model."))
        if self.kept is not self.model:
            self.kept.load_state_dict(_part(tensors, "kept."))
        parameters = [parameter for group in self.optimiser.param_groups for parameter in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "optimiser.").items():
            index, key = name.split(".")
            like = parameters[int(index)]
            laid = torch.empty_like(like).copy_(tensor) if key != "step" else tensor
            state.setdefault(int(index), {})[key] = laid
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})


class _Learner(nn.Module):
    """Network and objective as one module: what several processes share is the way from a batch to its loss."""

    def __init__(self, model: nn.Module, goal: Objective) -> None:
        super().__init__()
        self.model, self.goal = model, goal

    def forward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return self.goal(self.model, inputs, targets)


def _columns(pairs: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
