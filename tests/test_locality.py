"""What is computed only where a window changed it is what the whole network says."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from workbench.locality import chain
from workbench.methods.occlusion import Occlusion
from workbench.perturbations import window_values
from workbench.query import Query
from workbench.records import Output
from workbench.subject import Subject
from zoo.model import Capability, ConvolutionalNetwork
from zoo.task import Kind, Samples, Task

CONVOLUTION = frozenset({Capability.GRADIENT, Capability.CONVOLUTION})


class Scene(Task):
    """Images of any size, for networks that take them all."""

    name = "scene"
    title = "Scene"
    kind = Kind.IMAGE
    classes = ("a", "b", "c")
    axes = ("channel", "height", "width")
    licence = citation = about = "none"

    def load(self, split: str) -> Samples:
        return scenes(24, 20)

    def groups(self, inputs):
        return torch.zeros(inputs.shape, dtype=torch.long)


def scenes(height: int, width: int, count: int = 3) -> Samples:
    inputs = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(height * 100 + width))
    return Samples(inputs=inputs, labels=torch.zeros(count).long(), ids=tuple(f"scene:{i}" for i in range(count)))


def stage(before: int, after: int, pool: int = 2, kernel: int = 3, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False, groups=groups),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Conv2d(after, after, (1, 3), padding=(0, 1)),
        nn.ReLU(),
        nn.MaxPool2d(pool),
    ]


class Scaled(ConvolutionalNetwork):
    """Shifts and scales its input by constants that it holds, then runs a body and averages."""

    name = "scaled"

    def __init__(self, body: list[nn.Module], width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(0.4))
        self.body, self.head = nn.Sequential(*body), nn.Linear(width, 3)

    def prepare(self, inputs):
        return (inputs - self.mean) / 0.3 * 2 + 1

    def layers(self):
        return [self.body]

    def finish(self, last):
        return self.head(last.mean((2, 3)))


class Viewed(Scaled):
    """Counts on the order of its axes in memory."""

    def finish(self, last):
        return self.head(last.view(len(last), self.head.in_features, -1).mean(2))


class Residual(Scaled):
    """Its input is read twice: no chain, whatever it says of its layers."""

    def forward(self, inputs):
        return super().forward(inputs) + inputs.mean((1, 2, 3))[:, None] ** 2


class Foreign(nn.Module):
    """Does not say how it is built."""

    def __init__(self, body: list[nn.Module], width: int) -> None:
        super().__init__()
        self.inner = Scaled(body, width)

    def forward(self, inputs):
        return self.inner(inputs)


def made(build) -> nn.Module:
    """A network with random weights and running statistics, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor in (module.running_mean, module.running_var, module.weight.data, module.bias.data):
                    tensor.uniform_(0.5, 1.5)
    return network.eval()


NETWORKS = {
    "one stage": lambda: Scaled(stage(3, 4), 4),
    "two stages": lambda: Scaled(stage(3, 4) + stage(4, 6), 6),
    "pool of three": lambda: Scaled(stage(3, 4, pool=3, kernel=5), 4),
    "groups": lambda: Scaled(stage(3, 6, groups=3), 6),
    "valid convolution": lambda: Scaled([*stage(3, 4), nn.Conv2d(4, 5, 3), nn.ReLU()], 5),
    "strided convolution": lambda: Scaled([*stage(3, 4), nn.Conv2d(4, 5, 3, stride=2, padding=1)], 5),
    "another nonlinearity": lambda: Scaled([*stage(3, 4), nn.GELU(), *stage(4, 5)], 5),
    "views": lambda: Viewed(stage(3, 4), 4),
    "mirrored padding": lambda: Scaled([nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), *stage(4, 4)], 4),
}


def values(network: nn.Module, samples: Samples, window: int, stride: int, local: bool) -> torch.Tensor:
    type(network).capabilities = CONVOLUTION if local else frozenset({Capability.GRADIENT})
    of = Subject(network, Scene())
    query = Query(of, samples, torch.arange(len(samples)) % 3, Output.LOGIT)
    windows = Occlusion(window=window, stride=stride).windows(*samples.inputs.shape[-2:])
    return window_values(query, windows, samples.inputs.flip(0).contiguous())


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_local_values_equal_the_whole(name, data):
    """Any window and stride, images that are not square, windows cut off, sides that pooling does not divide."""
    network = made(NETWORKS[name])
    samples = scenes(data.draw(st.integers(12, 26)), data.draw(st.integers(12, 26)))
    window = data.draw(st.integers(1, 12))
    stride = data.draw(st.integers(1, 12))
    whole = values(network, samples, window, stride, local=False)
    assert whole.std() > 1e-4
    torch.testing.assert_close(values(network, samples, window, stride, local=True), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"mirrored padding"}))
def test_these_networks_are_chains(name):
    samples = scenes(24, 20)
    assert chain(made(NETWORKS[name]), samples.inputs) is not None


@pytest.mark.parametrize("build", [Residual, Foreign])
def test_what_is_no_chain_is_computed_whole(build):
    network = made(lambda: build(stage(3, 4), 4))
    samples = scenes(24, 20)
    assert chain(network, samples.inputs) is None
    torch.testing.assert_close(values(network, samples, 5, 3, local=True), values(network, samples, 5, 3, local=False))


def test_a_network_with_hooks_is_computed_whole():
    network = made(NETWORKS["one stage"])
    samples = scenes(24, 20)
    assert chain(network, samples.inputs) is not None
    handle = network.body[0].register_forward_hook(lambda *given: given[2] * 2)
    assert chain(network, samples.inputs) is None
    handle.remove()
    assert chain(network, samples.inputs) is not None


def test_changed_weights_are_seen():
    network = made(NETWORKS["two stages"])
    samples = scenes(24, 20)
    of = Subject(network, Scene())
    query = Query(of, samples, torch.zeros(3).long(), Output.LOGIT)
    windows = Occlusion(window=4).windows(24, 20)
    before = window_values(query, windows, torch.zeros_like(samples.inputs))
    network.body[0].weight.data *= -1
    network.body[1].running_mean.add_(1)
    after = window_values(query, windows, torch.zeros_like(samples.inputs))
    assert (after - before).abs().max() > 1e-3
    whole = values(network, samples, 4, 2, local=False)
    assert whole.shape == after.shape


def test_a_chain_that_says_something_else_is_not_trusted():
    network = made(NETWORKS["one stage"])
    samples = scenes(24, 20)
    assert chain(network, samples.inputs) is not None
    network.forward = lambda _: torch.ones(len(samples), 3)
    assert chain(network, samples.inputs) is None
