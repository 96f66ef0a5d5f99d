"""A support vector machine."""

from dataclasses import dataclass, field

from jaxtyping import Float
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import SVC, SVR
from torch import Tensor

from zoo.model import TraditionalModel
from zoo.tabular import answers, rows, wanted
from zoo.task import Samples, Task


@dataclass
class Svm(TraditionalModel):
    """Support vectors with the radial kernel exp(−γ ‖x − v‖²), one machine per pair of classes, or one for a number.

    A machine gives no probabilities: they are a sigmoid of its decision function, fitted by 5-fold cross-validation
    within the training split, so the machine itself sees all of it. Of regression an error below ε costs nothing, and
    ε and C are in the unit of the output.

    When it misleads: the class of the largest calibrated probability can differ from the machine's own vote.
    Reference: [cortes1995support], [platt1999probabilistic]
    """

    name = "svm"

    C: float = 1.0
    """Price of a violated margin."""
    gamma: float = 1.0
    epsilon: float = 0.1
    """Of regression: the error that is let pass."""
    fitted: CalibratedClassifierCV | SVR = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        if task.regression:
            self.fitted = SVR(C=self.C, gamma=self.gamma, epsilon=self.epsilon)
        else:
            machine = SVC(C=self.C, gamma=self.gamma, random_state=seed)
            self.fitted = CalibratedClassifierCV(machine, method="sigmoid", cv=5, ensemble=False)
        self.fitted.fit(rows(samples.inputs), wanted(samples))

    def logits(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return answers(self.fitted, inputs)

    def parameters(self) -> int:
        """Support vectors, their weights and the intercepts, and two numbers of each class's sigmoid."""
        if isinstance(self.fitted, SVR):
            machine, sigmoids = self.fitted, 0
        else:
            calibrated = self.fitted.calibrated_classifiers_[0]
            machine, sigmoids = calibrated.estimator, len(calibrated.calibrators)
        return sum(a.size for a in (machine.support_vectors_, machine.dual_coef_, machine.intercept_)) + 2 * sigmoids
