"""The commands. Reading them costs no training library: each returns a ``Call`` that runs later."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from wellfit.cli import options as o
from wellfit.cli.entry import Call
from wellfit.cli.sides import SidesCommand
from wellfit.cli.work import View, fit_table, predict_table, show_run

app = typer.Typer(
    name="wellfit",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        from wellfit import __version__

        typer.echo(f"wellfit {__version__}")
        raise typer.Exit


@app.callback(help="Find, apply and prove the regularization that a model of tables, images or texts needs.")
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(help="Fit a table, images or texts: controls, search of a recipe, proof on rows held out.")
def fit(
    data: o.Data,
    target: o.Target = None,
    text: o.Text = None,
    size: o.Size = None,
    network: o.Network = "auto",
    lexicon: o.Lexicon = None,
    budget: o.Budget = "60s",
    valid: o.Valid = None,
    test: o.Test = None,
    group: o.Group = None,
    time: o.Time = None,
    weight: o.Weight = None,
    drop: o.Drop = None,
    category: o.Category = None,
    number: o.Number = None,
    class_weight: o.ClassWeight = None,
    balance: o.Balance = None,
    metric: o.Metric = None,
    task: o.Task = None,
    recipe: o.RecipeFile = None,
    start: o.Start = None,
    allow: o.Allow = None,
    plan: o.Plan = None,
    seed: o.Seed = 0,
    device: o.Device = "auto",
    out: o.Out = None,
    as_json: o.Json = False,
    quiet: o.Silence = False,
    no_color: o.NoColor = False,
    debug: o.Debug = False,
) -> Any:
    chosen = {
        "target": target, "budget": budget, "valid": valid, "test": test, "group": group, "time": time,
        "weight": weight, "class_weight": class_weight, "balance": balance, "metric": metric,
        "drop": tuple(drop or ()), "category": tuple(category or ()), "number": tuple(number or ()),
        "task": task, "recipe": recipe, "allow": tuple(allow or ()), "plan": plan, "seed": seed, "device": device,
        "start": start, "out": out, "text": text, "size": size, "network": network, "lexicon": lexicon,
    }  # fmt: skip
    return Call("fit", partial(fit_table, data, chosen, View(as_json, quiet, no_color)), as_json, debug, out)


@app.command(help="Predict new rows with a run's model.")
def predict(
    run: o.RunFolder,
    new: o.New,
    out: o.Predictions,
    model: o.Model = "ensemble",
    quiet: o.Silence = False,
    debug: o.Debug = False,
) -> Any:
    return Call("predict", partial(predict_table, run, new, out, model, quiet), debug=debug)


@app.command(help="Show what a run came to.")
def show(run: o.RunFolder, as_json: o.Json = False, debug: o.Debug = False) -> Any:
    return Call("show", partial(show_run, run, as_json), as_json, debug)


@app.command(help="Write a run's report page again, from its run.json.")
def report(run: o.RunFolder, out: o.PageOut = None, as_json: o.Json = False, debug: o.Debug = False) -> Any:
    from wellfit.cli.reporting import report_run

    return Call("report", partial(report_run, run, out, as_json), as_json, debug)


@app.command(help="Drop the hidden units of a run that are exactly zero, and time what that gains.")
def prune(run: o.RunFolder, out: o.PruneOut = None, as_json: o.Json = False, debug: o.Debug = False) -> Any:
    from wellfit.cli.pruning import prune_run

    return Call("prune", partial(prune_run, run, out, as_json), as_json, debug)


@app.command(help="Take a run's recipe apart: what each ingredient earns, and a leaner recipe that is as good.")
def ablate(
    run: o.RunFolder,
    data: o.RunTable = None,
    budget: o.Budget = "60s",
    as_json: o.Json = False,
    quiet: o.Silence = False,
    no_color: o.NoColor = False,
    debug: o.Debug = False,
) -> Any:
    from wellfit.cli.ablating import ablate_run

    view = View(as_json, quiet, no_color)
    return Call("ablate", partial(ablate_run, run, data, budget, view), as_json, debug)


@app.command(help="Print a run's training as plain code of a framework, without wellfit.")
def export(
    run: o.RunFolder,
    to: o.Framework,
    data: o.TableFile = None,
    out: o.ProgramOut = None,
    debug: o.Debug = False,
) -> Any:
    from wellfit.cli.exporting import export_run

    return Call("export", partial(export_run, run, to, data, out), debug=debug)


@app.command(help="Run the whole job on scikit-learn's digits, without a download.")
def demo(
    out: o.DemoOut = "wellfit-demo",
    budget: o.Budget = "60s",
    seed: o.Seed = 0,
    device: o.Device = "auto",
    as_json: o.Json = False,
    quiet: o.Silence = False,
    no_color: o.NoColor = False,
    debug: o.Debug = False,
) -> Any:
    from wellfit.cli.demo import run_demo

    chosen = {"budget": budget, "seed": seed, "device": device}
    return Call("demo", partial(run_demo, Path(out), chosen, View(as_json, quiet, no_color)), as_json, debug, out)


@app.command(help="Draw figures about regularization, each with its numbers, and a page that shows them all.")
def gallery(
    out: o.GalleryOut = None,
    only: o.Only = None,
    figures: o.Figures = False,
    png: o.Png = False,
    seed: o.Seed = 0,
    as_json: o.Json = False,
    quiet: o.Silence = False,
    debug: o.Debug = False,
) -> Any:
    from wellfit.cli.gallery import list_figures, make_gallery

    view = View(as_json, quiet)
    work = partial(list_figures, view) if figures else partial(make_gallery, out, only or (), seed, png, view)
    return Call("gallery", work, as_json, debug)


@app.command(help="Say whether a training over- or underfits, how sure that is, and what helps.")
def diagnose(
    path: o.Curves,
    target: o.Target = None,
    study: o.Study = None,
    fail_on: o.FailOn = None,
    recipe: o.RecipeFile = None,
    epochs: o.Epochs = None,
    rate: o.Rate = None,
    group: o.Group = None,
    drop: o.Drop = None,
    category: o.Category = None,
    number: o.Number = None,
    task: o.Task = None,
    thorough: o.Thorough = False,
    out: o.DiagnosisOut = None,
    budget: o.Budget = "60s",
    seed: o.Seed = 0,
    as_json: o.Json = False,
    quiet: o.Silence = False,
    no_color: o.NoColor = False,
    debug: o.Debug = False,
) -> Any:
    from wellfit.cli.diagnosing import diagnose_path

    chosen = {
        "target": target, "studies": tuple(study or ()), "recipe": recipe, "epochs": epochs, "rate": rate,
        "group": group, "task": task, "budget": budget, "seed": seed,
        "drop": tuple(drop or ()), "category": tuple(category or ()), "number": tuple(number or ()),
        "thorough": thorough, "out": out,
    }  # fmt: skip
    work = partial(diagnose_path, path, chosen, tuple(fail_on or ()), View(as_json, quiet, no_color))
    return Call("diagnose", work, as_json, debug)


@app.command("list", help="List the regularizers by family, with grade, stages and what each does.")
def list_all(
    family: o.Family = None,
    stage: o.Stage = None,
    grade: o.Grade = None,
    as_json: o.Json = False,
    no_color: o.NoColor = False,
    debug: o.Debug = False,
) -> Any:
    from wellfit.cli.catalogue import Wanted, list_regularizers

    wanted = Wanted(tuple(family or ()), tuple(stage or ()), tuple(grade or ()))
    return Call("list", partial(list_regularizers, wanted, View(as_json, no_color=no_color)), as_json, debug)


@app.command(help="Explain a regularizer or a code, such as Mixup or WF-D03; --compare puts several side by side.")
def explain(names: o.Asked, compare: o.Compare = False, as_json: o.Json = False, debug: o.Debug = False) -> Any:
    from wellfit.cli.explain import compare_names, explain_names

    return Call("explain", partial(compare_names if compare else explain_names, names, as_json), as_json, debug)


@app.command(cls=SidesCommand, help="Tell a tool's regularization strength in another tool's words.")
def translate(
    source: o.From = None,
    target: o.To = None,
    n: o.Rows = None,
    batch: o.Batch = None,
    lr: o.Rate = None,
    sd_y: o.SpreadY = None,
    x_rms: o.SizeX = None,
    tools: o.Tools = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> Any:
    from wellfit.cli.translate import list_tools, translate_sides

    facts = {"n": n, "batch": batch, "lr": lr, "sd_y": sd_y, "x_rms": x_rms}
    work = partial(list_tools, as_json) if tools else partial(translate_sides, source, target, facts, as_json)
    return Call("translate", work, as_json, debug)
