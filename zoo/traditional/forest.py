"""A random forest."""

from dataclasses import dataclass, field

from jaxtyping import Float
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from torch import Tensor

from zoo.model import Capability, TraditionalModel
from zoo.tabular import answers, rows, wanted
from zoo.task import Samples, Task
from zoo.traditional.tree import numbers_of, table_of
from zoo.trees import Trees, joined


@dataclass
class Forest(TraditionalModel):
    """The mean of many trees' class shares, or numbers; each tree sees a bootstrap sample, each split a few of the
    features.

    When it misleads: its probabilities are shares of votes and shun 0 and 1, so it looks less sure than it is right.
    Reference: [breiman2001random]
    """

    name = "forest"
    capabilities = frozenset({Capability.TREES})

    trees: int = 200
    fitted: RandomForestClassifier | RandomForestRegressor = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        kind = RandomForestRegressor if task.regression else RandomForestClassifier
        some = 1 / 3 if task.regression else "sqrt"  # of the features, at each split: the usual ones of either
        self.fitted = kind(n_estimators=self.trees, max_features=some, random_state=seed, n_jobs=1)
        self.fitted.fit(rows(samples.inputs), wanted(samples))

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return answers(self.fitted, inputs)

    def parameters(self) -> int:
        return sum(numbers_of(tree) for tree in self.fitted.estimators_)

    def structure(self) -> Trees:
        return joined([table_of(tree, 1 / len(self.fitted.estimators_)) for tree in self.fitted.estimators_])
