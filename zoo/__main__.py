"""The zoo: the models we ship, each made from a recipe and described by a card.

Exit codes: 0 where all went well, 1 where `verify` found a card that does not hold, 2 where something given cannot be
used, 130 where a training was interrupted; one sentence then says what can be done.
"""

import json
import sys
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from zoo.card import card
from zoo.errors import InputError, unknown
from zoo.listing import interval, sentence, table_of
from zoo.recipes import RECIPES, recipe

if TYPE_CHECKING:
    from zoo.verification import Verdict

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name; `python -m zoo list` shows them.")]
Models = typer.Argument(metavar="MODEL", help="Models; all where none is named.")
SomeModels = typer.Argument(metavar="MODEL", help="Models; at least one.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
WORDS = {
    "macro_f1": "macro-F1",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "negative_log_likelihood": "negative log-likelihood, nats",
    "calibration_error": "expected calibration error, 15 bins",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
}
"""What `evaluate` calls the figures beside the score."""
WIDE = 140
"""Characters of a line that is not written to a terminal."""
Threads = Annotated[int, typer.Option(min=1, help="CPU threads; the same number gives the same weights.")]


@app.command("list")
def list_models(
    task: Annotated[str | None, typer.Option(help="Only models of this task; 'ts_box*' for all that begin so.")] = None,
    family: Annotated[str | None, typer.Option(help="Only models of this family, cnn for example.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every model we ship, from its card.

    The score is the accuracy in per cent or, where a number is asked for, R². It stands with its 95 % interval over
    samples, and as the mean over seeds with the interval of that.
    """
    chosen = [
        name
        for name, plan in RECIPES.items()
        if family in (None, plan.family) and (task is None or fnmatchcase(plan.task, task))
    ]
    if not chosen:
        for given, kind in ((task, "task"), (family, "family")):
            known = {getattr(plan, kind) for plan in RECIPES.values()}
            if given is not None and not any(fnmatchcase(name, given) for name in known):
                raise unknown(f"{kind} with models", given, known)
        raise InputError(f"There is no model of the family {family} for {task}. Leave one of the two out.")
    cards = []
    for name in chosen:
        try:
            cards.append(card(name))
        except InputError as error:
            print(f"zoo: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(each) for each in cards], indent=2, ensure_ascii=False))
        return
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    console.print(table_of(cards))


@app.command()
def train(
    name: Model,
    device: Device = "auto",
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Instead of the recipe's seed.")] = None,
    threads: Threads = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where an earlier training was ended.")] = False,
) -> None:
    """Train or fit a model, measure it, write its weights and card.

    The weights and the card that were there stay as they are until both new files are complete. What was learnt before
    an interruption is kept in the folder that WORKBENCH_RUNS names, else in ~/.cache/interpretability-workbench/runs.

    `torchrun --nproc-per-node 2 -m zoo train MODEL` shares every batch between two processes.
    """
    plan = recipe(name)
    plan = plan if seed is None else replace(plan, seed=seed)
    import torch

    from zoo import distributed, loading, terminal
    from zoo.release import accompany, release

    where = loading.device(device)
    torch.set_num_threads(threads)
    if resume:
        terminal.check_resumable(plan)
    with distributed.joined(where):
        if distributed.rank() > 0:
            accompany(plan, where, resume=resume)
            return
        try:
            with terminal.bar(plan) as watch:
                described = release(plan, where, watch, resume=resume)
        except KeyboardInterrupt:
            print(f"zoo: {terminal.interrupted(plan)}", file=sys.stderr)
            raise typer.Exit(130) from None
    print(sentence(described))


@app.command()
def verify(
    names: Annotated[list[str] | None, Models] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Check files and counts, but measure nothing again.")] = False,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Also train again with every seed and compare; takes as long as training.")
    ] = False,
    threads: Threads = 1,
) -> None:
    """Check that every card tells the truth, by measuring again.

    The exit code is 1 where one does not.
    """
    plans = [recipe(name) for name in names or RECIPES]
    import torch

    from zoo.verification import retrain as train_again
    from zoo.verification import verify as check

    torch.set_num_threads(threads)
    wrong = 0
    for plan in plans:
        verdicts = [check(plan.name, fast), *([train_again(plan.name)] if retrain else [])]
        problems = [problem for verdict in verdicts for problem in verdict.problems]
        wrong += bool(problems)
        for problem in problems:
            print(f"WRONG     {plan.name}: {problem}")
        if not problems:
            for verdict in verdicts:
                print(_found(verdict))
    if not names:
        from zoo.population import problems as found

        for problem in found():
            wrong += 1
            print(f"WRONG     population: {problem}")
    if wrong:
        raise typer.Exit(1)


@app.command("population")
def make_population() -> None:
    """Train the population of tiny networks again; about two minutes."""
    from zoo.population import make

    print(f"{len(make())} networks written.")


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
    table.add_row(metrics.measure, interval(metrics))
    for key, value in asdict(metrics).items():
        if key in WORDS:
            table.add_row(WORDS[key], f"{value:.4f}")
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
        print(sentence(write_again(name)))


@app.command()
def tokenizer(name: Annotated[str, typer.Argument(metavar="TASK", help="A text task.")] = "sst2") -> None:
    """Learn a task's tokenizer again, from its training split.

    Every text network must then be trained again.
    """
    from zoo.loading import task, tasks
    from zoo.reviews import Reviews

    subject = task(name)
    if not isinstance(subject, Reviews):
        choice = ", ".join(key for key, each in tasks().items() if isinstance(each, Reviews))
        raise InputError(f"{name} has no tokenizer. Choose among: {choice}.")
    print(f"{subject.write_tokenizer()} written. Train the models of {name} again: their cards no longer hold.")


def _found(verdict: "Verdict") -> str:
    """What was found about a card in which nothing is wrong."""
    if verdict.retrained is not None:
        return f"ok        {verdict.name}: {verdict.retrained}"
    if verdict.unmeasured is not None:
        return f"NOT MEASURED  {verdict.name}: {verdict.unmeasured}"
    if verdict.score is None:
        return f"ok        {verdict.name}: files, recipe and counts; figures not measured again (--fast)"
    score = f"{verdict.score:.2%}" if verdict.measure == "accuracy" else f"{verdict.score:.4f}"
    return f"ok        {verdict.name}: {verdict.measure} {score} measured again"


def main() -> None:
    """Run the command line; what a user can mend ends in one sentence and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"zoo: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
