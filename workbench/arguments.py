"""Arguments: what the words of a command line mean, checked before anything is computed."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from workbench.records import Output, Target
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
        raise InputError(f"{subject.name} reads {subject.task.kind}, not text. Use --sample {subject.task.scored}:0.")
    return subject.task.encode([text])


def some_samples(subject: Subject, samples: str) -> Samples:
    """The samples of a reference, or the first so many of the scored split."""
    if samples.isdigit():
        size = len(subject.task.samples(subject.task.scored))
        return subject.task.select(f"0:{min(int(samples), size)}")
    return subject.task.select(samples)


def split_samples(subject: Subject, data: str) -> Samples:
    """The first so many samples of a split: "train:512"; fewer where the split is smaller."""
    split, _, count = data.partition(":")
    if count and not (count.isdigit() and int(count)):
        raise InputError(f"--data {data!r}: write SPLIT:COUNT with a count above 0, for example train:512.")
    size = len(subject.task.samples(split))
    return subject.task.select(f"{split}:0:{min(int(count or size), size)}")


def target(of: str, output: str) -> Target:
    """The target of --target and --output."""
    if output not in list(Output):
        raise unknown("output", output, Output)
    if of not in ("predicted", "label") and not of.isdigit():
        raise InputError(f"--target {of!r} is not 'predicted', 'label' or a class index such as 3.")
    return Target(of=int(of) if of.isdigit() else of, output=Output(output))


def chosen(names: str, found: Mapping[str, type[Kind]], word: str) -> list[Kind]:
    """One of each kind that `names` lists, at its defaults; "all" is all of them."""
    if names == "all":
        return [kind() for kind in found.values()]
    picked = [name.strip() for name in names.split(",")]
    for name in picked:
        if name not in found:
            raise unknown(word, name, found)
    return [found[name]() for name in picked]


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
    if not out.absolute().parent.is_dir():
        raise InputError(f"--out {out}: the folder {out.absolute().parent} does not exist. Make it first.")
