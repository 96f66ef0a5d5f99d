"""Hessian-vector products and the top eigenvalue, against dense matrices and closed forms."""

import threading
from functools import cache

import numpy as np
import pytest
import torch
from curvature_oracles import (
    CASES,
    Loss,
    Made,
    constants,
    dense_hessian,
    made,
    seeded,
    sentences,
    softmax_regression_hessian,
    vectors,
)
from shelf import marked, of_each_family
from torch import Tensor, nn

import workbench
import zoo
from workbench.analysis import measure
from workbench.landscape.curvature import Hessian
from workbench.landscape.loss import Batch
from workbench.landscape.loss import Loss as MeanLoss
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.loading import untrained
from zoo.model import Capability
from zoo.task import Samples


def columns(hessian: Hessian) -> np.ndarray:
    """The matrix that the products add up to."""
    return torch.stack([hessian.product(row) for row in torch.eye(hessian.size, dtype=torch.float64)]).numpy()


@cache
def dense(case: str) -> np.ndarray:
    subject, samples = made(case)
    return dense_hessian(subject.network, samples.inputs, samples.labels)


def check_hessian(kind: type[Hessian], case: str, rows: int, kept: int = 2**20) -> None:
    """Ten random products: a matrix that differs anywhere gives a different one."""
    matrix, (subject, samples) = dense(case), made(case)
    assert np.abs(matrix).max() > 1e-3, "the case has no curvature"
    hessian = kind(MeanLoss.of(subject, samples, "float64", rows=rows), kept=kept)
    probes = torch.randn(10, len(matrix), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = torch.stack([hessian.product(probe) for probe in probes]).numpy()
    np.testing.assert_allclose(found, probes.numpy() @ matrix, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kept", [0, 2**20], ids=["graph made anew", "graph kept"])
@pytest.mark.parametrize("rows", [13, 5], ids=["one batch", "last batch smaller"])
@pytest.mark.parametrize("case", CASES)
def test_products_are_those_of_the_dense_hessian(case: str, rows: int, kept: int) -> None:
    check_hessian(Hessian, case, rows, kept)


CLASSES = [name for name in of_each_family(trained=True) if not zoo.task(zoo.recipe(name).task).regression]
"""The landscape is that of the cross-entropy of one answer per sample."""
ONE_ANSWER = [name for name in CLASSES if Capability.SEQUENCE not in untrained(zoo.recipe(name)).capabilities]


@pytest.mark.parametrize("name", marked(ONE_ANSWER, examples=False))
def test_products_on_the_models_of_the_zoo_are_differences_of_gradients(name: str) -> None:
    subject = workbench.load(name, "cpu")
    samples = subject.task.select("0:6")
    hessian = Hessian(MeanLoss.of(subject, samples, "float64"))
    probe = torch.randn(hessian.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    step = 1e-9  # small, or a rectifier among thousands crosses its kink
    there, back = (gradient_at(subject, samples, sign * step * probe) for sign in (1, -1))
    expected, found = (there - back) / (2 * step), hessian.product(probe)
    assert expected.norm() > 0
    assert (found - expected).norm() < 1e-4 * expected.norm()
    record = measure("top_eigenvalue").run(subject, samples)
    assert record.parameters["residual"] <= 1.1e-3 * record.values[0]
    assert record.values[0] > record.control.max()


def gradient_at(subject: Subject, samples: Samples, displacement: Tensor) -> Tensor:
    """∂L/∂θ of a full copy whose weights were moved, in float64."""
    moved = subject.editable().double().requires_grad_(True)
    weights = list(moved.parameters())
    with torch.no_grad():
        for weight, part in zip(weights, displacement.split([w.numel() for w in weights]), strict=True):
            weight.add_(part.view_as(weight))
    inputs = samples.inputs.double() if samples.inputs.is_floating_point() else samples.inputs
    loss = nn.functional.cross_entropy(moved(inputs), samples.labels)
    return torch.cat([gradient.flatten() for gradient in torch.autograd.grad(loss, weights)])


def test_the_oracle_is_the_closed_form_of_softmax_regression() -> None:
    subject, samples = made("softmax regression")
    weight, bias = (p.detach().double().numpy() for p in subject.network.parameters())
    expected = softmax_regression_hessian(weight, bias, samples.inputs.double().numpy())
    np.testing.assert_allclose(dense_hessian(subject.network, samples.inputs, samples.labels), expected, atol=1e-12)


class BatchMeans(Hessian):
    """Broken: the mean of batch means, as if the last batch were whole."""

    def _gradient(self, batch: Batch) -> tuple[Tensor, ...]:
        share = self.loss.count / (len(batch) * len(self.loss.batches))
        return tuple(gradient * share for gradient in super()._gradient(batch))


class ForwardOverReverse(Hessian):
    """Broken by torch.func: jvp of a jacrev, silently wrong behind an affine layer norm."""

    def product(self, vector: Tensor) -> Tensor:
        names, trained = zip(*self.loss.weights.items(), strict=True)

        def loss(weights: tuple[Tensor, ...]) -> Tensor:
            return self.loss.summed(dict(zip(names, weights, strict=True)), self.loss.batches[0]) / self.loss.count

        parts = vector.split([weight.numel() for weight in trained])
        along = tuple(part.view_as(weight) for part, weight in zip(parts, trained, strict=True))
        _, rows = torch.func.jvp(torch.func.jacrev(loss), (trained,), (along,))
        return torch.cat([row.flatten() for row in rows])


def test_the_check_rejects_an_unweighted_last_batch() -> None:
    with pytest.raises(AssertionError, match="Not equal"):
        check_hessian(BatchMeans, "softmax regression", 5)


def test_the_check_rejects_forward_over_reverse_behind_a_layer_norm() -> None:
    check_hessian(ForwardOverReverse, "softmax regression", 13)
    with pytest.raises(AssertionError, match="Not equal"):
        check_hessian(ForwardOverReverse, "layer norm", 13)


def test_parameters_that_nothing_reads_have_zero_rows() -> None:
    subject, samples = made("unused")
    found = columns(Hessian(MeanLoss.of(subject, samples, "float64")))
    assert not found[:15].any()
    assert found[15:].any(axis=1).all()


@pytest.mark.parametrize("end", ["largest", "magnitude"])
@pytest.mark.parametrize("case", CASES)
def test_top_eigenvalue_is_that_of_the_dense_hessian(case: str, end: str) -> None:
    subject, samples = made(case)
    spectrum = np.linalg.eigvalsh(dense(case))
    expected = spectrum[-1] if end == "largest" else spectrum[np.abs(spectrum).argmax()]
    for precision, tolerance in (("float64", 1e-6), ("float32", 1e-3)):
        record = measure("top_eigenvalue", end=end, precision=precision, tolerance=tolerance, most=200).run(
            subject, samples
        )
        assert record.values[0] == pytest.approx(expected, rel=tolerance)
        assert np.abs(spectrum - record.values[0]).min() <= record.high - record.values[0] + 1e-6
        assert record.high - record.low == pytest.approx(2 * record.parameters["residual"])
        assert record.parameters["converged"]
        assert not record.why


@pytest.mark.parametrize("weights", [(1.0, 2.0), (0.25, 8.0), (-3.0, -2 / 3)])
def test_curvature_at_the_minima_of_a_product(weights: tuple[float, float]) -> None:
    """(w₁w₂ − y)²/2 has λ = w₁² + w₂² wherever w₁w₂ = y: as flat or sharp as one likes, with the same function."""
    target = weights[0] * weights[1]
    network = Loss(torch.tensor(weights).double(), lambda w: (w[0] * w[1] - target) ** 2 / 2 + 0.5)
    record = measure("top_eigenvalue", precision="float64").run(of(network), constants())
    assert record.values[0] == pytest.approx(weights[0] ** 2 + weights[1] ** 2, rel=1e-6)


def test_curvature_is_not_invariant_to_rescaling() -> None:
    subject = seeded(lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3, bias=False)))
    scaled = subject.editable()
    with torch.no_grad():
        scaled[0].weight *= 8
        scaled[0].bias *= 8
        scaled[2].weight /= 8
    samples = vectors()
    assert torch.allclose(subject.logits(samples.inputs), scaled(samples.inputs))
    before, after = (measure("top_eigenvalue").run(s, samples).values[0] for s in (subject, subject.with_model(scaled)))
    assert after > 4 * before


def test_control_is_the_mean_curvature() -> None:
    """vᵀHv of random unit directions has the mean tr H / P."""
    subject, samples = made("layer norm")
    matrix = dense("layer norm")
    control = measure("top_eigenvalue", n_controls=100).run(subject, samples).control
    assert control.shape == (1, 100)
    error = control.std(ddof=1) / 10
    assert abs(control.mean() - np.trace(matrix) / len(matrix)) < 4 * error
    assert control.max() < np.linalg.eigvalsh(matrix)[-1]


def test_an_early_stop_says_so() -> None:
    subject, samples = made("attention")
    record = measure("top_eigenvalue", most=2).run(subject, samples)
    assert not record.parameters["converged"]
    assert "2 products" not in record.why
    assert "3 products" in record.why
    assert record.high - record.values[0] > 1e-3 * record.values[0]


def test_cost_bounds_the_passes() -> None:
    subject, samples = made("gru")
    view = subject.metered()
    analysis = measure("top_eigenvalue", most=5, tolerance=1e-6)
    analysis.run(view, samples)
    forward, backward = (count * len(samples) for count in analysis.cost())
    assert 0 < view.meter.forward <= forward
    assert 0 < view.meter.backward <= backward


def test_two_sessions_at_once_agree_with_one_and_leave_the_switches() -> None:
    subject, samples = made("attention")
    switches = [torch.backends.cuda.flash_sdp_enabled(), torch.backends.mkldnn.enabled]
    alone = measure("top_eigenvalue").run(subject, samples).values[0]
    found: list[float] = []

    def ask() -> None:
        found.append(measure("top_eigenvalue").run(subject, sentences()).values[0])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4
    assert [torch.backends.cuda.flash_sdp_enabled(), torch.backends.mkldnn.enabled] == switches


def test_a_network_with_a_weight_that_is_not_a_number() -> None:
    subject, samples = made("softmax regression")
    broken = subject.editable()
    with torch.no_grad():
        broken.weight[0, 0] = torch.nan
    with pytest.raises(InputError, match="not finite"):
        measure("top_eigenvalue").run(subject.with_model(broken), samples)


def of(network: nn.Module) -> Subject:
    return Subject(network, Made(classes=("a", "b"), given=constants()), name="made")
