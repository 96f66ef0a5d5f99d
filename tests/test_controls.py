"""Controls: what knows nothing of a model, on paper, and what the evidence says of it."""

import broken
import checks
import numpy as np
import pytest
import torch
from subjects import SCORE, Bag, Convolved, Dense, Late, Negation, Pixels, query, subject

from workbench.evidence import evidence
from workbench.explanation import Claim, explain, method, methods_for
from workbench.methods.frequency import Frequency
from workbench.records import Grade
from workbench.scoring import metric, metrics
from workbench.subject import Subject
from workbench.vocabulary import token_counts
from zoo.model import TraditionalModel
from zoo.task import Samples


def controls(of) -> list[str]:
    return [name for name, kind in methods_for(of).items() if Claim.CONTROL in kind.claims]


@pytest.mark.parametrize("wrong", broken.CONTROLS, ids=lambda value: type(value).__name__)
def test_check_rejects_what_is_no_control(wrong):
    with pytest.raises(AssertionError):
        checks.check_control(wrong)


def test_every_kind_has_a_control_of_its_own():
    assert controls(subject(Dense)) == ["constant", "random"]
    assert controls(subject(Convolved)) == ["constant", "edge_detector", "random"]
    assert controls(subject(Late)) == ["amplitude", "constant", "random"]
    assert controls(subject(Negation)) == ["constant", "frequency", "position", "random"]


def test_random_numbers_are_normal_and_do_not_depend_on_padding():
    of = subject(Convolved)
    values = explain(of, of.task.samples("test"), method("random"), SCORE).values
    assert abs(values.mean()) < 0.1
    assert values.std() == pytest.approx(1, abs=0.1)
    text = subject(Negation)
    long = " ".join(["good"] * 40)
    padded = text.task.encode(["bad film " * 10, long])
    alone = text.task.encode(["bad film " * 10])
    both, one = (explain(text, samples, method("random"), SCORE).values for samples in (padded, alone))
    np.testing.assert_array_equal(both[0, :20], one[0])


def test_constant_is_one_but_on_padding():
    of = subject(Negation)
    samples = of.task.samples("test")
    values = explain(of, samples, method("constant"), SCORE).values
    np.testing.assert_array_equal(values, samples.inputs.numpy() != 0)


def test_position_falls_from_one_to_one_nth():
    of = subject(Negation)
    values = explain(of, of.task.encode(["good", "bad unseen film not good"]), method("position"), SCORE).values
    np.testing.assert_allclose(values[0], [1, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(values[1], np.arange(6, 0, -1) / 6)


def test_frequency_is_the_logarithm_of_the_share_in_training():
    of = subject(Negation)
    # training: good film / not good / bad un ##seen film not good / un ##seen: 12 tokens, 3 of them "good"
    assert token_counts(Bag()).tolist() == [0, 0, 3, 1, 2, 2, 2, 2]
    record = explain(of, of.task.encode(["good bad not", "good"]), method("frequency"), SCORE)
    np.testing.assert_allclose(record.values, np.log([[4, 12, 6], [4, 1, 1]]), rtol=1e-6)
    unseen = Samples(inputs=torch.tensor([[1, 9]]), labels=torch.ones(1).long(), ids=("new:0",))
    found = Frequency().attribute(query(of, unseen))
    np.testing.assert_allclose(found, np.log([[12, 12]]), rtol=1e-6)


def test_amplitude_is_the_magnitude():
    of = subject(Late)
    samples = of.task.samples("test")
    values = explain(of, samples, method("amplitude"), SCORE).values
    np.testing.assert_array_equal(values, np.abs(samples.inputs.numpy()))


def test_edge_detector_is_the_slope_of_a_plane_and_nothing_on_an_even_image():
    """x = 3 a + 4 b has slope 5 everywhere; at the border, where pixels repeat, one of the slopes is halved."""
    of = subject(Convolved)
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(6.0), indexing="ij")
    images = torch.stack((torch.stack((3 * columns + 4 * rows, -2 * rows)), torch.full((2, 6, 6), 0.7)))
    samples = Samples(inputs=images, labels=torch.ones(2).long(), ids=("a", "b"))
    values = explain(of, samples, method("edge_detector"), SCORE).values
    np.testing.assert_allclose(values[0, 0, 1:-1, 1:-1], 5, rtol=1e-6)
    np.testing.assert_allclose(values[0, 0, 1:-1, 0], np.hypot(1.5, 4), rtol=1e-6)
    np.testing.assert_allclose(values[0, 1, 1:-1], 2, rtol=1e-6)
    np.testing.assert_allclose(values[1], 0, atol=1e-6)


@pytest.mark.parametrize("network", [Dense, Convolved, Late, Negation])
def test_every_metric_takes_every_control_and_none_is_supported(network):
    of = subject(network)
    samples = of.task.samples("test").take(range(3))
    for name in controls(of):
        record = explain(of, samples, method(name), SCORE)
        for score in (metric(one) for one in metrics()):
            if score.why_not(samples, record) is None:
                assert np.isfinite(score.score(of, samples, record).values).all()
        assert all(found.grade is not Grade.SUPPORTED for found in evidence(of, samples, record)), name


def test_even_image_that_has_no_edges_is_graded_too():
    of = subject(Convolved)
    even = Samples(inputs=torch.full((1, 2, 6, 6), 0.4), labels=torch.ones(1).long(), ids=("even",))
    record = explain(of, even, method("edge_detector"), SCORE)
    assert evidence(of, even, record)[0].grade is Grade.NOT_SUPPORTED


class Steepness(TraditionalModel):
    """A model without weights that answers how steep the image is: an edge detector knows its reasons by accident."""

    name = "steepness"

    def fit(self, samples, task, seed) -> None:
        """Nothing to fit."""

    def logits(self, inputs):
        steepness = (inputs.diff(dim=-1) ** 2).sum((1, 2, 3)) / 4
        return torch.stack((torch.zeros(len(inputs)), steepness - 5), 1)

    def parameters(self) -> int:
        return 0


def test_control_that_knows_by_accident_what_a_model_without_weights_does_is_not_supported():
    of = Subject(Steepness(), Pixels(), name="steepness")
    samples = of.task.samples("test")
    found = evidence(of, samples, explain(of, samples, method("edge_detector"), SCORE))
    holds = [{reason.check: reason.holds for reason in one.reasons} for one in found]
    assert any(one["deletion"] or one["insertion"] for one in holds), "else it would not be supported anyway"
    assert {one.grade for one in found} == {Grade.NOT_SUPPORTED}
    assert not any(one["random weights"] for one in holds)
    real = evidence(of, samples, explain(of, samples, method("occlusion"), SCORE))
    assert all("random weights" not in [reason.check for reason in one.reasons] for one in real)
