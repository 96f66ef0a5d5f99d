"""Figures of attributions over time: the curve, with the attribution as shading behind it."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.plots import captions, style
from workbench.plots.panels import outline
from workbench.quantity import significant
from workbench.records import Attribution, Evidence

STRIP = 120
"""Height of the strip of one attribution, pixels."""
CAPTION = 26
FEW = 4
"""Up to so many features are drawn as lines."""
TOP, BOTTOM = 46, 48


def draw(
    rows: Sequence[Attribution], graded: Sequence[Evidence | None], *, common_scale: bool, theme: str
) -> go.Figure:
    """One series: a strip for each attribution.

    Up to four features are drawn as lines, with the attribution summed over them as shading behind; of more, the strip
    is the map of the attribution, time across and features upwards, with the evidence outlined.
    """
    colours = style.palette(theme)
    shades = [_shades(record) for record in rows]
    limits = [float(np.abs(values).max()) or 1.0 for values in shades]
    if common_scale:
        limits = [max(limits)] * len(limits)
    inner = len(rows) * (STRIP + CAPTION)
    figure = style.blank(theme, captions.heading(rows[0]), inner + TOP + BOTTOM)
    figure.update_layout(margin={"l": 56, "r": 84, "t": TOP, "b": BOTTOM}, hovermode="closest", showlegend=False)
    last = "y" if len(rows) == 1 else f"y{len(rows)}"
    figure.update_xaxes(title_text="time step", showgrid=False, anchor=last, range=[-0.5, shades[0].shape[1] - 0.5])
    notes = []
    for index, (record, values) in enumerate(zip(rows, shades, strict=True)):
        top = 1 - (index * (STRIP + CAPTION) + CAPTION) / inner
        domain = (max(0.0, top - STRIP / inner), top)
        shared = len(set(limits)) == 1
        bar = style.colour_bar(colours, captions.scale_title(tuple(rows)), STRIP) if shared and index == 0 else None
        _strip(figure, record, values, limits[index], "y" if index == 0 else f"y{index + 1}", domain, bar, colours)
        parts = [captions.emphasised(captions.named(record), colours), captions.grade(graded[index], colours)]
        own = "" if shared else f"scale ±{significant(limits[index], 2)}"
        text = " · ".join(filter(None, [*parts, *captions.numbers(record, 0)[:2], own]))
        notes.append(style.note(text, (0, top), "left bottom", paper=True, shift=(0, 3), colour=colours.quiet))
    return figure.update_layout(annotations=notes)


def _shades(record: Attribution) -> np.ndarray:
    """What is shaded, features upwards and time across; of few features their sum alone."""
    curves = _by_feature(record, record.values[0])
    return curves if len(curves) > FEW else curves.sum(0, keepdims=True)


def _by_feature(record: Attribution, values: np.ndarray) -> np.ndarray:
    """One line over time for each feature."""
    return np.moveaxis(values, record.axes.index("time") - 1, -1).reshape(
        -1, values.shape[record.axes.index("time") - 1]
    )


def _strip(
    figure: go.Figure,
    record: Attribution,
    values: np.ndarray,
    limit: float,
    axis: str,
    domain: tuple[float, float],
    bar: dict | None,
    colours: style.Palette,
) -> None:
    curves = _by_feature(record, record.inputs[0])
    whole = len(values) > 1
    low, high = (0.0, len(values) - 1.0) if whole else (float(curves.min()), float(curves.max()))
    margin = 0.5 if whole else 0.06 * ((high - low) or 1.0)
    ends = [low - margin, high + margin]
    place = {"domain": list(domain), "range": ends, "showgrid": False, "nticks": 4}
    figure.update_layout({axis.replace("y", "yaxis"): place | ({"title": {"text": "feature"}} if whole else {})})
    steps = np.arange(values.shape[1])
    figure.add_trace(
        go.Heatmap(
            z=values,
            x=steps,
            y=np.arange(len(values)) if whole else ends,
            zmin=-limit,
            zmax=limit,
            zmid=0,
            colorscale=style.signed(colours),
            showscale=bar is not None,
            colorbar=bar,
            hovertemplate=f"step %{{x}}{', feature %{y}' if whole else ''}<br>attribution %{{z:.3g}}<extra></extra>",
            yaxis=axis,
        )
    )
    look = {"color": colours.text, "width": 1.5}
    if not whole:
        for line in curves:
            figure.add_trace(go.Scatter(x=steps, y=line, mode="lines", line=look, hoverinfo="skip", yaxis=axis))
    elif record.evidence is not None and record.evidence[0].any():
        x, y = outline(_by_feature(record, record.evidence[0]))
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=look, hoverinfo="skip", yaxis=axis, name="evidence"))
