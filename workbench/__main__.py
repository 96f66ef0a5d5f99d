"""The command line: everything the app does, without it."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from workbench import commands
from workbench.records import Record
from workbench.terminal import notes, print_attribution, print_json, print_record
from zoo.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {"ignore_unknown_options": True}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Look into neural networks: no explanation without its evidence.",
)

app.command()(commands.league)
app.command()(commands.recommend)

Model = Annotated[str, typer.Argument(help="A model of the zoo; `workbench models` lists them.")]
Out = Annotated[Path | None, typer.Option(help="Write here: .html, .json or .safetensors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Of = Annotated[str, typer.Option("--target", help="'predicted', 'label' or a class index.")]
Output = Annotated[str, typer.Option(help="logit, log_probability, probability or margin.")]
Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="[--SETTING VALUE]...", help="Its settings, as `workbench methods` lists them."),
]
Seed = Annotated[int, typer.Option(help="Seed of everything drawn at random.")]


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the models of the zoo, with what each reaches."""
    from workbench.catalogue import catalogue, part

    listed = catalogue()
    wide = "What it is", "Multiply-adds", "Multiply-accumulates"  # there is no room for all in a terminal
    print_record(listed if as_json else part(listed, without=wide), as_json)


@app.command()
def methods(as_json: AsJson = False) -> None:
    """List the attribution methods, with the settings that are their flags."""
    from workbench import settings
    from workbench.explanation import methods as all_methods

    found: dict[str, dict[str, Any]] = {
        name: {
            "title": kind.title,
            "claims": sorted(kind.claims),
            "needs": sorted(kind.needs),
            "settings": {field.name: {"default": field.default, **field.metadata} for field in settings.fields(kind)},
        }
        for name, kind in all_methods().items()
    }
    if as_json:
        print_json(found)
        return
    for name, entry in found.items():
        print(f"{name}: {entry['title']}")
        for flag, described in entry["settings"].items():
            print(f"    --{flag.replace('_', '-')} {described['default']}    {described['help']}")


@app.command(context_settings=SETTINGS)
def explain(
    model: Model,
    given: Settings = None,
    sample: Annotated[str | None, typer.Option(help="Which sample: test:7, or 7 of the scored split.")] = None,
    text: Annotated[str | None, typer.Option(help="A sentence of your own, for a text model.")] = None,
    method: Annotated[str, typer.Option(help="`workbench methods` lists them, with their flags.")] = "gradient",
    target: Of = "predicted",
    output: Output = "logit",
    out: Out = None,
) -> None:
    """Which inputs moved the output, and how far that can be trusted. A method's settings are flags: --n-steps 64."""
    import workbench
    from workbench import arguments
    from workbench.evidence import evidence

    arguments.check_out(out)
    chosen = workbench.method(method, **arguments.flags(given))
    subject = workbench.load(model)
    samples = arguments.one_sample(subject, sample, text)
    record = workbench.explain(subject, samples, chosen, arguments.target(target, output))
    if out is not None and out.suffix != ".html":
        workbench.save_record(record, out)
    else:
        found = evidence(subject, samples, record)
        if out is None:
            print_attribution(record, found)
            return
        from workbench.report import explanation_blocks, write

        write(explanation_blocks(record, found), out, title=f"{subject.name} · {chosen.title}")
    _wrote(out)


@app.command()
def evaluate(
    model: Model,
    methods: Annotated[str, typer.Option(help="'all', or names with commas between.")] = "all",
    metrics: Annotated[
        str, typer.Option(help="'all' but those that train a model first, or names: all,label_randomisation.")
    ] = "all",
    samples: Annotated[str, typer.Option(help="How many of the scored split, or which: test:0:64.")] = "64",
    target: Of = "predicted",
    output: Output = "logit",
    seed: Seed = 0,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how far each method can be trusted on a model, beside the random control."""
    import workbench
    from workbench import arguments
    from workbench.evaluation import evaluate, gathered
    from workbench.explanation import methods as all_methods
    from workbench.standings import table, tables

    arguments.check_out(out)
    picked = arguments.chosen(methods, all_methods(), "method")
    measured = arguments.chosen_metrics(metrics)
    subject = workbench.load(model)
    batch = arguments.some_samples(subject, samples)
    with notes.status(f"{len(picked)} methods × {len(measured)} metrics on {len(batch)} samples"):
        scores = evaluate(subject, batch, picked, measured, arguments.target(target, output), seed)
    league = gathered(scores)
    _keep(table(league), out)
    for part in [table(league)] if as_json else tables(league):
        print_record(part, as_json)


@app.command(context_settings=SETTINGS)
def landscape(
    model: Model,
    measure: Annotated[str, typer.Argument(help="surface, slice or top_eigenvalue.")],
    given: Settings = None,
    data: Annotated[str, typer.Option(help="Which split and how many samples of it.")] = "train:512",
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Look at the loss around the trained weights. A measure's settings are flags: --steps 31."""
    import workbench
    from workbench import analysis, arguments

    arguments.check_out(out)
    chosen = analysis.measure(measure, **arguments.flags(given))
    subject = workbench.load(model)
    if (reason := chosen.why_not(subject)) is not None:
        raise InputError(reason)
    samples = arguments.split_samples(subject, data)
    with notes.status(f"{chosen.title} of {model} on {len(samples)} samples"):
        record = chosen.run(subject, samples)
    _keep(record, out)
    if as_json or out is None:
        print_record(record, as_json)


@app.command()
def compare(
    task: Annotated[str, typer.Argument(help="A task: digits, shapes or sst2.")],
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """All models of a task, deep and traditional, on the same split with the same metrics."""
    from workbench import arguments
    from workbench.comparison import compare

    arguments.check_out(out)
    with notes.status(f"Models of {task}"):
        table = compare(task)
    _keep(table, out)
    print_record(table, as_json)


@app.command()
def report(
    model: Model,
    out: Annotated[Path, typer.Option(help="Write this .html file.")],
    samples: Annotated[str, typer.Option(help="Which samples: 0:8, test:3, 1,5.")] = "0:8",
    methods: Annotated[str, typer.Option(help="'all', or names with commas between.")] = "all",
    target: Of = "predicted",
    output: Output = "logit",
    seed: Seed = 0,
) -> None:
    """Write a saliency report: one HTML file that opens without a network."""
    import workbench
    from workbench import arguments
    from workbench.report import saliency_report, write

    arguments.check_out(out, (".html",))
    subject = workbench.load(model)
    batch, asked = subject.task.select(samples), arguments.target(target, output)
    picked = arguments.chosen_methods(methods, subject, batch, asked)
    with notes.status(f"Explaining {len(batch)} samples by {len(picked)} methods"):
        blocks = saliency_report(subject, batch, methods=picked, target=asked, seed=seed)
        write(blocks, out, title=f"Saliency report: {model}")
    _wrote(out)


@app.command(context_settings=SETTINGS)
def lesson(
    name: Annotated[str, typer.Argument(help="A lesson: saliency.")],
    out: Annotated[Path, typer.Option(help="Write this .html file.")],
    given: Settings = None,
) -> None:
    """Run a lesson's experiment and write it down. A lesson's settings are flags."""
    from workbench import arguments
    from workbench.lessons import lesson
    from workbench.report import write

    arguments.check_out(out, (".html",))
    chosen = lesson(name, **arguments.flags(given))
    with notes.status(f"Running the lesson {chosen.title}"):
        write(list(chosen.run()), out, title=chosen.title)
    _wrote(out)


@app.command(name="app")
def serve(port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the app.")] = 8501) -> None:
    """Start the app and print its address."""
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py"), f"--server.port={port}"]
    try:
        sys.exit(subprocess.call(command, cwd=ROOT))
    except KeyboardInterrupt:
        sys.exit(0)


def _keep(record: Record, out: Path | None) -> None:
    if out is None:
        return
    import workbench

    if out.suffix == ".html":
        from workbench.report import record_blocks, write

        write(record_blocks(record), out, title=record.title)
    else:
        workbench.save_record(record, out)
    _wrote(out)


def _wrote(out: Path) -> None:
    notes.print(f"Wrote {out} ({out.stat().st_size / 1e3:,.0f} kB).", highlight=False, markup=False)


def main() -> None:
    """Run the command line; what a user can mend ends in one sentence and exit code 2."""
    try:
        app()
    except InputError as error:
        notes.print(f"[bold]workbench:[/bold] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
