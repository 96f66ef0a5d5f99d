"""The promises of metrics that remove features, foretell their effects or ask a method again; beside `checks.py`.

What is expected is computed in loops in float64, or known on paper. `broken_promises.py` holds a wrong metric for each.
"""

import copy
from dataclasses import replace
from math import ceil
from unittest import mock

import broken
import checks
import numpy as np
import torch
from checks import with_values
from scipy.stats import spearmanr
from subjects import (
    SCORE,
    Additive,
    Convolved,
    Corner,
    Dense,
    Features,
    Linear,
    Negation,
    Sides,
    Slopes,
    query,
    subject,
)
from torch import Tensor, nn

from workbench.explanation import Claim, explain, method
from workbench.methods.random import Random
from workbench.records import Attribution
from workbench.reference_inputs import reference_inputs
from workbench.scoring import AbstractMetric
from workbench.subject import Subject
from workbench.twin import permuted
from zoo.errors import InputError
from zoo.task import Samples


class Rows:
    """One sample of a subject, its features written out by hand, and what a network in float64 says without some."""

    def __init__(self, of: Subject, samples: Samples, record: Attribution, index: int) -> None:
        self.task, self.x = of.task, samples.inputs[index]
        self.network = copy.deepcopy(of.network).double().eval().requires_grad_(False)
        self.place, self.index = int(record.classes[index]), index
        self.values = torch.tensor(record.values[index]).double()
        self.features = self.coarse = self._features(samples, index)
        if self.task.kind == "image":
            corners = [(y, z) for y in range(0, 6, 2) for z in range(0, 6, 2)]
            self.coarse = [(slice(None), slice(y, y + 2), slice(z, z + 2)) for y, z in corners]

    def _features(self, samples: Samples, index: int) -> list:
        if self.task.kind == "image":
            return [(slice(None), y, z) for y in range(self.x.shape[1]) for z in range(self.x.shape[2])]
        if self.task.kind == "text":
            words = samples.words[index]
            return [[i for i, w in enumerate(words) if w == word] for word in range(max(words) + 1)]
        return [[i] for i in range(len(self.x))]

    def ranked(self, features: list, worth) -> list:
        """The features, the one of most worth first."""
        return sorted(features, key=lambda feature: -float(worth(self.values[feature])))

    def without(self, removed: list, reference: Tensor | None = None) -> Tensor:
        """The input in which these features show the reference (nothing; of text [MASK])."""
        absent = torch.full_like(self.x, 1 if self.task.kind == "text" else 0) if reference is None else reference
        changed = self.x.clone()
        for feature in removed:
            changed[feature] = absent[feature]
        return changed

    def logit(self, inputs: Tensor) -> float:
        return float(self._logits(inputs)[self.place])

    def probability(self, inputs: Tensor) -> float:
        return float(self._logits(inputs).softmax(-1)[self.place])

    def _logits(self, inputs: Tensor) -> Tensor:
        return self.network(inputs[None] if self.task.kind == "text" else inputs[None].double())[0]


def first(features: list, share: float) -> list:
    """The first share of them, rounded up."""
    return features[: max(1, ceil(len(features) * share - 1e-9))]


def flipped(rows: Rows, metric: AbstractMetric) -> float:
    order = rows.ranked(rows.features, torch.sum)
    shares = [step / metric.n_steps / 2 for step in range(1, metric.n_steps + 1)]
    return float(np.mean([rows.logit(rows.x) - rows.logit(rows.without(first(order, s))) for s in shares]))


def comprehensive(rows: Rows, _: AbstractMetric) -> float:
    order, p = rows.ranked(rows.features, torch.sum), rows.probability
    return float(np.mean([p(rows.x) - p(rows.without(first(order, s))) for s in (0.01, 0.05, 0.1, 0.2, 0.5)]))


def sufficient(rows: Rows, _: AbstractMetric) -> float:
    order, p = rows.ranked(rows.features, torch.sum), rows.probability
    others = [order[len(first(order, s)) :] for s in (0.01, 0.05, 0.1, 0.2, 0.5)]
    return float(np.mean([p(rows.x) - p(rows.without(rest)) for rest in others]))


def lost(rows: Rows, metric: AbstractMetric) -> float:
    order, p = rows.ranked(rows.coarse, torch.mean), rows.probability
    shares = [step / metric.n_steps for step in range(1, metric.n_steps + 1)]
    return float(np.mean([1 - p(rows.without(first(order, s))) / p(rows.x) for s in shares]))


def gap(rows: Rows, metric: AbstractMetric, most: bool) -> float:
    order = rows.ranked(rows.features, lambda values: values.sum().abs() * (1 if most else -1))
    removed, p = first(order, metric.share), rows.probability
    if rows.task.kind == "text":
        return abs(p(rows.x) - p(rows.without(removed)))
    drawn = [metric.drawn[rows.index, draw] for draw in range(metric.n_draws)]
    return float(np.mean([abs(p(rows.x) - p(rows.without(removed, reference))) for reference in drawn]))


LOOPS = {
    "pixel_flipping": flipped,
    "comprehensiveness": comprehensive,
    "sufficiency": sufficient,
    "irof": lost,
    "prediction_gap_important": lambda rows, metric: gap(rows, metric, most=True),
    "prediction_gap_unimportant": lambda rows, metric: gap(rows, metric, most=False),
}


def check_ordering_equals_the_loop(metric: AbstractMetric) -> None:
    """Against loops over a network in float64 that take features away in the order of random values."""
    for network in (Convolved, Dense, Negation):
        of = subject(network)
        samples = of.task.samples("test").take(range(3))
        record = explain(of, samples, Random(), SCORE)
        if "n_draws" in vars(metric):
            drawn = [reference_inputs(query(of, samples), "data", metric.seed + d) for d in range(metric.n_draws)]
            vars(metric)["drawn"] = torch.stack(drawn, 1)
        score = metric.score(of, samples, record)
        expected = [LOOPS[metric.name](Rows(of, samples, record, i), metric) for i in range(3)]
        np.testing.assert_allclose(score.values, expected, rtol=1e-5, atol=1e-5, err_msg=of.name)


def check_gap_knows_where_the_model_looks(metric: AbstractMetric) -> None:
    """A map of the corner that decides beats that of everything else, and most of the control; signs do not count."""
    network = Corner()
    network.weight.data *= 0.1  # or the probability is so near to 1 that nothing moves it
    of = subject(network)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    corner = np.zeros(record.values.shape)
    corner[..., :3, :3] = np.arange(1, 10).reshape(3, 3)
    right, negative, wrong = (
        replace(metric, n_draws=32).score(of, samples, with_values(record, values))
        for values in (corner, -corner, corner.max() - corner)
    )
    sign = 1 if metric.higher_is_better else -1
    np.testing.assert_array_equal(right.values, negative.values)
    assert (sign * (right.values - wrong.values) > 0).all()
    beaten = (sign * (right.values[:, None] - right.control) > 0).mean()
    assert beaten > (0.7 if metric.higher_is_better else 0.9), beaten


def check_terms_of_an_additive_model(metric: AbstractMetric) -> None:
    """Each feature's own term foretells every removal: 1; with the signs turned -1; a constant map nothing."""
    of, samples = subject(Additive), Features().samples("test")
    x = samples.inputs.numpy()
    terms = np.stack((np.sin(x[:, 0]), np.sin(x[:, 1]), x[:, 2] ** 3, 0 * x[:, 3]), 1)
    record = explain(of, samples, method("gradient"), SCORE)
    for values, expected in ((terms, 1.0), (-2 * terms, -1.0), (np.ones_like(terms), 0.0), (0 * terms, 0.0)):
        score = metric.score(of, samples, with_values(record, values))
        np.testing.assert_allclose(score.values, expected, atol=1e-4)


def check_ranks_of_effects(metric: AbstractMetric) -> None:
    """Against Spearman's correlation with the mean squared changes of a linear model, which are known per feature."""
    of, samples = subject(Linear), Features().samples("test")
    drawn = [reference_inputs(query(of, samples), "data", metric.seed + draw) for draw in range(metric.n_draws)]
    moved = torch.stack([(samples.inputs - other) * torch.tensor([2.0, 2.0, -3.0, 0.0]) for other in drawn])
    effects = (moved.double() ** 2).mean(0).numpy()
    record = explain(of, samples, Random(), SCORE)
    expected = [spearmanr(abs(a), b).statistic for a, b in zip(record.values, effects, strict=True)]
    np.testing.assert_allclose(metric.score(of, samples, record).values, expected, atol=1e-6)
    for values, wanted in ((-effects, 1.0), (9 - effects / effects.max(), -1.0)):
        np.testing.assert_allclose(metric.score(of, samples, with_values(record, values)).values, wanted, atol=1e-6)


def check_slopes_of_a_linear_model(metric: AbstractMetric) -> None:
    """Of f = wᵀx the gradient foretells all, of any scale; its opposite and nothing at all foretell nothing; any other
    map leaves 1 - (wᵀΣa)² / (wᵀΣw aᵀΣa), where Σ is the variance of the noise."""
    of, samples = subject(Linear), Features().samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    exact = metric.score(of, samples, record)
    assert exact.values.max() < 1e-8
    assert (exact.control > 0.01).mean() > 0.95
    for values, expected in ((7 * record.values, 0.0), (-record.values, 1.0), (0 * record.values, 1.0)):
        np.testing.assert_allclose(metric.score(of, samples, with_values(record, values)).values, expected, atol=1e-8)
    w, a = np.array([2.0, 2.0, -3.0, 0.0]), np.array([1.0, 2.0, -1.0, 4.0])
    variance = Features().samples("train").inputs.double().var(0).numpy()
    expected = 1 - (w @ (variance * a)) ** 2 / ((w @ (variance * w)) * (a @ (variance * a)))
    many = replace(metric, n_draws=20_000).score(of, samples, with_values(record, np.tile(a, (12, 1))))
    np.testing.assert_allclose(many.values, expected, atol=0.02)


def check_silence_on_paper(metric: AbstractMetric) -> None:
    """The last of four features does nothing in f: a map agrees where it is zero there and nowhere else."""
    of, samples = subject(Linear), Features().samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    for values, expected in (
        ((1, -2, 1, 0), 0.0),
        ((1, 1, 1, 1), 0.25),
        ((0, 0, 0, 3), 1.0),
        ((0, 1, 1, 0), 0.25),
        ((0, 0, 0, 0), 0.75),
        ((1e-9, 1, 1, 1e-9), 0.25),
    ):
        score = metric.score(of, samples, with_values(record, np.tile(values, (12, 1))))
        np.testing.assert_allclose(score.values, expected)


def check_imputed_equals_the_loop(metric: AbstractMetric) -> None:
    """Against one dense linear system for each image and share, without noise."""
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    record = explain(of, samples, Random(), SCORE)
    expected = []
    for i in range(3):
        rows = Rows(of, samples, record, i)
        order, found = rows.ranked(rows.features, torch.sum), []
        for step in range(1, metric.n_steps + 1):
            removed = first(order, step / (metric.n_steps + 1))
            found.append(rows.probability(dense_imputation(rows.x, [feature[1:] for feature in removed])))
        expected.append(np.mean(found))
    score = replace(metric, noise=0.0).score(of, samples, record)
    np.testing.assert_allclose(score.values, expected, atol=1e-5)


def check_filled_evidence_is_gone(metric: AbstractMetric) -> None:
    """A white corner on black, filled in from around it, is black: what is left is p = 1/2. The opposite order, and
    scattered ones, leave more of it."""
    network = Corner()
    network.weight.data *= 0.1
    of = subject(network)
    samples = of.task.samples("test")
    white = torch.zeros_like(samples.inputs)
    white[..., :3, :3] = 1
    samples = replace(samples, inputs=white)
    record = explain(of, samples, method("input_x_gradient"), SCORE)
    right, wrong = (metric.score(of, samples, one) for one in (record, with_values(record, -record.values)))
    assert (right.values < wrong.values).all()
    assert (right.values[:, None] < right.control).all()
    once = replace(metric, n_steps=1, noise=0.0).score(of, samples, record)
    np.testing.assert_allclose(once.values, 0.5, atol=1e-5)


def dense_imputation(x: Tensor, removed: list[tuple[int, int]]) -> Tensor:
    """Each removed pixel the weighted mean of its neighbours in the image, by Gaussian elimination."""
    filled, number = x.double().clone(), {pixel: row for row, pixel in enumerate(removed)}
    system = torch.eye(len(removed), dtype=torch.float64)
    right = torch.zeros(len(removed), len(x), dtype=torch.float64)
    for (y, z), row in number.items():
        around = [(y + dy, z + dz, 1 / 6 if 0 in (dy, dz) else 1 / 12) for dy in (-1, 0, 1) for dz in (-1, 0, 1)]
        inside = [(a, b, w) for a, b, w in around if (a, b) != (y, z) and 0 <= a < x.shape[1] and 0 <= b < x.shape[2]]
        total = sum(w for *_, w in inside)
        for a, b, w in inside:
            if (a, b) in number:
                system[row, number[a, b]] -= w / total
            else:
                right[row] += w / total * filled[:, a, b]
    for (y, z), values in zip(removed, torch.linalg.solve(system, right), strict=True):
        filled[:, y, z] = values
    return filled


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """‖a - b‖ / (‖a‖ + ‖b‖) of each row."""
    return np.linalg.norm(a - b, axis=1) / (np.linalg.norm(a, axis=1) + np.linalg.norm(b, axis=1))


def check_shift_on_paper(metric: AbstractMetric) -> None:
    """The gradient of a linear model stays when the input is shifted; w·x becomes w·(x + s)."""
    of, samples = subject(Linear), Features().samples("test")
    assert metric.score(of, samples, explain(of, samples, method("gradient"), SCORE)).values.max() < 1e-6
    record = explain(of, samples, method("input_x_gradient"), SCORE)
    shift = 2.0 ** np.round(np.log2(Features().samples("train").inputs.std(0).numpy()))
    weight = np.array([2.0, 2.0, -3.0, 0.0])
    score = metric.score(of, samples, record)
    np.testing.assert_allclose(score.values, apart(record.values, record.values + weight * shift), atol=1e-5)
    np.testing.assert_allclose(score.control.mean(), 2**-0.5, atol=0.1)


def check_mirror_on_paper(metric: AbstractMetric) -> None:
    """Of (f(x) + f(σx)) / 2 at a symmetric input the gradient is symmetric; occlusion against a reference that is not
    is w̄ (x̄ - x'), where w̄ and x̄ are means with the mirror image."""
    of, samples = subject(Linear), Features().samples("test")
    assert metric.score(of, samples, explain(of, samples, method("gradient"), SCORE)).values.max() < 1e-6
    record = explain(of, samples, method("occlusion", reference_input="mean"), SCORE)
    weight = np.array([1.0, -0.5, -0.5, 1.0])
    even = (samples.inputs + samples.inputs.flip(1)).numpy() / 2
    values = weight * (even - Features().samples("train").inputs.mean(0).numpy())
    np.testing.assert_allclose(metric.score(of, samples, record).values, apart(values, values[:, ::-1]), atol=1e-4)


class Layers(nn.Sequential):
    """A rectifier network of three layers: five tensors of parameters, since one has no bias."""

    def __init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            super().__init__(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 2))


def check_rotation_on_paper(metric: AbstractMetric) -> None:
    """What asks for f and its gradient alone stays; a method that multiplies by one more than the number of tensors,
    of which each of three layers gets one more, moves by 3 / (6 + 9)."""
    of, samples = subject(Layers()), Features().samples("test")
    record = explain(of, samples, method("input_x_gradient"), SCORE)
    assert metric.score(of, samples, record).values.max() < 1e-5
    reads = broken.METHODS[Claim.IMPLEMENTATION_INVARIANCE]
    with mock.patch("workbench.axioms.configured", return_value=reads):
        score = metric.score(of, samples, explain(of, samples, reads, SCORE))
    np.testing.assert_allclose(score.values, 3 / 15, atol=1e-5)


def check_sum_on_paper(metric: AbstractMetric) -> None:
    """Gradients of linear models add up; their magnitudes do not: |α w + β v| against α |w| + β |v|."""
    of, samples = subject(Linear), Features().samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    assert metric.score(of, samples, record).values.max() < 1e-6
    score = metric.score(of, samples, record.abs())
    from workbench.randomisation import randomised

    w = np.array([2.0, 2.0, -3.0, 0.0])
    v = randomised(Linear(), metric.seed).weight.detach().numpy()
    whole, parts = np.abs(metric.alpha * w + metric.beta * v), metric.alpha * np.abs(w) + metric.beta * np.abs(v)
    np.testing.assert_allclose(score.values, apart(whole[None], parts[None])[0], atol=1e-5)
    assert metric.score(of, samples, explain(of, samples, Random(), SCORE)).values.min() > 0.9, "a map without a model"


ORDERED = (checks.check_prefers_the_truth, checks.check_control_is_chance)


def check_twin_equals_the_formula(metric: AbstractMetric) -> None:
    """A model whose slopes are differences of class means: those under permuted labels are computed by hand. Of two
    samples there is one other order of labels, which turns every slope: the signed map scores −1, its magnitude 1."""
    task = Sides()
    of, samples = Subject(Slopes(), task, name="slopes"), task.samples("test").take(range(6))
    record, half = explain(of, samples, method("occlusion"), SCORE), replace(metric, n_train=20)
    shown = permuted(task, 20, half.seed)
    inputs, labels = shown.inputs.double().numpy(), shown.labels.numpy()
    slopes = inputs[labels == 1].mean(0) - inputs[labels == 0].mean(0)
    maps = samples.inputs.double().numpy() * slopes
    expected = [spearmanr(own, its).statistic for own, its in zip(record.values, maps, strict=True)]
    np.testing.assert_allclose(half.score(of, samples, record).values, expected, atol=1e-6)

    two = next(replace(metric, n_train=2, seed=seed) for seed in range(99) if swaps(seed))
    shown, model = permuted(task, 2, two.seed), Slopes()
    model.fit(replace(shown, labels=1 - shown.labels), task, seed=0)
    of = Subject(model, task, name="slopes of two")
    record = explain(of, samples, method("occlusion"), SCORE)
    np.testing.assert_allclose(two.score(of, samples, record).values, -1, atol=1e-6)
    np.testing.assert_allclose(two.score(of, samples, record.abs()).values, 1, atol=1e-6)
    for deaf in ("random", "constant"):
        np.testing.assert_allclose(half.score(of, samples, explain(of, samples, method(deaf), SCORE)).values, 1)


def swaps(seed: int) -> bool:
    """Whether two training samples of different classes get each other's label, and not their own."""
    try:
        permuted(Sides(), 2, seed)
    except InputError:
        return False
    return True


METRICS = {
    "pixel_flipping": (check_ordering_equals_the_loop, *ORDERED),
    "comprehensiveness": (check_ordering_equals_the_loop, *ORDERED),
    "sufficiency": (check_ordering_equals_the_loop, *ORDERED),
    "irof": (check_ordering_equals_the_loop, *ORDERED),
    "prediction_gap_important": (
        check_ordering_equals_the_loop,
        check_gap_knows_where_the_model_looks,
        checks.check_control_is_chance,
    ),
    "prediction_gap_unimportant": (
        check_ordering_equals_the_loop,
        check_gap_knows_where_the_model_looks,
        checks.check_control_is_chance,
    ),
    "road": (check_imputed_equals_the_loop, check_filled_evidence_is_gone, checks.check_control_is_chance),
    "faithfulness_correlation": (check_terms_of_an_additive_model, *ORDERED),
    "faithfulness_estimate": (check_terms_of_an_additive_model, *ORDERED),
    "monotonicity": (check_ranks_of_effects, checks.check_control_is_chance),
    "infidelity": (check_slopes_of_a_linear_model, checks.check_control_is_chance),
    "non_sensitivity": (check_silence_on_paper, checks.check_control_is_chance),
    "input_invariance": (check_shift_on_paper,),
    "symmetry": (check_mirror_on_paper,),
    "implementation_invariance": (check_rotation_on_paper,),
    "linearity": (check_sum_on_paper,),
    "label_randomisation": (check_twin_equals_the_formula,),
}
