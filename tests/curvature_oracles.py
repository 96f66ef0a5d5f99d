"""Curvature and surfaces, slowly and literally: dense float64 Hessians, closed forms, and networks to ask them of."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from workbench.subject import Subject
from zoo.models.gru import Gru
from zoo.models.transformer import Transformer
from zoo.task import Kind, Samples, Task


def dense_hessian(network: nn.Module, inputs: Tensor, labels: Tensor) -> np.ndarray:
    """∂²L/∂θ∂θᵀ of the mean cross-entropy, row by row by double backward, in float64 and one batch."""
    double = copy.deepcopy(network).double().requires_grad_(True)
    given = inputs.double() if inputs.is_floating_point() else inputs
    weights = list(double.parameters())
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        loss = nn.functional.cross_entropy(double(given), labels)
    gradients = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
    rows = []
    for gradient, weight in zip(gradients, weights, strict=True):
        for place in range(weight.numel()):
            row = [None] * len(weights)
            if gradient is not None and gradient.requires_grad:
                row = torch.autograd.grad(gradient.flatten()[place], weights, retain_graph=True, allow_unused=True)
            filled = [torch.zeros_like(w) if r is None else r for r, w in zip(row, weights, strict=True)]
            rows.append(torch.cat([r.flatten() for r in filled]))
    return torch.stack(rows).numpy()


def softmax_regression_hessian(weight: np.ndarray, bias: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """mean of (diag p − ppᵀ) ⊗ xxᵀ for z = Wx + b, ordered as torch does: all of W, then b."""
    classes, features = weight.shape
    total = np.zeros((classes * (features + 1),) * 2)
    for x in inputs:
        z = weight @ x + bias
        p = np.exp(z - z.max())
        p /= p.sum()
        output = np.diag(p) - np.outer(p, p)
        jacobian = np.hstack([np.kron(np.eye(classes), x), np.eye(classes)])
        total += jacobian.T @ output @ jacobian
    return total / len(inputs)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """mean of log Σ exp z − z_y, in float64."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels]).mean())


@dataclass(frozen=True, eq=False)
class Made(Task):
    """A task of samples made up on the spot, or of those `given`."""

    name = "made"
    title = "Made up"
    kind: Kind = Kind.TABLE  # type: ignore[misc]
    axes = ("feature",)
    classes: tuple[str, ...] = ("a", "b", "c")  # type: ignore[misc]
    licence = citation = about = "none"
    given: Samples | None = None

    def load(self, split: str) -> Samples:
        return vectors(24, seed=len(split)) if self.given is None else self.given

    def groups(self, inputs: Tensor) -> Tensor:
        return torch.zeros_like(inputs, dtype=torch.long)


def labelled(inputs: Tensor, classes: int = 3, seed: int = 0) -> Samples:
    labels = torch.randint(classes, (len(inputs),), generator=torch.Generator().manual_seed(seed))
    return Samples(inputs=inputs, labels=labels, ids=tuple(f"test:{i}" for i in range(len(inputs))))


def vectors(count: int = 13, seed: int = 0) -> Samples:
    return labelled(torch.randn(count, 4, generator=torch.Generator().manual_seed(seed)), seed=seed)


def images(count: int = 13) -> Samples:
    return labelled(torch.randn(count, 2, 6, 6, generator=torch.Generator().manual_seed(1)))


def sentences(count: int = 13) -> Samples:
    chance = torch.Generator().manual_seed(2)
    ids = torch.randint(1, 9, (count, 5), generator=chance)
    lengths = torch.randint(2, 6, (count, 1), generator=chance)
    return labelled(torch.where(torch.arange(5) < lengths, ids, 0))


class Recurrent(nn.Module):
    """A recurrent layer over embedded tokens, its last state into a linear layer."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.lookup = nn.Embedding(9, 4, padding_idx=0)
        self.recurrent = kind(4, 5, batch_first=True, bidirectional=True)
        self.classify = nn.Linear(10, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        states, _ = self.recurrent(self.lookup(inputs))
        return self.classify(states.mean(1))


class Attentive(nn.Module):
    """One block of masked self-attention, with affine layer norms in front, where forward over reverse goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.lookup, self.place = nn.Embedding(9, 8), nn.Parameter(torch.randn(5, 8) / 4)
        self.norm, self.mixed, self.back = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.inner = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 8))
        self.classify = nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.lookup(inputs) + self.place
        query, key, value = self.mixed(self.norm(x)).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        mask = (inputs != 0)[:, None, None]
        heads = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.back(heads.transpose(1, 2).flatten(2))
        return self.classify((x + self.inner(x)).mean(1))


class WithUnused(nn.Module):
    """A network with a layer that nothing reads, and a bias that is only added: its own second derivatives are zero
    in no other entry."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(4, 3)
        self.used = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.used(inputs)


class Loss(nn.Module):
    """A network whose cross-entropy at label 0 is any q(θ) > 0: with logits (−q, log(1 − e^{−q})), −log p₀ = q."""

    def __init__(self, theta: Tensor, q: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.theta, self.q = nn.Parameter(theta), q

    def forward(self, inputs: Tensor) -> Tensor:
        q = self.q(self.theta)
        return torch.stack((-q, torch.log(-torch.expm1(-q)))).expand(len(inputs), 2)


def constants(count: int = 3) -> Samples:
    """What `Loss` is evaluated on: all labels 0."""
    return Samples(
        inputs=torch.zeros(count, 1), labels=torch.zeros(count).long(), ids=tuple(f"test:{i}" for i in range(count))
    )


def convolutional() -> nn.Module:
    """A convolution, a batch norm with moved statistics, a smooth activation."""
    network = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Softplus(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3)
    )
    statistics = network[1]
    statistics.running_mean.copy_(torch.tensor([0.3, -0.2, 0.1]))
    statistics.running_var.copy_(torch.tensor([0.5, 2.0, 1.5]))
    return network


def layered() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.ReLU(), nn.LayerNorm(6), nn.Linear(6, 3))


def encoder() -> nn.Module:
    """torch's own encoder layer, which takes a fused path where no gradient is asked for."""
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=10, dropout=0.1, batch_first=True)
    return nn.Sequential(nn.Embedding(9, 8), layer, nn.Flatten(), nn.Linear(40, 3))


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], Samples]]] = {
    "softmax regression": (lambda: nn.Linear(4, 3), vectors),
    "layer norm": (layered, vectors),
    "convolution": (convolutional, images),
    "gru": (lambda: Recurrent(nn.GRU), sentences),
    "lstm": (lambda: Recurrent(nn.LSTM), sentences),
    "attention": (Attentive, sentences),
    "encoder": (encoder, sentences),
    "unused": (WithUnused, vectors),
    "the zoo's gru": (lambda: Gru(vocabulary=9, classes=3, hidden=4, state=4), sentences),
    "the zoo's transformer": (lambda: Transformer(vocabulary=9, classes=3, hidden=4, inner=4), sentences),
}


def made(case: str, seed: int = 0) -> tuple[Subject, Samples]:
    """A case's subject, with seeded weights of some size, and its samples."""
    build, samples = CASES[case]
    given = samples()
    kind = Kind.TABLE if given.inputs.is_floating_point() else Kind.TEXT
    return replace(seeded(build, seed), task=Made(kind=kind, given=given)), given


def seeded(build: Callable[[], nn.Module], seed: int = 0) -> Subject:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
    return Subject(network.eval(), Made(), name="made")
