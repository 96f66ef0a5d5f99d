"""The terminal: what a training shows while it runs, and says when it was interrupted."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo import checkpoint
from zoo import course as training
from zoo.errors import InputError
from zoo.recipe import Recipe
from zoo.recipes import recipe
from zoo.training import Watch


@contextlib.contextmanager
def bar(plan: Recipe) -> Iterator[Watch]:
    """A line that shows how a training stands, and what troubles it; whoever trains tells it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    troubles: set[str] = set()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        row = progress.add_task(plan.name, total=plan.training.epochs if plan.training else 1)

        def watch(now: training.Progress) -> None:
            told = f"{now.called}  loss {now.loss:.3f}  score {now.score:.3f}"
            if now.held_out_score is not None:
                told += f"  held out {now.held_out_score:.3f}"
            progress.update(row, completed=now.epoch, total=now.epochs, description=told)
            if now.trouble is not None and now.trouble not in troubles:
                troubles.add(now.trouble)
                progress.console.print(f"zoo: {now.trouble}", highlight=False, soft_wrap=True)

        yield watch
        progress.update(row, completed=progress.tasks[row].total)


def check_resumable(plan: Recipe) -> None:
    """`InputError` where no seed of a recipe has a checkpoint to go on from."""
    if not checkpoint.standing(plan):
        raise InputError(
            f"There is nothing to resume: no checkpoint of {plan.name} is in {checkpoint.run(plan).folder.parent}. "
            "Train it without --resume."
        )


def interrupted(plan: Recipe) -> str:
    """What is left of a training that was interrupted, and how to go on."""
    standing = checkpoint.standing(plan)
    if not standing or plan.training is None:
        return f"The training of {plan.name} was interrupted before its first epoch was over; nothing is kept."
    seed, epoch = list(standing.items())[-1]
    other = "" if plan.seed == recipe(plan.name).seed else f" --seed {plan.seed}"
    return (
        f"The training of {plan.name} was interrupted. What it had learnt after epoch {epoch} of "
        f"{plan.training.epochs} (seed {seed}) is kept: `python -m zoo train {plan.name}{other} --resume` goes on "
        "from there."
    )
