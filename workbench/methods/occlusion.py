"""Occlusion."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.perturbations import group_counts, keep, spread, window_values
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from workbench.windows import squares, stretch_values, stretches
from zoo.task import Kind


@dataclass(frozen=True, kw_only=True)
class Occlusion(AbstractMethod):
    """How much the scalar falls when a part of the input is replaced by a reference input x'.

    a_i = mean over the windows W that cover i of [f(x) - f(x with W from x')]

    Images: square windows over all channels; every pixel of a window gets the window's difference, and a pixel in
    several windows their mean. Text: words or tokens, and tables and series: features, one at a time; what a word's
    removal changes is shared equally by its tokens, so that their sum is the word's. Series with a `window`: stretches
    of so many steps, as pixels are, of one thing that is measured or of all at once.

    When it misleads: what a pair of features does together (either alone suffices, say) is missed when they are taken
    out one at a time, and an input with a hole may be unlike anything the model has seen.
    Reference: [zeiler2014visualizing]
    """

    name = "occlusion"
    title = "Occlusion"
    claims = frozenset({Claim.LINEARITY, Claim.IMPLEMENTATION_INVARIANCE})

    window: int = setting(
        0, low=0, high=512, help="Pixels a side; 0: an eighth of the height, at least 2. Steps of a series; 0: groups"
    )
    stride: int = setting(0, low=0, high=512, help="Between windows, in pixels or steps of a series; 0: half a window")
    measured: str = setting("one", choices=("one", "all"), help="Of a series with a window: what goes at once")
    unit: str = setting("word", choices=("word", "token"), help="On text: what is taken out at once")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What stands in (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        reference = reference_inputs(query, self.reference_input, self.seed)
        f_x = query.values(query.inputs)
        if query.subject.task.kind is Kind.IMAGE:
            return self._by_window(query, reference, f_x)
        if self._in_time(query):
            return self._by_stretch(query, reference, f_x)
        return self._by_group(query, reference, f_x)

    def cost(self, query: Query) -> tuple[int, int]:
        if query.subject.task.kind is Kind.IMAGE:
            return 1 + len(self.windows(*query.inputs.shape[-2:])), 0
        if self._in_time(query):
            return 1 + len(self._stretches(query)), 0
        return 1 + int(group_counts(self._groups(query)).amax()), 0

    def windows(self, height: int, width: int) -> Bool[Tensor, "group height width"]:
        """True inside each window; the last one of a row or column is cut off where it would leave the image."""
        window = min(self.window or max(2, height // 8), height, width)
        stride = min(self.stride or max(1, window // 2), window)
        return squares(height, width, window, stride)

    def _by_window(self, query: Query, reference: Tensor, f_x: Tensor) -> Float[Tensor, "sample ..."]:
        windows = self.windows(*query.inputs.shape[-2:])
        differences = f_x[:, None] - window_values(query, windows, reference)
        weights = windows.flatten(1).to(differences.dtype)
        values = differences @ weights / weights.sum(0)
        return values.view(len(values), 1, *windows.shape[1:]).expand_as(query.inputs)

    def _in_time(self, query: Query) -> bool:
        return query.subject.task.kind is Kind.SERIES and self.window > 0

    def _stretches(self, query: Query) -> Bool[Tensor, "group time ..."]:
        stride = self.stride or max(1, self.window // 2)
        return stretches(query.inputs.shape[1:], self.window, stride, self.measured == "all")

    def _by_stretch(self, query: Query, reference: Tensor, f_x: Tensor) -> Float[Tensor, "sample ..."]:
        inside = self._stretches(query)
        differences = f_x[:, None] - stretch_values(query, inside, reference)
        weights = inside.flatten(1).to(differences.dtype)
        return (differences @ weights / weights.sum(0)).view(query.inputs.shape)

    def _by_group(self, query: Query, reference: Tensor, f_x: Tensor) -> Float[Tensor, "sample ..."]:
        groups = self._groups(query)
        counts = group_counts(groups)
        rows = torch.arange(len(groups)).repeat_interleave(counts)
        which = torch.cat([torch.arange(int(count)) for count in counts])

        def build(part: slice) -> Tensor:
            taken = groups[rows[part]] == which[part].view(-1, *[1] * (groups.ndim - 1))
            return keep(query.inputs[rows[part]], ~taken, reference[rows[part]])

        per_group = f_x.new_zeros(len(groups), int(counts.amax()) + 1)
        per_group[rows, which] = f_x[rows] - query.built_values(build, rows)
        return spread(per_group, groups)

    def _groups(self, query: Query) -> Tensor:
        if query.subject.task.kind is not Kind.TEXT or self.unit == "word":
            return query.groups
        present = query.groups >= 0
        return torch.where(present, present.long().cumsum(1) - 1, -1)
