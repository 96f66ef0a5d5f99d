"""Complexity of maps: against literal sums, and on padding, one place, numbers and traditional models."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from subjects import SCORE, Bag, Number, OneHotBag, at, subject

import workbench
from workbench.complexity import AbstractComplexity
from workbench.explanation import explain, method
from workbench.scoring import metrics

NAMES = sorted(name for name, kind in metrics().items() if issubclass(kind, AbstractComplexity))


def gini(values):
    """Half of the mean difference between two places, over the mean."""
    sizes = np.abs(values)
    return np.abs(sizes[:, None] - sizes[None]).mean() / (2 * sizes.mean())


def entropy(values):
    return -sum(p * np.log(p) for p in np.abs(values) / np.abs(values).sum() if p > 0)


def size(values, share=0.9):
    ordered = sorted(np.abs(values), reverse=True)
    return next(k for k in range(1, len(values) + 1) if sum(ordered[:k]) >= share * sum(ordered))


@pytest.mark.parametrize(("name", "literal"), [("sparseness", gini), ("entropy", entropy), ("effective_size", size)])
def test_values_equal_literal_sums(name, literal):
    of, samples = subject(OneHotBag), Bag().samples("test")
    record = explain(of, samples, method("random"), SCORE)
    score = metrics()[name]().score(of, samples, record)
    for i, ids in enumerate(samples.inputs.numpy()):
        assert score.values[i] == pytest.approx(literal(record.values[i][ids != 0].astype(float)))


def test_noise_over_many_places_has_the_gini_index_that_is_said():
    of = workbench.load("logistic_digits")
    samples = of.task.select("0:8")
    score = metrics()["sparseness"]().score(of, samples, explain(of, samples, method("random")))
    assert score.control.mean() == pytest.approx(np.sqrt(2) - 1, abs=0.02)
    assert score.mean == pytest.approx(np.sqrt(2) - 1, abs=0.05)
    assert score.low < score.mean < score.high


@pytest.mark.parametrize("name", NAMES)
def test_numbers_zeros_and_single_words_have_a_value(name):
    of, zeros = subject(Number), replace(at((0.0, 0.0, 0.0)), labels=torch.zeros(1).long())
    record = explain(of, zeros, method("occlusion"))
    assert not record.values.any()
    constant = replace(record, values=np.ones_like(record.values))
    values = [metrics()[name]().score(of, zeros, one).values for one in (record, constant)]
    assert values[0] == values[1]
    of, samples = subject(OneHotBag), Bag().encode(["good"])
    one = metrics()[name]().score(of, samples, explain(of, samples, method("occlusion"), SCORE))
    assert one.values.tolist() == [1.0 if name == "effective_size" else 0.0]
    assert (one.control == one.values).all()


def test_ten_places_alike_hold_nine_tenths_on_nine():
    """Nine tenths add up to 0.8999999999999999, and to what was asked for nonetheless."""
    found = metrics()["effective_size"]().measured(np.full((1, 10), 0.1))
    assert found.tolist() == [9.0]
    assert metrics()["effective_size"](share=1.0).measured(np.full((1, 10), 0.1)).tolist() == [10.0]


@pytest.mark.parametrize("name", NAMES)
def test_the_control_follows_the_seed_and_padding_alone_is_left_out_with_a_reason(name):
    of, samples = subject(OneHotBag), Bag().encode(["bad unseen film not good", "film"])
    record = explain(of, samples, method("occlusion"), SCORE)
    first, other = (metrics()[name](seed=seed).score(of, samples, record) for seed in (0, 1))
    np.testing.assert_array_equal(first.values, other.values)
    assert (first.control[0] != other.control[0]).any()
    empty = replace(samples, inputs=samples.inputs * torch.tensor([[1], [0]]))
    left = metrics()[name]().score(of, empty, record)
    assert left.sample_ids == samples.ids[:1]
    assert left.excluded == 1
    assert left.why == "there is nothing but padding"
