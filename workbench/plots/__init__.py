"""Plots: `plot(record)` draws any record. One file per kind of record; a file is all it takes to add one."""

import importlib
import inspect
import pkgutil
from functools import cache, singledispatch
from typing import Any

import plotly.graph_objects as go

from workbench.plots.attribution import plot_row
from workbench.plots.style import CONFIG
from workbench.quantity import quantity
from workbench.record import Record

__all__ = ["CONFIG", "plot", "plot_row", "quantity"]


def plot(record: Record, *, theme: str = "light") -> go.Figure:
    """The figure of a record, in the theme "light" or "dark". Show it with the configuration `CONFIG`.

    A pure function of the record: no network is touched, and the same record gives the same figure.
    """
    return _dispatcher()(record, theme=theme)


@cache
def _dispatcher() -> Any:
    """Every function called `figure` in this folder, chosen by the type of the record that it takes."""

    @singledispatch
    def draw(record: Any, *, theme: str = "light") -> go.Figure:
        raise TypeError(f"There is no {theme} figure for a {type(record).__name__}.")

    for entry in pkgutil.iter_modules(__path__):
        found = getattr(importlib.import_module(f"{__name__}.{entry.name}"), "figure", None)
        if found is not None:
            first = next(iter(inspect.signature(found).parameters.values()))
            if inspect.isclass(first.annotation) and issubclass(first.annotation, Record):
                draw.register(first.annotation, found)
    return draw
