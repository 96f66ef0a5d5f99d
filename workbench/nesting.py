"""Nesting: what stands in lists, tuples and dictionaries, as one row of leaves and a plan of where each belongs."""

from collections.abc import Sequence
from typing import Any


def flattened(given: Any, leaves: list[Any]) -> Any:
    """The plan of `given`: the same with the number of each leaf in its stead; the leaves are appended."""
    kind = type(given)
    if kind is tuple or kind is list:
        return kind([flattened(each, leaves) for each in given])
    if kind is dict:
        return {name: flattened(each, leaves) for name, each in given.items()}
    leaves.append(given)
    return len(leaves) - 1


def nested(plan: Any, leaves: Sequence[Any]) -> Any:
    """What the plan is of, with these leaves."""
    kind = type(plan)
    if kind is int:
        return leaves[plan]
    if kind is dict:
        return {name: nested(each, leaves) for name, each in plan.items()}
    return kind([nested(each, leaves) for each in plan])
