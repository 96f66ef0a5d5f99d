"""What holds for every method and any input: shapes, finiteness, batches, scale, and inputs that are degenerate."""

from dataclasses import replace

import checks
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from subjects import (
    GROWN,
    IMAGES,
    SCORE,
    SERIES,
    TABLES,
    TEXTS,
    Additive,
    Bag,
    Constant,
    Convolved,
    Corner,
    Dense,
    Negation,
    at,
    subject,
)

from workbench.chance import generator, per_sample
from workbench.coalitions import coalitions
from workbench.explanation import Claim, explain, method, methods, methods_for, refusal, why_not
from workbench.perturbations import group_counts, per_feature, spread
from workbench.records import Output, Target
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.removal import _turns
from workbench.subject import chunked, to_numpy
from zoo.errors import InputError
from zoo.task import Samples

NAMES = sorted(methods())
NETWORKS = (*TABLES, *IMAGES, *SERIES, *TEXTS, *GROWN)
FITTING = [(name, network) for network in NETWORKS for name in methods_for(subject(network))]
"""Not every method fits every network: an activation map needs a layer with places."""
quickly = settings(max_examples=25, deadline=None)
numbers = st.floats(-3, 3, width=32)


@pytest.mark.parametrize(("name", "network"), FITTING)
def test_values_have_the_shape_of_the_input_and_one_sample_is_a_batch_of_one(name, network):
    of = subject(network)
    samples = of.task.samples("test").take(range(4))
    if checks.refused(method(name), of, samples):
        return
    whole = explain(of, samples, method(name), SCORE)
    assert whole.values.shape == tuple(samples.inputs.shape)
    assert whole.values.dtype == np.float32
    assert whole.axes == ("sample", *of.task.axes)
    for i in (0, 3):
        one = explain(of, samples.take([i]), method(name), SCORE)
        np.testing.assert_allclose(one.values[0], whole.values[i], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_method_explains_something_here(name):
    """What refuses all of these subjects would pass every test above and below."""
    toys = [subject(network) for network in NETWORKS]
    assert any(refusal(method(name), of, of.task.samples("test"), SCORE) is None for of in toys)


@pytest.mark.parametrize("name", ["integrated_gradients", "occlusion", "kernel_shap"])
@pytest.mark.parametrize("reference", REFERENCE_INPUTS)
def test_every_reference_input_is_the_samples_own(name, reference):
    of = subject(Convolved)
    samples = of.task.samples("test")
    whole = explain(of, samples, method(name, reference_input=reference), SCORE)
    one = explain(of, samples.take([7]), method(name, reference_input=reference), SCORE)
    np.testing.assert_allclose(one.values[0], whole.values[7], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", methods_for(subject(Negation)))
def test_padding_gets_nothing(name):
    of = subject(Negation)
    samples = of.task.samples("test")
    if checks.refused(method(name), of, samples):
        return
    values = explain(of, samples, method(name), SCORE).values
    assert (values[samples.inputs.numpy() == 0] == 0).all()
    unpadded = replace(of.task.encode([samples.texts[1]]), ids=samples.ids[1:2])
    alone = explain(of, unpadded, method(name), SCORE).values[0]
    np.testing.assert_allclose(alone, values[1, :2], atol=1e-4)


@pytest.mark.parametrize("name", methods_for(subject(Convolved)))
@pytest.mark.parametrize("output", list(Output))
def test_every_output_can_be_explained(name, output):
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(2))
    for what in ("predicted", "label", 0):
        target = Target(of=what, output=output)
        if checks.refused(method(name), of, samples, target):
            continue
        record = explain(of, samples, method(name).rough(), target)
        assert np.isfinite(record.values).all()
        assert record.seed == getattr(method(name), "seed", None)


@pytest.mark.parametrize(
    "name", [name for name, kind in methods_for(subject(Constant)).items() if Claim.CONTROL not in kind.claims]
)
def test_constant_model_has_nothing_to_attribute(name):
    of = subject(Constant)
    if checks.refused(method(name), of, of.task.samples("test")):
        return
    record = explain(of, of.task.samples("test"), method(name), SCORE)
    assert np.abs(record.values).max() < 1e-6


@pytest.mark.parametrize("name", ["integrated_gradients", "occlusion", "kernel_shap"])
def test_input_that_is_its_own_reference_gets_zeros(name):
    record = explain(subject(Dense), at((0.0, 0.0, 0.0, 0.0)), method(name, reference_input="zero"), SCORE)
    assert np.abs(record.values).max() < 1e-6
    assert np.abs(record.completeness_gap).max() < 1e-6 or name == "occlusion"


@quickly
@given(point=st.lists(numbers, min_size=4, max_size=4), name=st.sampled_from(["integrated_gradients", "kernel_shap"]))
def test_completeness_holds_anywhere(point, name):
    record = explain(subject(Dense), at(point), method(name), SCORE)
    difference = np.abs(record.f_x - record.f_reference)
    assert (np.abs(record.completeness_gap) <= 0.0051 * difference + 1e-4).all()


@quickly
@given(point=st.lists(numbers, min_size=3, max_size=3), scale=st.floats(0.1, 10))
def test_attributions_scale_with_the_function(point, scale):
    network = Additive()
    of, larger = subject(network), subject(Scaled(network, scale))
    for name in ("gradient", "input_x_gradient", "occlusion", "kernel_shap"):
        a, b = (explain(one, at(point), method(name), SCORE).values for one in (of, larger))
        np.testing.assert_allclose(b, scale * a, rtol=1e-3, atol=1e-3)


class Scaled(Additive):
    def __init__(self, network, scale):
        super().__init__()
        self.network, self.scale = network, scale

    def score(self, inputs):
        return self.network.score(inputs) * self.scale


@settings(quickly, max_examples=12)
@given(words=st.lists(st.sampled_from(["good", "bad", "not", "film", "unseen"]), min_size=1, max_size=9))
def test_any_sentence_is_explained_token_by_token(words):
    of = subject(Negation)
    samples = of.task.encode([" ".join(words), "good film"])
    for name in methods_for(of, samples):
        record = explain(of, samples, method(name).rough(), SCORE)
        assert record.values.shape == tuple(samples.inputs.shape)
        assert np.isfinite(record.values).all()


@quickly
@given(data=st.data(), entries=st.integers(1, 40), count=st.integers(1, 10))
def test_spreading_keeps_sums(data, entries, count):
    raw = data.draw(st.lists(st.integers(-1, count - 1), min_size=entries, max_size=entries))
    used = sorted({group for group in raw if group >= 0})
    groups = torch.tensor([[used.index(group) if group >= 0 else -1 for group in raw]])
    if not used:
        assert int(group_counts(groups)) == 0
        return
    values = torch.randn(1, len(used), generator=generator(entries, count)).double()
    shared = spread(values, groups)
    assert float((shared * (groups < 0)).abs().sum()) == 0
    torch.testing.assert_close(per_feature(shared, groups), values)


@quickly
@given(players=st.integers(0, 14), budget=st.integers(4, 600), seed=st.integers(0, 5))
def test_coalitions_are_paired_within_budget_and_weigh_as_the_kernel_does(players, budget, seed):
    design = coalitions(players, budget, seed)
    rows = {tuple(row) for row in design.present.tolist()}
    assert len(rows) == len(design.present) <= max(budget, 0)
    assert all(tuple(not one for one in row) in rows for row in rows)
    assert not {(True,) * players, (False,) * players} & rows or players == 0
    if players > 1 and 2**players - 2 <= budget:
        assert len(rows) == 2**players - 2
    if rows:
        kernel = sum(1 / (s * (players - s)) for s in range(1, players))
        assert float(design.weights.sum()) == pytest.approx(kernel) or budget < 2 * players


@quickly
@given(counts=st.lists(st.integers(1, 90), min_size=1, max_size=5), steps=st.integers(2, 40))
def test_steps_of_removal_begin_with_none_and_end_with_all(counts, steps):
    turns = _turns(torch.tensor(counts), steps)
    assert turns[:, 0].tolist() == [0] * len(counts)
    assert turns[:, -1].tolist() == counts
    assert (turns.diff(dim=1) >= 0).all()


@quickly
@given(size=st.integers(1, 50), fits=st.integers(1, 10))
def test_chunks_are_halved_until_they_fit(size, fits):
    seen = []

    def compute(part: slice) -> torch.Tensor:
        if part.stop - part.start > fits:
            raise torch.OutOfMemoryError("made up")
        seen.append(part)
        return torch.arange(part.start, part.stop)

    assert chunked(compute, size, 1).tolist() == list(range(size))
    assert all(part.stop - part.start <= fits for part in seen)


def test_a_single_row_that_does_not_fit_is_an_error():
    def compute(part: slice) -> torch.Tensor:
        raise torch.OutOfMemoryError(f"made up for {part}")

    with pytest.raises(torch.OutOfMemoryError):
        chunked(compute, 8, 1)


def test_chance_depends_on_seed_and_name_alone():
    draws = [per_sample(lambda g: torch.rand(3, generator=g), ids, 0, "a") for ids in (("x", "y"), ("y",))]
    assert torch.equal(draws[0][1], draws[1][0])
    assert not torch.equal(draws[0][0], draws[0][1])
    assert not torch.equal(draws[0], per_sample(lambda g: torch.rand(3, generator=g), ("x", "y"), 1, "a"))
    assert not torch.equal(draws[0], per_sample(lambda g: torch.rand(3, generator=g), ("x", "y"), 0, "b"))


def test_reference_inputs_are_what_they_are_called():
    of = subject(Convolved)
    samples = of.task.samples("test")
    from subjects import query

    asked = query(of, samples)
    training = of.task.samples("train").inputs
    assert not reference_inputs(asked, "zero").any()
    torch.testing.assert_close(reference_inputs(asked, "mean")[3], training.mean(0))
    blurred = reference_inputs(asked, "blur")
    torch.testing.assert_close(blurred.mean((1, 2, 3)), samples.inputs.mean((1, 2, 3)), atol=0.1, rtol=0)
    assert blurred.std() < 0.7 * samples.inputs.std()
    even = Samples(inputs=torch.full((1, 2, 6, 6), 0.4), labels=torch.ones(1).long(), ids=("even",))
    torch.testing.assert_close(reference_inputs(query(of, even), "blur"), even.inputs)
    drawn = reference_inputs(asked, "data")
    assert all(any(torch.equal(one, other) for other in training) for one in drawn)
    noise = reference_inputs(asked, "noise")
    assert training.amin() <= noise.min() < noise.max() <= training.amax()
    masked = reference_inputs(query(subject(Negation), Bag().samples("test")))
    assert set(masked.unique().tolist()) == {0, 1}
    with pytest.raises(InputError, match="for images"):
        reference_inputs(query(subject(Dense), at((1.0,))), "blur")


BAD = [
    (Convolved, {"inputs": torch.zeros(1, 2, 5, 6)}, "2 × 6 × 6"),
    (Convolved, {"inputs": torch.zeros(1, 6, 6)}, "2 × 6 × 6"),
    (Convolved, {"inputs": torch.zeros(1, 2, 6, 6).long()}, "float"),
    (Convolved, {"inputs": torch.full((1, 2, 6, 6), torch.nan)}, "finite"),
    (Convolved, {"inputs": torch.zeros(0, 2, 6, 6), "ids": (), "labels": torch.zeros(0).long()}, "at least one"),
    (Dense, {"inputs": torch.zeros(1, 5)}, "feature = 4"),
    (Negation, {"inputs": torch.zeros(1, 5)}, "token ids"),
    (Negation, {"inputs": torch.full((1, 3), -1)}, "token ids"),
]


@pytest.mark.parametrize(("network", "given_", "word"), BAD)
def test_samples_that_do_not_fit_get_a_sentence(network, given_, word):
    fields = {"labels": torch.ones(1).long(), "ids": ("bad:0",), **given_}
    with pytest.raises(InputError, match=word):
        explain(subject(network), Samples(**fields), method("occlusion"))


@pytest.mark.parametrize("of", [2, -1])
def test_a_class_that_does_not_exist_gets_a_sentence(of):
    with pytest.raises(InputError, match="not a class of features"):
        explain(subject(Dense), at((1.0,)), method("gradient"), Target(of=of))


@pytest.mark.parametrize("of", ["everything", "3", "", True, False])
def test_a_target_that_does_not_exist_gets_a_sentence(of):
    with pytest.raises(InputError, match="'predicted', 'label' or a class index"):
        Target(of=of)


def test_a_target_is_what_its_words_say():
    of, samples = subject(Dense), at((1.0,))
    named = explain(of, samples, method("gradient"), Target(of=np.int64(1), output="probability"))
    meant = explain(of, samples, method("gradient"), Target(of=1, output=Output.PROBABILITY))
    assert named.target == meant.target
    assert type(named.target.of) is int
    np.testing.assert_array_equal(named.values, meant.values)
    assert named.f_x == meant.f_x
    assert 0 < named.f_x < 1
    for output in ("probabilities", "Logit", ""):
        with pytest.raises(InputError, match="Choose one of: log_probability, logit"):
            Target(output=output)


def test_a_label_that_is_not_known_gets_a_sentence():
    of = subject(Negation)
    with pytest.raises(InputError, match="no label"):
        explain(of, of.task.encode(["good film"]), method("occlusion"), Target(of="label"))


def test_weights_that_are_not_finite_get_a_sentence():
    network = Dense()
    network.outer.data[0] = torch.nan
    for name in ("gradient", "occlusion", "integrated_gradients", "kernel_shap"):
        with pytest.raises(InputError, match="not finite"):
            explain(subject(network), at((1.0, 1.0, 1.0, 1.0)), method(name))


def test_methods_that_do_not_fit_say_why():
    class Plain(torch.nn.Module):
        def forward(self, inputs):
            return inputs.float()[:, :2]

    from workbench.subject import Subject

    of = Subject(Plain(), Bag())
    fitting = [name for name, kind in methods().items() if not kind.needs and of.task.kind in kind.kinds]
    assert {"kernel_shap", "occlusion", "random"} <= set(fitting) == set(methods_for(of))
    assert "needs embedding" in why_not(methods()["gradient"], of)
    with pytest.raises(InputError, match="Methods that fit: " + ", ".join(fitting)):
        explain(of, Bag().samples("test"), method("gradient"))


def test_a_record_owns_its_values():
    of = subject(Corner)
    samples = of.task.samples("test")
    record = explain(of, samples, method("occlusion"), SCORE)
    assert not record.values.flags.writeable
    before = record.inputs.copy()
    array = to_numpy(samples.inputs)
    array[:] = 0
    np.testing.assert_array_equal(record.inputs, before)
