"""The target: which scalar of a model's answer is explained."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from zoo.errors import InputError, unknown


class Output(StrEnum):
    """Which scalar of the logits z is explained, for class c."""

    LOGIT = "logit"
    LOG_PROBABILITY = "log_probability"
    PROBABILITY = "probability"
    MARGIN = "margin"
    """z_c minus the largest other logit."""


@dataclass(frozen=True, kw_only=True, init=False)
class Target:
    """The scalar that is explained: `of` is "predicted", "label" or a class index; `output` what is read of it.

    An output may be given by its name. Raises `InputError` for anything else.
    """

    of: str | int = "predicted"
    output: Output = Output.LOGIT

    def __init__(self, *, of: str | int | np.integer = "predicted", output: Output | str = Output.LOGIT) -> None:
        if output not in list(Output):
            raise unknown("output", output, Output)
        index = isinstance(of, (int, np.integer)) and not isinstance(of, bool)
        if not index and of not in ("predicted", "label"):
            raise InputError(
                f"Target {of!r} is not 'predicted', 'label' or a class index such as 3. Give one of these."
            )
        object.__setattr__(self, "of", int(of) if index else of)
        object.__setattr__(self, "output", Output(output))

    def __str__(self) -> str:
        return f"{self.output.replace('_', ' ')} of {'class ' if isinstance(self.of, int) else 'the '}{self.of}"
