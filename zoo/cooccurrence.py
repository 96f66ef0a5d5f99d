"""Co-occurrence: word vectors from which tokens stand near which, as a start for an embedding table."""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

WINDOW = 5
"""Tokens further apart than this do not count as neighbours; nearer ones count 1 / distance."""
SPREAD = 0.1
"""Standard deviation of the table."""


def cooccurrence(
    inputs: Int[Tensor, "sample token"], vocabulary: int, hidden: int, padding: int, missing: int
) -> Float[Tensor, "row hidden"]:
    """The leading factors of the positive pointwise mutual information M of neighbouring tokens: U √S of M ≈ U S Vᵀ.

    M_ab = max(0, log (n_ab / (n_a q_b))), q_b ∝ n_b^¾. Padding and missing tokens get zeros.

    When it misleads: good and bad stand in the same places, so neighbours in this space need not mean the same.
    Reference: [levy2014neural]
    """
    table, strength, _ = randomized_svd(_information(inputs.numpy(), vocabulary, padding), hidden, random_state=0)
    vectors = torch.tensor(table * np.sqrt(strength), dtype=torch.float32)
    vectors *= SPREAD / vectors.std()
    vectors[[padding, missing]] = 0
    return vectors


def _information(ids: np.ndarray, vocabulary: int, padding: int) -> sparse.csr_matrix:
    """The sparse matrix M."""
    counts = sparse.csr_matrix((vocabulary, vocabulary))
    for distance in range(1, WINDOW + 1):
        left, right = ids[:, :-distance].ravel(), ids[:, distance:].ravel()
        there = (left != padding) & (right != padding)
        left, right = left[there], right[there]
        weight = np.full(2 * len(left), 1 / distance)
        places = (np.concatenate((left, right)), np.concatenate((right, left)))
        counts += sparse.csr_matrix((weight, places), shape=counts.shape)
    total = np.asarray(counts.sum(1)).ravel() + 1e-9
    context = total**0.75 / (total**0.75).sum()
    pairs = counts.tocoo()
    information = np.log(pairs.data / (total[pairs.row] * context[pairs.col]))
    positive = information > 0
    return sparse.csr_matrix((information[positive], (pairs.row[positive], pairs.col[positive])), shape=counts.shape)
