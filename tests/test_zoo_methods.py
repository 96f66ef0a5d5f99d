"""Every method on a model of every family of the zoo and each kind of sample: its claims hold, and nothing stays."""

import sys

import pytest
import torch
from broken import ForgetsDisplacement
from shelf import marked

import zoo
from bench import everywhere
from bench.everywhere import faults, visit
from workbench.explanation import methods, methods_for
from workbench.methods.gradient import Gradient
from workbench.methods.random import Random
from workbench.subject import load
from zoo.errors import InputError

NETWORKS = {
    "image": "cnn_digits resnet_digits mlp_digits linear_digits vit_digits speednet_fashion_mnist cct_fashion_mnist "
    "gru_fashion_mnist",
    "series": "lstm_adding_short gru_copy_memory transformer_ts_box cnn1d_ts_box_harmonic",
    "table": "mlp_toy2d_moons linear_toy2d_moons perceptron_breast_cancer",
    "text": "gru_planted_text transformer_planted_text decoder_modadd attention_only_induction",
}
TRADITIONAL = {
    "image": "logistic_digits svm_digits forest_digits knn_digits boosting_digits naive_bayes_digits tree_digits "
    "hog_shapes",
    "series": "ridge_adding_short logistic_copy_memory svm_digits_rows series_features_ts_box",
    "table": "logistic_biased_label_none boosting_biased_label_none svm_toy2d_moons forest_wine knn_toy2d_moons "
    "tree_wine naive_bayes_wine ridge_diabetes",
    "text": "logistic_planted_text one_hot_modadd",
}
"""Of each family the model whose inputs are smallest; `python -m bench.everywhere` asks all of them."""
VISITED = [name for group in (NETWORKS, TRADITIONAL) for names in group.values() for name in names.split()]


def first(of):
    return of.task.samples(of.task.scored).take([0])


def test_every_family_is_visited_on_every_kind_of_sample():
    def kinds(names):
        return {(zoo.recipe(name).family, zoo.task(zoo.recipe(name).task).kind) for name in names}

    assert kinds(VISITED) == kinds(zoo.RECIPES)


@pytest.mark.parametrize("name", marked(VISITED, examples=False))
def test_every_method_that_fits_explains_one_sample_as_it_claims(name):
    of = load(name)
    tour = visit(of, first(of), cheap=True)
    assert tour.faults == []
    assert set(tour.seconds) | set(tour.refused) == set(methods_for(of))
    assert len(tour.refused) <= 2, "too many groups for exact values, or trees that have none"
    assert len(tour.seconds) >= 9


def test_together_they_ask_every_method():
    offered = set().union(*(methods_for(load(name)) for name in ("vit_digits", "tree_wine", "decoder_modadd")))
    offered |= set(methods_for(load("lstm_adding_short")))
    assert offered == set(methods())


class Hooks(Gradient):
    """Leaves a hook behind."""

    def attribute(self, query):
        query.subject.network.register_forward_hook(lambda *_: None)
        return super().attribute(query)


class Trains(Gradient):
    """Leaves the network in training mode."""

    def attribute(self, query):
        found = super().attribute(query)
        query.subject.network.train()
        return found


class Learns(Gradient):
    """Changes a weight."""

    def attribute(self, query):
        with torch.no_grad():
            next(query.subject.network.parameters()).mul_(1.01)
        return super().attribute(query)


class Keeps(Gradient):
    """Leaves gradients at the weights."""

    def attribute(self, query):
        with torch.enable_grad():
            query.subject.network(query.inputs).sum().backward()
        return super().attribute(query)


class Overwrites(Gradient):
    """Changes the inputs."""

    def attribute(self, query):
        query.samples.inputs.add_(1)
        return super().attribute(query)


class Flattens(Gradient):
    """Values in a shape of their own."""

    def attribute(self, query):
        return super().attribute(query)[..., :-1]


class Asks(Random):
    """A control that looks at the model."""

    def attribute(self, query):
        query.values(query.inputs)
        return super().attribute(query)


class Fails(Gradient):
    """Does not work."""

    def attribute(self, query):
        raise ZeroDivisionError("made up")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (ForgetsDisplacement, "is missed by"),
        (Hooks, "as they were"),
        (Trains, "as they were"),
        (Learns, "as they were"),
        (Keeps, "as they were"),
        (Overwrites, "as they were"),
        (Flattens, "values of shape"),
        (Asks, "a control that asks"),
        (Fails, "ZeroDivisionError: made up"),
    ],
)
def test_a_wrong_method_is_found(wrong, says):
    of = load("linear_wine")
    (found,) = faults(of, first(of), wrong())
    assert says in found


def test_a_line_a_model_and_a_summary_are_printed(monkeypatch, capsys):
    def at_hand(name):
        if name == "svm_wine":
            raise InputError("Made up.")
        return load(name)

    monkeypatch.setattr(everywhere, "load", at_hand)
    for wrong, status in ((False, 0), (True, 1)):
        if wrong:
            monkeypatch.setattr(everywhere, "faults", lambda *_: iter(["made up"]))
        monkeypatch.setattr(sys, "argv", ["everywhere", "tree_wine", "svm_wine", "--samples", "1"])
        with pytest.raises(SystemExit) as ended:
            everywhere.main()
        assert ended.value.code == status
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("tree_wine")
        assert ("    gradient: made up" in lines or "    occlusion: made up" in lines) == wrong
        assert any(line.startswith("svm_wine") and "not at hand: Made up." in line for line in lines)
        assert lines[-1].startswith("1 models, ")
        assert lines[-1].endswith("; 1 models not at hand")
        assert (", 0 faults" in lines[-1]) != wrong
