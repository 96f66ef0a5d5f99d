"""Analyses of a model, against counting by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from curvature_oracles import CASES, Made, made, seeded, sentences, vectors
from sklearn.decomposition import PCA
from subjects import Bag, OneHotBag
from torch import Tensor, nn

from workbench.analyses.confusion import Confusion
from workbench.analyses.projection import _principal
from workbench.analysis import analyses, analysis
from workbench.records import Curve, Embedding, Matrix, Table
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import parameter_count
from zoo.quality import wilson
from zoo.task import Samples
from zoo.traditional.logistic import Logistic


def check_confusion(kind: type[Confusion]) -> None:
    """Rows are labels, columns predictions."""
    subject, samples = made("layer norm", seed=4)
    record = kind().run(subject, samples)
    predicted = subject.logits(samples.inputs).argmax(1).tolist()
    expected = np.zeros((3, 3))
    for label, said in zip(samples.labels.tolist(), predicted, strict=True):
        expected[label, said] += 1
    assert not np.array_equal(expected, expected.T), "the case cannot tell rows from columns"
    np.testing.assert_array_equal(record.values, expected)
    assert record.values.sum() == len(samples)


class Transposed(Confusion):
    """Broken: rows are predictions."""

    def run(self, subject: Subject, samples: Samples) -> Matrix:
        record = super().run(subject, samples)
        return Matrix(**{**vars(record), "values": record.values.T})


def test_confusion_counts() -> None:
    check_confusion(Confusion)


def test_the_check_rejects_exchanged_axes() -> None:
    with pytest.raises(AssertionError, match="not equal"):
        check_confusion(Transposed)


def test_confusion_as_shares_with_an_absent_class() -> None:
    subject, samples = made("softmax regression")
    present = samples.take([s for s in range(len(samples)) if samples.labels[s] != 2])
    shares = analysis("confusion", unit="share").run(subject, present)
    assert isinstance(shares, Matrix)
    np.testing.assert_allclose(shares.values[:2].sum(1), 1)
    assert np.isnan(shares.values[2]).all()
    wrong = int((subject.logits(present.inputs).argmax(1) != present.labels).sum())
    assert shares.title == f"made: {wrong} of {len(present)} samples wrong"


class Sure(nn.Module):
    """Says class 0 with the probability that is its input."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.log(torch.cat((inputs, 1 - inputs), 1))


def test_calibration_by_hand() -> None:
    """Two bins: 0.6 three times, right twice; 0.9 four times, right three times."""
    inputs = torch.tensor([[0.6]] * 3 + [[0.9]] * 4)
    samples = Samples(inputs=inputs, labels=torch.tensor([0, 0, 1, 0, 0, 0, 1]), ids=tuple("abcdefg"))
    record = analysis("calibration", bins=10).run(
        Subject(Sure(), Made(classes=("a", "b"), given=samples), name="sure"), samples
    )
    assert isinstance(record, Curve)
    np.testing.assert_allclose(record.x, [0.6, 0.9], atol=1e-6)
    np.testing.assert_allclose(record.y, [[2 / 3, 3 / 4], [0.6, 0.9]], atol=1e-6)
    np.testing.assert_allclose(record.band, np.transpose([wilson(2, 3), wilson(3, 4)]))
    expected = 3 / 7 * (2 / 3 - 0.6) + 4 / 7 * (0.9 - 0.75)
    assert record.provenance["expected_calibration_error"] == pytest.approx(expected, abs=1e-6)
    assert f"{expected:.3f}" in record.title


Principal = Callable[[Tensor], tuple[Tensor, Tensor]]


def check_principal(principal: Principal) -> None:
    rows = torch.randn(40, 5, generator=torch.Generator().manual_seed(0)).double() @ torch.diag(
        torch.tensor([3.0, 2.0, 1.0, 0.5, 0.1]).double()
    ) + torch.tensor([5.0, -3.0, 0.0, 0.0, 1.0])
    points, share = principal(rows)
    expected = PCA(2).fit(rows.numpy())
    turned = expected.transform(rows.numpy())
    signs = np.sign((turned * points.numpy()).sum(0))
    np.testing.assert_allclose(points.numpy(), turned * signs, atol=1e-9)
    np.testing.assert_allclose(share.numpy(), expected.explained_variance_ratio_, atol=1e-12)


def uncentred(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Broken: the first axis is the mean."""
    _, spread, components = torch.linalg.svd(rows, full_matrices=False)
    return rows @ components[:2].T, (spread**2 / (spread**2).sum())[:2]


def test_projection_is_principal_components() -> None:
    check_principal(_principal)
    with pytest.raises(AssertionError):
        check_principal(uncentred)


def test_projection_of_one_dimension_and_of_equal_rows() -> None:
    points, share = _principal(torch.arange(4.0).double()[:, None])
    np.testing.assert_allclose(points[:, 0], [-1.5, -0.5, 0.5, 1.5])
    assert share.tolist() == pytest.approx([1.0, 0.0])
    assert _principal(torch.ones(3, 2).double())[1].tolist() == [0.0, 0.0]


def test_projection_takes_what_enters_the_last_layer() -> None:
    subject, samples = made("layer norm")
    record = analysis("projection").run(subject, samples)
    assert isinstance(record, Embedding)
    inner = subject.network[:-1](samples.inputs).detach().double()  # type: ignore[index]
    np.testing.assert_allclose(record.points, _principal(inner)[0], atol=1e-5)
    assert "representation" in record.title
    assert record.labels == tuple("abc"[label] for label in samples.labels)


class EndsInSoftmax(nn.Sequential):
    """What comes out is not what a linear layer gave."""


def test_projection_falls_back_on_logits() -> None:
    subject = seeded(lambda: EndsInSoftmax(nn.Linear(4, 3), nn.LogSoftmax(-1)))
    record = analysis("projection").run(subject, vectors())
    assert record.title.endswith("by their logits")
    np.testing.assert_allclose(record.points, _principal(subject.logits(vectors().inputs).double())[0], atol=1e-6)


def test_projection_refuses() -> None:
    with pytest.raises(InputError, match="at least 3"):
        analysis("projection").run(seeded(lambda: nn.Linear(4, 3)), vectors().take([0, 1]))
    bag = Subject(OneHotBag(), Bag())
    with pytest.raises(InputError, match="Token ids"):
        analysis("projection", of="inputs").run(bag, bag.task.samples("test"))


LENGTH = int((sentences().inputs[0] != 0).sum())
PRODUCTS = {
    "softmax regression": 4 * 3,
    "layer norm": 4 * 6 + 6 * 3,
    "convolution": 3 * 4 * 4 * (2 * 9) + 12 * 3,
    "gru": 2 * 5 * 3 * (4 * 5 + 5 * 5) + 10 * 3,
    "lstm": 2 * 5 * 4 * (4 * 5 + 5 * 5) + 10 * 3,
    "attention": 5 * (8 * 24 + 8 * 8 + 8 * 12 + 12 * 8) + 2 * 2 * 5 * 5 * 4 + 8 * 3,
    "encoder": 5 * (8 * 24 + 8 * 8 + 8 * 10 + 10 * 8) + 2 * 2 * 5 * 5 * 4 + 40 * 3,
    "unused": 4 * 5 + 5 * 3,
    "the zoo's gru": 2 * LENGTH * 3 * (4 * 4 + 4 * 4) + 16 * 3,
    "the zoo's transformer": 5 * (4 * 12 + 3 * 4 * 4) + 2 * 2 * 5 * 5 * 2 + 4 * 3,
}
"""Multiply-accumulates of one sample, counted on paper: in × out per place, and 2 n² d for attention's two products."""


@pytest.mark.parametrize("case", CASES)
def test_architecture_counts(case: str) -> None:
    subject, samples = made(case)
    record = analysis("architecture").run(subject, samples)
    assert isinstance(record, Table)
    assert sum(row[4] for row in record.rows) == PRODUCTS[case]
    assert sum(row[3] for row in record.rows) == parameter_count(subject.network)


def test_architecture_row_by_row() -> None:
    record = analysis("architecture").run(*made("convolution"))
    assert record.rows[:2] == (
        ("0", "Conv2d", "3 × 4 × 4", 2 * 3 * 9 + 3, 864),
        ("1", "BatchNorm2d", "3 × 4 × 4", 6, 0),
    )
    assert [row[2] for row in record.rows] == ["3 × 4 × 4", "3 × 4 × 4", "3 × 4 × 4", "3 × 2 × 2", "12", "3"]


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight

    def forward(self, inputs: Tensor) -> Tensor:
        return self.second(self.first(inputs))[:, :3]


def test_architecture_counts_shared_weights_once_and_layers_that_are_not_called() -> None:
    rows = {row[0]: row for row in analysis("architecture").run(seeded(Tied), vectors()).rows}
    assert (rows["first"][3], rows["second"][3]) == (16, 0)
    assert (rows["first"][4], rows["second"][4]) == (16, 16)
    unused = {row[0]: row for row in analysis("architecture").run(*made("unused")).rows}
    assert unused["forgotten"][2:] == ("not called", 15, 0)


def test_architecture_of_a_traditional_model() -> None:
    model = Logistic(C=2.0)
    model.fit(vectors(), Made(), 0)
    record = analysis("architecture").run(Subject(model, Made(), name="logistic"), vectors())
    assert record.rows[0][1] == "LogisticRegression"
    assert "C=2.0" in record.rows[0][2]
    assert "15 fitted numbers" in record.title


@pytest.mark.parametrize("name", analyses())
def test_networks_are_left_without_hooks(name: str) -> None:
    subject, samples = made("layer norm")
    analysis(name).run(subject, samples)
    for module in subject.network.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


@dataclass(frozen=True)
class Line(Made):
    """Training samples on a line: labels 0 below zero, 1 above; a sample of label 2 that no model here finds."""

    name = "line"

    def load(self, split: str) -> Samples:
        at = [-3.0, -1.0, 0.25, 0.5, 2.0, 4.0] if split == "train" else [-0.5, 3.0]
        labels = [0, 0, 2, 1, 1, 1] if split == "train" else [0, 1]
        return Samples(
            inputs=torch.tensor(at)[:, None],
            labels=torch.tensor(labels),
            ids=tuple(f"{split}:{i}" for i in range(len(at))),
        )


class Sign(nn.Module):
    """Calls what is below 1 class 0 and the rest class 1: it is wrong about the training sample at 0.5."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.cat((1 - inputs, inputs - 1, torch.full_like(inputs, -9.0)), 1)


def test_nearest_other_skips_what_the_model_gets_wrong() -> None:
    """Of −0.5 the nearest other labels are at 0.25 and 0.5, both of which the model calls class 0; next is 2."""
    subject = Subject(Sign(), Line(), name="sign")
    record = analysis("counterfactual").run(subject, subject.task.select("test:0"))
    assert record.provenance["found"] == "train:4"
    assert (record.before.item(), record.after.item()) == (-0.5, 2.0)
    assert record.distance == pytest.approx(2.5)
    assert (record.before_name, record.after_name) == ("a", "b")
    assert record.after_probability == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-4)
    other_way = analysis("counterfactual").run(subject, subject.task.select("test:1"))
    assert other_way.provenance["found"] == "train:1"


class Always(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tensor([5.0, 0.0, 0.0]).expand(len(inputs), 3)


def test_nearest_other_of_a_model_with_one_answer() -> None:
    subject = Subject(Always(), Line(), name="always")
    with pytest.raises(InputError, match="gives no training sample of another class"):
        analysis("counterfactual").run(subject, subject.task.select("test:0"))


@dataclass(frozen=True)
class Reviews(Bag):
    name = "reviews"

    def load(self, split: str) -> Samples:
        texts = {"train": ["bad film", "good good film film", "good", "not bad bad bad"], "test": ["bad film film"]}
        labels = {"train": [0, 1, 1, 0], "test": [0]}
        return self.encode(texts[split], labels[split], split)


def jaccard(one: Sequence[int], other: Sequence[int]) -> float:
    a, b = set(one) - {0}, set(other) - {0}
    return 1 - len(a & b) / len(a | b)


def test_nearest_other_sentence_by_its_set_of_tokens() -> None:
    subject = Subject(OneHotBag(), Reviews(), name="bag")
    sample, training = subject.task.select("test:0"), subject.task.samples("train")
    record = analysis("counterfactual").run(subject, sample)
    distances = [jaccard(sample.inputs[0].tolist(), row) for row in training.inputs.tolist()]
    assert record.provenance["found"] == "train:1"
    assert record.distance == pytest.approx(distances[1]) == pytest.approx(2 / 3)
    assert distances[2] == 1.0
    assert record.texts == ("bad film film", "good good film film")
    assert record.changed == "67% of the tokens differ"


@pytest.mark.parametrize("name", ["confusion", "calibration"])
def test_labels_are_needed(name: str) -> None:
    subject, samples = made("softmax regression")
    typed = Samples(inputs=samples.inputs, labels=torch.full((13,), -1), ids=samples.ids)
    with pytest.raises(InputError, match="has no label"):
        analysis(name).run(subject, typed)
