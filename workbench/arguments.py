"""Arguments: what the words of a command line mean, checked before anything is computed."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from workbench.explanation import AbstractMethod, methods, methods_for, why_not
from workbench.records import Output, Target
from workbench.scoring import AbstractMetric, metrics, without_training
from workbench.settings import Extension
from workbench.subject import Subject
from zoo.errors import InputError, unknown
from zoo.task import Samples, TextTask

WRITABLE = (".html", ".json", ".safetensors")

Kind = TypeVar("Kind", bound=Extension)


def one_sample(subject: Subject, sample: str | None, text: str | None) -> Samples:
    """The sample of a reference, or of a typed sentence."""
    if sample is not None and text is None:
        return subject.task.select(sample)
    if text is None or sample is not None:
        raise InputError("Give either --sample (test:7) or --text (a sentence of your own), and not both.")
    if not isinstance(subject.task, TextTask):
        raise InputError(
            f"{subject.name} does not read sentences but samples of the kind {subject.task.kind}. "
            f"Use --sample {subject.task.scored}:0."
        )
    return subject.task.encode([text])


def some_samples(subject: Subject, samples: str) -> Samples:
    """The samples of a reference, or the first so many of the scored split."""
    if (count := _whole(samples)) is not None:
        if count == 0:
            raise InputError("--samples 0 asks for nothing. Give a count above 0, or samples such as 0:8.")
        size = len(subject.task.samples(subject.task.scored))
        return subject.task.select(f"0:{min(count, size)}")
    return subject.task.select(samples)


def split_samples(subject: Subject, data: str) -> Samples:
    """The first so many samples of a split: "train:512"; fewer where the split is smaller."""
    split, colon, given = data.partition(":")
    count = _whole(given) if colon else len(subject.task.samples(split))
    if not count:
        raise InputError(f"--data {data!r}: write SPLIT:COUNT with a count above 0, for example train:512.")
    return subject.task.select(f"{split}:0:{min(count, len(subject.task.samples(split)))}")


def target(of: str, output: str) -> Target:
    """The target of --target and --output."""
    if output not in list(Output):
        raise unknown("output", output, Output)
    index = _whole(of)
    if of not in ("predicted", "label") and index is None:
        raise InputError(f"--target {of!r} is not 'predicted', 'label' or a class index such as 3.")
    return Target(of=of if index is None else index, output=Output(output))


def chosen(names: str, found: Mapping[str, type[Kind]], word: str, usual: Iterable[str] | None = None) -> list[Kind]:
    """One of each kind that `names` lists, at its defaults; "all" among them stands for the `usual` ones or, where none
    are given, for all there are."""
    listed = (name.strip() for name in names.split(","))
    every = list(found if usual is None else usual)
    picked = list(dict.fromkeys(one for name in listed for one in (every if name == "all" else [name])))
    for name in picked:
        if name not in found:
            raise unknown(word, name, found)
    return [found[name]() for name in picked]


def chosen_methods(
    names: str, subject: Subject, samples: Samples | None = None, target: Target = Target()
) -> list[AbstractMethod]:
    """The methods that `names` lists; "all" is all that fit the subject and, where they are given, the samples."""
    if names == "all":
        return [kind() for kind in methods_for(subject, samples, target).values()]
    picked = chosen(names, methods(), "method")
    for method in picked:
        if (reason := why_not(type(method), subject)) is not None:
            raise InputError(f"{reason} Methods that fit: {', '.join(methods_for(subject))}.")
    return picked


def chosen_metrics(names: str) -> list[AbstractMetric]:
    """The metrics that `names` lists; "all" among them stands for those that train no model: the others are asked for
    by name, as in "all,label_randomisation"."""
    return chosen(names, metrics(), "metric", without_training(metrics()))


def flags(words: Sequence[str] | None) -> dict[str, str]:
    """Settings written as flags: --n-steps 64 --seed=1 is {"n_steps": "64", "seed": "1"}."""
    pairs: dict[str, str] = {}
    rest = iter(words or ())
    for flag in rest:
        if not flag.startswith("--"):
            raise InputError(f"{flag!r} is not a flag. A setting is written --NAME VALUE, for example --n-steps 64.")
        name, equals, value = flag[2:].partition("=")
        given = value if equals else next(rest, None)
        if given is None:
            raise InputError(f"{flag} needs a value, for example {flag} 64.")
        pairs[name.replace("-", "_")] = given
    return pairs


def check_out(out: Path | None, allowed: Iterable[str] = WRITABLE) -> None:
    """Refuse what could not be written before anything is computed."""
    if out is None:
        return
    if out.suffix not in allowed:
        raise InputError(
            f"--out {out} ends in {out.suffix or 'nothing'}. Give a name that ends in {', '.join(allowed)}."
        )
    folder = out.absolute().parent
    if not folder.is_dir():
        raise InputError(f"--out {out}: the folder {folder} does not exist. Make it first.")
    if out.is_dir():
        raise InputError(f"--out {out} is a folder. Give the name of a file in it.")
    if not os.access(folder, os.W_OK):
        raise InputError(f"--out {out}: nothing can be written into {folder}. Choose another place.")


def _whole(text: str) -> int | None:
    """The whole number a text is, or None; a number of more than nine digits counts nothing here."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
