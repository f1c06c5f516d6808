"""The greedy ensemble of a run: who is in it, with which share, and its members trained once more on all rows."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence

import numpy as np

from wellfit.hashes import hash_integers
from wellfit.job.affordable import affordable
from wellfit.job.phases import Finalist, grown_steps
from wellfit.job.prepare import Material
from wellfit.job.stage import Stage
from wellfit.proof import fit_temperature, greedy_weights
from wellfit.searching.halving import Entrant
from wellfit.training.cohort import Cohort

_GREEDY_ROWS = 20_000
"""Validation rows that the greedy ensemble looks at: more would not change its choice, only its time."""

_POOL = 60
"""Members that the greedy ensemble chooses from, best first."""


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """Entrants that predict together.

    Attributes:
        entrants: as they were validated, the one with the largest share first.
        shares: of each, above 0; they add up to 1.
        temperature: of the averaged class probabilities; 1 for numbers.
        again: by place, entrants trained once more on all rows but the test's; both trainings of such an entrant
            predict, and have half of its share each.
    """

    entrants: tuple[Entrant, ...]
    shares: tuple[float, ...]
    temperature: float
    again: Mapping[int, Entrant] = dataclasses.field(default_factory=dict)

    @property
    def told(self) -> str:
        """Of how many networks it is, and how many of those know all rows; empty for a single one."""
        validated, again = sum(len(e.members) for e in self.entrants), len(self.again)
        if validated + again == 1:
            return ""
        return f"{validated + again:,} networks" + (f", {again:,} of them trained on all rows" if again else "")


def choose_ensemble(stage: Stage, chosen: Finalist) -> Ensemble:
    """The greedy ensemble (Caruana et al., ICML 2004) of the population and of the chosen recipe's seeds.

    It is weighed on the search's validation rows, so that trainings on other folds stay out.
    """
    material = stage.material
    alike = [e for e in chosen.entrants if all(material.view(m.fold) < material.folds for m in e.members)]
    trained = [e for e in (*stage.pool, *alike) if e.cohort is not None and math.isfinite(e.score)]
    ranked = sorted(trained, key=lambda e: e.score)[:_POOL]
    predictions, truth, weight = _validated(stage, ranked)
    some = slice(None, None, max(1, len(truth) // _GREEDY_ROWS))
    few, few_truth, few_weight = predictions[:, some], truth[some], weight[some]
    shares = greedy_weights(few, lambda p: stage.metric.loss(few_truth, p, few_weight))
    taken = sorted((i for i in range(len(ranked)) if shares[i] > 0), key=lambda i: -shares[i])
    mean = np.tensordot(shares[taken], predictions[taken], axes=1)
    entrants, weights = tuple(ranked[i] for i in taken), tuple(float(shares[i]) for i in taken)
    return Ensemble(entrants, weights, _temperature(stage, mean, truth, weight))


def _validated(stage: Stage, entrants: Sequence[Entrant]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = []
    for entrant in entrants:
        cohort = entrant.cohort
        assert isinstance(cohort, Cohort)
        outputs = [o.numpy() for o in cohort.best.outputs]
        truth, predicted, weight = stage.validated(outputs, [stage.material.view(m.fold) for m in cohort.members])
        found.append(predicted)
    return np.stack(found), truth, weight


def _temperature(stage: Stage, mean: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    if stage.material.table.task == "regression":
        return 1.0
    return fit_temperature(np.log(np.clip(mean, 1e-15, 1.0)), truth, weight)


def trains_again(material: Material) -> bool:
    """Whether one slice validates: the networks that five folds make of a member know all rows together."""
    return material.folds == 1


def train_again(stage: Stage, ensemble: Ensemble, deadline: float) -> Ensemble:
    """The ensemble, with as many members as there is time for trained once more on all rows but the test's.

    Those with the largest share come first, and each trains for as many epochs as it needed. In one stack they run side
    by side, and those that need the fewest steps leave first; where members train one by one, as many as there are
    processes begin together.
    """
    steps = [grown_steps(stage, e.best_step) for e in ensemble.entrants]
    places, complete = _affordable(stage, steps, deadline)
    arena = stage.arena("ensemble", refit=True)
    hands = stage.engine.hands
    if stage.plan.mode not in ("compiled", "apart"):  # a traced stack may be as small as it needs to be
        arena = dataclasses.replace(arena, chunk=max(1, math.ceil(len(places) / hands)))
    entered = {}
    for place in places:
        seed = hash_integers(stage.seed, 98, place) % 2**31
        entered[place] = arena.enter(ensemble.entrants[place].candidate, seed, [stage.material.folds])
    together = hands if stage.plan.mode == "apart" else max(1, len(places))
    for begin in range(0, len(places), together):
        some = places[begin : begin + together]
        for level in sorted({steps[i] for i in some}):
            arena.train([entered[i] for i in some if steps[i] >= level], level, deadline)
    done = {i: e for i, e in entered.items() if e.step == steps[i] and i in complete}
    stage.plan.reached.update({"ensemble": list(done), "ensemble entered": list(entered)})
    stage.spent["ensemble"] = sum(e.step for e in entered.values())
    return dataclasses.replace(ensemble, again={i: e for i, e in done.items() if _finite(e)})


def _affordable(stage: Stage, steps: Sequence[int], deadline: float) -> tuple[list[int], list[int]]:
    """The places of the members that there is time for, and of those among them that are to count.

    Where a plan is repeated, those of then: what trains beside a member may decide when it is looked at.
    """
    if stage.repeated:
        entered, done = (stage.plan.reached.get(name, []) for name in ("ensemble entered", "ensemble"))
        known = range(len(steps))
        return [i for i in known if i in entered], [i for i in known if i in done]
    seconds, places = max(0.0, deadline - time.monotonic()), list[int]()
    for place, needed in enumerate(steps):
        longest = max([needed, *(steps[i] for i in places)])
        if affordable(stage, seconds * stage.plan.steps / longest) > len(places):
            places.append(place)
    return places, places


def _finite(entrant: Entrant) -> bool:
    assert entrant.cohort is not None
    return all(bool(w.isfinite().all()) for w in entrant.cohort.last_weights().values())
