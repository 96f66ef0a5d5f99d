"""Paths over which a gradient does not tell the whole: jumps, and slopes that look like jumps."""

import numpy as np
import pytest
import torch
from subjects import SCORE, Scalar, at, subject

from workbench.explanation import explain, method


class Threshold(Scalar):
    """f = sin x₀ + 5 (x₁ > 0.4): a gradient knows nothing of the jump."""

    def score(self, inputs):
        return inputs[:, 0].sin() + 5.0 * (inputs[:, 1] > 0.4).to(inputs.dtype)


class Steep(Scalar):
    """f = sigmoid(10,000 (x₀ - 0.37)): what looks like a jump until the pieces are narrow."""

    def score(self, inputs):
        return torch.sigmoid(1e4 * (inputs[:, 0] - 0.37))


def test_integrated_gradients_of_a_jump_end():
    record = explain(subject(Threshold), at((1.0, 1.0)), method("integrated_gradients"), SCORE)
    np.testing.assert_allclose(record.values[0, :2], (np.sin(1.0), 0), atol=1e-4)
    assert record.completeness_gap[0] == pytest.approx(-5, abs=1e-3)
    assert record.forward_passes < 300


def test_integrated_gradients_go_on_where_halving_helps_late():
    of, samples = subject(Steep), at((1.0,), (0.3,), (0.9,))
    record = explain(of, samples, method("integrated_gradients"), SCORE)
    np.testing.assert_allclose(record.values[:, 0], (1, 0, 1), atol=0.01)
    for row in range(3):
        alone = explain(of, samples.take([row]), method("integrated_gradients"), SCORE)
        np.testing.assert_allclose(alone.values[0], record.values[row], atol=1e-6)
