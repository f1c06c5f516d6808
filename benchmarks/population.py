"""Model-steps a second: wellfit's population against the same cocktail trained one by one, interleaved in one run.

    python benchmarks/population.py                    # three MLPs, K = 16, 32, 64; some 15 minutes on two cores
    python benchmarks/population.py --shapes 20-2x64 --members 64 --rounds 3

The cocktail: dropout, label smoothing, mixup, input noise, L1, gradient clip, max-norm, EMA; Adam, batch 128, float32.
Contenders, all in the same process tree, in turn, round by round:
  (a) plain torch, one process, the better of one thread and all threads;
  (b) plain torch in one process per processor, one thread each;
  (c) wellfit's own step for a single model, compiled, in as many processes;
  and the population: eager (vmap), traced, compiled, in as many processes, in stacks of 16.
Figures are medians over rounds. The goal's ratios are against the better of (a) and (b).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from wellfit.models.mlp import Shape
from wellfit.recipe import Recipe
from wellfit.regularizers import EMA, L1, ClipNorm, Dropout, InputNoise, LabelSmoothing, MaxNorm, Mixup
from wellfit.target import Target
from wellfit.training.cohort import Cohort, Member, Rows
from wellfit.training.crew import Crew
from wellfit.training.population import Course
from wellfit.training.study import Study, Task

CLASSES, INPUTS, BATCH, ROWS, STACK = 10, 20, 128, 5000, 16
GOALS = {"20-2x64": (10.0, 5.0), "20-2x128": (6.0, 3.0), "20-3x256": (2.5, 1.8)}


class PlainCrew:
    """Processes of plain.py that train at the same time."""

    def __init__(self, width: int, depth: int, processes: int, threads: int) -> None:
        script = str(Path(__file__).with_name("plain.py"))
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, script, str(width), str(depth), str(threads)]
        self.processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            for _ in range(processes)
        ]
        for process in self.processes:
            assert process.stdout is not None
            process.stdout.readline()

    def rate(self, steps: int) -> float:
        """Model-steps a second of all processes together."""
        begun = time.perf_counter()
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{steps}\n")
            process.stdin.flush()
        for process in self.processes:
            assert process.stdout is not None
            process.stdout.readline()
        return steps * len(self.processes) / (time.perf_counter() - begun)

    def close(self) -> None:
        for process in self.processes:
            process.kill()


class Stacks:
    """The population at K members, going on from round to round."""

    def __init__(self, crew: Crew, members: int, stack: int, mode: str) -> None:
        self.crew, self.mode = crew, mode
        every = [_member(k) for k in range(members)]
        first = Course(2, BATCH, 10**9, mode)
        tasks = [Task(first, tuple(every[i : i + stack])) for i in range(0, members, stack)]
        results = crew.run(tasks)
        self.built = max(r.building for r in results)
        self.note = next((r.note for r in results if r.note), "")
        self.cohorts: list[Cohort] = [r.cohort for r in results]

    def rate(self, steps: int) -> float:
        """Member-steps a second, the transport of states to and from the workers included."""
        course = Course(self.cohorts[0].step + steps, BATCH, 10**9, self.mode)
        begun = time.perf_counter()
        results = self.crew.run([Task(course, cohort=c) for c in self.cohorts])
        seconds = time.perf_counter() - begun
        self.cohorts = [r.cohort for r in results]
        return sum(len(c) for c in self.cohorts) * steps / seconds


def _member(number: int) -> Member:
    p = 0.05 + 0.005 * (number % 40)
    recipe = Recipe(
        Dropout(p), LabelSmoothing(0.1), Mixup(0.2), InputNoise(0.05), L1(1e-5), ClipNorm(1.0), MaxNorm(3.0), EMA(0.99),
        silence=["WF-L03"],
    )
    return Member(recipe, 1e-3, number)


def _study(width: int, depth: int) -> Study:
    x, y = torch.randn(ROWS, INPUTS), torch.randint(CLASSES, (ROWS,))
    target = Target(torch.nn.functional.one_hot(y, CLASSES).float(), torch.ones(ROWS), classes=True)
    rows = torch.arange(ROWS)
    return Study(Shape(INPUTS, CLASSES, width, depth), Rows(x, target, ((rows[:-128], rows[-128:]),)))


def measure(name: str, members: int, rounds: int, steps: int) -> dict[str, float]:
    """Medians over rounds of every contender's model-steps a second."""
    depth, width = (int(v) for v in name.split("-")[1].split("x"))
    hands = os.cpu_count() or 1
    crew = Crew(hands)
    crew.open(_study(width, depth))
    contenders: dict[str, tuple[PlainCrew | Stacks, int]] = {
        "plain 1 thread": (PlainCrew(width, depth, 1, 1), steps * 4),
        "plain all threads": (PlainCrew(width, depth, 1, hands), steps * 4),
        "plain processes": (PlainCrew(width, depth, hands, 1), steps * 4),
        "own single": (Stacks(crew, hands, 1, "compiled"), steps * 4),
        "eager": (Stacks(crew, members, STACK, "eager"), steps),
        "traced": (Stacks(crew, members, STACK, "traced"), steps),
        "compiled": (Stacks(crew, members, STACK, "compiled"), steps),
    }
    found: dict[str, list[float]] = {label: [] for label in contenders}
    for _ in range(rounds):
        for label, (contender, count) in contenders.items():
            found[label].append(contender.rate(count))
    compiling = contenders["compiled"][0]
    assert isinstance(compiling, Stacks)
    figures = {label: statistics.median(rates) for label, rates in found.items()}
    figures["compile seconds"] = compiling.built
    if compiling.note:
        print("note:", compiling.note)
    for contender, _ in contenders.values():
        if isinstance(contender, PlainCrew):
            contender.close()
    crew.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--shapes", nargs="*", default=list(GOALS))
    parser.add_argument("--members", nargs="*", type=int, default=[16, 32, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    asked = parser.parse_args()
    labels = ["plain 1 thread", "plain all threads", "plain processes", "own single", "eager", "traced", "compiled"]
    print(f"torch {torch.__version__}, {os.cpu_count()} processors, medians of {asked.rounds} rounds")
    print("| MLP | K | " + " | ".join(labels) + " | compiled / best plain | eager, traced / best plain | compile s |")
    print("|---" * (len(labels) + 5) + "|")
    for shape in asked.shapes:
        for members in asked.members:
            figures = measure(shape, members, asked.rounds, asked.steps)
            best = max(figures[label] for label in labels[:3])
            ratios = f"{figures['compiled'] / best:.1f} | {figures['eager'] / best:.1f}, {figures['traced'] / best:.1f}"
            rates = " | ".join(f"{figures[label]:,.0f}" for label in labels)
            print(f"| {shape} | {members} | {rates} | {ratios} | {figures['compile seconds']:.1f} |", flush=True)


if __name__ == "__main__":
    main()
