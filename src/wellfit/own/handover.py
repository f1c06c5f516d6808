"""The end of a search over somebody's model: compare, fill the model with the best weights, write all down."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from wellfit.errors import WellfitError
from wellfit.files import write_bytes, write_text
from wellfit.job.compare import Contestant, ScoredRows, best_weights, comparison, last_weights
from wellfit.job.folder import plain, write_json
from wellfit.job.handover import chosen_recipe, search_record
from wellfit.job.history import curves_of, history_bytes
from wellfit.job.inside import layers_of
from wellfit.job.phases import Finalist
from wellfit.job.verdict import stopped_verdict, too_brief, verdict
from wellfit.job.winners_curse import curse_record
from wellfit.own.maker import ModelStudy
from wellfit.own.reading import Part
from wellfit.own.result import Found
from wellfit.own.stage import ModelStage
from wellfit.recipe import Recipe
from wellfit.searching.halving import Entrant
from wellfit.training.apart import member
from wellfit.training.cohort import seeded

ROWS_AT_ONCE = 256

_LABELS = {
    "early_stopping": "early stopping alone",
    "single": "best single regularizer",
    "cocktail": "best cocktail",
}


class Sealed:
    """Rows that can be read once; the count goes into the report."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.reads = 0

    def open(self) -> Part:
        """The rows; raises WellfitError at the second reading."""
        self.reads += 1
        if self.reads > 1:
            raise WellfitError("the test rows were read already; a second look would make them training rows.")
        return self._part


@dataclasses.dataclass(frozen=True)
class Ending:
    """What handing over needs beside the stage.

    Attributes:
        test: rows that nothing was chosen on, or None.
        record: of the run, completed here.
        used: seconds so far.
    """

    stage: ModelStage
    study: ModelStudy
    valid: Part
    test: Part | None
    record: dict[str, Any]
    folder: Path
    used: Callable[[], float]

    def finish(self, finalists: Sequence[Finalist], status: str = "finished") -> Found:
        """Judge, choose and write; returns the result."""
        with self.stage.judging.threaded():
            return self._finished(finalists, status)

    def _finished(self, finalists: Sequence[Finalist], status: str) -> Found:
        chosen = min(finalists, key=lambda f: f.score)
        best = min(chosen.entrants, key=lambda e: e.score)
        model = filled(self.study, best, member(best_weights(best), 0))
        recipe = chosen_recipe(self.stage, chosen)
        self._compare(finalists, model)
        self._judge(status, finalists, chosen)
        self._complete(finalists, chosen, recipe, status)
        self._write(model, recipe, finalists)
        self._say(chosen)
        return Found(model, self.folder, self.record)

    def _compare(self, finalists: Sequence[Finalist], model: nn.Module) -> None:
        """Everything on the same rows: the test rows, read here and nowhere else, or those that chose."""
        sealed = Sealed(self.test) if self.test is not None else None
        part = sealed.open() if sealed else self.valid
        found = self._contestants(self._judged(finalists, len(part.y)), part)
        found.append(Contestant("refit", "chosen recipe, handed over", _outputs(model, part.x)[None], 1))
        usable = [c for c in found if np.isfinite(c.predicted).all()]
        if len(usable) < len(found):
            told = ", ".join(c.label for c in found if not np.isfinite(c.predicted).all())
            self.stage.progress.say("note", f"not compared, since outputs are no numbers: {told}")
        rows = comparison(usable, ScoredRows(self.stage.metric, part.y.numpy(), np.ones(len(part.y))))
        self.record["comparison"] = rows
        self.record["compared_on"] = "test" if sealed else "validation"
        self.record["test_reads"] = sealed.reads if sealed else 0

    def _judged(self, finalists: Sequence[Finalist], rows: int) -> list[Finalist]:
        """The finalists with as many seeds as there is time for."""
        nets = len(finalists) + sum(f.key == "control" for f in finalists)  # of the control the last epoch, too
        seeds = self.stage.seeds_for_the_test(max(len(f.entrants) for f in finalists), nets * rows, rows)
        return [dataclasses.replace(f, entrants=f.entrants[:seeds]) for f in finalists]

    def _contestants(self, finalists: Sequence[Finalist], part: Part) -> list[Contestant]:
        by_key = {f.key: f for f in reversed(finalists)}
        found = []
        if "control" in by_key:
            control = by_key["control"]
            found.append(self._contestant("control_last", "no regularization, last epoch", control, part, last=True))
            found.append(self._contestant("control_best", "no regularization, best epoch", control, part))
        return found + [self._contestant(k, label, by_key[k], part) for k, label in _LABELS.items() if k in by_key]

    def _contestant(self, key: str, label: str, finalist: Finalist, part: Part, last: bool = False) -> Contestant:
        weights = last_weights if last else best_weights
        models = [filled(self.study, e, member(weights(e), 0)) for e in finalist.entrants]
        predicted = np.stack([_outputs(m, part.x) for m in models])
        detail = f"{finalist.candidate.label}; learning rate {finalist.candidate.rate:.2g}"
        return Contestant(key, label, predicted, len(models), detail)

    def _judge(self, status: str, finalists: Sequence[Finalist], chosen: Finalist) -> None:
        brief = too_brief(self.stage, finalists)
        found = verdict(self.record["comparison"], self.stage.metric, chosen.key, brief)
        if status != "finished":
            found = stopped_verdict(status)
        elif self.test is None:
            said = found["sentence"]
            sentence = f"There were no untouched rows, so nothing is proved. On the rows that also chose: {said}"
            found = {**found, "level": "partial", "sentence": sentence}
        self.record["verdict"] = {**found, "not_checked": self.record["plan"]["skipped"]}

    def _complete(self, finalists: Sequence[Finalist], chosen: Finalist, recipe: Recipe, status: str) -> None:
        self.record["status"] = status
        self.record["plan"] = {**self.record["plan"], **self.stage.plan.to_json()}
        self.record["recipe"] = recipe.to_json()
        self.record["lint"] = [f.to_json() for f in recipe.lint(optimizer="Adam")]
        self.record["search"] = search_record(self.stage, finalists, chosen)
        self.record["curves"] = curves_of(finalists, chosen)
        entrant = min(chosen.entrants, key=lambda e: e.score)
        self.record["inside"] = layers_of(self.stage, self.study.network, entrant) if entrant.cohort else {}
        self.record["plan"]["skipped"] += self.stage.skipped
        tested = self.record["comparison"] if self.test is not None else []
        self.record["curse"] = curse_record(self.stage, chosen, tested)

    def _write(self, model: nn.Module, recipe: Recipe, finalists: Sequence[Finalist]) -> None:
        from wellfit.report.page import render

        tensors = {n: w.detach().clone().contiguous() for n, w in model.state_dict().items() if isinstance(w, Tensor)}
        write_bytes(self.folder / "model.safetensors", save_tensors(tensors))
        recipe.save(self.folder / "recipe.json")
        write_bytes(self.folder / "history.npz", history_bytes(finalists))
        self.record["seconds"] = self.used()
        write_json(self.folder / "run.json", self.record)
        write_text(self.folder / "report.html", render(plain(self.record)))

    def _say(self, chosen: Finalist) -> None:
        say = self.stage.progress.say
        say("result", self.record["verdict"]["sentence"])
        say("recipe", f"{chosen.candidate.label}; learning rate {chosen.candidate.rate:.2g}")
        say("wrote", f"{self.folder}: report.html, recipe.json, model.safetensors ({self.record['seconds']:.1f} s)")


def filled(study: ModelStudy, entrant: Entrant, weights: dict[str, Tensor]) -> nn.Module:
    """Somebody's model with the weights of a member, in evaluation mode; torch's generator is left as it was."""
    structure = Recipe(*(p for p in entrant.members[0].recipe if "rewrite" in p.stages))
    model = copy.deepcopy(structure.rewrite(seeded(study.make, 0)))
    with torch.no_grad():
        for name, held in (*model.named_parameters(), *model.named_buffers()):
            held.copy_(weights[name])
    return model.eval()


def _outputs(model: nn.Module, x: Tensor) -> np.ndarray:
    """(rows, ...) as the model gives them."""
    with torch.no_grad():
        return torch.cat([model(block) for block in x.split(ROWS_AT_ONCE)]).double().numpy()
