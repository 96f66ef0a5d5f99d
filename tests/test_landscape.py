"""Surfaces and lines through the weights: closed forms, true displacements, models left as they were."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from curvature_oracles import CASES, Loss, Made, constants, cross_entropy, made, seeded, vectors
from torch import Tensor, nn

from workbench.analysis import AbstractAnalysis, measure, measures
from workbench.landscape.directions import NORMALISATIONS, random_directions
from workbench.landscape.loss import Loss as MeanLoss
from workbench.landscape.surface import LossSurface
from workbench.records import Curve, Score, Surface
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.task import Samples

SMALL = {"surface": {"steps": 3}, "slice": {"steps": 3, "n_directions": 2}, "top_eigenvalue": {"most": 5}}


def quadratic() -> tuple[Subject, Callable[[Tensor], Tensor], Tensor]:
    """A loss ½ (θ − m)ᵀA(θ − m) + 1 over a matrix θ, away from its minimum, the same in no two directions."""
    chance = torch.Generator().manual_seed(3)
    factor, middle = torch.randn(12, 12, generator=chance), torch.randn(12, generator=chance)
    matrix, theta = factor @ factor.T / 12, torch.randn(3, 4, generator=chance)

    def q(weights: Tensor) -> Tensor:
        away = weights.flatten() - middle.to(weights)
        return away @ matrix.to(weights) @ away / 2 + 1

    return Subject(Loss(theta, q), Made(classes=("a", "b"), given=constants()), name="quadratic"), q, theta


def check_closed_form(kind: type[AbstractAnalysis], normalisation: str) -> None:
    """Every point of the surface is the quadratic at the weights moved by exactly x d₁ + y d₂."""
    subject, q, theta = quadratic()
    record = kind(steps=7, radius=0.75, normalisation=normalisation, seed=5).run(subject, constants())  # type: ignore
    first, second = (d["theta"].double() for d in random_directions({"theta": theta}, 2, 5, normalisation))
    assert record.loss.shape == (7, 7)
    np.testing.assert_array_equal(record.x, np.linspace(-0.75, 0.75, 7))
    for j, y in enumerate(record.y):
        for i, x in enumerate(record.x):
            expected = float(q(theta.double() + x * first + y * second))
            assert record.loss[j, i] == pytest.approx(expected, rel=1e-5), f"at x = {x}, y = {y}"


def check_untouched(analysis: AbstractAnalysis, case: str) -> None:
    """Parameters, buffers, modes and hooks of the module that was passed in are bit for bit what they were."""
    own = made(case)[0].editable().train()
    next(own.parameters()).requires_grad_(False)
    before = copy.deepcopy(own)
    subject, samples = Subject(own, made(case)[0].task), made(case)[1]
    shared = copy.deepcopy(subject.network.state_dict())
    analysis.run(subject, samples)
    for state, kept in ((own.state_dict(), before.state_dict()), (subject.network.state_dict(), shared)):
        assert all(torch.equal(tensor, kept[name]) for name, tensor in state.items()), "weights moved"
    for module, kept in zip(own.modules(), before.modules(), strict=True):
        assert module.training == kept.training
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert [p.requires_grad for p in own.parameters()] == [p.requires_grad for p in before.parameters()]
    assert all(p.grad is None for p in own.parameters())


def check_batches(kind: type[MeanLoss], case: str) -> None:
    """The loss is that of all samples at once, however they are batched."""
    subject, samples = made(case)
    inputs = samples.inputs.double() if samples.inputs.is_floating_point() else samples.inputs
    expected = cross_entropy(subject.editable().double()(inputs).detach().numpy(), samples.labels.numpy())
    for rows in (1, 5, 13, 256):
        loss = kind.of(subject, samples, "float64", rows=rows)
        assert loss.at(loss.weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_surface_of_a_quadratic(normalisation: str) -> None:
    check_closed_form(LossSurface, normalisation)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", measures())
def test_model_is_left_as_it_was(name: str, case: str) -> None:
    check_untouched(measure(name, **SMALL[name]), case)


@pytest.mark.parametrize("case", ["convolution", "the zoo's gru", "the zoo's transformer", "lstm"])
def test_loss_does_not_depend_on_batches(case: str) -> None:
    check_batches(MeanLoss, case)


def test_sentences_of_one_length_share_a_batch_without_padding() -> None:
    subject, samples = made("the zoo's gru")
    loss = MeanLoss.of(subject, samples, rows=5)
    rows = [row + [0] * (5 - len(row)) for batch in loss.batches for row in batch.inputs.tolist()]
    assert sorted(rows) == sorted(samples.inputs.tolist())
    assert [len(batch) for batch in loss.batches] == [5, 5, 3]
    assert all(batch.inputs[:, -1].any() for batch in loss.batches)
    assert loss.batches[0].inputs.shape[1] < 5


class ShiftedRows(LossSurface):
    """Broken: each row is written one step up."""

    def run(self, subject: Subject, samples: Samples) -> Surface:
        record = super().run(subject, samples)
        return copy.copy(record).__class__(**{**vars(record), "loss": np.roll(record.loss, 1, axis=0)})


class Transposed(LossSurface):
    """Broken: x and y exchanged."""

    def run(self, subject: Subject, samples: Samples) -> Surface:
        record = super().run(subject, samples)
        return Surface(**{**vars(record), "loss": record.loss.T})


class Unscaled(LossSurface):
    """Broken: coordinates are numbers of grid steps, not displacements."""

    def run(self, subject: Subject, samples: Samples) -> Surface:
        record = super().run(subject, samples)
        steps = np.arange(self.steps) - self.steps // 2.0
        return Surface(**{**vars(record), "x": steps, "y": steps})


@pytest.mark.parametrize("broken", [ShiftedRows, Transposed, Unscaled])
def test_the_check_rejects(broken: type[LossSurface]) -> None:
    with pytest.raises(AssertionError):
        check_closed_form(broken, "filter")


@dataclass(frozen=True, kw_only=True)
class LeavesItMoved(LossSurface):
    """Broken: walks the subject's own weights and comes back by subtraction."""

    def run(self, subject: Subject, samples: Samples) -> Surface:
        pair = random_directions(dict(subject.network.named_parameters()), 2, self.seed)
        with torch.no_grad():
            for name, parameter in subject.network.named_parameters():
                parameter.add_(0.1 * pair[0][name]).sub_(0.1 * pair[0][name])
        return super().run(subject, samples)


def test_the_check_rejects_a_model_left_moved() -> None:
    with pytest.raises(AssertionError, match="weights moved"):
        check_untouched(LeavesItMoved(steps=3), "layer norm")


class MeanOfMeans(MeanLoss):
    """Broken: the last, smaller batch weighs as much as the others."""

    def at(self, weights: Mapping[str, Tensor]) -> float:
        return float(np.mean([float(self.summed(weights, batch)) / len(batch) for batch in self.batches]))


def test_the_check_rejects_a_mean_of_batch_means() -> None:
    with pytest.raises(AssertionError):
        check_batches(MeanOfMeans, "convolution")


@pytest.mark.parametrize("case", CASES)
def test_lines_and_surface_meet_at_the_trained_weights(case: str) -> None:
    subject, samples = made(case)
    expected = cross_entropy(subject.logits(samples.inputs).numpy(), samples.labels.numpy())
    for radius in (0.1, 0.7, 1.0):
        plane = measure("surface", steps=5, radius=radius).run(subject, samples)
        lines = measure("slice", steps=5, radius=radius, n_directions=3).run(subject, samples)
        assert isinstance(plane, Surface)
        assert isinstance(lines, Curve)
        assert plane.x[2] == plane.y[2] == lines.x[2] == 0.0
        assert [plane.x[-1], plane.x[0]] == [radius, -radius]
        np.testing.assert_allclose([plane.loss[2, 2], *lines.y[:, 2]], expected, rtol=1e-5)
        assert plane.provenance["loss_at_trained_weights"] == plane.loss[2, 2]


def test_first_line_is_the_middle_row_of_the_surface() -> None:
    subject, samples = made("convolution")
    plane = measure("surface", steps=7, seed=3).run(subject, samples)
    lines = measure("slice", steps=7, seed=3, n_directions=2).run(subject, samples)
    np.testing.assert_allclose(lines.y, np.stack([plane.loss[3], plane.loss[:, 3]]), rtol=1e-6)


def scaled_before_batch_norm(factor: float) -> Subject:
    """The same function whatever the factor: batch norm without ε divides it out."""

    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=0.0), nn.ReLU(), nn.Linear(6, 3))

    network = seeded(build).editable()
    with torch.no_grad():
        for tensor in (network[0].weight, network[0].bias, network[1].running_mean):
            tensor.mul_(factor)
        network[1].running_var *= factor**2
    return Subject(network, seeded(build).task, name="scaled")


def test_scaling_before_batch_norm_changes_only_surfaces_that_are_not_normalised() -> None:
    surfaces = {
        (normalisation, factor): measure("surface", steps=5, normalisation=normalisation)
        .run(scaled_before_batch_norm(factor), vectors())
        .loss
        for normalisation in NORMALISATIONS
        for factor in (1.0, 8.0)
    }
    for normalisation in ("filter", "layer"):
        np.testing.assert_allclose(surfaces[normalisation, 1.0], surfaces[normalisation, 8.0], rtol=1e-5)
    assert np.abs(surfaces["none", 1.0] - surfaces["none", 8.0]).max() > 1e-3


def test_seed_alone_decides_the_plane() -> None:
    subject, samples = made("attention")
    runs = [measure("surface", steps=3, seed=seed).run(subject, samples).loss for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-3


@pytest.mark.parametrize("name", measures())
def test_cost_is_what_is_spent(name: str) -> None:
    subject, samples = made("layer norm")
    view, analysis = subject.metered(), measure(name, **SMALL[name])
    record = analysis.run(view, samples)
    limit = analysis.cost()[0] * len(samples)
    assert view.meter.forward <= limit if isinstance(record, Score) else view.meter.forward == limit


class Absent(TraditionalModel):
    name = "absent"

    def fit(self, samples: Samples, task: object, seed: int) -> None: ...

    def logits(self, inputs: Tensor) -> Tensor:
        return torch.zeros(len(inputs), 3)

    def parameters(self) -> int:
        return 0


@pytest.mark.parametrize("name", measures())
def test_refusals(name: str) -> None:
    subject, samples = made("softmax regression")
    traditional = Subject(Absent(), subject.task, name="absent")
    assert "traditional" in str(measure(name).why_not(traditional))
    with pytest.raises(InputError, match="traditional model"):
        measure(name).run(traditional, samples)
    typed = Samples(inputs=samples.inputs, labels=torch.full((13,), -1), ids=samples.ids)
    with pytest.raises(InputError, match="test:0 has no label"):
        measure(name).run(subject, typed)
    with pytest.raises(InputError, match="No samples"):
        measure(name).run(subject, samples.take([]))
    if "steps" in SMALL[name]:
        with pytest.raises(InputError, match="Use 5"):
            measure(name, steps=4).run(subject, samples)
