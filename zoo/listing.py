"""Listing: a card and its figures as the command line prints them."""

from rich.box import SIMPLE
from rich.table import Table

from zoo.card import ModelCard
from zoo.metrics import Metrics


def table_of(cards: list[ModelCard]) -> Table:
    """One row per card: score, interval, spread over seeds and costs."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for title in ("model", "task", "score, 95 %", "over seeds", "parameters", "multiply-adds", "train s"):
        words = title in ("model", "task")
        table.add_column(title, no_wrap=not words, overflow="fold", justify="left" if words else "right")
    for each in cards:
        costs = "" if each.multiply_accumulates is None else rough(each.multiply_accumulates)
        numbers = rough(each.parameters), costs, f"{each.seconds:.1f}"
        table.add_row(each.name, each.task, short(each.metrics), over_seeds(each), *numbers)
    return table


def interval(metrics: Metrics) -> str:
    """A score with its interval over samples: accuracy in per cent, R² as it is."""
    if metrics.measure == "accuracy":
        return f"{metrics.score:.1%} ({metrics.low:.1%} to {metrics.high:.1%})"
    return f"{metrics.score:.3f} ({metrics.low:.3f} to {metrics.high:.3f})"


def rough(count: int) -> str:
    """Three digits of a count: 65.8 K, 1.49 M."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size:
            return f"{float(f'{count / size:.3g}'):g} {unit}"
    return str(count)


def short(metrics: Metrics) -> str:
    """The same without the sign of per cent, and with the name of R²."""
    return interval(metrics).replace("%", "") if metrics.measure == "accuracy" else f"R² {interval(metrics)}"


def over_seeds(described: ModelCard) -> str:
    """The mean over seeds with its interval, as "99.4 ± 0.3 (3)"; the score alone of one seed, or of equal ones."""
    kept = described.spread
    scale, places = (100, 1) if described.metrics.measure == "accuracy" else (1, 3)
    if len(set(kept.scores)) == 1:
        return f"{scale * kept.mean:.{places}f} ({'same' if len(kept.seeds) > 1 else 1})"
    assert kept.low is not None, "several seeds have an interval"
    assert kept.high is not None
    half = scale * (kept.high - kept.low) / 2
    return f"{scale * kept.mean:.{places}f} ± {half:.{places}f} ({len(kept.seeds)})"


def sentence(described: ModelCard) -> str:
    """What a model reaches, in one line."""
    metrics = described.metrics
    return (
        f"{described.name}: {metrics.measure} {interval(metrics)} on {metrics.samples:,} samples of "
        f"{described.task} ({described.scored}), over seeds {over_seeds(described)}; "
        f"{described.parameters:,} parameters, {described.seconds:.1f} s."
    )
