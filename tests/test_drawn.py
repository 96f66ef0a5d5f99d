"""References drawn from the data: against a literal mean, and f(x') as the mean over them."""

import numpy as np
import oracles
import pytest
import torch
from subjects import SCORE, Additive, Bag, Convolved, Dense, Gated, Linear, Negation, at, query, subject

from workbench.explanation import explain, method
from workbench.methods.expected_gradients import ExpectedGradients
from workbench.methods.gradient_shap import GradientShap
from workbench.noise import noise, scale

NETWORKS = (Dense, Convolved, Gated, Negation)


def case(network, config, count=2):
    """The samples, f of each, and the references and points of the paths as the method draws them."""
    of = subject(network)
    samples = of.task.samples("test").take(range(count))
    asked, rows = query(of, samples), torch.arange(count)
    drawn = config.references(asked, rows)
    masks = [None] * count if asked.mask is None else list(asked.mask)
    functions = [oracles.scalar(of.network, mask) for mask in masks]
    start = torch.stack([of.points(one) for one in drawn])
    return of, samples, asked, functions, drawn, start


@pytest.mark.parametrize("network", NETWORKS)
def test_expected_gradients_equal_the_loop_over_references_and_strata(network):
    config = ExpectedGradients(n_references=3, n_steps=4, seed=5)
    of, samples, asked, functions, _, start = case(network, config)
    points = config.along(asked, torch.arange(2), start)
    record = explain(of, samples, config, SCORE)
    for i, f in enumerate(functions):
        x, total = asked.points[i].double(), 0
        for k in range(3):
            for j in range(4):
                total = total + (x - start[i, k]) * oracles.gradient(f, points[i, k, j]) / 12
        total = total.sum(-1) if network is Negation else total
        np.testing.assert_allclose(record.values[i], total.numpy(), rtol=1e-3, atol=2e-5)


def test_times_fall_into_strata_of_their_own():
    for seed in range(5):
        times = ExpectedGradients(n_references=6, n_steps=5).times(torch.Generator().manual_seed(seed))
        for row in times:
            assert (row * 5).long().tolist() == [0, 1, 2, 3, 4]
        assert sorted((times * 30).long().flatten().tolist()) == list(range(30))


@pytest.mark.parametrize("network", NETWORKS)
def test_gradient_shap_equals_the_loop_over_its_draws(network):
    config = GradientShap(n_references=6, noise=0.1, seed=2)
    of, samples, asked, functions, _, start = case(network, config)
    points = config.along(asked, torch.arange(2), start)
    quiet = GradientShap(n_references=6, noise=0.0, seed=2).along(asked, torch.arange(2), start)
    shift = 0.1 * scale(of) * noise(asked, torch.arange(2), 6, 2)
    torch.testing.assert_close(points - quiet, shift[:, :, None], atol=1e-5, rtol=0)
    record = explain(of, samples, config, SCORE)
    for i, f in enumerate(functions):
        x = asked.points[i].double()
        terms = [(x - start[i, n]) * oracles.gradient(f, points[i, n, 0]) for n in range(6)]
        total = sum(terms) / 6
        total = total.sum(-1) if network is Negation else total
        np.testing.assert_allclose(record.values[i], total.numpy(), rtol=1e-3, atol=2e-5)


def test_places_on_the_path_are_uniform():
    config = GradientShap(n_references=2000, noise=0.0)
    of = subject(Linear)
    asked = query(of, at((1.0, 1.0, 1.0, 1.0)))
    start = torch.zeros(1, 2000, 4)
    times = config.along(asked, torch.arange(1), start)[0, :, 0, 0]
    assert float(times.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(times.std()) == pytest.approx(12**-0.5, abs=0.02)


@pytest.mark.parametrize("config", [ExpectedGradients(), GradientShap()], ids=lambda config: config.name)
@pytest.mark.parametrize("network", NETWORKS)
def test_f_reference_is_the_mean_over_the_references(network, config):
    of, samples, _, functions, drawn, start = case(network, config)
    record = explain(of, samples, config, SCORE)
    for i, f in enumerate(functions):
        ends = start[i] if network is Negation else drawn[i]
        expected = float(torch.stack([f(end).detach() for end in ends]).mean())
        assert record.f_reference[i] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["expected_gradients", "gradient_shap"])
def test_linear_function_counts_from_the_mean_reference_without_a_gap(name):
    of = subject(Linear)
    samples = of.task.samples("test")
    config = method(name, n_references=7)
    record = explain(of, samples, config, SCORE)
    mean = config.references(query(of, samples), torch.arange(12)).mean(1)
    weight = torch.tensor([2.0, 2.0, -3.0, 0.0])
    np.testing.assert_allclose(record.values, (weight * (samples.inputs - mean)).numpy(), atol=1e-5)
    assert np.abs(record.completeness_gap).max() < 1e-5


def test_gap_closes_with_more_points():
    of = subject(Additive)
    samples = of.task.samples("test")
    records = [explain(of, samples, method("expected_gradients", n_steps=n), SCORE) for n in (1, 4, 64)]
    means = [np.abs(record.completeness_gap).mean() for record in records]
    assert means == sorted(means, reverse=True)
    assert means[-1] < 0.03 * means[0]


def test_references_are_training_inputs_drawn_for_each_sample():
    of = subject(Dense)
    asked = query(of, of.task.samples("test"))
    training = of.task.samples("train").inputs
    drawn = ExpectedGradients(n_references=50).references(asked, torch.arange(12))
    assert all((training == one).all(1).any() for one in drawn.flatten(0, 1))
    assert len(drawn[0].unique(dim=0)) == len(training), "fifty draws leave none of twelve out"
    assert not torch.equal(drawn[0], drawn[1])
    torch.testing.assert_close(ExpectedGradients(n_references=50).references(asked, torch.tensor([4]))[0], drawn[4])


def test_drawn_sentence_is_cut_and_goes_on_with_missing_tokens():
    task = Bag()
    samples = task.encode(["good film good", "good bad film not good unseen"])
    asked = query(subject(Negation), samples)
    drawn = ExpectedGradients(n_references=40).references(asked, torch.arange(2))
    training = {tuple(token for token in row if token) for row in task.samples("train").inputs.tolist()}
    wanted = [{(*(*sentence, *[1] * 7)[:length], *[0] * (7 - length)) for sentence in training} for length in (3, 7)]
    for found, expected in zip(drawn.tolist(), wanted, strict=True):
        assert {tuple(row) for row in found} == expected
