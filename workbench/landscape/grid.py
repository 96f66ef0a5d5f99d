"""Where a landscape is evaluated: displacements from the trained weights."""

import numpy as np
from jaxtyping import Float
from torch import nn

from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import Capability

SCALES = {
    "filter": "in lengths of each filter",
    "layer": "in lengths of each layer",
    "none": "as a distance between weights",
}
"""What one unit of a displacement is, by normalisation."""


def displacements(steps: int, radius: float) -> Float[np.ndarray, "step"]:
    """`steps` evenly spaced displacements from −radius to radius; the middle one is exactly zero."""
    if steps % 2 == 0:
        raise InputError(f"steps is {steps}, which is even, so no point would be the trained one. Use {steps + 1}.")
    half = steps // 2
    return radius * (np.arange(-half, half + 1) / half)


def why_no_weights(subject: Subject) -> str | None:
    """None where a subject has a loss landscape; else the sentence that says why it has none."""
    if not isinstance(subject.model, nn.Module):
        return f"{subject.name} is a traditional model without weights to move. Choose a network."
    if subject.task.regression or Capability.SEQUENCE in subject.capabilities:
        what = "a number" if subject.task.regression else "a class at every step"
        return f"The landscape is of the cross-entropy of one class, but {subject.name} answers with {what}."
    return None
