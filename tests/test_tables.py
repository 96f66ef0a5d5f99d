"""Measured tables, and the models that are for any row of numbers: what they compute, on cases known on paper."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import zoo
from zoo.discovery import discover
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.models.linear import Linear
from zoo.models.mlp import ACTIVATIONS, Mlp
from zoo.models.perceptron import Perceptron
from zoo.tabular import standardised, stratified
from zoo.task import Samples

MEASURED = ("breast_cancer", "diabetes", "wine")
FAMILIES = discover("zoo.traditional", TraditionalModel)
ANY = ("boosting", "forest", "knn", "svm", "tree")
CLASSES = ("logistic", "naive_bayes")


def numbers(count: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def made(kind, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(**options)


def table(inputs: torch.Tensor, labels=None, values=None) -> Samples:
    labels = torch.zeros(len(inputs), dtype=torch.long) if labels is None else labels
    return Samples(inputs=inputs, labels=labels, ids=tuple(map(str, range(len(inputs)))), values=values)


# Tasks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MEASURED)
def test_a_table_is_standardised_by_its_training_split_and_every_row_is_there_once(name):
    task = zoo.task(name)
    train, test = (task.samples(split) for split in ("train", "test"))
    raw, asked = task.measured()
    assert len(train) + len(test) == len(raw)
    assert abs(len(test) - len(raw) / 3) < 2
    assert train.inputs.shape[1] == len(task.features) == raw.shape[1]
    torch.testing.assert_close(train.inputs.mean(0), torch.zeros(raw.shape[1]), atol=1e-4, rtol=0)
    torch.testing.assert_close(train.inputs.std(0, correction=0), torch.ones(raw.shape[1]), atol=1e-4, rtol=0)
    both = torch.cat((train.inputs, test.inputs))
    for scaled, column in zip(both.numpy().T, raw.T, strict=True):
        np.testing.assert_allclose(_in_unit_range(scaled), _in_unit_range(column), atol=1e-6)
    assert (test.values is not None) == task.regression
    assert sorted(torch.cat((train.labels, test.labels)).tolist()) == sorted(
        [0] * len(raw) if task.regression else asked
    )


def _in_unit_range(numbers: np.ndarray) -> np.ndarray:
    """In order, from 0 to 1: what shift and scale leave of a column."""
    return (np.sort(numbers) - numbers.min()) / (numbers.max() - numbers.min())


@pytest.mark.parametrize("name", MEASURED)
def test_both_splits_of_a_table_have_the_same_share_of_each_stratum(name):
    task = zoo.task(name)
    train, test = (task.samples(split) for split in ("train", "test"))
    if task.regression:
        assert abs(train.values.median() - test.values.median()) < 0.1 * train.values.std()
    shares = [samples.labels.bincount() / len(samples) for samples in (train, test)]
    torch.testing.assert_close(*shares, atol=0.02, rtol=0)


def test_strata_are_drawn_by_their_share_from_the_seed_alone():
    strata = np.repeat([0, 1, 2], [30, 12, 3])
    chosen = stratified(strata, 1 / 3, 0)
    assert np.bincount(strata[chosen]).tolist() == [10, 4, 1]
    assert np.array_equal(chosen, stratified(strata, 1 / 3, 0))
    assert not np.array_equal(chosen, stratified(strata, 1 / 3, 1))


def test_only_the_training_rows_standardise():
    rows = np.array([[0.0], [2.0], [101.0]])
    assert standardised(rows, np.array([True, True, False])).tolist() == [[-1.0], [1.0], [100.0]]


# Networks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Linear, Perceptron])
def test_a_network_of_one_layer_has_the_same_gradient_everywhere(kind):
    model = made(kind, features=12, classes=3, mean=0.5, deviation=2.0)
    image = numbers(5, 12).reshape(5, 1, 3, 4).requires_grad_()
    (gradient,) = torch.autograd.grad(model(image)[:, 1].sum(), image)
    torch.testing.assert_close(gradient, gradient[:1].expand_as(gradient))
    row = (image.flatten(1) - 0.5) / 2
    by_hand = row @ next(model.parameters()).T + list(model.parameters())[1]
    torch.testing.assert_close(model(image), by_hand * (model.gain if kind is Perceptron else 1))


def test_a_mlp_is_its_layers_one_after_the_other():
    model = made(Mlp, features=4, classes=1, widths=(3, 2), activation="tanh", centre=7.0, spread=3.0)
    x = numbers(6, 4)
    first, second = (layer[0] for layer in model.hidden)
    hidden = torch.tanh(torch.tanh(x @ first.weight.T + first.bias) @ second.weight.T + second.bias)
    by_hand = 7 + 3 * (hidden @ model.classify.weight.T + model.classify.bias)
    torch.testing.assert_close(model(x), by_hand)
    assert list(model.named_layers()) == ["hidden.0", "hidden.1", "classify"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_mlp_has_the_activation_it_was_asked_for(activation):
    model = made(Mlp, features=2, classes=2, widths=(3,), activation=activation, dropout=0.5).eval()
    function = getattr(torch.nn.functional, activation, None) or getattr(torch, activation)
    x = numbers(4, 2)
    hidden = function(model.hidden[0][0](x))
    torch.testing.assert_close(model(x), model.classify(hidden))


def test_an_activation_that_there_is_not_is_one_sentence():
    with pytest.raises(InputError, match=r"activation called 'rel'.*Did you mean 'relu'"):
        Mlp(features=2, classes=2, widths=(2,), activation="rel")


def test_a_perceptron_steps_by_rosenblatts_rule():
    """A wrong answer adds the input to the weights of its class and takes it from those answered; a right one does
    nothing. Loss divided by the gain, which the learning rate makes up for."""
    model = made(Perceptron, features=3, classes=3, gain=1e4)
    x, labels = numbers(40, 3), torch.arange(40) % 3
    answered = model(x).argmax(1)
    for row, label, answer in zip(x, labels, answered, strict=True):
        loss = cross_entropy(model(row[None]), label[None])
        (gradient,) = torch.autograd.grad(loss / model.gain, model.respond.weight)
        by_hand = torch.zeros(3, 3)
        by_hand[answer] += row
        by_hand[label] -= row
        torch.testing.assert_close(gradient, by_hand, atol=1e-4, rtol=0)
    assert 5 < (answered == labels).sum() < 35


# Traditional models ----------------------------------------------------------------------------------------------


def fitted(family: str, samples: Samples, task: str, **options) -> TraditionalModel:
    model = FAMILIES[family](**options)
    model.fit(samples, zoo.task(task), 0)
    return model


@pytest.mark.parametrize("family", [*ANY, "ridge"])
def test_a_model_of_numbers_predicts_in_their_unit(family):
    task = zoo.task("diabetes")
    train, test = (task.samples(split) for split in ("train", "test"))
    options = {"svm": {"C": 100.0, "gamma": 0.02, "epsilon": 10.0}, "tree": {"depth": 3}, "knn": {"neighbours": 15}}
    model = fitted(family, train, "diabetes", **options.get(family, {}))
    predicted = model.logits(test.inputs)
    assert predicted.shape == (len(test), 1)
    assert predicted.dtype == torch.float32
    residual = (predicted[:, 0] - test.values).square().mean() / test.values.var(correction=0)
    assert 0.2 < 1 - residual < 0.6
    assert model.parameters() > 3


@pytest.mark.parametrize("family", [*ANY, *CLASSES])
def test_a_model_of_classes_knows_wines(family):
    task = zoo.task("wine")
    model = fitted(family, task.samples("train"), "wine", **({"gamma": 0.05} if family == "svm" else {}))
    test = task.samples("test")
    assert (model.logits(test.inputs).argmax(1) == test.labels).float().mean() > 0.85


def test_a_model_that_is_not_for_the_task_says_so():
    numbers_, classes = zoo.task("diabetes").samples("train"), zoo.task("wine").samples("train")
    for family in CLASSES:
        with pytest.raises(InputError, match="asks for a number"):
            fitted(family, numbers_, "diabetes")
    with pytest.raises(InputError, match="asks for a class"):
        fitted("ridge", classes, "wine")


def test_ridge_is_the_solution_of_its_normal_equations():
    x, noise = numbers(50, 3), numbers(50, 1, 1)[:, 0]
    values = x @ torch.tensor([1.0, -2.0, 0.5]) + 3 + noise
    model = fitted("ridge", table(x, values=values), "diabetes", alpha=4.0)
    centred, target = (x - x.mean(0)).double(), (values - values.mean()).double()
    weights = torch.linalg.solve(centred.T @ centred + 4 * torch.eye(3).double(), centred.T @ target)
    np.testing.assert_allclose(model.fitted.coef_, weights.numpy(), rtol=1e-4)
    assert model.parameters() == 4


def test_neighbours_vote():
    x = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    labels = torch.tensor([0, 0, 1, 1, 1, 1])
    model = fitted("knn", table(x, labels), "breast_cancer", neighbours=3)
    shares = model.logits(torch.tensor([[0.9], [11.2]])).softmax(1)
    torch.testing.assert_close(shares, torch.tensor([[2 / 3, 1 / 3], [0.0, 1.0]]), atol=1e-5, rtol=0)
    assert model.parameters() == 12


def test_a_tree_of_one_question_has_four_numbers():
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    asked = fitted("tree", table(x, torch.tensor([0, 0, 1, 1])), "breast_cancer")
    assert asked.parameters() == 4
    assert asked.logits(torch.tensor([[1.4], [1.6]])).argmax(1).tolist() == [0, 1]
    mean = fitted("tree", table(x, values=torch.tensor([1.0, 3.0, 10.0, 12.0])), "diabetes", depth=1)
    assert mean.logits(torch.tensor([[0.0], [3.0]])).tolist() == [[2.0], [11.0]]
    assert mean.parameters() == 4


def test_naive_bayes_is_bayes_rule_on_normal_densities():
    x, labels = numbers(60, 2), (numbers(60, 1, 1)[:, 0] > 0.3).long()
    x[labels == 1] += torch.tensor([1.0, -0.5])
    model = fitted("naive_bayes", table(x, labels), "breast_cancer", smoothing=0.0)
    joint = []
    for label in (0, 1):
        mine = x[labels == label]
        normal = torch.distributions.Normal(mine.mean(0), mine.std(0, correction=0))
        joint.append(normal.log_prob(x).sum(1) + (labels == label).float().mean().log())
    torch.testing.assert_close(model.logits(x).softmax(1), torch.stack(joint, 1).softmax(1), atol=1e-4, rtol=0)
    assert model.parameters() == 2 * 2 * 2 + 1


def test_boosting_of_one_round_is_one_step_from_the_mean():
    x, values = torch.arange(40.0)[:, None], torch.where(torch.arange(40) < 20, 0.0, 8.0)
    model = fitted("boosting", table(x, values=values), "diabetes", rounds=1, rate=0.5, leaves=2)
    assert model.logits(torch.tensor([[0.0], [39.0]])).tolist() == [[2.0], [6.0]]
    assert model.parameters() == 2 + 2 + 1
