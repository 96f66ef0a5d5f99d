"""Logistic regression."""

from dataclasses import dataclass, field

from jaxtyping import Float
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from zoo.errors import InputError
from zoo.model import TraditionalModel, linear_logits
from zoo.tabular import rows, wanted
from zoo.task import Samples, Task


@dataclass
class Logistic(TraditionalModel):
    """Multinomial logistic regression on the flattened inputs.

    p(c | x) = softmax(W x + b)_c, with the penalty ‖W‖² / 2C on the weights.

    Reference: [cox1958regression]
    """

    name = "logistic"

    C: float = 1.0
    """Inverse of the penalty's strength."""
    fitted: LogisticRegression = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        if task.regression:
            raise InputError(f"Logistic regression predicts a class; {task.name} asks for a number. Use 'ridge' there.")
        self.fitted = LogisticRegression(C=self.C, max_iter=5000, random_state=seed)
        self.fitted.fit(rows(samples.inputs), wanted(samples))

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return linear_logits(self.fitted.decision_function(rows(inputs)))

    def parameters(self) -> int:
        return self.fitted.coef_.size + self.fitted.intercept_.size
