"""The top eigenvalue of the Hessian."""

from dataclasses import dataclass

import numpy as np
import torch

from workbench import settings
from workbench.analysis import AbstractAnalysis
from workbench.landscape.curvature import Hessian
from workbench.landscape.grid import why_no_weights
from workbench.landscape.lanczos import ENDS, RitzPair, top_pair
from workbench.landscape.loss import PRECISIONS, Loss
from workbench.records import Score
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class TopEigenvalue(AbstractAnalysis):
    """The largest eigenvalue of the Hessian of the mean cross-entropy: the curvature along the steepest direction.

    λ = max over unit v of vᵀHv (end "largest"; with "magnitude" the eigenvalue of largest |λ|, which may be negative)

    The interval is λ ± ‖Hv − λv‖, in which an eigenvalue of H is certain to lie; it says nothing about other samples.
    The control is vᵀHv along random unit directions, whose mean is the average eigenvalue tr H / P. Gradient descent
    with step η is stable at a minimum only where λ < 2/η.

    When it misleads: it is not invariant. Scaling a ReLU layer by a and the next by 1/a leaves the function as it was
    and makes λ as large as you like [dinh2017sharp], so it must not be compared between networks as a measure of
    generalisation. With batch norm it changes with the scale of weights that have no effect. Here batch norm uses its
    running statistics, and dropout is off: the Hessian of the deployed network, not of the training loss.
    Reference: [ghorbani2019investigation]
    """

    name = "top_eigenvalue"
    title = "Top eigenvalue of the Hessian"

    end: str = setting("largest", choices=ENDS, help="The largest eigenvalue, or the one of largest magnitude")
    tolerance: float = setting(1e-3, low=1e-6, high=0.1, help="Stop at this residual, relative to the eigenvalue")
    most: int = setting(60, low=1, high=500, help="Stop after this many Hessian-vector products")
    n_controls: int = setting(4, low=1, high=100, help="Random directions whose curvature is the control")
    precision: str = setting("float32", choices=PRECISIONS, help="Of the products")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the first vector and the control")

    def run(self, subject: Subject, samples: Samples) -> Score:
        self._require(subject, samples)
        hessian = Hessian(Loss.of(subject, samples, self.precision))
        generator = torch.Generator().manual_seed(self.seed)
        drawn = torch.randn((self.n_controls + 1, hessian.size), generator=generator).to(hessian.weights[0])
        drawn = drawn / drawn.norm(dim=1, keepdim=True)
        pair = top_pair(hessian.product, drawn[0], end=self.end, tolerance=self.tolerance, most=self.most)
        control = [float(row @ hessian.product(row)) for row in drawn[1:]]
        measured = {
            "residual": pair.residual,
            "products": pair.products,
            "converged": pair.converged,
            "parameters": hessian.size,
        }
        return Score(
            title=f"{self._word()} of the Hessian of {subject.name}: {pair.value:.4g} ± {pair.residual:.1g}",
            provenance={**self.origin(subject, samples), **measured},
            metric=self.name,
            subject=subject.name,
            method="Lanczos",
            category="curvature",
            higher_is_better=False,
            unit="nats per squared unit of weight",
            values=np.array([pair.value]),
            control=np.array([control]),
            sample_ids=(f"{len(samples)} samples from {samples.ids[0]}",),
            low=pair.value - pair.residual,
            high=pair.value + pair.residual,
            seed=self.seed,
            parameters={**settings.values(self), **measured},
            why=self._why(pair),
        )

    def cost(self) -> tuple[int, int]:
        passes = self.most + 1 + self.n_controls
        return passes, 2 * passes

    def why_not(self, subject: Subject) -> str | None:
        return why_no_weights(subject)

    def _word(self) -> str:
        return "Largest eigenvalue" if self.end == "largest" else "Eigenvalue of largest magnitude"

    def _why(self, pair: RitzPair) -> str:
        if pair.converged:
            return ""
        return (
            f"Lanczos stopped after {pair.products} products with a residual of {pair.residual:.1g}, above the "
            f"tolerance. Raise `most`, or `precision` to float64."
        )
