"""Tree SHAP against enumeration of all coalitions, and the trees that models hand out against the models' answers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from subjects import SCORE, Features, Grown, Linear, Pixels, at, subject

import zoo
from workbench.explanation import explain, method, refusal, why_not
from workbench.records import Output, Target
from workbench.subject import Subject
from workbench.tree_games import tree_shares
from zoo.errors import InputError
from zoo.model import Capability
from zoo.shapley import shapley_values
from zoo.tabular import rows
from zoo.task import Samples
from zoo.traditional.boosting import Boosting
from zoo.traditional.forest import Forest
from zoo.traditional.tree import Tree
from zoo.trees import MadeOfTrees, Sum, Trees, joined, paths

FAMILIES = {"tree": Tree(depth=6), "forest": Forest(trees=7), "boosting": Boosting(rounds=6, least=3)}
CASES = [(family, classes) for family in FAMILIES for classes in (1, 2, 3)]


def made(count: int, width: int, classes: int) -> Samples:
    """Rows of normal numbers; the answer depends on products of columns, and not on the last."""
    x = torch.randn(count, width, generator=torch.Generator().manual_seed(classes))
    value = x[:, 0] * x[:, 1] + x[:, 2].abs() - x[:, 3 % (width - 1)]
    labels = torch.zeros(count).long() if classes == 1 else (value > 0).long() + (value > 1).long() * (classes > 2)
    ids = tuple(f"made:{i}" for i in range(count))
    return Samples(inputs=x, labels=labels, ids=ids, values=value if classes == 1 else None)


def fitted(family: str, classes: int, width: int = 6) -> tuple:
    """A model of the family, with the task that it answers and some samples."""
    names = tuple("abc"[:classes])
    task = Features()
    object.__setattr__(task, "classes", names)
    model = replace(FAMILIES[family])
    model.fit(made(200, width, classes), task, 0)
    return model, task, made(9, width, classes)


def literal(trees: Trees, x: np.ndarray) -> np.ndarray:
    """Answers of rows, walking down from each root: a node that is nobody's child."""
    children = {*trees.left.tolist(), *trees.right.tolist()}
    roots = [node for node in range(len(trees.left)) if node not in children]
    assert len(roots) == trees.count
    total = np.tile(trees.start, (len(x), 1))
    for i, row in enumerate(x.astype(trees.precision)):
        for root in roots:
            at_node = root
            while trees.left[at_node] >= 0:
                smaller = row[trees.feature[at_node]] <= trees.threshold[at_node]
                at_node = trees.left[at_node] if smaller else trees.right[at_node]
            total[i] += trees.values[at_node]
    return total


@pytest.mark.parametrize(("family", "classes"), CASES)
def test_trees_that_are_handed_out_answer_as_the_model_does(family, classes):
    model, _, samples = fitted(family, classes)
    assert isinstance(model, MadeOfTrees)
    trees = model.structure()
    logits = model.logits(samples.inputs).double()
    said = logits.softmax(-1) if trees.sums is Sum.PROBABILITY else logits
    np.testing.assert_allclose(literal(trees, rows(samples.inputs)), said.numpy(), atol=4e-6)


@pytest.mark.parametrize(("family", "classes"), CASES)
def test_shares_equal_the_enumeration_of_all_coalitions(family, classes):
    """In float64, by walking down the trees for every mixture of x and a reference input."""
    model, _, samples = fitted(family, classes)
    trees, x = model.structure(), rows(samples.inputs)
    asked = np.arange(9) % len(trees.start)
    for reference in (np.zeros(6, np.float32), x[3] + np.float32(0.1)):
        found = tree_shares(trees, x, np.tile(reference, (9, 1)), trees.values, asked, np.arange(6))
        for c in range(len(trees.start)):
            own = x[asked == c]
            exact = shapley_values(lambda mixed, c=c: literal(trees, mixed)[:, c], own, reference[None])
            np.testing.assert_allclose(found[asked == c], exact, atol=1e-12)
            assert np.abs(exact).max() > 0.01


def test_players_of_several_columns_move_together():
    model, _, samples = fitted("forest", 3)
    trees, x = model.structure(), rows(samples.inputs)
    players = np.array([0, 1, 0, 2, 2, 1])

    def mixed(present):
        return literal(trees, np.where(present[:, players] > 0, x[:1], 0))[:, 1]

    exact = shapley_values(mixed, np.ones((1, 3)), np.zeros((1, 3)))
    found = tree_shares(trees, x[:1], np.zeros((1, 6), np.float32), trees.values, np.array([1]), players)
    np.testing.assert_allclose(found, exact, atol=1e-12)


@pytest.mark.parametrize(
    ("family", "classes", "output"),
    [
        *(("tree", 3, output) for output in Output),
        *((family, 1, "logit") for family in FAMILIES),
        ("forest", 3, "probability"),
        ("boosting", 3, "logit"),
        ("boosting", 2, "logit"),
        ("boosting", 2, "margin"),
    ],
)
def test_tree_shap_is_exact_shapley_without_asking_the_model(family, classes, output):
    model, task, samples = fitted(family, classes)
    samples = replace(samples, inputs=samples.inputs[:, :4])
    model.fit(made(200, 4, classes), task, 0)
    of, target = Subject(model, task, name=family), Target(of="predicted", output=output)
    for reference in ("zero", "data"):
        fast = explain(of, samples, method("tree_shap", reference_input=reference), target)
        slow = explain(of, samples, method("exact_shapley", reference_input=reference), target)
        largest = np.abs(slow.values).max()
        clipped = 4e-6 if family == "forest" else 2e-6  # the logarithm of each class is clipped at 1e-6
        np.testing.assert_allclose(fast.values, slow.values, atol=clipped * max(1.0, largest))
        assert np.abs(fast.completeness_gap).max() < 4e-6 * max(1.0, largest)
        assert largest > 0.01
        assert fast.forward_passes == len(samples) < slow.forward_passes


def test_both_above_a_half_on_paper():
    """log p jumps from log 1e-6 to 0 where both are above a half: each gets half of it."""
    record = explain(subject(Grown), at((0.7, 0.9), (0.7, 0.2)), method("tree_shap"), SCORE)
    half = -np.log(1e-6) / 2
    np.testing.assert_allclose(record.values, [[half, half, 0, 0], [0, 0, 0, 0]], atol=1e-5)
    probability = explain(subject(Grown), at((0.7, 0.9)), method("tree_shap"), Target(of=1, output="probability"))
    np.testing.assert_allclose(probability.values, [[0.5, 0.5, 0, 0]], atol=2e-6)


def test_patches_and_single_pixels_of_images():
    task = Pixels()
    samples = task.samples("test")
    labels = (samples.inputs[:, 0, 0, 0] * samples.inputs[:, 1, 4, 4] > 0.2).long()
    model = Forest(trees=5)
    model.fit(replace(samples, labels=labels), task, 0)
    of, target = Subject(model, task, name="forest"), Target(of=1, output="probability")
    groups = task.groups(samples.inputs).numpy()
    fast = explain(of, samples, method("tree_shap"), target)
    slow = explain(of, samples, method("exact_shapley"), target)
    np.testing.assert_allclose(fast.values, slow.values, atol=2e-6)
    alone = explain(of, samples, method("tree_shap", unit="entry"), target)
    assert np.abs(alone.completeness_gap).max() < 4e-6
    assert np.abs(slow.values).max() > 0.001
    assert any(len(np.unique(alone.values[i][groups[i] == g])) > 1 for i in range(12) for g in range(9))


def test_a_sum_that_is_not_what_is_asked_is_refused_with_a_remedy():
    for family, classes, output, remedy in (
        ("forest", 3, "logit", "Explain the probability"),
        ("boosting", 3, "probability", "Explain the logit"),
        ("boosting", 3, "margin", "Explain the logit"),
        ("boosting", 2, "log_probability", "Explain the logit or the margin"),
    ):
        model, task, samples = fitted(family, classes, width=4)
        of, target = Subject(model, task, name="made"), Target(of=0, output=output)
        with pytest.raises(InputError, match=remedy) as caught:
            explain(of, samples, method("tree_shap"), target)
        assert refusal(method("tree_shap"), of, samples, target) == str(caught.value)


def test_only_models_of_trees_are_offered_tree_shap():
    assert "needs trees" in why_not(type(method("tree_shap")), subject(Linear))
    assert why_not(type(method("tree_shap")), subject(Grown)) is None


def test_a_tree_that_asks_nothing_gives_nothing():
    samples = made(9, 4, 2)
    model = Tree()
    model.fit(replace(samples, labels=torch.zeros(9).long()), Features(), 0)
    found = tree_shares(
        model.structure(),
        rows(samples.inputs),
        rows(0 * samples.inputs),
        np.ones((1, 1)),
        np.zeros(9, int),
        np.arange(4),
    )
    assert found.shape == (9, 4)
    assert not found.any()


def test_paths_are_intervals():
    """Two questions about one column make one interval; joined tables keep their trees apart."""
    one = Trees(
        feature=np.array([0, 0, 0, 0, 0]),
        threshold=np.array([1.0, -1.0, 0, 0, 0]),
        left=np.array([1, 3, -1, -1, -1]),
        right=np.array([2, 4, -1, -1, -1]),
        values=np.arange(5.0)[:, None],
        start=np.zeros(1),
        count=1,
        sums=Sum.NUMBER,
    )
    found = paths(one)
    assert found.node.tolist() == [2, 3, 4]
    assert list(zip(found.low, found.high, strict=True)) == [(1, np.inf), (-np.inf, -1), (-1, 1)]
    two = joined([one, one])
    assert literal(two, np.array([[0.0], [5.0], [-5.0]]))[:, 0].tolist() == [8, 4, 6]


@pytest.mark.parametrize("name", ["tree_wine", "boosting_wine", "forest_diabetes"])
def test_shipped_models_of_trees_add_up(name):
    loaded = zoo.load(name)
    assert Capability.TREES in loaded.model.capabilities
    of = Subject(loaded.model, loaded.task, name=name)
    record = explain(of, of.task.select("0:16"), method("tree_shap"))
    assert (np.abs(record.completeness_gap) <= 1e-6 * np.abs(record.values).max() * 13).all()
