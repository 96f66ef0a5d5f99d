"""What is computed once per path, or not at all for padding, says the same as the whole network at each point."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from subjects import Bag, Features, OneHotBag, Pixels
from torch import nn

from workbench.explanation import explain, method
from workbench.opening import opening
from workbench.query import Query
from workbench.records import Output, Target
from workbench.subject import Subject
from zoo.model import LayeredNetwork


class Rectified(LayeredNetwork):
    """Centres its input, then two layers."""

    name = "rectified"

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Sequential(nn.Linear(4, 16), nn.ReLU()), nn.Linear(16, 2)

    def prepare(self, inputs):
        return (inputs - 0.3) / 0.7

    def layers(self):
        return [self.first, self.last]

    def finish(self, last):
        return 2 * last + 1


class Clipped(Rectified):
    """Cuts its input off before the first layer: no straight line stays one."""

    def prepare(self, inputs):
        return inputs.clamp(-0.2, 0.4)


class Twice(Rectified):
    """Reads its input twice, whatever it says of its layers."""

    def forward(self, inputs):
        return super().forward(inputs) + inputs[:, :2]


class Hidden(nn.Module):
    """A network that says nothing of its layers."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs):
        return self.inner(inputs)


def seeded(make) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().eval()


def row(*between: nn.Module, inputs: int = 4) -> nn.Module:
    return nn.Sequential(*between, nn.Linear(inputs, 16), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(16, 2))


NETWORKS = {
    "row": (row, Features()),
    "two affine layers": (lambda: row(nn.Linear(4, 7), nn.Identity(), inputs=7), Features()),
    "smooth": (lambda: nn.Sequential(nn.Linear(4, 9), nn.Sequential(nn.Tanh(), nn.Linear(9, 2))), Features()),
    "flattened": (lambda: row(nn.Flatten(), nn.Dropout(), inputs=72), Pixels()),
    "prepared": (Rectified, Features()),
    "affine": (lambda: nn.Sequential(nn.Linear(4, 2)), Features()),
}
NONE = {
    "hidden": (lambda: Hidden(row()), Features()),
    "clipped": (Clipped, Features()),
    "overridden": (Twice, Features()),
    "nonlinear at once": (lambda: nn.Sequential(nn.Tanh(), nn.Linear(4, 2)), Features()),
    "convolution": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(48, 2)), Pixels()),
}


def asked(network: nn.Module, task) -> Query:
    samples = task.samples("test").take(range(5))
    return Query(Subject(network, task), samples, samples.labels, Output.LOGIT)


def straight(query: Query):
    return torch.stack((torch.zeros_like(query.points), query.points), 1)


@pytest.mark.parametrize("output", list(Output))
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("options", "close"), [({"n_steps": 10, "max_steps": 10}, 2e-6), ({"tolerance": 1e-4}, 1e-4)])
def test_paths_behind_an_opening_equal_paths_through_the_whole(name, options, close, output):
    """To rounding at the same points; where pieces are halved, rounding may choose another one of two alike."""
    make, task = NETWORKS[name]
    network = seeded(make)
    query = asked(network, task)
    assert opening(query, straight(query)) is not None
    plain = Subject(Hidden(network), task)
    before = [tensor.clone() for tensor in network.state_dict().values()]
    config, target = method("integrated_gradients", **options), Target(of=1, output=output)
    found, expected = (explain(of, query.samples, config, target) for of in (query.subject, plain))
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=close * abs(expected.values).max())
    assert found.backward_passes == pytest.approx(expected.backward_passes, rel=0.05)
    assert all(torch.equal(a, b) for a, b in zip(before, network.state_dict().values(), strict=True))


@pytest.mark.parametrize("name", NONE)
def test_what_is_not_known_to_be_affine_is_no_opening(name):
    make, task = NONE[name]
    query = asked(seeded(make), task)
    assert opening(query, straight(query)) is None


def test_an_opening_is_not_written_to():
    query = asked(seeded(row), Features())
    first, ends = opening(query, straight(query))
    kept = ends.clone()
    first.behind(query).values_at(ends[:, 0])
    assert torch.equal(ends, kept)


class Counted(OneHotBag):
    """Remembers how wide the sentences were that it read."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[tuple[int, int]] = []

    def from_embedding(self, embedded, mask):
        self.widths.append((embedded.shape[0], embedded.shape[1]))
        score = ((embedded @ self.weight) * mask).sum(1) ** 2
        return torch.stack((torch.zeros_like(score), score), -1)


def test_sentences_are_read_without_what_is_padding_behind_them():
    samples = Bag().encode(["good film", "bad " * 20 + "film", "good"], [1, 1, 1])
    of = Subject(Counted(), Bag())
    query = Query(of, samples, samples.labels, Output.LOGIT)
    values, gradients = query.values_and_gradients(query.points)
    assert sorted(set(of.network.widths)) == [(1, 21), (2, 8)]
    torch.testing.assert_close(query.values_at(query.points), values)
    for index in range(3):
        alone = replace(query, samples=samples.take([index]), classes=samples.labels[:1])
        value, gradient = alone.values_and_gradients(query.points[index : index + 1])
        assert torch.equal(value[0], values[index])
        assert torch.equal(gradient[0], gradients[index])
    assert not gradients[0, 2:].any()
    rows = torch.tensor([2, 0, 1, 0])
    torch.testing.assert_close(query.gradients(query.points[rows], rows), gradients[rows])


def test_a_gap_within_a_sentence_is_not_what_is_behind_it():
    """Twenty words of which the first fifteen are padding: the last ones count, wherever they stand."""
    samples = Bag().encode(["bad " * 19 + "film", "good " * 20], [1, 1])
    inputs = samples.inputs.clone()
    inputs[0, :15] = 0
    samples = replace(samples, inputs=inputs)
    of = Subject(Counted(), Bag())
    query = Query(of, samples, samples.labels, Output.LOGIT)
    gradients = query.gradients(query.points)
    assert gradients[0, 15:].any()
    torch.testing.assert_close(query.values_at(query.points), of.logits(inputs)[:, 1])
