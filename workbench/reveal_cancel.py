"""Reveal-cancel: what raised a layer's sum and what lowered it go through the nonlinearity apart."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workbench import operations
from workbench.layer_rules import WEIGHT, Layer
from workbench.tape import Step, Tape


@dataclass(frozen=True, eq=False)
class RevealCancel:
    """For each nonlinearity σ right behind a layer with weights, with Δ⁺ = Σ max(w Δin, 0) and Δ⁻ = Σ min(w Δin, 0):

    Δσ⁺ = ½ [σ(z' + Δ⁺) - σ(z')] + ½ [σ(z' + Δ⁺ + Δ⁻) - σ(z' + Δ⁻)], Δσ⁻ likewise; m⁺ = Δσ⁺ / Δ⁺, m⁻ = Δσ⁻ / Δ⁻

    Both orders of two causes: a Shapley value of the pair. Elsewhere the rescale rule stands in.
    Reference: [shrikumar2017learning]
    """

    twins: Mapping[Step, Step]
    behind: Mapping[Step, Step]
    """For each nonlinearity the layer before it."""
    slopes: dict[Step, tuple[Tensor, Tensor]] = field(default_factory=dict)

    @classmethod
    def along(cls, tape: Tape, twins: Mapping[Step, Step]) -> "RevealCancel":
        """Where on a tape it applies: the nonlinearity is all that the layer's sum is used for."""
        uses = Counter(value for step in tape.steps for value in step.live.values())
        layers = {step.outputs[0]: step for step in tape.steps if Layer.at(step)}
        behind = {
            step: layers[value]
            for step in tape.steps
            if step.name in operations.ELEMENTWISE and len(step.live) == 1
            for value in step.live.values()
            if value in layers and uses[value] == 1
        }
        return cls(twins, behind)

    def remember(self, step: Step, message: Tensor) -> None:
        """The two multipliers of a nonlinearity, for the layer before it."""
        layer, twin = self.behind[step], self.twins[step]
        (place,) = step.live
        start = twin.inputs[place]
        up, down = self._parts(layer)

        def at(z: Tensor) -> Tensor:
            made = step.run({place: z})[0]
            assert isinstance(made, Tensor), "a nonlinearity makes one thing"
            return made

        none, raised, lowered, both = at(start), at(start + up), at(start + down), at(start + up + down)
        rise, fall = (raised - none + both - lowered) / 2, (lowered - none + both - raised) / 2
        self.slopes[layer] = (
            message * rise / torch.where(up == 0, 1, up),
            message * fall / torch.where(down == 0, 1, down),
        )

    def passed(self, step: Step) -> dict[int, Tensor]:
        """The multipliers of a layer's input: contributions above nought by m⁺, below it by m⁻."""
        rising, falling = self.slopes[step]
        layer = Layer(step)
        change = layer.x - self.twins[step].inputs[layer.place]
        up, down = layer.w.clamp(min=0), layer.w.clamp(max=0)
        found = []
        for first, second in ((rising, falling), (falling, rising)):
            parts = [step.pulled_back((m,), {WEIGHT[step.name]: w}) for m, w in ((first, up), (second, down))]
            found.append(parts[0][layer.place] + parts[1][layer.place])
        more, less = found
        return {layer.place: torch.where(change > 0, more, torch.where(change < 0, less, (more + less) / 2))}

    def _parts(self, step: Step) -> tuple[Tensor, Tensor]:
        """Δ⁺ and Δ⁻ of a layer's sum."""
        layer = Layer(step)
        change = layer.x - self.twins[step].inputs[layer.place]
        up, down, more, less = layer.w.clamp(min=0), layer.w.clamp(max=0), change.clamp(min=0), change.clamp(max=0)
        return layer.summed(more, up) + layer.summed(less, down), layer.summed(more, down) + layer.summed(less, up)
