"""Landscape: what the measures of the loss around the weights say in words."""

import math
from collections.abc import Iterator

import numpy as np

from pages.ui.markup import Html, element, facts, strong
from workbench.quantity import quantity, significant
from workbench.records import Score, Surface


def in_a_sentence(name: str, surface: Surface, eigenvalue: Score | None) -> Iterator[object]:
    """How steep it is around the trained weights: the loss at them, and where it has doubled."""
    centre = float(surface.loss[len(surface.y) // 2, len(surface.x) // 2])
    finite = surface.loss[np.isfinite(surface.loss)]
    yield "At the trained weights of "
    yield strong(name)
    yield f" the loss is {significant(centre)} nats"
    radius = first_distance(surface, centre + math.log(2))
    if radius is None:
        yield f"; nowhere on this plane does it rise by ln 2 (its highest is {significant(float(finite.max()))} nats)"
    else:
        yield f"; on this plane it first rises by ln 2 at {significant(radius, 2)} filter lengths"
    lower = float(finite.min()) < centre - 1e-3 * max(1.0, abs(centre))
    yield ", and it is lower elsewhere on the plane" if lower else ", and it is nowhere lower on the plane"
    if eigenvalue is not None:
        yield f"; the steepest curvature is {eigenvalue_text(eigenvalue)}"
    yield "."


def first_distance(surface: Surface, level: float) -> float | None:
    """The distance from the trained weights to the nearest point of the grid where the loss is at least `level`."""
    x, y = np.meshgrid(surface.x, surface.y)
    reached = np.where(np.isfinite(surface.loss), surface.loss, np.inf) >= level
    return float(np.hypot(x, y)[reached].min()) if reached.any() else None


def eigenvalue_text(score: Score) -> str:
    """The eigenvalue with its residual as the interval."""
    return quantity(score.mean, score.low, score.high)


def eigenvalue(score: Score) -> Html:
    """The eigenvalue, its residual and its control."""
    found = [
        ("value", f"{eigenvalue_text(score)} {score.unit}"),
        ("residual ‖Hv − λv‖", significant(float(score.parameters["residual"]), 2)),
        ("products used", f"{score.parameters['products']:,}"),
        ("along random directions", f"{significant(float(score.control.mean()), 2)} on average (the control)"),
    ]
    remark = [element("p", "wb-quiet", score.why)] if score.why else []
    return element("div", "", element("p", "wb-label", "Top eigenvalue of the Hessian"), facts(found), *remark)
