"""Figures of attributions: maps over images, shaded words, bars, shaded series."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench import answer
from workbench.plots import captions, panels, series, style, tabular, text
from workbench.plots.panels import Panel
from workbench.quantity import significant
from workbench.records import Attribution, Evidence

MOST_SAMPLES = 8
"""Samples of a batch that one figure shows."""
LEAST_SHARE = 1 / 3
"""Of a common scale that every map must use; below it a map would look empty, and each gets its own scale instead."""


def figure(record: Attribution, *, theme: str = "light") -> go.Figure:
    """One attribution: its samples one after another, each with f(x), f(x′), the gap, the seed and the cost."""
    if _is_image(record):
        return _images(record, theme)
    return plot_row([record], theme=theme)


def plot_row(
    attributions: Sequence[Attribution],
    evidence: Sequence[Evidence] | None = None,
    *,
    index: int = 0,
    theme: str = "light",
    common_scale: bool | None = None,
    width: float = 1000,
    titled: bool = True,
) -> go.Figure:
    """Several attributions of one sample side by side (images) or under each other (words, features, series).

    `index` is the sample's place in the records; `evidence` the grade of each attribution, in the same order.
    `common_scale` puts all maps on one symmetric scale, or each on its own, which is then stated beside it. None
    decides: methods measure in different units, so one scale is used only while every map fills a third of it.
    `width` is what the figure may take, in pixels: words and panels wrap there. An attribution with a title is called
    by it; `titled` says whether the figure names the model and the sample above.
    """
    rows = [record.take(index) for record in attributions]
    if not rows or len({row.sample_ids for row in rows}) != 1:
        raise ValueError("A row shows at least one attribution, and all of the same sample.")
    graded: list[Evidence | None] = list(evidence) if evidence is not None else [None] * len(rows)
    first = rows[0]
    if common_scale is None:
        largest = [_limit(_flat(row).values) for row in rows]
        common_scale = min(largest) >= LEAST_SHARE * max(largest)
    title = captions.heading(first) if titled else ""
    if _is_image(first):
        return _image_row(rows, graded, common_scale, title, width, theme)
    if first.axes == ("sample", "token"):
        return text.draw(rows, graded, common_scale=common_scale, title=title, width=width, theme=theme)
    if "time" in first.axes:
        return series.draw(rows, graded, common_scale=common_scale, theme=theme)
    return tabular.draw(rows, graded, common_scale=common_scale, theme=theme)


def _is_image(record: Attribution) -> bool:
    return record.axes[-2:] == ("height", "width")


def _flat(record: Attribution) -> Attribution:
    return record.sum("channel") if "channel" in record.axes else record


def _limit(values: np.ndarray) -> float:
    return float(np.abs(values).max()) or 1.0


def _image_row(
    rows: Sequence[Attribution],
    graded: Sequence[Evidence | None],
    common_scale: bool,
    title: str,
    width: float,
    theme: str,
) -> go.Figure:
    colours = style.palette(theme)
    flat = [_flat(record) for record in rows]
    limits = [_limit(record.values) for record in flat]
    if common_scale:
        limits = [max(limits)] * len(limits)
    first = rows[0]
    columns, size = panels.arranged(len(rows) + 1, width)
    mask = None if first.evidence is None else first.evidence[0]
    shown = [Panel(image=first.inputs[0], caption=_sample_caption(first, 0, colours), evidence=mask)]
    for record, found, limit in zip(flat, graded, limits, strict=True):
        caption = _map_caption(record, found, None if common_scale else limit, size + panels.GAP - 10, colours)
        shown.append(Panel(image=first.inputs[0], map=record.values[0], caption=caption, evidence=mask))
    return panels.draw(
        shown,
        title=title,
        unit=captions.scale_title(tuple(flat)),
        theme=theme,
        columns=columns,
        size=size,
        limits=[0.0, *limits],
    )


def _map_caption(
    record: Attribution, found: Evidence | None, limit: float | None, room: float, colours: style.Palette
) -> tuple[str, ...]:
    """Name, grade, gap where the method has one, and the map's own scale where it is not the row's."""
    name = style.broken(captions.named(record), room, style.SMALL + 2)
    lines = [*(captions.emphasised(line, colours) for line in name), captions.grade(found, colours)]
    if not np.isnan(record.f_reference[0]):
        lines.append(f"gap {answer.gap(record, 0)}")
    if limit is not None:
        lines.append(f"scale ±{significant(limit, 2)}")
    return tuple(filter(None, lines))


def _images(record: Attribution, theme: str) -> go.Figure:
    colours = style.palette(theme)
    flat = _flat(record)
    count = min(len(record), MOST_SAMPLES)
    limit = _limit(flat.values[:count])
    shown: list[Panel] = []
    for index in range(count):
        mask = None if record.evidence is None else record.evidence[index]
        lines = captions.numbers(flat, index) if count == 1 else captions.numbers(flat, index)[:2]
        caption = (captions.emphasised(captions.explained(record, index), colours), *lines)
        image = record.inputs[index]
        shown += [
            Panel(image=image, caption=_sample_caption(record, index, colours), evidence=mask),
            Panel(image=image, map=flat.values[index], caption=caption, evidence=mask),
        ]
    more = f" · first {count} of {len(record)} samples" if len(record) > count else ""
    return panels.draw(
        shown,
        title=f"{style.plain(record.title) or style.readable(record.method)} · {style.plain(record.subject)}{more}",
        unit=captions.scale_title((flat,)),
        theme=theme,
        columns=2 if count == 1 else 4,
        size=300 if count == 1 else 190,
        limits=[limit] * len(shown),
    )


def _sample_caption(record: Attribution, index: int, colours: style.Palette) -> tuple[str, ...]:
    said, _, label = captions.verdict(record, index).partition(", ")
    lines = [captions.emphasised(record.sample_ids[index], colours), style.plain(said)]
    if label:
        wrong = answer.is_right(record, index) is False
        lines.append(captions.emphasised(label, colours) if wrong else style.plain(label))
    return tuple(lines)
