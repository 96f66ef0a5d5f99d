"""What a card measures: answers at each step, multiply-accumulates by hand, energy, handles that notice a change."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo import energy
from zoo.cost import multiply_accumulates
from zoo.energy import spending
from zoo.evaluation import measure
from zoo.handles import differences, handles
from zoo.model import Capability, SequenceNetwork
from zoo.quality import wilson
from zoo.task import Samples

DIGITS = zoo.task("digits")


def samples(inputs: Tensor, **more: Tensor) -> Samples:
    return Samples(
        inputs=inputs, labels=torch.zeros(len(inputs)).long(), ids=tuple(map(str, range(len(inputs)))), **more
    )


# Answers at several steps ----------------------------------------------------------------------------------------


class Echo(SequenceNetwork):
    """Says at each step the class that it is shown there."""

    name = "echo"
    capabilities = frozenset({Capability.GRADIENT, Capability.SEQUENCE})

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))

    def steps(self, inputs: Tensor) -> Tensor:
        return self.scale * nn.functional.one_hot(inputs, 3)


def test_a_network_that_answers_at_every_step_is_scored_at_every_step_that_is_asked():
    shown = torch.tensor([[0, 1, 2, 1]] * 4 + [[2, 2, 2, 2]] * 4)
    asked = shown.clone()
    asked[:, 0] = -1
    asked[0, 1:] = torch.tensor([0, 0, 0])
    found = measure(Echo(), samples(shown, answers=asked))
    assert (found.samples, found.answers) == (8, 24)
    assert found.accuracy == pytest.approx(21 / 24)
    assert (found.low, found.high) == pytest.approx(wilson(7, 8))
    assert 0 < found.macro_precision <= 1


def test_whoever_answers_once_is_scored_by_the_label():
    model = zoo.load("logistic_digits").model
    test = DIGITS.samples("test")
    found = measure(model, replace(test, answers=torch.zeros(len(test), 3).long()))
    assert found == measure(model, test)
    assert found.answers == found.samples


# Multiply-accumulates, by hand -----------------------------------------------------------------------------------


class Attending(nn.Module):
    """Two heads of scaled dot-product attention over eight numbers at each place."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 24)

    def forward(self, inputs: Tensor) -> Tensor:
        query, key, value = self.inner(inputs).view(len(inputs), -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
        return nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)


def made(kind: type[nn.Module], *arguments: object, **options: object) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        return kind(*arguments, **options).eval()


@pytest.mark.parametrize(
    ("kind", "options", "shape", "expected"),
    [
        (nn.Linear, (5, 7), (5,), 5 * 7),
        (nn.Conv2d, (3, 8, 3), (3, 10, 10), 8 * 3 * 9 * 8 * 8),
        (nn.Conv2d, (4, 8, 3, 1, 1, 1, 4), (4, 6, 6), 8 * 1 * 9 * 6 * 6),
        (nn.RNN, (6, 10), (9, 6), 9 * 1 * (6 * 10 + 10 * 10)),
        (nn.GRU, (6, 10), (9, 6), 9 * 3 * (6 * 10 + 10 * 10)),
        (nn.LSTM, (6, 10), (9, 6), 9 * 4 * (6 * 10 + 10 * 10)),
        (Attending, (), (9, 8), 9 * 8 * 24 + 2 * 9 * 9 * 8),
        (
            nn.TransformerEncoderLayer,
            (16, 2, 32),
            (9, 16),
            9 * 16 * 48 + 2 * 9 * 9 * 16 + 9 * 16 * 16 + 2 * 9 * 16 * 32,
        ),
    ],
)
def test_multiply_accumulates_are_those_counted_by_hand(kind, options, shape, expected):
    recurrent = issubclass(kind, nn.RNNBase) or kind is nn.TransformerEncoderLayer
    model = made(kind, *options, **({"batch_first": True} if recurrent else {}))
    enabled = torch.backends.mkldnn.enabled
    inputs = torch.rand((3, *shape), generator=torch.Generator().manual_seed(0))
    assert multiply_accumulates(model, samples(inputs)) == expected
    assert torch.backends.mkldnn.enabled == enabled


def test_a_traditional_model_has_no_multiply_accumulates():
    assert multiply_accumulates(zoo.load("svm_digits").model, DIGITS.samples("test")) is None


# Energy ----------------------------------------------------------------------------------------------------------


def test_energy_that_is_not_measured_is_estimated_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "missing")
    with spending(torch.device("cpu")) as spent:
        start = time.process_time()
        while time.process_time() - start < 0.05:
            pass
    assert spent.joules == pytest.approx(0.05 * energy.WATTS_PER_CORE, rel=0.5)
    assert "assumed 10 W" in spent.how


def test_energy_is_read_where_the_machine_counts_it(monkeypatch, tmp_path):
    for zone, name, counted in (("intel-rapl:0", "package-0", 5_000_000), ("intel-rapl:0:0", "core", 1)):
        folder = tmp_path / zone
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "energy_uj").write_text(f"{counted}\n")
        (folder / "max_energy_range_uj").write_text("9000000\n")
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    for after, joules in ((7_500_000, 2.5), (1_500_000, 3.0)):
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("7500000" if after < 7_500_000 else "5000000")
        with spending(torch.device("cpu")) as spent:
            (tmp_path / "intel-rapl:0" / "energy_uj").write_text(str(after))
        assert spent.joules == pytest.approx(joules)
        assert "measured (RAPL)" in spent.how


# Handles ---------------------------------------------------------------------------------------------------------


def test_handles_of_a_linear_model_are_its_weights():
    model = made(nn.Linear, 64, 10)
    model = nn.Sequential(nn.Flatten(), model)
    for handle, inputs in zip(handles(model, DIGITS), DIGITS.samples("test").inputs, strict=False):
        row = model[1].weight[handle.explained].detach().double()
        assert handle.gradient_norm == pytest.approx(float(row.norm()), rel=1e-4)
        assert handle.gradient_x_input == pytest.approx(float(row @ inputs.flatten().double()), rel=1e-4)
        assert handle.places == tuple(row.abs().argsort(descending=True)[:3].tolist())
    assert differences(handles(model, DIGITS), model, DIGITS) == []


@pytest.mark.parametrize("share", [1e-6, 0.1])
def test_handles_notice_other_weights_but_not_rounding(share):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).eval()
    kept = handles(model, DIGITS)
    with torch.no_grad():
        noise = torch.randn(model[1].weight.shape, generator=torch.Generator().manual_seed(1))
        model[1].weight += share * model[1].weight.abs().mean() * noise
    assert bool(differences(kept, model, DIGITS)) == (share > 1e-3)


def test_handles_of_a_traditional_model_are_logits_alone():
    loaded = zoo.load("logistic_digits")
    for handle in handles(loaded.model, loaded.task):
        assert (handle.gradient_norm, handle.places) == (None, None)
        assert np.argmax(handle.logits) == handle.explained


@pytest.mark.mirror
def test_handles_of_text_are_of_embeddings():
    loaded = zoo.load("gru_sst2")
    found = handles(loaded.model, loaded.task)
    assert all(handle.gradient_norm > 0 for handle in found)
    assert differences(found, loaded.model, loaded.task) == []
