"""``wellfit ablate``: a finished run's recipe taken apart, on the rows that it was found on."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

from wellfit.errors import BudgetError, DataError, Interrupted, UsageError
from wellfit.files import write_text
from wellfit.job.ablation import run_ablation
from wellfit.job.ablation_bench import take_apart
from wellfit.job.balance import ways
from wellfit.job.clock import Clock
from wellfit.job.folder import plain, write_json, write_lean
from wellfit.job.metrics import make_metric
from wellfit.job.opening import open_engine, open_stage, resolve_device, ticker
from wellfit.job.options import Options, column_kinds
from wellfit.job.prepare import Material, data_hash, make_material
from wellfit.job.probe import choose
from wellfit.job.run import Run, load
from wellfit.job.stage import Stage
from wellfit.job.table_source import Source, from_arrays, from_file
from wellfit.job.variants import with_variants
from wellfit.progress import Progress, Silent
from wellfit.recipe import Recipe
from wellfit.searching.levels import data_level
from wellfit.searching.space import Candidate

_NO_COMPILING = 30.0
"""Seconds in which compiling does not pay: compiled stacks have one size, and these populations are small."""


def ablate(
    folder: str | Path, data: Any = None, y: Any = None, *, budget: str | float = "60s",
    progress: Progress | None = None, started: float | None = None,
) -> Run:  # fmt: skip
    """Take a finished run's recipe apart: what each ingredient earns, and a leaner recipe where that is as good.

    The run's networks stay as they are; its record and its page get the ablation, and ``recipe.lean.json`` is written
    where the leaner recipe was shown to be non-inferior.

    Args:
        folder: of the run.
        data: the file that the run was trained on, by default the one of its name in the working folder; or the array
            or frame of features that ``fit`` was given, with ``y``.
        budget: wall time, ``60s``, ``10m``, ``1h`` or seconds.
        started: ``time.monotonic()`` from which the budget counts; by default from now.

    Raises:
        RunFolderError: the folder holds no run.
        UsageError: the run has no recipe to take apart, or the data are not those of the run.
        BudgetError: the budget is too small for a single comparison.
    """
    told, run = progress or Silent(), load(folder)
    options = _options(run, budget)
    clock = Clock(started or time.monotonic(), options.seconds())
    source = _source(run, options, data, y)
    engine = open_engine(options)
    try:
        told.begin(f"{run.folder.name}: ablation", clock.seconds)
        stage = _stage(run, source, options, told, clock, engine)
        told.phase("ablation", "the run's recipe without each of its ingredients in turn")
        chosen = Candidate(run.recipe, float((run.recipe.settings or {})["learning_rate"]), "cocktail")
        seconds = clock.end - time.monotonic()
        found = run_ablation(stage, take_apart(chosen, stage.base), _gained(run), seconds)
    except KeyboardInterrupt:
        raise Interrupted(None) from None
    finally:
        engine.close()
        told.end()
    if isinstance(found, str):
        raise BudgetError(f"the budget is too small: {found}.", fix="Give more time with --budget.", code="WF-B02")
    return _written(run, found.record, found.lean)


def _options(run: Run, budget: str | float) -> Options:
    """What the run was asked for, under another budget; raises UsageError where it cannot be taken apart."""
    why, fix = _obstacle(run)
    if why:
        raise UsageError(why, fix=fix, code="WF-U16")
    known = {k: v for k, v in run.record["options"].items() if k in Options.__dataclass_fields__ and k != "recipe"}
    lists = {name: tuple(known.get(name) or ()) for name in ("drop", "allow")} | column_kinds(run.record["data"])
    return Options(**{**known, **lists, "budget": budget, "plan": run.folder / "run.json"})


def _obstacle(run: Run) -> tuple[str, str]:
    """Why a run cannot be taken apart, and what to do; empty where it can."""
    from sklearn.metrics import get_scorer_names

    record, again = run.record, "Search again with a longer budget: from 40 s on that takes the recipe apart."
    if record.get("kind") == "model":
        return "the run searched over a model of your own, which is not in the folder.", again
    if "recipe" not in record or "plan" not in record:
        return f"the run has no recipe yet: its status is {record.get('status')}.", "Name a finished run."
    if not len(run.recipe.active()):
        return "the run's recipe has no ingredient.", "There is nothing to take away."
    if record["options"].get("metric") not in (None, *get_scorer_names()):
        return "the run was judged by a function of yours, which is not in the folder.", again
    return "", ""


def _source(run: Run, options: Options, data: Any, y: Any) -> Source:
    """The run's rows and split, read again and held against the run's hash."""
    name = str(run.record["data"]["file"])
    if y is not None:
        source = from_arrays(data, y, options, weight=None, groups=None, time=None, valid=None, test=None)
    else:
        path = Path(data) if data is not None else Path(name)
        if data is None and not path.is_file():
            raise UsageError(
                f"the run does not know where its data are: {name} is not in this folder.",
                fix="Name the file with --data.",
                code="WF-U17",
            )
        beside = {n: path.parent / str(v) for n in ("valid", "test") if (v := getattr(options, n))}
        source = from_file(path, dataclasses.replace(options, **beside))
    facts = run.record["data"]
    rows = [len(source.split.folds[0][0]), len(source.split.folds[0][1]), len(source.split.test)]
    if data_hash(source.table) != facts["hash"] or rows != [facts[f"{n}_rows"] for n in ("train", "valid", "test")]:
        raise DataError(
            "these are not the rows that the run was trained on, or they were split by groups or times.",
            fix="Name the run's file with --data.",
            code="WF-D26",
        )
    return source


def _stage(run: Run, source: Source, options: Options, told: Progress, clock: Clock, engine: Any) -> Stage:
    """The stage of the run as it was, probed anew for this machine."""
    table = source.table
    material: Material = make_material(table, source.split, options.class_weight)
    base = ways(material)[0][options.balance] if options.balance in ("weights", "smote") else Recipe()
    material = with_variants(material, [base, data_level(run.recipe)], options.seed)
    metric = make_metric(options.metric, table.task, table.classes)
    scratch: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:  # the run's own record stays as it is until all is done
        stage = open_stage(material, metric, options, Silent(), clock, engine, run.recipe, scratch, Path(folder))
    stage.progress, stage.tick = told, ticker(told, clock)
    left = min(_NO_COMPILING, clock.end - time.monotonic())
    probe = choose(engine, material, stage.whole(), left, resolve_device(options.device))
    told.say("engine", probe.sentence)
    stage.plan = dataclasses.replace(
        stage.plan, chunk=probe.chunk, mode=probe.mode, engine=probe.engine, rate=probe.rate, hands=engine.hands,
        precision=probe.precision, reached={},
    )  # fmt: skip
    stage.repeated, stage.base = False, base
    return stage


def _gained(run: Run) -> float:
    """By how much the recipe was better than the control when both were re-scored; 0 where that is not known."""
    finalists = run.record.get("search", {}).get("finalists", [])
    chosen = [f["score"] for f in finalists if f["chosen"]]
    controls = [f["score"] for f in finalists if f["key"] == "control"]
    return min(controls) - chosen[0] if controls and chosen else 0.0


def _written(run: Run, ablation: dict[str, Any], lean: Recipe | None) -> Run:
    """The run with its ablation written into record and page."""
    from wellfit.report.page import render

    record = plain({**run.record, "ablation": ablation})
    write_lean(run.folder, lean)
    write_json(run.folder / "run.json", record)
    write_text(run.folder / "report.html", render(record))
    return load(run.folder)
