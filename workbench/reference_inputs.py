"""Reference inputs x': what "the feature is missing" is taken to mean."""

import torch
from jaxtyping import Shaped
from torch import Tensor

from workbench.blur import blurred
from workbench.chance import per_sample
from workbench.query import Query
from zoo.errors import InputError
from zoo.task import Kind, TextTask

REFERENCE_INPUTS = ("auto", "zero", "mean", "blur", "noise", "data")
"""auto: what means "nothing is here" for the task.

For text, whose inputs are token ids, every name means a sentence of [MASK] tokens.
"""

BLUR_SIGMA = 0.15
"""Of the blur, as a share of the image's height: digits become a smudge, shapes a tint."""


def reference_inputs(query: Query, name: str = "auto", seed: int = 0) -> Shaped[Tensor, "sample ..."]:
    """One reference input per sample, in the shape of the inputs.

    auto: the task's `absence`. zero: all zeros. mean: the mean of the training inputs. blur: the input, low-passed
    (images). noise: uniform between the training inputs' least and largest value. data: training inputs drawn at
    random. On text: [MASK] in place of every token, which the models have seen in training as "missing".

    What is random depends on the seed and the sample's id, so that a sample has the same reference in any batch.
    """
    task, inputs = query.subject.task, query.inputs
    if isinstance(task, TextTask):
        return torch.where(inputs == task.padding, inputs, task.missing)
    name = task.absence if name == "auto" else name
    if name == "zero":
        return torch.zeros_like(inputs)
    if name == "blur":
        return _blurred(inputs, task.kind)
    training = task.samples("train").inputs
    if name == "mean":
        return training.mean(0, keepdim=True).expand_as(inputs).clone()
    ids = query.samples.ids
    if name == "noise":
        low, high = training.amin(), training.amax()
        draws = per_sample(lambda chance: torch.rand(inputs.shape[1:], generator=chance), ids, seed, "noise reference")
        return low + (high - low) * draws
    rows = per_sample(lambda chance: torch.randint(len(training), (), generator=chance), ids, seed, "data reference")
    return training[rows]


def _blurred(inputs: Tensor, kind: Kind) -> Tensor:
    if kind is not Kind.IMAGE:
        raise InputError(f"The reference 'blur' is for images; this is {kind}. Choose zero, mean, noise or data.")
    return blurred(inputs, torch.tensor([BLUR_SIGMA * inputs.shape[2]]))[:, 0]
