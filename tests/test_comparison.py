"""Comparison of models: paired intervals, verdicts and tables, on made-up answers and on the models of the zoo."""

import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from curvature_oracles import Made, seeded, vectors
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import zoo
from workbench import comparison
from workbench.comparison import Answers, Paired, compare, paired
from workbench.contest import table, verdict
from workbench.subject import Subject
from zoo import loading, storage
from zoo.card import card_path
from zoo.errors import InputError
from zoo.evaluation import measure
from zoo.model import TraditionalModel
from zoo.quality import wilson
from zoo.task import Samples

SIZE = 400
ACCURACY, LIKELIHOOD = 2, 4
"""Columns of the table."""


class Old(TraditionalModel):
    """A traditional model in name."""

    name = "old"

    def fit(self, samples: Samples, task: object, seed: int) -> None: ...

    def logits(self, inputs: Tensor) -> Tensor:
        return torch.zeros(len(inputs), 3)

    def parameters(self) -> int:
        return 7


def answers(right: np.ndarray, network: bool, name: str) -> Answers:
    """Answers that are right where it is asked, with probability 0.8 on the class that is said."""
    samples = replace(vectors(len(right)), labels=torch.zeros(len(right)).long())
    probabilities = np.full((len(right), 3), 0.1)
    probabilities[np.arange(len(right)), np.where(right, 0, 1)] = 0.8
    model = seeded(lambda: nn.Linear(4, 3)).network if network else Old()
    return Answers(Subject(model, Made(), name=name), zoo.card("logistic_digits"), samples, 0.5, probabilities)


def pattern(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Who is right on how many samples."""
    counts = (both, first, second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_paired_difference_by_hand() -> None:
    found = paired(*pattern(80, 12, 4, 4))
    assert (found.difference, found.only_first, found.only_second) == (0.08, 12, 4)
    p, q = 13 / 102, 5 / 102
    half = 1.959964 * np.sqrt((p + q - (p - q) ** 2) / 102)
    assert (found.low, found.high) == pytest.approx((p - q - half, p - q + half), rel=1e-6)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_paired_difference_is_antisymmetric_and_holds_itself(pairs: list[tuple[bool, bool]]) -> None:
    first, second = np.array(pairs).T
    there, back = paired(first, second), paired(second, first)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.difference == -back.difference
    assert not paired(first, first).told_apart
    assert there.low < there.difference * len(pairs) / (len(pairs) + 2) < there.high


Interval = Callable[[np.ndarray, np.ndarray], Paired]


def check_coverage(interval: Interval) -> None:
    """Over many draws of two models whose errors go together, the interval holds the truth 95 % of the time."""
    chance = np.random.default_rng(0)
    covered, lengths = [], []
    for _ in range(2000):
        counts = chance.multinomial(SIZE, [0.90, 0.045, 0.015, 0.04])
        found = interval(*pattern(*counts))
        covered.append(found.low <= 0.03 <= found.high)
        lengths.append(found.high - found.low)
    assert 0.935 < np.mean(covered) < 0.97
    assert np.mean(lengths) < 0.06


def unpaired(first: np.ndarray, second: np.ndarray) -> Paired:
    """Broken: as if the two had answered different samples."""
    a, b = first.mean(), second.mean()
    half = 1.96 * np.sqrt((a * (1 - a) + b * (1 - b)) / len(first))
    return Paired(difference=a - b, low=a - b - half, high=a - b + half, only_first=0, only_second=0)


def discordant(first: np.ndarray, second: np.ndarray) -> Paired:
    """Broken: the spread of the difference without the samples on which the two agree counted."""
    found = paired(first, second)
    half = (found.high - found.low) / 2 * 0.6
    return replace(found, low=found.difference - half, high=found.difference + half)


def test_paired_interval_covers() -> None:
    check_coverage(paired)


@pytest.mark.parametrize("broken", [unpaired, discordant])
def test_the_check_rejects(broken: Interval) -> None:
    with pytest.raises(AssertionError):
        check_coverage(broken)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (
            (350, 30, 5, 15),
            "n and t differ by 6.2 points (95 % interval 3.3 to 9.1 of the paired difference, 400 samples",
        ),
        ((350, 30, 5, 15), "): the network is better here."),
        (
            (350, 5, 30, 15),
            "n and t differ by 6.2 points (95 % interval 3.3 to 9.1 of the paired difference, 400 samples",
        ),
        ((350, 5, 30, 15), "): the traditional model is better here."),
        ((350, 12, 10, 28), "): they cannot be told apart."),
        ((400, 0, 0, 0), "n and t differ by 0.0 points (95 % interval -0.7 to 0.7 of"),
        ((400, 0, 0, 0), "): they cannot be told apart."),
    ],
)
def test_verdict(counts: tuple[int, int, int, int], says: str) -> None:
    first, second = pattern(*counts)
    worse = answers(np.zeros(len(first), dtype=bool), False, "bad")
    found = [answers(second, False, "t"), worse, answers(first, True, "n")]
    assert says in verdict(found)
    assert verdict(found) == verdict(found[::-1])


def test_verdict_of_one_kind_alone() -> None:
    right = np.ones(10, dtype=bool)
    assert "no network model" in verdict([answers(right, False, "t")])
    assert "no traditional model" in verdict([answers(right, True, "n")])


def test_table_of_made_up_answers() -> None:
    first, second = pattern(300, 60, 20, 20)
    found = [answers(first, True, "n"), answers(second, False, "t")]
    record = table(Made(), "test", found)
    assert [row[0] for row in record.rows] == ["n", "t"]
    assert [row[1] for row in record.rows] == ["network", "traditional"]
    assert [row[ACCURACY] for row in record.rows] == [90.0, 80.0]
    assert record.rows[0][3] == pytest.approx(0.1)
    assert record.rows[0][LIKELIHOOD] == pytest.approx(-(0.9 * np.log(0.8) + 0.1 * np.log(0.1)))
    assert [row[8] for row in record.rows] == [15, 7]
    assert record.low[0, ACCURACY] == pytest.approx(100 * wilson(360, 400)[0])
    assert record.low[0, LIKELIHOOD] < record.rows[0][LIKELIHOOD] < record.high[0, LIKELIHOOD]
    assert np.isnan(np.delete(record.low, [ACCURACY, LIKELIHOOD], axis=1)).all()
    assert record.note.startswith(record.provenance["verdict"])
    assert "fitted on this very split" not in record.note
    assert "fitted on this very split" in table(Made(), "train", found).note


def test_models_that_were_never_trained_or_are_damaged_are_left_out_and_named(tmp_path, monkeypatch) -> None:
    shutil.copytree(storage.WEIGHTS, tmp_path / "weights")
    monkeypatch.setattr(storage, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(loading, "_models", loading._Once())
    card_path("svm_wine").unlink()
    (tmp_path / "weights" / "mlp_wine.safetensors").write_bytes(b"")
    record = compare("wine")
    names = {name for name, recipe in zoo.RECIPES.items() if recipe.task == "wine"}
    assert {row[0] for row in record.rows} == names - {"svm_wine", "mlp_wine"}
    assert "left out: mlp_wine, svm_wine. `python -m zoo verify` says which." in record.note
    assert "left out" not in compare("digits").note


def test_models_of_the_zoo_by_the_cards_own_measure() -> None:
    record = compare("digits")
    names = [name for name, recipe in zoo.RECIPES.items() if recipe.task == "digits"]
    assert sorted(row[0] for row in record.rows) == sorted(names)
    assert len(record.columns) == 9 == len(record.rows[0])
    accuracies = [row[ACCURACY] for row in record.rows]
    assert accuracies == sorted(accuracies, reverse=True)
    for row, low, high in zip(record.rows, record.low, record.high, strict=True):
        loaded = zoo.load(row[0])
        expected = measure(loaded.model, loaded.task.samples("test"))
        assert row[ACCURACY] == pytest.approx(100 * expected.accuracy)
        assert (low[ACCURACY], high[ACCURACY]) == pytest.approx((100 * expected.low, 100 * expected.high))
        assert row[3:5] == pytest.approx((expected.calibration_error, expected.negative_log_likelihood), rel=1e-5)
        assert row[5] == loaded.card.seconds
        assert 0 < row[7] < 100
        assert row[8] == loaded.card.parameters


def test_limit_and_split() -> None:
    record = compare("digits", split="train", limit=50)
    assert "50 samples of the train split" in record.title
    assert "fitted on this very split" in record.note


def test_samples_that_one_alone_gets_right() -> None:
    record = comparison.errors_of_one("forest_digits", "logistic_digits", limit=300)
    assert record.rows
    for sample, label, forest, logistic, right in record.rows:
        assert (forest == label) != (logistic == label)
        assert right == ("forest_digits" if forest == label else "logistic_digits")
        task = zoo.task("digits")
        assert task.classes[int(task.select(sample).labels[0])] == label
        said = zoo.load("forest_digits").model.logits(task.select(sample).inputs).argmax(1)
        assert task.classes[int(said)] == forest


def test_learning_curve_ends_at_the_model_itself() -> None:
    record = comparison.learning_curve("logistic_digits", points=4)
    whole = zoo.load("logistic_digits")
    assert record.x[-1] == len(whole.task.samples("train"))
    assert record.y[0, -1] == pytest.approx(100 * measure(whole.model, whole.task.samples("test")).accuracy)
    assert record.y[0, 0] < record.y[0, -1]
    assert (record.band[0] < record.y[0]).all()
    assert (record.y[0] < record.band[1]).all()
    assert np.array_equal(record.y, comparison.learning_curve("logistic_digits", points=4).y)


@pytest.mark.parametrize("size", [30, 77, 300])
def test_every_beginning_of_the_order_holds_the_classes_in_proportion(size: int) -> None:
    labels = np.repeat([0, 1, 2], [200, 80, 20])
    order = comparison._interleaved(labels, seed=1)
    assert sorted(order) == list(range(300))
    counts = np.bincount(labels[order[:size]], minlength=3)
    np.testing.assert_allclose(counts, size * np.array([200, 80, 20]) / 300, atol=1)
    assert not np.array_equal(order, comparison._interleaved(labels, seed=2))


def test_refusals() -> None:
    with pytest.raises(InputError, match="no task called 'digit'"):
        compare("digit")
    with pytest.raises(InputError, match="no split of digits called 'dev'"):
        compare("digits", split="dev")
    with pytest.raises(InputError, match="limit is 1"):
        compare("digits", limit=1)
    with pytest.raises(InputError, match="is a network"):
        comparison.learning_curve("cnn_digits")
    with pytest.raises(InputError, match="two models of one task"):
        comparison.errors_of_one("cnn_digits", "logistic_sst2")
