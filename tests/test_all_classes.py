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


def test_classes_are_chosen_and_strange_ones_refused():
    of = workbench.load("mlp_wine")
    samples = of.task.select("0:2")
    (record,) = explain_classes(of, samples, method("gradient"), [2], Output.PROBABILITY)
    assert set(record.classes.tolist()) == {2}
    assert record.target.output is Output.PROBABILITY
    with pytest.raises(InputError, match="not a class"):
        explain_classes(of, samples, method("gradient"), [3])
