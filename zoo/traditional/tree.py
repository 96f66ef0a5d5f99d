"""A decision tree."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from torch import Tensor

from zoo.model import Capability, TraditionalModel
from zoo.tabular import answers, rows, wanted
from zoo.task import Samples, Task
from zoo.trees import Sum, Trees


@dataclass
class Tree(TraditionalModel):
    """Questions x_j ≤ t, one after the other; the answer is the share of each class (of regression, the mean) among the
    training samples in the leaf that is reached.

    Each question is the one that leaves the least impurity: Σ_c p_c (1 − p_c) of classes, the variance of numbers.

    When it misleads: a few other samples can change the first question and with it all the rest, so a tree that reads
    well need not be the only one that fits. Reference: [breiman1984classification]
    """

    name = "tree"
    capabilities = frozenset({Capability.TREES})

    depth: int | None = None
    """Most questions in a row; None asks until a leaf is pure."""
    least: int = 1
    """Training samples in a leaf, at least."""
    fitted: DecisionTreeClassifier | DecisionTreeRegressor = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        kind = DecisionTreeRegressor if task.regression else DecisionTreeClassifier
        self.fitted = kind(max_depth=self.depth, min_samples_leaf=self.least, random_state=seed)
        self.fitted.fit(rows(samples.inputs), wanted(samples))

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return answers(self.fitted, inputs)

    def parameters(self) -> int:
        return numbers_of(self.fitted)

    def structure(self) -> Trees:
        return table_of(self.fitted)


def numbers_of(tree: DecisionTreeClassifier | DecisionTreeRegressor) -> int:
    """A feature and a threshold per question; in each leaf a mean, or a share per class (they sum to one)."""
    leaves, nodes = int(tree.tree_.n_leaves), int(tree.tree_.node_count)
    free = tree.n_classes_ - 1 if isinstance(tree, DecisionTreeClassifier) else 1
    return 2 * (nodes - leaves) + leaves * int(free)


def table_of(tree: DecisionTreeClassifier | DecisionTreeRegressor, share: float = 1.0) -> Trees:
    """The nodes of a fitted tree, its answers times its `share` in a mean."""
    nodes, classes = tree.tree_, isinstance(tree, DecisionTreeClassifier)
    values = nodes.value[:, 0].astype(np.float64)
    values = share * (values / values.sum(1, keepdims=True) if classes else values)
    return Trees(
        feature=np.maximum(nodes.feature, 0).astype(np.int64),
        threshold=nodes.threshold,
        left=nodes.children_left.astype(np.int64),
        right=nodes.children_right.astype(np.int64),
        values=values,
        start=np.zeros(values.shape[1]),
        count=1,
        sums=Sum.PROBABILITY if classes else Sum.NUMBER,
    )
