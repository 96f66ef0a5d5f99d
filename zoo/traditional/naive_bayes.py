"""Naive Bayes with a normal distribution per feature and class."""

from dataclasses import dataclass, field

from jaxtyping import Float
from sklearn.naive_bayes import GaussianNB
from torch import Tensor

from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.tabular import answers, rows, wanted
from zoo.task import Samples, Task


@dataclass
class NaiveBayes(TraditionalModel):
    """Within a class every feature is normal and none knows of another: p(c | x) ∝ p(c) Π_j N(x_j; μ_cj, σ²_cj).

    `smoothing` times the largest variance of a feature is added to every variance, so that none is zero.

    When it misleads: features that say the same are counted as independent witnesses, so its probabilities are far too
    close to 0 and 1. Reference: [hand2001idiot]
    """

    name = "naive_bayes"

    smoothing: float = 1e-9
    fitted: GaussianNB = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        if task.regression:
            raise InputError(f"Naive Bayes predicts a class; {task.name} asks for a number. Use 'ridge' there.")
        self.fitted = GaussianNB(var_smoothing=self.smoothing).fit(rows(samples.inputs), wanted(samples))

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return answers(self.fitted, inputs)

    def parameters(self) -> int:
        """A mean and a variance per feature and class, and the shares of the classes (they sum to one)."""
        return self.fitted.theta_.size + self.fitted.var_.size + self.fitted.class_prior_.size - 1
