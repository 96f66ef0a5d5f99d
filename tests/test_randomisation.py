"""Randomisation: what is permuted at each stage, what chance leaves, other classes, and models without weights."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from subjects import SCORE, Bag, Constant, Convolved, Dense, Negation, Number, Pixels, subject

import workbench
from workbench.explanation import explain, method
from workbench.randomisation import cascade, layers, randomised, upper_randomised
from workbench.records import Output, Target
from workbench.repetition import again, configured
from workbench.scoring import metric
from workbench.similarity import chances, correlations, likeness, no_ssim
from zoo.errors import InputError


def changed_layers(network, original):
    own = dict(original.named_parameters())
    moved = {name for name, value in network.named_parameters() if not torch.equal(value, own[name])}
    return {name.rpartition(".")[0] for name in moved}


@pytest.mark.parametrize("top_down", [True, False])
def test_layers_are_permuted_from_one_end_to_the_other_and_stay_so(top_down):
    original, strange = Convolved(), randomised(Convolved(), 3)
    order = ["body.0", "body.1", "body.3", "head"]
    order = order[::-1] if top_down else order
    seen = []
    for share, network in cascade(Convolved(), 4, top_down, 3):
        assert share == (len(seen) + 1) / 4
        changed = changed_layers(network, original)
        assert changed <= set(order[: len(seen) + 1])
        assert {"body.0", "body.3", "head"} & set(order[: len(seen) + 1]) <= changed
        seen.append(changed)
    for value, other in zip(network.parameters(), strange.parameters(), strict=True):
        assert torch.equal(value, other)
    assert [share for share, _ in cascade(Convolved(), 3, top_down, 3)] == [2 / 4, 3 / 4, 4 / 4]
    assert [share for share, _ in cascade(Convolved(), 99, top_down, 3)] == [1 / 4, 2 / 4, 3 / 4, 4 / 4]


def test_parameters_that_are_shared_are_one_and_those_without_a_layer_the_networks_own():
    with torch.random.fork_rng(devices=[]):
        network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    network[1].weight = network[0].weight
    network.register_parameter("scale", torch.nn.Parameter(torch.ones(1)))
    assert layers(network) == [["scale"], ["0.weight", "0.bias"], ["1.bias"]]
    assert layers(torch.nn.ReLU()) == []


def test_another_seed_permutes_otherwise():
    first, same, other = (randomised(Convolved(), seed).head.weight for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("measure", [correlations, likeness])
def test_ranks_are_of_the_places_that_are_not_padding(measure):
    """Three words and two places of padding, where a map may say anything."""
    of, samples = subject(Negation), Bag().encode(["not good film", "bad unseen film not good"])
    record = explain(of, samples, method("occlusion"), SCORE)
    own = np.array([3.0, 1, 2, -9, 9, 0])
    others = [np.array([2.0, 1, 3, 9, -9, 0]), np.array([-3.0, -1, -2, -9, 9, 0])]
    inside = samples.inputs[0].numpy() != 0
    made = [replace(record, values=np.stack((values, own))) for values in (own, *others)]
    if measure is correlations:
        found = next(correlations(of, samples, made[0], made[1:]))
    else:
        found = likeness("rank", own, np.stack(others), inside)
    assert found == pytest.approx([0.5, -1])


def test_a_method_asked_again_gives_the_same_class_output_and_form():
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    made = method("integrated_gradients", n_steps=8)
    record = explain(of, samples, made, Target(of=0, output=Output.PROBABILITY))
    for one in (record, record.sum("channel"), record.norm("channel"), record.abs(), record.sum("channel").abs()):
        found = again(of, samples, one, configured(one))
        assert (found.steps, found.axes, found.target, found.parameters) == (
            (one.steps, one.axes, one.target, one.parameters)
        )
        np.testing.assert_array_equal(found.values, one.values)
    predicted, other = explain(of, samples, made), Convolved()
    other.head.weight.data *= -1
    other.head.bias.data *= -1
    turned = again(subject(other), samples, predicted, made)
    assert (turned.predicted != predicted.predicted).all()
    np.testing.assert_array_equal(turned.classes, predicted.classes)


def test_a_network_that_was_scored_is_left_as_it_was():
    network = Convolved()
    of = subject(network)
    before = [value.clone() for value in network.parameters()]
    samples = of.task.samples("test").take(range(2))
    metric("cascading_randomisation").score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_curve_begins_alike_and_its_mean_after_that_is_the_score():
    of = workbench.load("cnn_digits")
    samples = of.task.select("0:6")
    record = explain(of, samples, method("gradient"))
    found = metric("cascading_randomisation", n_stages=3, n_draws=40)
    curve, score = found.curves(of, samples, record), found.score(of, samples, record)
    assert curve.y[0, 0] == 1
    assert curve.x[0] == 0
    assert curve.x[-1] == 1
    assert curve.y[0, 1:].mean() == pytest.approx(score.mean)
    assert curve.y[0, -1] < 0.5
    assert (np.abs(curve.band) < 0.25).all()
    assert (curve.band[0] < 0).all()
    assert (curve.band[1] > 0).all()


@pytest.mark.parametrize("name", ["cascading_randomisation", "class_sensitivity"])
@pytest.mark.parametrize("network", [Convolved, Negation])
def test_batch_and_single_samples_get_the_same_scores(name, network):
    of = subject(network)
    samples = of.task.samples("test")
    record = explain(of, samples, method("input_x_gradient"), SCORE)
    for found in (metric(name), metric(name, seed=5)):
        whole, one = found.score(of, samples, record), found.score(of, samples.take([2]), record.take(2))
        np.testing.assert_allclose(one.values, whole.values[2:3], atol=1e-5)
        np.testing.assert_allclose(one.control, whole.control[2:3], atol=1e-5)
        assert np.isfinite(whole.values).all()
        assert np.isfinite(whole.control).all()


def test_models_without_weights_and_weights_that_break_are_left_out_with_a_reason():
    found = metric("cascading_randomisation")
    of = workbench.load("logistic_digits")
    samples = of.task.select("0:3")
    record = explain(of, samples, method("occlusion"))
    assert not found.score(of, samples, record).values.size
    assert "no weights" in found.score(of, samples, record).why
    with pytest.raises(InputError, match="no weights"):
        found.curves(of, samples, record)
    of = subject(Constant)
    samples = of.task.samples("test")
    score = found.score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert score.excluded == len(samples)
    assert "no weights" in score.why


def test_numbers_have_weights_but_no_other_class():
    of = subject(Number)
    samples = of.task.samples("test").take(range(3))
    record = explain(of, samples, method("input_x_gradient"))
    assert np.isfinite(metric("cascading_randomisation").score(of, samples, record).values).all()
    with pytest.raises(InputError, match="no other class"):
        metric("class_sensitivity").score(of, samples, record)


def test_traditional_models_have_other_classes():
    of = workbench.load("logistic_digits")
    samples = of.task.select("0:8")
    record = explain(of, samples, method("occlusion"))
    logits = of.logits(samples.inputs)
    least = metric("class_sensitivity")
    assert (least.others(of, samples, record) == logits.argmin(1)).all()
    seeds = [metric("class_sensitivity", other="random", seed=seed) for seed in range(99)]
    drawn = torch.stack([found.others(of, samples, record) for found in seeds])
    assert (drawn != torch.tensor(record.classes)).all()
    assert all(len(set(column.tolist())) == 9 for column in drawn.T)
    assert least.score(of, samples, record).mean < 0.5


def test_images_are_compared_by_structure_too():
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    for name in ("cascading_randomisation", "class_sensitivity"):
        record = explain(of, samples, method("gradient"), SCORE)
        score = metric(name, similarity="ssim").score(of, samples, record)
        assert (np.abs(score.values) < 0.7).all()
        same = metric(name, similarity="ssim").score(of, samples, explain(of, samples, method("random"), SCORE))
        np.testing.assert_allclose(same.values, 1)
        assert np.abs(same.control.mean()) < 0.15
    of = subject(Dense)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    with pytest.raises(InputError, match="for images of 3 × 3"):
        metric("class_sensitivity", similarity="ssim").score(of, samples, record)


@pytest.mark.parametrize("side", [3, 5, 7])
def test_structural_similarity_of_one_window_is_its_formula(side):
    """Of a window of 3 × 3: (2 m n + c)(2 s + d) / ((m² + n² + c)(v + w + d)), c = (0.01 · 2)², d = (0.03 · 2)²."""
    chance, inside = np.random.default_rng(0), np.ones(side**2, bool)
    pair = [chance.normal(size=(side, side)) for _ in range(2)]
    a, b = (values / np.abs(values).max() for values in pair)
    covariance = np.cov(a.ravel(), b.ravel())
    top = (2 * a.mean() * b.mean() + 0.0004) * (2 * covariance[0, 1] + 0.0036)
    bottom = (a.mean() ** 2 + b.mean() ** 2 + 0.0004) * (covariance[0, 0] + covariance[1, 1] + 0.0036)
    assert likeness("ssim", pair[0], pair[1][None], inside) == pytest.approx(top / bottom)
    assert likeness("ssim", np.zeros((side, side)), np.zeros((1, side, side)), inside) == 1
    assert np.isfinite(likeness("ssim", np.zeros((side, side)), pair[0][None], inside))


def test_an_even_window_is_made_odd_and_one_that_is_wider_than_seven_is_not_taken():
    """Of 4 × 4 the four windows of 3 × 3, of 9 × 9 the nine of 7 × 7: their mean."""
    for side, window in ((4, 3), (8, 7), (9, 7)):
        pair = np.random.default_rng(1).uniform(-1, 1, size=(2, side, side))
        pair[:, 2, 2] = 1
        starts = range(side - window + 1)
        parts = [pair[:, i : i + window, j : j + window] for i in starts for j in starts]
        wanted = np.mean([likeness("ssim", part[0], part[1:], np.ones(window**2, bool)) for part in parts])
        assert likeness("ssim", pair[0], pair[1:], np.ones(side**2, bool)) == pytest.approx(wanted)


@pytest.mark.parametrize(("shape", "fits"), [((3, 3), True), ((2, 3), False), ((8, 2), False)])
def test_images_of_less_than_three_pixels_a_side_have_no_structure(shape, fits):
    record = explain(subject(Convolved), Pixels().samples("test").take([0]), method("gradient"), SCORE)
    made = replace(record, values=np.ones((1, 2, *shape)))
    assert (no_ssim("ssim", made) is None) == fits
    assert no_ssim("rank", made) is None


def test_what_chance_leaves_is_shuffled_among_the_places_that_are_not_padding():
    """Three ranks have correlations of ±1 and ±½ alone; with the zeros of padding among them there would be ties."""
    own, inside = np.array([1.0, 2, 3, 0, 0, 0, 0]), np.arange(7) < 3
    found = chances("rank", own, inside, 40, 0, "test:0")
    assert set(found.round(9)) == {-1, -0.5, 0.5, 1}
    assert own.tolist() == [1, 2, 3, 0, 0, 0, 0]
    assert (chances("rank", own, inside, 40, 1, "test:0") != found).any()


def test_smooth_maps_are_means_over_inputs_nearby():
    """Over noise of no size they are the map itself; words cannot be moved."""
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    record = explain(of, samples, method("gradient"), SCORE)
    plain = metric("cascading_randomisation").score(of, samples, record).values
    near = metric("cascading_randomisation", n_noisy=2, radius=1e-6).score(of, samples, record).values
    far = metric("cascading_randomisation", n_noisy=2, radius=3.0).score(of, samples, record).values
    np.testing.assert_allclose(near, plain, atol=1e-3)
    assert np.abs(far - plain).max() > 0.01
    of, samples = subject(Negation), Bag().samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    with pytest.raises(InputError, match="Set n_noisy to 0"):
        metric("cascading_randomisation", n_noisy=2).score(of, samples, record)
    assert metric("cascading_randomisation").why_not(samples, replace(record)) is None


def test_eight_threads_score_one_network_as_one_does():
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    names = ("cascading_randomisation", "class_sensitivity", "max_sensitivity", "average_sensitivity")
    records = [explain(of, samples, method(made), SCORE) for made in ("gradient", "random")]
    jobs = [(metric(name), record) for name in names for record in records]
    expected = [found.score(of, samples, record).values for found, record in jobs]
    with ThreadPoolExecutor(8) as pool:
        again = pool.map(lambda job: replace(job[0], n_draws=3).score(of, samples, job[1]).values, jobs * 3)
    for values, wanted in zip(again, expected * 3, strict=True):
        np.testing.assert_allclose(values, wanted, atol=1e-6)


@pytest.mark.parametrize("count", [4, 5])
def test_the_upper_half_is_permuted_and_the_lower_half_stays(count: int) -> None:
    with torch.random.fork_rng(devices=[]):
        network = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(count)])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = upper_randomised(network, seed=0).state_dict()
    same = [torch.equal(before[f"{layer}.weight"], after[f"{layer}.weight"]) for layer in range(count)]
    assert same == [True, True, *[False] * (count - 2)]
    for name, value in after.items():
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
