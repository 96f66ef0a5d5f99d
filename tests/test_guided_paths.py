"""Paths that are not straight: the blurred image that comes into focus, and the path that f chooses."""

import numpy as np
import oracles
import pytest
import torch
from scipy.ndimage import gaussian_filter1d
from subjects import SCORE, Convolved, Corner, Linear, Product, Scalar, at, query, subject

from workbench.blur import blurred
from workbench.explanation import explain, method
from workbench.methods.blur_integrated_gradients import BlurIntegratedGradients
from workbench.methods.guided_integrated_gradients import GuidedIntegratedGradients
from workbench.pieces import Even


class Steps(Scalar):
    """f = 3 x₀ + x₁ + x₀ x₁."""

    def score(self, inputs):
        return 3 * inputs[:, 0] + inputs[:, 1] + inputs[:, 0] * inputs[:, 1]


class Sketch(Scalar):
    """f = sin of the first channel's pixels, added up, plus products of neighbours of the second: smooth."""

    def score(self, inputs):
        return inputs[:, 0].sin().flatten(1).sum(1) + (inputs[:, 1, :, 1:] * inputs[:, 1, :, :-1]).flatten(1).sum(1)


@pytest.mark.parametrize("sigma", [0.0, 0.2, 0.5, 1.0, 2.3])
def test_blur_equals_scipys(sigma):
    images = torch.rand(2, 2, 6, 9, generator=torch.Generator().manual_seed(0))
    expected = images.double().numpy()
    if sigma:
        for axis in (2, 3):
            expected = gaussian_filter1d(expected, sigma, axis, mode="nearest", radius=int(3 * sigma))
    found = blurred(images, torch.tensor([0.7, sigma]))[:, 1]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def polygon(f, nodes, times=400):
    """Σ over straight lines of displacement times the mean gradient, by a fine midpoint sum."""
    total = torch.zeros_like(nodes[0], dtype=torch.float64)
    for a, b in zip(nodes[:-1].double(), nodes[1:].double(), strict=True):
        for step in range(times):
            total += (b - a) * oracles.gradient(f, a + (step + 0.5) / times * (b - a)) / times
    return total


def test_blur_integrated_gradients_equal_a_fine_sum_along_the_curve():
    from subjects import Pixels

    from workbench.subject import Subject

    of = Subject(Sketch(), Pixels(), name="sketch")
    samples = of.task.samples("test").take([0])
    record = explain(of, samples, method("blur_integrated_gradients", sigma=0.3, n_steps=128), SCORE)
    curve = blurred(samples.inputs.double(), torch.linspace(1, 0, 801, dtype=torch.float64) * 0.3 * 6)[0]
    expected = polygon(oracles.scalar(of.network), curve, times=1).numpy()
    np.testing.assert_allclose(record.values[0], expected, atol=5e-3 * np.abs(expected).max())
    blurry = float(oracles.scalar(of.network)(curve[0]).detach())
    assert record.f_reference[0] == pytest.approx(blurry, abs=1e-4)


def test_blur_of_a_linear_network_is_weight_times_what_the_blur_took():
    of = subject(Corner)
    samples = of.task.samples("test")
    config = BlurIntegratedGradients()
    record = explain(of, samples, config, SCORE)
    taken = samples.inputs - blurred(samples.inputs, torch.tensor([config.sigma * 6]))[:, 0]
    np.testing.assert_allclose(record.values, (taken * of.network.weight).detach().numpy(), atol=1e-5)


def test_guided_path_moves_first_what_f_responds_to_least():
    """From (0, 0) to (1, 1) the gradient is (3 + x₁, 1 + x₀): x₁ goes first, all the way, then x₀."""
    of, samples = subject(Steps), at((1.0, 1.0, 0.0, 0.0))
    config = GuidedIntegratedGradients(n_steps=10, distance=1.0, fraction=0.01, reference_input="zero")
    nodes = config.nodes(query(of, samples), torch.arange(1))[0]
    np.testing.assert_allclose(nodes[:, 1], np.minimum(np.arange(11) / 5, 1), atol=1e-6)
    np.testing.assert_allclose(nodes[:, 0], np.maximum(np.arange(11) / 5 - 1, 0), atol=1e-6)
    np.testing.assert_allclose(explain(of, samples, config, SCORE).values[0, :2], (4, 1), atol=1e-3)


def test_guided_path_stays_near_the_straight_one_and_keeps_its_pace():
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    for distance in (0.0, 0.05, 0.3):
        config = GuidedIntegratedGradients(n_steps=20, distance=distance)
        nodes = config.nodes(query(of, samples), torch.arange(3)).double()
        x, start = nodes[:, -1:], nodes[:, :1]
        done = ((nodes - start) / (x - start)).flatten(2)
        straight = torch.linspace(0, 1, 21, dtype=torch.float64)[None, :, None]
        assert float((done - straight).abs().max()) <= distance + 1e-5
        left = (nodes - x).abs().flatten(2).sum(2) / (start - x).abs().flatten(2).sum(2)
        torch.testing.assert_close(left, (1 - straight[..., 0]).expand(3, -1), atol=1e-5, rtol=0)


def test_guided_path_at_no_distance_is_integrated_gradients():
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    straight = explain(of, samples, method("integrated_gradients", tolerance=1e-4), SCORE)
    found = explain(of, samples, method("guided_integrated_gradients", distance=0.0, tolerance=1e-4), SCORE)
    np.testing.assert_allclose(found.values, straight.values, atol=2e-3 * np.abs(straight.values).max())


def test_integral_along_the_guided_path_equals_a_fine_sum():
    of, samples = subject(Product), at((0.9, -0.4, 0.2, 0.1))
    config = GuidedIntegratedGradients(n_steps=8, tolerance=1e-5)
    nodes = config.nodes(query(of, samples), torch.arange(1))[0]
    expected = polygon(oracles.scalar(of.network), nodes).numpy()
    np.testing.assert_allclose(explain(of, samples, config, SCORE).values[0], expected, atol=1e-4)


def test_pieces_of_a_chain_of_lines_each_lie_on_one():
    of = subject(Linear)
    samples = at((1.0, 1.0, 1.0, 1.0))
    nodes = torch.stack([samples.inputs * t for t in (0.0, 0.1, 0.7, 1.0)], 1)
    for count in (3, 6, 9):
        pieces = Even.of(query(of, samples), nodes, torch.arange(1), count)
        np.testing.assert_allclose(pieces.mean()[0], (2, 2, -3, 0), atol=1e-5)
        per_line = pieces.shares().view(3, -1).sum(1)
        np.testing.assert_allclose(per_line, torch.tensor([0.1, 0.6, 0.3]), atol=1e-5)
