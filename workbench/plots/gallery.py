"""Figures of samples: images with their evidence outlined, series and tables with it framed, sentences with it bold."""

import textwrap

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.plots import panels, style
from workbench.plots.panels import Panel
from workbench.quantity import significant
from workbench.records import Gallery

WIDE = 880
COLUMNS = 4
"""Series beside each other."""
STRIP = 120
"""Height of a series, pixels."""
FEW = 4
"""Up to so many features of a series are drawn as lines, more as a map of time by feature."""
LETTERS = 104
"""Of a sentence in one line."""
ROW = 24


def figure(record: Gallery, *, theme: str = "light") -> go.Figure:
    """Each sample with what is asked of it below or before it; the planted evidence is outlined, framed or bold."""
    if {"height", "width"} <= set(record.axes):
        return _images(record, theme)
    if "token" in record.axes:
        return _sentences(record, theme)
    if "time" in record.axes:
        return _series(record, theme)
    return _plane(record, theme) if record.inputs.shape[1] == 2 else _rows(record, theme)


def _images(record: Gallery, theme: str) -> go.Figure:
    columns = min(len(record.sample_ids), 8)
    size = (WIDE - panels.LEFT - panels.RIGHT + panels.GAP) / 8 - panels.GAP
    shown = [
        Panel(
            image=record.inputs[index],
            caption=(f"<b>{style.plain(record.captions[index])}</b>", style.plain(name)),
            evidence=None if record.evidence is None else record.evidence[index],
        )
        for index, name in enumerate(record.sample_ids)
    ]
    title = style.plain(record.title)
    return panels.draw(shown, title=title, unit="", theme=theme, columns=columns, size=size, limits=[1.0] * len(shown))


def _series(record: Gallery, theme: str) -> go.Figure:
    colours = style.palette(theme)
    count = len(record.sample_ids)
    rows = -(-count // COLUMNS)
    titles = [f"{style.plain(record.captions[i])} · {style.plain(record.sample_ids[i])}" for i in range(count)]
    gap = 44 / (rows * (STRIP + 44))
    grid = make_subplots(rows, COLUMNS, subplot_titles=titles, vertical_spacing=gap, horizontal_spacing=0.05)
    lines = record.inputs.shape[2] <= FEW
    for index in range(count):
        place = {"row": index // COLUMNS + 1, "col": index % COLUMNS + 1}
        evidence = None if record.evidence is None else record.evidence[index]
        for trace in (_lines if lines else _map)(record.inputs[index], evidence, colours):
            grid.add_trace(trace, **place)
    blank = style.blank(theme, style.plain(record.title), rows * (STRIP + 44) + 90, WIDE)
    grid.update_layout(blank.layout)
    grid.update_layout(margin={"l": 34, "r": 8, "t": 70, "b": 34}, showlegend=False)
    grid.update_xaxes(showgrid=False, nticks=5, range=[-0.5, record.inputs.shape[1] - 0.5])
    grid.update_yaxes(showgrid=False, nticks=4)
    grid.update_annotations(font={"size": style.SMALL, "color": colours.quiet})
    return grid


def _lines(values: np.ndarray, evidence: np.ndarray | None, colours: style.Palette) -> list[go.Scatter]:
    """A line for each feature; steps that are evidence are marked by points."""
    steps = np.arange(len(values))
    traces = []
    for feature, line in enumerate(values.T):
        colour, _ = style.category(colours, feature)
        traces.append(go.Scatter(x=steps, y=line, mode="lines", line={"color": colour, "width": 1.2}, hoverinfo="skip"))
        if evidence is not None and evidence[:, feature].any():
            where = np.flatnonzero(evidence[:, feature])
            look = {"color": colours.towards, "size": 7, "symbol": "circle-open", "line": {"width": 2}}
            traces.append(go.Scatter(x=where, y=line[where], mode="markers", marker=look, name="evidence"))
    return traces


def _map(values: np.ndarray, evidence: np.ndarray | None, colours: style.Palette) -> list:
    """Time across, features upwards; the evidence is outlined."""
    largest = float(np.abs(values).max()) or 1.0
    whole = values.min() < 0
    trace = go.Heatmap(
        z=values.T,
        zmin=-largest if whole else 0.0,
        zmax=largest,
        colorscale=style.signed(colours) if whole else style.magnitude(colours),
        showscale=False,
        hovertemplate="step %{x}, feature %{y}<br>%{z:.3g}<extra></extra>",
    )
    if evidence is None or not evidence.any():
        return [trace]
    x, y = panels.outline(evidence.T)
    line = {"color": colours.text, "width": 2}
    return [trace, go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", name="evidence")]


def _rows(record: Gallery, theme: str) -> go.Figure:
    """A table: one row for each sample, its values in the cells; cells that are evidence are framed."""
    colours = style.palette(theme)
    count, width = record.inputs.shape
    names = record.feature_names or tuple(f"feature {i}" for i in range(width))
    made = style.blank(theme, style.plain(record.title), count * ROW, WIDE)
    limit = float(np.abs(record.inputs).max()) or 1.0
    made.add_trace(
        go.Heatmap(
            z=record.inputs,
            zmin=-limit,
            zmax=limit,
            colorscale=style.signed(colours),
            text=[[significant(float(value), 2) for value in row] for row in record.inputs] if width <= 13 else None,
            texttemplate="%{text}" if width <= 13 else None,
            textfont={"size": style.SMALL},
            colorbar=style.colour_bar(colours, "value", count * ROW),
            hovertemplate="%{x}: %{z:.3g}<extra></extra>",
        )
    )
    if record.evidence is not None:
        x, y = panels.outline(record.evidence)
        made.add_trace(go.Scatter(x=x, y=y, mode="lines", line={"color": colours.text, "width": 2}, hoverinfo="skip"))
    said = [f"{style.plain(c)} · {style.plain(i)}" for c, i in zip(record.captions, record.sample_ids, strict=True)]
    labels = {"tickvals": list(range(width)), "ticktext": [style.plain(name) for name in names]}
    made.update_xaxes(showgrid=False, tickangle=-60 if width > 6 else 0, side="bottom", **labels)
    made.update_yaxes(showgrid=False, range=[count - 0.5, -0.5], tickvals=list(range(count)), ticktext=said)
    below = 24 + (0.9 * max(style.text_width(name) for name in names) if width > 6 else 0)
    beside = min(260, 24 + max(style.text_width(text) for text in said))
    made.update_layout(showlegend=False, margin_l=beside, margin_b=below, height=count * ROW + 60 + below)
    return made


def _plane(record: Gallery, theme: str) -> go.Figure:
    """Samples with two features: points in the plane, coloured by what is asked of them."""
    colours = style.palette(theme)
    made = style.blank(theme, style.plain(record.title), 480, 640)
    captions = np.array(record.captions)
    for index, caption in enumerate(sorted(set(record.captions))):
        rows = captions == caption
        colour, symbol = style.category(colours, index)
        look = {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.75}
        x, y = record.inputs[rows].T
        made.add_trace(go.Scatter(x=x, y=y, mode="markers", marker=look, name=style.plain(caption)))
    names = record.feature_names or ("feature 0", "feature 1")
    made.update_xaxes(title_text=style.plain(names[0]), showgrid=False)
    made.update_yaxes(title_text=style.plain(names[1]), showgrid=False, scaleanchor="x")
    return made.update_layout(showlegend=True)


def _sentences(record: Gallery, theme: str) -> go.Figure:
    """One under the other: what is asked, then the words, those that are evidence in bold."""
    colours = style.palette(theme)
    notes, height = [], 0.0
    texts = [_sentence(record, index) for index in range(len(record.sample_ids))]
    tall = sum(18 * len(lines) + 26 for lines in texts)
    for index, lines in enumerate(texts):
        head = f"{style.plain(record.sample_ids[index])} · <b>{style.plain(record.captions[index])}</b>"
        place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1 - height / tall, "xanchor": "left", "yanchor": "top"}
        body = "<br>".join(lines)
        look = {"align": "left", "showarrow": False, "font": {"color": colours.text, "size": style.BODY}}
        notes.append({"text": f"<span style='color:{colours.quiet}'>{head}</span><br>{body}", **place, **look})
        height += 18 * len(lines) + 26
    made = style.blank(theme, style.plain(record.title), tall + 60, WIDE)
    made.update_xaxes(visible=False).update_yaxes(visible=False)
    return made.update_layout(annotations=notes, margin={"l": 4, "r": 4, "t": 46, "b": 4})


def _sentence(record: Gallery, index: int) -> list[str]:
    """The words of a sentence in lines; marks of evidence are put in after it was cut into lines."""
    tokens = record.tokens[index] if record.tokens is not None else ()
    evidence = np.zeros(len(tokens), bool) if record.evidence is None else record.evidence[index]
    words = [(token, bool(marked)) for token, marked in zip(tokens, evidence, strict=False) if token]
    joined = " ".join(word.replace(" ", "") for word, _ in words)
    lines = textwrap.wrap(joined, LETTERS, break_long_words=False, break_on_hyphens=False) or [""]
    shown, place = [], 0
    for line in lines[:4]:
        parts = []
        for word in line.split(" "):
            marked = place < len(words) and words[place][1]
            parts.append(f"<b><u>{style.plain(word)}</u></b>" if marked else style.plain(word))
            place += 1
        shown.append(" ".join(parts))
    return shown if len(lines) <= 4 else [*shown[:-1], shown[-1] + " …"]
