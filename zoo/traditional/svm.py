"""A support vector machine."""

from dataclasses import dataclass, field

from jaxtyping import Float
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import SVC
from torch import Tensor

from zoo.model import TraditionalModel, log_probabilities
from zoo.task import Samples, Task


@dataclass
class Svm(TraditionalModel):
    """Support vectors with the radial kernel exp(−γ ‖x − v‖²), one machine per pair of classes.

    A machine gives no probabilities: they are a sigmoid of its decision function, fitted by 5-fold cross-validation
    within the training split, so the machine itself sees all of it.

    When it misleads: the class of the largest calibrated probability can differ from the machine's own vote.
    Reference: [cortes1995support], [platt1999probabilistic]
    """

    name = "svm"

    C: float = 1.0
    """Price of a violated margin."""
    gamma: float = 1.0
    fitted: CalibratedClassifierCV = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        machine = SVC(C=self.C, gamma=self.gamma, random_state=seed)
        self.fitted = CalibratedClassifierCV(machine, method="sigmoid", cv=5, ensemble=False)
        self.fitted.fit(samples.inputs.flatten(1).numpy(), samples.labels.numpy())

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return log_probabilities(self.fitted.predict_proba(inputs.detach().cpu().flatten(1).numpy()))

    def parameters(self) -> int:
        """Support vectors, their weights and the intercepts, and two numbers of each class's sigmoid."""
        calibrated = self.fitted.calibrated_classifiers_[0]
        machine = calibrated.estimator
        return sum(a.size for a in (machine.support_vectors_, machine.dual_coef_, machine.intercept_)) + 2 * len(
            calibrated.calibrators
        )
