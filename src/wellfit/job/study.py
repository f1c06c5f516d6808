"""The main job, from a source to a run: phase by phase, within the budget, with what there is when it ends early."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wellfit.errors import BudgetError, Interrupted
from wellfit.job.balance import SHARE, check_balance, choose_balance, run_balance, ways
from wellfit.job.baselines import Baselines
from wellfit.job.clock import Clock
from wellfit.job.ending import rescue, too_small
from wellfit.job.ensembling import Ensemble, choose_ensemble, train_again, trains_again
from wellfit.job.folder import make_folder, write_json, write_lean
from wellfit.job.handover import finish
from wellfit.job.live import LivePage
from wellfit.job.metrics import Metric, make_metric
from wellfit.job.opening import check_recipe, first_record, given_recipe, open_engine, open_stage, say_data
from wellfit.job.options import Options
from wellfit.job.phases import Finalist, run_refit
from wellfit.job.prepare import Material, data_hash, make_material
from wellfit.job.repeat import repeat_notes
from wellfit.job.run import Run
from wellfit.job.sources import open_path
from wellfit.job.stage import Stage
from wellfit.job.table_source import Source
from wellfit.job.timetable import Timetable
from wellfit.progress import Progress, Silent
from wellfit.recipe import Recipe
from wellfit.report.before_after import NO_REFIT
from wellfit.searching.halving import Entrant
from wellfit.searching.levels import data_level
from wellfit.training.crew import Engine


def fit_file(path: str | Path, options: Options, progress: Progress | None = None, started: float | None = None) -> Run:
    """Run the main job on a file.

    Args:
        path: CSV or Parquet, a folder with one folder of images for each class, or an .npz file of images.
        started: ``time.monotonic()`` at the start of the process, where the budget counts from there; else from now.

    Raises:
        UsageError, DataError, RecipeError, TrainingError, RunFolderError: as their sentences say.
        BudgetError: the budget was too small for the first rung; its ``run`` holds what there is.
        Interrupted: Ctrl-C; its ``run`` holds the best so far.
    """
    progress, begun = progress or Silent(), time.monotonic()
    options.seconds()
    given = given_recipe(options)
    engine = open_engine(options)
    try:
        source = open_path(path, options)
        return run_study(source, options, progress, started or begun, engine, given)
    except KeyboardInterrupt:
        raise Interrupted(None) from None
    finally:
        engine.close()
        progress.end()


def run_study(
    source: Source, options: Options, progress: Progress, started: float, engine: Engine, given: Recipe | None
) -> Run:
    """Everything after the data were read."""
    clock = Clock(started, options.seconds())
    table = source.table
    metric = make_metric(options.metric, table.task, table.classes)
    metric.check(table.target, len(table.classes))
    found = check_recipe(given, table.task, options)
    check_balance(options, given, table.task)
    told = repeat_notes(options, source)
    folder = make_folder(options.out, Path(source.name).name.partition(".")[0], data_hash(table))
    try:
        return _run_in(folder, source, options, progress, clock, engine, given, metric, [*map(str, found), *told])
    except KeyboardInterrupt:
        raise Interrupted(None, folder) from None


def _run_in(
    folder: Path, source: Source, options: Options, progress: Progress, clock: Clock, engine: Engine,
    given: Recipe | None, metric: Metric, told: list[str],
) -> Run:  # fmt: skip
    """The run of a folder that was just made."""
    progress.begin(f"{source.name} in {folder}", clock.seconds)
    material, choices, levels, note = _material(source, options, given)
    record = first_record(source, options, material, folder)
    record["metric"] = {"name": metric.name, "lower_is_better": metric.lower_is_better}
    say_data(progress, source, material)
    for sentence in [*told, *([note] if note else []), *material.told]:
        progress.say("note", sentence)
    write_json(folder / "run.json", record)
    stage: Stage | None = None
    live = LivePage(record, folder)
    try:
        baselines = Baselines(material, options.seed)
        stage = open_stage(material, metric, options, progress, clock, engine, given, record, folder)
        stage.tick = live.watching(stage.tick)
        stage.base = stage.data = choices.get(str(options.balance), Recipe())
        stage.levels = levels
        balance = _Balance(options.balance, choices) if options.balance else None
        return _Conduct(stage, baselines, clock, record, folder, options.plan is not None, balance).run()
    except KeyboardInterrupt:
        engine.close()
        kept = rescue(stage, record, folder, "interrupted", clock, _finish(stage, record, folder, clock))
        raise Interrupted(kept, folder) from None
    except (BudgetError, Interrupted):
        raise
    except Exception:
        record["status"] = "failed"
        write_json(folder / "run.json", record)
        raise
    finally:
        live.close()


def _material(
    source: Source, options: Options, given: Recipe | None
) -> tuple[Material, dict[str, Recipe], tuple[Recipe, ...], str]:
    """The rows with every variant that the run needs; ways to balance, recipes that change rows, and a note on them."""
    material = make_material(source.table, source.split, options.class_weight, source.kind)
    choices, note = ways(material) if options.balance else ({}, "")
    levels = tuple(source.kind.levels(source.table)) if given is None and options.balance is None else ()
    recipes = [*choices.values(), *([data_level(given)] if given is not None else []), *levels]
    return source.kind.with_variants(material, recipes, options.seed), choices, levels, note


NO_MEMBERS = "the ensemble's members on all rows"
"""What a run names among what it skipped where none of them was trained again."""


@dataclasses.dataclass(frozen=True)
class _Balance:
    """What was asked for, and the ways that are compared."""

    asked: str
    choices: dict[str, Recipe]


@dataclasses.dataclass
class _Conduct:
    """The phases one after the other, each with its share of the time that is left.

    Attributes:
        endless: a plan is repeated: its steps count, not the clock.
    """

    stage: Stage
    baselines: Baselines
    clock: Clock
    record: dict[str, Any]
    folder: Path
    endless: bool
    balance: _Balance | None = None

    def run(self) -> Run:
        """Controls, search, re-scoring, what is left; then the test and the writing."""
        table = self._timetable()
        controls = table.controls()
        if not controls:
            too_small(self.stage, self.record, self.folder, self.clock, self._early())
        if self.balance:
            self._weigh(table, controls, self.balance)
        found = table.search(controls[0].candidate.rate)
        complete = table.rescore(controls, found, table.after_search(found, "refit", "ensemble"))
        if not complete:
            too_small(self.stage, self.record, self.folder, self.clock, self._early())
        refit = self._refit(table, complete)
        ablation = table.ablate(complete, "ensemble")
        table.weigh()
        ensemble = self._ensemble(table, complete)
        write_lean(self.folder, ablation.lean if ablation else None)
        late = 60.0 if self.endless else max(0.5, self.clock.end + 1.0 - time.monotonic())
        self.baselines.wait(late)
        self.stage.progress.phase("test", "the test rows are read, once")
        return finish(
            self.stage, complete, refit, ensemble, self.baselines, self.record, self.folder, "finished", self.clock.used
        )

    def _early(self) -> Callable[[Finalist, str], Run]:
        return _finish(self.stage, self.record, self.folder, self.clock)

    def _timetable(self) -> Timetable:
        return Timetable(self.stage, self.clock, self.record, self.endless)

    def _weigh(self, table: Timetable, controls: list[Entrant], balance: _Balance) -> None:
        """None, weights and synthetic rows, each as long; the search goes on with what was asked for."""
        with table.phase("balance", "no balancing, class weights and synthetic rows, at equal steps"):
            run_balance(self.stage, balance.choices, controls, table.deadline(SHARE))
        chosen = choose_balance(self.stage, balance.asked)
        self.record["balance"] = {"asked": balance.asked, "chosen": chosen}
        if not self.stage.weighed:
            self.record["plan"]["skipped"].append("comparison of ways to balance")

    def _refit(self, table: Timetable, finalists: list[Finalist]) -> list[tuple[Finalist, Entrant]]:
        """The best by the fresh seeds' validation score, which may be no regularization at all, on all rows."""
        best = min(finalists, key=lambda f: f.score)
        with table.phase("refit", "the chosen recipe on all rows but the test's"):
            found = run_refit(self.stage, [best], table.deadline(1.0))
        if not found:
            self.record["plan"]["skipped"].append(NO_REFIT)
        return found

    def _ensemble(self, table: Timetable, finalists: list[Finalist]) -> Ensemble:
        """The greedy ensemble, with as many members trained again on all rows as there is time for."""
        ensemble = choose_ensemble(self.stage, min(finalists, key=lambda f: f.score))
        if not trains_again(self.stage.material):
            return ensemble
        with table.phase("ensemble", "its members on all rows but the test's"):
            found = train_again(self.stage, ensemble, table.deadline(1.0))
        done, count = len(found.again), len(found.entrants)
        if done < count:
            told = f"{NO_MEMBERS}, but for {done} of {count}" if done else NO_MEMBERS
            self.record["plan"]["skipped"].append(told)
        return found


def _finish(stage: Stage | None, record: dict[str, Any], folder: Path, clock: Clock) -> Callable[[Finalist, str], Run]:
    """How a run that ends early hands over what it has."""

    def hand_over(finalist: Finalist, status: str) -> Run:
        assert stage is not None
        return finish(stage, [finalist], [], None, None, record, folder, status, clock.used)

    return hand_over
