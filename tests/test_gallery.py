"""Samples to be looked at: which are shown, what is said of them, and that the evidence is drawn where it is."""

from dataclasses import replace

import numpy as np
import record_examples
import torch

import zoo
from workbench.gallery import asked, gallery, of_each_class
from workbench.plots import plot
from workbench.plots.panels import outline
from zoo.task import Samples

SHAPES, DIGITS = zoo.task("shapes"), zoo.task("digits")


def test_a_gallery_holds_the_samples_and_their_evidence():
    samples = SHAPES.select("test:3,5")
    record = gallery(SHAPES, samples)
    assert record.sample_ids == ("test:3", "test:5")
    np.testing.assert_array_equal(record.inputs, samples.inputs.numpy())
    np.testing.assert_array_equal(record.evidence, samples.evidence.numpy())
    assert record.captions == tuple(SHAPES.classes[i] for i in samples.labels)
    assert record.axes == ("sample", "channel", "height", "width")


def test_every_class_is_shown_the_same_number_of_times():
    shown = of_each_class(DIGITS, "test", 20)
    assert torch.bincount(shown.labels).tolist() == [2] * 10
    whole = DIGITS.samples("test")
    assert torch.equal(shown.inputs[1], whole.inputs[(whole.labels == 0).nonzero()[1, 0]])


def test_what_is_asked_is_a_class_a_value_or_a_class_at_each_step():
    samples = Samples(inputs=torch.zeros(1, 2), labels=torch.tensor([3]), ids=("test:0",))
    assert asked(DIGITS, samples, 0) == "3"
    assert asked(DIGITS, replace(samples, labels=torch.tensor([-1])), 0) == "not labelled"
    assert asked(DIGITS, replace(samples, values=torch.tensor([1.23456])), 0) == "1.23"
    assert asked(DIGITS, replace(samples, answers=torch.tensor([[-1, 4, 2]])), 0) == "4 2"


def test_evidence_is_framed_in_a_table_and_underlined_in_a_sentence():
    rows = record_examples.galleries()["rows"]
    frame = plot(rows).data[1]
    assert list(frame.x) == outline(rows.evidence)[0]
    sentences = record_examples.galleries()["sentences"]
    words = plot(sentences).layout.annotations[0].text
    marked = [token for token, planted in zip(sentences.tokens[0], sentences.evidence[0], strict=True) if planted]
    assert words.count("<u>") == len(marked) > 0
    assert "&lt;b&gt;never" in words


def test_evidence_is_marked_on_the_steps_of_a_series():
    lines = record_examples.galleries()["lines"]
    traces = [trace for trace in plot(lines).data if trace.name == "evidence"]
    assert len(traces) == 12
    np.testing.assert_array_equal(traces[0].x, np.flatnonzero(lines.evidence[0, :, 0]))
    outlines = [trace for trace in plot(record_examples.galleries()["maps"]).data if trace.name == "evidence"]
    assert len(outlines) == 3
