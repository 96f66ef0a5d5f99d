"""The three words: what they follow from, and how often a control gets a better one than it deserves."""

import re
from collections import Counter
from dataclasses import dataclass, replace

import checks
import numpy as np
import pytest
import record_examples
import torch
from conftest import absent
from subjects import (
    SCORE,
    Constant,
    Convolved,
    Corner,
    Dense,
    Features,
    Gated,
    Linear,
    Negation,
    Product,
    Scalar,
    at,
    subject,
)

import workbench
from workbench import grounds
from workbench.evaluation import evaluate, league
from workbench.evidence import _graded as graded
from workbench.evidence import evidence
from workbench.explanation import Claim, explain, method, methods
from workbench.methods.gradient import Gradient
from workbench.methods.random import Random
from workbench.metrics.completeness import Completeness
from workbench.metrics.deletion import Deletion
from workbench.metrics.relevance_mass import RelevanceMass
from workbench.query import Query
from workbench.randomisation import randomised, upper_randomised
from workbench.records import Grade, Reason
from workbench.scoring import rank_correlation
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Edges(Gradient):
    """An edge detector: looks like a map, and is the same whatever the weights."""

    hidden = "sum"

    def attribute(self, query: Query) -> torch.Tensor:
        return query.inputs.diff(dim=-1, append=query.inputs[..., -1:]).abs()


@dataclass(frozen=True)
class Wide(Features):
    """A table of eight features: enough orders to tell a good one from a random one."""

    name = "wide"

    def load(self, split: str) -> Samples:
        few = super().load(split)
        return replace(few, inputs=torch.cat((few.inputs, few.inputs.flip(0)), 1))


class Rooted(Scalar):
    """f = √w₀ Σ x, where w₀ is the only weight that has a root: permuted, f is not a number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([4.0, *[-1.0] * 31]))

    def score(self, inputs):
        return self.weight[0].sqrt() * inputs.sum(1)


class Additions(TraditionalModel):
    """A model without weights to differentiate: the sum of the first three columns."""

    name = "additions"

    def fit(self, samples, task, seed) -> None:
        """Nothing to fit."""

    def logits(self, inputs):
        return torch.stack((torch.zeros(len(inputs)), inputs[:, :3].sum(1) * 4), 1)

    def parameters(self) -> int:
        return 0


@pytest.fixture(scope="module")
def digits():
    return workbench.load("cnn_digits")


def grades(found) -> Counter:
    return Counter(str(one.grade) for one in found)


def test_integrated_gradients_are_mostly_supported_on_digits(digits):
    samples = digits.task.select("0:48")
    found = evidence(digits, samples, explain(digits, samples, method("integrated_gradients")))
    count = grades(found)
    assert count[Grade.SUPPORTED] > 24
    assert count[Grade.NOT_SUPPORTED] <= 2
    assert [one.sample_id for one in found] == list(samples.ids)


def test_random_control_is_not_supported_on_digits(digits):
    samples = digits.task.select("0:48")
    for seed in range(3):
        found = evidence(digits, samples, explain(digits, samples, Random(seed=seed)))
        assert grades(found) == {Grade.NOT_SUPPORTED: 48}


def test_random_order_beats_the_control_as_rarely_as_the_band_says(digits):
    """At most one of a hundred orders as good: 2 in 101. Over 48 samples × 20 seeds the share is near that."""
    samples = digits.task.select("0:48")
    metric = Deletion(n_orders=100)
    beats = []
    for seed in range(20):
        score = metric.score(digits, samples, explain(digits, samples, Random(seed=100 + seed)))
        beats += list((score.control > score.values[:, None]).mean(1) >= 0.99)
    assert np.mean(beats) < 0.035


def test_random_control_is_rarely_more_than_not_supported_without_weights():
    of = Subject(Additions(), Wide(), name="additions")
    samples = of.task.samples("test")
    found = [one for seed in range(20) for one in evidence(of, samples, explain(of, samples, Random(seed=seed)))]
    assert grades(found)[Grade.NOT_SUPPORTED] > 0.93 * len(found)


def test_what_ignores_the_weights_is_not_supported(digits, monkeypatch):
    samples = digits.task.select("0:8")
    record = explain(digits, samples, Edges())
    monkeypatch.setattr(grounds, "configured", lambda _: Edges())  # no file of the methods' folder holds it
    found = evidence(digits, samples, record)
    assert grades(found) == {Grade.NOT_SUPPORTED: 8}
    assert all(not reason.holds for one in found for reason in one.reasons if reason.check == "random weights")


def test_planted_evidence_and_completeness_are_reasons():
    of = subject(Corner)
    samples = of.task.samples("test")
    found = evidence(of, samples, explain(of, samples, method("kernel_shap"), SCORE))
    right = [one for one in found if "evidence" in {reason.check for reason in one.reasons}]
    assert 0 < len(right) <= len(samples)
    for one in right:
        reasons = {reason.check: reason for reason in one.reasons}
        assert set(reasons) >= {"completeness", "deletion", "insertion", "random weights", "seed", "evidence"}
        assert reasons["completeness"].holds
        assert reasons["seed"].holds
        for reason in reasons.values():
            assert reason.sentence.endswith(".")
            assert any(letter.isdigit() for letter in reason.sentence)


def test_a_map_that_lies_on_the_evidence_is_supported_by_it():
    of = subject(Corner)
    samples = of.task.samples("test")
    found = evidence(of, samples, explain(of, samples, method("integrated_gradients"), SCORE))
    held = [reason.holds for one in found for reason in one.reasons if reason.check == "evidence"]
    assert held
    assert all(held)


def test_a_gap_fails_completeness_and_magnitudes_are_not_asked():
    of = subject(Convolved)
    samples = of.task.samples("test")
    coarse = explain(of, samples, method("integrated_gradients", n_steps=2, max_steps=2), SCORE)
    assert coarse.relative_gap.max() > 0.01
    held = [{r.check: r.holds for r in one.reasons}["completeness"] for one in evidence(of, samples, coarse)]
    np.testing.assert_array_equal(held, coarse.relative_gap < 0.01)
    for one in evidence(of, samples, coarse.abs()):
        assert "completeness" not in {reason.check for reason in one.reasons}


def test_a_sample_gets_the_same_evidence_alone():
    of = subject(Convolved)
    samples = of.task.samples("test")
    record = explain(of, samples, method("occlusion"), SCORE)
    whole = evidence(of, samples, record)
    alone = evidence(of, samples.take([5]), record.take(5))
    assert alone[0].grade == whole[5].grade
    assert [reason.sentence for reason in alone[0].reasons] == [reason.sentence for reason in whole[5].reasons]


def test_traditional_models_are_asked_what_they_can_answer():
    of = Subject(Additions(), Features(), name="additions")
    samples = of.task.samples("test")
    for one in evidence(of, samples, explain(of, samples, method("occlusion"))):
        assert "random weights" not in {reason.check for reason in one.reasons}
        assert any("traditional" in text for text in one.remarks)


def test_orders_that_differ_by_rounding_are_not_worse():
    of, samples, record = checks.corner_record()
    score = Deletion().score(of, samples, record)
    ties = np.full_like(score.control, 0.4) + np.linspace(-1e-6, 1e-6, score.control.shape[1])
    for higher in (False, True):
        tied = replace(score, values=np.full(len(samples), 0.4), control=ties, higher_is_better=higher)
        np.testing.assert_array_equal(grounds._beaten(tied), 0)
        clear = replace(tied, control=ties + (-0.01 if higher else 0.01))
        np.testing.assert_array_equal(grounds._beaten(clear), 1)


def test_few_words_have_too_few_orders_to_tell():
    of = subject(Negation)
    samples = of.task.encode(["good", "not good", "not good bad film", "not good bad film unseen"])
    found = evidence(of, samples, explain(of, samples, method("occlusion"), SCORE))
    said = [" ".join(one.remarks) for one in found]
    for one, text, orders in zip(found, said, ("1 word has only 1 order", "2 orders", "24 orders"), strict=False):
        assert text.count(f"beats a random order: {orders}" if "has" in orders else f"only {orders}.") == 2
        assert not {"deletion", "insertion"} & {reason.check for reason in one.reasons}
        assert one.grade is not Grade.SUPPORTED
    assert "random order" not in said[3]
    assert {"deletion", "insertion"} <= {reason.check for reason in found[3].reasons}


def test_without_orders_what_ignores_the_weights_is_still_not_supported():
    of = subject(Dense)
    samples = of.task.samples("test")
    real = evidence(of, samples, explain(of, samples, method("integrated_gradients"), SCORE))
    assert Grade.SUPPORTED not in grades(real)
    assert grades(real)[Grade.MIXED] > 0
    assert grades(evidence(of, samples, explain(of, samples, Random(), SCORE))) == {Grade.NOT_SUPPORTED: len(samples)}


def test_orders_that_all_give_the_same_cannot_be_told_apart():
    of = Subject(Constant(), Wide(), name="constant")
    samples = of.task.samples("test")
    for one in evidence(of, samples, explain(of, samples, method("occlusion"), SCORE)):
        assert sum("every order gives the same area" in text for text in one.remarks) == 2


def test_weights_that_give_no_numbers_when_permuted_are_named():
    of = Subject(Rooted(), Wide(), name="rooted")
    samples = of.task.samples("test")
    for one in evidence(of, samples, explain(of, samples, method("gradient"), SCORE)):
        assert "random weights" not in {reason.check for reason in one.reasons}
        assert any("not finite" in text for text in one.remarks)


def test_the_true_reason_is_given_where_there_is_no_map_to_compare_with(monkeypatch):
    of = subject(Dense)
    samples = of.task.samples("test")
    record = explain(of, samples, method("smoothgrad"), SCORE)

    def refuse(*_):
        raise InputError("There is no such path. Take another.")

    monkeypatch.setattr("workbench.grounds.again", refuse)
    monkeypatch.setattr("workbench.grounds.explain", refuse)
    for one in evidence(of, samples, record):
        for says in (
            "with permuted ones there is no other map.",
            "nearby there is no map.",
            "with another there is no map.",
            "there is no other map.",
        ):
            assert [text for text in one.remarks if text.endswith(f"{says} There is no such path. Take another.")], says
        assert not {"random weights", "nearby inputs", "seed"} & {reason.check for reason in one.reasons}


@pytest.mark.parametrize(
    ("gap", "difference", "holds", "says"),
    [
        (3e-8, 1.0, True, "with a gap of < 0.01 % (allowed: 1 %)"),
        (0.02, 1.0, False, "miss f(x) − f(x') with a gap of 2.0 % (allowed: 1 %)"),
        (0.5, 0.0, False, "miss f(x) − f(x') with a gap of 0.50 (allowed: 1 %)"),
        (8e-6, 5e-5, True, "differ by only 5.0e−5: the gap of 8.0e−6 that the values leave is less than float32"),
    ],
)
def test_completeness_says_its_gap_in_words_that_fit_its_size(gap, difference, holds, says):
    of = subject(Dense)
    record = explain(of, at((1.0,)), method("integrated_gradients"), SCORE)
    values = np.array([[difference + gap, 0, 0, 0]])
    made = replace(record, values=values, f_x=np.array([1.0]), f_reference=np.array([1.0 - difference]))
    (reason,) = grounds.completeness(made)
    assert reason.holds is holds
    assert says in reason.sentence


class Rippled(Scalar):
    """f = Σ sin(r x) / r: at a high rate r its answer hardly moves where its gradient turns round."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def score(self, inputs):
        return (self.rate * inputs).sin().sum(1) / self.rate


@pytest.mark.parametrize(("rate", "holds"), [(0.1, True), (1000.0, False)])
def test_a_map_that_turns_with_small_changes_of_the_input_fails_the_check(rate, holds):
    of = Subject(Rippled(rate), Wide(), name="rippled")
    samples = of.task.samples("test")
    for one in evidence(of, samples, explain(of, samples, method("gradient"), SCORE)):
        (found,) = [reason for reason in one.reasons if reason.check == "nearby inputs"]
        assert found.holds is holds


def test_nearby_every_entry_is_moved_by_a_tenth_of_its_own_deviation(monkeypatch):
    """Of series whose second feature is ten times larger; and the number said is the mean over the maps found there."""
    of, seen = subject(Gated), []
    samples = of.task.samples("test").take(range(4))
    record = explain(of, samples, method("gradient"), SCORE)
    again = grounds.again

    def noted(*given):
        seen.append((given[1].inputs - samples.inputs, again(*given)))
        return seen[-1][1]

    monkeypatch.setattr(grounds, "again", noted)
    found = list(grounds.nearby(of, samples, record, 3))
    assert len(seen) == 2
    moves = torch.stack([move for move, _ in seen]) / of.task.samples("train").inputs.std((0, 1), correction=0)
    assert 0.095 < moves[..., 0].abs().amax() <= 0.1001
    assert 0.095 < moves[..., 1].abs().amax() <= 0.1001
    for index, reason in enumerate(found):
        alike = [rank_correlation(record.values[index].ravel(), near.values[index].ravel()) for _, near in seen]
        assert f"rank correlation {np.mean(alike):.2f}," in reason.sentence
        assert reason.holds == (np.mean(alike) >= 0.5)
    list(grounds.nearby(of, samples, record, 4))
    assert (seen[2][0] != seen[0][0]).any(), "another seed"


@pytest.mark.parametrize(("name", "others"), [("gradient", 2), ("occlusion", 1)])
def test_remarks_tell_the_agreement_with_other_methods_and_the_cost(name, others):
    of = subject(Product)
    samples = of.task.samples("test")
    record = explain(of, samples, method(name), SCORE)
    for index, one in enumerate(evidence(of, samples, record)):
        told = next(text for text in one.remarks if text.startswith("Rank correlation"))
        values = [float(text.replace("−", "-")) for text in re.findall(r" (−?\d\.\d+)(?=,| \()", told)]
        wanted = [
            rank_correlation(record.values[index], explain(of, samples, method(view), SCORE).values[index])
            for view in ("integrated_gradients", "occlusion")
            if view != name
        ]
        assert len(wanted) == others
        np.testing.assert_allclose(values, wanted, atol=0.006)
        assert any(text.startswith("Cost: ") and "passes" in text for text in one.remarks)


def test_sentences_say_the_numbers_that_decided():
    of = subject(Corner)
    samples = of.task.samples("test")
    for name in ("integrated_gradients", "random"):
        for one in evidence(of, samples, explain(of, samples, method(name), SCORE)):
            for reason in one.reasons:
                if reason.check in ("deletion", "insertion"):
                    beaten = int(re.search(r"than (\d+) of 100 random orders", reason.sentence)[1])
                    assert (beaten >= 99) == reason.holds
                if reason.check == "evidence":
                    chance = float(re.search(r"random maps, which have ([\d.]+) %", reason.sentence)[1])
                    assert 20 < chance < 30, "a quarter of the image"


def test_other_seeds_are_others_and_the_least_alike_of_them_decides():
    of = subject(Dense)
    samples = of.task.samples("test")
    maps = [explain(of, samples, Random(seed=seed), SCORE) for seed in (5, 6, 7)]
    found = list(grounds.seeds(of, samples, maps[0]))
    for index, reason in enumerate(found):
        least = min(rank_correlation(maps[0].values[index], other.values[index]) for other in maps[1:])
        assert f"least rank correlation {least:.2f} ".replace("-", "−") in reason.sentence
        assert reason.holds == (least >= 0.8)


def test_magnitudes_are_compared_with_magnitudes():
    of = subject(Dense)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE).abs()
    other = explain(of, samples, method("integrated_gradients").rough(), SCORE).values
    for index, text in enumerate(grounds.agreement(of, samples, record)):
        wanted = rank_correlation(record.values[index], np.abs(other[index]))
        assert f"Integrated gradients {wanted:.2f}".replace("-", "−") in text


def test_the_cost_is_of_one_sample_both_ways():
    of = subject(Dense)
    samples = of.task.samples("test").take(range(4))
    record = replace(explain(of, samples, method("gradient"), SCORE), forward_passes=120, backward_passes=48)
    assert list(grounds.cost(samples, record)) == ["Cost: 42 passes of the model for each sample."] * 4


def test_a_traditional_model_asked_by_occlusion_is_compared_with_kernel_shap():
    of = Subject(Additions(), Wide(), name="additions")
    samples = of.task.samples("test")
    for one in evidence(of, samples, explain(of, samples, method("occlusion"))):
        assert any("kernel shap" in text.lower() for text in one.remarks)


def test_randomised_weights_keep_each_tensors_values():
    network = Convolved()
    before = {name: value.clone() for name, value in network.named_parameters()}
    after = dict(randomised(Convolved(), seed=1).named_parameters())
    for name, value in before.items():
        assert torch.equal(value.flatten().sort().values, after[name].flatten().sort().values)
    assert sum(not torch.equal(value, after[name]) for name, value in before.items()) > 3


def test_evidence_wants_the_samples_that_were_explained():
    of = subject(Dense)
    samples = of.task.samples("test")
    record = explain(of, samples, method("gradient"), SCORE)
    with pytest.raises(InputError, match="were explained"):
        evidence(of, samples.take([1, 0]), record.take(0))


def test_the_note_of_a_league_says_each_reason_once_and_keeps_capitals():
    why = "A reason. Do this."
    named = (("road", "ROAD"), ("auroc", "Area under the ROC curve"))
    scores = [replace(record_examples.score(), metric=metric, title=title, why=why) for metric, title in named]
    found = league([*scores, replace(record_examples.score(), method="occlusion", metric="insertion", why="")]).note
    assert "No ROAD, area under the ROC curve on 1 sample: a reason. Do this." in found
    assert found.count("reason") == 1


def test_league_has_controls_last_and_says_what_does_not_apply():
    of = Subject(Additions(), Features(), name="additions")
    samples = of.task.samples("test")
    picked = [kind() for kind in methods().values()]
    scores = evaluate(of, samples, picked, [Deletion(), Completeness(), RelevanceMass()], seed=3)
    assert len(scores) == len(picked) * 3
    table = league(scores)
    controls = {kind.title for kind in methods().values() if Claim.CONTROL in kind.claims}
    assert {row[0] for row in table.rows[-len(controls) :]} == controls >= {Random.title}
    titles = [column.title for column in table.columns]
    assert titles == ["Method", "Completeness gap", "Deletion", "Relevance mass", "Time", "Passes"]
    assert "needs gradient" in table.note
    assert "planted evidence" in table.note
    cells = {row[0]: row for row in table.rows}
    assert cells["Gradient"][1:] == (None,) * 5
    assert cells["Occlusion"][1] is None
    assert cells["Kernel SHAP"][1] < 0.01
    assert cells["Kernel SHAP"][5] > 4
    row = [row[0] for row in table.rows].index("Kernel SHAP")
    assert table.low[row, 2] <= cells["Kernel SHAP"][2] <= table.high[row, 2]
    with pytest.raises(InputError):
        league([])


def test_random_is_worst_by_relevance_mass_on_shapes():
    try:
        of = workbench.load("cnn_shapes")
    except InputError as error:
        absent(str(error))
    samples = of.task.select("0:24")
    names = ("gradient", "input_x_gradient", "integrated_gradients", "kernel_shap", "occlusion", "random")
    scores = evaluate(of, samples, [method(name) for name in names], [RelevanceMass()])
    means = {score.method: score.mean for score in scores}
    highs = {score.method: score.high for score in scores}
    lows = {score.method: score.low for score in scores}
    assert min(means, key=means.get) == "random"
    assert all(highs["random"] < low for name, low in lows.items() if name != "random")
    area = samples.evidence.float().mean()
    assert means["random"] == pytest.approx(float(area), abs=0.02)


@pytest.mark.parametrize("model", ["cnn_shapes", "resnet_digits"])
def test_guided_backpropagation_hardly_knows_the_upper_layers_and_is_not_supported(model) -> None:
    of = workbench.load(model)
    samples = of.task.samples(of.task.scored).take(range(4))
    for name, holds in (("guided_backpropagation", False), ("gradient", True)):
        found = evidence(of, samples, explain(of, samples, method(name)))
        upper = [reason.holds for one in found for reason in one.reasons if reason.check == "upper weights"]
        assert upper == [holds] * 4
        assert holds or grades(found) == {Grade.NOT_SUPPORTED: 4}


def test_a_shallow_network_has_no_upper_half() -> None:
    of = subject(Linear)
    samples = of.task.samples("test").take([0])
    (found,) = evidence(of, samples, explain(of, samples, method("gradient"), SCORE))
    checked = {reason.check for reason in found.reasons}
    assert "random weights" in checked
    assert "upper weights" not in checked


def test_grades_follow_from_reasons():
    of = subject(Dense)
    record = explain(of, of.task.samples("test"), method("gradient"), SCORE)

    def grade(**holds: bool) -> Grade:
        found = [Reason(check=name.replace("_", " "), holds=held, sentence="1.") for name, held in holds.items()]
        return graded(record, 0, [*found, "Not checked."]).grade

    orders, weights = {"deletion": True, "insertion": True}, {"random_weights": True, "upper_weights": True}
    assert grade(**orders, **weights) is Grade.SUPPORTED
    assert grade(**orders) is Grade.SUPPORTED, "what cannot be checked counts for nothing"
    assert grade(**orders, random_weights=True, upper_weights=False) is Grade.NOT_SUPPORTED
    assert grade(**orders, random_weights=False, upper_weights=True) is Grade.NOT_SUPPORTED
    assert grade(deletion=False, insertion=True, **weights) is Grade.MIXED
    assert grade(deletion=False, insertion=False, **weights) is Grade.NOT_SUPPORTED
    assert grade(**orders, **weights, seed=False) is Grade.MIXED
    assert grade(**weights) is Grade.MIXED, "nothing was compared to a random order"


def test_the_upper_half_is_permuted_where_there_are_four_layers(monkeypatch):
    asked = []

    def alike(*given):
        asked.append(given[3:])
        return [[0.9, 0.2]] * len(given[1])

    monkeypatch.setattr(grounds, "_without_weights", alike)
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(2))
    record = explain(of, samples, method("gradient"), SCORE)
    found = list(grounds.upper_weights(of, samples, record, 7))
    assert asked == [([upper_randomised] * 2, 7)]
    assert [reason.holds for reason in found] == [False, False], "the mean of the copies decides"
    assert "the mean of 2 copies" in found[0].sentence
    assert grounds._changed("upper weights", "something", [-0.9]).holds, "the opposite map is another map"
    monkeypatch.setattr(grounds, "layers", lambda _: [["weight"]] * 3)
    assert list(grounds.upper_weights(of, samples, record, 7)) == []
    monkeypatch.setattr(grounds, "layers", lambda _: [["weight"]] * 4)
    monkeypatch.setattr(grounds, "_without_weights", lambda *_: ["There is none."] * 2)
    assert list(grounds.upper_weights(of, samples, record, 7)) == ["There is none."] * 2


def test_each_copy_is_one_of_its_own_with_a_seed_of_its_own():
    of = subject(Dense)
    samples = of.task.samples("test").take(range(2))
    record = explain(of, samples, method("gradient"), SCORE)
    seen = []

    def change(network: torch.nn.Module, seed: int) -> torch.nn.Module:
        seen.append((seed, network))
        return network

    assert list(grounds._without_weights(of, samples, record, [change] * 3, 5)) == [[pytest.approx(1)] * 3] * 2
    assert [seed for seed, _ in seen] == [5, 6, 7]
    assert len({id(network) for _, network in seen} | {id(of.network)}) == 4
