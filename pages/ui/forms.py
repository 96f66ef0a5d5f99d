"""Forms: a configuration's fields as widgets. Every value is in the link, and is checked again when it is built."""

from collections.abc import Sequence
from typing import Any, TypeVar

import streamlit as st

from pages.ui import controls, show
from pages.ui.markup import element
from workbench import settings
from zoo.errors import InputError

Config = TypeVar("Config", bound=settings.Extension)


def configure(kind: type[Config]) -> Config:
    """A configuration from a form that its fields describe."""
    given = {field.name: _field(kind, field) for field in settings.fields(kind)}
    return settings.build(kind, given)


def configure_all(kinds: Sequence[type[Config]]) -> list[Config]:
    """Configurations beside each other, each under its title."""
    made = []
    for column, kind in zip(st.columns(max(1, len(kinds)), gap="medium"), kinds, strict=False):
        with column:
            show.html(element("p", "wb-label", kind.title))
            made.append(configure(kind))
            if not settings.fields(kind):
                show.quiet("Nothing to set.")
    return made


def _check_number(kind: type[Config], field: Any, key: str) -> None:
    """Say so where a link gives a setting a value that it cannot have."""
    for given in st.query_params.get_all(key):
        try:
            settings.build(kind, {field.name: given})
        except InputError as error:
            show.problem(error)


def _field(kind: type[Config], field: Any) -> Any:
    """The widget of one setting."""
    key = f"{kind.name}.{field.name}"
    label = field.name.replace("_", " ").capitalize()
    told = field.metadata
    if told["choices"]:
        return controls.choose(label, list(told["choices"]), key=key, default=field.default)
    if field.type is bool:
        return st.toggle(label, value=field.default, key=key, bind="query-params", help=told["help"])
    _check_number(kind, field, key)
    if field.type in (int, float):
        return st.number_input(
            label,
            min_value=None if told["low"] is None else field.type(told["low"]),
            max_value=None if told["high"] is None else field.type(told["high"]),
            value=field.default,
            format="%d" if field.type is int else "%g",
            key=key,
            bind="query-params",
            help=told["help"],
        )
    return st.text_input(label, value=str(field.default), key=key, bind="query-params", help=told["help"])
