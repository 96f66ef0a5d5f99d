"""Figures of counterfactuals: before, after, and what changed between them."""

import numpy as np
import plotly.graph_objects as go

from workbench.plots import captions, panels, style, table
from workbench.plots.panels import Panel
from workbench.quantity import significant
from workbench.records import Column, Counterfactual, Table


def figure(record: Counterfactual, *, theme: str = "light") -> go.Figure:
    """Images as three panels, the last the signed change; sentences under each other; anything else as bars."""
    if record.texts is not None:
        return _sentences(record, theme)
    before = record.before[0] if record.before.ndim == 4 else record.before
    after = record.after[0] if record.after.ndim == 4 else record.after
    title = f"{style.plain(record.sample_id)} · {style.plain(record.changed)} · distance {significant(record.distance)}"
    if before.ndim != 3:
        return _bars(record, title, theme)
    colours = style.palette(theme)
    change = (after - before).sum(0)
    shown = [
        Panel(image=before, caption=_says("before", record.before_name, record.before_probability, colours)),
        Panel(image=after, caption=_says("after", record.after_name, record.after_probability, colours)),
        Panel(image=before, map=change, caption=(captions.emphasised("change", colours), "after − before")),
    ]
    limit = float(np.abs(change).max()) or 1.0
    return panels.draw(shown, title=title, unit="change of input", theme=theme, columns=3, size=220, limits=[limit] * 3)


def _says(when: str, name: str, probability: float, colours: style.Palette) -> tuple[str, str]:
    return captions.emphasised(when, colours), f"says {style.plain(name)} ({probability:.2f})"


def _sentences(record: Counterfactual, theme: str) -> go.Figure:
    said = (
        f"{name} ({probability:.2f})"
        for name, probability in (
            (record.before_name, record.before_probability),
            (record.after_name, record.after_probability),
        )
    )
    rows = tuple(zip(("before", "after"), record.texts or (), said, strict=True))
    columns = tuple(Column(title=title) for title in ("", "Sentence", "Says"))
    title = f"{record.sample_id} · {record.changed}"
    return table.figure(Table(title=title, columns=columns, rows=rows), theme=theme)


def _bars(record: Counterfactual, title: str, theme: str) -> go.Figure:
    colours = style.palette(theme)
    change = (record.after.astype(np.float64) - record.before.astype(np.float64)).reshape(-1)
    made = style.blank(theme, title, 300)
    limit = 1.08 * (float(np.abs(change).max()) or 1.0)
    colour = [colours.towards if value > 0 else colours.against for value in change]
    made.add_trace(
        go.Bar(y=change, marker={"color": colour}, hovertemplate="feature %{x}<br>change %{y:.3g}<extra></extra>")
    )
    says = (
        f"{record.before_name} ({record.before_probability:.2f}) → {record.after_name} ({record.after_probability:.2f})"
    )
    made.update_xaxes(title_text=style.plain(f"feature · {says}"), showgrid=False)
    made.update_yaxes(title_text="after − before", range=[-limit, limit], zeroline=True, zerolinecolor=colours.quiet)
    return made
