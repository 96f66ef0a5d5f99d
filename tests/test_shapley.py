"""Shapley and Owen values against games whose values are known on paper, and against literal sums in float64."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import oracles
import pytest
import subjects
import torch
from subjects import IMAGES, SCORE, TABLES, TEXTS, Additive, Convolved, Described, Scalar, at, query, subject

from workbench import allocation
from workbench.allocation import Allocation, allocation_of_orders, antithetic_orders, exact_allocation
from workbench.evaluation import evaluate
from workbench.explanation import explain, method, methods_for, refusal
from workbench.hierarchy import by_correlation, by_place, coalitions_asked, nested_orders, owen_allocation
from workbench.methods.shapley_sampling import ShapleySampling
from workbench.metrics.completeness import Completeness
from workbench.reference_inputs import reference_inputs
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Kind, Samples, Task

ON_PAPER = [
    ("Linear", (1.0, 0.5, 2.0), (2, 1, -6)),
    ("Product", (3.0, 2.0), (3, 3)),
    ("Maximum", (3.0, 2.0), (2, 1)),
    ("Saturated", (2.0, 0.0), (1, 0)),
    ("Saturated", (1.0, 1.0), (0.5, 0.5)),
    ("Xor", (1.0, 1.0), (0, 0)),
]


def worth(game, plan: Allocation) -> torch.Tensor:
    """The shares of a game: a function of rows of presence, in float64."""
    return plan.shares(game(plan.present.double())[None])[0]


def airport(present: torch.Tensor) -> torch.Tensor:
    """v(S) = the largest number in S, of players 1 … M: who needs the longest runway."""
    return (present * torch.arange(1, present.shape[1] + 1)).amax(1)


def triples(present: torch.Tensor) -> torch.Tensor:
    """Products of three players in a row, and a player that changes nothing at the end."""
    worths = present[:, :-1] * torch.linspace(0.5, 1.5, present.shape[1] - 1, dtype=torch.float64)
    return worths.unflatten(1, (-1, 3)).prod(-1).sum(1)


def pairs(present: torch.Tensor) -> torch.Tensor:
    """(Σ w)²: players meet in twos."""
    return (present @ torch.linspace(-1, 1, present.shape[1], dtype=torch.float64)) ** 2


@pytest.mark.parametrize("name", ["exact_shapley", "shapley_sampling"])
@pytest.mark.parametrize(("network", "point", "expected"), ON_PAPER)
def test_values_known_on_paper(name, network, point, expected):
    record = explain(subject(getattr(subjects, network)), at(point), method(name), SCORE)
    np.testing.assert_allclose(record.values[0, : len(expected)], expected, atol=1e-6)
    assert abs(record.values[0, 3]) < 1e-6


@pytest.mark.parametrize("players", [1, 2, 7, 16])
def test_shares_of_a_runway_are_known_on_paper(players):
    """Each stretch of the runway is paid for equally by all who need it: φ_i = Σ_{k ≤ i} 1 / (M − k + 1)."""
    expected = torch.tensor([1 / (players - k) for k in range(players)], dtype=torch.float64).cumsum(0)
    torch.testing.assert_close(worth(airport, exact_allocation(players)), expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("network", [*TABLES, *IMAGES, *TEXTS])
def test_exact_values_equal_the_sum_over_coalitions(network):
    of = subject(network().double())
    samples = of.task.samples("test").take(range(3))
    samples = replace(samples, inputs=samples.inputs.double()) if samples.inputs.is_floating_point() else samples
    record = explain(of, samples, method("exact_shapley"), SCORE)
    assert record.values.dtype == np.float64
    f, reference, groups = (
        oracles.scalar(of.network),
        reference_inputs(query(of, samples)),
        of.task.groups(samples.inputs),
    )
    for i, x in enumerate(samples.inputs):
        expected = oracles.shared(oracles.shapley(f, x, reference[i], groups[i]), groups[i])
        np.testing.assert_allclose(record.values[i], expected.numpy(), atol=1e-9)
    assert np.abs(record.completeness_gap).max() < 1e-9


def test_orders_are_unbiased_and_every_draw_adds_up():
    exact = worth(triples, exact_allocation(10))
    drawn = torch.stack([worth(triples, allocation_of_orders(antithetic_orders(10, 4, seed))) for seed in range(400)])
    everything = triples(torch.ones(1, 10, dtype=torch.float64))
    torch.testing.assert_close(drawn.sum(1), everything.expand(400), atol=1e-12, rtol=0)
    assert (drawn[:, -1] == 0).all(), "a player that changes nothing gets nothing in any draw"
    error = drawn.std(0) / 20
    assert ((drawn.mean(0) - exact).abs() <= 4 * error + 1e-12).all()
    assert (error[:-1] > 0).all()


def test_an_order_and_its_reverse_make_games_of_pairs_exact():
    plan = allocation_of_orders(antithetic_orders(9, 1, 0))
    torch.testing.assert_close(worth(pairs, plan), worth(pairs, exact_allocation(9)), atol=1e-12, rtol=0)
    alone = allocation_of_orders(antithetic_orders(9, 1, 0)[:1])
    assert (worth(pairs, alone) - worth(pairs, exact_allocation(9))).abs().max() > 0.01


@pytest.mark.parametrize("network", [IMAGES[0], TABLES[0], TEXTS[0]])
@pytest.mark.parametrize("name", ["exact_shapley", "shapley_sampling", "owen_values"])
def test_inputs_built_at_once_or_chunk_by_chunk_are_the_same(network, name, monkeypatch):
    of = subject(network)
    samples = of.task.samples("test")
    at_once = explain(of, samples, method(name), SCORE)
    monkeypatch.setattr(allocation, "BUILT_AT_ONCE", 0)
    in_chunks = explain(of, samples, method(name), SCORE)
    np.testing.assert_allclose(at_once.values, in_chunks.values, atol=1e-6)
    assert at_once.forward_passes == in_chunks.forward_passes


def test_a_coalition_is_asked_for_once():
    plan = ShapleySampling(n_orders=64).allocation(7)
    assert len(plan.present) == 2**7
    drawn = allocation_of_orders(antithetic_orders(7, 500, 0))
    assert len(drawn.present) == len(drawn.present.unique(dim=0)) == 2**7
    assert not drawn.present[0].any()
    assert drawn.present[-1].all()


def test_more_orders_come_nearer():
    exact = worth(triples, exact_allocation(16))
    errors = [
        float(
            np.mean(
                [(worth(triples, ShapleySampling(n_orders=n, seed=s).allocation(16)) - exact).norm() for s in range(5)]
            )
        )
        for n in (4, 32, 256)
    ]
    assert errors[0] > 2 * errors[1] > 4 * errors[2] > 0


@dataclass(frozen=True)
class Wide(Described, Task):
    """A table of as many columns as are asked for."""

    name = "wide"
    title = "Wide"
    kind = Kind.TABLE
    axes = ("feature",)
    width: int = 20

    def load(self, split: str) -> Samples:
        inputs = subjects._points(6, self.width, seed=len(split))
        return Samples(inputs=inputs, labels=torch.ones(6).long(), ids=tuple(f"{split}:{i}" for i in range(6)))

    def groups(self, inputs):
        return torch.arange(inputs.shape[1]).expand(len(inputs), -1)


class Total(Scalar):
    """f = Σ x + x₀ x₁ of however many columns."""

    def score(self, inputs):
        return inputs.sum(1) + inputs[:, 0] * inputs[:, 1]


@pytest.mark.parametrize(
    ("width", "most", "remedy"), [(20, 16, "Use kernel SHAP"), (16, 12, "most_groups=16"), (5, 4, "M = 5")]
)
def test_too_many_groups_are_refused_with_a_remedy(width, most, remedy):
    of = Subject(Total(), Wide(width), name="total")
    samples = of.task.samples("test")
    exact = method("exact_shapley", most_groups=most)
    with pytest.raises(InputError, match=remedy) as caught:
        explain(of, samples, exact, SCORE)
    assert f"M = {width}" in str(caught.value)
    assert refusal(exact, of, samples, SCORE) == str(caught.value)
    (score,) = evaluate(of, samples, [exact], [Completeness()], SCORE)
    assert score.why == str(caught.value)
    assert not score.values.size


def test_methods_for_samples_leave_out_what_would_be_refused():
    of = Subject(Total(), Wide(20), name="total")
    samples = of.task.samples("test")
    assert "exact_shapley" in methods_for(of)
    assert "exact_shapley" not in methods_for(of, samples)
    assert "owen_values" in methods_for(of, samples)


@pytest.mark.parametrize("name", ["shapley_sampling", "owen_values"])
def test_many_columns_are_no_hindrance_to_what_is_sampled(name):
    """Pairs are exact whatever is drawn, since each order comes with its reverse."""
    of = Subject(Total(), Wide(20), name="total")
    samples = of.task.samples("test")
    record = explain(of, samples, method(name), SCORE)
    x = samples.inputs.numpy()
    expected = x.copy()
    expected[:, :2] += (x[:, :1] * x[:, 1:2]) / 2
    np.testing.assert_allclose(record.values, expected, atol=1e-5)


def orders_of(tree):
    """Every order in which no part of a hierarchy is interrupted, as lists."""
    if isinstance(tree, int):
        return [[tree]]
    left, right = map(orders_of, tree)
    return [[*a, *b] for one, other in ((left, right), (right, left)) for a, b in product(one, other)]


def literal_owen(game, tree, players):
    """The mean over all those orders of what each player adds when it comes."""
    result, orders = torch.zeros(players, dtype=torch.float64), orders_of(tree)
    for order in orders:
        present = torch.zeros(1, players, dtype=torch.float64)
        for player in order:
            before = game(present)
            present[0, player] = 1
            result[player] += (game(present) - before)[0]
    return result / len(orders)


TREES = [(0, 1), ((0, 1), (2, 3)), (0, (1, (2, (3, (4, 5))))), (((0, 6), 2), ((3, 1), (4, 5)))]


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("game", [airport, pairs])
def test_owen_values_equal_the_mean_over_nested_orders(tree, game):
    players = len(orders_of(tree)[0])
    plan = owen_allocation(tree, players)
    torch.testing.assert_close(worth(game, plan), literal_owen(game, tree, players), atol=1e-12, rtol=0)
    assert len(plan.present) == len(plan.present.unique(dim=0)) <= coalitions_asked(tree) + 2


def test_owen_values_of_two_parts_are_the_shapley_values_of_a_game_of_two():
    tree, game = ((0, 1), (2, (3, 4))), airport
    first = torch.tensor([1.0, 1, 0, 0, 0], dtype=torch.float64)[None]
    alone, other, both = (float(game(one)) for one in (first, 1 - first, torch.ones_like(first)))
    shares = worth(game, owen_allocation(tree, 5))
    assert float(shares[:2].sum()) == pytest.approx((alone + both - other) / 2)
    assert float((worth(game, exact_allocation(5)) - shares).abs().max()) > 0.01


def test_nested_orders_are_unbiased_for_owen_values_and_never_interrupt_a_part():
    tree = (((0, 6), 2), ((3, 1), (4, 5)))
    orders = nested_orders(tree, 7, 500, 0)
    assert {tuple(order) for order in orders.tolist()} == {tuple(order) for order in orders_of(tree)}
    drawn = torch.stack([worth(airport, allocation_of_orders(nested_orders(tree, 7, 2, s))) for s in range(400)])
    exact = worth(airport, owen_allocation(tree, 7))
    assert ((drawn.mean(0) - exact).abs() <= 4 * drawn.std(0) / 20 + 1e-12).all()


def test_halves_of_an_image_and_of_a_sentence():
    rows = torch.arange(4)[:, None] * 4 + torch.arange(4)
    assert by_place(rows.expand(3, 4, 4)) == (
        (((0, 1), (4, 5)), ((2, 3), (6, 7))),
        (((8, 9), (12, 13)), ((10, 11), (14, 15))),
    )
    assert by_place(torch.tensor([0, 1, 1, 2, 3, -1, -1])) == ((0, 1), (2, 3))
    assert by_place(torch.tensor([0, 0, -1])) == 0
    assert by_place(torch.tensor([[0, 1], [0, 1], [0, 1]])) == (0, 1)


def test_columns_that_vary_together_are_joined_first():
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 200))
    noise = 0.1 * chance.normal(size=(3, 200))
    rows = np.stack((a, b, -a + noise[0], b + noise[1], 0 * a), 1)
    tree = by_correlation(rows)
    parts = {frozenset(part) for part in nodes(tree)}
    assert {frozenset({0, 2}), frozenset({1, 3})} <= parts
    assert by_correlation(rows[:, :1]) == 0


def nodes(tree):
    """The leaves below each inner node."""
    if isinstance(tree, int):
        return []
    return [orders_of(tree)[0], *nodes(tree[0]), *nodes(tree[1])]


def test_owen_values_of_an_additive_model_are_its_terms():
    samples = subjects.Features().samples("test")
    x = samples.inputs.numpy()
    expected = np.stack((np.sin(x[:, 0]), np.sin(x[:, 1]), x[:, 2] ** 3, 0 * x[:, 3]), 1)
    for name in ("owen_values", "exact_shapley", "shapley_sampling"):
        np.testing.assert_allclose(explain(subject(Additive), samples, method(name), SCORE).values, expected, atol=1e-6)


@pytest.mark.parametrize("n_samples", [8, 4096])
def test_passes_are_what_the_cost_says(n_samples):
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(2))
    for config in (method("owen_values", n_samples=n_samples), method("exact_shapley"), method("shapley_sampling")):
        record = explain(of, samples, config, SCORE)
        said = 2 * config.cost(query(of, samples))[0]
        assert 0.5 * said <= record.forward_passes <= said + 2 * 2
