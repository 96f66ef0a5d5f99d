"""Figures of embeddings: points coloured by class, each class named where it lies."""

import numpy as np
import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.colour import rgba
from workbench.quantity import significant
from workbench.records import Embedding


def figure(record: Embedding, *, theme: str = "light") -> go.Figure:
    """The first two axes of a projection; colour and shape by class, its name at the class's median."""
    colours = style.palette(theme)
    made = style.blank(theme, style.plain(record.title), 480, 640)
    labels = np.array(record.labels)
    for index, label in enumerate(sorted(set(record.labels))):
        _cloud(made, record, np.flatnonzero(labels == label), label, style.category(colours, index), colours)
    names = [_axis_title(record, axis) for axis in range(2)]
    made.update_xaxes(title_text=names[0], showgrid=False, zeroline=False)
    made.update_yaxes(title_text=names[1], showgrid=False, zeroline=False)
    return made


def _cloud(
    made: go.Figure, record: Embedding, rows: np.ndarray, label: str, looks: tuple[str, str], colours: style.Palette
) -> None:
    colour, symbol = looks
    points = record.points[rows]
    made.add_trace(
        go.Scatter(
            x=points[:, 0],
            y=points[:, 1] if points.shape[1] > 1 else np.zeros(len(points)),
            mode="markers",
            name=style.plain(label),
            marker={"color": colour, "symbol": symbol, "size": 6, "opacity": 0.75},
            customdata=[style.plain(record.ids[row]) for row in rows],
            hovertemplate="%{customdata}<extra>" + style.plain(label) + "</extra>",
        )
    )
    middle = np.median(points, axis=0)
    height = float(middle[1]) if len(middle) > 1 else 0.0
    name = f"<b>{style.plain(label)}</b>"
    note = style.note(name, (float(middle[0]), height), "center middle", colour=colours.text, size=style.TITLE)
    made.add_annotation(note | {"bgcolor": rgba(colours.ground, 0.8), "borderpad": 2})


def _axis_title(record: Embedding, axis: int) -> str:
    if axis >= len(record.share):
        return ""
    share = record.share[axis]
    explained = f", {significant(100 * float(share), 2)} % of variance" if np.isfinite(share) else ""
    return f"component {axis + 1}{explained}"
