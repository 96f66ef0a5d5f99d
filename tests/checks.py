"""One check per claim of a method and per promise of a metric. `broken.py` holds a wrong one for each to reject."""

import re
from dataclasses import replace

import numpy as np
import oracles
import pytest
import torch
from subjects import (
    GROWN,
    IMAGES,
    SCORE,
    SERIES,
    TABLES,
    TEXTS,
    Additive,
    Convolved,
    Corner,
    Dense,
    Features,
    Gated,
    Late,
    Linear,
    Negation,
    OneHotBag,
    PolarProduct,
    Product,
    Sum,
    TwoLayers,
    at,
    subject,
)

from workbench.explanation import AbstractMethod, Claim, explain, refusal, why_not
from workbench.records import Attribution, Output, Target
from workbench.scoring import AbstractMetric
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Samples


def explained(method: AbstractMethod, of: Subject, samples: Samples) -> np.ndarray:
    """Values per sample, flat."""
    return explain(of, samples, method, SCORE).values.reshape(len(samples), -1).astype(np.float64)


def refused(method: AbstractMethod, of: Subject, samples: Samples, target: Target = SCORE) -> bool:
    """Whether a method says that it cannot explain these samples; then `explain` must say the same, and only then."""
    if (reason := refusal(method, of, samples, target)) is None:
        return False
    with pytest.raises(InputError, match=re.escape(reason)):
        explain(of, samples, method, target)
    return True


def fitting(method: AbstractMethod, networks: tuple) -> list[Subject]:
    """The subjects that a method can explain."""
    return [of for of in map(subject, networks) if not refused(method, of, of.task.samples("test"))]


def check_completeness(method: AbstractMethod) -> None:
    """Σ a = f(x) - f(x'), to 1 % of it."""
    for of in fitting(method, (*TABLES, *IMAGES, *SERIES, *TEXTS, *GROWN)):
        record = explain(of, of.task.samples("test"), method, SCORE)
        allowed = 0.01 * np.abs(record.f_x - record.f_reference) + 1e-5
        assert (np.abs(record.completeness_gap) <= allowed).all(), (of.name, record.relative_gap.max())


def check_dummy(method: AbstractMethod) -> None:
    """A feature that f ignores gets 0: the last column of the tables; outside the corner of the images."""
    for of in fitting(method, (*TABLES[:-1], *GROWN)):
        values = explained(method, of, of.task.samples("test"))
        assert np.abs(values[:, 3]).max() < 1e-5, of.name
        assert np.abs(values).max() > 0.1, of.name
    for of in fitting(method, (OneHotBag,)):
        masked = replace(of.task.samples("test"), inputs=torch.ones(4, 6).long())
        assert np.abs(explained(method, of, masked)[:, :2]).max() < 10, of.name
    for of in fitting(method, (Corner,)):
        values = explain(of, of.task.samples("test"), method, SCORE).values
        assert np.abs(values[..., 4:]).max() < 1e-5


def check_linearity(method: AbstractMethod) -> None:
    """a(2 f - 3 g) = 2 a(f) - 3 a(g)."""
    first, second = Dense(0), Additive()
    of = [subject(network) for network in (first, second, Sum(first, second, 2.0, -3.0))]
    samples = Features().samples("test")
    a, b, both = (explained(method, one, samples) for one in of)
    assert np.abs(both - (2 * a - 3 * b)).max() < 0.02 * np.abs(both).max()


def check_symmetry(method: AbstractMethod) -> None:
    """Features 0 and 1 are interchangeable in these networks: equal inputs get equal attributions."""
    samples = at((0.7, 0.7, 0.2), (-0.4, -0.4, 1.0))
    for of in fitting(method, (Linear, Product, Additive, *GROWN)):
        values = explained(method, of, samples)
        assert np.abs(values[:, 0] - values[:, 1]).max() < 1e-5, of.name
        assert np.abs(values[:, 0]).max() > 0.1, of.name


def check_implementation_invariance(method: AbstractMethod) -> None:
    """Two networks that compute one function get one attribution."""
    samples = Features().samples("test")
    for first, second in ((Linear, TwoLayers), (Product, PolarProduct)):
        a, b = (explained(method, subject(network), samples) for network in (first, second))
        assert np.abs(a - b).max() < 0.01 * max(1.0, np.abs(a).max())


def check_control(method: AbstractMethod) -> None:
    """Knows nothing of the model: one map whatever the network and the class, without a pass through any, and not
    nothing. Another seed gives another map where the method says that it is random."""
    for pair in ((Linear, Dense), (Corner, Convolved), (Late, Gated), (OneHotBag, Negation)):
        for of, other in [fitting(method, pair)] if why_not(type(method), subject(pair[0])) is None else []:
            samples = of.task.samples("test")
            records = [explain(of, samples, method, SCORE), explain(other, samples, method, Target(of=0))]
            assert np.array_equal(records[0].values, records[1].values), of.name
            assert not any(record.forward_passes or record.backward_passes for record in records)
            assert np.abs(records[0].values).max() > 0
            if method.is_random():
                reseeded = explain(of, samples, replace(method, seed=1), SCORE).values
                assert (records[0].values != reseeded)[records[0].values != 0].all()


CLAIMS = {
    Claim.COMPLETENESS: check_completeness,
    Claim.DUMMY: check_dummy,
    Claim.LINEARITY: check_linearity,
    Claim.SYMMETRY: check_symmetry,
    Claim.IMPLEMENTATION_INVARIANCE: check_implementation_invariance,
    Claim.CONTROL: check_control,
}


def with_values(record: Attribution, values: np.ndarray) -> Attribution:
    """The same record with other values."""
    return replace(record, values=values.astype(np.float32))


def corner_record() -> tuple[Subject, Samples, Attribution]:
    """Images whose class is decided in the top left quarter, and their exact attribution."""
    of = subject(Corner)
    samples = of.task.samples("test")
    from workbench.methods.input_x_gradient import InputXGradient

    return of, samples, explain(of, samples, InputXGradient(), SCORE)


def check_removal_equals_the_loop(metric: AbstractMetric) -> None:
    """Against an oracle that removes, or puts back, one feature after another, on an image, a table and sentences."""
    from workbench.methods.random import Random

    for network in (Convolved, Dense, Negation):
        of = subject(network)
        samples = of.task.samples("test").take(range(3))
        record = explain(of, samples, Random(), SCORE)
        score = metric.score(of, samples, record)
        for i in range(3):
            expected = oracles.removal_area(of, samples, record, i, metric)
            np.testing.assert_allclose(score.values[i], expected, atol=1e-5)


def check_prefers_the_truth(metric: AbstractMetric) -> None:
    """The exact attribution of an additive model beats its opposite, and nearly all of the control."""
    of, samples, record = corner_record()
    right = metric.score(of, samples, record)
    wrong = metric.score(of, samples, with_values(record, -record.values))
    sign = 1 if metric.higher_is_better else -1
    assert (sign * (right.values - wrong.values) > 0).all()
    assert (sign * (right.values[:, None] - right.control) > 0).mean() > 0.95
    assert right.low <= right.mean <= right.high


def check_control_is_chance(metric: AbstractMetric) -> None:
    """A random attribution scores like the control: its rank among the draws is uniform, so it is no outlier."""
    from workbench.methods.random import Random

    of = subject(Corner)
    samples = of.task.samples("test")
    ranks = []
    for seed in range(20):
        score = replace(metric, seed=7).score(of, samples, explain(of, samples, Random(seed=seed), SCORE))
        below = (score.control < score.values[:, None]).mean(1)
        ranks += list(below + 0.5 * (score.control == score.values[:, None]).mean(1))
    assert abs(np.mean(ranks) - 0.5) < 0.08


def check_mass_on_paper(metric: AbstractMetric) -> None:
    """Nine of 36 pixels are evidence: an even map has 1/4 there, the true one all; what is negative does not count."""
    of, samples, record = corner_record()
    inside = np.zeros(record.values.shape)
    inside[..., :3, :3] = 1
    for values, expected in (
        (np.ones_like(inside), 0.25),
        (inside, 1.0),
        (1 - inside, 0.0),
        (2 * inside - 1, 1.0),
        (np.zeros_like(inside), 0.0),
        (3 * inside + (1 - inside), 0.5),
    ):
        np.testing.assert_allclose(metric.score(of, samples, with_values(record, values)).values, expected, atol=1e-6)


def check_pointing_on_paper(metric: AbstractMetric) -> None:
    """A maximum inside or within the tolerance scores 1, outside 0; of several maxima the share that lies inside."""
    of, samples, record = corner_record()
    for places, tolerance, expected in (
        ([(0, 0)], 0, 1.0),
        ([(2, 3)], 0, 0.0),
        ([(2, 3)], 1, 1.0),
        ([(2, 4)], 1, 0.0),
        ([(3, 3)], 1, 1.0),
        ([(0, 0), (5, 5)], 0, 0.5),
    ):
        values = np.zeros(record.values.shape)
        for y, x in places:
            values[:, :, y, x] = 1
        score = replace(metric, tolerance=tolerance).score(of, samples, with_values(record, values))
        np.testing.assert_allclose(score.values, expected)


def check_gap_on_paper(metric: AbstractMetric) -> None:
    """Values that sum to 1.1 times f(x) - f(x') miss by 10 %, those of a complete method by none."""
    from workbench.methods.kernel_shap import KernelShap

    of = subject(Linear)
    samples = of.task.samples("test")
    record = explain(of, samples, KernelShap(), SCORE)
    assert metric.score(of, samples, record).values.max() < 0.01
    more = with_values(record, 1.1 * record.values)
    np.testing.assert_allclose(metric.score(of, samples, more).values, 10, atol=0.01)


def check_only_right_answers_count(metric: AbstractMetric) -> None:
    """Samples on which the model is wrong are left out, counted, and the reason is said."""
    of, samples, record = corner_record()
    wrong = np.array(record.labels)
    wrong[[1, 4]] = 0
    score = metric.score(of, samples, replace(record, labels=wrong, predicted=np.ones_like(wrong)))
    assert len(score.values) == len(samples) - 2
    assert score.excluded == 2
    assert "wrong" in score.why
    assert samples.ids[1] not in score.sample_ids


def on_corner(metric: AbstractMetric, inside: float, outside: float) -> np.ndarray:
    """The metric of maps that are even on the nine pixels of the evidence and even on the other 27."""
    of, samples, record = corner_record()
    values = np.full(record.values.shape, outside)
    values[..., :3, :3] = inside
    return metric.score(of, samples, with_values(record, values)).values


def check_levels(metric: AbstractMetric, *levels: tuple[float, float, float]) -> None:
    """The metric of (value inside, value outside, expected score)."""
    for inside, outside, expected in levels:
        np.testing.assert_allclose(on_corner(metric, inside, outside), expected, atol=1e-6)


def check_rank_accuracy_on_paper(metric: AbstractMetric) -> None:
    """1 where the nine highest are the evidence, 0 where none is, 9/36 where all are alike."""
    check_levels(metric, (1, 0, 1.0), (0, 1, 0.0), (0, -1, 1.0), (-1, 0, 0.0), (2, 2, 0.25), (0, 0, 0.25))
    of, samples, record = corner_record()
    values = np.zeros(record.values.shape)
    values[..., :3, :2], values[..., 5, :3] = 5, 9  # three outside, then six inside: nine
    np.testing.assert_allclose(metric.score(of, samples, with_values(record, values)).values, 6 / 9)


def check_top_k_on_paper(metric: AbstractMetric) -> None:
    """The best is 1 for any k; of a constant map k · 9/36 lie inside."""
    for k, even in ((4, 0.25), (9, 0.25), (18, 0.5), (36, 1.0), (1000, 1.0)):
        check_levels(replace(metric, k=k), (1, 0, 1.0), (1, 1, even), (0, 0, even))
    for k in (4, 9, 27):
        check_levels(replace(metric, k=k), (0, 1, 0.0), (-1, 0, 0.0))


def check_auroc_on_paper(metric: AbstractMetric) -> None:
    """1 where all inside is above all outside, 0 where below, 1/2 of a constant map; a misranked one costs 1/(9·27)."""
    check_levels(metric, (1, 0, 1.0), (0, 1, 0.0), (0, -1, 1.0), (3, 3, 0.5), (0, 0, 0.5))
    of, samples, record = corner_record()
    values = np.zeros(record.values.shape)
    values[..., :3, :3] = np.arange(1, 10).reshape(3, 3)
    values[..., 5, 5] = 1.5
    found = metric.score(of, samples, with_values(record, values)).values
    np.testing.assert_allclose(found, 1 - 1 / (9 * 27))


def check_auprc_on_paper(metric: AbstractMetric) -> None:
    """1 at best, 9/36 of a constant map, Σ i/(27+i) / 9 where the evidence comes last, one by one."""
    check_levels(metric, (1, 0, 1.0), (3, 3, 0.25), (0, 0, 0.25), (0, 1, 0.25))
    of, samples, record = corner_record()
    values = np.ones(record.values.shape)
    values[..., :3, :3] = -np.arange(1, 10).reshape(3, 3)
    found = metric.score(of, samples, with_values(record, values)).values
    np.testing.assert_allclose(found, sum(i / (27 + i) for i in range(1, 10)) / 9)


def check_precision_on_paper(metric: AbstractMetric) -> None:
    """Three times as high inside: precision is 1 for thresholds above a third, 9/36 below."""
    check_levels(metric, (1, 0, 1.0), (0, 1, 0.0), (2, 2, 0.25), (0, 0, 0.0), (-1, -2, 0.0), (3, 1, 2 / 3 + 1 / 12))


def check_recall_on_paper(metric: AbstractMetric) -> None:
    """The mean height of the evidence as a share of the maximum."""
    check_levels(metric, (1, 0, 1.0), (0, 1, 0.0), (2, 2, 1.0), (0, 0, 0.0), (-1, 3, 0.0), (1, 4, 0.25))


def check_earth_on_paper(metric: AbstractMetric) -> None:
    """0 on the evidence; evenly spread 1.5 of 5 pixels either way; all in the far corner 4 of 5, from (0, 0) 1 of 5."""
    check_levels(metric, (1, 0, 0.0), (1, 1, 0.3), (0, 0, 0.3), (1, -1, 0.0))
    of, samples, record = corner_record()
    for place, expected in ((5, 0.8), (0, 0.2)):
        values = np.zeros(record.values.shape)
        values[..., place, place] = 1
        np.testing.assert_allclose(metric.score(of, samples, with_values(record, values)).values, expected)


def check_spread_on_paper(metric: AbstractMetric, one: float, half: float, all_: float) -> None:
    """The metric of 36 places where one, 18 alike or all alike have something; the sign, the size and what is
    cancelled between channels do not matter, and a map of zeros is one that is alike everywhere."""
    of, samples, record = corner_record()
    values = np.zeros((4, *record.values.shape))
    values[0, :, :, 2, 3] = -7e-9
    values[1, :, 0, ::2], values[1, :, 1] = 0.5, 0
    values[1, :, 0, 1], values[1, :, 1, 1] = 1e6, -1e6
    values[2] = 1e30
    for made, expected in zip(values, (one, half, all_, all_), strict=True):
        found = metric.score(of, samples, with_values(record, made))
        np.testing.assert_allclose(found.values, expected, atol=1e-9)
        assert found.control.min() > min(one, all_)
        assert found.control.max() < max(one, all_)


def check_gini_on_paper(metric: AbstractMetric) -> None:
    """1 - 1/36 of one place, 1/2 of half of the places, 0 of all."""
    check_spread_on_paper(metric, 35 / 36, 0.5, 0.0)


def check_entropy_on_paper(metric: AbstractMetric) -> None:
    """The logarithm of the number of places."""
    check_spread_on_paper(metric, 0.0, np.log(18), np.log(36))


def check_size_on_paper(metric: AbstractMetric) -> None:
    """Nine tenths of the number of places, rounded up; the number itself where all has to be held."""
    check_spread_on_paper(metric, 1, 17, 33)
    check_spread_on_paper(replace(metric, share=0.5), 1, 9, 18)
    check_spread_on_paper(replace(metric, share=0.99), 1, 18, 36)


def check_moved_maps_equal_the_loop(metric: AbstractMetric) -> None:
    """The gradient of a linear function never moves; input × gradient moves by w δ, entry by entry; what is there
    compared with is written out one input at a time."""
    from workbench.methods.gradient import Gradient
    from workbench.methods.input_x_gradient import InputXGradient
    from workbench.methods.kernel_shap import KernelShap

    of = subject(Linear)
    samples = of.task.samples("test")
    still = metric.score(of, samples, explain(of, samples, Gradient(), SCORE))
    np.testing.assert_array_equal(still.values, 0)
    assert (still.control > 0.05).all()
    for other in (InputXGradient(), KernelShap()):  # from a reference input of zeros, alike on a linear function
        score = metric.score(of, samples, explain(of, samples, other, SCORE))
        expected = [oracles.moved_linear(of, samples, i, metric) for i in range(len(samples))]
        np.testing.assert_allclose(score.values, expected, rtol=1e-3)
        assert (score.values < score.control.mean(1)).mean() > 0.9


def check_seeds_on_paper(metric: AbstractMetric) -> None:
    """0 without a seed, 1 on average where all is drawn anew, S / (S − 1) where maps cancel, one seed or nine."""
    from workbench.methods.random import Random

    of, samples, record = corner_record()
    np.testing.assert_array_equal(metric.score(of, samples, record).values, 0)
    for n_seeds in (1, 3, 9):
        found = replace(metric, n_seeds=n_seeds)
        drawn = found.score(of, samples, explain(of, samples, Random(), SCORE))
        assert abs(drawn.mean - 1) < 0.1
        assert abs(drawn.control.mean() - 1) < 0.1
        assert (drawn.values < (n_seeds + 1) / n_seeds).all()
    other = explain(of, samples, Random(seed=1), SCORE)
    opposite = with_values(explain(of, samples, Random(seed=0), SCORE), -other.values)
    np.testing.assert_allclose(replace(metric, n_seeds=1).score(of, samples, opposite).values, 2, rtol=1e-5)


def check_cascade_equals_the_loop(metric: AbstractMetric) -> None:
    """The gradient of a network with the last, the last two, … of its four layers permuted, and its rank correlation,
    written out; what ignores the weights scores exactly 1."""
    from workbench.methods.gradient import Gradient
    from workbench.methods.random import Random

    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    record = explain(of, samples, Gradient(), SCORE)
    for n_stages in (1, 2, 4, 9):
        score = replace(metric, n_stages=n_stages).score(of, samples, record)
        expected = [oracles.cascade(of, samples, i, min(n_stages, 4), metric.seed) for i in range(3)]
        np.testing.assert_allclose(score.values, expected, atol=1e-3)
    deaf = metric.score(of, samples, explain(of, samples, Random(), SCORE))
    np.testing.assert_allclose(deaf.values, 1)
    assert abs(deaf.control.mean()) < 0.1


def check_other_class_on_paper(metric: AbstractMetric) -> None:
    """Probabilities of two classes have opposite maps, −1; a class whose logit is constant a map of zeros, 0; and what
    ignores the class the same map, 1."""
    from workbench.methods.input_x_gradient import InputXGradient
    from workbench.methods.random import Random

    for of in map(subject, (Dense, Corner, Negation)):
        samples = of.task.samples("test")
        for target, method, expected in (
            (replace(SCORE, output=Output.PROBABILITY), InputXGradient(), -1),
            (SCORE, InputXGradient(), 0),
            (SCORE, Random(), 1),
        ):
            record = explain(of, samples, method, target)
            told = [i for i, values in enumerate(record.values) if np.ptp(values[record.inputs[i] != 0]) > 0]
            found = metric.score(of, samples, record).values[told]
            np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=of.name)


METRICS = {
    "deletion": (check_removal_equals_the_loop, check_prefers_the_truth, check_control_is_chance),
    "insertion": (check_removal_equals_the_loop, check_prefers_the_truth, check_control_is_chance),
    "completeness": (check_gap_on_paper,),
    "relevance_mass": (
        check_mass_on_paper,
        check_control_is_chance,
        check_only_right_answers_count,
    ),
    "pointing_game": (check_pointing_on_paper, check_control_is_chance, check_only_right_answers_count),
    "relevance_rank_accuracy": (check_rank_accuracy_on_paper, check_control_is_chance, check_only_right_answers_count),
    "top_k_intersection": (check_top_k_on_paper, check_control_is_chance, check_only_right_answers_count),
    "auroc": (check_auroc_on_paper, check_control_is_chance, check_only_right_answers_count),
    "auprc": (check_auprc_on_paper, check_control_is_chance, check_only_right_answers_count),
    "aup": (check_precision_on_paper, check_control_is_chance, check_only_right_answers_count),
    "aur": (check_recall_on_paper, check_control_is_chance, check_only_right_answers_count),
    "earth_movers_distance": (check_earth_on_paper, check_control_is_chance, check_only_right_answers_count),
    "sparseness": (check_gini_on_paper, check_control_is_chance),
    "entropy": (check_entropy_on_paper, check_control_is_chance),
    "effective_size": (check_size_on_paper, check_control_is_chance),
    "max_sensitivity": (check_moved_maps_equal_the_loop,),
    "average_sensitivity": (check_moved_maps_equal_the_loop,),
    "local_lipschitz": (check_moved_maps_equal_the_loop,),
    "relative_input_stability": (check_moved_maps_equal_the_loop,),
    "relative_output_stability": (check_moved_maps_equal_the_loop,),
    "seed_spread": (check_seeds_on_paper,),
    "cascading_randomisation": (check_cascade_equals_the_loop,),
    "class_sensitivity": (check_other_class_on_paper,),
}
