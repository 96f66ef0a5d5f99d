"""Every method against what is known on paper, against slow oracles, and against Captum as a peer."""

import broken
import captum.attr
import checks
import numpy as np
import oracles
import pytest
import subjects
import torch
from subjects import IMAGES, SCORE, TABLES, TEXTS, Additive, Convolved, Dense, Maximum, at, query, subject

import workbench
from workbench.coalitions import coalitions, shapley_regression
from workbench.explanation import Claim, explain, method, methods
from workbench.reference_inputs import reference_inputs

EXACT = {"rtol": 1e-4, "atol": 2e-6}
ON_PAPER = [
    # network, point, method, attributions of the first features from the zero reference
    ("Linear", (1.0, 0.5, 2.0), "gradient", (2, 2, -3)),
    ("Linear", (1.0, 0.5, 2.0), "input_x_gradient", (2, 1, -6)),
    ("Linear", (1.0, 0.5, 2.0), "integrated_gradients", (2, 1, -6)),
    ("Linear", (1.0, 0.5, 2.0), "occlusion", (2, 1, -6)),
    ("Linear", (1.0, 0.5, 2.0), "kernel_shap", (2, 1, -6)),
    ("Product", (3.0, 2.0), "gradient", (2, 3)),
    ("Product", (3.0, 2.0), "input_x_gradient", (6, 6)),
    ("Product", (3.0, 2.0), "integrated_gradients", (3, 3)),
    ("Product", (3.0, 2.0), "occlusion", (6, 6)),
    ("Product", (3.0, 2.0), "kernel_shap", (3, 3)),
    ("Maximum", (3.0, 2.0), "gradient", (1, 0)),
    ("Maximum", (3.0, 2.0), "integrated_gradients", (3, 0)),
    ("Maximum", (3.0, 2.0), "occlusion", (1, 0)),
    ("Maximum", (3.0, 2.0), "kernel_shap", (2, 1)),
    ("Saturated", (2.0, 0.0), "gradient", (0, 0)),
    ("Saturated", (2.0, 0.0), "input_x_gradient", (0, 0)),
    ("Saturated", (2.0, 0.0), "integrated_gradients", (1, 0)),
    ("Saturated", (2.0, 0.0), "occlusion", (1, 0)),
    ("Saturated", (2.0, 0.0), "kernel_shap", (1, 0)),
    ("Xor", (1.0, 1.0), "gradient", (-1, -1)),
    ("Xor", (1.0, 1.0), "integrated_gradients", (0, 0)),
    ("Xor", (1.0, 1.0), "occlusion", (-1, -1)),
    ("Xor", (1.0, 1.0), "kernel_shap", (0, 0)),
]


@pytest.mark.parametrize(("network", "point", "name", "expected"), ON_PAPER)
def test_attributions_known_on_paper(network, point, name, expected):
    record = explain(subject(getattr(subjects, network)), at(point), method(name), SCORE)
    tolerance = 0.005 * max(1.0, float(np.abs(expected).max())) if name == "integrated_gradients" else 1e-5
    np.testing.assert_allclose(record.values[0, : len(expected)], expected, atol=tolerance)
    assert record.values[0, 3] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["integrated_gradients", "occlusion", "kernel_shap"])
def test_additive_model_gives_each_feature_its_own_term(name):
    samples = subjects.Features().samples("test")
    x = samples.inputs.numpy()
    fine = {"n_steps": 1024} if name == "integrated_gradients" else {}
    record = explain(subject(Additive), samples, method(name, **fine), SCORE)
    expected = np.stack((np.sin(x[:, 0]), np.sin(x[:, 1]), x[:, 2] ** 3, 0 * x[:, 3]), 1)
    np.testing.assert_allclose(record.values, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["integrated_gradients", "input_x_gradient", "occlusion", "kernel_shap"])
def test_one_hot_bag_gives_each_token_its_weight(name):
    of = subject(subjects.OneHotBag)
    samples = of.task.samples("test")
    record = explain(of, samples, method(name, **({"unit": "token"} if name == "occlusion" else {})), SCORE)
    weights = np.array(subjects.OneHotBag.weights)[samples.inputs.numpy()]
    if name == "kernel_shap":  # the word's value, shared by its tokens
        groups = of.task.groups(samples.inputs)
        per_word = torch.zeros(4, 6).scatter_add_(1, groups.clamp(min=0), torch.tensor(weights).float())
        shares = [oracles.shared(per_word[i].double(), groups[i]) for i in range(4)]
        weights = torch.stack(shares).numpy()
    np.testing.assert_allclose(record.values, weights, atol=1e-6)


@pytest.mark.parametrize("network", [*TABLES, *IMAGES])
def test_gradient_and_input_x_gradient_equal_the_oracle(network):
    of = subject(network)
    samples = of.task.samples("test")
    f = oracles.scalar(of.network)
    expected = torch.stack([oracles.gradient(f, x) for x in samples.inputs]).numpy()
    np.testing.assert_allclose(explain(of, samples, method("gradient"), SCORE).values, expected, **EXACT)
    times_input = explain(of, samples, method("input_x_gradient"), SCORE).values
    np.testing.assert_allclose(times_input, expected * samples.inputs.numpy(), **EXACT)


def test_gradient_of_text_is_the_norm_over_the_embedding():
    of = subject(subjects.Negation)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    assert record.steps == ("norm over hidden",)
    for i, ids in enumerate(samples.inputs):
        f = oracles.scalar(of.network, mask=ids != 0)
        expected = oracles.gradient(f, of.network.embed(ids[None])[0]).norm(dim=-1)
        np.testing.assert_allclose(record.values[i], expected.numpy(), **EXACT)


@pytest.mark.parametrize("network", [Dense, Convolved, Maximum])
def test_integrated_gradients_equal_the_exact_integral_over_kinks(network):
    of = subject(network)
    samples = of.task.samples("test").take(range(1 if network is Convolved else 3))
    f = oracles.scalar(of.network)
    zero = torch.zeros_like(samples.inputs[0])
    expected = torch.stack([oracles.integrated_gradients_with_kinks(f, x, zero) for x in samples.inputs]).numpy()
    record = explain(of, samples, method("integrated_gradients", tolerance=1e-4, max_steps=16384), SCORE)
    np.testing.assert_allclose(record.values, expected, atol=2e-3 * np.abs(expected).max())


def test_integrated_gradients_of_text_equal_a_dense_sum_between_embeddings():
    of = subject(subjects.Negation)
    samples = of.task.samples("test")
    record = explain(of, samples, method("integrated_gradients", n_steps=64), SCORE)
    reference = reference_inputs(query(of, samples))
    for i, ids in enumerate(samples.inputs):
        f = oracles.scalar(of.network, mask=ids != 0)
        ends = of.network.embed(ids[None])[0], of.network.embed(reference[i][None])[0]
        expected = oracles.integrated_gradients(f, *ends, steps=2000).sum(-1)
        np.testing.assert_allclose(record.values[i], expected.numpy(), atol=2e-3)


@pytest.mark.parametrize("network", [*TABLES, *IMAGES, *TEXTS])
def test_kernel_shap_equals_exact_shapley_values(network):
    of = subject(network)
    samples = of.task.samples("test").take(range(3))
    assert_shapley(of, samples, n_samples=1024, tolerance=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_kernel_shap_of_ten_players_equals_exact_shapley_values(seed):
    chance = torch.Generator().manual_seed(seed)
    outcome = torch.randn(2**10, generator=chance, dtype=torch.float64)
    design = coalitions(10, 1022, seed)
    number = 2 ** torch.arange(10)
    gains = outcome[(design.present * number).sum(1)] - outcome[0]
    fast = shapley_regression(design, gains[None], (outcome[-1] - outcome[0])[None])[0]
    slow = oracles.shapley(
        lambda x: outcome[(x * number).sum()], torch.ones(10).long(), torch.zeros(10).long(), torch.arange(10)
    )
    assert len(design.present) == 1022
    torch.testing.assert_close(fast, slow, atol=1e-9, rtol=0)


def assert_shapley(of, samples, n_samples, tolerance):
    record = explain(of, samples, method("kernel_shap", n_samples=n_samples), SCORE)
    f = oracles.scalar(of.network)
    reference, groups = reference_inputs(query(of, samples)), of.task.groups(samples.inputs)
    for i, x in enumerate(samples.inputs):
        expected = oracles.shared(oracles.shapley(f, x, reference[i], groups[i]), groups[i])
        np.testing.assert_allclose(
            record.values[i], expected.numpy(), atol=tolerance * max(1, float(expected.abs().max()))
        )


def drawn_shapley(order, budget, seed=0):
    """Eighteen players of which every `order` in a row multiply, so each gets that share of its product."""
    x = torch.rand(18, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5

    def game(present):
        return (present.double() * x).unflatten(-1, (-1, order)).prod(-1).sum(-1)

    design = coalitions(18, budget, seed)
    assert len(design.present) <= budget
    found = shapley_regression(design, game(design.present)[None], game(torch.ones(18))[None])[0]
    assert float(found.sum()) == pytest.approx(float(game(torch.ones(18))), abs=1e-9)
    expected = (x.view(-1, order).prod(1) / order).repeat_interleave(order)
    return float((found - expected).norm() / expected.norm())


def test_fewer_coalitions_still_sum_exactly_and_come_near():
    errors = [drawn_shapley(3, budget) for budget in (40, 400, 4000, 40_000)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.02


def test_complementary_pairs_make_interactions_of_two_exact():
    """A known property of paired sampling: odd and even parts of the game do not mix."""
    assert drawn_shapley(2, 40) < 1e-12


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (2, 1), (3, 2), (4, 3), (6, 6), (5, 4)])
@pytest.mark.parametrize("reference", ["zero", "mean", "blur", "noise"])
def test_occlusion_equals_the_sliding_loop(window, stride, reference):
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(2))
    record = explain(of, samples, method("occlusion", window=window, stride=stride, reference_input=reference), SCORE)
    f = oracles.scalar(of.network)
    stand_in = reference_inputs(query(of, samples), reference)
    for i, x in enumerate(samples.inputs):
        expected = oracles.occlusion_by_window(f, x, stand_in[i], window, stride)
        np.testing.assert_allclose(record.values[i], expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("network", [Dense, subjects.Negation])
def test_occlusion_of_features_and_words_equals_the_loop(network):
    of = subject(network)
    samples = of.task.samples("test")
    record = explain(of, samples, method("occlusion"), SCORE)
    f = oracles.scalar(of.network)
    reference, groups = reference_inputs(query(of, samples)), of.task.groups(samples.inputs)
    for i, x in enumerate(samples.inputs):
        expected = oracles.occlusion_by_group(f, x, reference[i], groups[i])
        np.testing.assert_allclose(record.values[i], expected.numpy(), atol=1e-5)


class TestAgainstCaptum:
    """Captum is a peer, not the truth; where both stand on the same definition they must agree."""

    @pytest.fixture
    def case(self):
        of = subject(Convolved)
        return of, of.task.samples("test")

    def test_gradient(self, case):
        of, samples = case
        theirs = captum.attr.Saliency(of.network).attribute(samples.inputs.clone().requires_grad_(), 1, abs=False)
        np.testing.assert_allclose(explain(of, samples, method("gradient"), SCORE).values, theirs.numpy(), **EXACT)

    def test_input_x_gradient(self, case):
        of, samples = case
        theirs = captum.attr.InputXGradient(of.network).attribute(samples.inputs.clone().requires_grad_(), 1)
        ours = explain(of, samples, method("input_x_gradient"), SCORE).values
        np.testing.assert_allclose(ours, theirs.detach().numpy(), **EXACT)

    def test_integrated_gradients(self, case):
        of, samples = case
        their = captum.attr.IntegratedGradients(of.network)
        theirs = their.attribute(samples.inputs, target=1, n_steps=32, method="riemann_middle")
        ours = explain(of, samples, method("integrated_gradients", n_steps=32, max_steps=32), SCORE).values
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-5)

    @pytest.mark.parametrize(("window", "stride"), [(2, 1), (3, 2), (4, 3)])
    def test_occlusion(self, case, window, stride):
        of, samples = case
        theirs = captum.attr.Occlusion(of.network).attribute(
            samples.inputs, (2, window, window), (2, stride, stride), target=1
        )
        ours = explain(of, samples, method("occlusion", window=window, stride=stride), SCORE).values
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)

    def test_occlusion_of_tokens(self):
        of = subject(subjects.Negation)
        samples = of.task.samples("test").take([2])
        theirs = captum.attr.FeatureAblation(of.network).attribute(samples.inputs, baselines=1, target=1)
        ours = explain(of, samples, method("occlusion", unit="token"), SCORE).values
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


CLAIMED = [(name, claim) for name, kind in methods().items() for claim in sorted(kind.claims)]


@pytest.mark.parametrize(("name", "claim"), CLAIMED)
def test_method_keeps_what_it_claims(name, claim):
    checks.CLAIMS[claim](method(name))


@pytest.mark.parametrize("claim", sorted(checks.CLAIMS))
def test_check_rejects_a_wrong_method(claim):
    with pytest.raises(AssertionError):
        checks.CLAIMS[claim](broken.METHODS[claim])


def test_every_claim_has_a_check_and_a_broken_method():
    assert set(checks.CLAIMS) == set(broken.METHODS) == set(Claim)


def assert_small_gaps(name: str, samples_of) -> None:
    of = workbench.load(name)
    samples = samples_of(of.task)
    record = explain(of, samples, method("integrated_gradients"))
    worst = int(record.relative_gap.argmax())
    assert record.relative_gap.max() < 0.01, (samples.ids[worst], record.relative_gap[worst])


def test_integrated_gradients_add_up_on_every_digit():
    assert_small_gaps("cnn_digits", lambda task: task.samples("test"))


def test_integrated_gradients_add_up_on_shapes():
    assert_small_gaps("cnn_shapes", lambda task: task.select("0:64"))


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["gru_sst2", "transformer_sst2"])
def test_integrated_gradients_add_up_on_sentences(name):
    assert_small_gaps(name, lambda task: task.select("0:200"))
