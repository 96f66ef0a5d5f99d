"""Extremal mask."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.explanation import AbstractMethod
from workbench.perturbations import spread
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from workbench.soft_mask import Places, of_area
from zoo.model import Capability

RATE, MOMENTUM = 0.1, 0.8
"""Of a step in the scores, whose gradient is divided by its largest entry so far: f's unit does not matter."""
SOFTNESS = (1.0, 0.1)
"""Of the mask's edge at the first and the last step: soft enough to move, then nearly binary."""


@dataclass(frozen=True, kw_only=True)
class ExtremalMask(AbstractMethod):
    """The smooth mask of a given area that raises the scalar most when only what it shows is kept.

    m* = argmax f(m ⊙ x + (1 - m) ⊙ x')  subject to  Σ m = area · N,   a = m* |f(m* ⊙ x + (1 - m*) ⊙ x') - f(x')| / Σ m*

    With `game` "delete" it is the mask whose absence lowers the scalar most, scaled by |f(x) - f((1 - m*) ⊙ x + …)|.
    The scores of a coarse grid are interpolated, and the threshold at which exactly that area is on is solved for in
    every step of gradient ascent, so there is no penalty to weigh and nothing is drawn. At least one place is on. It is
    smooth in both directions of an image and along time; words and columns are scored one by one, on text between the
    embeddings of the sentence and of [MASK] tokens. The scale is that of what the mask does: a model that does not
    react gets zeros.

    When it misleads: it says where, hardly how much; another area can give a mask elsewhere, ascent finds a local
    maximum (where two are equally good, rounding decides), and a mask of free shape can find what fools the model
    rather than what it used.
    Reference: [fong2019understanding], after [fong2017interpretable]
    """

    name = "extremal_mask"
    title = "Extremal mask"
    needs = frozenset({Capability.GRADIENT})

    area: float = setting(0.1, low=0.001, high=0.999, help="Share of the pixels, words or columns that is on")
    game: str = setting("preserve", choices=("preserve", "delete"), help="Keep the mask alone, or take it out")
    n_steps: int = setting(40, low=1, high=10_000, help="Steps of gradient ascent")
    n_nodes: int = setting(10, low=2, high=256, help="Of the scores, along an image's shorter side or along time")
    reference_input: str = setting(
        "auto", choices=REFERENCE_INPUTS, help="What is outside of the mask (on text: [MASK])"
    )
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def rough(self) -> Self:
        return replace(self, n_steps=min(20, self.n_steps))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        start = query.subject.points(reference_inputs(query, self.reference_input, self.seed))
        places, path = Places.of(query, self.n_nodes), query.points - start
        area = (self.area * places.valid.sum(1)).clamp(min=1)
        mask = self._found(query, start, path, places, area)
        without = query.points if self.game == "delete" else start
        moved = query.values_at(self._masked(places.placed(mask, path), start, path)) - query.values_at(without)
        values = (mask * (moved.abs() / mask.sum(1).clamp(min=1e-12))[:, None]).cpu()
        if places.groups is not None:
            return spread(values, places.groups.cpu())
        return places.placed(values, path).expand_as(path).cpu() / (path.shape[1] if path.ndim == 4 else 1)

    def cost(self, query: Query) -> tuple[int, int]:
        return self.n_steps + 2, self.n_steps

    def _found(
        self, query: Query, start: Tensor, path: Tensor, places: Places, area: Float[Tensor, "sample"]
    ) -> Float[Tensor, "sample place"]:
        """The mask after all steps; from equal scores, so that equal places stay equal."""
        nodes = path.new_zeros(len(path), *places.nodes)
        velocity, largest = torch.zeros_like(nodes), path.new_full((len(path), *[1] * len(places.nodes)), 1e-30)
        first, last = SOFTNESS
        sign = -1 if self.game == "delete" else 1
        for step in range(self.n_steps):
            softness = first * (last / first) ** (step / self.n_steps)
            with torch.enable_grad():
                leaf = nodes.clone().requires_grad_()
                mask = places.placed(of_area(places.scores(leaf), places.valid, area, softness), path)
                slope = query.gradients(self._masked(mask.detach(), start, path))
                (uphill,) = torch.autograd.grad((self._masked(mask, start, path) * slope).sum(), leaf)
            now = uphill.flatten(1).abs().amax(1).view(-1, *[1] * (nodes.ndim - 1))
            largest = torch.maximum(largest, now)  # so far: at a maximum steps must become small
            velocity = MOMENTUM * velocity + sign * uphill / largest
            nodes = nodes + RATE * velocity
        return of_area(places.scores(nodes), places.valid, area, last)

    def _masked(self, mask: Tensor, start: Tensor, path: Tensor) -> Float[Tensor, "sample ..."]:
        return start + (mask if self.game == "preserve" else 1 - mask) * path
