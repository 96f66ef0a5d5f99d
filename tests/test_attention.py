"""Attention read off the tape: weights, rollout, flow and gradients, against loops in float64 and numbers on paper."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from subjects import SCORE, Attended, Bag, Negation, OneHotBag, subject
from torch import Tensor, nn
from torch.nn import functional

from workbench.attention import _by_head, _readout, attention_weights, averaged, over_input
from workbench.explanation import explain, method
from workbench.methods.attention_flow import _flows
from workbench.query import Query
from workbench.subject import Subject, load
from workbench.tape import record
from zoo.errors import InputError
from zoo.model import Capability, TokenNetwork

NAMES = ("attention", "attention_rollout", "attention_flow", "gradient_x_attention")


class Twice(Attended):
    """Two layers of one head each over one-hot embeddings, read from a class token or as a mean over all tokens."""

    class_token = False

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Parameter(torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(3)))

    def attends(self, x: Tensor, layer: int, mask: Tensor) -> Tensor:
        scores = x @ self.layers[layer] @ x.transpose(1, 2)
        return scores.masked_fill(~mask[:, None], -torch.inf).softmax(2)

    def start(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        if not self.class_token:
            return embedded, mask
        first = torch.ones_like(embedded[:, :1]) / 8
        return torch.cat((first, embedded), 1), torch.cat((torch.ones_like(mask[:, :1]), mask), 1)

    def from_embedding(self, embedded: Tensor, mask: Tensor) -> Tensor:
        x, mask = self.start(embedded, mask)
        for layer in range(2):
            x = x + self.attends(x, layer, mask) @ x
        score = x[:, 0] @ self.weight if self.class_token else ((x @ self.weight) * mask).sum(1) / mask.sum(1)
        return torch.stack((torch.zeros_like(score), score), -1)


class WithClassToken(Twice):
    class_token = True


def by_hand(network: Twice, ids: Tensor, name: str) -> Tensor:
    """One sample, without padding, written out."""
    x, mask = network.start(network.embed(ids[None]).double(), ids[None] > 0)
    weights, gradients = [], []
    for layer in range(2):
        weights.append(network.attends(x, layer, mask)[0])
        x = x + weights[-1] @ x
    score = x[0, 0] @ network.weight if network.class_token else (x[0] @ network.weight).mean()
    gradients = torch.autograd.grad(score, weights)
    size = len(weights[0])
    one = torch.eye(size).double()
    if name == "attention":
        rolled = weights[1]
    elif name == "attention_rollout":
        rolled = (weights[1] + one) / 2 @ ((weights[0] + one) / 2)
    else:
        rolled = one
        for weight, gradient in zip(weights, gradients, strict=True):
            rolled = rolled + (weight * gradient).clamp(min=0) @ rolled
        rolled = rolled - one
    return rolled[0, 1:] if network.class_token else rolled.mean(0)


@pytest.mark.parametrize("name", ["attention", "attention_rollout", "gradient_x_attention"])
@pytest.mark.parametrize("kind", [Twice, WithClassToken])
def test_equals_the_products_of_matrices_by_hand(kind, name):
    network = kind().double()
    of = Subject(network, Bag())
    samples = of.task.samples("test")
    found = explain(of, samples, method(name), SCORE).values
    for i, ids in enumerate(samples.inputs):
        expected = by_hand(network, ids[ids > 0], name).detach()
        np.testing.assert_allclose(found[i, : len(expected)], expected, atol=1e-6)
        assert (found[i, len(expected) :] == 0).all()


@pytest.mark.parametrize("fused", [True, False])
def test_weights_are_found_in_fused_and_in_written_out_attention(fused):
    x = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)).double()

    def network(x: Tensor) -> Tensor:
        gate = x.softmax(2)  # a softmax that is no attention
        if fused:
            return functional.scaled_dot_product_attention(x, x, x, is_causal=True) * gate
        scores = (x @ x.transpose(1, 2) / 2).masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf)
        return (scores.softmax(2) @ x) * gate

    tape = record(network, x)
    (number,) = attention_weights(tape)
    scores = (x @ x.transpose(1, 2) / 2).masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf)
    torch.testing.assert_close(tape.values[number], scores.softmax(2))


def test_flow_on_paper():
    """Two layers: a pipe can carry no more than its narrowest part, and two ways add up."""
    first = np.array([[1.0, 0.0], [0.0, 1.0]])
    crossed = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert _flows(np.array([0.5, 0.5]), [first]) == [0.5, 0.5]
    assert _flows(np.array([1.0, 0.0]), [crossed]) == [0.5, 0.5]
    assert _flows(np.array([0.5, 0.5]), [crossed]) == [0.75, 1.0]
    assert _flows(np.array([1.0, 0.0]), [crossed, crossed]) == [0.75, 1.0]


def test_only_gradients_ask_for_the_class():
    of = subject(Attended)
    samples = of.task.samples("test")
    other = replace(SCORE, of=0)
    for name in NAMES:
        one, two = (explain(of, samples, method(name), target).values for target in (SCORE, other))
        assert np.array_equal(one, two) == (name != "gradient_x_attention")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("model", ["vit_digits", "attention_only_induction", "decoder_modadd"])
def test_models_of_the_zoo_with_class_tokens_patches_and_one_place_to_answer(model, name):
    of = load(model)
    samples = of.task.samples(of.task.scored).take(range(3))
    values = explain(of, samples, method(name)).values
    assert values.shape == tuple(samples.inputs.shape)
    assert (values >= 0).all()
    assert (values.reshape(3, -1).max(1) > 0).all()


def test_a_network_that_declares_attention_and_has_none_is_refused():
    class Claims(OneHotBag):
        capabilities = Attended.capabilities

    with pytest.raises(InputError, match="No attention weights were found in Claims"):
        explain(subject(Claims), Bag().samples("test"), method("attention"), SCORE)
    assert Capability.ATTENTION not in subject(Negation).capabilities
    assert issubclass(Claims, TokenNetwork)


@pytest.mark.parametrize(("given", "match"), [({"layer": 5}, "no layer 5"), ({"head": 7}, "no head 7")])
def test_a_layer_or_head_that_is_not_there_is_refused(given, match):
    with pytest.raises(InputError, match=match):
        explain(subject(Attended), Bag().samples("test"), method("attention", **given), SCORE)


def drawn(*shape: int) -> Tensor:
    """Attention weights of made-up numbers."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).softmax(-1)


def test_one_layer_one_head_and_the_place_that_the_last_layer_answers_for():
    layers, readout = [drawn(2, 3, 4, 4), drawn(2, 3, 4, 4) ** 2], torch.eye(4)[[2, 2]]
    torch.testing.assert_close(method("attention", layer=0, head=1).looked_at(layers, [], readout), layers[0][:, 1, 2])
    torch.testing.assert_close(method("attention").looked_at(layers, [], readout), layers[1].mean(1)[:, 2])
    last = [layers[0], drawn(2, 3, 1, 4)]
    found = method("attention", layer=0).looked_at(last, [], torch.ones(2, 1))
    torch.testing.assert_close(found, layers[0].mean(1)[:, -1])


def test_flow_goes_from_the_last_layer_to_the_first_of_each_sample():
    layers = [drawn(2, 3, 4, 4), drawn(2, 3, 4, 4).flip(0) ** 2]
    readout = torch.eye(4)[[1, 3]]
    found = method("attention_flow").looked_at(layers, [], readout)
    for row in range(2):
        pipes = [averaged(layer)[row].double().numpy() for layer in layers[::-1]]
        np.testing.assert_allclose(found[row], _flows(readout[row].double().numpy(), pipes), atol=1e-5)
    assert not torch.allclose(found[0], found[1])


def test_the_residual_path_of_one_place_leads_to_the_last_that_it_may_look_at():
    weights = torch.tensor([[[[0.5, 0.25, 0.25, 0.0]]]])
    torch.testing.assert_close(averaged(weights), torch.tensor([[[0.25, 0.125, 0.625, 0.0]]]))


def test_heads_of_a_sample_stay_with_it():
    assert _by_head(torch.arange(6.0).view(6, 1, 1), 2).flatten(1).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_weights_that_are_used_twice_count_once_and_those_that_meet_a_constant_not():
    x = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)).double()
    scores = x @ x.transpose(1, 2)

    def twice(x: Tensor) -> Tensor:
        weights = (x @ x.transpose(1, 2)).softmax(2)
        return weights @ x + weights @ (2 * x)

    assert len(attention_weights(record(twice, x))) == 1
    assert attention_weights(record(lambda x: x.softmax(2) @ scores[:, :4], x)) == []


def test_a_class_token_is_read_and_not_shown_and_padding_gets_nothing():
    of = load("vit_digits")  # 16 tokens of its own
    samples = of.task.samples(of.task.scored).take(range(2))
    query, rows = Query(of, samples, samples.labels, SCORE.output), torch.arange(2)
    assert _readout(query, [drawn(2, 3, 17, 17)], rows).tolist() == [[1.0] + [0.0] * 16] * 2
    assert _readout(query, [drawn(2, 3, 16, 16)], rows).tolist() == [[1 / 16] * 16] * 2
    values = torch.ones(2, 17)
    values[:, 0] = 100
    torch.testing.assert_close(over_input(query, values), torch.ones_like(query.points))
    of = subject(Attended)
    samples = of.task.samples("test")
    words = Query(of, samples, samples.labels, SCORE.output)
    assert torch.equal(over_input(words, torch.ones(samples.inputs.shape)) > 0, samples.inputs > 0)


def test_a_backward_pass_is_counted_where_one_is_made():
    of = subject(Attended)
    samples = of.task.samples("test")
    passes = [explain(of, samples, method(name), SCORE).backward_passes for name in NAMES]
    assert passes == [0, 0, 0, len(samples)]
