"""A random forest."""

from dataclasses import dataclass, field

from jaxtyping import Float
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor

from zoo.model import TraditionalModel, log_probabilities
from zoo.task import Samples, Task


@dataclass
class Forest(TraditionalModel):
    """The mean of many trees' class shares; each tree sees a bootstrap sample, each split a few of the features.

    When it misleads: its probabilities are shares of votes and shun 0 and 1, so it looks less sure than it is right.
    Reference: [breiman2001random]
    """

    name = "forest"

    trees: int = 200
    fitted: RandomForestClassifier = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        self.fitted = RandomForestClassifier(n_estimators=self.trees, random_state=seed, n_jobs=1)
        self.fitted.fit(samples.inputs.flatten(1).numpy(), samples.labels.numpy())

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return log_probabilities(self.fitted.predict_proba(inputs.detach().cpu().flatten(1).numpy()))

    def parameters(self) -> int:
        """A feature and a threshold per inner node, and a share per class in each leaf (they sum to one)."""
        trees = [estimator.tree_ for estimator in self.fitted.estimators_]
        leaves = sum(int(tree.n_leaves) for tree in trees)
        nodes = sum(int(tree.node_count) for tree in trees)
        return 2 * (nodes - leaves) + leaves * (len(self.fitted.classes_) - 1)
