"""Random directions: as long as the weights, orthogonal, along Gaussian draws."""

from collections.abc import Callable, Mapping

import pytest
import torch
from curvature_oracles import made
from torch import Tensor, nn

from workbench.landscape.directions import NORMALISATIONS, displaced, norm, random_directions
from workbench.landscape.grid import displacements
from workbench.landscape.loss import Weights
from zoo.errors import InputError

Directions = Callable[..., tuple[Weights, ...]]


def check_directions(directions: Directions, normalisation: str) -> None:
    """As long as the weights group by group, orthogonal, along the Gaussian draws of the seed."""
    weights = {name: p.detach() for name, p in made("attention")[0].network.named_parameters()}
    first, second = directions(weights, 2, 4, normalisation)
    chance = torch.Generator().manual_seed(4)
    draws = {name: torch.randn(w.shape, generator=chance, dtype=torch.float64) for name, w in weights.items()}
    products = 0.0
    for name, weight in weights.items():
        products += float((first[name].double() * second[name].double()).sum())
        if normalisation != "none" and weight.ndim == 1:
            assert not first[name].any()
            assert not second[name].any()
            continue
        rows = len(weight) if normalisation == "filter" else 1
        pair = [direction[name].reshape(rows, -1) for direction in (first, second)]
        along = nn.functional.cosine_similarity(pair[0].double(), draws[name].reshape(rows, -1))
        assert torch.allclose(along, torch.ones_like(along)), "not along its draw"
        if normalisation != "none":
            for direction in pair:
                assert torch.allclose(direction.norm(dim=1), weight.reshape(rows, -1).norm(dim=1)), "not as long"
    assert abs(products) < 1e-6 * norm(first) * norm(second), "not orthogonal"
    if normalisation == "none":
        assert norm(first) == pytest.approx(1)
        assert norm(second) == pytest.approx(1)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_directions(normalisation: str) -> None:
    check_directions(random_directions, normalisation)


def uniform(weights: Mapping[str, Tensor], count: int, seed: int, _: str) -> tuple[Weights, ...]:
    """Broken: drawn from [0, 1), so that any two directions are nearly parallel."""
    chance = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        drawn = {n: torch.rand(w.shape, generator=chance) if w.ndim > 1 else 0 * w for n, w in weights.items()}
        found.append({n: d * (weights[n].norm() / d.norm().clamp_min(1e-9)) for n, d in drawn.items()})
    return tuple(found)


def unnormalised(weights: Mapping[str, Tensor], count: int, seed: int, _: str) -> tuple[Weights, ...]:
    """Broken: orthogonal, but of length 1 whatever the weights."""
    return random_directions(weights, count, seed, "none")


def independent(weights: Mapping[str, Tensor], count: int, seed: int, normalisation: str) -> tuple[Weights, ...]:
    """Broken: scaled but never made orthogonal."""
    return tuple(random_directions(weights, 1, seed + k, normalisation)[0] for k in range(count))


def almost_twins(weights: Mapping[str, Tensor], count: int, seed: int, normalisation: str) -> tuple[Weights, ...]:
    """Broken: the second is the first and a little noise."""
    first, second = random_directions(weights, count, seed, normalisation)
    return first, {name: first[name] + 1e-3 * second[name] for name in first}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (uniform, "not along its draw"),
        (unnormalised, "not as long"),
        (independent, "not orthogonal"),
        (almost_twins, "not orthogonal"),
    ],
)
def test_the_check_rejects(broken: Directions, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        check_directions(broken, "layer")


def test_no_displacement_is_the_trained_weights_bit_for_bit() -> None:
    weights = {name: p.detach() for name, p in made("gru")[0].network.named_parameters()}
    pair = random_directions(weights, 2)
    assert all(torch.equal(weights[name], moved) for name, moved in displaced(weights, pair, (0.0, 0.0)).items())
    assert displacements(21, 0.3)[10] == 0.0


def test_more_directions_keep_the_first() -> None:
    weights = {name: p.detach() for name, p in made("convolution")[0].network.named_parameters()}
    few, many = random_directions(weights, 2, 7), random_directions(weights, 5, 7)
    for one, other in zip(few, many, strict=False):
        for name in weights:
            torch.testing.assert_close(one[name], other[name])


def test_groups_too_small_for_two_directions() -> None:
    one = {"w": torch.ones(3, 1)}
    with pytest.raises(InputError, match="direction 2"):
        random_directions(one, 2)
    first, second = random_directions(one, 2, normalisation="none")
    assert float((first["w"] * second["w"]).sum()) == pytest.approx(0, abs=1e-7)
