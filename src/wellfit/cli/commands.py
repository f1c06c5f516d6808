"""The commands and their options. Reading them costs no training library: each returns a ``Call`` that runs later."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from wellfit.cli.entry import Call

app = typer.Typer(
    name="wellfit",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Find, apply and prove the regularization that a tabular model needs.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document to standard output.")]
Silence = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colors; NO_COLOR in the environment does the same.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Budget = Annotated[str, typer.Option(help="Time from the start of the process: 60s, 10m, 1h.")]
Seed = Annotated[int, typer.Option(help="Where random draws start from.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="The run's folder.")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"wellfit {version('wellfit')}")
        except PackageNotFoundError:
            from wellfit import __version__

            typer.echo(f"wellfit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find, apply and prove the regularization that a tabular model needs."""


@app.command(help="Fit a table: compare with controls, search a recipe, prove it on rows held out.")
def fit(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A table: .csv, .tsv, .txt (also .gz, .zip), .parquet.")],
    target: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    budget: Budget = "60s",
    valid: Annotated[str | None, typer.Option(help="A file with the validation rows.")] = None,
    test: Annotated[str | None, typer.Option(help="A file with the test rows.")] = None,
    group: Annotated[str | None, typer.Option(help="Rows with one value of this column stay together.")] = None,
    time: Annotated[str | None, typer.Option(help="Split by this column: no future row in training.")] = None,
    weight: Annotated[str | None, typer.Option(help="The column of row weights.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Leave a column out; may be repeated.")] = None,
    class_weight: Annotated[str | None, typer.Option(help="balanced: every class counts the same.")] = None,
    metric: Annotated[str | None, typer.Option(help="The name of any scikit-learn scorer; log loss or RMSE by default.")] = None,
    task: Annotated[str | None, typer.Option(help="binary, multiclass or regression; told from the target by default.")] = None,
    recipe: Annotated[str | None, typer.Option(help="A recipe.json to train with instead of searching.")] = None,
    plan: Annotated[str | None, typer.Option(help="A run.json whose plan is repeated exactly.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    out: Annotated[str | None, typer.Option(help="The run's folder; runs/NAME-HASH by default.")] = None,
    as_json: Json = False,
    quiet: Silence = False,
    no_color: NoColor = False,
    debug: Debug = False,
) -> Any:
    chosen = {
        "target": target, "budget": budget, "valid": valid, "test": test, "group": group, "time": time,
        "weight": weight, "drop": tuple(drop or ()), "class_weight": class_weight, "metric": metric, "task": task,
        "recipe": recipe, "plan": plan, "seed": seed, "device": device, "out": out,
    }  # fmt: skip
    from wellfit.cli.work import View, fit_table

    view = View(as_json, quiet, no_color)
    return Call("fit", partial(fit_table, data, chosen, view), as_json, debug, out)


@app.command(help="Predict new rows with a run's model.")
def predict(
    run: RunFolder,
    new: Annotated[str, typer.Argument(metavar="NEW", help="A table with the columns of the training.")],
    out: Annotated[str, typer.Option("--out", "-o", help="Where the predictions go, as .csv.")],
    model: Annotated[str, typer.Option(help="ensemble or single.")] = "ensemble",
    quiet: Silence = False,
    debug: Debug = False,
) -> Any:
    from wellfit.cli.work import predict_table

    return Call("predict", partial(predict_table, run, new, out, model, quiet), debug=debug)


@app.command(help="Show what a run came to.")
def show(run: RunFolder, as_json: Json = False, debug: Debug = False) -> Any:
    from wellfit.cli.work import show_run

    return Call("show", partial(show_run, run, as_json), as_json, debug)


@app.command(help="Run the whole job on digits with wrong labels mixed in; nothing is downloaded.")
def demo(
    out: Annotated[str, typer.Option(help="The folder for tables and run.")] = "wellfit-demo",
    budget: Budget = "30s",
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Silence = False,
    no_color: NoColor = False,
    debug: Debug = False,
) -> Any:
    from wellfit.cli.demo import run_demo
    from wellfit.cli.work import View

    chosen = {"budget": budget, "seed": seed, "device": device}
    return Call("demo", partial(run_demo, Path(out), chosen, View(as_json, quiet, no_color)), as_json, debug, out)


@app.command("list", help="List the regularizers with their knobs and the grade of their evidence.")
def list_all(as_json: Json = False, debug: Debug = False) -> Any:
    from wellfit.cli.explain import list_regularizers

    return Call("list", partial(list_regularizers, as_json), as_json, debug)


@app.command(help="Explain a regularizer or a code, such as Mixup or WF-D03.")
def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A regularizer's name or a code.")],
    as_json: Json = False,
    debug: Debug = False,
) -> Any:
    from wellfit.cli.explain import explain_name

    return Call("explain", partial(explain_name, name, as_json), as_json, debug)
