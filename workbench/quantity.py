"""Quantities as people read them: the digits that the interval justifies, a real minus sign, the unit."""

import math

from zoo.metrics import Metrics

MINUS = "\N{MINUS SIGN}"
SMALL = 1e-3
"""Quantities below, interval included, are written with a power of ten: "(1.1 ± 0.7)e−6"."""
RATIO_OF_SYMMETRY = 1.5
"""An interval whose longer arm is at most this many times its shorter one is written ±; others by both ends."""


def quantity(value: float, low: float = math.nan, high: float = math.nan, unit: str = "") -> str:
    """A value with its interval: "98.9 ± 0.7 %", "0.42 (0.31 to 0.71)", or three digits where there is no interval.

    The half-width of the interval keeps one significant digit, two where the first is 1; the value is rounded there.
    """
    suffix = f" {unit}" if unit else ""
    if not math.isfinite(value):
        return "–"
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return significant(value) + suffix
    largest = max(abs(value), abs(low), abs(high))
    if largest < SMALL:
        exponent = math.floor(math.log10(largest))
        scale = 10.0**exponent
        return _with_ends(value / scale, low / scale, high / scale, f"e{MINUS}{-exponent}") + suffix
    return _with_ends(value, low, high) + suffix


def scored(metrics: Metrics) -> str:
    """The score of a model with its interval over samples: "98.9 ± 0.7 %", or "R² 0.48 ± 0.12"."""
    if metrics.measure == "accuracy":
        return quantity(100 * metrics.score, 100 * metrics.low, 100 * metrics.high, "%")
    return f"{metrics.measure} {quantity(metrics.score, metrics.low, metrics.high)}"


def score_alone(metrics: Metrics, value: float) -> str:
    """Another score of the same kind, without an interval: "96.6 %", or "R² 0.48"."""
    return f"{fixed(100 * value, 1)} %" if metrics.measure == "accuracy" else f"{metrics.measure} {fixed(value, 3)}"


def _with_ends(value: float, low: float, high: float, power: str = "") -> str:
    """Value and interval, each times a power of ten."""
    half = (high - low) / 2
    places = _places(half)
    short, long = sorted((value - low, high - value))
    if short > 0 and long <= RATIO_OF_SYMMETRY * short:
        both = f"{fixed(value, places)} ± {fixed(half, places)}"
        return f"({both}){power}" if power else both
    return f"{fixed(value, places)}{power} ({fixed(low, places)}{power} to {fixed(high, places)}{power})"


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits: 0.0123, 4.57, 1,230; very small and large ones as 1.2e−7."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -4 or exponent > 6:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e").replace("-", MINUS)
    return fixed(value, max(0, digits - 1 - exponent))


def fixed(value: float, places: int) -> str:
    """A number with so many decimal places, thousands separated; never "−0.0". "–" where it is not finite."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:,.{places}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def decimals(largest: float, digits: int = 3) -> int:
    """Decimal places that give the largest number of a table so many significant digits; the others get the same."""
    return max(0, digits - 1 - math.floor(math.log10(largest))) if largest > 0 and math.isfinite(largest) else 0


def share(value: float) -> str:
    """A share as a percentage of two digits: 0.0023 is "0.23 %", 1e-9 is "< 0.01 %"."""
    if not math.isfinite(value):
        return "–"
    if 0 < abs(value) < 1e-4:
        return "< 0.01 %"
    return f"{significant(100 * value, 2)} %"


def _places(half: float) -> int:
    exponent = math.floor(math.log10(half))
    leading = half / 10.0**exponent
    return max(0, -exponent + (1 if leading < 1.95 else 0))
