"""Methods that perturb: against what is known on paper and slow, literal computations in float64."""

from dataclasses import replace
from itertools import product

import numpy as np
import oracles
import pytest
import subjects
import torch
from scipy.stats import spearmanr
from series_subjects import waves
from subjects import SCORE, Convolved, Corner, Dense, Late, Linear, Negation, at, query, subject

from workbench.analyses.stability import WIDTHS
from workbench.analysis import analysis
from workbench.explanation import explain, method
from workbench.groups import feature_groups
from workbench.interpolation import hats
from workbench.methods.lime import Lime
from workbench.methods.rise import Rise
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.soft_mask import Places, of_area
from workbench.subject import Subject
from workbench.subsets import subsets
from workbench.surrogate import fitted, nearness
from workbench.windows import stretch_values, stretches

ON_PAPER = [
    # network, point, method and settings, attributions of the first features from the zero reference
    ("Linear", (1.0, 0.5, 2.0), "feature_ablation", {}, (2, 1, -6)),
    ("Product", (3.0, 2.0), "feature_ablation", {}, (6, 6)),
    ("Maximum", (3.0, 2.0), "feature_ablation", {}, (1, 0)),
    ("Xor", (1.0, 1.0), "feature_ablation", {}, (-1, -1)),
    # E[f | kept] - E[f]: (1 - p) w x of a linear function, p (1 - p) x₀ x₁ of a product
    ("Linear", (1.0, 0.5, 2.0), "rise", {}, (1, 0.5, -3)),
    ("Linear", (1.0, 0.5, 2.0), "rise", {"share": 0.8}, (0.4, 0.2, -1.2)),
    ("Product", (3.0, 2.0), "rise", {"share": 0.25}, (6 * 3 / 16, 6 * 3 / 16)),
    ("Maximum", (3.0, 2.0), "rise", {}, (1, 0.5)),
    ("Linear", (1.0, 0.5, 2.0), "lime", {"ridge": 0.0}, (2, 1, -6)),
    ("Linear", (1.0, 0.5, 2.0), "lime", {"ridge": 0.0, "distance": "l2", "kernel_width": 3.0}, (2, 1, -6)),
    ("Product", (3.0, 2.0), "lime", {"ridge": 0.0, "kernel_width": 1000.0}, (3, 3)),
]


@pytest.mark.parametrize(("network", "point", "name", "given", "expected"), ON_PAPER)
def test_attributions_known_on_paper(network, point, name, given, expected):
    record = explain(subject(getattr(subjects, network)), at(point), method(name, **given), SCORE)
    np.testing.assert_allclose(record.values[0, : len(expected)], expected, atol=1e-5)
    assert record.values[0, 3] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("network", [Convolved, Dense, Negation, None])
@pytest.mark.parametrize("groups", ["task", "fine", "superpixels", "sentences", "time"])
def test_feature_ablation_equals_the_loop(network, groups):
    of = waves() if network is None else subject(network)
    kinds = {"superpixels": "image", "sentences": "text", "time": "series"}
    if of.task.kind != kinds.get(groups, of.task.kind):
        return
    samples = of.task.samples("test").take(range(3))
    record = explain(of, samples, method("feature_ablation", groups=groups, n_groups=4), SCORE)
    f, q = oracles.scalar(of.network), query(of, samples)
    numbers, reference = feature_groups(q, groups, 4), reference_inputs(q)
    for i, x in enumerate(samples.inputs):
        expected = oracles.occlusion_by_group(f, x, reference[i], numbers[i])
        np.testing.assert_allclose(record.values[i], expected.numpy(), atol=1e-5)


@pytest.mark.parametrize(("window", "stride", "measured"), [(1, 1, "one"), (3, 2, "one"), (4, 3, "all"), (9, 0, "all")])
def test_occlusion_along_time_equals_the_sliding_loop(window, stride, measured):
    of = waves()
    samples = of.task.samples("test").take(range(2))
    record = explain(of, samples, method("occlusion", window=window, stride=stride, measured=measured), SCORE)
    f, window = oracles.scalar(of.network), min(window, 6)
    for i, x in enumerate(samples.inputs):
        total, times = np.zeros((6, 3)), np.zeros((6, 3))
        for what in [[0], [1], [2]] if measured == "one" else [[0, 1, 2]]:
            start = 0
            while True:
                changed = x.clone()
                changed[start : start + window, what] = 0
                total[start : start + window, what] += float((f(x) - f(changed)).detach())
                times[start : start + window, what] += 1
                if start + window >= 6:
                    break
                start += stride
        np.testing.assert_allclose(record.values[i], total / times, atol=1e-5)


def test_stretches_leave_no_step_out_and_one_that_is_too_long_is_the_whole_series():
    steps = stretches(torch.Size([6, 1]), 2, 5, together=True)[..., 0]
    assert steps.nonzero().tolist() == [[0, 0], [0, 1], [1, 2], [1, 3], [2, 4], [2, 5]]
    whole = stretches(torch.Size([6, 2]), 20, 2, together=True)
    assert whole.shape == (1, 6, 2)
    assert whole.all()


def test_each_series_is_replaced_by_its_own_reference():
    of = subject(Late)
    q = query(of, of.task.samples("test").take(range(2)))
    reference = torch.stack((torch.zeros(7, 2), torch.ones(7, 2)))
    found = stretch_values(q, stretches(torch.Size([7, 2]), 7, 7, together=True), reference)
    np.testing.assert_allclose(found[:, 0], [0, 3 * np.sin(1) + 0.3], atol=1e-6)


def test_occlusion_of_a_series_takes_the_groups_where_no_window_is_asked_for():
    of = waves()
    samples = of.task.samples("test")
    a, b = (explain(of, samples, method(name), SCORE).values for name in ("occlusion", "feature_ablation"))
    np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "spacing", "shift"), [(6, 2.0, 0.0), (6, 2.0, 2.0), (9, 2.5, 1.7), (5, 4.0, 4.0), (4, 1.0, 0.3)]
)
def test_hats_interpolate(size, spacing, shift):
    weights = hats(size, spacing, torch.tensor([shift]), torch.float64)[0].numpy()
    nodes = np.random.default_rng(0).normal(size=weights.shape[1])
    expected = np.interp(np.arange(size), np.arange(len(nodes)) * spacing - shift, nodes)
    np.testing.assert_allclose(weights @ nodes, expected, atol=1e-6)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)


def covariance_of_cells(size: int, spacing: float) -> np.ndarray:
    """E_u Σ_n h_n(i + u) h_n(j + u) along one axis, u uniform on [0, spacing], by a fine sum."""
    total = np.zeros((size, size))
    for u in (np.arange(400) + 0.5) / 400 * spacing:
        places = (np.arange(size)[:, None] + u) / spacing
        hat = np.maximum(0, 1 - np.abs(places - np.arange(size + 3)))
        total += hat @ hat.T / 400
    return total


def test_rise_of_a_linear_model_converges_to_the_covariance_of_its_masks():
    """E[f m_i] / E[m_i] - E[f] = Σ_j w_j x_j Cov(m_j, m_i) / p, and the covariance is known."""
    of = subject(Corner)
    samples = of.task.samples("test").take(range(2))
    share, grid = 0.4, 3
    record = explain(of, samples, Rise(n_masks=40_000, share=share, grid=grid), SCORE)
    along = covariance_of_cells(6, 6 / grid)
    covariance = share * (1 - share) * np.kron(along, along)
    for i, x in enumerate(samples.inputs):
        worth = (of.network.weight.detach() * x).sum(0).flatten().double().numpy()
        expected = (covariance @ worth / share).reshape(6, 6)
        np.testing.assert_allclose(record.values[i, 0], expected, atol=0.03 * np.abs(expected).max())
        np.testing.assert_array_equal(record.values[i, 0], record.values[i, 1])


def test_rise_with_drawn_words_equals_the_literal_estimator():
    of = subject(Negation)
    samples = of.task.samples("test").take([2])
    record = explain(of, samples, Rise(n_masks=20, share=0.6, seed=3), SCORE)  # 5 words have 32 subsets
    groups, f = of.task.groups(samples.inputs)[0], oracles.scalar(of.network)
    drawn = subsets(5, 20, 0.6, 3).present
    outcomes = [float(f(torch.where(z[groups], samples.inputs[0], 1)).detach()) for z in drawn]
    for word in range(5):
        kept = [outcome for outcome, z in zip(outcomes, drawn, strict=True) if z[word]]
        expected = sum(kept) / len(kept) - sum(outcomes) / 20
        assert record.values[0][groups == word].sum() == pytest.approx(expected, abs=1e-5)


def test_subsets_are_all_there_are_or_drawn_with_their_share():
    whole = subsets(4, 16, 0.3, 0)
    assert len(whole.present.unique(dim=0)) == 16
    assert float(whole.weights.sum()) == pytest.approx(1)
    assert float(whole.weights @ whole.present.double()[:, 2]) == pytest.approx(0.3)
    some = subsets(20, 4000, 0.3, 0)
    assert some.present.shape == (4000, 20)
    assert abs(float(some.present.double().mean()) - 0.3) < 0.01
    assert not torch.equal(some.present, subsets(20, 4000, 0.3, 1).present)


def literal_ridge(z, weights, outcomes, ridge):
    """Normal equations with an intercept that is not shrunk, in float64."""
    design = np.column_stack([np.ones(len(z)), z])
    penalty = np.diag([0.0] + [ridge] * z.shape[1])
    left = design.T @ (weights[:, None] * design) + penalty
    return np.linalg.solve(left, design.T @ (weights * outcomes))


@pytest.mark.parametrize("network", [Convolved, Dense, Negation])
@pytest.mark.parametrize(("distance", "width", "ridge"), [("cosine", 0.25, 0.001), ("l2", 0.5, 0.2), ("l2", 0.75, 0.0)])
def test_lime_equals_the_closed_form_one_sample_at_a_time(network, distance, width, ridge):
    of = subject(network)
    samples = of.task.samples("test").take(range(3))
    record = explain(of, samples, Lime(n_samples=96, distance=distance, kernel_width=width, ridge=ridge, seed=2), SCORE)
    f, reference = oracles.scalar(of.network), reference_inputs(query(of, samples))
    groups = of.task.groups(samples.inputs)
    for i, x in enumerate(samples.inputs):
        count = int(groups[i].max()) + 1
        z = np.array(list(product([False, True], repeat=count))) if 2**count <= 96 else None
        if z is None:
            z = subsets(count, 96, 0.5, 2).present.numpy()
        present = [torch.tensor(one)[groups[i].clamp(min=0)] for one in z]
        outcomes = np.array([float(f(torch.where(one, x, reference[i])).detach()) for one in present])
        size = z.sum(1) / count
        far = 1 - np.sqrt(size) if distance == "cosine" else np.sqrt(1 - size)
        weights = np.exp(-((far / width) ** 2))
        found = literal_ridge(z.astype(float), weights / weights.sum(), outcomes, ridge)
        expected = oracles.shared(torch.tensor(found[1:]), groups[i]).numpy()
        np.testing.assert_allclose(record.values[i], expected, atol=2e-5 * max(1, np.abs(expected).max()))


def test_the_surrogate_says_how_well_it_fits():
    present = subsets(3, 8, 0.5, 0).present
    near = nearness(present, "l2", 0.7)
    straight = present.double() @ torch.tensor([1.0, -2.0, 0.5]).double() + 0.25
    curved = (present[:, 0] & present[:, 1]).double()
    found = fitted(present, near, torch.stack((straight, curved, torch.full_like(straight, 3.0))), 0.0)
    torch.testing.assert_close(found.weights[0], torch.tensor([1.0, -2.0, 0.5]).double())
    assert float(found.intercept[0]) == pytest.approx(0.25)
    assert float(found.r2[0]) == pytest.approx(1.0)
    rest = curved - found.intercept[1] - present.double() @ found.weights[1]
    mean = float(curved @ near)
    by_hand = 1 - float(near @ rest**2) / float(near @ (curved - mean) ** 2)
    assert float(found.r2[1]) == pytest.approx(by_hand)
    assert 0 < by_hand < 1
    assert torch.isnan(found.r2[2])
    assert not found.weights[2].any()


def test_stability_equals_runs_of_lime_compared_in_pairs():
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    table = analysis("stability", n_runs=3, top=2, n_samples=80).run(of, samples)
    classes = of.logits(samples.inputs).argmax(-1)
    groups = of.task.groups(samples.inputs)[0, 0]
    for row, width in zip(table.rows, WIDTHS, strict=True):
        runs = []
        for seed in range(3):
            record = explain(of, samples, Lime(n_samples=80, kernel_width=width, seed=seed))
            assert record.classes.tolist() == classes.tolist()
            assert record.target.output == "logit"
            maps = record.values.sum(1)
            runs.append([[maps[i][groups.numpy() == g].sum() for g in range(9)] for i in range(3)])
        ranks, tops = [], []
        for a, b in ((0, 1), (0, 2), (1, 2)):
            for i in range(3):
                ranks.append(spearmanr(runs[a][i], runs[b][i]).statistic)
                one, other = (set(np.argsort(-np.abs(runs[r][i]))[:2]) for r in (a, b))
                tops.append(len(one & other) / 2)
        assert row[0] == width
        assert row[1] == pytest.approx(np.mean(ranks), abs=1e-6)
        assert row[2] == pytest.approx(np.mean(tops))
        assert 0 < row[3] <= 1
    assert table.rows[WIDTHS.index(0.25)][4] == pytest.approx(1)
    assert min(row[4] for row in table.rows) < 1


def test_runs_agree_exactly_where_nothing_is_drawn():
    of = subject(Linear)
    table = analysis("stability", n_runs=2, ridge=0.0).run(of, of.task.samples("test"))
    for row in table.rows:
        assert row[1:4] == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("softness", [1.0, 0.1])
def test_a_mask_has_its_area_and_the_right_slope(softness):
    chance = torch.Generator().manual_seed(0)
    scores = torch.randn(3, 12, generator=chance, dtype=torch.float64).requires_grad_()
    valid = torch.ones(3, 12, dtype=torch.bool)
    valid[1, 5:] = False
    area = torch.tensor([1.2, 2.0, 11.9], dtype=torch.float64)
    mask = of_area(scores, valid, area, softness)
    torch.testing.assert_close(mask.sum(1), area, atol=1e-5, rtol=0)
    assert not mask[1, 5:].any()
    assert bool((mask.detach()[0, scores[0].argsort()].diff() >= 0).all())
    for row, place in ((0, 3), (1, 2), (2, 8)):
        (slope,) = torch.autograd.grad(of_area(scores, valid, area, softness)[row, place], scores)
        moved = []
        for step in (1e-3, -1e-3):
            other = scores.detach().clone()
            other[row, 4] += step
            moved.append(float(of_area(other, valid, area, softness)[row, place]))
        assert float(slope[row, 4]) == pytest.approx((moved[0] - moved[1]) / 2e-3, abs=1e-4)


def test_what_is_no_place_does_not_move_the_threshold():
    valid = torch.tensor([[True, True, True, False]])
    scores = torch.tensor([[0.5, -0.2, 0.1, 0.0]], dtype=torch.float64)
    area = torch.tensor([1.5], dtype=torch.float64)
    wanted = of_area(scores, valid, area, 0.1)
    for far in (1e7, -1e7):
        scores[0, 3] = far
        torch.testing.assert_close(of_area(scores, valid, area, 0.1), wanted, atol=1e-5, rtol=0)


def test_nodes_are_as_far_apart_along_both_sides_and_never_nearer_than_pixels():
    """Two along the shorter side of 4 × 12 are 2 pixels apart; the last lie beyond the edge."""
    of = Subject(subjects.Constant(), subjects.Pixels(), name="wide")
    samples = replace(of.task.samples("test").take([0]), inputs=torch.ones(1, 2, 4, 12), evidence=None)
    assert Places.of(query(of, samples), 2).nodes == (4, 8)
    assert Places.of(query(of, samples), 256).nodes == (6, 14)


def gains(record):
    return record.values.reshape(len(record), -1).sum(1, dtype=np.float64)


@pytest.mark.parametrize("game", ["preserve", "delete"])
def test_extremal_mask_of_one_column_is_the_one_that_moves_a_linear_model_most(game):
    of = subject(Linear)
    samples = at((1.0, 0.2, 0.1), (0.3, 0.9, -0.1), (0.2, 0.1, -1.0))
    record = explain(of, samples, method("extremal_mask", area=0.25, game=game), SCORE)
    assert record.values.argmax(1).tolist() == [0, 1, 2]
    assert (record.values.max(1) > 0.95 * gains(record)).all()
    np.testing.assert_allclose(gains(record), [2.0, 1.8, 3.0], rtol=0.05)


def test_extremal_mask_of_one_word_is_the_one_that_weighs_most():
    of = subject(subjects.OneHotBag)
    samples = of.task.encode(["bad film good", "film unseen not"])
    record = explain(of, samples, method("extremal_mask", area=0.3), SCORE)
    assert record.values[0].argmax() == 2
    assert record.values[1, 1:3].sum() > 0.9 * gains(record)[1]  # 'unseen': 0.5 + 0.75 over two tokens
    np.testing.assert_allclose(gains(record), [2.0, 1.25], rtol=0.1)


def test_extremal_mask_lies_where_the_model_looks_and_has_its_area():
    of = subject(Corner)
    samples = replace(of.task.samples("test"), inputs=torch.ones(12, 2, 6, 6))
    record = explain(of, samples, method("extremal_mask", area=0.15), SCORE)
    assert (record.values[:, :, :3, :3].sum((1, 2, 3)) > 0.85 * gains(record)).all()
    q = query(of, samples)
    places = Places.of(q, 10)
    assert places.valid.shape == (12, 36)
    assert places.scores(torch.zeros(12, *places.nodes)).shape == (12, 36)

    weights = (of.network.weight.detach().sum(0).flatten().sort(descending=True).values).numpy()
    most = weights[:5].sum() + 0.4 * weights[5]  # 0.15 of 36 pixels are 5.4, each counted once over its two channels
    assert (0.7 * most < gains(record)).all()
    assert (gains(record) < 1.05 * most).all()


class Aimed(subjects.Scalar):
    """f = −Σ (x − t)²: with x = 1 and x' = 0 the best mask of area Σ t is t."""

    aim = (0.8, 0.6, 0.4, 0.2)

    def score(self, inputs):
        return -((inputs - torch.tensor(self.aim)) ** 2).sum(1)


def test_extremal_mask_settles_at_a_maximum_within():
    record = explain(subject(Aimed), at((1.0,) * 4), method("extremal_mask", area=0.5, n_steps=400), SCORE)
    np.testing.assert_allclose(2 * record.values[0] / gains(record), Aimed.aim, atol=0.01)
    np.testing.assert_allclose(gains(record), 1.2, rtol=0.001)


def test_extremal_mask_grows_hard_by_equal_factors(monkeypatch):
    seen = []

    def noted(scores, valid, area, softness):
        seen.append(softness)
        return of_area(scores, valid, area, softness)

    monkeypatch.setattr("workbench.methods.extremal_mask.of_area", noted)
    explain(subject(Linear), at((1.0,)), method("extremal_mask", n_steps=4), SCORE)
    np.testing.assert_allclose(seen, 0.1 ** np.array([0, 1 / 4, 1 / 2, 3 / 4, 1]))


def test_extremal_mask_shows_one_place_at_least_and_is_never_made_slower_by_cheap_settings():
    record = explain(subject(Linear), at((1.0, 0.2, 0.1)), method("extremal_mask", area=0.001), SCORE)
    np.testing.assert_allclose(gains(record), 2.0, rtol=0.05)
    assert [method("extremal_mask", n_steps=n).rough().n_steps for n in (5, 20, 40)] == [5, 20, 20]


def test_only_reference_inputs_that_are_drawn_make_an_extremal_mask_random():
    drawn = [name for name in REFERENCE_INPUTS if method("extremal_mask", reference_input=name).is_random()]
    assert sorted(drawn) == ["data", "noise"]


@pytest.mark.parametrize("network", [Convolved, None])
def test_extremal_mask_beats_random_masks_of_its_area(network):
    of = waves() if network is None else subject(network)
    samples = of.task.samples("test").take(range(4))
    record = explain(of, samples, method("extremal_mask", area=0.2, n_nodes=6), SCORE)
    q = query(of, samples)
    places = Places.of(q, 6)
    reference = reference_inputs(q)
    f_reference = q.values(reference)
    area = 0.2 * places.valid.sum(1)
    chance = torch.Generator().manual_seed(0)
    for _ in range(100):
        nodes = torch.randn(4, *places.nodes, generator=chance)
        mask = places.placed(of_area(places.scores(nodes), places.valid, area, 0.1), q.inputs)
        moved = q.values(reference + mask * (samples.inputs - reference)) - f_reference
        assert (gains(record) >= moved.numpy() - 1e-6).all()
