"""Planted tables and toys: the rule is the rule, the evidence the evidence, and the best score the best there is."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import zoo
from zoo.errors import InputError
from zoo.shapley import shapley_values
from zoo.task import Ablatable
from zoo.tasks.biased_label import BiasedLabel
from zoo.tasks.gauss_local import CLUSTERS, GaussLocal, centres
from zoo.tasks.planted_functions import FUNCTIONS, PlantedFunctions
from zoo.tasks.toy2d import FORMS, Toy2d

PLANTED = [
    *(PlantedFunctions(function=name, train=700, test=1500) for name in FUNCTIONS),
    GaussLocal(train=700, test=1500),
    *(BiasedLabel(bias=dial, train=700, test=1500) for dial in (0.0, 0.2, 0.4)),
]
named = pytest.mark.parametrize("task", PLANTED, ids=lambda task: task.name)


def points(count: int = 40, width: int = 8) -> torch.Tensor:
    return torch.rand(count, width, generator=torch.Generator().manual_seed(3)).double() * 2 - 1


def score(predicted: torch.Tensor, values: torch.Tensor) -> float:
    """R²."""
    return 1 - float((predicted - values).square().mean() / values.var(correction=0))


# All planted tables ----------------------------------------------------------------------------------------------


@named
def test_a_larger_split_begins_with_the_smaller_and_no_two_splits_share_a_row(task):
    assert torch.equal(replace(task, test=120).load("test").inputs, task.samples("test").inputs[:120])
    assert not torch.equal(replace(task, seed=1).load("test").inputs, task.samples("test").inputs)
    rows = [row.numpy().tobytes() for split in task.splits for row in task.samples(split).inputs]
    assert len(set(rows)) == len(rows)


@named
def test_without_evidence_only_the_evidence_changed_and_with_another_rest_only_the_rest(task):
    assert isinstance(task, Ablatable)
    whole = task.samples("test")
    without, other = task.without_evidence("test"), task.with_other_rest("test")
    assert torch.equal(whole.inputs[~whole.evidence], without.inputs[~whole.evidence])
    assert torch.equal(whole.inputs[whole.evidence], other.inputs[whole.evidence])
    assert (whole.inputs != without.inputs)[whole.evidence].float().mean() > 0.99
    for changed in (without, other):
        assert torch.equal(changed.labels, whole.labels)
        assert torch.equal(changed.evidence, whole.evidence)
    small = replace(task, test=700)
    assert torch.equal(small.without_evidence("test").inputs, without.inputs[:700])


@named
def test_evidence_is_neither_nothing_nor_everything(task):
    used = task.samples("test").evidence.sum(1)
    assert used.min() >= 2
    assert used.max() < len(task.features)


# Functions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_variance_of_a_function_and_so_the_best_score_is_what_is_written(name):
    task = PlantedFunctions(function=name, test=200_000)
    samples = task.load("test")
    exact = torch.from_numpy(task.planted_function(samples.inputs.double().numpy()))
    assert float(exact.var()) == pytest.approx(FUNCTIONS[name].variance, rel=0.01)
    assert score(exact, samples.values) == pytest.approx(task.bayes, abs=3e-4)
    assert abs(float((samples.values - exact).mean())) < 0.002


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_columns_of_evidence_are_those_that_move_the_function(name):
    task, x = PlantedFunctions(function=name), points().numpy()
    moved = []
    for column in range(8):
        changed = x.copy()
        changed[:, column] = points(40, 9)[:, 8].numpy()
        moved.append(not np.allclose(task.planted_function(changed), task.planted_function(x)))
    assert task.samples("test").evidence.unique(dim=0).tolist() == [moved]


def test_the_formulas_are_what_is_computed():
    x = points().numpy()
    x1, x2, x3, x4, x5, x6, x7, x8 = x.T
    by_hand = {
        "linear": 1.4 * x1 - x4 + 0.2 * x7,
        "product": 3 * x2 * x6,
        "max": 2.5 * np.maximum(x3, np.maximum(x5, x8)),
        "sine": 1.4 * np.sin(math.pi * (x4 + x5)),
        "additive": 1.5 * x1**2 + 1.2 * np.abs(x2) + 0.8 * np.sin(math.pi * x5) + x8,
    }
    for name, expected in by_hand.items():
        np.testing.assert_allclose(FUNCTIONS[name](x), expected)


def expected_shapley(name: str, x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """By hand: differences where columns are summed, halves of a product and of a sine, thirds of a maximum's steps."""
    shares = np.zeros_like(x)
    if name == "linear":
        shares[:, [0, 3, 6]] = np.array([1.4, -1, 0.2]) * (x - r)[:, [0, 3, 6]]
    if name == "additive":
        pieces = {0: lambda v: 1.5 * v**2, 1: lambda v: 1.2 * abs(v), 4: lambda v: 0.8 * np.sin(math.pi * v)}
        for column, piece in {**pieces, 7: lambda v: v}.items():
            shares[:, column] = piece(x[:, column]) - piece(r[:, column])
    if name in ("product", "sine"):
        a, b = (1, 5) if name == "product" else (3, 4)
        f = (lambda u, v: 3 * u * v) if name == "product" else (lambda u, v: 1.4 * np.sin(math.pi * (u + v)))
        xa, xb, ra, rb = x[:, a], x[:, b], r[:, a], r[:, b]
        shares[:, a] = (f(xa, rb) - f(ra, rb) + f(xa, xb) - f(ra, xb)) / 2
        shares[:, b] = (f(ra, xb) - f(ra, rb) + f(xa, xb) - f(xa, rb)) / 2
    if name == "max":
        for order in itertools.permutations((2, 4, 7)):
            current = r.copy()
            for column in order:
                before = 2.5 * current[:, [2, 4, 7]].max(1)
                current[:, column] = x[:, column]
                shares[:, column] += (2.5 * current[:, [2, 4, 7]].max(1) - before) / 6
    return shares


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shapley_values_are_those_worked_out_by_hand(name):
    task, x, r = PlantedFunctions(function=name), points(), points(3)[2:]
    for reference in (torch.zeros(1, 8).double(), r):
        shares = task.shapley(x, reference).numpy()
        np.testing.assert_allclose(
            shares, expected_shapley(name, x.numpy(), reference.expand(40, 8).numpy()), atol=1e-12
        )
    torch.testing.assert_close(task.shapley(x), task.shapley(x, torch.zeros(1, 8).double()))


def test_shapley_values_of_known_games():
    """From zero, a product is shared in halves; of a maximum, each step up among all who reach it."""
    x = np.array([[0.5, -0.8, 0.0], [0.3, 0.6, 0.9]])
    product = shapley_values(lambda v: v[:, 0] * v[:, 1], x, np.zeros((1, 3)))
    np.testing.assert_allclose(product, [[-0.2, -0.2, 0.0], [0.09, 0.09, 0.0]], atol=1e-15)
    largest = shapley_values(lambda v: v.max(1), x[1:], np.zeros((1, 3)))
    np.testing.assert_allclose(largest, [[0.3 / 3, 0.3 / 3 + 0.3 / 2, 0.3 / 3 + 0.3 / 2 + 0.3]], atol=1e-15)


def test_a_background_gives_the_mean_of_its_rows_values_and_all_sum_to_the_difference():
    task, x, rows = PlantedFunctions(function="sine"), points(), points(5)
    together = task.shapley(x, rows)
    torch.testing.assert_close(together, torch.stack([task.shapley(x, row[None]) for row in rows]).mean(0))
    f = task.planted_function
    difference = torch.from_numpy(f(x.numpy()) - f(rows.numpy()).mean())
    torch.testing.assert_close(together.sum(1), difference)


def test_too_many_inputs_for_every_coalition_are_one_sentence():
    with pytest.raises(InputError, match=r"2\^13 coalitions.*at most 12"):
        shapley_values(lambda v: v.sum(1), np.zeros((1, 13)), np.zeros((1, 13)))
    with pytest.raises(InputError, match="planted function called 'maxi'"):
        PlantedFunctions(function="maxi")


# Local rules -----------------------------------------------------------------------------------------------------


def test_each_cluster_has_its_own_rule_and_the_label_follows_it():
    task = GaussLocal(test=2000)
    samples, cluster, weights = task.samples("test"), task.clusters("test"), task.weights("test")
    offset = samples.inputs.double() - torch.from_numpy(centres())[cluster]
    sums = (offset * weights).sum(1)
    assert torch.equal((sums > 0).long()[sums.abs() > 1e-5], samples.labels[sums.abs() > 1e-5])
    assert torch.equal(weights != 0, samples.evidence)
    assert len(weights.unique(dim=0)) == CLUSTERS
    assert (samples.evidence.sum(1) == 4).all()
    for each in range(CLUSTERS):
        assert abs(offset[cluster == each].mean(0)).max() < 0.2
        assert samples.labels[cluster == each].float().mean() == pytest.approx(0.5, abs=0.1)


def test_the_posterior_of_local_rules_reaches_the_best_accuracy_and_is_calibrated():
    task = GaussLocal(test=60_000)
    samples = task.load("test")
    largest, answered = task.posterior(samples.inputs).max(1)
    assert float((answered == samples.labels).double().mean()) == pytest.approx(task.bayes, abs=4e-4)
    assert float(largest.mean()) == pytest.approx(task.bayes, abs=2e-4)


# Biased labels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [0.0, 0.2, 0.4])
def test_the_best_decisions_have_the_accuracy_and_the_rates_that_are_computed(bias):
    task = BiasedLabel(bias=bias, test=200_000)
    samples, truth = task.load("test"), task.truth("test").labels
    x = samples.inputs.double()
    group = (x[:, 3] > 0).long()
    s = x[:, :3] @ torch.tensor([2 / 3, 2 / 3, 1 / 3]).double()
    granted = s > torch.tensor([task.threshold(0), task.threshold(1)]).double()[group]
    given = task.posterior(samples.inputs)
    assert (granted == given.argmax(1)).double().mean() > 0.9999
    assert float((granted == samples.labels).double().mean()) == pytest.approx(task.bayes, abs=0.004)
    assert float(given.max(1).values.mean()) == pytest.approx(task.bayes, abs=0.002)
    for each in (0, 1):
        rows, rates = group == each, task.rates(each)
        assert float(granted[rows].double().mean()) == pytest.approx(rates.granted, abs=0.006)
        refused = float((~granted[rows & (truth == 1)]).double().mean())
        assert refused == pytest.approx(rates.wrongly_refused, abs=0.006)
        wrongly = float(granted[rows & (truth == 0)].double().mean())
        assert wrongly == pytest.approx(rates.wrongly_granted, abs=0.006)


def test_no_other_threshold_is_more_accurate_on_the_biased_labels():
    task = BiasedLabel(bias=0.4, test=100_000)
    samples = task.load("test")
    x, mine = samples.inputs.double(), samples.inputs[:, 3] > 0
    s = (x[:, :3] @ torch.tensor([2 / 3, 2 / 3, 1 / 3]).double())[mine]
    accuracy = [float(((s > t) == samples.labels[mine]).double().mean()) for t in np.linspace(-0.5, 1.5, 41)]
    assert np.linspace(-0.5, 1.5, 41)[np.argmax(accuracy)] == pytest.approx(task.threshold(1), abs=0.11)


@pytest.mark.parametrize("bias", [0.0, 0.2, 0.4])
def test_only_those_of_group_one_who_would_repay_are_wronged_by_the_dialled_share(bias):
    task = BiasedLabel(bias=bias, test=20_000)
    labels, truth = task.samples("test").labels, task.truth("test").labels
    mine = task.samples("test").inputs[:, 3] > 0
    assert torch.equal(labels[~mine], truth[~mine])
    assert not labels[mine & (truth == 0)].any()
    assert float((1 - labels[mine & (truth == 1)].float()).mean()) == pytest.approx(bias, abs=0.015)


def test_without_bias_the_groups_fare_alike_and_the_postcode_gives_the_group_away():
    fair, strong = BiasedLabel(bias=0.0), BiasedLabel(bias=0.4)
    assert fair.rates(0) == fair.rates(1)
    assert strong.rates(1).wrongly_refused > 2 * strong.rates(0).wrongly_refused
    x = fair.samples("test").inputs
    assert torch.corrcoef(x[:, [3, 4]].T)[0, 1] == pytest.approx(1 / math.sqrt(2), abs=0.03)
    with pytest.raises(InputError, match=r"share from 0 up to.*cannot be 0\.5"):
        BiasedLabel(bias=0.5)


# Toys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_the_best_accuracy_of_a_toy_is_that_of_its_posterior(form):
    task = zoo.task(f"toy2d_{form}")
    assert task.accuracy() == pytest.approx(task.bayes, abs=6e-4)
    samples = replace(task, test=10_000).load("test")
    given = task.posterior(samples.inputs)
    assert float((given.argmax(1) == samples.labels).double().mean()) == pytest.approx(task.bayes, abs=0.006)
    assert float(given.max(1).values.mean()) == pytest.approx(task.bayes, abs=0.004)


@pytest.mark.parametrize("form", FORMS)
def test_a_density_is_one_in_all_and_agrees_with_where_the_points_are(form):
    task = zoo.task(f"toy2d_{form}")
    line = (torch.arange(80, dtype=torch.float64) + 0.5) / 16 - 2.5
    total = task.density(torch.cartesian_prod(line, line)).sum(0) / 16**2
    torch.testing.assert_close(total, torch.ones_like(total), atol=2e-3, rtol=0)
    samples = replace(task, test=10_000).load("test")
    for label in range(len(task.classes)):
        density = task.density(torch.cartesian_prod(line, line))[:, label] / 16**2
        mine = samples.inputs[samples.labels == label]
        mean = (density[:, None] * torch.cartesian_prod(line, line)).sum(0)
        torch.testing.assert_close(mine.double().mean(0), mean, atol=0.05, rtol=0)


def test_rings_are_at_their_radii_and_an_unknown_toy_is_one_sentence():
    samples = Toy2d(form="rings").samples("test")
    radius = samples.inputs.norm(dim=1)
    assert [round(float(radius[samples.labels == label].mean()), 1) for label in range(3)] == [0.4, 0.8, 1.2]
    with pytest.raises(InputError, match="toy called 'moon'"):
        Toy2d(form="moon")


# Models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name, task in zoo.tasks().items() if isinstance(task, GaussLocal | BiasedLabel | Toy2d)]
)
def test_networks_of_classes_are_within_a_point_of_the_best_on_the_same_rows(name):
    task = zoo.task(name)
    samples = task.samples(task.scored)
    best = float((task.posterior(samples.inputs).argmax(1) == samples.labels).double().mean())
    assert zoo.card(f"mlp_{name}").metrics.score > best - 0.01
    assert zoo.card(f"mlp_{name}").spread.mean > best - 0.01


@pytest.mark.parametrize("function", FUNCTIONS)
def test_networks_of_numbers_are_near_the_best_and_their_shapley_values_near_the_exact_ones(function):
    """So the function's truth is the model's, and explanations of the model can be held against it."""
    task = zoo.task(f"planted_functions_{function}")
    loaded = zoo.load(f"mlp_planted_functions_{function}")
    assert loaded.card.metrics.score > task.bayes - 0.01

    def computed(rows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return loaded.model(torch.from_numpy(rows).float())[:, 0].double().numpy()

    x = task.samples("test").inputs[:50]
    exact = task.shapley(x).numpy()
    assert np.abs(shapley_values(computed, x.double().numpy(), np.zeros((1, 8))) - exact).mean() < 0.05
    used = loaded.card.evidence_used
    assert used["without_evidence"] < 0.05
    assert used["with_other_rest"] > loaded.card.metrics.score - 0.01


def test_a_line_is_found_with_its_coefficients():
    model = zoo.load("linear_planted_functions_linear").model
    weights = torch.tensor([[1.4, 0, 0, -1, 0, 0, 0.2, 0]])
    torch.testing.assert_close(model.spread * model.classify.weight.detach(), weights, atol=0.02, rtol=0)
    assert zoo.card("ridge_planted_functions_product").metrics.score < 0.05


def test_a_network_that_learnt_from_unfair_decisions_is_unfair_as_computed():
    for dial in ("none", "strong"):
        task = zoo.task(f"biased_label_{dial}")
        samples, truth = task.samples("test"), task.truth("test").labels
        with torch.no_grad():
            granted = zoo.load(f"mlp_biased_label_{dial}").model(samples.inputs).argmax(1) == 1
        for group in (0, 1):
            rows = ((samples.inputs[:, 3] > 0) == bool(group)) & (truth == 1)
            refused = float((~granted[rows]).double().mean())
            assert refused == pytest.approx(task.rates(group).wrongly_refused, abs=0.08)
