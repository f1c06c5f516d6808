"""What halving loses: the rank of its winner among all candidates trained to the end, beside the time it saves.

    python benchmarks/halving.py --data DIR --tables vehicle phoneme digits credit-g concrete

Sixty-four candidates (the first proposals of a search) train to the end once; halving then runs with the same
candidates and seeds, keeping a quarter after a quarter of the steps. Both run in the same processes, one after the
other, after the stacks have been traced.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import tables
from wellfit.data import split_given, table_from_arrays
from wellfit.job.metrics import make_metric
from wellfit.job.opening import open_engine
from wellfit.job.options import Options
from wellfit.job.plan import Plan, full_steps, size_batch
from wellfit.job.prepare import Material, make_material
from wellfit.job.stage import Stage
from wellfit.progress import Silent
from wellfit.searching import portfolio
from wellfit.searching.halving import Arena, Rung, climb
from wellfit.searching.space import Candidate, Proposer, searched
from wellfit.training.study import Study

CANDIDATES, STACK = 64, 16


def material_of(case: tables.Case) -> Material:
    """The training rows of a case, with one validation slice."""
    table = table_from_arrays(case.x_train, case.y_train, task=case.task)
    whole = range(len(table))
    valid = [i for i in whole if i % 5 == 0]
    train = [i for i in whole if i % 5]
    return make_material(table, split_given(train, [], valid, table), None)


def candidates(task: str) -> list[Candidate]:
    """What a search would begin with."""
    parts = searched(task)
    proposer = Proposer(parts, 0)
    for recipe, rate in portfolio.cocktails(parts, 3e-3, 1000):
        proposer.start_with(recipe, rate)
    alone = portfolio.singles(parts, 3e-3, CANDIDATES // 3)
    return alone + [proposer.propose() for _ in range(CANDIDATES - len(alone))]


def measure(case: tables.Case) -> str:
    """One row of the table."""
    material = material_of(case)
    rows = len(material.split.folds[0][0])
    batch = size_batch(rows)
    steps = full_steps(rows, batch)[1]
    engine = open_engine(Options(device="cpu"))
    engine.open(Study(material.shape(64, 2), material.rows))
    plan = Plan(
        64, 2, batch, steps, max(5, rows // batch), STACK, "traced", "processes", engine.hands, (), 1, 1, 1, 0, 0
    )
    stage = Stage(material, make_metric(None, case.task, []), engine, plan, Silent(), 0, lambda *_: None)
    arena, chosen = stage.arena("benchmark"), candidates(case.task)
    arena.train([arena.enter(c, i) for i, c in enumerate(chosen[: STACK * engine.hands])], 3, math.inf)
    full = _climbed(arena, chosen, [Rung(CANDIDATES, steps)])
    halved = _climbed(arena, chosen, [Rung(CANDIDATES, steps // 4), Rung(CANDIDATES // 4, steps)])
    engine.close()
    order = [label for label, _ in full[0]]
    winner, loss = halved[0][0]
    regret = (loss - full[0][0][1]) / full[0][0][1]
    return (
        f"| {case.name} | {steps} | {order.index(winner) + 1} of {len(order)} | {regret:+.2%} | {full[1]:.1f} | "
        f"{halved[1]:.1f} | {full[1] / halved[1]:.2f} |"
    )


def _climbed(arena: Arena, chosen: list[Candidate], rungs: list[Rung]) -> tuple[list[tuple[int, float]], float]:
    """(candidate's number, score) of those at the top, best first, and the seconds."""
    entrants = [arena.enter(c, i) for i, c in enumerate(chosen)]
    numbers = {id(e): i for i, e in enumerate(entrants)}
    begun = time.monotonic()
    finished, _ = climb(arena, entrants, rungs, math.inf, "benchmark", protected="")
    return [(numbers[id(e)], e.score) for e in finished], time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="*", default=["vehicle", "phoneme", "digits", "credit-g", "concrete"])
    asked = parser.parse_args()
    print("| table | steps | rank of halving's winner | loss above the best | all to the end, s | halving, s | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in asked.tables:
        print(measure(tables.load(asked.data, name, 0)), flush=True)


if __name__ == "__main__":
    main()
