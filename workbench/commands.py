"""Commands of the command line that are about leagues: computing those that are kept, and asking them."""

from pathlib import Path
from typing import Annotated

import typer


def league(
    models: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="None: all of the zoo.")] = None,
    samples: Annotated[int, typer.Option(min=2, help="How many of the scored split.")] = 32,
    seconds: Annotated[float | None, typer.Option(min=0, help="After so many no further model is begun.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also where nothing has changed.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Keep them here, and not with the package.")] = None,
) -> None:
    """Compute the leagues that the app opens at once: every method by every metric that trains no
    model. Goes on where it was stopped."""
    import zoo
    from workbench import archive, tournament

    where = folder or archive.FOLDER
    where.mkdir(parents=True, exist_ok=True)
    for name in models or ():
        zoo.recipe(name)
    for name, said in tournament.play(models or list(zoo.RECIPES), samples, seconds, where, again):
        print(f"{name}: {said}", flush=True)


def recommend(
    model: Annotated[str, typer.Argument(help="A model, or image, text, series or table for all models of a kind.")],
    budget: Annotated[str | None, typer.Option(help="At most so much a sample: '200 passes' or '20 ms'.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Read leagues from here, and not from the package.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and not sentences.")] = False,
) -> None:
    """Which method to use, from the league that is kept, with the reasons."""
    from workbench import archive, recommendation
    from workbench.terminal import print_json

    limit = recommendation.budget(budget)
    found = recommendation.recommend(archive.of(model, folder or archive.FOLDER), limit, model)
    if as_json:
        print_json(recommendation.to_json(found))
        return
    print("\n".join([*found.sentences, *found.refusals]))
