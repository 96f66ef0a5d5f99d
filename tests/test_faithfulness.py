"""Metrics that remove features, foretell effects or ask again: degenerate inputs, batches, cost, rewritten models."""

from unittest import mock

import numpy as np
import promises
import pytest
import torch
import torch.nn.utils.prune
from checks import with_values
from subjects import (
    SCORE,
    Amounts,
    Attended,
    Constant,
    Convolved,
    Corner,
    Dense,
    Features,
    Linear,
    Negation,
    Number,
    OneHotBag,
    Scalar,
    at,
    subject,
)
from test_prediction import traditional
from torch import nn

from workbench.effects import drops, mean_squares, singles
from workbench.explanation import explain, method
from workbench.query import Query
from workbench.records import Output, Score
from workbench.repetition import again
from workbench.rewritten import Shifted, combined, layered, mirrored, shifted
from workbench.scoring import metric, metrics, without_training
from workbench.subject import Subject
from zoo.model import Capability, TraditionalModel

NAMES = sorted(promises.METRICS)
AS_THEY_ARE = [name for name in NAMES if name in without_training(metrics())]
"""All but those that train a model, which the tasks here do not allow: their training samples have one answer."""
AXIOMS = ("implementation_invariance", "input_invariance", "linearity", "symmetry")


class Counts(TraditionalModel):
    """Counts of good words less bad ones, as a traditional model of sentences."""

    name = "counts"

    def fit(self, samples, task, seed) -> None:
        pass

    def logits(self, inputs) -> torch.Tensor:
        score = ((inputs == 2).float() - (inputs == 3).float()).sum(1)
        return torch.stack((-score, score), 1)

    def parameters(self) -> int:
        return 0


def scored(name: str, of: Subject, samples, record) -> Score | None:
    """The score, sound in every way; None where the metric says beforehand that it does not apply."""
    found = metric(name)
    if (reason := found.why_not(samples, record)) is not None:
        assert reason.endswith(".")
        return None
    score = found.score(of, samples, record)
    assert len(score.values) + score.excluded == len(samples)
    assert len(score.sample_ids) == len(score.values) == len(score.control)
    assert np.isfinite(score.values).all()
    assert np.isfinite(score.control).all()
    assert bool(score.why) == bool(score.excluded)
    return score


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("network", [Dense, Convolved, Negation, OneHotBag, Number, Constant], ids=lambda n: n.__name__)
def test_any_map_of_any_network_gets_a_finite_score_or_a_reason(name, network):
    of = subject(network)
    samples = of.task.samples("test").take(range(3))
    record = explain(of, samples, method("gradient"), SCORE if network is not Number else promises.replace(SCORE, of=0))
    for values in (record.values, record.values * 0, record.values * 0 + 3):
        scored(name, of, samples, with_values(record, values))


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_summed_channels_and_magnitudes_are_scored(name):
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(2))
    record = explain(of, samples, method("gradient"), SCORE)
    for changed in (record.sum("channel"), record.norm("channel"), record.abs()):
        score = scored(name, of, samples, changed)
        assert len(score.values) == 2


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_traditional_models_of_numbers_and_of_sentences(name):
    numbers, sentences = traditional(), Subject(Counts(), subject(Negation).task, name="counts")
    for of in (numbers, sentences):
        samples = of.task.samples("test").take(range(4))
        score = scored(name, of, samples, explain(of, samples, method("occlusion")))
        reached = score is not None and len(score.values) > 0
        left_out = {"implementation_invariance", "linearity", "road"}
        left_out |= {"irof"} if of is numbers else {"infidelity", "input_invariance", "symmetry"}
        assert reached == (name not in left_out), of.name


class OneFeature(Features):
    """A table of a single column."""

    name = "one_feature"

    def load(self, split):
        found = super().load(split)
        return promises.replace(found, inputs=found.inputs[:, :1])


@pytest.mark.parametrize("name", NAMES)
def test_a_single_feature_has_one_order_and_nothing_to_agree_with(name):
    with torch.random.fork_rng(devices=[]):
        of = Subject(nn.Sequential(nn.Linear(1, 2)), OneFeature())
    samples = of.task.samples("test").take(range(3))
    score = scored(name, of, samples, explain(of, samples, method("input_x_gradient"), SCORE))
    if name in ("faithfulness_correlation", "faithfulness_estimate", "monotonicity"):
        assert score.excluded == 3
    elif name in ("pixel_flipping", "comprehensiveness", "sufficiency", "irof"):
        np.testing.assert_allclose(score.control, np.repeat(score.values[:, None], 20, 1), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("network", [Convolved, Negation], ids=lambda network: network.__name__)
def test_a_sample_gets_the_same_score_in_any_batch(name, network):
    of = subject(network)
    samples = of.task.samples("test")
    record = explain(of, samples, method("input_x_gradient"), SCORE)
    whole = scored(name, of, samples, record)
    for i in (0, 2):
        if whole is None or samples.ids[i] not in whole.sample_ids:
            continue
        row = whole.sample_ids.index(samples.ids[i])
        one = metric(name).score(of, samples.take([i]), record.take(i))
        np.testing.assert_allclose(one.values, whole.values[[row]], atol=1e-4)
        np.testing.assert_allclose(one.control, whole.control[[row]], atol=1e-4)


@pytest.mark.parametrize("name", [name for name in AS_THEY_ARE if name not in AXIOMS])
def test_another_method_pays_for_its_own_order_alone(name):
    network = Corner()
    of = subject(network)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    found = metric(name)
    first, view, again = found.score(of, samples, record), of.metered(), of.metered()
    other = found.score(view, samples, with_values(record, record.values[..., ::-1]))
    if name != "non_sensitivity":  # whose control are the map's own values in other places
        np.testing.assert_array_equal(other.control, first.control)
    assert view.meter.forward <= len(samples) * (getattr(found, "n_steps", 5) + 6)
    network.weight.data *= 0.5
    found.score(again, samples, record)
    assert again.meter.forward > view.meter.forward, "other weights, other answers"


def test_numbers_are_scored_in_their_own_unit_and_have_no_share_to_lose():
    of, samples = subject(Number), Amounts().samples("test").take(range(3))
    record = explain(of, samples, method("gradient"))
    for name in ("comprehensiveness", "sufficiency", "prediction_gap_important", "pixel_flipping"):
        assert metric(name).score(of, samples, record).unit == "output"
    assert "no share" in metric("irof").score(of, samples, record).why


@pytest.mark.parametrize("name", AXIOMS)
def test_axioms_say_why_a_model_cannot_be_rewritten(name):
    of = Subject(Counts(), subject(Negation).task, name="counts")
    samples = of.task.samples("test")
    score = metric(name).score(of, samples, explain(of, samples, method("occlusion")))
    assert score.excluded == len(samples)
    assert len(score.why.split()) > 5
    assert np.isnan(score.mean)


def test_a_network_that_reads_its_own_weights_is_not_rewritten():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            with torch.random.fork_rng(devices=[]):
                self.layer = nn.Linear(4, 2)

        def forward(self, inputs):
            return self.layer(inputs) + self.layer.weight.sum()

    of, samples = Subject(Tied(), Features()), Features().samples("test")
    score = metric("implementation_invariance").score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert "reads its layers' weights itself" in score.why


def test_rewritten_models_compute_what_they_say():
    for network in (Dense, Convolved, Negation):
        of = subject(network)
        x = of.task.samples("test").inputs
        if network is Negation:
            e = of.points(x) + 0.5
            moved = shifted(of, torch.tensor(0.5))
            torch.testing.assert_close(moved.points(x), e)
        else:
            moved = shifted(of, torch.tensor(0.5))
            torch.testing.assert_close(moved.logits(x + 0.5), of.logits(x), atol=1e-4, rtol=0)
            both = mirrored(of, x.ndim - 1)
            torch.testing.assert_close(both.logits(x), both.logits(x.flip(-1)))
            torch.testing.assert_close(both.logits(x), (of.logits(x) + of.logits(x.flip(-1))) / 2)
        torch.testing.assert_close(moved.logits(x) if network is Negation else of.logits(x), of.logits(x))
        total = combined(of, of.editable(), 2.0, -3.0)
        torch.testing.assert_close(total.logits(x), -of.logits(x), atol=1e-4, rtol=1e-4)


def test_layers_written_as_two_keep_the_function_and_leave_the_model_alone():
    of = subject(Convolved)
    before = {name: value.clone() for name, value in of.network.state_dict().items()}
    x = of.task.samples("test").inputs
    other = layered(of, 0)
    torch.testing.assert_close(other.logits(x), of.logits(x), atol=1e-4, rtol=1e-4)
    assert len(list(other.network.parameters())) == len(list(of.network.parameters())) + 3
    assert layered(subject(Linear), 0) is None, "its weights are in no layer"
    for name, value in of.network.state_dict().items():
        assert torch.equal(value, before[name])


def test_axioms_ask_for_the_rough_form_of_a_method_once():
    of, samples = subject(Dense), Features().samples("test")
    record = explain(of, samples, method("kernel_shap"), SCORE)
    with mock.patch("workbench.axioms.again", wraps=again) as asked:
        metric("input_invariance").score(of, samples, record)
        metric("linearity").score(of, samples, record)
    assert asked.call_count == 4, "f once, f shifted, the sum and the other model"


def test_functions_of_traditional_models_are_shifted_and_mirrored_too():
    of = traditional()
    x = of.task.samples("test").inputs
    shift = torch.tensor([0.5, -1.0, 2.0, 0.25])
    torch.testing.assert_close(shifted(of, shift).logits(x + shift), of.logits(x), atol=1e-5, rtol=1e-5)
    both = (of.logits(x) + of.logits(x.flip(1))) / 2
    torch.testing.assert_close(mirrored(of, 1).logits(x), both)
    assert (of.logits(x) - both).abs().max() > 0.1


def test_a_network_that_has_no_part_in_a_sum_is_not_asked():
    class Fails(Dense):
        def score(self, inputs):
            raise AssertionError("asked")

    of = subject(Dense)
    x = of.task.samples("test").inputs
    torch.testing.assert_close(combined(of, Fails(), 2.0, 0.0).logits(x), 2 * of.logits(x))


def test_rewritten_sentences_keep_their_padding_and_what_lies_inside_is_not_offered():
    of = subject(Attended)
    x = of.task.samples("test").inputs
    moved = shifted(of, torch.tensor(0.5))
    torch.testing.assert_close(moved.logits(x), of.logits(x))
    assert moved.capabilities == of.capabilities - {Capability.ATTENTION}
    other = Attended()
    other.padding = 3
    assert Shifted(other, torch.tensor(0.5)).padding == 3
    record = explain(of, of.task.samples("test"), method("attention_rollout"), SCORE)
    why = metric("input_invariance").score(of, of.task.samples("test"), record).why
    assert why == "the model has to be rewritten for it, and then offers no attention."
    named = Subject(Dense(), Features(), digest="of the file")
    assert shifted(named, torch.tensor(0.5)).digest != named.digest


def test_layers_are_turned_by_a_rotation_and_those_that_cannot_be_are_left():
    class Mixed(nn.Sequential):
        def __init__(self) -> None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                pruned = nn.utils.prune.identity(nn.Linear(4, 4), "weight")  # its weight is no parameter
                fold = nn.Unflatten(1, (4, 1))
                super().__init__(
                    nn.Linear(4, 4), pruned, fold, nn.Conv1d(4, 4, 1, groups=2), nn.Flatten(), nn.Linear(4, 2)
                )

    of = Subject(Mixed(), Features())
    x = of.task.samples("test").inputs
    other = layered(of, 0)
    torch.testing.assert_close(other.logits(x), of.logits(x), atol=1e-5, rtol=1e-4)
    assert [isinstance(layer, nn.Sequential) for layer in other.network] == [True, False, False, False, False, True]
    first, back = other.network[0]
    assert (first.weight - of.network[0].weight).abs().max() > 0.1
    torch.testing.assert_close(back.weight @ back.weight.T, torch.eye(4), atol=1e-6, rtol=0)


def test_rough_maps_are_kept_for_each_form_of_the_record():
    of, samples = subject(Dense), Features().samples("test")
    record = explain(of, samples, method("kernel_shap"), SCORE)
    asked = metric("input_invariance").before
    signed = asked(of, samples, record, method("kernel_shap").rough()).values
    sizes = asked(of, samples, record.abs(), method("kernel_shap").rough()).values
    assert signed.min() < 0
    np.testing.assert_allclose(sizes, np.abs(signed), atol=1e-6)


def test_pairs_of_random_maps_are_many_and_drawn_by_the_seed():
    of, samples = subject(Linear), Features().samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    one, other = (metric("input_invariance", n_maps=7, seed=seed).score(of, samples, record) for seed in (0, 1))
    assert one.control.shape == (len(samples), 7)
    assert len(np.unique(one.control[0])) == 7
    assert (one.control != other.control).all()


class Rounding(Scalar):
    """f = c (x₀ − x₁) + d x₂ + e, all about nothing but rounding where the whole is large."""

    def __init__(self, c: float, d: float, e: float) -> None:
        super().__init__()
        self.c, self.d, self.e = c, d, e

    def score(self, inputs):
        return self.c * (inputs[:, 0] - inputs[:, 1]) + self.d * inputs[:, 2] + self.e


@pytest.mark.parametrize(("network", "expected"), [((0, 4e-7, 1), [0, 0, 0]), ((1000, 1e-4, 0), [1000, -1000, 0])])
def test_drops_that_are_rounding_are_none(network, expected):
    """Against f(x) where nothing else moves it, against the largest drop where f(x) is small."""
    of, samples = subject(Rounding(*network)), at((1.0, 1.0, 1.0))
    query = Query(of, samples, torch.ones(1).long(), Output.LOGIT)
    removed, _ = singles(torch.tensor([4]))
    found = drops(query, query.groups, removed, "zero", 0)
    np.testing.assert_allclose(found[0, :3], expected, rtol=1e-3)
    assert (found[0, 2:] == 0).all()


def test_squares_of_drops_are_means_over_what_is_drawn():
    of, samples = subject(Dense), Features().samples("test").take(range(3))
    query = Query(of, samples, torch.ones(3).long(), Output.LOGIT)
    removed, _ = singles(torch.tensor([4] * 3))
    drawn = [drops(query, query.groups, removed, "data", seed) ** 2 for seed in (5, 6, 7)]
    torch.testing.assert_close(mean_squares(query, query.groups, 3, "data", 5).drops, sum(drawn) / 3)
    assert (drawn[0] != drawn[1]).any()


def test_a_map_of_zeros_foretells_nothing_and_rounding_is_not_to_be_foretold():
    of, samples = subject(Linear), Features().samples("test").take(range(3))
    record = explain(of, samples, method("gradient"), SCORE)
    found = metric("infidelity").score(of, samples, with_values(record, 0 * record.values))
    np.testing.assert_allclose(found.values, 1)
    still = subject(Rounding(0, 4e-7, 1))
    left_out = metric("infidelity").score(still, samples, explain(still, samples, method("gradient"), SCORE))
    assert left_out.excluded == 3
    assert "nothing to foretell" in left_out.why


def test_the_noise_of_infidelity_is_as_large_as_its_setting_says():
    of, samples = subject(Linear), Features().samples("test").take(range(3))
    query = Query(of, samples, torch.ones(3).long(), Output.LOGIT)
    small, large = (metric("infidelity", noise=size).drawn(query, torch.arange(3)) for size in (0.1, 0.4))
    torch.testing.assert_close(large, 4 * small)
    wide = metric("infidelity", noise=0.1, n_draws=4000).drawn(query, torch.arange(3))
    expected = 0.1 * Features().samples("train").inputs.std(0)
    torch.testing.assert_close(wide.flatten(0, 1).std(0), expected, rtol=0.05, atol=0)


def test_groups_are_ordered_by_means_and_a_class_without_probability_has_none_to_lose():
    worth = metric("irof").worth(torch.tensor([[3.0, 2.0, 2.0]]), torch.tensor([[0, 1, 1]]))
    assert worth.tolist() == [[3, 2]]
    of, samples = subject(Rounding(0, 1, -1000)), Features().samples("test").take(range(3))
    score = metric("irof").score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert score.excluded == 3
    assert "no probability to lose" in score.why


def test_words_of_a_network_without_an_embedding_are_not_shifted():
    class Whole(nn.Module):
        capabilities = frozenset()

        def forward(self, inputs):
            return Counts().logits(inputs)

    of = Subject(Whole(), subject(Negation).task)
    samples = of.task.samples("test")
    score = metric("input_invariance").score(of, samples, explain(of, samples, method("occlusion")))
    assert "only be shifted" in score.why
