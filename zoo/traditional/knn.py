"""The nearest neighbours."""

from dataclasses import dataclass, field

from jaxtyping import Float
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from torch import Tensor

from zoo.model import TraditionalModel
from zoo.tabular import answers, rows, wanted
from zoo.task import Samples, Task


@dataclass
class Knn(TraditionalModel):
    """The share of each class (of regression, the mean) among the k training samples at the least Euclidean distance.

    When it misleads: every feature counts alike in the distance, so features that say nothing push the right neighbours
    away; its probabilities are multiples of 1 / k. Reference: [cover1967nearest]
    """

    name = "knn"

    neighbours: int = 5
    """k: how many are asked."""
    fitted: KNeighborsClassifier | KNeighborsRegressor = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        kind = KNeighborsRegressor if task.regression else KNeighborsClassifier
        self.fitted = kind(n_neighbors=self.neighbours).fit(rows(samples.inputs), wanted(samples))

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return answers(self.fitted, inputs)

    def parameters(self) -> int:
        """The training samples and their answers, all of which are kept."""
        return self.fitted.n_samples_fit_ * (self.fitted.n_features_in_ + 1)
