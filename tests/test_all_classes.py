"""All classes at once: each as it is alone, with forward passes that are made once."""

import numpy as np
import pytest
import torch
from subjects import Additive, Dense, Negation, Product, subject

import workbench
from workbench.explanation import explain, explain_classes, method, methods_for
from workbench.forwards import Forwards
from workbench.query import Query
from workbench.records import Output, Target
from zoo.errors import InputError


@pytest.mark.parametrize("network", [Product, Negation])
def test_every_method_gives_each_class_what_it_gives_it_alone(network):
    of = subject(network)
    samples = of.task.samples("test").take([0, 1])
    for name in methods_for(of, samples):
        for index, record in enumerate(explain_classes(of, samples, method(name))):
            alone = explain(of, samples, method(name), Target(of=index))
            np.testing.assert_array_equal(record.values, alone.values, name)
            np.testing.assert_array_equal(record.f_x, alone.f_x)
            assert record.target == alone.target


@pytest.mark.parametrize("name", ["gradient", "kernel_shap", "occlusion"])
def test_later_classes_make_no_forward_pass(name):
    of = workbench.load("mlp_wine")
    first, *others = explain_classes(of, of.task.select("0:4"), method(name))
    assert len(others) == 2
    assert 0 < first.forward_passes <= explain(of, of.task.select("0:4"), method(name)).forward_passes
    assert [record.forward_passes for record in others] == [0, 0]
    assert {record.backward_passes for record in others} == {first.backward_passes}


def test_forward_passes_of_another_model_are_not_taken():
    of, other = subject(Dense), subject(Additive)
    samples = of.task.samples("test")
    forwards = Forwards(of.model)
    classes = torch.ones(len(samples.inputs)).long()
    own = Query(of, samples, classes, Output.LOGIT, forwards)
    strange = Query(other, samples, classes, Output.LOGIT, forwards)
    own.values(samples.inputs), own.gradients(own.points)
    plain = Query(other, samples, classes, Output.LOGIT)
    assert torch.equal(strange.values(samples.inputs), plain.values(samples.inputs))
    assert torch.equal(strange.gradients(own.points), plain.gradients(own.points))


def test_without_room_every_pass_is_made_again(monkeypatch):
    monkeypatch.setattr("workbench.forwards.LOGITS", 0)
    monkeypatch.setattr("workbench.forwards.GRAPHS", 0)
    of = workbench.load("mlp_wine")
    for name in ("gradient", "occlusion"):
        passes = {record.forward_passes for record in explain_classes(of, of.task.select("0:2"), method(name))}
        assert len(passes) == 1
        assert passes.pop() > 0


class Asked:
    """Sums of rows where a mask says so, and how often they were asked for."""

    def __init__(self, mask=1.0):
        self.mask, self.times = mask, 0

    def __call__(self, inputs):
        self.times += 1
        return (inputs * self.mask).sum(1, keepdim=True)


def test_what_is_kept_is_told_by_content_shape_and_mask():
    forwards, flat, tall = Forwards(Dense()), torch.zeros(2, 3), torch.zeros(3, 2)
    assert [len(forwards.logits(inputs, Asked())) for inputs in (flat, tall, flat)] == [2, 3, 2]
    points, masks = torch.ones(1, 3), torch.tensor([[[True, True, True]], [[True, False, False]]])
    asked = [Asked(mask.float()) for mask in masks]
    for _ in range(2):
        found = [forwards.graph(points, mask, ask)[1].item() for mask, ask in zip(masks, asked, strict=True)]
        assert found == [3, 1]
    assert [ask.times for ask in asked] == [1, 1]
    leaf, _ = forwards.graph(points, None, Asked())
    points.zero_()
    assert leaf.tolist() == [[1, 1, 1]], "what is done to the points later does not reach the graph"


@pytest.mark.parametrize(("kind", "limit"), [("logits", "LOGITS"), ("graph", "GRAPHS")])
def test_what_comes_when_the_room_is_full_is_computed_each_time(kind, limit, monkeypatch):
    """Room for four numbers: two inputs of two, not a third; the other kind has its own."""
    monkeypatch.setattr(f"workbench.forwards.{limit}", 4)
    forwards, ask = Forwards(Dense()), Asked()
    for value in (1.0, 2.0, 3.0, 1.0, 2.0, 3.0):
        inputs = torch.full((2, 1), value)
        found = forwards.logits(inputs, ask) if kind == "logits" else forwards.graph(inputs, None, ask)[1]
        assert found.tolist() == [[value]] * 2
    assert ask.times == 4
    assert forwards._sizes == ([4, 0] if kind == "logits" else [0, 4])


def test_classes_are_chosen_and_strange_ones_refused():
    of = workbench.load("mlp_wine")
    samples = of.task.select("0:2")
    (record,) = explain_classes(of, samples, method("gradient"), [2], Output.PROBABILITY)
    assert set(record.classes.tolist()) == {2}
    assert record.target.output is Output.PROBABILITY
    with pytest.raises(InputError, match="not a class"):
        explain_classes(of, samples, method("gradient"), [3])
