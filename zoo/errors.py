"""Errors that a user can act on: one sentence that says what was given, what is allowed and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something from outside (a name, a file, a text, a number) cannot be used; the message says why and what to do."""


def unknown(kind: str, given: object, allowed: Iterable[str]) -> InputError:
    """The error for a name that is not in a closed list, with the nearest name that is."""
    names = sorted(allowed)
    near = get_close_matches(str(given), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InputError(f"There is no {kind} called {str(given)!r}.{hint} Choose one of: {', '.join(names)}.")
