"""The main job, from a source to a run: phase by phase, within the budget, with what there is when it ends early."""

from __future__ import annotations

import dataclasses
import math
import os
import platform
import time
from pathlib import Path
from typing import Any

import torch

from wellfit.errors import BudgetError, RecipeError, RunFolderError, TrainingError, UsageError, WellfitError
from wellfit.job.baselines import Baselines
from wellfit.job.folder import make_folder, plain, write_json
from wellfit.job.handover import finish
from wellfit.job.metrics import make_metric
from wellfit.job.options import Options, Progress, Silent
from wellfit.job.phases import Finalist, Stage, run_controls, run_refit, run_rescoring, run_search
from wellfit.job.plan import SHARES, Plan, at_pace, make_plan, rescored
from wellfit.job.prepare import Material, data_hash, make_material
from wellfit.job.probe import choose, pinned
from wellfit.job.run import Run
from wellfit.job.table_source import Source, from_file
from wellfit.recipe import Recipe
from wellfit.recipe_json import parse_strict
from wellfit.search.halving import Entrant
from wellfit.training.crew import Crew, Engine, Solo
from wellfit.training.study import Study

_STARTED = time.monotonic()


class Interrupted(WellfitError):
    """The person stopped the run; what there was is in ``run``, or nothing was there yet (None)."""

    exit_code = 130

    def __init__(self, run: Run | None) -> None:
        where = f"the best so far is in {run.folder}" if run else "nothing had been trained yet"
        super().__init__(f"stopped; {where}.", code="WF-I01")
        self.run = run


@dataclasses.dataclass
class Clock:
    """The budget: when it began, and when each thing has to be over."""

    started: float
    seconds: float

    @property
    def end(self) -> float:
        """Training ends here; what is left is for testing and writing."""
        return self.started + self.seconds - min(4.0, 0.5 + 0.05 * self.seconds)

    def used(self) -> float:
        return time.monotonic() - self.started

    def until(self, share: float) -> float:
        """The moment when a share of what is left now has gone by."""
        now = time.monotonic()
        return now + max(0.0, self.end - now) * share


def fit_file(
    path: str | Path, options: Options, progress: Progress | None = None, started: float | None = None
) -> Run:
    """Run the main job on a file.

    Args:
        path: CSV or Parquet.
        started: ``time.monotonic()`` at the start of the process, which the budget counts from.

    Raises:
        UsageError, DataError, RecipeError, TrainingError, RunFolderError: as their sentences say.
        BudgetError: the budget was too small for the first rung; its ``run`` holds what there is.
        Interrupted: Ctrl-C; its ``run`` holds the best so far.
    """
    progress = progress or Silent()
    options.seconds()
    given = _given(options)
    engine = _engine(options)
    try:
        source = from_file(path, options)
        return run_study(source, options, progress, started or _STARTED, engine, given)
    finally:
        engine.close()
        progress.end()


def _engine(options: Options) -> Engine:
    """Workers, started at once so that they load while the data are read; on a GPU this process alone."""
    if resolve_device(options.device) != "cpu":
        return Solo()
    hands = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Crew(min(hands, 16)) if hands > 1 else Solo()


def resolve_device(asked: str) -> str:
    """``cpu`` or ``cuda``; raises UsageError where the one asked for is not there."""
    if asked not in ("auto", "cpu", "cuda"):
        raise UsageError(f"no device is called {asked!r}.", fix="Choose auto, cpu or cuda.", code="WF-U04")
    if asked == "cuda" and not torch.cuda.is_available():
        raise UsageError("there is no CUDA device here.", fix="Choose auto or cpu.", code="WF-U04")
    return "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"


def _given(options: Options) -> Recipe | None:
    if options.recipe is None or isinstance(options.recipe, Recipe):
        return options.recipe
    return Recipe.load(options.recipe)


def run_study(
    source: Source, options: Options, progress: Progress, started: float, engine: Engine, given: Recipe | None
) -> Run:
    """Everything after the data were read."""
    clock = Clock(started, options.seconds())
    table = source.table
    metric = make_metric(options.metric, table.task, table.classes)
    _check_recipe(given, table.task)
    name = Path(source.name).name.partition(".")[0]
    folder = make_folder(options.out, name, data_hash(table))
    progress.begin(f"{source.name} in {folder}", clock.seconds)
    material = make_material(table, source.split, options.class_weight)
    record = first_record(source, options, material, folder)
    record["metric"] = {"name": metric.name, "lower_is_better": metric.lower_is_better}
    _say_data(progress, source, material)
    write_json(folder / "run.json", record)
    stage: Stage | None = None
    try:
        baselines = Baselines(material, options.seed)
        stage = _open(material, metric, options, progress, clock, engine, given, record, folder)
        return _conduct(stage, baselines, options, clock, record, folder)
    except KeyboardInterrupt:
        engine.close()
        raise Interrupted(_rescue(stage, record, folder, "interrupted", clock)) from None


def _check_recipe(given: Recipe | None, task: str) -> None:
    kind = "regression" if task == "regression" else "classification"
    for part in given or ():
        if kind not in part.tasks:
            raise RecipeError(f"{part.name} is not for {kind}.", fix="Drop it from the recipe.", code="WF-R11")


def _open(
    material: Material, metric: Any, options: Options, progress: Progress, clock: Clock, engine: Engine,
    given: Recipe | None, record: dict[str, Any], folder: Path,
) -> Stage:  # fmt: skip
    """Give the engine the data, probe it, and write the plan down before training."""
    stored = _stored_plan(options)
    rows = min(len(t) for t, _ in material.split.folds)
    draft = stored or make_plan(
        rows=rows, inputs=material.views[0].encoder.width, valid_rows=1, folds=material.folds, chunk=16, hands=1,
        mode="traced", engine="stack", rate=1e4, seconds=1.0, budget=clock.seconds,
    )  # fmt: skip
    device = resolve_device(options.device)
    engine.open(Study(material.shape(draft.width, draft.depth), material.rows, device))
    stage = Stage(material, metric, engine, draft, progress, options.seed, _ticker(progress, clock), given)
    stage.repeated = stored is not None
    probe = pinned(stored) if stored else choose(engine, material, stage.whole(), clock.end - time.monotonic(), device)
    progress.say("engine", probe.sentence)
    plan = stored or make_plan(
        rows=rows, inputs=material.views[0].encoder.width, valid_rows=max(len(v) for _, v in material.split.folds),
        folds=material.folds, chunk=probe.chunk, hands=engine.hands, mode=probe.mode, engine=probe.engine,
        rate=probe.rate, seconds=max(0.1, clock.end - time.monotonic()), budget=clock.seconds,
    )  # fmt: skip
    stage.plan = plan
    record["plan"] = {**plan.to_json(), "shape": vars(material.shape(plan.width, plan.depth)), "skipped": []}
    write_json(folder / "run.json", record)
    climbs = " -> ".join(f"{r.members} candidates to step {r.until}" for r in plan.rungs)
    progress.say("plan", f"{climbs}, {plan.generations} times; the controls get the same; {plan.seeds} seeds at the end")
    for cut in plan.cuts:
        progress.say("note", cut)
    return stage


def _stored_plan(options: Options) -> Plan | None:
    if options.plan is None:
        return None
    try:
        stored = parse_strict(Path(options.plan).read_text("utf-8"), "the plan")["plan"]
    except (OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{options.plan} holds no plan.", fix="Name the run.json of an earlier run.", code="WF-F05") from error
    return Plan.from_json({f.name: stored[f.name] for f in dataclasses.fields(Plan) if f.name in stored})


def _ticker(progress: Progress, clock: Clock) -> Any:
    best: list[float] = []
    last = [0.0]

    def tick(doing: str, loss: float | None) -> None:
        if loss is not None and math.isfinite(loss):
            best[:] = [min([loss, *best])]
        if time.monotonic() - last[0] > 0.1:
            last[0] = time.monotonic()
            progress.tick(min(1.0, clock.used() / clock.seconds), doing, best[0] if best else None)

    return tick


def _conduct(
    stage: Stage, baselines: Baselines, options: Options, clock: Clock, record: dict[str, Any], folder: Path
) -> Run:
    """Controls, search, re-scoring, what is left; then the test and the writing."""
    endless = options.plan is not None

    def deadline(share: float) -> float:
        return float("inf") if endless else clock.until(share)

    def phase(name: str, sentence: str) -> float:
        stage.progress.phase(name, sentence)
        record["phases"].append({"name": name, "seconds": 0.0, "member_steps": 0})
        return time.monotonic()

    def over(begun: float) -> None:
        last = record["phases"][-1]
        last["seconds"], last["member_steps"] = time.monotonic() - begun, stage.spent.get(last["name"], 0)

    begun = phase("controls", "the network without regularization, over the learning rates")
    controls = run_controls(stage, deadline(SHARES["controls"]))
    over(begun)
    if not controls:
        return _too_small(stage, record, folder, clock)
    left = SHARES["search"] / (1.0 - SHARES["controls"])
    if not endless:
        seconds = clock.until(left) - time.monotonic()
        stage.plan = at_pace(stage.plan, stage.pace(), seconds, stage.material.folds)
    begun = phase("search", "cocktails and single regularizers")
    found = run_search(stage, controls[0].candidate.rate, deadline(left))
    over(begun)
    left = SHARES["rescoring"] / (SHARES["rescoring"] + SHARES["refit"])
    if not endless:
        seconds = clock.until(left) - time.monotonic()
        stage.plan = rescored(stage.plan, stage.pace(), seconds, stage.material.folds)
    begun = phase("re-scoring", "the best again, each with the same fresh seeds")
    finalists = run_rescoring(stage, controls, found, deadline(left))
    over(begun)
    complete = [f for f in finalists if math.isfinite(f.score)]
    record["plan"]["skipped"] += [f"re-scoring of {f.key}" for f in finalists if f not in complete]
    if not complete:
        return _too_small(stage, record, folder, clock)
    begun = phase("refit", "the chosen recipe on all rows but the test's")
    refit = _refit(stage, complete, deadline(1.0))
    over(begun)
    if not refit:
        record["plan"]["skipped"].append("refit on all rows")
    baselines.wait(60.0 if endless else max(0.5, clock.end + 1.0 - time.monotonic()))
    stage.progress.phase("test", "the test rows are read, once")
    run = finish(stage, complete, refit, baselines, record, folder, "finished", clock.used)
    return run


def _refit(stage: Stage, finalists: list[Finalist], deadline: float) -> list[tuple[Finalist, Entrant]]:
    ranked = ranked_choices(finalists)
    return run_refit(stage, ranked[:1], deadline) if ranked else []


def ranked_choices(finalists: list[Finalist]) -> list[Finalist]:
    """What may be handed over, best first by the fresh seeds' validation score: also no regularization at all."""
    return sorted((f for f in finalists if math.isfinite(f.score)), key=lambda f: f.score)


def _too_small(stage: Stage, record: dict[str, Any], folder: Path, clock: Clock) -> Run:
    """The budget was over before the first rung, or everything diverged: save what there is and say which."""
    started = [e for e in stage.alive if e.step > 0]
    if started and all(not math.isfinite(e.score) for e in started) and clock.used() < clock.seconds:
        record["status"] = "failed"
        write_json(folder / "run.json", record)
        raise TrainingError(
            "every member diverged: no validation loss was a number.",
            fix="Look at the data for extreme values in the numbers or the target.",
            code="WF003",
        )
    run = _rescue(stage, record, folder, "budget", clock)
    error = BudgetError(
        f"the budget of {clock.seconds:g} s ended before the comparison did; what there is stands in {folder}.",
        fix="Give more time, 20s at least.",
        code="WF-B01",
    )
    error.run = run  # type: ignore[attr-defined]
    raise error


def _rescue(stage: Stage | None, record: dict[str, Any], folder: Path, status: str, clock: Clock) -> Run | None:
    """Save the best that was trained so far, or nothing but the record."""
    record["status"] = status
    record["seconds"] = clock.used()
    write_json(folder / "run.json", record)
    if stage is None:
        return None
    trained = [e for e in [*stage.pool, *stage.alive] if e.cohort is not None and math.isfinite(e.score)]
    if not trained:
        return None
    best = min(trained, key=lambda e: e.score)
    finalist = Finalist("control" if best.candidate.kind == "control" else "cocktail", best.candidate, [best], best.score)
    return finish(stage, [finalist], [], None, record, folder, status, clock.used)


def first_record(source: Source, options: Options, material: Material, folder: Path) -> dict[str, Any]:
    """The record as it stands before training."""
    import wellfit

    table, split = source.table, source.split
    counts = [int((table.target == c).sum()) for c in range(len(table.classes))]
    return {
        "format": "wellfit.run", "version": 1, "wellfit": wellfit.__version__, "status": "running",
        "name": folder.name, "options": options.to_json(),
        "data": {
            "file": source.name, "rows": len(table), "features": table.frame.shape[1],
            "encoded": material.views[0].encoder.width, "task": table.task, "target": table.target_name,
            "classes": table.classes, "class_counts": counts, "hash": data_hash(table),
            "columns": [{"name": c.name, "kind": c.kind, "reason": c.reason} for c in table.columns],
            "notes": [plain(vars(n)) for n in (*source.notes, *table.notes, *split.notes)],
            "split": split.how, "train_rows": len(split.folds[0][0]), "valid_rows": len(split.folds[0][1]),
            "test_rows": len(split.test), "folds": len(split.folds),
        },
        "machine": {
            "device": resolve_device(options.device), "processors": os.cpu_count(), "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "phases": [], "comparison": [], "events": [],
    }  # fmt: skip


def _say_data(progress: Progress, source: Source, material: Material) -> None:
    table = source.table
    kinds = [c.kind for c in table.columns]
    classes = f", {len(table.classes)} classes" if table.classes else ""
    progress.say(
        "data",
        f"{len(table):,} rows, {table.frame.shape[1]} features ({kinds.count('number')} number, "
        f"{kinds.count('category')} category, {kinds.count('date')} date), {table.task}{classes}",
    )
    progress.say("split", source.split.how)
    for note in (*source.notes, *table.notes, *source.split.notes):
        progress.say("check", f"{note.code} {note.sentence}")
