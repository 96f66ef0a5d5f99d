"""Layer rules: how LRP divides the relevance of what a layer with weights made among its inputs.

A rule is a declaration: terms (factor, x, w, bias), whose contributions factor · x_i w_ij count. Relevance is divided
in proportion: R_i = Σ_j R_j Σ_terms factor x_i w_ij / Σ_terms factor (Σ_i x_i w_ij + bias_j).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.tape import Step

INPUT = {"convolution": 0, "addmm": 1, "mm": 0}
WEIGHT = {"convolution": 1, "addmm": 2, "mm": 1}
BIAS = {"convolution": 2, "addmm": 0}
"""Where they stand among the arguments of the operations that layers are made of."""
TRANSPOSED, GROUPS = 6, 8
"""Where a convolution says what it is."""
NORMALISING_WEIGHT, NORMALISING_BIAS, MEAN, VARIANCE, EPSILON = 1, 2, 3, 4, 7
"""Where they stand among those of batch normalisation."""


@dataclass(frozen=True, eq=False)
class Term:
    """A sum of contributions factor · (Σ_i x_i w_ij + bias_j); `bias` None leaves the bias out."""

    factor: float
    x: Tensor
    w: Tensor
    bias: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Layer:
    """A step in which constant weights meet one value, and the least and greatest value that can come in."""

    step: Step
    low: Tensor | None = None
    high: Tensor | None = None

    @staticmethod
    def at(step: Step) -> bool:
        """Whether a step is one."""
        return step.name in INPUT and set(step.live) == {INPUT[step.name]}

    @property
    def place(self) -> int:
        return INPUT[self.step.name]

    @property
    def x(self) -> Tensor:
        return self.step.inputs[self.place]

    @property
    def w(self) -> Tensor:
        return self.step.leaves[WEIGHT[self.step.name]]

    @property
    def bias(self) -> Tensor | None:
        found = self.step.leaves[BIAS[self.step.name]] if self.step.name in BIAS else None
        return found if isinstance(found, Tensor) else None

    def divided(self, relevance: Tensor, terms: Sequence[Term], epsilon: float) -> Tensor:
        """The relevance of the inputs, in proportion to what the terms contribute."""
        changes = [self._change(term) for term in terms]
        total = sum(term.factor * self.step.run(change)[0] for term, change in zip(terms, changes, strict=True))
        assert isinstance(total, Tensor), "a rule has terms"
        share = relevance / stabilised(total, epsilon)
        parts = [
            term.factor * term.x * self.step.pulled_back((share,), change)[self.place]
            for term, change in zip(terms, changes, strict=True)
        ]
        return torch.stack(parts).sum(0)

    def summed(self, x: Tensor, w: Tensor) -> Tensor:
        """Σ_i x_i w_ij, without a bias."""
        made = self.step.run(self._change(Term(1, x, w)))[0]
        assert isinstance(made, Tensor), "a layer makes one thing"
        return made

    def _change(self, term: Term) -> dict[int, Tensor]:
        change = {self.place: term.x, WEIGHT[self.step.name]: term.w}
        if self.bias is not None:
            change[BIAS[self.step.name]] = torch.zeros_like(self.bias) if term.bias is None else term.bias
        return change


@dataclass(frozen=True)
class Epsilon:
    """All contributions, the bias among them; ε keeps the quotient finite. Reference: [bach2015pixelwise]"""

    def relevance(self, layer: Layer, relevance: Tensor, epsilon: float) -> Tensor:
        return layer.divided(relevance, [Term(1, layer.x, layer.w, layer.bias)], epsilon)


@dataclass(frozen=True)
class Gamma:
    """Contributions of the sign of the sum count 1 + γ times. Reference: [montavon2019layerwise]"""

    gamma: float

    def relevance(self, layer: Layer, relevance: Tensor, epsilon: float) -> Tensor:
        whole = Term(1, layer.x, layer.w, layer.bias)
        made = layer.step.made[0]
        up = [whole, *(replace(term, factor=self.gamma) for term in positive(layer))]
        down = [whole, *(replace(term, factor=self.gamma) for term in negative(layer))]
        rising = layer.divided(torch.where(made >= 0, relevance, 0), up, epsilon)
        return rising + layer.divided(torch.where(made < 0, relevance, 0), down, epsilon)


@dataclass(frozen=True)
class AlphaBeta:
    """α = 1 + β times the positive contributions less β times the negative ones, each among themselves; with β = 0 the
    z⁺ rule. Reference: [bach2015pixelwise]"""

    beta: float = 0.0

    def relevance(self, layer: Layer, relevance: Tensor, epsilon: float) -> Tensor:
        found = layer.divided((1 + self.beta) * relevance, positive(layer), epsilon)
        return found - layer.divided(self.beta * relevance, negative(layer), epsilon) if self.beta else found


@dataclass(frozen=True)
class Flat:
    """Every input of a sum gets the same, whatever it is. Reference: [lapuschkin2019unmasking]"""

    def relevance(self, layer: Layer, relevance: Tensor, epsilon: float) -> Tensor:
        return layer.divided(relevance, [Term(1, torch.ones_like(layer.x), torch.ones_like(layer.w))], epsilon)


@dataclass(frozen=True)
class Box:
    """For inputs between l and h: x_i w_ij - l_i w_ij⁺ - h_i w_ij⁻. Reference: [montavon2017explaining]"""

    def relevance(self, layer: Layer, relevance: Tensor, epsilon: float) -> Tensor:
        assert layer.low is not None, "whoever divides by this rule gives the box"
        assert layer.high is not None
        up, down = layer.w.clamp(min=0), layer.w.clamp(max=0)
        terms = [Term(1, layer.x, layer.w), Term(-1, layer.low, up), Term(-1, layer.high, down)]
        return layer.divided(relevance, terms, epsilon)


Rule = Epsilon | Gamma | AlphaBeta | Flat | Box


def positive(layer: Layer) -> list[Term]:
    """The terms of the positive contributions x⁺w⁺ + x⁻w⁻ + b⁺."""
    x, w, bias = layer.x, layer.w, layer.bias
    raised = None if bias is None else bias.clamp(min=0)
    return [Term(1, x.clamp(min=0), w.clamp(min=0), raised), Term(1, x.clamp(max=0), w.clamp(max=0))]


def negative(layer: Layer) -> list[Term]:
    """The terms of the negative contributions x⁺w⁻ + x⁻w⁺ + b⁻."""
    x, w, bias = layer.x, layer.w, layer.bias
    lowered = None if bias is None else bias.clamp(max=0)
    return [Term(1, x.clamp(min=0), w.clamp(max=0), lowered), Term(1, x.clamp(max=0), w.clamp(min=0))]


def stabilised(total: Float[Tensor, "..."], epsilon: float) -> Float[Tensor, "..."]:
    """z + ε sign z, and never nought: what contributes nothing is given nothing."""
    moved = total + torch.where(total < 0, -epsilon, epsilon)
    return torch.where(moved == 0, 1, moved)


def normalised(step: Step, norm: Step) -> Step:
    """A layer with the batch normalisation that follows it as one layer: w γ/σ, (b - μ) γ/σ + β."""
    weight, bias, mean, variance = (
        norm.leaves[place] for place in (NORMALISING_WEIGHT, NORMALISING_BIAS, MEAN, VARIANCE)
    )
    scale = (variance + norm.arguments[EPSILON]).rsqrt() * (1 if weight is None else weight)
    layer = Layer(step)
    leaves = list(step.leaves)
    leaves[WEIGHT[step.name]] = layer.w * _by_output(scale, layer)
    shift = -mean if layer.bias is None else layer.bias - mean
    leaves[BIAS[step.name]] = shift * scale + (0 if bias is None else bias)
    return Step(step.operation, tuple(leaves), step.structure, step.live, norm.outputs[:1], norm.made[:1])


def _by_output(scale: Float[Tensor, "channel"], layer: Layer) -> Float[Tensor, "..."]:
    """A number for each output channel in the shape of the layer's weights, which it multiplies."""
    if layer.step.name == "addmm":
        return scale[None]
    kernel = [1] * (layer.w.ndim - 2)
    if not layer.step.arguments[TRANSPOSED]:
        return scale.view(-1, 1, *kernel)
    inputs, groups = len(layer.w), layer.step.arguments[GROUPS]  # the outputs of each group stand in the second axis
    return scale.view(groups, -1).repeat_interleave(inputs // groups, 0).view(inputs, -1, *kernel)
