"""The phases that every search goes through, each with its share of the time that is left."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

from wellfit.job.ablation import Ablation, has_room, run_ablation
from wellfit.job.ablation_bench import take_apart
from wellfit.job.clock import Clock
from wellfit.job.importance import IMPORTANCE_TAKES, importance_record
from wellfit.job.phases import Finalist, run_controls, run_rescoring, run_search
from wellfit.job.plan import at_pace, rescored
from wellfit.job.shares import ABLATED_FROM
from wellfit.job.stage import Stage
from wellfit.searching.halving import Entrant


@dataclasses.dataclass(frozen=True)
class Timetable:
    """Controls, search and re-scoring of one stage.

    Attributes:
        record: every phase is written down in it.
        endless: a plan is repeated: its steps count, not the clock.
    """

    stage: Stage
    clock: Clock
    record: dict[str, Any]
    endless: bool

    def controls(self) -> list[Entrant]:
        """The network without regularization, best first."""
        with self.phase("controls", "the network without regularization, over the learning rates"):
            return run_controls(self.stage, self.deadline(self.shares()["controls"]))

    def search(self, rate: float) -> list[Entrant]:
        """Regularizers alone and together, best first; ``rate`` is the learning rate that served the controls best."""
        shares = self.shares()
        share = shares["search"] / (1.0 - shares["controls"])
        if not self.endless:
            plan, seconds = self.stage.plan, self.clock.until(share) - time.monotonic()
            self.stage.plan = at_pace(plan, self.stage.pace("controls"), seconds, self.stage.material.folds)
            for cut in self.stage.plan.cuts[len(plan.cuts) :]:
                self.stage.progress.say("note", cut)
        with self.phase("search", "cocktails and single regularizers"):
            return run_search(self.stage, rate, self.deadline(share))

    def rescore(self, controls: list[Entrant], found: list[Entrant], share: float) -> list[Finalist]:
        """The finalists whose trainings all came to an end, from fresh seeds; what did not is noted as skipped."""
        if not self.endless:
            seconds = self.clock.until(share) - time.monotonic()
            stage, apart = self.stage, self.stage.plan.mode == "apart"
            bare = max(stage.pace("controls"), stage.pace("search"), 0.0) or None if apart else None
            stage.plan = rescored(stage.plan, stage.pace("search"), seconds, stage.material.folds, bare)
        with self.phase("re-scoring", "the best again, each with the same fresh seeds"):
            finalists = run_rescoring(self.stage, controls, found, self.deadline(share))
        complete = [f for f in finalists if math.isfinite(f.score)]
        self.record["plan"]["skipped"] += [f"re-scoring of {f.key}" for f in finalists if f not in complete]
        return complete

    def ablate(self, finalists: Sequence[Finalist], *after: str) -> Ablation | None:
        """The chosen recipe taken apart, in what is left for it and the phases after it; where there is no time for it,
        that is noted as skipped."""
        if not self._ablates():
            short = self.stage.plan.budget < ABLATED_FROM
            why = f"for a budget below {ABLATED_FROM:g} s" if short else "which takes more trainings than fit"
            self.record["plan"]["skipped"].append(f"ablation, {why}")
            return None
        left = self.clock.end - time.monotonic()
        seconds = math.inf if self.endless else left * self.share_of_rest("ablation", *after)
        chosen = min(finalists, key=lambda f: f.score)
        controls = [f.score for f in finalists if f.key == "control"]
        gained = min(controls) - chosen.score if controls else 0.0
        with self.phase("ablation", "the chosen recipe without each of its ingredients in turn"):
            found = run_ablation(self.stage, take_apart(chosen.candidate, self.stage.base), gained, seconds)
        if isinstance(found, str):
            self.record["plan"]["skipped"].append(f"ablation: {found}")
            return None
        self.record["ablation"] = found.record
        return found

    def weigh(self) -> None:
        """What decided the losses of the search's candidates; where there is no time for it, it is noted as skipped."""
        if not self._ablates():
            self.record["plan"]["skipped"].append("importance of the settings, for the same reason as the ablation")
            return
        late = not self.endless and self.clock.end - time.monotonic() < IMPORTANCE_TAKES
        found = "importance of the settings: no time was left" if late else importance_record(self.stage)
        if isinstance(found, str):
            self.record["plan"]["skipped"].append(found)
        else:
            self.record["importance"] = found

    def shares(self) -> dict[str, float]:
        """How the time for training is divided."""
        return self.stage.plan.shares()

    def _ablates(self) -> bool:
        """Whether there is to be an ablation: where a plan is repeated, if there was one then."""
        return "ablation" in self.stage.plan.reached if self.endless else self.shares()["ablation"] > 0.0

    def after_search(self, found: Sequence[Entrant], *after: str) -> float:
        """Re-scoring's share of the time that it, the phases after it and an ablation have together; the ablation's
        part goes to the others where it would not be enough for one."""
        cocktails = [e.candidate for e in found if e.candidate.kind == "cocktail"]
        if self.endless or not cocktails:
            return self.share_of_rest("rescoring", *after, "ablation")
        seconds = (self.clock.end - time.monotonic()) * self.share_of_rest("ablation", "rescoring", *after)
        room = has_room(self.stage, take_apart(cocktails[0], self.stage.base), seconds)
        return self.share_of_rest("rescoring", *after, *(["ablation"] if room else []))

    def share_of_rest(self, name: str, *after: str) -> float:
        """A phase's share of the time that it and the phases after it have together."""
        shares = self.shares()
        return shares[name] / sum(shares[n] for n in (name, *after))

    def deadline(self, share: float) -> float:
        """The moment when a share of what is left now has gone by; never, where a plan is repeated."""
        return math.inf if self.endless else self.clock.until(share)

    @contextlib.contextmanager
    def phase(self, name: str, sentence: str) -> Iterator[None]:
        """Tell that a phase begins, and write down what it took."""
        self.stage.progress.phase(name, sentence)
        begun = time.monotonic()
        yield
        spent = self.stage.spent.get(name, 0) + (self.stage.spent.get("proof", 0) if name == "ablation" else 0)
        self.record["phases"].append({"name": name, "seconds": time.monotonic() - begun, "member_steps": spent})
