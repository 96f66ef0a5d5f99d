"""Relative output stability."""

from dataclasses import dataclass

import numpy as np

from workbench.robustness import AbstractRobustness, Nearby


@dataclass(frozen=True, kw_only=True)
class RelativeOutputStability(AbstractRobustness):
    """How much the map changes, in shares of its size, where the model's answer changes by one, at most.

    max over x' of (‖a(x') − a(x)‖ / ‖a(x)‖) / ‖logits(x') − logits(x)‖

    x' are `n_near` inputs whose entries are moved by at most `radius` standard deviations of the training inputs.
    Those where the answer stays as it is, but for rounding (1e-5 of the logits' size), are left out, and a sample
    without others is not scored; the reference puts a small number in place of the change, which then decides the
    score. In the map the norms are divided, not the entries. The control shuffles each map nearby over its places.
    Lower is better.

    When it misleads: changes of the logits that cancel make any map look unstable, and the scale of the logits, which
    differs between models, is in it. What ignores the input scores 0.
    Reference: [agarwal2022rethinking]
    """

    name = "relative_output_stability"
    title = "Relative output stability"
    unit = "share per logit"

    def measured(self, nearby: Nearby) -> float:
        changed = nearby.answer > 0
        ratio = nearby.relative_change()[changed] / nearby.answer[changed]
        return float(ratio.max()) if changed.any() else np.nan
