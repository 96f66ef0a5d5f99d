"""Every metric: its promises, the wrong metrics that they reject, and what it says where it does not apply."""

from dataclasses import replace

import broken
import broken_promises
import checks
import numpy as np
import promises
import pytest
from subjects import SCORE, Convolved, Corner, Dense, subject

from workbench.explanation import explain, method
from workbench.removal import AbstractRemoval
from workbench.scoring import interval, metric, metrics, rank_correlation
from zoo.errors import InputError

CHECKS = {**checks.METRICS, **promises.METRICS}
PROMISED = [(name, check) for name, found in CHECKS.items() for check in found]
WRONG = [*broken.metrics(), *broken_promises.metrics()]


@pytest.mark.parametrize(("name", "check"), PROMISED)
def test_metric_keeps_its_promises(name, check):
    check(metric(name))


@pytest.mark.parametrize(("check", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", None))
def test_check_rejects_a_wrong_metric(check, wrong):
    with pytest.raises(AssertionError):
        check(wrong)


def test_every_metric_has_checks_and_every_check_a_broken_metric():
    assert set(CHECKS) == set(metrics())
    used = {check for found in CHECKS.values() for check in found}
    assert used == {check for check, _ in WRONG}


def test_batch_and_single_samples_get_the_same_scores():
    of = subject(Convolved)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    for name in ("deletion", "insertion", "relevance_mass", "pointing_game"):
        whole = metric(name).score(of, samples, record)
        for row, identifier in enumerate(whole.sample_ids[:3]):
            i = samples.ids.index(identifier)
            one = metric(name).score(of, samples.take([i]), record.take(i))
            np.testing.assert_allclose(one.values, whole.values[row : row + 1], atol=1e-6)
            np.testing.assert_allclose(one.control, whole.control[row : row + 1], atol=1e-6)
            assert np.isnan(one.low)


@pytest.mark.parametrize("name", ["deletion", "insertion"])
def test_curves_lie_before_the_band_of_random_orders(name):
    of, samples, record = checks.corner_record()
    found = metric(name)
    assert isinstance(found, AbstractRemoval)
    curve = found.curves(of, samples, record)
    ends = [of.logits(inputs).softmax(-1)[:, 1].mean() for inputs in (samples.inputs, samples.inputs * 0)]
    start, stop = ends[::-1] if found.inserting else ends
    np.testing.assert_allclose((curve.y[0, 0], curve.y[0, -1]), (start, stop), atol=1e-6)
    np.testing.assert_allclose(curve.band[:, [0, -1]], [(start, stop)] * 2, atol=1e-6)
    assert curve.x[0] == 0
    assert curve.x[-1] == 1
    middle = slice(2, -2)
    outside = curve.y[0] > curve.band[1] if found.inserting else curve.y[0] < curve.band[0]
    assert outside[middle].all()


@pytest.mark.parametrize("name", ["deletion", "insertion"])
def test_drawn_curve_has_the_area_that_is_scored(name):
    of = subject(Dense)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    found = metric(name)
    score, curve = found.score(of, samples, record), found.curves(of, samples, record)
    for i, scored in enumerate(score.values):
        one = found.curves(of, samples.take([i]), record.take(i))
        assert len(set(one.x)) == 5, "four features have five shares"
        assert np.trapezoid(one.y[0], one.x) == pytest.approx(scored, abs=1e-6)
    assert len(set(curve.x)) == found.n_steps + 1
    assert np.trapezoid(curve.y[0], curve.x) == pytest.approx(score.mean, abs=1e-6)


def test_controls_are_shared_by_methods_but_not_by_changed_weights():
    network = Corner()
    of = subject(network)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    found = metric("deletion")
    first = found.score(of, samples, record)
    view = of.metered()
    np.testing.assert_array_equal(found.score(view, samples, record).control, first.control)
    assert view.meter.forward < len(samples) * found.n_steps * 3
    network.weight.data *= 0.1
    assert np.abs(found.score(of, samples, record).control - first.control).max() > 0.01


def test_metrics_say_why_they_do_not_apply():
    of = subject(Dense)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    for name, word in (("completeness", "reference"), ("relevance_mass", "evidence"), ("pointing_game", "evidence")):
        with pytest.raises(InputError, match=word):
            metric(name).score(of, samples, record)
    with pytest.raises(InputError, match="were explained"):
        metric("deletion").score(of, samples.take([0]), record)


@pytest.mark.parametrize("factor", [1, 1 + 1e-9])
def test_completeness_leaves_out_samples_that_have_nothing_to_share_out(factor):
    of = subject(Dense)
    samples = of.task.samples("test").take([0, 1])
    record = explain(of, samples, method("integrated_gradients"), SCORE)
    same = replace(record, f_reference=np.array([record.f_x[0] * factor, record.f_reference[1]]))
    assert np.isnan(same.relative_gap).tolist() == [True, False], "no share of nothing, however small the gap"
    score = metric("completeness").score(of, samples, same)
    assert score.sample_ids == samples.ids[1:]
    assert np.isfinite(score.control).all()
    assert "nothing to share out" in score.why


def test_interval_covers_the_mean_nineteen_times_in_twenty():
    chance = np.random.default_rng(0)
    hits = [low <= 0.5 <= high for low, high in (interval(chance.random(40)) for _ in range(400))]
    assert 0.91 < np.mean(hits) < 0.98


def test_interval_of_one_sample_is_not_known():
    assert np.isnan(interval(np.array([1.0]))).all()


def test_rank_correlation_on_paper():
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([1.0, 4, 9])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert rank_correlation(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 4, 3])) == pytest.approx(0.8)
    assert rank_correlation(np.ones(3), np.array([1.0, 2, 3])) == 0
    assert rank_correlation(np.ones(3), np.ones(3)) == 1
