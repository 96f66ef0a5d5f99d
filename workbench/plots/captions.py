"""Captions: what every figure of an attribution says beside it."""

import math

from workbench import answer
from workbench.plots import style
from workbench.quantity import significant
from workbench.records import Attribution, Evidence, Output

UNITS = {
    Output.LOGIT: "logits",
    Output.LOG_PROBABILITY: "nats",
    Output.PROBABILITY: "probability",
    Output.MARGIN: "logits",
}


def unit(attribution: Attribution) -> str:
    """The unit of a method whose values add up to a difference of f; others have none that they share."""
    if answer.is_number(attribution):
        return "output" if math.isfinite(attribution.f_reference[0]) else ""
    return UNITS[attribution.target.output] if math.isfinite(attribution.f_reference[0]) else ""


def scale_title(attributions: tuple[Attribution, ...]) -> str:
    """The title of the scale that several attributions share."""
    found = {unit(record) for record in attributions}
    return f"attribution, {found.pop()}" if len(found) == 1 and "" not in found else "attribution"


def heading(attribution: Attribution, index: int = 0) -> str:
    """Model, sample, what the model says and whether that is right."""
    parts = [attribution.subject, attribution.sample_ids[index], verdict(attribution, index)]
    return " · ".join(style.plain(part) for part in parts)


def verdict(attribution: Attribution, index: int) -> str:
    """ "says 9 (0.98), label 9 ✓"; a wrong prediction reads "label 4 ✗"; a number "says 152, measured 151"."""
    known, right = answer.truth(attribution, index), answer.is_right(attribution, index)
    mark = {True: " ✓", False: " ✗", None: ""}[right]
    return f"says {answer.said(attribution, index)}" + (f", {known}{mark}" if known else "")


def explained(attribution: Attribution, index: int) -> str:
    """What is explained: "logit of 9"."""
    return style.plain(answer.explained(attribution, index))


def numbers(attribution: Attribution, index: int) -> list[str]:
    """f(x), f(x′), the gap, the steps, the seed and the cost, in short lines."""
    values = [f"f(x) {significant(float(attribution.f_x[index]))}"]
    made = []
    if math.isfinite(attribution.f_reference[index]):
        values.append(f"f(x′) {significant(float(attribution.f_reference[index]))}")
        made.append(f"gap {answer.gap(attribution, index)}")
    if attribution.seed is not None:
        made.append(f"seed {attribution.seed}")
    passes = f"{attribution.forward_passes:,} forward"
    if attribution.backward_passes:
        passes += f", {attribution.backward_passes:,} backward passes"
    else:
        passes += " passes"
    lines = [" · ".join(values), " · ".join(made), passes, style.plain(", ".join(attribution.steps))]
    return [line for line in lines if line]


def grade(evidence: Evidence | None, colours: style.Palette) -> str:
    """The grade's shape and word in its colour, or nothing."""
    if evidence is None:
        return ""
    colour = colours.grades[evidence.grade]
    return f'<span style="color:{colour}">{style.SYMBOLS[evidence.grade]} {evidence.grade.value}</span>'


def named(attribution: Attribution) -> str:
    """What an attribution is called beside others: its title, or its method's name."""
    return attribution.title or style.readable(attribution.method)


def emphasised(text: str, colours: style.Palette) -> str:
    """Text in the theme's full text colour."""
    return f'<span style="color:{colours.text}"><b>{style.plain(text)}</b></span>'
