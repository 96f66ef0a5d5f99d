"""The zoo: the models we ship, each made from a recipe and described by a card.

Exit codes: 0 where all went well, 1 where `verify` found a card that does not hold, 2 where something given cannot be
used; one sentence then says why.
"""

import json
import sys
from dataclasses import asdict, replace
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from zoo.card import ModelCard, card
from zoo.errors import InputError
from zoo.recipes import RECIPES, recipe

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name; `python -m zoo list` shows them.")]
Models = typer.Argument(metavar="MODEL", help="Models; all where none is named.")
SomeModels = typer.Argument(metavar="MODEL", help="Models; at least one.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; the same number gives the same weights.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Show every model we ship, from its card."""
    cards = []
    for name in RECIPES:
        try:
            cards.append(card(name))
        except InputError as error:
            print(f"zoo: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(each) for each in cards], indent=2, ensure_ascii=False))
        return
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for title in ("model", "task", "accuracy, 95 %", "parameters", "train s", "ms/sample"):
        table.add_column(title, no_wrap=True, justify="left" if title in ("model", "task") else "right")
    for each in cards:
        metrics = each.metrics
        interval = f"{100 * metrics.accuracy:.1f} ({100 * metrics.low:.1f} to {100 * metrics.high:.1f})"
        numbers = f"{each.parameters:,}", f"{each.seconds:.1f}", f"{each.predict_milliseconds:.3f}"
        table.add_row(each.name, each.task, interval, *numbers)
    Console().print(table)


@app.command()
def train(
    name: Model,
    device: Device = "auto",
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Instead of the recipe's seed.")] = None,
    threads: Threads = 1,
) -> None:
    """Train or fit a model, measure it, write its weights and card.

    The weights and the card that were there stay as they are until both new files are complete.
    """
    plan = recipe(name)
    plan = plan if seed is None else replace(plan, seed=seed)
    import torch
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from zoo import loading
    from zoo.course import Progress as Course
    from zoo.release import release

    where = loading.device(device)
    torch.set_num_threads(threads)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        row = progress.add_task(name, total=plan.training.epochs if plan.training else 1)

        def watch(now: Course) -> None:
            told = f"{now.called}  loss {now.loss:.3f}  score {now.score:.3f}"
            progress.update(row, completed=now.epoch, total=now.epochs, description=told)

        described = release(plan, where, watch)
        progress.update(row, completed=progress.tasks[row].total)
    print(_sentence(described))


@app.command()
def verify(
    names: Annotated[list[str] | None, Models] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Check files and counts, but measure nothing again.")] = False,
) -> None:
    """Check that every card tells the truth, by measuring again.

    The exit code is 1 where one does not.
    """
    plans = [recipe(name) for name in names or RECIPES]
    from zoo.verification import verify as check

    wrong = 0
    for plan in plans:
        verdict = check(plan.name, fast)
        wrong += bool(verdict.problems)
        for problem in verdict.problems:
            print(f"WRONG     {plan.name}: {problem}")
        if verdict.problems:
            continue
        if verdict.unmeasured is not None:
            print(f"NOT MEASURED  {plan.name}: {verdict.unmeasured}")
        elif verdict.accuracy is None:
            print(f"ok        {plan.name}: files, recipe and counts; figures not measured again (--fast)")
        else:
            print(f"ok        {plan.name}: accuracy {verdict.accuracy:.2%} measured again")
    if wrong:
        raise typer.Exit(1)


@app.command()
def evaluate(
    name: Model,
    split: Annotated[str | None, typer.Option(help="A split of the task; the scored one where none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model on a split."""
    recipe(name)
    from zoo.evaluation import measure
    from zoo.loading import load

    loaded = load(name)
    chosen = split or loaded.task.scored
    metrics = measure(loaded.model, loaded.task.samples(chosen))
    if as_json:
        print(json.dumps({"model": name, "task": loaded.task.name, "split": chosen, **asdict(metrics)}, indent=2))
        return
    table = Table(title=f"{name} on {loaded.task.name}, {chosen} ({metrics.samples:,} samples)")
    table.add_column("metric")
    table.add_column("value", justify="right")
    accuracy, interval = _accuracy(metrics.accuracy, metrics.low, metrics.high)
    table.add_row("accuracy", f"{accuracy}  ({interval})")
    table.add_row("macro-F1", f"{metrics.macro_f1:.4f}")
    table.add_row("negative log-likelihood, nats", f"{metrics.negative_log_likelihood:.4f}")
    table.add_row("expected calibration error, 15 bins", f"{metrics.calibration_error:.4f}")
    Console().print(table)


@app.command()
def remeasure(names: Annotated[list[str], SomeModels]) -> None:
    """Write cards again, from the weights there are.

    For when a recipe's words, or how a figure is measured, have changed.
    """
    for name in names:
        recipe(name)
    from zoo.release import remeasure as write_again

    for name in names:
        print(_sentence(write_again(name)))


@app.command()
def tokenizer(name: Annotated[str, typer.Argument(metavar="TASK", help="A text task.")] = "sst2") -> None:
    """Learn a task's tokenizer again, from its training split.

    Every text network must then be trained again.
    """
    from zoo.loading import task
    from zoo.tasks.sst2 import Sst2

    subject = task(name)
    if not isinstance(subject, Sst2):
        raise InputError(f"{name} has no tokenizer. Choose sst2.")
    print(f"{subject.write_tokenizer()} written. Train the models of {name} again: their cards no longer hold.")


def _accuracy(value: float, low: float, high: float) -> tuple[str, str]:
    return f"{value:.1%}", f"{low:.1%} to {high:.1%}"


def _sentence(described: ModelCard) -> str:
    accuracy, interval = _accuracy(described.metrics.accuracy, described.metrics.low, described.metrics.high)
    return (
        f"{described.name}: accuracy {accuracy} ({interval}) on {described.metrics.samples:,} samples of "
        f"{described.task} ({described.scored}), {described.parameters:,} parameters, {described.seconds:.1f} s."
    )


def main() -> None:
    """Run the command line; what a user can mend ends in one sentence and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"zoo: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
