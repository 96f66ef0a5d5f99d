"""Lanczos, on matrices whose spectrum is given."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from workbench.landscape.lanczos import top_pair


def symmetric(eigenvalues: np.ndarray, seed: int) -> Tensor:
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues),) * 2))
    return torch.tensor(basis * eigenvalues @ basis.T)


@given(
    st.lists(st.floats(-10, 10).map(lambda x: round(x, 3)), min_size=1, max_size=12),
    st.integers(0, 1000),
    st.sampled_from(["largest", "magnitude"]),
)
def test_lanczos_finds_the_end_of_any_spectrum(eigenvalues: list[float], seed: int, end: str) -> None:
    """Repeated, negative, zero eigenvalues and a single row included."""
    spectrum = np.array(eigenvalues)
    matrix = symmetric(spectrum, seed)
    start = torch.tensor(np.random.default_rng(seed + 1).normal(size=len(spectrum)))
    pair = top_pair(lambda v: matrix @ v, start, end=end, tolerance=1e-9)
    expected = spectrum.max() if end == "largest" else np.abs(spectrum).max()
    assert (pair.value if end == "largest" else abs(pair.value)) == pytest.approx(expected, abs=1e-6)
    assert np.abs(spectrum - pair.value).min() <= pair.residual + 1e-9
    assert pair.products <= len(spectrum) + 1


Finder = Callable[[Callable[[Tensor], Tensor], Tensor, int], None]


def ours(product: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> None:
    top_pair(product, start, tolerance=1e-12, most=steps)


def three_terms(product: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> None:
    """Broken: Lanczos as on paper, orthogonal to the last two vectors only."""
    last, now, length = torch.zeros_like(start), start / start.norm(), torch.tensor(0.0)
    for _ in range(steps):
        new = product(now) - length * last
        new = new - (new @ now) * now
        last, now, length = now, new / new.norm(), new.norm()


def check_orthogonal(finder: Finder) -> None:
    """The vectors it multiplies with are orthonormal, also long after the other end of the spectrum has converged."""
    matrix = symmetric(np.concatenate([[-1000.0, -500.0], np.linspace(0, 1, 198)]), 0)
    asked: list[Tensor] = []

    def product(vector: Tensor) -> Tensor:
        asked.append(vector.clone())
        return matrix @ vector

    finder(product, torch.ones(200, dtype=torch.float64), 60)
    assert len(asked) >= 60
    basis = torch.stack(asked[:60])
    assert (basis @ basis.T - torch.eye(60)).abs().max() < 1e-12


def test_lanczos_stays_orthogonal() -> None:
    check_orthogonal(ours)


def test_the_check_rejects_lanczos_without_reorthogonalisation() -> None:
    with pytest.raises(AssertionError):
        check_orthogonal(three_terms)
