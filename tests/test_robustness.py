"""Robustness: what cannot be moved, what does not move, what is shared, and models without a gradient."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from subjects import SCORE, Bag, Constant, Convolved, Dense, Features, Number, OneHotBag, Pixels, Scalar, Waves, subject

import workbench
from workbench.explanation import explain, method
from workbench.records import Target
from workbench.robustness import AbstractRobustness, _Asked, deviations, steps
from workbench.scoring import metric, metrics
from workbench.subject import Subject
from zoo.errors import InputError

NAMES = sorted(name for name, kind in metrics().items() if issubclass(kind, AbstractRobustness))


@pytest.mark.parametrize("name", NAMES)
def test_words_cannot_be_moved_a_little(name):
    of, samples = subject(OneHotBag), Bag().samples("test")
    record = explain(of, samples, method("occlusion"), SCORE)
    with pytest.raises(InputError, match="no other word is a small step away"):
        metric(name).score(of, samples, record)


def test_seeds_of_words_are_compared_without_the_padding():
    of, samples = subject(OneHotBag), Bag().samples("test")
    for made, expected in (("occlusion", 0.0), ("random", None)):
        score = metric("seed_spread").score(of, samples, explain(of, samples, method(made), SCORE))
        assert len(score.values) == len(samples)
        if expected is not None:
            np.testing.assert_array_equal(score.values, expected)
            continue
        alone = of.task.encode(["good film"])
        one = metric("seed_spread").score(of, alone, explain(of, alone, method(made), SCORE))
        assert np.isfinite(one.control).all()
        values = explain(of, samples, method(made), SCORE).values
        assert score.values.min() > 0
        assert (values[samples.inputs.numpy() == 0] == 0).all()


def test_one_word_has_no_other_place_to_be_shuffled_to():
    of, samples = subject(OneHotBag), Bag().encode(["good", "bad unseen film not good"])
    score = metric("seed_spread").score(of, samples, explain(of, samples, method("random"), SCORE))
    np.testing.assert_allclose(score.control[0], score.values[0])
    assert np.ptp(score.control[1]) > 0.1


@pytest.mark.parametrize("made", ["gradient", "random", "kernel_shap"])
def test_batch_and_single_samples_get_the_same_scores_and_maps_of_random_numbers_do_not_move(made):
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(6))
    record = explain(of, samples, method(made), SCORE)
    for name in NAMES:
        whole = metric(name).score(of, samples, record)
        one = metric(name).score(of, samples.take([5]), record.take(5))
        np.testing.assert_allclose(one.values, whole.values[5:6], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(one.control, whole.control[5:6], rtol=1e-3, atol=1e-5)
        assert whole.excluded == 0
        assert whole.values.any() == (made != "random")
        other = replace(metric(name), seed=1).score(of, samples, record)
        assert (other.values != whole.values).any() == (made != "random")


@pytest.mark.parametrize("name", [*NAMES, "seed_spread"])
def test_maps_of_zeros_and_numbers_are_scored_or_left_out_with_a_reason(name):
    for network in (Constant, Number, Dense):
        of = subject(network)
        samples = of.task.samples("test").take(range(3))
        record = explain(of, samples, method("kernel_shap"), *(() if network is Number else (SCORE,)))
        score = metric(name).score(of, samples, record)
        assert np.isfinite(score.values).all()
        assert np.isfinite(score.control).all()
        left_out = network is Constant and name not in ("local_lipschitz", "seed_spread")
        assert score.excluded == (3 if left_out else 0)
        assert ("zero everywhere" in score.why) == left_out
        if left_out:
            assert np.isnan(score.mean)


@pytest.mark.parametrize("name", ["tree_breast_cancer", "linear_diabetes", "knn_digits"])
def test_traditional_models_are_moved_too(name):
    of = workbench.load(name)
    samples = of.task.select("0:3")
    record = explain(of, samples, method("occlusion"))
    for one in NAMES:
        score = metric(one, radius=0.3).score(of, samples, record)
        assert np.isfinite(score.values).all()
        assert len(score.values) + score.excluded == 3
        assert len(score.values) > 0


def test_an_answer_that_stays_is_no_answer_to_compare_with():
    of = workbench.load("tree_breast_cancer")
    samples = of.task.select("0:6")
    record = explain(of, samples, method("occlusion"))
    score = metric("relative_output_stability", radius=1e-6).score(of, samples, record)
    assert score.excluded == 6
    assert "does not change" in score.why


def test_inputs_nearby_lie_within_the_radius_of_each_column():
    task = workbench.load("linear_wine").task
    samples = task.select("0:5")
    moves = steps(samples, 400, 0)
    unit = deviations(task, samples.inputs)
    torch.testing.assert_close(unit, task.samples("train").inputs.std(0, correction=0))
    assert 0.99 < moves.abs().amax() <= 1
    assert abs(float(moves.mean())) < 0.01
    assert float(moves.std()) == pytest.approx(1 / np.sqrt(3), abs=0.01)
    assert torch.equal(steps(samples.take([3]), 400, 0)[0], moves[3])
    for task, over in ((Waves(), (0, 1)), (Pixels(), None)):  # a feature at all times, all entries of an image
        training = task.samples("train").inputs.double()
        wanted = training.std(over, correction=0).float()
        torch.testing.assert_close(deviations(task, task.samples("test").inputs), wanted)


def test_maps_are_shared_by_what_was_asked_alike_alone():
    """Same values, and yet another question: settings, steps, target or network."""
    of = subject(Dense)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    first = _Asked(of, samples, record)
    assert first == _Asked(of.metered(), samples, replace(record))
    for other in (
        replace(record, method="saliency"),
        replace(record, parameters={"n": 1}),
        replace(record, target=Target(of=0)),
        replace(record, steps=("absolute over nothing",)),
        replace(record, classes=1 - record.classes),
    ):
        assert first != _Asked(of, samples, other)
    assert first != _Asked(subject(Dense()), samples, record)
    assert first != _Asked(of, replace(samples, ids=tuple(f"other:{i}" for i in range(12))), record)


def test_cheap_settings_are_compared_with_themselves():
    """With fewer coalitions near and more at the input the difference of settings would be taken for a change."""
    of = workbench.load("cnn_digits")
    samples = of.task.select("0:2")
    record = explain(of, samples, method("kernel_shap"))
    assert method("kernel_shap").rough() != method("kernel_shap")
    assert metric("max_sensitivity", radius=1e-5).score(of, samples, record).values.max() < 0.01


def test_maps_are_asked_for_once_but_again_when_the_weights_change():
    network = Dense()
    of = subject(network)
    samples = of.task.samples("test")
    record = explain(of, samples, method("kernel_shap"), SCORE)
    first = metric("max_sensitivity").score(of, samples, record)
    view = of.metered()
    for name in NAMES:
        metric(name).score(view, samples, record)
    assert view.meter.forward == len(NAMES) * len(samples), "what the weights are is seen by what they answer"
    network.inner.data *= torch.linspace(0.1, 3, 64).view(4, 16)
    assert (metric("max_sensitivity").score(of, samples, record).values != first.values).all()


def test_shuffled_maps_of_noise_change_by_the_root_of_two():
    of = workbench.load("logistic_digits")
    samples = of.task.select("0:8")
    score = metric("average_sensitivity").score(of, samples, explain(of, samples, method("random")))
    np.testing.assert_array_equal(score.values, 0)
    assert score.control.mean() == pytest.approx(np.sqrt(2), abs=0.05)


class Still(Scalar):
    """f = 1 + size Σ x."""

    def __init__(self, size: float) -> None:
        super().__init__()
        self.size = size

    def score(self, inputs):
        return 1 + self.size * inputs.sum(1)


@pytest.mark.parametrize(("size", "left_out"), [(1e-6, 4), (1e-2, 0)])
def test_an_answer_that_moves_by_rounding_stays(size, left_out):
    of = subject(Still(size))
    samples = of.task.samples("test").take(range(4))
    score = metric("relative_output_stability").score(of, samples, explain(of, samples, method("occlusion"), SCORE))
    assert score.excluded == left_out


class Steady(Features):
    """A table whose last column never changes."""

    name = "steady"

    def load(self, split):
        whole = super().load(split)
        return replace(whole, inputs=torch.where(torch.arange(4) < 3, whole.inputs, 2.0))


class Bowl(Scalar):
    """f = Σ x² / (2 s) over the columns that vary, s their deviations: its gradient moves by one where x moves by s."""

    def score(self, inputs):
        unit = Steady().samples("train").inputs.std(0, correction=0)
        return (inputs**2)[:, :3] @ (1 / (2 * unit[:3]))


def test_a_column_that_never_changes_is_not_moved_and_adds_no_distance():
    of = Subject(Bowl(), Steady(), name="bowl")
    samples = of.task.samples("test").take(range(4))
    record = explain(of, samples, method("gradient"), SCORE)
    np.testing.assert_allclose(metric("local_lipschitz").score(of, samples, record).values, 1, rtol=1e-4)
    size = np.linalg.norm((samples.inputs / deviations(of.task, samples.inputs))[:, :3].numpy(), axis=1)
    relative = metric("relative_input_stability").score(of, samples, record).values
    np.testing.assert_allclose(relative, size / np.linalg.norm(record.values, axis=1), rtol=1e-4)


def test_an_input_of_zeros_has_no_size_to_move_by_a_share_of():
    of = subject(Dense)
    samples = replace(of.task.samples("test").take([0, 1]), inputs=torch.zeros(2, 4))
    score = metric("relative_input_stability").score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert score.excluded == 2
