"""Logistic regression on which token stands where."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from torch import Tensor

from zoo.model import TraditionalModel, linear_logits
from zoo.task import Samples, Task, TextTask

UNSEEN = -100.0
"""Logit of a class that training never showed."""


@dataclass
class OneHot(TraditionalModel):
    """One weight per class, place and token: z_c = b_c + Σ_t W_c[t, token at t], over the last tokens.

    p = softmax(z), with the penalty ‖W‖² / 2C. What training has not shown at a place adds nothing.

    When it misleads: tokens are weighed one by one, so what only two of them together say is beyond it.
    Reference: [cox1958regression]
    """

    name = "one_hot"

    last: int = 8
    """How many tokens are read, from the end; a sample must not be shorter, nor padded."""
    C: float = 1.0
    """Inverse of the penalty's strength."""
    classes: int = field(init=False, repr=False)
    fitted: Pipeline = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        if not isinstance(task, TextTask):
            raise TypeError(f"Tokens are of text; {task.name} is {task.kind}.")
        regression = LogisticRegression(C=self.C, max_iter=1000, tol=1e-3, random_state=seed)
        self.fitted = make_pipeline(OneHotEncoder(handle_unknown="ignore"), regression)
        self.fitted.fit(self.features(samples.inputs), samples.labels.numpy())
        self.classes = len(task.classes)

    def features(self, inputs: Int[Tensor, "sample token"]) -> Int[np.ndarray, "sample place"]:
        """The last tokens of each sample."""
        return inputs[:, -self.last :].cpu().numpy()

    def logits(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample class"]:
        known = linear_logits(self.fitted.decision_function(self.features(inputs)))
        logits = known.new_full((len(inputs), self.classes), UNSEEN)
        logits[:, self.fitted.classes_] = known
        return logits

    def parameters(self) -> int:
        regression = self.fitted[-1]
        return regression.coef_.size + regression.intercept_.size
