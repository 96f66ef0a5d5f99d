"""Provenance: what a record says about where it came from."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from workbench.subject import Subject


def provenance(subject: Subject) -> dict[str, Any]:
    """Model, hash of its weights, task, device and the versions that computed."""
    return {
        "subject": subject.name,
        "weights_sha256": subject.digest,
        "task": subject.task.name,
        "auto_reference_input": subject.task.absence,
        "device": str(subject.device),
        **_versions(),
    }


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("interpretability-workbench", "torch", "captum", "scikit-learn", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found
