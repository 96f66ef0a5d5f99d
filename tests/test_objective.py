"""What training makes small: each loss and score against its formula, on answers that are given."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.model import Network, SequenceNetwork
from zoo.objective import CrossEntropy, SquaredError, StepwiseCrossEntropy, objective
from zoo.task import Samples

LOGITS = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
DIGITS = zoo.task("digits")


class Told(Network):
    """Answers what its input says."""

    name = "told"

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.weight * inputs


class ToldStepwise(SequenceNetwork):
    """Answers at every step what its input says."""

    name = "told_stepwise"

    def steps(self, inputs: Tensor) -> Tensor:
        return inputs


def samples(**parts: Tensor) -> Samples:
    labels = parts.pop("labels", torch.zeros(6, dtype=torch.long))
    return Samples(inputs=LOGITS, labels=labels, ids=tuple(f"test:{i}" for i in range(6)), **parts)


def test_cross_entropy_is_that_of_smoothed_labels():
    given = samples(labels=torch.tensor([0, 1, 2, 0, 1, 2]))
    goal = CrossEntropy(3, smoothing=0.3)
    loss, hits = goal(Told(), LOGITS[:, 0].float(), goal.targets(given))
    q = 0.7 * np.eye(3)[given.labels] + 0.1
    p = LOGITS[:, 0].softmax(1).numpy()
    assert loss.item() == pytest.approx(-(q * np.log(p)).sum(1).mean(), rel=1e-5)
    assert int(hits) == int((LOGITS[:, 0].argmax(1) == given.labels).sum())


def test_stepwise_cross_entropy_counts_the_steps_at_which_something_is_asked():
    answers = torch.tensor([[-1, 0, 1, 2]] * 3 + [[-1, -1, -1, 0]] * 3)
    goal = StepwiseCrossEntropy()
    loss, score = goal(ToldStepwise(), LOGITS.float(), goal.targets(samples(answers=answers)))
    asked = (answers >= 0).numpy()
    p = LOGITS.softmax(2).numpy()
    chosen = np.take_along_axis(p, answers.clamp(min=0).numpy()[..., None], 2)[..., 0]
    assert loss.item() == pytest.approx(-np.log(chosen)[asked].mean(), rel=1e-5)
    right = (LOGITS.argmax(2) == answers).numpy()[asked]
    assert float(score) / 6 == pytest.approx(right.mean())


def test_squared_error_is_scored_by_r_squared():
    values = torch.linspace(-1, 2, 6)
    goal = objective(_Regression(), samples(values=values), Told)
    assert isinstance(goal, SquaredError)
    said = LOGITS[:, 0, :1].float()
    loss, score = goal(Told(), said, goal.targets(samples(values=values)))
    errors = (said[:, 0] - values).numpy()
    assert loss.item() == pytest.approx((errors**2).mean(), rel=1e-5)
    assert float(score) / 6 == pytest.approx(1 - (errors**2).mean() / values.numpy().var(), rel=1e-5)


def test_the_objective_follows_from_task_and_architecture():
    asked = samples(answers=torch.zeros(6, 4, dtype=torch.long))
    assert isinstance(objective(DIGITS, asked, Told), CrossEntropy)
    assert isinstance(objective(DIGITS, asked, ToldStepwise), StepwiseCrossEntropy)
    assert objective(DIGITS, samples(), Told, 0.1) == CrossEntropy(10, 0.1)


def test_values_and_answers_are_taken_with_their_samples():
    both = replace(samples(values=torch.arange(6.0)), answers=torch.arange(24).reshape(6, 4))
    taken = both.take([4, 1])
    assert taken.values.tolist() == [4, 1]
    assert taken.answers[0].tolist() == [16, 17, 18, 19]


class _Regression(type(DIGITS)):
    """Digits as if a number were asked for."""

    classes = ("ink, pixels",)
