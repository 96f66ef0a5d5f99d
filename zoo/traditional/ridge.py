"""Ridge regression."""

from dataclasses import dataclass, field

from jaxtyping import Float
from sklearn.linear_model import Ridge as Regression
from torch import Tensor

from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.tabular import answers, rows, wanted
from zoo.task import Samples, Task


@dataclass
class Ridge(TraditionalModel):
    """Linear regression with a price on large weights: w and b minimise Σ_i (y_i − w · x_i − b)² + α ‖w‖².

    When it misleads: of two features that say the same each gets half of the weight, and neither looks important.
    Reference: [hoerl1970ridge]
    """

    name = "ridge"

    alpha: float = 1.0
    """Price of the squared weights."""
    fitted: Regression = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        if samples.values is None:
            raise InputError(f"Ridge regression predicts a number; {task.name} asks for a class. Use 'logistic' there.")
        self.fitted = Regression(alpha=self.alpha, random_state=seed).fit(rows(samples.inputs), wanted(samples))

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return answers(self.fitted, inputs)

    def parameters(self) -> int:
        return self.fitted.coef_.size + 1
