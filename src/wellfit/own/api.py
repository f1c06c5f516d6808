"""``wellfit.search``: find, train and prove the recipe that somebody's own model needs."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from wellfit.errors import BudgetError, Interrupted
from wellfit.job.clock import Clock
from wellfit.job.ending import rescue, too_small
from wellfit.job.folder import make_folder, write_json, write_lean
from wellfit.job.judging import time_judging
from wellfit.job.opening import check_recipe, given_recipe, resolve_device, stored_plan, ticker
from wellfit.job.options import Options
from wellfit.job.phases import Finalist
from wellfit.job.plan import Plan, make_plan
from wellfit.job.probe import Probe, pinned
from wellfit.job.space import Space, make_space
from wellfit.job.stack_or_apart import BREADTH, choose_way
from wellfit.job.timetable import Timetable
from wellfit.own.handover import ROWS_AT_ONCE, Ending
from wellfit.own.opening import Opened, check_given, first_record, open_search
from wellfit.own.result import Found
from wellfit.own.stage import Here, ModelStage
from wellfit.own.workers import open_engine, start_engine
from wellfit.progress import Progress, Silent
from wellfit.recipe import Recipe
from wellfit.training.cohort import seeded
from wellfit.training.crew import Engine


def search(
    make_model: Callable[[], nn.Module],
    train: Any,
    val: Any,
    *,
    budget: str | float = "60s",
    test: Any = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    metric: str | Callable[..., float] | None = None,
    recipe: str | Path | Recipe | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    device: str = "auto",
    allow: Sequence[str] = (),
    plan: str | Path | None = None,
    progress: Progress | None = None,
) -> Found:
    """Find, train and prove the recipe that your own model needs.

    Every member of the search is a model of yours, trained by Adam. Models that run under ``torch.func.vmap`` train
    side by side in stacks where that is faster; others one by one, with the same halving, and the run says why. The
    model without regularization gets as many member-steps over as many learning rates as the search.

    Args:
        make_model: the class, or a function without arguments that builds a new model each time. Its ``forward(x)``
            takes one tensor, rows first, and returns one.
        train, val: a pair (X, y) of arrays or tensors, or a DataLoader of such pairs. They are read into memory; of a
            training loader that transforms at random, several passes are read. A loader's batch size is kept.
        budget: wall time, ``60s``, ``10m``, ``1h`` or seconds, from this call on.
        test: rows that nothing is chosen on, read once at the end. Without them the verdict says that there were none.
        loss: a function (outputs, targets) -> one number, such as ``nn.HuberLoss()``; by default cross-entropy for
            whole-number targets, squared error for others.
        metric: what decides; by default the loss (RMSE for squared error), else a scikit-learn scorer's name, or a
            function (targets, predicted) for which more is better: predicted are class probabilities where classes are
            known, else the outputs.
        recipe: a recipe to train with instead of searching.
        seed: of first weights, the order of rows, draws and proposals.
        out: the run folder; by default a new one under ``runs``.
        device: ``auto``, ``cpu`` or ``cuda``.
        allow: codes of the lint's errors that this recipe may break.
        plan: the run.json of an earlier run, whose plan is repeated: same plan and seed, same result.
        progress: told what happens; nothing is printed by default.

    Returns:
        ``model`` (trained, of your class), ``recipe``, ``verdict``, ``comparison``, ``folder``, ``record``.

    Raises:
        WellfitError: with a sentence that says what came, what is allowed and what to do.
        BudgetError: the budget was too small; its ``run`` holds what there is.
        Interrupted: Ctrl-C; its ``run`` holds the best so far.
    """
    options = Options(
        budget=budget, seed=seed, metric=metric, device=device, out=out, recipe=recipe, plan=plan, allow=tuple(allow)
    )
    clock, told = Clock(time.monotonic(), options.seconds()), progress or Silent()
    given = given_recipe(options)
    check_given(given)
    folder: Path | None = None
    engine, where = start_engine(make_model, loss, resolve_device(device), clock.seconds)
    try:
        opened = open_search(make_model, train, val, test, loss, options, "rewrite" in (given.stages if given else ()))
        notes = check_recipe(given, opened.goal.task, options)
        folder = make_folder(out, type(opened.sample).__name__, opened.train.hash())
        record = first_record(opened, options, loss, folder.name)
        told.begin(f"{record['model']['class']} in {folder}", clock.seconds)
        for sentence in [*map(str, notes), *opened.notes]:
            told.say("note", sentence)
        write_json(folder / "run.json", record)
        engine, where = open_engine(engine, where, opened.study)
        return _Conduct(opened, options, told, clock, given, engine, where, record, folder).run()
    except KeyboardInterrupt:
        raise Interrupted(None, folder) from None
    finally:
        engine.close()
        told.end()


@dataclasses.dataclass
class _Conduct:
    """One search, from the look at the machine to the result."""

    opened: Opened
    options: Options
    progress: Progress
    clock: Clock
    given: Recipe | None
    engine: Engine
    where: str
    record: dict[str, Any]
    folder: Path
    stage: ModelStage | None = None

    def run(self) -> Found:
        """Everything after the rows were read; whatever ends it early, what there is is kept."""
        try:
            self.stage = self._open()
            return self._phases(self.stage)
        except KeyboardInterrupt:
            self.engine.close()
            kept = rescue(self.stage, self.record, self.folder, "interrupted", self.clock, self._early)
            raise Interrupted(kept, self.folder) from None
        except BudgetError:
            raise
        except Exception:
            self.record["status"] = "failed"
            write_json(self.folder / "run.json", self.record)
            raise

    def _open(self) -> ModelStage:
        """Probe the model, plan, and write the plan down before training."""
        stored = stored_plan(self.options)
        study, long = self.opened.study, self.clock.seconds >= 300
        draft = stored or self._plan(Probe(1, "traced", "loop", 1e3, ""), 1.0)
        stage: Any = ModelStage(
            self.opened.ground, self.opened.metric, self.engine, draft, self.progress, self.options.seed,  # type: ignore[arg-type]
            ticker(self.progress, self.clock), self.given,
        )  # fmt: skip
        if stored is None:
            self._keep_time_for_the_test(stage)
        space = make_space(study, self.opened.goal.task, long) if self.given is None else Space({}, ())
        stage.space, stage.repeated = space.parts, stored is not None
        probe = pinned(stored) if stored else self._probe(stage)
        stage.plan = stored or self._plan(probe, max(0.1, self.clock.end - time.monotonic()))
        self._note(stage, probe, space)
        self._heed()
        return stage

    def _keep_time_for_the_test(self, stage: ModelStage) -> None:
        opened, study = self.opened, self.opened.study
        stage.judging = time_judging(seeded(study.make, 0), opened.train.x, ROWS_AT_ONCE)
        self.clock.keep_free(stage.judging, len((opened.test or opened.valid).y))

    def _probe(self, stage: ModelStage) -> Probe:
        left = self.clock.end - time.monotonic()
        probe = choose_way(self.engine, self.opened.study, stage.mixes(), self.opened.batch, left)
        self._heed()
        return probe

    def _plan(self, probe: Probe, seconds: float) -> Plan:
        valid = self.opened.valid.rows
        plan = make_plan(
            rows=self.opened.train.rows, inputs=self.opened.train.x[0].numel(), valid_rows=valid, folds=1,
            chunk=max(probe.chunk, BREADTH), hands=self.engine.hands, mode=probe.mode, engine=probe.engine,
            rate=probe.rate, seconds=seconds, budget=self.clock.seconds, bare=probe.bare, batch=self.opened.batch,
        )  # fmt: skip
        return dataclasses.replace(plan, width=0, depth=0, chunk=min(plan.chunk, probe.chunk))

    def _note(self, stage: ModelStage, probe: Probe, space: Space) -> None:
        plan = stage.plan
        self.record["plan"] = {**plan.to_json(), "way": probe.sentence, "skipped": []}
        self.record["events"] += [f"trained {probe.sentence}; {self.where}", *space.left_out]
        write_json(self.folder / "run.json", self.record)
        self.progress.say("engine", f"{probe.sentence}; {self.where}")
        for sentence in (*space.left_out, *plan.cuts):
            self.progress.say("note", sentence)
        climbs = " -> ".join(f"{r.members} candidates to step {r.until}" for r in plan.rungs)
        self.progress.say("plan", f"{climbs}, {plan.generations} times; the controls get the same")

    def _phases(self, stage: ModelStage) -> Found:
        times = Timetable(stage, self.clock, self.record, self.options.plan is not None)
        controls = times.controls()
        self._heed()
        if not controls:
            too_small(stage, self.record, self.folder, self.clock, self._early)
        found = times.search(controls[0].candidate.rate)
        self._heed()
        complete = times.rescore(controls, found, times.after_search(found))
        self._heed()
        if not complete:
            too_small(stage, self.record, self.folder, self.clock, self._early)
        ablation = times.ablate(complete)
        self._heed()
        times.weigh()
        write_lean(self.folder, ablation.lean if ablation else None)
        self.progress.phase("test", "the rows that judge are read")
        return self._ending(stage).finish(complete)

    def _heed(self) -> None:
        """Raises KeyboardInterrupt where Ctrl-C came while tasks ran: what they had done was kept first."""
        if isinstance(self.engine, Here) and self.engine.stopped:
            raise KeyboardInterrupt

    def _early(self, finalist: Finalist, status: str) -> Found:
        assert self.stage is not None
        return self._ending(self.stage).finish([finalist], status)

    def _ending(self, stage: ModelStage) -> Ending:
        opened = self.opened
        return Ending(stage, opened.study, opened.valid, opened.test, self.record, self.folder, self.clock.used)
