"""The beginning of a run: workers, device, the record as it stands before training, the probe and the plan."""

from __future__ import annotations

import dataclasses
import math
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from wellfit.data import Split
from wellfit.data.notes import counted
from wellfit.errors import RecipeError, RunFolderError, UsageError
from wellfit.job.clock import Clock, check_time
from wellfit.job.ensembling import trains_again
from wellfit.job.folder import plain, write_json
from wellfit.job.judging import time_judging
from wellfit.job.metrics import Metric
from wellfit.job.nets import rows_at_once
from wellfit.job.options import Options
from wellfit.job.places import check_places
from wellfit.job.plan import LONG_BUDGET, Plan, make_plan, size_batch
from wellfit.job.prepare import Material, data_hash
from wellfit.job.probe import Probe, choose, pinned
from wellfit.job.space import make_space
from wellfit.job.stack_or_apart import BREADTH, LONG_STEP, choose_way
from wellfit.job.stage import Stage
from wellfit.job.start_recipe import start_recipe
from wellfit.job.table_source import Source
from wellfit.kernels import why_not
from wellfit.lint import Finding
from wellfit.progress import Progress
from wellfit.recipe import Recipe, leaf_of
from wellfit.recipe_json import parse_strict
from wellfit.regularizers.geometry import Geometric
from wellfit.regularizers.policies import Policy
from wellfit.training.cohort import seeded
from wellfit.training.crew import Crew, Engine, Solo
from wellfit.training.study import Study


def open_engine(options: Options) -> Engine:
    """Workers, started at once so that they load while the data are read; on a GPU this process alone.

    A plan that is repeated has as many as it had, where there are so many processors.
    """
    if resolve_device(options.device) != "cpu":
        return Solo()
    hands = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    stored = stored_plan(options)
    hands = min(hands, stored.hands if stored else 16)
    return Crew(hands) if hands > 1 else Solo()


def resolve_device(asked: str) -> str:
    """``cpu`` or ``cuda``; raises UsageError where the one asked for is not there."""
    if asked not in ("auto", "cpu", "cuda"):
        raise UsageError(f"no device is called {asked!r}.", fix="Choose auto, cpu or cuda.", code="WF-U04")
    if asked == "cuda" and not torch.cuda.is_available():
        raise UsageError("there is no CUDA device here.", fix="Choose auto or cpu.", code="WF-U04")
    return "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"


def given_recipe(options: Options) -> Recipe | None:
    if options.recipe is None or isinstance(options.recipe, Recipe):
        return options.recipe
    return Recipe.load(options.recipe)


def check_recipe(given: Recipe | None, task: str, options: Options) -> list[Finding]:
    """Refuse a recipe that does not fit the task, or that the lint calls wrong; returns what else the lint finds.

    Raises:
        RecipeError: with the lint's code, unless the person has allowed it.
    """
    kind = "regression" if task == "regression" else "classification"
    for part in given or ():
        if kind not in part.tasks:
            raise RecipeError(f"{part.name} is not for {kind}.", fix="Drop it from the recipe.", code="WF-R11")
        for what in part.needs():
            fix = f'Bring it in Python: wellfit.training.epochs.train_epochs(..., resources={{"{what}": function}}).'
            raise RecipeError(f"{part.name} needs a {what}, and this job has none.", fix=fix, code="WF-R08")
    found = lint_of(given, options) if given is not None else []
    for finding in found:
        if finding.level == "error":
            raise RecipeError(
                finding.sentence, fix=f"{finding.fix} --allow {finding.code} lets it pass.", code=finding.code
            )
    return found


def lint_of(recipe: Recipe, options: Options) -> list[Finding]:
    """What the lint says of a recipe where the main job uses it: under Adam, on standardized columns."""
    return recipe.lint(optimizer="Adam", silence=options.allow)


def open_stage(
    material: Material, metric: Metric, options: Options, progress: Progress, clock: Clock, engine: Engine,
    given: Recipe | None, record: dict[str, Any], folder: Path,
) -> Stage:  # fmt: skip
    """Give the engine the data, probe it, and write the plan down before training."""
    stored = stored_plan(options)
    if not stored:
        check_time(clock, record, folder)
    rows = material.fewest
    size = material.kind.size(rows, clock.seconds, material.views[0].encoder)
    draft = stored or make_plan(
        rows=rows, inputs=0, size=size, valid_rows=1, folds=material.folds, chunk=16, hands=1, mode="traced",
        engine="stack", rate=1e4, seconds=1.0, budget=clock.seconds,
    )  # fmt: skip
    device = resolve_device(options.device)
    study = Study(material.shape(draft.width, draft.depth), material.rows, device, material.blocks, material.pixels)
    check_places(given, seeded(study.network, 0))
    engine.open(study)
    stage = Stage(material, metric, engine, draft, progress, options.seed, ticker(progress, clock), given)
    stage.start = start_recipe(options)
    stage.repeated = stored is not None
    keep_time_for_the_test(stage, study, clock)
    left_out = set_space(stage, study, clock.seconds >= LONG_BUDGET)
    probe = pinned(stored) if stored else _probed(stage, study, clock.end - time.monotonic(), device)
    progress.say("engine", probe.sentence)
    if str(device) == "cpu" and _moves_pictures(stage):
        record["machine"]["loops"] = why_not() or "compiled"
        left_out += (f"images are turned and moved by torch, in four times the time: {why_not()}",) * bool(why_not())
    for sentence in left_out:
        progress.say("note", sentence)
    stage.plan = plan = stored or _planned(stage, probe, size, clock)
    record["plan"] = {**plan.to_json(), "shape": vars(study.shape), "skipped": []}
    write_json(folder / "run.json", record)
    climbs = " -> ".join(f"{counted(r.members, 'candidate')} to step {r.until:,}" for r in plan.rungs)
    often, seeds = counted(plan.generations, "time"), counted(plan.seeds, "seed")
    progress.say("plan", f"{climbs}, {often}; the controls get the same; {seeds} at the end")
    for cut in plan.cuts:
        progress.say("note", cut)
    return stage


def _moves_pictures(stage: Stage) -> bool:
    """Whether a part that turns or moves images is searched, or was given."""
    parts = stage.parts().values() if stage.given is None else (type(leaf_of(p)) for p in stage.given)
    return any(issubclass(part, Geometric | Policy) for part in parts)


def keep_time_for_the_test(stage: Stage, study: Study, clock: Clock) -> None:
    """A plan that is repeated judges as many seeds as it did before; else the test has its share of the budget."""
    if stage.repeated:
        return
    rows = rows_at_once(study.shape)  # type: ignore[arg-type]
    stage.judging = time_judging(study.network(), stage.material.rows.x, rows)
    clock.keep_free(stage.judging, len(stage.material.split.test), trains_again(stage.material))


def set_space(stage: Stage, study: Study, long: bool) -> tuple[str, ...]:
    """Settle what is searched over where the data are no table; returns what is left out, and why."""
    kind = stage.material.kind
    if kind.stacks or stage.given is not None:
        return ()
    space = make_space(study, stage.material.table.task, long, kind.name, tried=not kind.proven)
    stage.space = space.parts
    return space.left_out


def _probed(stage: Stage, study: Study, left: float, device: str) -> Probe:
    """How members are trained: tables in stacks, others as a probe of both ways says."""
    if stage.material.kind.stacks:
        return choose(stage.engine, stage.material, stage.whole(), left, device)
    folds = stage.material.folds
    short = left < stage.material.kind.stacks_from
    longest = LONG_STEP if device == "cpu" else math.inf
    batch = size_batch(stage.material.fewest)
    probe = choose_way(stage.engine, study, stage.mixes(), batch, left, short=short, longest=longest)
    return dataclasses.replace(probe, chunk=max(1, probe.chunk // folds) * folds)


def _planned(stage: Stage, probe: Probe, size: tuple[int, int], clock: Clock) -> Plan:
    """The plan of a probe; where members train one by one, it compares half as many at once as a stack holds."""
    material = stage.material
    breadth = max(probe.chunk, BREADTH * material.folds) if probe.mode == "apart" else probe.chunk
    plan = make_plan(
        rows=material.fewest, inputs=0, size=size, valid_rows=max(len(v) for _, v in material.split.folds),
        folds=material.folds, chunk=breadth, hands=stage.engine.hands, mode=probe.mode, engine=probe.engine,
        rate=probe.rate, seconds=max(0.1, clock.end - time.monotonic()), budget=clock.seconds, bare=probe.bare,
        precision=probe.precision, again=trains_again(material),
    )  # fmt: skip
    return dataclasses.replace(plan, chunk=min(plan.chunk, probe.chunk))


def stored_plan(options: Options) -> Plan | None:
    if options.plan is None:
        return None
    try:
        stored = parse_strict(Path(options.plan).read_text("utf-8"), "the plan")["plan"]
    except (OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        reason = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        raise RunFolderError(
            f"{options.plan} holds no plan{reason}.", fix="Name the run.json of an earlier run.", code="WF-F05"
        ) from error
    if not isinstance(stored, dict):
        raise RunFolderError(
            f"{options.plan} holds no plan.", fix="Name the run.json of an earlier run.", code="WF-F05"
        )
    return Plan.from_json({f.name: stored[f.name] for f in dataclasses.fields(Plan) if f.name in stored})


def ticker(progress: Progress, clock: Clock) -> Callable[[str, float | None], None]:
    """What phases call as they go: tells the display the best loss so far, ten times a second at most."""
    best: list[float] = []
    last = [0.0]

    def tick(doing: str, loss: float | None) -> None:
        if loss is not None and math.isfinite(loss):
            best[:] = [min([loss, *best])]
        if time.monotonic() - last[0] > 0.1:
            last[0] = time.monotonic()
            progress.tick(min(1.0, clock.used() / clock.seconds), doing, best[0] if best else None)

    return tick


def first_record(source: Source, options: Options, material: Material, folder: Path) -> dict[str, Any]:
    """The record as it stands before training."""
    import wellfit

    table, split = source.table, source.split
    counts = [int((table.target == c).sum()) for c in range(len(table.classes))]
    return {
        "format": "wellfit.run", "version": 1, "wellfit": wellfit.__version__, "status": "running",
        "name": folder.name, "options": options.to_json(),
        "data": {
            "kind": material.kind.name, "file": source.name, "delimiter": source.delimiter,
            "rows": len(table), "task": table.task,
            "target": table.target_name, "classes": table.classes, "class_counts": counts, "hash": data_hash(table),
            **material.kind.describe(table, material.views[0].encoder),
            "notes": [plain(vars(n)) for n in (*source.notes, *table.notes, *split.notes)],
            "split": split.how, "train_rows": len(split.folds[0][0]), "valid_rows": len(split.folds[0][1]),
            "test_rows": len(split.test), "folds": len(split.folds),
            "fresh_rows": [len(valid) for _, valid in split.fresh], "unfresh": split.unfresh,
        },
        "machine": {
            "device": resolve_device(options.device), "processors": os.cpu_count(), "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "phases": [], "comparison": [], "events": [],
    }  # fmt: skip


def fresh_words(split: Split) -> str:
    """Which rows judge the finalists, and why no others where the search has seen them all."""
    if not split.fresh:
        return f"finalists are re-scored on the search's validation rows, under fresh seeds: {split.unfresh}"
    rows = " and ".join(f"{len(valid):,}" for _, valid in split.fresh)
    return f"{rows} training rows that the search never scores on are held back to judge the finalists"


def say_data(progress: Progress, source: Source, material: Material) -> None:
    table = source.table
    classes = f", {len(table.classes)} classes" if table.classes else ""
    progress.say("data", f"{material.kind.told(table)}, {table.task}{classes}")
    progress.say("split", source.split.how)
    progress.say("split", fresh_words(source.split))
    for note in (*source.notes, *table.notes, *source.split.notes):
        progress.say("check", f"{note.code} {note.sentence}")
