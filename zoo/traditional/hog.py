"""Histograms of oriented gradients, and a linear model on them."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from zoo.errors import InputError
from zoo.model import TraditionalModel, linear_logits
from zoo.tabular import wanted
from zoo.task import Kind, Samples, Task


@dataclass
class Hog(TraditionalModel):
    """Logistic regression on which way the edges run, cell by cell: what people built before networks learnt features.

    h(cell, d) = mean of ‖∇x‖ over the cell's pixels whose gradient lies in direction d, of `orientations` in half a
    turn; the histograms of each block of `block` × `block` cells are divided by their norm, cut at 0.2 and divided
    again (L2-Hys).  p(c | x) = softmax(W h + b)_c, with the penalty ‖W‖² / 2C.

    Of colours each pixel's channel with the longest gradient counts.

    When it misleads: brightness and colour by themselves are invisible to it. Reference: [dalal2005histograms]
    """

    name = "hog"

    C: float = 1.0
    """Inverse of the penalty's strength."""
    orientations: int = 9
    cell: int = 4
    """Height and width of a cell in pixels."""
    block: int = 2
    """Height and width of a block in cells; blocks overlap by all but one cell."""
    fitted: LogisticRegression = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        if task.kind is not Kind.IMAGE or task.regression:
            raise InputError(f"'hog' tells classes of images apart; {task.name} is {task.kind}. Use 'logistic' there.")
        self.fitted = LogisticRegression(C=self.C, max_iter=1000, random_state=seed)
        self.fitted.fit(self.features(samples.inputs), wanted(samples))

    def features(self, inputs: Float[Tensor, "sample channel height width"]) -> Float[np.ndarray, "sample feature"]:
        """The normalised histograms of each image, in one row."""
        from skimage.feature import hog

        size = {"orientations": self.orientations, "pixels_per_cell": (self.cell,) * 2}
        images = inputs.detach().cpu().permute(0, 2, 3, 1).contiguous().numpy()
        return np.stack([hog(each, cells_per_block=(self.block,) * 2, channel_axis=-1, **size) for each in images])

    def logits(self, inputs: Float[Tensor, "sample channel height width"]) -> Float[Tensor, "sample class"]:
        return linear_logits(self.fitted.decision_function(self.features(inputs)))

    def parameters(self) -> int:
        """The weights and intercepts; the histograms have none."""
        return self.fitted.coef_.size + self.fitted.intercept_.size
