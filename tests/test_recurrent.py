"""Recurrent networks and others over series: each cell does its sum, and training is not slowed by tiny gradients."""

import pytest
import torch

from zoo.denormals import SMALLEST, are_flushed, flushed
from zoo.errors import InputError
from zoo.model import initialise
from zoo.models.cnn1d import Cnn1d
from zoo.models.rnn import CELLS, Rnn
from zoo.models.seq2seq import Seq2seq
from zoo.models.series_transformer import SeriesTransformer


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


def test_a_stride_reads_several_steps_as_one():
    inputs = series(2, 8, 3)
    strided, plain = rnn(stride=4), rnn(features=12)
    torch.testing.assert_close(strided(inputs), plain(inputs.reshape(2, 2, 12)))


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


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("decoder", [False, True])
def test_a_sequence_network_answers_at_its_last_steps(cell, decoder):
    options = {"features": 3, "classes": 4, "outputs": 5, "state": 6, "cell": cell, "decoder": decoder}
    model = initialise(Seq2seq, options, 0).double().eval()
    inputs = series(2, 9, 3)
    steps = model.steps(inputs)
    assert steps.shape == (2, 5, 4)
    torch.testing.assert_close(model(inputs), steps[:, -1])
    states, state = model.recurrent(inputs)
    if not decoder:
        torch.testing.assert_close(steps, model.classify(states[:, -5:]))
        return
    given = model.start.expand(2, 1, 4)  # by hand: what was answered is read again
    for step in steps.unbind(1):
        states, state = model.decoder(given, state)
        torch.testing.assert_close(model.classify(states[:, 0]), step)
        given = step.softmax(1)[:, None]


def test_a_convolution_over_time_joins_steps_that_lie_apart():
    """With one layer of windows of three steps, gap 1, after the first convolution: five steps reach the middle."""
    model = initialise(Cnn1d, {"features": 2, "classes": 3, "width": 4, "layers": 2}, 0).double().eval()
    inputs = series(1, 21, 2).requires_grad_()
    x = model.read(inputs.transpose(1, 2))
    for layer in model.layers:
        x = x + layer(x)
    (gradient,) = torch.autograd.grad(x[0, :, 10].sum(), inputs)
    reached = gradient[0].abs().sum(1).nonzero()[:, 0].tolist()
    assert reached[0] >= 10 - 4
    assert reached[-1] <= 10 + 4
    assert len(reached) > 5
    pooled = torch.cat((x.mean(2), x.amax(2)), dim=1)
    torch.testing.assert_close(model(inputs), model.classify(pooled))


def test_a_transformer_knows_when_something_was_and_reads_strides():
    options = {"features": 3, "classes": 4, "steps": 8, "hidden": 8, "inner": 8}
    model = initialise(SeriesTransformer, options, 0).double().eval()
    inputs = series(2, 8, 3)
    assert (model(inputs) - model(inputs.flip(1))).abs().max() > 1e-4
    strided = initialise(SeriesTransformer, {**options, "stride": 2}, 0)
    assert strided.position.shape == (4, 8)
    images = initialise(SeriesTransformer, {**options, "rows": True}, 0).double().eval()
    torch.testing.assert_close(images(inputs[:, None]), model(inputs))
