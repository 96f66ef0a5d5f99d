"""Recurrent networks and others over series: each cell does its sum, and training is not slowed by tiny gradients."""

import pytest
import torch

from zoo.denormals import SMALLEST, are_flushed, flushed
from zoo.errors import InputError
from zoo.model import initialise
from zoo.models.rnn import Rnn


def series(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def rnn(seed: int = 0, **options) -> Rnn:
    return initialise(Rnn, {"features": 3, "classes": 4, "state": 5, **options}, seed).double().eval()


def by_hand(cell: str, model: Rnn, inputs: torch.Tensor) -> torch.Tensor:
    """The states of one sample, step by step, from the equations."""
    weights = dict(model.recurrent.named_parameters())
    u, v, b, c = (weights[f"{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    h = memory = torch.zeros(5, dtype=torch.float64)
    states = []
    for x in inputs:
        before, after = u @ x + b, v @ h + c
        if cell == "vanilla":
            h = (before + after).tanh()
        elif cell == "lstm":
            let_in, keep, new, show = (before + after).chunk(4)
            memory = keep.sigmoid() * memory + let_in.sigmoid() * new.tanh()
            h = show.sigmoid() * memory.tanh()
        else:
            (reset, keep, new), (reset_2, keep_2, new_2) = before.chunk(3), after.chunk(3)
            kept = (keep + keep_2).sigmoid()
            h = (1 - kept) * (new + (reset + reset_2).sigmoid() * new_2).tanh() + kept * h
        states.append(h)
    return torch.stack(states)


@pytest.mark.parametrize("cell", ["vanilla", "lstm", "gru"])
def test_a_cell_does_its_equations(cell):
    model, inputs = rnn(cell=cell), series(2, 7, 3)
    for sample, states in zip(inputs, model.states(inputs), strict=True):
        torch.testing.assert_close(states, by_hand(cell, model, sample))


@pytest.mark.parametrize("cell", ["vanilla", "lstm", "gru"])
@pytest.mark.parametrize("both", [False, True])
def test_pooling_is_of_all_states_or_the_last_ones(cell, both):
    inputs = series(4, 6, 3)
    for pooling in ("last", "mean", "max"):
        model = rnn(cell=cell, both=both, pooling=pooling, layers=2)
        states, final = model.recurrent(inputs)
        final = final[0] if cell == "lstm" else final
        last = torch.cat((final[-2], final[-1]), dim=1) if both else final[-1]
        expected = {"last": last, "mean": states.mean(1), "max": states.max(1).values}[pooling]
        torch.testing.assert_close(model(inputs), model.classify(expected))


def test_an_image_is_read_from_its_top_row():
    plain, rows = rnn(), rnn(rows=True)
    images = series(2, 1, 6, 3)
    torch.testing.assert_close(rows(images), plain(images[:, 0]))
    colour = rnn(rows=True, features=6)
    states = colour.states(series(2, 2, 6, 3))
    assert states.shape == (2, 6, 5)


def test_inputs_are_centred_with_the_constants_of_the_recipe():
    inputs = series(2, 6, 3)
    torch.testing.assert_close(rnn(mean=0.5, deviation=2.0)(inputs), rnn()((inputs - 0.5) / 2))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gates_that_start_to_remember_keep_a_state_for_many_steps(cell):
    """Of the gradient more than a thousandth is left after 100 steps; without such gates nothing is."""

    def left(memory: int | None) -> float:
        model = initialise(Rnn, {"features": 3, "classes": 4, "state": 32, "cell": cell, "memory": memory}, 0).double()
        inputs = series(1, 101, 3).requires_grad_()
        (gradient,) = torch.autograd.grad(model.states(inputs)[:, -1].sum(), inputs)
        return float(gradient[0, 0].norm() / gradient[0, -1].norm())

    assert left(None) < 1e-6
    assert left(200) > 1e-3


@pytest.mark.parametrize("options", [{"cell": "elman"}, {"pooling": "first"}])
def test_a_cell_or_pooling_that_there_is_not_is_one_sentence(options):
    with pytest.raises(InputError, match=r"^There is no .+ called '\w+'\. .*Choose one of: .+\.$"):
        rnn(**options)


def test_denormal_numbers_are_zero_within_the_block_alone():
    tiny = torch.full((1,), SMALLEST)
    before = are_flushed()
    with flushed():
        assert are_flushed()
        assert tiny * 1.0 == 0
        with pytest.raises(ZeroDivisionError), flushed():
            1 / 0  # noqa: B018
        assert are_flushed()
    assert are_flushed() is before
