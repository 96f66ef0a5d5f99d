"""Optimisers, schedules and initialisation: each against its formula, written out."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from zoo.errors import InputError
from zoo.initialisation import GAINS, start_weights
from zoo.loading import untrained
from zoo.objective import CrossEntropy
from zoo.optimisers import climbed, optimiser, schedule
from zoo.recipe import Training
from zoo.recipes import RECIPES
from zoo.steps import Steps

CPU = torch.device("cpu")
RATE, FIRST, SECOND, DECAY, EPSILON = 0.05, 0.8, 0.95, 0.1, 1e-8


@pytest.fixture(autouse=True)
def _own_generator(_global_generators_untouched):
    """Layers made here draw from torch's generator, which is then put back."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def how(name: str, **changes) -> Training:
    settings = {"epochs": 1, "batch_size": 4, "learning_rate": RATE, "betas": (FIRST, SECOND), "weight_decay": DECAY}
    return Training(**settings | {"optimiser": name} | changes)


def net() -> nn.Module:
    """Without biases, so that every weight decays."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5, bias=False), nn.Tanh(), nn.Linear(5, 2, bias=False)).double()


def loss_of(model: nn.Module, inputs, labels):
    return functional.cross_entropy(model(inputs), labels)


def batches(count: int):
    generator = torch.Generator().manual_seed(1)
    for _ in range(count):
        inputs = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        yield inputs, torch.randint(0, 2, (4,), generator=generator)


def sgd(w, g, _):
    return w - RATE * (g + DECAY * w)


def momentum(w, g, state):
    g = g + DECAY * w
    state["v"] = FIRST * state["v"] + g if state else g
    return w - RATE * (g + FIRST * state["v"])


def rmsprop(w, g, state):
    g = g + DECAY * w
    state["s"] = SECOND * state.get("s", 0) + (1 - SECOND) * g**2
    return w - RATE * g / (state["s"].sqrt() + EPSILON)


def adam_step(g, state):
    state["t"] = state.get("t", 0) + 1
    state["m"] = FIRST * state.get("m", 0) + (1 - FIRST) * g
    state["s"] = SECOND * state.get("s", 0) + (1 - SECOND) * g**2
    m, s = state["m"] / (1 - FIRST ** state["t"]), state["s"] / (1 - SECOND ** state["t"])
    return RATE * m / (s.sqrt() + EPSILON)


def adam(w, g, state):
    return w - adam_step(g + DECAY * w, state)


def adamw(w, g, state):
    return (1 - RATE * DECAY) * w - adam_step(g, state)


@pytest.mark.parametrize("formula", [sgd, momentum, rmsprop, adam, adamw])
def test_every_optimiser_does_what_its_formula_says(formula):
    model, literal = net(), net()
    ours = optimiser(model, how(formula.__name__), CPU)
    states = [{} for _ in literal.parameters()]
    for inputs, labels in batches(8):
        ours.zero_grad()
        loss_of(model, inputs, labels).backward()
        ours.step()
        gradients = torch.autograd.grad(loss_of(literal, inputs, labels), list(literal.parameters()))
        with torch.no_grad():
            for weight, gradient, state in zip(literal.parameters(), gradients, states, strict=True):
                weight.copy_(formula(weight, gradient, state))
    for one, other in zip(model.parameters(), literal.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("name", "kind", "settings"),
    [
        ("sgd", torch.optim.SGD, {}),
        ("momentum", torch.optim.SGD, {"momentum": FIRST, "nesterov": True}),
        ("sam", torch.optim.SGD, {"momentum": FIRST, "nesterov": True}),
        ("rmsprop", torch.optim.RMSprop, {"alpha": SECOND}),
        ("adam", torch.optim.Adam, {"betas": (FIRST, SECOND)}),
        ("adamw", torch.optim.AdamW, {"betas": (FIRST, SECOND)}),
    ],
)
def test_every_optimiser_is_torchs(name, kind, settings):
    model, other = net(), net()
    one, two = optimiser(model, how(name), CPU), kind(other.parameters(), lr=RATE, weight_decay=DECAY, **settings)
    for inputs, labels in batches(4):
        for each, steps in ((model, one), (other, two)):
            steps.zero_grad()
            loss_of(each, inputs, labels).backward()
            steps.step()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_biases_and_norms_do_not_decay_and_an_embedding_has_its_own_rate():
    model = nn.Module()
    model.embedding, model.norm, model.linear = nn.Embedding(3, 2), nn.LayerNorm(2), nn.Linear(2, 2)
    groups = optimiser(model, how("adamw", embedding_rate=0.5), CPU).param_groups
    told = {id(p): (group["full"], group["weight_decay"]) for group in groups for p in group["params"]}
    assert told[id(model.embedding.weight)] == (0.5, DECAY)
    assert told[id(model.linear.weight)] == (RATE, DECAY)
    assert {told[id(p)] for p in (model.norm.weight, model.norm.bias, model.linear.bias)} == {(RATE, 0.0)}


# Sharpness-aware minimisation -------------------------------------------------------------------------------------


class Bowl(nn.Module):
    """L(w) = ½ wᵀ A w over two parameters, so that the norm is seen to go over both."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor([0.5], dtype=torch.float64))
        self.matrix = torch.tensor([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]], dtype=torch.float64)

    def forward(self):
        w = torch.cat((self.a, self.b))
        return 0.5 * w @ self.matrix @ w


def test_sam_on_a_quadratic_is_its_formula():
    """w ← w − η A (w + ρ A w / ‖A w‖), with Nesterov's momentum."""
    radius, model = 0.3, Bowl()
    ours = optimiser(model, how("sam", weight_decay=0.0), CPU)
    matrix, w = model.matrix, torch.cat((model.a, model.b)).detach()
    speed = torch.zeros(3, dtype=torch.float64)
    for _ in range(6):
        ours.zero_grad()
        model().backward()
        with climbed(model, radius):
            model().backward()
        ours.step()
        gradient = matrix @ w
        gradient = matrix @ (w + radius * gradient / gradient.norm())
        speed = FIRST * speed + gradient
        w = w - RATE * (gradient + FIRST * speed)
        torch.testing.assert_close(torch.cat((model.a, model.b)).detach(), w)


def test_sam_leaves_weights_and_statistics_of_the_first_pass():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    inputs, labels = next(batches(1))
    inputs = inputs.float()
    loss_of(model, inputs, labels).backward()
    before = copy.deepcopy(model.state_dict())
    with climbed(model, 0.5):
        loss_of(model, inputs, labels).backward()
        assert not torch.equal(model[0].weight, before["0.weight"])
        assert int(model[1].num_batches_tracked) == 2
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert int(model[1].num_batches_tracked) == 1


def test_sam_of_no_radius_steps_like_momentum_and_of_no_gradient_stays_finite():
    plan = RECIPES["cnn_digits"]
    generator = torch.Generator().manual_seed(0)
    inputs, labels = torch.rand(8, 1, 8, 8, generator=generator), torch.eye(10)[:8]
    kept = []
    for name in ("sam", "momentum"):
        model = untrained(plan).train()
        model.dropout.p = 0.0
        steps = Steps(model, how(name, radius=0.0), CrossEntropy(10), 4, CPU)
        for _ in range(3):
            steps.take(inputs, labels)
        kept.append(model.state_dict())
    assert all(torch.equal(kept[0][key], kept[1][key]) for key in kept[0])
    flat = nn.Linear(2, 1)
    (0 * flat(torch.ones(1, 2)).sum()).backward()
    with climbed(flat, 1.0):
        assert flat.weight.isfinite().all()


# Schedules ---------------------------------------------------------------------------------------------------------


def test_after_the_warm_up_the_rate_falls_as_the_schedule_says():
    for kind, expected in (
        ("cosine", lambda i: 0.5 * (1 + math.cos(math.pi * i / 80))),
        ("linear", lambda i: 1 - i / 80),
        ("constant", lambda _: 1.0),
    ):
        rates = [schedule(step, 100, 0.2, kind) for step in range(100)]
        assert rates[:20] == pytest.approx([(i + 1) / 20 for i in range(20)])
        assert rates[20:] == pytest.approx([expected(i) for i in range(80)])
        assert schedule(0, 10, 0.0, kind) == 1
    with pytest.raises(InputError, match="Choose one of: constant, cosine, linear"):
        schedule(50, 100, 0.1, "staircase")


# Initialisation ----------------------------------------------------------------------------------------------------


class Parts(nn.Module):
    """One of everything that has weights."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(200, 300)
        self.conv = nn.Conv2d(20, 30, 5)
        self.series = nn.Conv1d(64, 64, 3, groups=4)
        self.recurrent = nn.LSTM(100, 150)
        self.attention = nn.MultiheadAttention(128, 4)
        self.embedding = nn.Embedding(50, 64)
        self.norm = nn.LayerNorm(64)
        self.position = nn.Parameter(torch.zeros(10, 64))
        self.fixed = nn.Linear(5, 5).requires_grad_(False)


def fans(parts: Parts):
    """(weights, inputs of one output, outputs of one input) of every matrix."""
    yield parts.linear.weight, 200, 300
    yield parts.conv.weight, 20 * 25, 30 * 25
    yield parts.series.weight, 16 * 3, 64 * 3
    yield from ((gate, 100, 150) for gate in parts.recurrent.weight_ih_l0.split(150))
    yield from ((gate, 150, 150) for gate in parts.recurrent.weight_hh_l0.split(150))
    yield from ((each, 128, 128) for each in parts.attention.in_proj_weight.split(128))
    yield parts.attention.out_proj.weight, 128, 128


def parts() -> Parts:
    torch.manual_seed(0)
    return Parts()


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize(
    ("rule", "nonlinearity"), [("xavier", "relu"), ("he", "relu"), ("he", "tanh"), ("he", "linear")]
)
def test_weights_start_with_the_variance_of_the_closed_form(rule, distribution, nonlinearity):
    model = parts()
    start_weights(model, f"{rule}_{distribution}", 3, nonlinearity)
    for weight, fan_in, fan_out in fans(model):
        variance = 2 / (fan_in + fan_out) if rule == "xavier" else GAINS[nonlinearity] ** 2 / fan_in
        kurtosis = 1.8 if distribution == "uniform" else 3.0
        spread = variance * math.sqrt((kurtosis - 1) / weight.numel())  # of the sample variance
        assert abs(weight.var().item() - variance) < 4 * spread
        assert abs(weight.mean().item()) < 4 * math.sqrt(variance / weight.numel())
        peak = weight.abs().max().item() / math.sqrt(variance)
        assert (peak <= math.sqrt(3) + 1e-6) == (distribution == "uniform")


@pytest.mark.parametrize("nonlinearity", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_those_of_torch_where_torch_has_one(nonlinearity):
    assert GAINS[nonlinearity] == nn.init.calculate_gain(nonlinearity)


def test_initialisation_depends_on_its_seed_and_leaves_the_rest_alone():
    one, same, other, before = (parts() for _ in range(4))
    for model, seed in ((one, 1), (same, 1), (other, 2)):
        start_weights(model, "he_normal", seed)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.linear.weight, other.linear.weight)
    for name in ("embedding.weight", "norm.weight", "norm.bias", "position", "fixed.weight", "fixed.bias"):
        assert torch.equal(one.get_parameter(name), before.get_parameter(name))
    assert not one.linear.bias.any()
    assert not one.conv.bias.any()


def test_a_signal_keeps_its_size_through_forty_layers_of_rectifiers():
    """The variance that He's rule is made to keep; torch's own start loses a factor of about six in every layer."""
    layers = [part for _ in range(40) for part in (nn.Linear(256, 256), nn.ReLU())]
    model, inputs = nn.Sequential(*layers), torch.randn(64, 256, generator=torch.Generator().manual_seed(0))
    start_weights(model, "he_normal", 0)
    with torch.no_grad():
        assert 0.2 < (model(inputs) ** 2).mean() / (inputs**2).mean() < 5


def test_an_initialisation_or_nonlinearity_that_there_is_not_is_one_sentence():
    for name, nonlinearity in (("he", "relu"), ("he_normal", "swoosh")):
        with pytest.raises(InputError, match="Choose one of"):
            start_weights(parts(), name, 0, nonlinearity)
