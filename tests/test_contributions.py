"""Contributions of DeepLIFT against several references: one sample after the other or as pairs, and done again where
rounding asks for it; the adjoints and the row of a tape that they rest on."""

import pytest
import torch
from series_subjects import Waves
from subjects import Pixels
from test_propagation import Attention, Blocks, Recurrent, Residual, images, seeded, series
from torch import Tensor, nn
from torch.nn import functional

from workbench import contributions
from workbench.adjoints import ADJOINTS, passed_back
from workbench.broadcast import beside
from workbench.operations import NORMALISING, is_linear
from workbench.query import Query
from workbench.records import Output
from workbench.subject import Subject, read
from workbench.tape import record
from zoo.task import Samples


class Folded(nn.Module):
    """Steps of a series as rows, so that rows and time share an axis."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.out = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        steps = torch.tanh(self.inner(x.reshape(-1, 4)))
        return self.out(steps.view(*x.shape[:2], 6).amax(1))


class Spelt(nn.Module):
    """Layers and what only moves or scales values in many spellings, pooling that overlaps, and a masked maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = nn.ConvTranspose1d(4, 4, 2, groups=2), nn.Conv1d(4, 6, 3, stride=2, padding=1)
        self.norm, self.out = nn.BatchNorm1d(6), nn.Linear(6, 3, bias=False)
        self.norm.running_mean.uniform_(-1, 1)
        self.norm.running_var.uniform_(0.5, 2)
        nn.init.uniform_(self.norm.weight, 0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.narrow((x.transpose(1, 2) - 0.1) / 3 * torch.arange(1, 5)[:, None])
        x = functional.max_pool1d(functional.relu(self.norm(self.wide(x + 0.5))), 2, stride=1)
        kept = (x + torch.tensor([0.0, -torch.inf])).amax(2, keepdim=True)
        return self.out(kept.squeeze(2)) + x[:, :3, 1] - torch.mm(x.mean(2), torch.ones(6, 1, dtype=x.dtype))


NETWORKS = {
    "convolutions": (lambda: Blocks("relu", "activation", "max", "function"), images),
    "residual": (Residual, images),
    "smooth": (lambda: Blocks("gelu", "pool", "mean", "module"), images),
    "groups": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Softmax(1)), images),
    "attention": (lambda: Attention(bias=True), series),
    "gates": (lambda: Recurrent(nn.LSTM, bias=True), series),
    "folded": (Folded, series),
    "spelt": (Spelt, series),
}


def asked(kind: str, count: int, references: int, output: Output = Output.LOGIT) -> tuple[Query, Tensor]:
    """A query of some samples in float64, and references."""
    build, make = NETWORKS[kind]
    points = make(count + references)
    of = Subject(seeded(build).double(), Pixels() if make is images else Waves())
    ids = tuple(str(number) for number in range(count))
    samples = Samples(inputs=points[:count], labels=torch.zeros(count).long(), ids=ids)
    return Query(of, samples, torch.arange(count) % 2, output), points[count:]


def found(query: Query, references: Tensor, several: int, monkeypatch) -> Tensor:
    monkeypatch.setattr(contributions, "SEVERAL", several)
    return contributions.contributions(query, references[None], torch.arange(len(query.points)))


class TestSeveralReferences:
    @pytest.mark.parametrize(("count", "references"), [(3, 5), (4, 4)])
    @pytest.mark.parametrize("output", [Output.LOGIT, Output.PROBABILITY])
    @pytest.mark.parametrize("kind", NETWORKS)
    def test_one_sample_after_the_other_equals_all_pairs(self, kind, output, count, references, monkeypatch):
        query, drawn = asked(kind, count, references, output)
        pairs, samples = (found(query, drawn, several, monkeypatch) for several in (0, 10**9))
        torch.testing.assert_close(samples, pairs, rtol=1e-9, atol=1e-12)
        with torch.no_grad():
            here, there = (query.subject.network(each) for each in (query.points, drawn))
        f = read(here, query.classes, output)[:, None]
        f_ = torch.stack([read(there, one.expand(references), output) for one in query.classes])
        torch.testing.assert_close(samples.flatten(2).sum(2), f - f_, rtol=1e-8, atol=1e-11)

    @pytest.mark.parametrize(("kind", "passes"), [("convolutions", 3 + 5), ("residual", 3 + 5), ("folded", 8 + 2 * 15)])
    def test_samples_and_references_are_passed_forward_once_where_rows_have_an_axis(self, kind, passes, monkeypatch):
        query, drawn = asked(kind, 3, 5)
        found(query, drawn, 10**9, monkeypatch)
        assert (query.subject.meter.forward, query.subject.meter.backward) == (passes, 15)

    def test_parts_of_many_references_and_samples_are_put_together(self, monkeypatch):
        query, drawn = asked("residual", 5, 7)
        whole = found(query, drawn, 0, monkeypatch)
        monkeypatch.setattr(contributions, "rows_at_once", lambda *_: 3)
        torch.testing.assert_close(found(query, drawn, 10**9, monkeypatch), whole, rtol=1e-9, atol=1e-12)

    def test_another_path_is_no_row_of_the_same_tape(self):
        def network(x: Tensor) -> Tensor:
            return x * 2 if float(x.sum()) > 0 else x.exp()

        x = series(3).abs()
        tape = record(network, x)
        assert beside(tape, record(network, -x[:2]), 0) is None
        assert beside(tape, record(lambda y: y * 3, x[:2]), 0) is None
        single = beside(tape, record(network, x[:2]), 2)
        torch.testing.assert_close(single.values[single.output], 2 * x[2:])


class TestRounding:
    def test_what_is_lost_is_counted_against_the_mean_difference(self):
        """f(x) is 1 above, 1 below the references and 1e-3 above the last: what that one misses by 1e-7 is little of
        their mean, but much of its own difference."""
        found_ = torch.tensor([[3.0], [-1.0], [1e-3 + 1e-7]])
        ends = torch.tensor([[3.0, 0.0, 1e-3], [0.0, 1.0, 0.0]])
        parts = contributions.Parts(found_, ends)
        assert parts.coarse(3).tolist() == []
        assert parts.coarse(1).tolist() == [2]

    def test_rows_that_lose_too_much_are_done_again_in_float64(self, monkeypatch):
        query, drawn = asked("gates", 3, 5)
        exact = found(query, drawn, 0, monkeypatch)
        single = Query(
            Subject(seeded(NETWORKS["gates"][0]), Waves()),
            Samples(inputs=query.inputs.float(), labels=query.samples.labels, ids=query.samples.ids),
            query.classes,
            query.output,
        )
        monkeypatch.setattr(contributions, "GAP", 0.0)
        again = found(single, drawn.float(), 10**9, monkeypatch)
        assert again.dtype == torch.float32
        torch.testing.assert_close(again.double(), exact, rtol=1e-5, atol=1e-8)
        assert single.subject.meter.backward > 15


@pytest.mark.parametrize("kind", ["convolutions", "spelt", "gates", "attention"])
def test_adjoints_are_the_vector_jacobian_products(kind):
    network, x = seeded(NETWORKS[kind][0]).double().eval(), NETWORKS[kind][1](3)
    chance, seen = torch.Generator().manual_seed(0), set()
    for step in record(network, x).steps:
        if not is_linear(step):
            continue
        messages = [
            torch.randn(made.shape, generator=chance, dtype=made.dtype) if place == 0 else None
            for place, made in enumerate(step.made)
        ]
        fast, slow = passed_back(step, messages), step.pulled_back(messages)
        assert fast.keys() == slow.keys()
        for place in slow:
            torch.testing.assert_close(fast[place], slow[place])
        seen.add(step.name)
    assert len(seen & {*ADJOINTS, *NORMALISING}) >= 4
