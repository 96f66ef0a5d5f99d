"""Gradient boosting on histograms."""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from torch import Tensor

from zoo.model import Capability, TraditionalModel, linear_logits
from zoo.tabular import answers, rows, wanted
from zoo.task import Samples, Task
from zoo.trees import Sum, Trees, joined


@dataclass
class Boosting(TraditionalModel):
    """A sum of small trees, each fitted to what the sum of those before it still gets wrong.

    F_m = F_{m−1} + η t_m, with t_m the tree that best follows −∂loss/∂F_{m−1}; of K > 2 classes one tree each. Features
    are cut into 255 bins first. p = softmax(F) of classes (one F and a sigmoid where there are two).

    When it misleads: between the places where its trees cut, it is constant, so it has no gradient, and beyond the
    training data it answers as at their rim. Reference: [friedman2001greedy], [ke2017lightgbm]
    """

    name = "boosting"
    capabilities = frozenset({Capability.TREES})

    rounds: int = 100
    """Trees per class."""
    rate: float = 0.1
    """η: how much of each tree is added."""
    leaves: int = 31
    """Most leaves of a tree."""
    least: int = 20
    """Training samples in a leaf, at least."""
    penalty: float = 0.0
    """On the squares of the leaves' numbers."""
    fitted: HistGradientBoostingClassifier | HistGradientBoostingRegressor = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        kind = HistGradientBoostingRegressor if task.regression else HistGradientBoostingClassifier
        self.fitted = kind(
            max_iter=self.rounds,
            learning_rate=self.rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.least,
            l2_regularization=self.penalty,
            early_stopping=False,  # it would keep a tenth of the training split to itself
            random_state=seed,
        )
        self.fitted.fit(rows(samples.inputs), wanted(samples))

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        if isinstance(self.fitted, HistGradientBoostingClassifier):
            return linear_logits(self.fitted.decision_function(rows(inputs)))
        return answers(self.fitted, inputs)

    def parameters(self) -> int:
        """A feature and a threshold per question and a number per leaf, and where the sums start."""
        trees = [tree for row in self.fitted._predictors for tree in row]  # scikit-learn shows them nowhere else
        leaves = sum(tree.get_n_leaf_nodes() for tree in trees)
        return 2 * (leaves - len(trees)) + leaves + self.fitted._baseline_prediction.size

    def structure(self) -> Trees:
        start, classifies = self.fitted._baseline_prediction.ravel(), hasattr(self.fitted, "classes_")
        width = len(start)
        two = classifies and width == 1  # one F for the difference of two classes, which is shared
        ways = np.array([[-0.5, 0.5]]) if two else np.eye(width)
        nothing = np.zeros(ways.shape[1])
        tables = [
            _table(tree.nodes, way, nothing)
            for row in self.fitted._predictors
            for tree, way in zip(row, ways, strict=True)
        ]
        sums = Sum.LOGIT if classifies else Sum.NUMBER
        return replace(joined(tables), start=start @ ways, sums=sums)


def _table(nodes: np.ndarray, way: Float[np.ndarray, "class"], start: Float[np.ndarray, "class"]) -> Trees:
    """The nodes of one tree, whose answers go to the classes along `way`."""
    leaf = nodes["is_leaf"].astype(bool)
    return Trees(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        values=nodes["value"][:, None] * way,
        start=start,
        count=1,
        sums=Sum.LOGIT,
        precision=np.float64,
    )
