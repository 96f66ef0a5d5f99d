"""The archive: the leagues of the models of the zoo, kept as files that open at once. No network is loaded here."""

from collections.abc import Mapping
from pathlib import Path

import zoo
from workbench.league import League
from workbench.storage import load_record
from zoo.errors import InputError

FOLDER = Path(__file__).resolve().parent / "leagues"
KINDS = ("image", "text", "series", "table")
"""Of samples: the names that stand for all models of a kind."""
MOST_NAMED = 3
"""Names in a sentence, before the others are counted."""


def path_of(model: str, folder: Path = FOLDER) -> Path:
    """Where the league of a model lies."""
    return folder / f"{model}.safetensors"


def kept(folder: Path = FOLDER) -> tuple[str, ...]:
    """The models whose league is kept."""
    return tuple(sorted(path.stem for path in folder.glob("*.safetensors")))


def read(model: str, folder: Path = FOLDER) -> League:
    """The league of a model; `InputError` where none is kept, or the file is not one."""
    path = path_of(model, folder)
    if not path.is_file():
        raise InputError(f"No league of {model} is kept. Compute it with `workbench league {model}`.")
    record = load_record(path)
    if not isinstance(record, League) or record.subject != model:
        raise InputError(f"{path.name} is not the league of {model}. Compute it with `workbench league {model}`.")
    return record


def of(name: str, folder: Path = FOLDER) -> list[League]:
    """The league of a model or, where a kind of sample is named, those of all models of that kind."""
    if name not in KINDS:
        zoo.recipe(name)
        return [read(name, folder)]
    found = [league for model in kept(folder) if (league := read(model, folder)).kind == name]
    if not found:
        raise InputError(f"No league of a model of the kind {name} is kept. Compute one with `workbench league MODEL`.")
    return found


def staleness(league: League, digest: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """What has changed since a league was computed, in sentences; none where it is of what there is now.

    `digest` is that of the model's weights now, `settings` those of all methods and metrics that there are now.
    """
    found = []
    if league.digest != digest:
        found.append("The weights of the model are others now.")
    changed = [name for name, own in league.settings.items() if settings.get(name, own) != own]
    gone = [name for name in league.settings if name not in settings]
    added = [name for name in settings if name not in league.settings]
    for names, one, several in (
        (changed, "has other settings now", "have other settings now"),
        (gone, "is not there any more", "are not there any more"),
        (added, "is new and not in it", "are new and not in it"),
    ):
        if names:
            found.append(f"{_listed(names)} {one if len(names) == 1 else several}.")
    return tuple(found)


def _listed(names: list[str]) -> str:
    shown = [name.replace("_", " ") for name in names[:MOST_NAMED]]
    more = len(names) - len(shown)
    text = ", ".join(shown) + (f" and {more} more" if more else "")
    return text[:1].upper() + text[1:]
