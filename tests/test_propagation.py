"""Rules that travel back along a tape: gradients, DeepLIFT's multipliers and LRP's relevance, against what is exact."""

import itertools
from dataclasses import replace

import captum.attr
import numpy as np
import pytest
import torch
from subjects import SCORE, Convolved, Features, Pixels, subject
from torch import Tensor, nn
from torch.nn import functional

from workbench import operations
from workbench.explanation import explain, method
from workbench.layer_rules import Layer
from workbench.multipliers import multipliers
from workbench.relevance import COMPOSITES, composite, folded, relevances
from workbench.subject import Subject
from workbench.tape import Tape, _attention, record
from zoo.errors import InputError

ACTIVATIONS = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "elu": functional.elu,
    "leaky_relu": functional.leaky_relu,
    "softplus": functional.softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "hardswish": functional.hardswish,
}
MODULES = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def seeded(build, seed: int = 0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


def back(tape: Tape, seed: Tensor) -> Tensor:
    return tape.back(seed, lambda step, messages: step.pulled_back(messages))[0]


class Blocks(nn.Module):
    """Two blocks of convolution, activation and pooling in either order; functions, modules, or one module reused."""

    def __init__(self, activation: str, first: str, pooling: str, style: str, affine: bool = True) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.norm, self.out = nn.BatchNorm2d(6), nn.Linear(6, 2)
        self.norm.running_mean.uniform_(-1, 1)
        self.norm.running_var.uniform_(0.5, 2)
        self.first, self.pooling, self.style, self.activation = first, pooling, style, activation
        self.modules_ = nn.ModuleList([MODULES.get(activation, nn.ReLU)() for _ in range(2)])

    def act(self, x: Tensor, number: int) -> Tensor:
        if self.style == "function":
            return ACTIVATIONS[self.activation](x)
        return self.modules_[0 if self.style == "reused" else number](x)

    def pool(self, x: Tensor) -> Tensor:
        return functional.max_pool2d(x, 2) if self.pooling == "max" else functional.avg_pool2d(x, 2)

    def forward(self, x: Tensor) -> Tensor:
        for number, layer in enumerate((self.a, self.b)):
            x = layer(x)
            x = self.act(self.pool(x), number) if self.first == "pool" else self.pool(self.act(x, number))
        x = self.norm(x)
        return self.out(x.flatten(2).mean(2))


class Residual(nn.Module):
    """Convolutions with batch normalisation and a functional residual sum, without any bias."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.a, self.b = (nn.Conv2d(6, 6, 3, padding=1, bias=False) for _ in range(2))
        self.norm = nn.BatchNorm2d(6)
        self.norm.running_var.uniform_(0.5, 2)
        self.out = nn.Linear(6, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stem(x)))
        x = functional.relu(x + self.b(functional.relu(self.a(x))))
        return self.out(x.amax((2, 3)))


class Recurrent(nn.Module):
    def __init__(self, cell: type, bias: bool = False) -> None:
        super().__init__()
        self.cell, self.out = cell(4, 6, batch_first=True, bias=bias), nn.Linear(6, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.cell(x)[0][:, -1])


class Attention(nn.Module):
    """Scores, softmax and values, a residual sum, layer normalisation and GELU; `bias` adds them everywhere."""

    def __init__(self, bias: bool = False) -> None:
        super().__init__()
        self.heads = nn.MultiheadAttention(4, 2, bias=bias, batch_first=True)
        self.norm = nn.LayerNorm(4, bias=bias)
        self.wide, self.out = nn.Linear(4, 8, bias=bias), nn.Linear(8, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x + self.heads(x, x, x, need_weights=False)[0])
        return self.out(functional.gelu(self.wide(x)).mean(1))


def images(count: int = 4, double: bool = True) -> Tensor:
    drawn = torch.rand(count, 2, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 0.5
    return drawn.double() if double else drawn


def series(count: int = 3) -> Tensor:
    return torch.randn(count, 5, 4, generator=torch.Generator().manual_seed(2)).double()


def difference(network: nn.Module, x: Tensor, reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """DeepLIFT's contributions to logit 1, and what they must add up to."""
    here, there = record(network, x), record(network, reference)
    seed = torch.zeros_like(here.values[here.output])
    seed[:, 1] = 1
    found = multipliers(here, there, seed) * (x - reference)
    return found, found.flatten(1).sum(1), (here.values[here.output] - there.values[there.output])[:, 1]


class TestTape:
    @pytest.mark.parametrize(
        ("build", "x"),
        [
            (lambda: Blocks("gelu", "pool", "max", "function"), images()),
            (Residual, images()),
            (lambda: Recurrent(nn.LSTM, bias=True), series()),
            (lambda: Recurrent(nn.GRU, bias=True), series()),
            (lambda: Recurrent(nn.RNN, bias=True), series()),
            (lambda: Attention(bias=True), series()),
            (lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True), series()),
            (lambda: nn.Sequential(nn.Flatten(), nn.Linear(20, 5), nn.ReLU(inplace=True), nn.Linear(5, 3)), series()),
        ],
    )
    def test_the_gradient_along_it_is_autograds(self, build, x):
        network = seeded(build).double().eval()
        tape = record(network, x)
        leaf = x.clone().requires_grad_()
        logits = network(leaf)
        seed = torch.randn(logits.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        (expected,) = torch.autograd.grad(logits, leaf, seed)
        torch.testing.assert_close(tape.values[tape.output], logits.detach())
        torch.testing.assert_close(back(tape, seed), expected)

    def test_values_are_kept_as_they_were_before_they_were_overwritten(self):
        def overwriting(x: Tensor) -> Tensor:
            y = x * 2
            z = y.exp()
            y.add_(1).mul_(x)
            return (y + z).sum(1, keepdim=True)

        x = series()[:, 0]
        expected = 2 * torch.exp(2 * x) + 4 * x + 1
        torch.testing.assert_close(back(record(overwriting, x), torch.ones(3, 1).double()), expected)

    def test_constants_that_are_overwritten_are_the_values_that_were_read(self):
        """Chunks of a constant that are written to one by one, as recurrent cells do with their gates."""

        def chunks(x: Tensor) -> Tensor:
            first, second = (torch.zeros(1, 4, dtype=x.dtype) + 3).unsafe_chunk(2, 1)
            return first.expand(len(x), 2).clone().mul_(x[:, :2]) + second * x[:, 2:]

        x = series()[:, 0]
        torch.testing.assert_close(back(record(chunks, x), torch.ones(3, 2).double()), torch.full_like(x, 3))

    @pytest.mark.parametrize("through", ["a view of the value", "a part of a constant"])
    def test_what_was_overwritten_through_another_view_is_refused(self, through):
        def network(x: Tensor) -> Tensor:
            if through == "a view of the value":
                y = x * 2
                y[:, 0].mul_(3)
                return y.sum(1)
            buffer = torch.zeros_like(x).detach()
            buffer[:, 0] = x[:, 0]
            return buffer.sum(1) + x.sum(1)

        with pytest.raises(InputError, match="in place while another view of it is in use"):
            record(network, series()[:, 0])

    @pytest.mark.parametrize("rows", [1, 3])
    def test_a_message_is_the_same_in_whatever_order_it_lies_in_memory(self, rows):
        """With one row torch 2.13 takes the wrong numbers for the derivative of batch normalisation."""
        norm = seeded(lambda: Blocks("relu", "pool", "max", "function")).norm.double().eval()
        (step,) = (one for one in record(norm, images()[:rows].repeat(1, 3, 1, 1)).steps if len(one.made) > 1)
        tokens = torch.randn(rows, 64, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        message = tokens.transpose(1, 2).unflatten(2, (8, 8))
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()[:, None, None]
        (found,) = step.pulled_back([message, *[None] * (len(step.made) - 1)]).values()
        torch.testing.assert_close(found, message * scale)

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"scale": 0.3},
            {"is_causal": True},
            {"attn_mask": torch.arange(5) < 3},
            {"attn_mask": torch.linspace(-2, 2, 25).view(5, 5)},
        ],
        ids=["plain", "scale", "causal", "words left out", "added"],
    )
    def test_fused_attention_is_written_out_as_it_was_asked_for(self, given):
        """softmax(s x xᵀ + mask) x of single numbers, in float32, where torch takes its fused kernel."""
        x = series()[:, None].float()
        given = {name: one.expand(5, 5) if isinstance(one, Tensor) else one for name, one in given.items()}
        tape = record(lambda z: functional.scaled_dot_product_attention(z, z, z, **given), x)
        scores = x.double() @ x.double().transpose(-2, -1) * given.get("scale", 4**-0.5)
        mask = given.get("attn_mask", torch.ones(5, 5).tril() > 0 if "is_causal" in given else torch.zeros(5, 5))
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        torch.testing.assert_close(
            tape.values[tape.output].double(), scores.softmax(-1) @ x.double(), atol=1e-5, rtol=0
        )
        assert any(step.name in operations.SOFTMAX for step in tape.steps)

    def test_a_kernel_that_takes_words_left_out_as_such_is_written_out(self):
        """On a GPU torch hands them on as they are; on the CPU it makes numbers of them first."""
        x, kept = series()[:, None], (torch.arange(5) < 3).expand(5, 5)
        kernel = torch.ops.aten._scaled_dot_product_efficient_attention.default
        made = _attention(kernel, (x, x, x, kept), {})[0]
        scores = (x @ x.transpose(-2, -1) / 2)[..., :3]
        torch.testing.assert_close(made, scores.softmax(-1) @ x[:, :, :3])

    def test_what_a_network_writes_does_not_reach_the_points(self):
        x = series()
        with pytest.raises(InputError, match="in place while another view"):
            record(lambda z: z.detach().zero_() + z, x)
        assert torch.equal(x, series())

    def test_what_is_overwritten_through_a_tensor_that_nobody_saw_is_refused(self):
        whole = torch.zeros(3, 5, 4).double()
        part = whole[:1]

        def written(z: Tensor) -> Tensor:
            whole.copy_(z)
            return part + z

        with pytest.raises(InputError, match="in place while another view"):
            record(written, series())

    def test_what_writes_and_has_no_other_spelling_is_named(self):
        chance = torch.Generator()
        with pytest.raises(InputError, match="The network uses normal_, which writes into a tensor"):
            record(lambda z: z.clone().normal_(generator=chance), series())

    def test_places_have_no_derivative_and_what_is_taken_there_has(self):
        def taken(z: Tensor) -> Tensor:
            return z.gather(1, z.max(1, keepdim=True).indices) * z.argsort(1)[:, :1]

        x = series().requires_grad_()
        (expected,) = torch.autograd.grad(taken(x).sum(), x)
        tape = record(taken, x.detach())
        torch.testing.assert_close(back(tape, torch.ones_like(tape.values[tape.output])), expected)

    def test_an_output_without_the_input_is_refused(self):
        with pytest.raises(InputError, match="does not depend on its input"):
            record(lambda x: torch.ones(len(x), 2), series())


class TestDeepLift:
    @pytest.mark.parametrize("reference", [0.0, 0.3])
    @pytest.mark.parametrize(
        ("activation", "first", "pooling", "style"),
        [
            (activation, first, pooling, style)
            for activation, first, pooling in itertools.product(ACTIVATIONS, ("pool", "activation"), ("max", "mean"))
            for style in ("function", "module", "reused")
            if style == "function" or activation in MODULES
        ],
    )
    def test_adds_up_whatever_the_order_of_activation_and_pooling(self, activation, first, pooling, style, reference):
        network = seeded(lambda: Blocks(activation, first, pooling, style)).double().eval()
        x = images()
        _, found, wanted = difference(network, x, torch.full_like(x, reference))
        assert ((found - wanted).abs() <= 1e-5 * wanted.abs()).all(), ((found - wanted) / wanted).abs().max()

    @pytest.mark.parametrize("first", ["pool", "activation"])
    def test_adds_up_in_single_precision_where_captum_does_not(self, first):
        """Captum's hooks keep one gradient where ReLU meets a maximum (captum #1104)."""
        network = seeded(lambda: Blocks("relu", first, "max", "module")).eval()
        of = Subject(network, Pixels())
        samples = of.task.samples("test")
        record_ = explain(of, samples, method("deep_lift", reference_input="mean"), SCORE)
        rounding = 1e-6 * np.maximum(np.abs(record_.f_x), np.abs(record_.f_reference))  # of float32 outputs themselves
        allowed = 1e-5 * np.abs(record_.f_x - record_.f_reference) + rounding
        assert (np.abs(record_.completeness_gap) <= allowed).all()
        theirs = captum.attr.DeepLift(network)
        start = torch.full_like(samples.inputs, 0.5)
        _, gap = theirs.attribute(samples.inputs, start, target=1, return_convergence_delta=True)
        with torch.no_grad():
            wanted = (network(samples.inputs) - network(start))[:, 1]
        assert (gap.abs() / wanted.abs()).median() > 0.05
        _, ours, exact = difference(network.double(), samples.inputs.double(), start.double())
        assert ((ours - exact).abs() <= 1e-9 * exact.abs()).all()

    @pytest.mark.parametrize(
        ("build", "x"),
        [
            (Residual, images()),
            (lambda: Recurrent(nn.LSTM, bias=True), series()),
            (lambda: Recurrent(nn.GRU, bias=True), series()),
            (lambda: Attention(bias=True), series()),
            (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.LogSoftmax(1)), images()),
        ],
    )
    def test_adds_up_through_gates_attention_and_normalisation(self, build, x):
        network = seeded(build).double().eval()
        _, found, wanted = difference(network, x, torch.full_like(x, 0.2))
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
    def test_a_softmax_that_has_made_up_its_mind_keeps_its_multipliers_small(self, scale):
        """exp(x) · (1 / Σ exp(x)) with one shift for both would divide by e^-scale."""
        weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(0)).double() * scale

        def network(x: Tensor) -> Tensor:
            return (x @ weight).softmax(1)

        x = series()[:, 0]
        here, there = record(network, x), record(network, torch.flip(x, (0,)))
        seed = torch.zeros(3, 4).double()
        seed[:, 1] = 1
        found = multipliers(here, there, seed)
        assert found.abs().max() <= weight.abs().max()
        wanted = (here.values[here.output] - there.values[there.output])[:, 1]
        torch.testing.assert_close((found * (x - x.flip(0))).sum(1), wanted, atol=1e-10, rtol=1e-9)

    def test_masked_attention_gives_nothing_to_what_is_masked(self):
        mask = torch.tensor([False, True, False, False])

        def network(x: Tensor) -> Tensor:
            return x.masked_fill(mask, -torch.inf).softmax(1)

        x = series()[:, 0]
        here, there = record(network, x), record(network, torch.zeros_like(x))
        found = multipliers(here, there, torch.eye(4).double()[[0, 2, 3]])
        assert found.isfinite().all()
        assert (found[:, 1] == 0).all()

    def test_a_dense_network_equals_the_quotients_by_hand(self):
        network = seeded(lambda: nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))).double()
        x, start = series()[:, 0], torch.full((3, 4), 0.2).double()
        first, last = network[0], network[2]
        for i, row in enumerate(x):
            z, z_ = (first.weight @ each + first.bias for each in (row, start[i]))
            quotients = [float((torch.tanh(z[j]) - torch.tanh(z_[j])) / (z[j] - z_[j])) for j in range(6)]
            slopes = [
                sum(float(last.weight[1, j] * first.weight[j, k]) * quotients[j] for j in range(6)) for k in range(4)
            ]
            expected = [slopes[k] * float(row[k] - start[i, k]) for k in range(4)]
            found = difference(network, x, start)[0][i]
            np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-12)

    def test_reveal_cancel_shows_both_of_two_causes_that_cancel(self):
        """min(x₀, x₁) = x₀ - relu(x₀ - x₁) from 0: rescale gives all to the lesser, reveal-cancel half to each."""
        weight = torch.tensor([[1.0, -1.0]]).double()

        def network(x: Tensor) -> Tensor:
            low = x[:, :1] - functional.relu(functional.linear(x, weight))
            return torch.cat((0 * low, low), 1)

        x = torch.tensor([[3.0, 2.0], [1.0, 4.0]]).double()
        here, there = record(network, x), record(network, torch.zeros_like(x))
        seed = torch.tensor([[0.0, 1.0]] * 2).double()
        plain, revealed = (multipliers(here, there, seed, reveal) * x for reveal in (False, True))
        torch.testing.assert_close(plain, torch.tensor([[0.0, 2.0], [1.0, 0.0]]).double())
        torch.testing.assert_close(revealed, torch.tensor([[1.0, 1.0], [0.5, 0.5]]).double())

    @pytest.mark.parametrize("reference", [0.0, 0.3])
    @pytest.mark.parametrize("first", ["pool", "activation"])
    def test_reveal_cancel_adds_up(self, first, reference):
        network = seeded(lambda: Blocks("relu", first, "max", "reused")).double().eval()
        x = images()
        here, there = record(network, x), record(network, torch.full_like(x, reference))
        seed = torch.tensor([[0.0, 1.0]] * 4).double()
        plain, revealed = (multipliers(here, there, seed, reveal) * (x - reference) for reveal in (False, True))
        wanted = (here.values[here.output] - there.values[there.output])[:, 1]
        torch.testing.assert_close(revealed.flatten(1).sum(1), wanted, rtol=1e-9, atol=1e-12)
        assert torch.allclose(plain, revealed) == (first == "pool")  # between layer and rectifier lies the maximum

    def test_an_additive_network_gives_each_feature_its_own_term(self):
        def network(x: Tensor) -> Tensor:
            return torch.stack((x[:, 0] * 0, x[:, 0].exp() + torch.sin(x[:, 1]) - x[:, 2] ** 3 + 0 * x[:, 3]), 1)

        x, start = series()[:, 0], torch.full((3, 4), 0.2).double()

        def terms(y: Tensor) -> Tensor:
            return torch.stack((y[:, 0].exp(), torch.sin(y[:, 1]), -(y[:, 2] ** 3), 0 * y[:, 3]), 1)

        torch.testing.assert_close(difference(network, x, start)[0], terms(x) - terms(start))

    @pytest.mark.parametrize(("name", "rule"), [("cumprod", "DeepLIFT"), ("fft", "DeepLIFT")])
    def test_an_operation_without_a_rule_is_named(self, name, rule):
        def network(x: Tensor) -> Tensor:
            return x.cumprod(1) if name == "cumprod" else torch.fft.rfft(x).abs()

        x = series()[:, 0]
        with pytest.raises(InputError, match=f"{rule} has no rule for the operation .*{name}"):
            difference(network, x, torch.zeros_like(x))

    def test_another_path_for_the_reference_is_refused(self):
        def network(x: Tensor) -> Tensor:
            return x * 2 if float(x.sum()) > 0 else x.exp()

        x = series()[:, 0].abs()
        with pytest.raises(InputError, match="takes another path"):
            difference(network, x, -x)


def relevance(network: nn.Module, x: Tensor, rule: str, epsilon: float = 1e-12, attention: bool = True) -> Tensor:
    tape = record(network, x)
    logits = tape.values[tape.output]
    seed = torch.zeros_like(logits)
    seed[:, 1] = logits[:, 1]
    return relevances(tape, seed, composite(rule, epsilon, 0.25, attention), bounds(network, x))


def bounds(network: nn.Module, x: Tensor) -> tuple[Tape, Tape]:
    return tuple(record(network, torch.full_like(x, end)) for end in (-0.5, 1.5))  # type: ignore[return-value]


def logit(network: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return network(x)[:, 1]


class TestLrp:
    @pytest.mark.parametrize("build", [Residual, lambda: Blocks("relu", "pool", "max", "function")])
    def test_epsilon_without_biases_is_input_times_gradient(self, build):
        network = seeded(build).double().eval()
        for module in network.modules():
            if getattr(module, "bias", None) is not None:
                module.bias.data.zero_()
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.zero_()
        x = images().requires_grad_()
        (gradient,) = torch.autograd.grad(network(x)[:, 1].sum(), x)
        found = relevance(network, x.detach(), "epsilon")
        torch.testing.assert_close(found, (x * gradient).detach(), atol=1e-8, rtol=1e-6)

    @pytest.mark.parametrize("rule", COMPOSITES)
    @pytest.mark.parametrize(
        ("build", "x"),
        [
            (Residual, images()),
            (lambda: Recurrent(nn.LSTM), series()),
            (lambda: Recurrent(nn.GRU), series()),
            (lambda: Recurrent(nn.RNN), series()),
            (Attention, series()),
        ],
    )
    def test_relevance_is_conserved_without_biases(self, build, x, rule):
        network = seeded(build).double().eval()
        found = relevance(network, x, rule).flatten(1).sum(1)
        wanted = logit(network, x)
        assert ((found - wanted).abs() <= 1e-4 * wanted.abs()).all(), ((found - wanted) / wanted).abs().max()

    def test_attnlrp_leaves_out_only_what_the_softmaxs_expansion_absorbs(self):
        """Half of a product's relevance goes through the softmax, whose Taylor terms x_i s_i do not add up."""
        network = seeded(Attention).double().eval()
        x = series()
        ours, constant = (relevance(network, x, "epsilon", attention=each) for each in (False, True))
        assert ours.isfinite().all()
        assert not torch.allclose(ours, constant)

    @pytest.mark.parametrize("rule", ["epsilon", "gamma", "epsilon_plus", "epsilon_plus_flat", "alpha2_beta1", "box"])
    def test_each_rule_equals_its_sum_over_single_contributions(self, rule):
        """One convolution as a matrix, with its bias: R_i = Σ_j R_j share_ij, written out in loops' terms."""
        layer = seeded(lambda: nn.Conv2d(2, 3, 3)).double()
        x, name = images(1), {"box": "epsilon_gamma_box"}.get(rule, rule)
        w = torch.autograd.functional.jacobian(lambda one: (layer(one) - layer(0 * one)).flatten(), x)
        w = w.flatten(1).T  # input, output
        b = layer(0 * x).flatten().detach()
        c = x.flatten()[:, None] * w
        relevant = torch.randn(len(b), generator=torch.Generator().manual_seed(5)).double()
        plus, minus = c.clamp(min=0), c.clamp(max=0)
        up, down = b.clamp(min=0), b.clamp(max=0)
        z = c.sum(0) + b
        if rule == "epsilon":
            share = c / z
        elif rule == "gamma":
            raised = (c + 0.25 * plus) / (z + 0.25 * (plus.sum(0) + up))
            lowered = (c + 0.25 * minus) / (z + 0.25 * (minus.sum(0) + down))
            share = torch.where(z >= 0, raised, lowered)
        elif rule == "epsilon_plus":
            share = plus / (plus.sum(0) + up)
        elif rule == "epsilon_plus_flat":
            share = (w != 0).double() / (w != 0).sum(0)
        elif rule == "alpha2_beta1":
            share = 2 * plus / (plus.sum(0) + up) - minus / (minus.sum(0) + down)
        else:
            boxed = c + 0.5 * w.clamp(min=0) - 1.5 * w.clamp(max=0)
            share = boxed / boxed.sum(0)
        tape = record(layer, x)
        seed = relevant.view(tape.values[tape.output].shape)
        found = relevances(tape, seed, composite(name, 0.0, 0.25, False), bounds(layer, x))
        torch.testing.assert_close(found.flatten(), share @ relevant, atol=1e-9, rtol=1e-7)

    @pytest.mark.parametrize("kind", ["convolution", "dense", "transposed", "transposed square", "transposed groups"])
    def test_batch_normalisation_becomes_part_of_the_layer_before_it(self, kind):
        build, x = {
            "dense": (lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), series()[:, 0]),
            "convolution": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)), images()),
            "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(2, 3, 3), nn.BatchNorm2d(3)), images()),
            "transposed square": (lambda: nn.Sequential(nn.ConvTranspose2d(2, 2, 3), nn.BatchNorm2d(2)), images()),
            "transposed groups": (
                lambda: nn.Sequential(nn.ConvTranspose2d(2, 4, 3, groups=2), nn.BatchNorm2d(4)),
                images(),
            ),
        }[kind]
        network = seeded(build).double().eval()
        for tensor in (network[1].weight.data, network[1].bias.data, network[1].running_mean):
            tensor.normal_(generator=torch.Generator().manual_seed(4))
        tape = folded(record(network, x))
        assert [step.name for step in tape.steps if step.name not in ("t", "view")] in (["convolution"], ["addmm"])
        step = next(step for step in tape.steps if Layer.at(step))
        torch.testing.assert_close(step.run({})[0], tape.values[tape.output])

    def test_an_operation_without_a_rule_is_named(self):
        with pytest.raises(InputError, match="LRP has no rule for the operation cumprod"):
            relevance(lambda x: x.cumprod(1), series()[:, 0], "epsilon")  # type: ignore[arg-type]


WEIGHTS = torch.randn(4, 4, generator=torch.Generator().manual_seed(3)).double()
CASES = {
    "roll": (lambda x: x.roll(1, 1), True),
    "cumsum": (lambda x: x.cumsum(1), True),
    "pixel_shuffle": (lambda x: functional.pixel_shuffle(x[None], 1), True),
    "sum of two": (lambda x: x + x.flip(1), True),
    "convolution": (lambda x: functional.conv1d(x[:, None], WEIGHTS[:, None, :2]), True),
    "convolution by itself": (lambda x: functional.conv1d(x[:, None], x[:, None, :2]), False),
    "div by a constant": (lambda x: x / 3, True),
    "div of a constant": (lambda x: 3 / x, False),
    "div by itself": (lambda x: x / x.flip(1), False),
    "addmm": (lambda x: torch.addmm(WEIGHTS[0], x, WEIGHTS), True),
    "addmm of both": (lambda x: torch.addmm(WEIGHTS[0, :3], x, x.T), False),
    "addmm of a sum and a factor": (lambda x: torch.addmm(x, x, WEIGHTS), True),
    "mm": (lambda x: WEIGHTS @ x.T, True),
    "mm of both": (lambda x: x @ x.T, False),
    "mul": (lambda x: x * x.flip(1), False),
    "norm": (lambda x: functional.batch_norm(x, WEIGHTS[0], WEIGHTS[1] ** 2), True),
    "norm in training": (lambda x: functional.batch_norm(x, WEIGHTS[0] * 1, WEIGHTS[1] ** 2, training=True), False),
    "sigmoid": (lambda x: x.sigmoid(), False),
}


class TestOperations:
    @pytest.mark.parametrize("case", CASES)
    def test_linear_is_what_numbers_say(self, case):
        """g(z + a + b) − g(z + a) − g(z + b) + g(z) = 0, all live arguments moved together."""
        function, linear = CASES[case]
        tape = record(function, 1 + series()[:, 0].abs())
        chance, said = torch.Generator().manual_seed(4), []
        for step in tape.steps:
            a, b = ({i: torch.rand(z.shape, generator=chance).double() for i, z in step.inputs.items()} for _ in "ab")
            moved = [{i: z + p * a[i] + q * b[i] for i, z in step.inputs.items()} for p in (0, 1) for q in (0, 1)]
            none, second, first, both = (step.run(inputs)[0] for inputs in moved)
            said.append(operations.is_linear(step))
            assert said[-1] == bool((both - first - second + none).abs().max() < 1e-9), step.name
        assert all(said) == linear

    def test_gates_are_what_comes_from_a_sigmoid_alone(self):
        """σ, 1 − σ and their half open and close; a layer's product of it, and a sum with the input, are values."""
        x = series()[:, 0]
        for function, scales in (
            (lambda x: x.sigmoid(), True),
            (lambda x: (1 - x.sigmoid()) / 2, True),
            (lambda x: (x * x + 1).rsqrt(), True),
            (lambda x: x.sigmoid() @ WEIGHTS, False),
            (lambda x: x.sigmoid() + x, False),
            (lambda x: x / 2, False),
        ):
            tape = record(function, x)
            assert (tape.output in operations.scaling(tape)) == scales


class TestRectified:
    @pytest.mark.parametrize("name", ["guided_backpropagation", "deconvolution"])
    def test_functions_are_rectified_like_modules(self, name):
        """With hooks on modules a functional ReLU is silently the plain gradient."""
        networks = [
            seeded(lambda style=style: Blocks("relu", "pool", "max", style)) for style in ("function", "module")
        ]
        networks[1].load_state_dict(networks[0].state_dict())
        of = [Subject(network, Pixels()) for network in networks]
        samples = of[0].task.samples("test")
        ours, theirs, plain = (
            explain(one, samples, method(each), SCORE).values
            for one, each in ((of[0], name), (of[1], name), (of[0], "gradient"))
        )
        np.testing.assert_array_equal(ours, theirs)
        assert np.abs(ours - plain).max() > 0.01

    @pytest.mark.parametrize("name", ["guided_backpropagation", "deconvolution"])
    @pytest.mark.parametrize(
        "spelt",
        [functional.relu6, lambda z: z.clamp(min=0), lambda z: z.clamp_min(0), lambda z: z.maximum(torch.zeros(()))],
        ids=["relu6", "clamp", "clamp_min", "maximum"],
    )
    def test_every_spelling_of_a_rectifier_is_one(self, name, spelt):
        class Spelt(nn.Module):
            def __init__(self, rectified):
                super().__init__()
                self.inner, self.head, self.rectified = nn.Linear(4, 8), nn.Linear(8, 2), rectified

            def forward(self, x: Tensor) -> Tensor:
                return self.head(self.rectified(self.inner(x)))

        plain, other = (Subject(seeded(lambda act=act: Spelt(act)), Features()) for act in (functional.relu, spelt))
        samples = plain.task.samples("test")
        found, expected = (explain(of, samples, method(name), SCORE).values for of in (other, plain))
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert np.abs(found - explain(plain, samples, method("gradient"), SCORE).values).max() > 0.01

    def test_what_saturates_on_both_sides_is_no_rectifier(self):
        tape = record(lambda x: functional.hardtanh(x).clamp(max=1).clamp(-1, 1).maximum(torch.ones(())), series())
        assert not [step.name for step in tape.steps if operations.rectifies(step)]

    @pytest.mark.parametrize("name", ["guided_backpropagation", "deconvolution"])
    def test_equals_captum_on_modules(self, name):
        network = seeded(lambda: Blocks("relu", "pool", "max", "module")).eval()
        of = Subject(network, Pixels())
        samples = of.task.samples("test")
        their = {"guided_backpropagation": captum.attr.GuidedBackprop, "deconvolution": captum.attr.Deconvolution}[name]
        theirs = their(network).attribute(samples.inputs.clone().requires_grad_(), target=1).detach().numpy()
        np.testing.assert_allclose(explain(of, samples, method(name), SCORE).values, theirs, atol=1e-5)

    def test_on_paper(self):
        """f = relu(x₀ - x₁) - relu(x₀): the second rectifier gets a negative gradient, which does not pass."""

        class Two(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                score = functional.relu(x[:, 0] - x[:, 1]) - functional.relu(x[:, 0])
                return torch.stack((0 * score, score), 1)

        of = Subject(Two(), Features())
        x = of.task.samples("test")
        x = replace(x, inputs=torch.tensor([[2.0, 1.0, 0, 0], [1.0, 2.0, 0, 0]]).repeat(6, 1))
        guided = explain(of, x, method("guided_backpropagation"), SCORE).values
        reverse = explain(of, x, method("deconvolution"), SCORE).values
        np.testing.assert_allclose(guided[:2], [[1, -1, 0, 0], [0, 0, 0, 0]], atol=1e-6)
        np.testing.assert_allclose(reverse[:2], [[1, -1, 0, 0], [1, -1, 0, 0]], atol=1e-6)


@pytest.mark.parametrize("name", ["deep_lift", "lrp", "guided_backpropagation", "deconvolution"])
def test_interrupted_explanations_leave_the_switches_of_torch_as_they_were(name, monkeypatch):
    from workbench import query as door

    before = torch._C._get_mkldnn_enabled()
    of = subject(Convolved)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(door, "record", interrupt)
    with pytest.raises(KeyboardInterrupt):
        explain(of, of.task.samples("test"), method(name), SCORE)
    assert torch._C._get_mkldnn_enabled() == before
