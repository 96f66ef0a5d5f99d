"""Remove and debias."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import per_sample
from workbench.imputation import Road as Imputer
from workbench.orderings import AbstractOrdering, Rows, part
from workbench.perturbations import group_counts
from workbench.query import Query
from workbench.records import Attribution
from workbench.reference_inputs import reference_inputs
from workbench.settings import setting
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Road(AbstractOrdering):
    """How probable the class stays when the pixels that rank first are filled in from their neighbours.

    mean over s in {20, 40, 60, 80 %} of p_c(x with the share s of pixels that rank first imputed)

    A removed pixel gets the weighted mean of its eight neighbours (1/6 on the sides, 1/12 at the corners), which may
    have been removed as well: one linear system for each image, solved exactly, plus a little noise. So the shape of
    the holes tells the model less than holes of one colour do. Images only. Lower is better. The control is the same
    for random orders.

    When it misleads: random orders leave a known pixel beside nearly every hole, so that hardly anything is lost, while
    a map in one piece loses what lay inside: against scattered orders every compact map looks good.
    Reference: [rong2022consistent]
    """

    name = "road"
    title = "ROAD"
    higher_is_better = False

    n_steps: int = setting(4, low=1, high=64, help="Shares of the pixels that are removed, evenly between none and all")
    n_orders: int = setting(10, low=1, high=1000, help="Random orders of each sample, the control")
    noise: float = setting(0.01, low=0, high=10, help="Standard deviation of the noise on an imputed pixel")

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        if "height" not in attribution.axes or samples.inputs.ndim != 4:
            return "only images have neighbours from which a removed feature could be filled in."
        return None

    def turns(self, counts: Int[Tensor, "sample"]) -> Int[Tensor, "sample step"]:
        return torch.stack([part(counts, step / (self.n_steps + 1)) for step in range(1, self.n_steps + 1)], 1)

    def measured(
        self, f: Float[np.ndarray, "sample"], without: Float[np.ndarray, "sample draw step"]
    ) -> Float[np.ndarray, "sample draw"]:
        return without.mean(-1)

    def without(
        self, query: Query, features: Int[Tensor, "sample ..."], order: Int[Tensor, "sample draw feature"]
    ) -> Float[np.ndarray, "sample draw step"]:
        images, rows = query.inputs, Rows(order, self.turns(group_counts(features)))
        shape = images.shape[1:]
        noise = per_sample(lambda chance: torch.randn(shape, generator=chance), query.samples.ids, self.seed, "noise")
        imputer = Imputer(reference_inputs(query), self.noise * noise)

        def build(chunk: slice) -> Tensor:
            sample, kept = rows.sample[chunk], rows.present(chunk).view(-1, 1, *shape[1:])
            return imputer.replace(images[sample], kept.expand(-1, *shape), sample)

        return rows.folded(query.built_values(build, rows.sample))
