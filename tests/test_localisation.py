"""Localisation against literal loops, transport by a linear programme, padding, numbers and traditional models."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from subjects import SCORE, Bag, Number, OneHotBag, subject

from workbench.explanation import explain, method
from workbench.localisation import AbstractLocalisation
from workbench.metrics.aup import Aup
from workbench.metrics.auprc import Auprc
from workbench.metrics.aur import Aur
from workbench.metrics.auroc import Auroc
from workbench.metrics.earth_movers_distance import EarthMoversDistance
from workbench.metrics.pointing_game import PointingGame
from workbench.metrics.relevance_rank_accuracy import RelevanceRankAccuracy
from workbench.metrics.top_k_intersection import TopKIntersection
from workbench.scoring import metrics

NAMES = sorted(name for name, kind in metrics().items() if issubclass(kind, AbstractLocalisation))


def maps_with_ties(count, places, seed=0):
    return np.random.default_rng(seed).integers(-3, 6, (count, places)).astype(float)


def auroc_by_pairs(values, evidence):
    pairs = [(a > b) + (a == b) / 2 for a in values[evidence] for b in values[~evidence]]
    return sum(pairs) / len(pairs)


def auprc_by_thresholds(values, evidence):
    area, recall = 0.0, 0.0
    for threshold in sorted(set(values), reverse=True):
        taken = values >= threshold
        found = (taken & evidence).sum() / evidence.sum()
        area += (found - recall) * (taken & evidence).sum() / taken.sum()
        recall = found
    return area


def areas_by_thresholds(values, evidence, steps=20_000):
    scaled = np.maximum(values, 0) / max(np.maximum(values, 0).max(), 1e-300)
    taken = scaled >= ((np.arange(steps) + 0.5) / steps)[:, None]
    hits = (taken & evidence).sum(1)
    return (hits / np.maximum(taken.sum(1), 1)).mean(), (hits / evidence.sum()).mean()


def mean_over_orders(values, evidence, count, draws=4000):
    chance = np.random.default_rng(1)
    orders = np.argsort(-(values + 1e-6 * chance.random((draws, len(values)))), axis=1)[:, :count]
    return evidence[orders].mean() * count


@pytest.mark.parametrize("seed", range(4))
def test_areas_and_ranks_equal_literal_loops_also_where_values_tie(seed):
    maps = maps_with_ties(6, 17, seed)
    evidence = np.random.default_rng(seed).random(17) < 0.3
    evidence[:2] = True, False
    shape = {"time": 17}
    auroc, auprc, aup, aur = (kind().located(maps, evidence, shape) for kind in (Auroc, Auprc, Aup, Aur))
    accuracy = RelevanceRankAccuracy().located(maps, evidence, shape)
    top = TopKIntersection(k=5).located(maps, evidence, shape)
    size = int(evidence.sum())
    for i, values in enumerate(maps):
        assert auroc[i] == pytest.approx(auroc_by_pairs(values, evidence), abs=1e-12)
        assert auprc[i] == pytest.approx(auprc_by_thresholds(values, evidence), abs=1e-12)
        assert (aup[i], aur[i]) == pytest.approx(areas_by_thresholds(values, evidence), abs=1e-3)
        assert accuracy[i] == pytest.approx(mean_over_orders(values, evidence, size) / size, abs=0.03)
        assert top[i] == pytest.approx(mean_over_orders(values, evidence, 5) / min(5, size), abs=0.03)


def transport(p, q, cost):
    """The earth mover's distance: the least Σ flow · cost whose rows add up to p and columns to q."""
    n = len(p)
    rows = np.kron(np.eye(n), np.ones(n))
    columns = np.kron(np.ones(n), np.eye(n))
    found = linprog(cost.ravel(), A_eq=np.vstack((rows, columns)), b_eq=np.concatenate((p, q)), method="highs")
    return found.fun


def mean_share(shape):
    """What a move costs between any two places: the mean of its shares of the axes."""
    where = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), 1) / (np.array(shape) - 1)
    return np.abs(where[:, None] - where[None]).mean(-1)


@pytest.mark.parametrize("seed", range(3))
def test_earth_movers_distance_on_a_line_is_that_of_the_linear_programme(seed):
    maps, evidence = maps_with_ties(3, 9, seed), np.arange(9) % 4 == seed
    found = EarthMoversDistance().located(maps, evidence, {"token": 9})
    for value, own in zip(found, np.maximum(maps, 0), strict=True):
        wanted = transport(own / own.sum(), evidence / evidence.sum(), mean_share((9,)))
        assert value == pytest.approx(wanted, abs=1e-9)


def test_earth_movers_distance_of_images_is_at_most_that_of_the_linear_programme_and_its_for_displacements():
    shape, evidence = {"height": 4, "width": 5}, np.zeros((4, 5), bool)
    evidence[:2, 1:3] = True
    cost, q = mean_share((4, 5)), evidence.ravel() / 4
    maps = np.maximum(maps_with_ties(4, 20), 0)
    below = EarthMoversDistance().located(maps, evidence.ravel(), shape)
    exact = [transport(own / own.sum(), q, cost) for own in maps]
    assert (below <= np.array(exact) + 1e-9).all()
    assert (below > 0.3 * np.array(exact)).all()
    moved = np.roll(evidence, (2, -1), (0, 1)).ravel().astype(float)
    found = EarthMoversDistance().located(moved[None], evidence.ravel(), shape)[0]
    assert found == pytest.approx(transport(moved / 4, q, cost), abs=1e-9)
    assert found == pytest.approx((2 / 3 + 1 / 4) / 2)


def test_between_features_every_move_costs_the_same_and_a_single_one_is_no_axis():
    evidence = np.array([True, False, False, True])
    maps = np.array([[1.0, 0, 0, 1], [0, 1, 1, 0], [1, 1, 0, 0]])
    found = EarthMoversDistance().located(maps, evidence, {"feature": 4})
    np.testing.assert_allclose(found, (0, 1, 0.5))
    along = EarthMoversDistance().located(maps, evidence, {"time": 4, "feature": 1})
    np.testing.assert_allclose(along, EarthMoversDistance().located(maps, evidence, {"time": 4}))
    assert EarthMoversDistance().located(np.ones((2, 1)), np.array([True]), {"time": 1}).tolist() == [0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_padding_is_no_place(name):
    of = subject(OneHotBag)
    task = Bag()
    samples = task.encode(["good film", "bad film not good unseen film"], [1, 1])
    marked = replace(samples, evidence=samples.inputs == 2)
    record = explain(of, marked, method("occlusion"), SCORE)
    record = replace(record, predicted=np.ones(2, int))
    alone = replace(task.encode(["good film"], [1]), evidence=torch.tensor([[True, False]]))
    short = explain(of, alone, method("occlusion"), SCORE)
    whole = metrics()[name]().score(of, marked, record)
    one = metrics()[name]().score(of, alone, replace(short, predicted=np.ones(1, int)))
    assert len(whole.values) == 2
    np.testing.assert_allclose(whole.values[0], one.values[0])


@pytest.mark.parametrize("name", NAMES)
def test_numbers_and_single_places_are_scored_or_left_out_with_a_reason(name):
    of = subject(Number)
    samples = of.task.samples("test").take(range(4))
    everywhere = samples.evidence.clone()
    everywhere[1] = True
    everywhere[2] = False
    samples = replace(samples, evidence=everywhere)
    for fill in (None, 0.0, 1.0, -1.0):
        record = explain(of, samples, method("occlusion"))
        record = record if fill is None else replace(record, values=np.full_like(record.values, fill))
        score = metrics()[name]().score(of, samples, record)
        assert np.isfinite(score.values).all()
        assert np.isfinite(score.control).all()
        assert samples.ids[2] not in score.sample_ids
        assert (samples.ids[1] in score.sample_ids) == (name != "auroc")
        assert score.excluded == 4 - len(score.values) > 0
        assert score.why


@pytest.mark.parametrize("name", NAMES)
def test_what_lowers_a_number_is_evidence_too(name):
    """Of 2 x₀ + 2 x₁ − 3 x₂ exact contributions of either sign lie on the evidence; half of them below nothing."""
    of = subject(Number)
    samples = of.task.samples("test").take(range(4))
    record = explain(of, samples, method("exact_shapley"))
    assert (record.values < -0.1).any()
    found, magnitudes = (metrics()[name]().score(of, samples, one).values for one in (record, record.abs()))
    np.testing.assert_array_equal(found, magnitudes)
    if name == "auroc":
        np.testing.assert_array_equal(found, 1)


@pytest.mark.parametrize(
    ("shape", "peak", "expected"),
    [
        ({"feature": 8}, 3, 0.0),  # the column beside the evidence is another feature
        ({"feature": 8}, 2, 1.0),
        ({"token": 8}, 3, 1.0),
        ({"token": 8}, 4, 0.0),
        ({"time": 4, "feature": 2}, 4, 1.0),  # the same feature, a step later
        ({"time": 4, "feature": 2}, 3, 0.0),
    ],
)
def test_the_tolerance_of_the_pointing_game_is_not_along_features(shape, peak, expected):
    evidence = np.arange(8) == 2
    assert PointingGame(tolerance=1).located(np.eye(8)[[peak]], evidence, shape) == [expected]
