"""Every model of the zoo, as its recipe makes it: what a network and a traditional model must do to be explained."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from shelf import marked, of_each_family
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

import zoo
from zoo.loading import fitted, untrained
from zoo.model import CONVOLUTIONS, Capability, Network, TokenNetwork, linear_logits, log_probabilities, parameter_count
from zoo.recipes import RECIPES
from zoo.task import TextTask
from zoo.traditional.hog import Hog
from zoo.traditional.one_hot import OneHot

NETWORKS = marked(of_each_family(trained=True))
TRADITIONAL = marked(of_each_family(trained=False), examples=False)
SENTENCES = [each for each in NETWORKS if isinstance(zoo.task(RECIPES[each.values[0]].task), TextTask)]


def network(name: str, dtype: torch.dtype = torch.float64) -> Network:
    return untrained(RECIPES[name]).to(dtype).eval()


def batch(name: str, count: int = 6, dtype: torch.dtype = torch.float64):
    task = zoo.task(RECIPES[name].task)
    samples = task.samples("examples" if "examples" in task.splits else task.scored).take(range(count))
    inputs = samples.inputs.to(dtype) if samples.inputs.is_floating_point() else samples.inputs
    return inputs, samples.labels


def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Of a number that is predicted the mean square, since the cross-entropy of one class is zero."""
    return cross_entropy(logits, labels) if logits.shape[1] > 1 else logits.square().mean()


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_have_one_number_per_sample_and_class(name):
    inputs, _ = batch(name)
    logits = network(name)(inputs)
    assert logits.shape == (len(inputs), len(zoo.task(RECIPES[name].task).classes))
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_gets_a_gradient(name):
    model = network(name).train()
    inputs, labels = batch(name, 12)
    with torch.random.fork_rng(devices=[]):  # dropout
        loss(model(inputs), labels).backward()
    without = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize("name", NETWORKS)
def test_a_sample_has_the_same_logits_alone_and_in_any_batch(name):
    inputs, _ = batch(name)
    model = network(name)
    together = model(inputs)
    alone = torch.cat([model(one[None]) for one in inputs])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(model(inputs.flip(0)).flip(0), together, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NETWORKS)
def test_differentiating_twice_agrees_with_differences_of_the_gradient(name):
    model = network(name)
    inputs, labels = batch(name, 4)
    parameters = list(model.parameters())
    generator = torch.Generator().manual_seed(0)
    vector = [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in parameters]

    def gradient(graph: bool = False):
        return torch.autograd.grad(loss(model(inputs), labels), parameters, create_graph=graph)

    with sdpa_kernel(SDPBackend.MATH):  # the fast kernels of attention cannot be differentiated twice
        product = torch.autograd.grad(
            sum((g * v).sum() for g, v in zip(gradient(True), vector, strict=True)), parameters
        )
        step, sides = 1e-8, []  # so short that no rectifier switches on the way
        for sign in (1, -1):
            with torch.no_grad():
                for p, v in zip(parameters, vector, strict=True):
                    p.add_(sign * step * v)
            sides.append(torch.cat([g.flatten() for g in gradient()]))
            with torch.no_grad():
                for p, v in zip(parameters, vector, strict=True):
                    p.sub_(sign * step * v)
    exact = torch.cat([h.flatten() for h in product])
    differences = (sides[0] - sides[1]) / (2 * step)
    assert exact.norm() > 1e-3
    assert (exact - differences).norm() < 1e-3 * exact.norm()


@pytest.mark.parametrize("name", NETWORKS)
def test_initial_weights_depend_on_the_seed_alone(name):
    plan = RECIPES[name]
    one, same = (untrained(plan).state_dict() for _ in range(2))
    other = untrained(replace(plan, seed=plan.seed + 1)).state_dict()
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_model_says_what_it_can_do(name):
    model = network(name)
    assert Capability.GRADIENT in model.capabilities
    kinds = {type(module).__name__ for module in model.modules()}
    assert (Capability.CONVOLUTION in model.capabilities) == ("Conv2d" in kinds)
    assert (Capability.RECURRENT in model.capabilities) == bool({"RNN", "LSTM", "GRU"} & kinds)
    assert (Capability.EMBEDDING in model.capabilities) == isinstance(model, TokenNetwork)
    assert parameter_count(model) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_have_names_under_which_they_are_found(name):
    model = network(name)
    layers = model.named_layers()
    assert len(layers) > 0
    assert all(model.get_submodule(key) is module for key, module in layers.items())
    assert (model.class_activation_layer is not None) == (Capability.ACTIVATION_MAPS in model.capabilities)
    convolves = any(isinstance(module, CONVOLUTIONS) for module in model.modules())
    assert model.class_activation_layer is not None or not convolves
    if model.class_activation_layer is None:
        return
    maps = []
    handle = model.get_submodule(model.class_activation_layer).register_forward_hook(lambda *call: maps.append(call[2]))
    model(batch(name)[0])
    handle.remove()
    places = zoo.task(RECIPES[name].task).axes[1:] if convolves else ("token",)
    assert maps[0].ndim == 2 + len(places)


@pytest.mark.parametrize("name", SENTENCES)
def test_padding_changes_nothing(name):
    model = network(name)
    for length in (1, 2, 5):  # in a short one no state may be above that of padding
        inputs = batch(name)[0][:1, :length]
        wider = torch.cat((inputs, inputs.new_zeros(1, 9)), dim=1)
        torch.testing.assert_close(model(wider), model(inputs), rtol=1e-10, atol=1e-10)
    assert torch.isfinite(model(torch.zeros(2, 5, dtype=torch.long))).all()


@pytest.mark.parametrize("name", SENTENCES)
def test_logits_can_be_had_from_embeddings(name):
    inputs, _ = batch(name)
    model = network(name)
    points = model.embed(inputs).detach().requires_grad_()
    logits = model.from_embedding(points, inputs != model.padding)
    assert torch.equal(logits, model(inputs))
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), points)
    reached = gradient.abs().sum(2) > 0
    assert torch.equal(reached, inputs != model.padding)


@pytest.mark.parametrize("name", SENTENCES)
def test_the_order_of_words_matters(name):
    inputs = batch(name)[0][:1, :4]
    model = network(name)
    assert (model(inputs) - model(inputs.flip(1))).abs().max() > 1e-4


def test_a_network_centres_its_input_with_the_constants_of_its_recipe():
    options = dict(RECIPES["cnn_digits"].options)
    plain = replace(RECIPES["cnn_digits"], options={**options, "mean": 0.0, "deviation": 1.0})
    inputs, _ = batch("cnn_digits")
    centred = (inputs - options["mean"]) / options["deviation"]
    expected = untrained(plain).double().eval()(centred)
    torch.testing.assert_close(network("cnn_digits")(inputs), expected, rtol=1e-6, atol=1e-6)


# Traditional models ----------------------------------------------------------------------------------------------


def some(name: str, count: int = 300):
    plan = RECIPES[name]
    task = zoo.task(plan.task)
    samples = task.samples("train")
    samples = samples.take(range(min(count, len(samples))))
    return fitted(plan, samples, task), samples, task


@pytest.mark.parametrize("name", TRADITIONAL)
def test_a_traditional_model_is_the_same_whenever_it_is_fitted(name):
    (model, samples, task), (again, _, _) = some(name), some(name)
    inputs = task.samples(task.scored).inputs[:50]
    logits = model.logits(inputs)
    assert logits.shape == (50, len(task.classes))
    assert logits.dtype == torch.float32
    assert torch.equal(logits, again.logits(inputs))
    assert model.parameters() > 0
    if task.regression:
        missed = (model.logits(samples.inputs)[:, 0] - samples.values).square().mean()
        assert missed < samples.values.var(), "no better than naming the mean"
        return
    right = (model.logits(samples.inputs).argmax(1) == samples.labels).float().mean()
    assert right > samples.labels.bincount().max() / len(samples) + 0.1, "no better than naming the commonest class"


@pytest.mark.parametrize("name", TRADITIONAL)
def test_logits_of_a_traditional_model_give_its_probabilities(name):
    model, samples, task = some(name)
    inputs = samples.inputs[:40]
    if isinstance(model, Hog | OneHot):
        given = model.features(inputs)
    else:
        given = task.decode(inputs) if isinstance(task, TextTask) else inputs.flatten(1).numpy()
    if task.regression:
        np.testing.assert_allclose(model.logits(inputs)[:, 0], model.fitted.predict(given), rtol=1e-4, atol=1e-5)
        return
    expected = model.fitted.predict_proba(given)
    probabilities = model.logits(inputs).softmax(1)[:, model.fitted.classes_]  # a few samples lack rare classes
    np.testing.assert_allclose(probabilities.numpy(), expected, atol=2e-5)


def test_two_classes_share_the_decision_function():
    logits = linear_logits(np.array([0.0, 2.0]))
    torch.testing.assert_close(logits.softmax(1)[:, 1], torch.tensor([0.5, 1 / (1 + np.exp(-2))], dtype=torch.float32))
    assert torch.equal(logits[:, 0], -logits[:, 1])
    assert torch.isfinite(log_probabilities(np.array([[0.0, 1.0]]))).all()


def test_parameters_of_a_logistic_regression_are_its_weights_and_intercepts():
    assert some("logistic_digits")[0].parameters() == 10 * 65


@pytest.mark.mirror
def test_a_missing_token_is_not_in_the_text_that_words_are_counted_in():
    model, _, task = some("logistic_sst2", 500)
    masked = task.encode(["not a bad film"]).inputs
    masked[0, 0] = task.missing
    torch.testing.assert_close(model.logits(masked), model.logits(task.encode(["a bad film"]).inputs))
