"""Class-activation maps against small sums on paper, literal loops in float64, CAM itself, and Captum as a peer."""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import exp, sqrt

import captum.attr
import numpy as np
import pytest
import torch
from subjects import SCORE, Convolved, Described, Pixels, query, subject
from test_concurrency import assert_same, state
from torch import Tensor, nn
from torch.nn import functional

import workbench
from workbench.activation_maps import MapLayer, resized
from workbench.explanation import explain, method, methods_for, why_not
from workbench.records import Output, Target
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.loading import untrained
from zoo.recipes import RECIPES
from zoo.task import Kind, Samples, Task


def made(build: Callable[..., nn.Module], *given) -> nn.Module:
    """A network with the same random weights every time, and torch's generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build(*given)


GRADIENT = ("grad_cam", "grad_cam_plus_plus", "hirescam", "layer_cam")
NAMES = (*GRADIENT, "eigen_cam", "score_cam", "ablation_cam")


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@dataclass(frozen=True)
class Pictures(Described, Task):
    """Images, or series, of random numbers in float64 and of any size."""

    shape: tuple[int, ...] = (1, 2, 2)

    name = "pictures"
    title = "Pictures"
    kind = Kind.IMAGE
    axes = ("channel", "height", "width")

    def load(self, split: str) -> Samples:
        inputs = numbers(5, *self.shape, seed=len(split))
        return Samples(inputs=inputs, labels=torch.ones(5).long(), ids=tuple(f"{split}:{i}" for i in range(5)))

    def groups(self, inputs: Tensor) -> Tensor:
        return torch.zeros_like(inputs, dtype=torch.long)


@dataclass(frozen=True)
class Signals(Pictures):
    """The same as series."""

    name = "signals"
    kind = Kind.SERIES
    axes = ("time", "feature")


@dataclass(frozen=True)
class Ten(Pictures):
    """Images of ten classes."""

    name = "ten"
    classes = tuple("0123456789")


class Twofold(nn.Module):
    """f = head(maps(x)): an oracle can stop between the two."""

    def __init__(self, maps: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.maps, self.head = maps, head
        with torch.no_grad():
            for i, parameter in enumerate(self.parameters()):
                parameter.copy_(numbers(*parameter.shape, seed=i) / sqrt(max(1, parameter[0].numel())))
        self.double().eval()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.maps(inputs))


class Turned(nn.Module):
    """Axes 1 and 2 exchanged."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.transpose(1, 2)


class Muted(nn.Module):
    """The last map is zero everywhere."""

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat((maps[:, :-1], 0 * maps[:, -1:]), 1)


class Tokens(nn.Module):
    """Patches of 3 × 3 over 2 × 6 × 9, a class token before them, and a normalisation of each."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.norm = nn.Linear(18, 4), nn.LayerNorm(4)
        self.beginning = nn.Parameter(torch.zeros(1, 4))

    def forward(self, inputs: Tensor) -> Tensor:
        patches = functional.unfold(inputs, 3, stride=3).transpose(1, 2)
        return self.norm(torch.cat((self.beginning.expand(len(inputs), 1, 4), self.project(patches)), 1))


class Mixing(nn.Module):
    """Every token reads every other; what the first then holds is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.classify = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        share = (self.query(tokens) @ tokens.transpose(1, 2)).softmax(-1)
        return self.classify((share @ tokens)[:, 0])


def dense(size: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(size, 8), nn.Tanh(), nn.Linear(8, 2))


CASES = {
    "image": (
        lambda: Twofold(nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.ReLU(), Muted()), dense(4 * 4 * 5)),
        Pictures(shape=(2, 7, 10)),
        lambda output: output,
        lambda output, k: output[k].zero_(),
    ),
    "series": (
        lambda: Twofold(nn.Sequential(Turned(), nn.Conv1d(3, 4, 3, stride=2), nn.Softplus()), dense(4 * 5)),
        Signals(shape=(11, 3)),
        lambda output: output,
        lambda output, k: output[k].zero_(),
    ),
    "tokens": (
        lambda: Twofold(Tokens(), Mixing()),
        Pictures(shape=(2, 6, 9)),
        lambda output: output[1:].T.reshape(4, 2, 3),
        lambda output, k: output[1:, k].zero_(),
    ),
}


def values(of: Subject, name: str, samples: Samples, **given) -> Tensor:
    return method(name, **given).attribute(query(of, samples))


def wide(grid: Tensor, x: Tensor) -> Tensor:
    """torch's own interpolation to the size of one input, repeated over its channels or features."""
    if grid.ndim == 1:
        return functional.interpolate(grid[None, None], x.shape[0], mode="linear")[0, 0, :, None].expand_as(x)
    return functional.interpolate(grid[None, None], x.shape[1:], mode="bilinear")[0].expand_as(x)


def literal(name: str, network: Twofold, fold: Callable, erase: Callable, x: Tensor) -> Tensor:
    """The map of one sample over the layer's places, by loops over maps and places."""

    def f(output: Tensor) -> Tensor:
        return network.head(output[None])[0, 1]

    output = network.maps(x[None])[0].detach().requires_grad_()
    maps, slopes = fold(output).detach(), fold(torch.autograd.grad(f(output), output)[0])
    total = torch.zeros_like(maps[0])
    scores = []
    for k, (one, slope) in enumerate(zip(maps, slopes, strict=True)):
        if name == "grad_cam":
            total += slope.mean() * one
        elif name == "grad_cam_plus_plus":
            weight = 0.0
            for g in slope.flatten().tolist():
                under = 2 * g**2 + one.sum().item() * g**3
                weight += g**2 / under * max(g, 0.0)
            total += weight * one
        elif name == "hirescam":
            total += slope * one
        elif name == "layer_cam":
            total += slope.relu() * one
        elif name == "ablation_cam":
            without = output.detach().clone()
            erase(without, k)
            total += (f(output) - f(without)).detach() * one
        elif name == "score_cam":
            mask = wide(one, x)
            if mask.max() > mask.min():
                mask = (mask - mask.min()) / (mask.max() - mask.min())
            scores.append((network(x[None] * mask)[0, 1] - network(0 * x[None])[0, 1]).detach())
    if name == "score_cam":
        total = (torch.stack(scores).softmax(0).view(-1, *[1] * (maps.ndim - 1)) * maps).sum(0)
    if name == "eigen_cam":
        u, s, _ = np.linalg.svd(maps.flatten(1).T.numpy(), full_matrices=True)
        total = torch.tensor(u[:, 0] * s[0]).view(maps.shape[1:])
        return total * (-1 if total.sum() < 0 else 1)
    return total if name == "hirescam" else total.relu()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_maps_equal_the_literal_loops(name, case):
    build, task, fold, erase = CASES[case]
    network = made(build)
    of, samples = Subject(network, task), task.samples("test")
    found = values(of, name, samples, layer="maps")
    expected = torch.stack([wide(literal(name, network, fold, erase, x), x) for x in samples.inputs])
    assert expected.abs().amax() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


class OnPaper(nn.Module):
    """A¹ = x, A² = 5 − x; f = Σ v¹ A¹ + Σ v² A² with v¹ = [[1, 0], [0, 1]] and v² = −v¹."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 1)
        with torch.no_grad():
            self.maps.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
            self.maps.bias.copy_(torch.tensor([0.0, 5.0]))

    def forward(self, inputs: Tensor) -> Tensor:
        maps = self.maps(inputs)
        score = (maps[:, 0] - maps[:, 1]).diagonal(dim1=1, dim2=2).sum(1)
        return torch.stack((torch.zeros_like(score), score), 1)


X = [[1.0, 2.0], [3.0, 4.0]]
P = 1 / (1 + exp(-6))  # softmax of 8 and 2
ON_PAPER = {
    "grad_cam": [[0, 0], [0.5, 1.5]],  # relu(x / 2 − (5 − x) / 2)
    "grad_cam_plus_plus": [[1 / 6, 2 / 6], [3 / 6, 4 / 6]],  # w¹ = 2 · 1 / (2 + 10), w² = 0
    "hirescam": [[1 - 4, 0], [0, 4 - 1]],
    "layer_cam": [[1, 0], [0, 4]],
    "eigen_cam": [[5 / sqrt(2)] * 2] * 2,  # v = (1, 1) / √2
    "score_cam": [[P * x + (1 - P) * (5 - x) for x in row] for row in X],  # f gains 2 (0 + 4) and 2 (1 + 0)
    "ablation_cam": [[0, 0], [5, 15]],  # f = 0; without A¹ −5, without A² 5: relu(5 x − 5 (5 − x))
}


@pytest.mark.parametrize("name", NAMES)
def test_maps_known_on_paper(name):
    samples = Samples(inputs=torch.tensor([[X]]), labels=torch.ones(1).long(), ids=("paper",))
    record = explain(Subject(made(OnPaper), Pictures()), samples, method(name), SCORE)
    np.testing.assert_allclose(record.values[0, 0], ON_PAPER[name], atol=1e-5)


def test_interpolation_is_linear_between_the_middles_of_cells():
    assert resized(torch.tensor([[0.0, 1.0]]), (4,)).tolist() == [[0, 0.25, 0.75, 1]]
    for before, after in (((3, 4), (7, 10)), ((5, 2), (5, 9)), ((8, 8), (3, 4)), ((1, 3), (6, 6))):
        maps = numbers(2, *before)
        peer = functional.interpolate(maps[:, None], after, mode="bilinear", align_corners=False)[:, 0]
        torch.testing.assert_close(resized(maps, after), peer)


@pytest.mark.parametrize("name", ["cnn_digits", "resnet_digits", "vit_digits"])
def test_before_a_mean_over_places_all_three_are_the_class_activation_map(name):
    """Class weights × maps; and HiResCAM, not yet interpolated, adds up to the logit without its bias."""
    of = workbench.load(name)
    samples = of.task.select("0:8")
    asked = query(of, samples)
    layer = MapLayer.of(asked, "")
    weights = of.network.classify.weight[1].detach().double()
    cam = torch.einsum("k,sk...->s...", weights, layer.maps) / layer.maps[0, 0].numel()
    hires, grad = (method(name).places(layer) for name in ("hirescam", "grad_cam"))
    torch.testing.assert_close(hires, cam, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(grad, cam.relu(), rtol=1e-5, atol=1e-6)
    logit = asked.values(samples.inputs) - of.network.classify.bias[1].detach()
    torch.testing.assert_close(hires.sum((1, 2)), logit.double(), rtol=1e-4, atol=1e-4)
    assert (cam < 0).any()
    assert cam.std() > 0.01


@pytest.mark.parametrize("layer", ["body.0", "body.2", "body.4"])
def test_grad_cam_equals_captums(layer):
    of = subject(Convolved)
    samples = of.task.samples("test")
    peer = captum.attr.LayerGradCam(copy.deepcopy(of.network), None)
    peer.layer = peer.forward_func.get_submodule(layer)
    theirs = peer.attribute(samples.inputs, 1, relu_attributions=True).detach()
    theirs = functional.interpolate(theirs, (6, 6), mode="bilinear").expand_as(samples.inputs)
    ours = explain(of, samples, method("grad_cam", layer=layer), SCORE).values
    assert ours.max() > 1e-3
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-6)


ZOO = {
    "cnn_digits": ("stages.1", Ten(shape=(1, 8, 8))),
    "resnet_digits": ("blocks.1", Ten(shape=(1, 8, 8))),
    "vit_digits": ("norm", Ten(shape=(1, 8, 8))),
    "cct_fashion_mnist": ("tokens", Ten(shape=(1, 28, 28))),
    "speednet_fashion_mnist": ("blocks.2", Ten(shape=(1, 28, 28))),
    "cnn1d_ts_box_rare_time": ("maps", Signals(shape=(25, 25))),
}


@pytest.mark.parametrize("family", ZOO)
def test_every_family_of_the_zoo_has_its_layer(family):
    name, task = ZOO[family]
    of = Subject(untrained(RECIPES[family]).eval(), task)
    samples = task.samples("test").take([0, 1])
    samples = Samples(inputs=samples.inputs.float(), labels=samples.labels, ids=samples.ids)
    asked = query(of, samples)
    assert MapLayer.of(asked, "").name == name
    assert MapLayer.of(asked, "").maps.shape[2:].numel() > 3
    for method_name in NAMES:
        record = explain(of, samples, method(method_name))
        assert record.values.shape == tuple(samples.inputs.shape)
        passes = sum(method(method_name).cost(asked)) * len(samples)
        assert 0 < record.forward_passes + record.backward_passes <= passes + 2
        alike = record.values if task.kind is Kind.IMAGE else record.values.transpose(0, 2, 1)
        assert (alike == alike[:, :1]).all()  # over channels, or features
    assert np.ptp(explain(of, samples, method("layer_cam")).values, (1, 2)).max() > 0


class Foreign(nn.Module):
    """Registered in another order than called; rectifiers are functions, one in place; `summary` has one place."""

    def __init__(self) -> None:
        super().__init__()
        self.second, self.summary, self.first = nn.Conv2d(5, 4, 3), nn.Conv2d(4, 6, 1), nn.Conv2d(2, 5, 3)
        self.head, self.unused, self.memory = nn.Linear(6, 2), nn.Conv2d(4, 4, 1), nn.GRU(6, 6, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = functional.relu(self.first(inputs))
        return self.classified(functional.relu_(self.second(maps)))

    def classified(self, maps: Tensor) -> Tensor:
        held = self.summary(maps.mean((2, 3), keepdim=True))[..., 0].transpose(1, 2)
        return self.head(self.memory(held)[0][:, 0])


def test_a_foreign_network_is_read_at_its_last_wide_convolution():
    """In the order in which they are called; and what a rectifier then writes into the maps is not in them."""
    of = Subject(made(Foreign), Pixels())
    samples = of.task.samples("test")
    assert set(NAMES) <= set(methods_for(of))
    assert MapLayer.of(query(of, samples), "").name == "second"
    maps = of.network.second(of.network.first(samples.inputs).relu()).detach().requires_grad_()
    assert maps.min() < 0
    slopes = torch.autograd.grad(of.network.classified(maps.relu())[:, 1].sum(), maps)[0]
    expected = (slopes.mean((2, 3), keepdim=True) * maps).sum(1).relu().detach()
    grid = method("grad_cam").places(MapLayer.of(query(of, samples), ""))
    torch.testing.assert_close(grid.float(), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("third", "no layer of Foreign called 'third'.* first, head, memory, second, summary, unused"),
        ("unused", "without calling its layer 'unused'"),
        ("memory", "does not give one tensor of numbers per sample"),
        ("head", "gives 2 numbers per sample, which are no maps over several places of height × width.* of: second"),
        ("summary", "gives 6 × 1 × 1 numbers"),
    ],
)
def test_a_layer_that_has_no_maps_gets_a_sentence(name, layer, says):
    of = Subject(made(Foreign), Pixels())
    with pytest.raises(InputError, match=says):
        explain(of, of.task.samples("test"), method(name, layer=layer), SCORE)


def test_a_network_without_wide_convolutions_gets_a_sentence():
    of = Subject(made(lambda: nn.Sequential(nn.Conv2d(2, 4, 6), nn.Flatten(), nn.Linear(4, 2))), Pixels())
    with pytest.raises(InputError, match="No convolution of custom gives maps over more than one place"):
        explain(of, of.task.samples("test"), method("grad_cam"), SCORE)
    flat = Subject(made(lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 2))), Pixels())
    assert why_not(type(method("eigen_cam")), flat) == "Eigen-CAM needs activation maps, which custom does not offer."


class Twice(nn.Module):
    """One convolution, called twice under two names; `once` calls a copy of it the second time."""

    def __init__(self, once: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 2, 3, padding=1)
        with torch.no_grad():
            self.first.weight.copy_(numbers(2, 2, 3, 3))
            self.first.bias.copy_(numbers(2, seed=1))
        self.second = copy.deepcopy(self.first) if once else self.first
        self.head = nn.Linear(72, 2)
        with torch.no_grad():
            self.head.weight.copy_(numbers(2, 72, seed=2))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.second(self.first(inputs).relu()).relu().flatten(1))


@pytest.mark.parametrize("name", NAMES)
def test_of_a_layer_that_is_called_twice_the_last_call_counts(name):
    again, once = Subject(made(Twice, False), Pixels()), Subject(made(Twice, True), Pixels())
    samples = again.task.samples("test")
    expected = explain(once, samples, method(name, layer="second"), SCORE).values
    other = explain(once, samples, method(name, layer="first"), SCORE).values
    assert np.abs(expected - other).max() > 0.1
    for layer in ("", "first", "second"):
        found = explain(again, samples, method(name, layer=layer), SCORE).values
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_chunks_and_memory_that_runs_out_change_nothing(name, monkeypatch):
    of = subject(Convolved)
    samples = of.task.samples("test")
    expected = explain(of, samples, method(name), SCORE).values
    forward = Convolved.forward

    def greedy(self: Convolved, inputs: Tensor) -> Tensor:
        logits = forward(self, inputs)  # the layer has been asked when it fails
        if len(inputs) > 3:
            raise torch.OutOfMemoryError("made up")
        return logits

    monkeypatch.setattr(Convolved, "forward", greedy)
    np.testing.assert_allclose(explain(of, samples, method(name), SCORE).values, expected, rtol=1e-4, atol=1e-5)


class Interrupted(nn.Module):
    """Stops in the middle of a forward pass, behind its maps, when it is told to."""

    stop: type[BaseException] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.body = Convolved()

    def forward(self, inputs: Tensor) -> Tensor:
        logits = self.body(inputs)
        if Interrupted.stop is not None and "forward" in vars(self.body.body[3]):
            raise Interrupted.stop("made up")
        return logits


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_when_a_call_is_stopped(name, stop, monkeypatch):
    module = Interrupted().train()
    before = state(module)
    of = Subject(module, Pixels())
    samples = of.task.samples("test")
    expected = explain(of, samples, method(name), SCORE).values
    monkeypatch.setattr(Interrupted, "stop", stop)
    with pytest.raises(stop, match="made up"):
        explain(of, samples, method(name), SCORE)
    monkeypatch.setattr(Interrupted, "stop", None)
    assert not any("forward" in vars(part) for part in [*module.modules(), *of.network.modules()])
    assert_same(before, state(module))
    np.testing.assert_array_equal(explain(of, samples, method(name), SCORE).values, expected)


def test_eight_threads_get_no_wrong_value():
    """Twenty calls each of the seven methods, at two layers, on one subject."""
    of = workbench.load("cnn_digits")
    samples = of.task.select("0:2")
    configs = [method(name, layer=layer) for name in NAMES for layer in ("", "stages.0")]
    alone = [explain(of, samples, config).values for config in configs]

    def work(number: int) -> int:
        turns = [(number + turn) % len(configs) for turn in range(20)]
        return sum(not np.array_equal(explain(of, samples, configs[turn]).values, alone[turn]) for turn in turns)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [0] * 8


class Against(nn.Module):
    """f = −(sum of a rectified map) · `factor`: whatever is there speaks against it. Nobody listens to `aside`."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.maps, self.factor = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU()), factor
        self.aside = nn.Conv2d(1, 3, 1)
        nn.init.constant_(self.maps[0].weight, 0.5)
        nn.init.constant_(self.maps[0].bias, 1.0)

    def forward(self, inputs: Tensor) -> Tensor:
        self.aside(inputs)
        score = -self.factor * self.maps(inputs).sum((1, 2, 3))
        return torch.stack((torch.zeros_like(score), score), 1)


def test_a_sample_without_positive_evidence_gets_zeros():
    of = Subject(made(Against, 1.0), Pictures())
    samples = of.task.samples("test")
    for name in ("grad_cam", "grad_cam_plus_plus", "layer_cam", "ablation_cam"):
        assert not explain(of, samples, method(name, layer="maps"), SCORE).values.any()
    assert (explain(of, samples, method("hirescam", layer="maps"), SCORE).values < 0).any()


@pytest.mark.parametrize("name", GRADIENT)
def test_gradients_that_all_vanish_get_a_sentence(name):
    for factor, output, layer in (
        (0.0, Output.LOGIT, "maps.0"),
        (1e4, Output.PROBABILITY, "maps.0"),
        (1.0, Output.LOGIT, "aside"),
    ):
        of = Subject(made(Against, factor), Pictures())
        target = Target(of=1, output=output)
        with pytest.raises(
            InputError, match=rf"The {output} of custom has no gradient at its layer '{layer}'.*Explain"
        ):
            explain(of, of.task.samples("test"), method(name, layer=layer), target)


@pytest.mark.parametrize("name", NAMES)
def test_frozen_weights_and_a_caller_without_gradients_change_nothing(name):
    of, frozen = subject(Convolved), Convolved().requires_grad_(False)
    samples = of.task.samples("test")
    expected = explain(of, samples, method(name), SCORE).values
    with torch.no_grad():
        found = explain(Subject(frozen, Pixels()), samples, method(name), SCORE).values
    np.testing.assert_array_equal(found, expected)
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
