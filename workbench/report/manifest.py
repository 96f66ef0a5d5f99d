"""The manifest: what a report shows, so that a machine can check it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from workbench.record import Record
from workbench.records import Attribution, Evidence, Score
from workbench.report.blocks import Block, all_records
from workbench.storage import digest, to_json


def manifest(content: Sequence[Block], title: str) -> dict[str, Any]:
    """Title, and of every record shown its kind, what it is about, its sha256 and its provenance. No time, no date."""
    return {
        "format": "interpretability-workbench manifest 1",
        "title": title,
        "records": [_entry(record) for record in all_records(content)],
    }


def facts_of(record: Record) -> tuple[tuple[str, str], ...]:
    """How a record was made, as names and values: settings, seed, passes, provenance and its sha256."""
    facts: dict[str, Any] = {"record": record.name, **_about(record)}
    if isinstance(record, Attribution):
        facts |= {f"setting {name}": value for name, value in record.parameters.items()}
        facts["passes"] = f"{record.forward_passes:,} forward, {record.backward_passes:,} backward"
        facts["steps after the method"] = ", ".join(record.steps) or "none"
    facts |= dict(record.provenance)
    facts["record sha256"] = digest(record)
    return tuple((name, value if isinstance(value, str) else _plain(value)) for name, value in facts.items())


def lists_of(records: Sequence[Record]) -> list[tuple[tuple[str, str], ...]]:
    """How several records were made: first what they have in common, then what each has of its own."""
    every = [facts_of(record) for record in records]
    if len(every) < 2:
        return every
    common = [fact for fact in every[0] if all(fact in facts for facts in every)]
    own = [tuple(fact for fact in facts if fact not in common) for facts in every]
    return [tuple(common), *own]


def _entry(record: Record) -> dict[str, Any]:
    provenance = to_json(record)["fields"]["provenance"]
    return {"record": record.name, **_about(record), "sha256": digest(record), "provenance": provenance}


def _about(record: Record) -> dict[str, Any]:
    """What a record is about, in the fields that it has for that."""
    wanted: tuple[str, ...] = ("title",)
    if isinstance(record, (Attribution, Score, Evidence)):
        wanted = ("metric", "method", "subject", "sample_id", "sample_ids", "seed", "grade")
    names = {entry.name for entry in fields(record)} & set(wanted)
    about = {name: getattr(record, name) for name in wanted if name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in about.items() if value != ""}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value)
