"""Sections of a saliency report, each a pure function of the findings."""

import inspect
from dataclasses import replace

import numpy as np

import zoo
from workbench import settings
from workbench.agreement import agreement
from workbench.evaluation import seeded
from workbench.explanation import AbstractMethod
from workbench.metrics.deletion import Deletion
from workbench.metrics.insertion import Insertion
from workbench.quantity import score_alone, scored, significant
from workbench.records import Curve, Matrix, Target
from workbench.removal import AbstractRemoval
from workbench.report import blocks
from workbench.report.blocks import Block
from workbench.report.findings import Findings, card_of
from workbench.report.single import said
from workbench.subject import Subject
from zoo.metrics import ClassMetrics, Metrics, NumberMetrics

LIMITS = """
- The samples were chosen by whoever asked for this report. Other samples can get other grades.
- Each method measures something of its own, so maps may differ without one of them being wrong. Where they do, the
section on agreement says by how much.
- Removing features makes inputs that the model has not seen in training. Deletion and insertion share that weakness,
which is why both are compared with random orders of the same sample and not with a fixed threshold.
- {truth}
"""
CURVES = """
Features are taken out of each sample, the highest attribution first, and the probability of the explained class is
followed: a map that has found what the model uses makes it fall sooner than random orders do. Then the same the other
way round.
"""
AGREEMENT = """
Rank correlation of the maps: 1 where two methods order the features alike, 0 where their orders have nothing to do with
each other. Methods that agree may still be blind to the same thing.
"""
KNOWN_TRUTH = (
    "The evidence in these samples was planted, so it is known where it lies; on data of your own it is not, and a "
    "method that does well here has only passed a test."
)
UNKNOWN_TRUTH = (
    "Nobody knows which features of these samples are the right ones. The checks can show that a map is wrong; they "
    "cannot show that it is right."
)


def model(subject: Subject) -> list[Block]:
    """The model and its data: what the card knows, or the task alone where there is no card."""
    card, task = card_of(subject), subject.task
    pairs: list[tuple[str, str]] = [("Model", subject.name), ("Data", f"{task.title}: {task.about}")]
    if card is not None:
        measured = card.metrics
        reached = f"{scored(measured)} on the {card.split_sizes[card.scored]:,} samples of the split {card.scored!r}"
        pairs[0] = ("Model", f"{card.title} ({card.name})")
        pairs += [
            (measured.measure.capitalize(), f"{reached}, on which no choice was made"),
            *_beside(measured),
            ("Parameters", f"{card.parameters:,}"),
        ]
        if card.best_traditional is not None and card.best_traditional_score is not None:
            best = score_alone(measured, card.best_traditional_score)
            pairs.append(("Best traditional model", f"{card.best_traditional}, {best}"))
        if card.evidence_used is not None:
            used = ", ".join(
                f"{name.replace('_', ' ')} {score_alone(measured, value)}" for name, value in card.evidence_used.items()
            )
            pairs.append(("Uses the planted evidence", used))
    return [blocks.Heading(text="The model"), blocks.Facts(pairs=tuple(pairs))]


def _beside(measured: Metrics) -> list[tuple[str, str]]:
    """What stands beside the score: how far confidence can be trusted, or how large errors are."""
    if isinstance(measured, ClassMetrics):
        error = significant(100 * measured.calibration_error, 2)
        return [("Calibration error", f"{error} percentage points")]
    if isinstance(measured, NumberMetrics):
        return [("Root mean squared error", significant(measured.rmse))]
    return []


def samples(found: Findings) -> list[Block]:
    """Each sample with its maps side by side, their grades, and the checks behind these."""
    content: list[Block] = [blocks.Heading(text="The samples")]
    for index, name in enumerate(found.samples.ids):
        graded = found.of_sample(index)
        content += [
            blocks.Heading(text=f"{name}: {said(found.attributions[0], index)}", level=3),
            blocks.Row(
                attributions=tuple(record.take(index) for record in found.attributions), evidence=graded, titled=False
            ),
            blocks.Folded(title=f"The checks of {name}", content=(blocks.Evidence(content=graded),)),
        ]
    return content


def curves(found: Findings) -> list[Block]:
    """Deletion and insertion of all methods, means over the samples, before the band of random orders."""
    drawn = [_together(found, metric) for metric in (Deletion(seed=found.seed), Insertion(seed=found.seed))]
    return [
        blocks.Heading(text="Removing what ranks first, and putting it back"),
        blocks.Text(text=CURVES),
        *(blocks.Figure(content=curve) for curve in drawn),
    ]


def _together(found: Findings, metric: AbstractRemoval) -> Curve:
    """The curves of all methods in one record; they share the control."""
    made = [metric.curves(found.subject, found.samples, record) for record in found.attributions]
    titles = tuple(method.title for method in found.methods)
    return replace(made[0], y=np.concatenate([curve.y for curve in made]), labels=titles)


def agreements(found: Findings) -> list[Block]:
    """The methods' rank correlation with each other, a mean over the samples."""
    if len(found.methods) < 2:
        return []
    titles = [method.title for method in found.methods]
    every = [agreement(found.attributions, titles, index) for index in range(len(found.samples))]
    values = np.stack([matrix.values for matrix in every])
    known = np.isfinite(values)
    mean = np.where(known, values, 0).sum(0) / np.maximum(known.sum(0), 1)
    mean[~known.any(0)] = np.nan
    matrix: Matrix = replace(every[0], values=mean, title="Rank correlation, mean over the samples")
    return [blocks.Heading(text="Where the methods agree"), blocks.Text(text=AGREEMENT), blocks.Figure(content=matrix)]


def methods(found: Findings) -> list[Block]:
    """What each method computes and when it misleads, in its own words, and the limits of the whole."""
    content: list[Block] = [blocks.Heading(text="What each method computes, and when it misleads")]
    for method in found.methods:
        chosen = ", ".join(f"{name} = {value}" for name, value in settings.values(method).items())
        told = inspect.getdoc(type(method)) or ""
        about = (*explained(told), blocks.Text(text=f"Settings: {chosen or 'none'}."))
        content.append(blocks.Folded(title=method.title, content=about))
    truth = KNOWN_TRUTH if found.samples.evidence is not None else UNKNOWN_TRUTH
    return [*content, blocks.Heading(text="Limits"), blocks.Text(text=LIMITS.format(truth=truth))]


def explained(docstring: str) -> tuple[Block, ...]:
    """A docstring as blocks: a paragraph that is a formula (it has an equals sign and no full stop) as code."""
    parts = [part.strip() for part in docstring.split("\n\n") if part.strip()]
    return tuple(blocks.Code(text=part) if is_formula(part) else blocks.Text(text=part) for part in parts)


def is_formula(paragraph: str) -> bool:
    """Whether a paragraph of a docstring is mathematics: an equation, and no sentence."""
    return ("=" in paragraph or "∫" in paragraph) and not paragraph.rstrip().endswith(".")


def making(found: Findings) -> list[Block]:
    """The command that makes the report again, the files it was made from, the versions, and every record."""
    first = found.attributions[0]
    card = card_of(found.subject)
    facts = [(name.replace("_", " "), str(value) or "none") for name, value in first.provenance.items()]
    if card is not None:
        facts += [(f"data of split {split!r} sha256", digest) for split, digest in card.data_digests.items()]
    facts += [("samples", ", ".join(found.samples.ids)), ("target", str(found.target)), ("seed", str(found.seed))]
    return [
        blocks.Heading(text="How this was made"),
        blocks.Text(text="The same report, to the byte, on the same versions:"),
        blocks.Code(text=command(found)),
        blocks.Facts(pairs=tuple(facts), mono=True),
        blocks.Provenance(content=found.attributions, title="Every attribution: settings, passes, hashes"),
    ]


def command(found: Findings) -> str:
    """The command that makes the report again; in Python where a setting is not the default, or a text was typed."""
    name, target = found.subject.name, found.target
    usual = all(method == seeded(type(method)(), found.seed) for method in found.methods)
    if usual and reference(found.samples.ids) and name in zoo.RECIPES:
        names = ",".join(method.name for method in found.methods)
        return (
            f"workbench report {name} --samples {reference(found.samples.ids)} \\\n    --methods {names} \\\n"
            f"    --target {target.of} --output {target.output} --seed {found.seed} --out report.html"
        )
    return "\n".join(_python(found))


def reference(ids: tuple[str, ...]) -> str:
    """What selects samples of one split by their ids: "test:0:8" or "test:3,5"; "" where nothing does."""
    pairs = [identity.rpartition(":") for identity in ids]
    splits = {split for split, _, _ in pairs}
    if len(splits) != 1 or splits & {"", "typed"} or not all(number.isdigit() for _, _, number in pairs):
        return ""
    numbers = [int(number) for _, _, number in pairs]
    split = splits.pop()
    if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{split}:{numbers[0]}:{numbers[-1] + 1}"
    return f"{split}:{','.join(map(str, numbers))}"


def _python(found: Findings) -> list[str]:
    chosen = reference(found.samples.ids)
    select = (
        f"subject.task.select({chosen!r})" if chosen else f"subject.task.encode({list(found.samples.texts or ())!r})"
    )
    known = f"workbench.load({found.subject.name!r})" if found.subject.name in zoo.RECIPES else "Subject(model, task)"
    return [
        "import workbench",
        "from workbench.report import saliency_report, write",
        "",
        f"subject = {known}",
        f"samples = {select}",
        "methods = [",
        *(f"    {_call(method)}," for method in found.methods),
        "]",
        f"target = workbench.Target(of={found.target.of!r}, output=workbench.Output({found.target.output.value!r}))",
        f"blocks = saliency_report(subject, samples, methods, target, seed={found.seed})",
        f"write(blocks, 'report.html', title='Saliency report: {found.subject.name}')",
    ]


def _call(method: AbstractMethod) -> str:
    given = "".join(f", {name}={value!r}" for name, value in settings.values(method).items())
    return f"workbench.method({method.name!r}{given})"


def whose(target: Target) -> str:
    """Of which class: "the predicted class", "class 3"."""
    if isinstance(target.of, int):
        return f"class {target.of}"
    return "the predicted class" if target.of == "predicted" else "the class of the label"


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 sample", "8 samples"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
