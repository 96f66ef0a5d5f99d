"""Figures of loss surfaces: contours of the logarithm of the loss, the path over it, the trained point."""

import math

import numpy as np
import plotly.graph_objects as go

from workbench.plots import style
from workbench.records import Surface

VIEWS = ("contour", "3d")


def figure(
    record: Surface, *, theme: str = "light", view: str = "contour", limits: tuple[float, float] | None = None
) -> go.Figure:
    """The loss on a logarithmic colour scale, as contours from above or as a relief.

    `limits`, the least and largest loss of the scale, lets two surfaces share one.
    """
    if view not in VIEWS:
        raise ValueError(f"There is no view {view!r}; choose {' or '.join(VIEWS)}.")
    colours = style.palette(theme)
    made = style.blank(theme, style.plain(record.title), 520, 620)
    z, low, high = _logarithm(record.loss, limits)
    ticks = style.log_ticks(low, high)
    bar = style.colour_bar(colours, f"loss: {style.plain(record.unit)}")
    bar |= {"tickvals": [math.log10(t) for t in ticks], "ticktext": [f"{t:g}" for t in ticks]}
    scale = {"colorscale": style.LOSS, "colorbar": bar}
    if view == "3d":
        _relief(made, record, z, (low, high), ticks, scale, colours)
        return made
    _contours(made, record, z, (low, high), scale)
    if record.path is not None and len(record.path):
        _path(made, record.path)
    _points(made, record)
    made.update_xaxes(
        title_text="displacement along direction 1", showgrid=False, constrain="domain", range=_ends(record.x)
    )
    made.update_yaxes(
        title_text="displacement along direction 2",
        showgrid=False,
        scaleanchor="x",
        constrain="domain",
        range=_ends(record.y),
    )
    made.update_layout(margin={"r": 110})
    return made


def _logarithm(loss: np.ndarray, limits: tuple[float, float] | None) -> tuple[np.ndarray, float, float]:
    positive = loss[np.isfinite(loss) & (loss > 0)]
    low, high = limits or ((float(positive.min()), float(positive.max())) if positive.size else (0.1, 1.0))
    if high <= low:
        high = low * 1.01
    with np.errstate(invalid="ignore"):
        return np.log10(np.clip(loss, low, None)), low, high


def _contours(made: go.Figure, record: Surface, z: np.ndarray, ends: tuple[float, float], scale: dict) -> None:
    low, high = math.log10(ends[0]), math.log10(ends[1])
    made.add_trace(
        go.Contour(
            z=z,
            x=record.x,
            y=record.y,
            zmin=low,
            zmax=high,
            contours={"start": low, "end": high, "size": (high - low) / 18, "coloring": "heatmap"},
            line={"width": 0.5, "color": "rgba(255,255,255,0.35)"},
            customdata=record.loss,
            hovertemplate="(%{x:.3g}, %{y:.3g})<br>loss %{customdata:.3g}<extra></extra>",
            **scale,
        )
    )


def _path(made: go.Figure, path: np.ndarray) -> None:
    for colour, width in (("#000000", 4), ("#FFFFFF", 2)):
        made.add_trace(
            go.Scatter(
                x=path[:, 0],
                y=path[:, 1],
                mode="lines+markers" if width == 2 else "lines",
                line={"color": colour, "width": width},
                marker={"size": 4, "color": colour},
                name="path",
                hovertemplate="step %{pointNumber}<extra>path</extra>" if width == 2 else None,
                hoverinfo=None if width == 2 else "skip",
            )
        )


def _points(made: go.Figure, record: Surface) -> None:
    """The trained weights, which lie at (0, 0), and the grid's least loss where that is elsewhere."""
    marks = [(0.0, 0.0, "trained", "circle-open")]
    if np.isfinite(record.loss).any():
        row, column = np.unravel_index(np.nanargmin(record.loss), record.loss.shape)
        x, y = float(record.x[column]), float(record.y[row])
        if (x, y) != (0.0, 0.0):
            marks.append((x, y, "least on the grid", "x-thin-open"))
    for x, y, name, symbol in marks:
        made.add_trace(
            go.Scatter(
                x=[x],
                y=[y],
                mode="markers+text",
                text=[name],
                textposition="top right",
                textfont={"color": "#FFFFFF", "shadow": "0 0 3px #000000, 0 0 2px #000000"},
                marker={"symbol": symbol, "size": 11, "color": "#FFFFFF", "line": {"width": 2, "color": "#FFFFFF"}},
                name=name,
                hovertemplate=f"{name} (%{{x:.3g}}, %{{y:.3g}})<extra></extra>",
            )
        )


def _relief(
    made: go.Figure,
    record: Surface,
    z: np.ndarray,
    ends: tuple[float, float],
    ticks: list[float],
    scale: dict,
    colours: style.Palette,
) -> None:
    low, high = math.log10(ends[0]), math.log10(ends[1])
    made.add_trace(
        go.Surface(
            z=z,
            x=record.x,
            y=record.y,
            cmin=low,
            cmax=high,
            customdata=record.loss,
            hovertemplate="(%{x:.3g}, %{y:.3g})<br>loss %{customdata:.3g}<extra></extra>",
            showscale=False,
            colorscale=scale["colorscale"],
        )
    )
    plain = {"backgroundcolor": colours.ground, "gridcolor": colours.line, "color": colours.quiet, "showspikes": False}
    upright = {"tickvals": [math.log10(t) for t in ticks], "ticktext": [f"{t:g}" for t in ticks]}
    made.update_layout(
        margin={"l": 0, "r": 0, "t": 44, "b": 0},
        scene={
            "xaxis": plain | {"title": {"text": "direction 1"}},
            "yaxis": plain | {"title": {"text": "direction 2"}},
            "zaxis": plain | upright | {"title": {"text": f"loss: {style.plain(record.unit)}"}},
            "camera": {"eye": {"x": 1.45, "y": -1.45, "z": 1.05}},
        },
    )


def _ends(values: np.ndarray) -> list[float]:
    return [float(values.min()), float(values.max())]
