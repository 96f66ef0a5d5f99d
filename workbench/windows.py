"""Windows: squares that slide over an image, and stretches that slide along a series."""

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from workbench.perturbations import keep
from workbench.query import Query


def squares(height: int, width: int, window: int, stride: int) -> Bool[Tensor, "group height width"]:
    """True inside each square; the last one of a row or column is cut off where it would leave the image."""
    rows, columns = (_spans(size, window, stride) for size in (height, width))
    return (rows[:, None, :, None] & columns[None, :, None, :]).flatten(0, 1)


def stretches(shape: torch.Size, window: int, stride: int, together: bool) -> Bool[Tensor, "group time ..."]:
    """True inside each stretch of `window` steps of one thing that is measured, or of all `together`.

    The last stretch is cut off where it would leave the series, whose inputs have this shape.
    """
    window = min(window, shape[0])
    times, measured = _spans(shape[0], window, min(stride, window)), shape[1:].numel()
    what = torch.ones(1, measured, dtype=torch.bool) if together else torch.eye(measured, dtype=torch.bool)
    return (times[:, None, :, None] & what[None, :, None, :]).flatten(0, 1).view(-1, *shape)


def stretch_values(
    query: Query, inside: Bool[Tensor, "group time ..."], reference: Shaped[Tensor, "sample time ..."]
) -> Float[Tensor, "sample group"]:
    """f of each series with each stretch replaced by the reference."""
    samples, count = len(query.inputs), len(inside)
    rows, which = torch.arange(samples).repeat_interleave(count), torch.arange(count).repeat(samples)

    def build(part: slice) -> Tensor:
        return keep(query.inputs[rows[part]], ~inside[which[part]], reference[rows[part]])

    return query.built_values(build, rows).view(samples, count)


def _spans(size: int, window: int, stride: int) -> Bool[Tensor, "group place"]:
    """True inside each span of `window` places; they begin `stride` apart."""
    starts, places = torch.arange(0, -(-(size - window) // stride) + 1) * stride, torch.arange(size)
    return (places >= starts[:, None]) & (places < starts[:, None] + window)
