"""Interactions of pairs against games known on paper, and what is drawn against what is exact; leverage sampling."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from subjects import Corner, Late, Negation, Number, OneHotBag, Product, Scalar, Xor, at, subject

from workbench.allocation import every_coalition, exact_allocation
from workbench.analyses.shapley_interactions import (
    _asked,
    drawn_interactions,
    exact_interactions,
    rounds,
    together,
)
from workbench.analysis import analysis
from workbench.coalitions import coalitions, shapley_regression
from workbench.records import Matrix
from zoo.errors import InputError


def cubes(present: torch.Tensor) -> torch.Tensor:
    """(Σ w)³, in which all groups meet in twos and threes."""
    return (present.double() @ torch.linspace(-1, 1.5, present.shape[1], dtype=torch.float64)) ** 3


def literal(game, players: int) -> np.ndarray:
    """I_ij as the mean of the second difference over all orders of the others, cut anywhere: by sizes alike."""
    found = np.zeros((players, players))
    for i in range(players):
        for j in set(range(players)) - {i}:
            others = [k for k in range(players) if k not in (i, j)]
            of_size = [[] for _ in range(players - 1)]
            for bits in range(2 ** len(others)):
                row = torch.zeros(4, players)
                members = [k for place, k in enumerate(others) if bits >> place & 1]
                row[:, members] = 1
                row[[0, 1], i] = 1
                row[[0, 2], j] = 1
                both, one, other, none = game(row).tolist()
                of_size[len(members)].append(both - one - other + none)
            found[i, j] = np.mean([np.mean(differences) for differences in of_size])
    return found


@pytest.mark.parametrize("players", [2, 3, 6])
def test_exact_interactions_equal_the_mean_of_second_differences(players):
    present = every_coalition(players)
    found = exact_interactions(present, cubes(present))
    np.testing.assert_allclose(found.numpy(), literal(cubes, players), atol=1e-12)


@pytest.mark.parametrize("players", [2, 5, 8, 13])
def test_a_round_makes_every_two_neighbours_once_each_way_at_every_place(players):
    orders, adjacent = rounds(players, 3, 0)
    times = torch.zeros(players, players, dtype=torch.long)
    places = torch.zeros(players - 1, dtype=torch.long)
    for order, counts in zip(orders, adjacent, strict=True):
        assert sorted(order.tolist()) == list(range(players))
        for place in counts.nonzero()[:, 0].tolist():
            times[order[place], order[place + 1]] += 1
            places[place] += 1
    assert torch.equal(times, 3 * (1 - torch.eye(players, dtype=torch.long)))
    assert len(places.unique()) == 1, "which makes the size of what came before uniform"


@pytest.mark.parametrize("players", [5, 6])
def test_drawn_interactions_are_unbiased_and_add_up(players):
    present = every_coalition(players)
    exact = together(
        exact_allocation(players).shares(cubes(present)[None])[0], exact_interactions(present, cubes(present))
    )
    whole = float(cubes(torch.ones(1, players)))
    drawn = []
    for seed in range(400):
        orders, adjacent = rounds(players, 1, seed)
        asked, index = _asked(orders)
        found = together(*drawn_interactions(orders, adjacent, cubes(asked)[index]))
        assert float(found.sum()) == pytest.approx(whole, abs=1e-9)
        drawn.append(found)
    stacked = torch.stack(drawn)
    error = stacked.std(0) / 20
    assert ((stacked.mean(0) - exact).abs() <= 4.5 * error + 1e-9).all()
    assert error.max() > 0


def test_games_of_pairs_are_exact_in_one_round():
    weights = torch.linspace(-1, 1, 15, dtype=torch.float64)
    orders, adjacent = rounds(15, 1, 0)
    asked, index = _asked(orders)
    shares, found = drawn_interactions(orders, adjacent, ((asked.double() @ weights) ** 2)[index])
    expected = 2 * weights[:, None] * weights * (1 - torch.eye(15, dtype=torch.float64))
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(shares, weights**2 + expected.sum(1) / 2, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("network", "point", "expected"),
    [
        (Product, (3.0, 2.0), [[0, 3], [3, 0]]),
        (Xor, (1.0, 1.0), [[1, -1], [-1, 1]]),
        (Number, (1.0, 0.5), [[2, 0], [0, 1]]),
    ],
)
def test_interactions_known_on_paper(network, point, expected):
    of, samples = subject(network), at(point)
    samples = replace(samples, labels=0 * samples.labels)
    record = analysis("shapley_interactions").run(of, samples)
    assert isinstance(record, Matrix)
    sign = 1 if of.task.regression or of.logits(samples.inputs).argmax() == 1 else 0
    np.testing.assert_allclose(record.values[:2, :2], sign * np.array(expected), atol=1e-5)
    assert np.abs(record.values[3]).max() < 1e-6


class Triple(Scalar):
    """f = x₀ x₁ x₂."""

    def score(self, inputs):
        return inputs[:, 0] * inputs[:, 1] * inputs[:, 2]


def test_what_three_do_together_is_shared_by_their_pairs():
    """Each pair has half of the product beside and below the diagonal together, φ is a third, 1/3 − 2 · 1/4 is left."""
    record = analysis("shapley_interactions").run(subject(Triple), at((3.0, 2.0, 2.0)))
    wanted = np.full((4, 4), 3.0) - 5 * np.eye(4)
    wanted[3] = wanted[:, 3] = 0
    np.testing.assert_allclose(record.values, wanted, atol=1e-5)
    assert record.title.endswith("exact")


def test_many_words_are_asked_in_few_passes_and_too_many_or_none_are_refused():
    of = subject(OneHotBag)
    view, sample = of.metered(), of.task.encode(["good " * 13])
    record = analysis("shapley_interactions", seed=1).run(view, sample)
    np.testing.assert_allclose(record.values, 2 * np.eye(13), atol=1e-5)
    assert record.title.endswith("2 rounds of orders")
    assert view.meter.forward < 1000 < 2**13
    for text, count in ((sample.texts[0] * 10, 130), ("", 0)):
        many = of.task.encode([text, "good"]).take([0])
        with pytest.raises(InputError, match=f"has {count} groups; 1 to 128 can be paired"):
            analysis("shapley_interactions").run(of, many)


def test_rounds_and_their_seed_decide_what_is_drawn():
    of = subject(Negation)
    sample, found, passes = of.task.encode(["bad " * 6 + "not " + "film " * 6]), [], []
    for given in ({}, {"seed": 1}, {"n_rounds": 4}):
        view = of.metered()
        found.append(analysis("shapley_interactions", **given).run(view, sample).values)
        passes.append(view.meter.forward)
    assert np.abs(found[1] - found[0]).max() > 1e-4
    assert passes[2] > 1.5 * passes[0]
    assert found[2].sum() == pytest.approx(found[0].sum(), abs=1e-4)
    assert analysis("shapley_interactions", n_rounds=3).cost() == (3 * 32_768, 0)


def test_absent_groups_show_the_reference_that_was_asked_for():
    of, samples = subject(Number), at((1.0, 0.5, 2.0))
    record = analysis("shapley_interactions", reference_input="mean").run(
        of, replace(samples, labels=torch.zeros(1).long())
    )
    away = samples.inputs[0] - of.task.samples("train").inputs.mean(0)
    np.testing.assert_allclose(record.values, np.diag([2, 2, -3, 0] * away.numpy()), atol=1e-5)


@pytest.mark.parametrize(("network", "names"), [(Late, ("time 2–2", 7)), (Corner, ("height 0–1, width 4–5", 9))])
def test_a_group_is_called_by_the_axes_that_it_does_not_fill(network, names):
    of = subject(network)
    rows = analysis("shapley_interactions").run(of, of.task.samples("test").take([0])).rows
    assert (rows[2], len(rows)) == names


def test_words_name_the_rows_and_rows_add_up():
    of = subject(Negation)
    samples = of.task.samples("test").take([2])
    record = analysis("shapley_interactions", output="margin").run(of, samples)
    assert record.rows[1] == "2: unseen"
    asked = of.logits(torch.cat((samples.inputs, (samples.inputs > 0).long())))
    predicted = int(asked[0].argmax())
    margin = asked[:, predicted] - asked[:, 1 - predicted]
    assert record.values.sum() == pytest.approx(float(margin[0] - margin[1]), abs=1e-5)
    np.testing.assert_allclose(record.values, record.values.T)


def test_nothing_to_pair_gets_a_sentence():
    of = subject(Negation)
    empty = of.task.samples("test").take([])
    with pytest.raises(InputError, match="One sample is needed"):
        analysis("shapley_interactions").run(of, empty)


def test_leverage_weighs_as_the_kernel_does_in_expectation():
    """Σ w z zᵀ over draws against all 2^M − 2 coalitions of the kernel."""

    def moment(design):
        z = design.present.double()
        return z.T @ (z * design.weights[:, None])

    exact = moment(coalitions(10, 1022, 0))
    torch.testing.assert_close(moment(coalitions(10, 1022, 0, "leverage")), exact)
    drawn = torch.stack([moment(coalitions(10, 300, seed, "leverage")) for seed in range(200)])
    assert float((drawn.mean(0) - exact).abs().max()) < 0.02 * float(exact.max())
    assert float(drawn.std(0).max()) > 0


def test_leverage_draws_more_of_the_middle_and_is_as_exact_of_pairs():
    def middle(sampling):
        sizes = coalitions(20, 400, 0, sampling).present.sum(1)
        return float(((sizes > 6) & (sizes < 14)).double().mean())

    assert middle("leverage") > 1.2 * middle("paired")
    weights = torch.linspace(-1, 2, 20, dtype=torch.float64)
    design = coalitions(20, 400, 0, "leverage")
    rows = {tuple(row) for row in design.present.tolist()}
    assert all(tuple(not one for one in row) in rows for row in rows)
    found = shapley_regression(design, ((design.present.double() @ weights) ** 2)[None], weights.sum()[None] ** 2)[0]
    torch.testing.assert_close(found, weights * weights.sum(), atol=1e-8, rtol=0)


def test_leverage_is_a_setting_of_kernel_shap():
    from subjects import SCORE

    from workbench.explanation import explain, method

    of, samples = subject(Product), at((3.0, 2.0))
    record = explain(of, samples, method("kernel_shap", sampling="leverage"), SCORE)
    np.testing.assert_allclose(record.values[0], [3, 3, 0, 0], atol=1e-5)
    with pytest.raises(InputError, match="sampling"):
        method("kernel_shap", sampling="alike")
