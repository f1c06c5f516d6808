"""A policy of augmentation found by wellfit's own search on KMNIST-1000, against mirror images and moves.

    OMP_NUM_THREADS=1 python benchmarks/policy.py --data DIR                 # search, then score
    OMP_NUM_THREADS=1 python benchmarks/policy.py --data DIR --recipe FILE   # score a recipe that was found before

DIR holds kmnist10k.npz; nothing is downloaded.

Search: the first 1,000 training pictures alone, 800 to train and 200 to judge by. Optuna's proposals over every part
that changes pictures (the facts on the classes say which; strengths, and which parts at all), from
``wellfit.searching``, are thinned out after a quarter of their steps; the best three and the baseline are trained again
from two fresh seeds. The learning rate is settled first, for the baseline, and is the same for all; all have a moving
average. Then five other subsets of 1,000 pictures that the search has not seen: each recipe trains for the same steps
from the same seeds, and the last weights (no validation rows, no early stopping) are scored on the 2,000 test pictures.
A gain is paired by subset, its interval Student's over the five (95 %). Both "flip + shift" and the network without any
augmentation are there; so is shift alone, since a mirror image of a letter is another letter.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import scipy.stats
import torch
from torch.nn import functional

from wellfit import EMA, Flip, Recipe, Shift
from wellfit.models.picture_shape import PictureShape
from wellfit.regularizer import Regularizer
from wellfit.searching import portfolio
from wellfit.searching.space import Proposer, searched
from wellfit.target import Target
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam

BATCH, ROWS, SUBSETS = 64, 1000, 5
FLIP_SHIFT = Recipe(Flip(0.5), Shift(0.1))
PEERS = {"nothing": Recipe(), "flip + shift": FLIP_SHIFT, "shift": Recipe(Shift(0.1))}


class Pictures:
    """KMNIST, standardized by the pixels of the first subset; ``rows(k)`` are the k-th thousand to train on."""

    def __init__(self, folder: Path) -> None:
        held = np.load(folder / "kmnist10k.npz")
        self.train, self.test = held["train"], held["test"]
        pixels = torch.from_numpy(held["x"]).float()[:, None]
        chosen = pixels[self.train[:ROWS]]
        self.mean, self.std = float(chosen.mean()), float(chosen.std())
        self.x = (pixels - self.mean) / self.std
        self.y = torch.from_numpy(held["y"].astype(np.int64))
        self.ends = ((-self.mean / self.std,), ((255.0 - self.mean) / self.std,))

    def rows(self, subset: int) -> np.ndarray:
        return self.train[ROWS * subset : ROWS * (subset + 1)]


class Training:
    """One training on some rows under a recipe, to be taken further step by step."""

    def __init__(self, data: Pictures, rows: np.ndarray, recipe: Recipe, rate: float, steps: int, seed: int) -> None:
        torch.manual_seed(seed)
        network = PictureShape(1, 28, 28, 10, 16, 32, 128, 4, 0).network()
        averaged = Recipe(EMA(min(0.999, max(0.9, 1.0 - 40.0 / steps))), *recipe)
        epoch = len(rows) // BATCH
        self.lone = Lone(network, averaged, Adam(), rate=rate, seed=seed, epoch_steps=epoch, pixels=data.ends)
        self.data, self.rows, self.order = data, rows, np.random.default_rng(seed)
        self.queue: list[int] = []

    def until(self, step: int) -> None:
        while self.lone.steps < step:
            if len(self.queue) < BATCH:
                self.queue = list(self.order.permutation(self.rows))
            chosen, self.queue = self.queue[:BATCH], self.queue[BATCH:]
            target = functional.one_hot(self.data.y[chosen], 10).float()
            self.lone.step(self.data.x[chosen], Target(target, torch.ones(BATCH), classes=True))

    def scored(self, rows: np.ndarray) -> tuple[float, float]:
        """(log loss, accuracy) on rows."""
        with torch.no_grad():
            outputs = self.lone.trainer.predict(self.lone.weights(), self.data.x[rows])
        loss = functional.cross_entropy(outputs, self.data.y[rows])
        return float(loss), float((outputs.argmax(1) == self.data.y[rows]).double().mean())


def augmenting() -> dict[str, type[Regularizer]]:
    """What the search draws from: every standard part for pictures that changes pictures."""
    parts = searched("classification", data="image")
    return {n: c for n, c in parts.items() if c.inputs == "image" or n in ("Cutout", "CutMix", "Mixup", "InputNoise")}


def settled_rate(data: Pictures, fit: np.ndarray, judge: np.ndarray, steps: int) -> float:
    """The learning rate that serves the baseline best."""
    losses = {}
    for rate in (1e-3, 3e-3, 1e-2):
        training = Training(data, fit, FLIP_SHIFT, rate, steps, seed=1)
        training.until(steps)
        losses[rate] = training.scored(judge)[0]
        print(f"rate {rate:g}: {losses[rate]:.4f}", flush=True)
    return min(losses, key=lambda r: losses[r])


def found(data: Pictures, candidates: int, steps: int, rate: float, seed: int) -> tuple[Recipe, dict[str, float]]:
    """The policy that does best on validation rows of the first subset, and the losses of the finalists."""
    own = np.random.default_rng(seed).permutation(data.rows(0))
    fit, judge = own[:800], own[800:]
    parts = augmenting()
    proposer = Proposer(parts, seed)
    for recipe, _ in portfolio.pictures({**parts, "EMA": EMA}, rate, steps):
        proposer.start_with(Recipe(*(p for p in recipe if p.name in parts)), rate)
    alive = []
    for number in range(candidates):
        proposed = proposer.propose()
        training = Training(data, fit, proposed.recipe, rate, steps, seed=2)
        training.until(steps // 4)
        loss = training.scored(judge)[0]
        alive.append((loss, number, proposed, training))
        better = sum(loss > other[0] for other in alive) < max(1, len(alive) // 3)
        if better:
            training.until(steps)
            loss = training.scored(judge)[0]
        proposer.tell(proposed, loss, training.lone.steps, better)
        alive[-1] = (loss if better else np.inf, number, proposed, training)
        print(f"{number:3d} {training.lone.steps:4d} steps {loss:.4f} {proposed.label}", flush=True)
    best = [p.recipe for _, _, p, _ in sorted(alive, key=lambda one: one[:2])[:3]]
    losses = {}
    for recipe in (*best, FLIP_SHIFT):
        again = [Training(data, fit, recipe, rate, steps, seed=s) for s in (3, 4)]
        for training in again:
            training.until(steps)
        losses[recipe] = float(np.mean([t.scored(judge)[0] for t in again]))
        print(f"again {losses[recipe]:.4f} {recipe}", flush=True)
    return min(best, key=lambda r: losses[r]), {repr(r): v for r, v in losses.items()}


def score(data: Pictures, recipes: dict[str, Recipe], rate: float, steps: int) -> dict[str, np.ndarray]:
    """(subsets, 2) log loss and accuracy of each recipe on the test rows."""
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in recipes}
    for subset in range(1, SUBSETS + 1):
        for name, recipe in recipes.items():
            training = Training(data, data.rows(subset), recipe, rate, steps, seed=100 + subset)
            training.until(steps)
            results[name].append(training.scored(data.test))
            loss, accuracy = results[name][-1]
            print(f"subset {subset} {name:13s} log loss {loss:.4f}, accuracy {accuracy:.4f}", flush=True)
    return {name: np.array(values) for name, values in results.items()}


def told(results: dict[str, np.ndarray]) -> None:
    """The table: what the found policy gains over each of the others, paired by subset."""
    print("\n| recipe | log loss | accuracy | gain in log loss | in accuracy, points | subsets won (accuracy) |")
    print("|---|---|---|---|---|---|")
    best = results["found"]
    for name, values in results.items():
        loss, accuracy = values.mean(0)
        row = f"| {name} | {loss:.3f} | {100 * accuracy:.1f} % |"
        if name != "found":
            better = 100 * (best[:, 1] - values[:, 1])
            row += f" {interval(values[:, 0] - best[:, 0], 3)} | {interval(better, 1)} |"
            row += f" {int((better > 0).sum())} of {len(better)} |"
        print(row if name != "found" else f"{row} | | |")


def interval(gains: np.ndarray, digits: int) -> str:
    """Mean and Student's 95 % interval."""
    wide = scipy.stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    low, mean, high = (f"{v:+.{digits}f}" for v in (gains.mean() - wide, gains.mean(), gains.mean() + wide))
    return f"{mean} [{low}, {high}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with kmnist10k.npz")
    parser.add_argument("--recipe", type=Path, help="score this one instead of searching")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "kmnist-policy.json")
    parser.add_argument("--candidates", type=int, default=30)
    parser.add_argument("--steps", type=int, default=400, help="of a training in the search")
    parser.add_argument("--scored-steps", type=int, default=600, help="of a training that is scored")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begun, data = time.monotonic(), Pictures(options.data)
    if options.recipe is None:
        own = np.random.default_rng(options.seed).permutation(data.rows(0))
        rate = settled_rate(data, own[:800], own[800:], options.steps)
        policy, losses = found(data, options.candidates, options.steps, rate, options.seed)
        policy = Recipe(*policy, settings={"learning_rate": rate})
        policy.save(options.out)
        options.out.with_suffix(".losses.json").write_text(json.dumps(losses, indent=1) + "\n")
        print(f"found after {time.monotonic() - begun:.0f} s: {policy}", flush=True)
    else:
        policy = Recipe.load(options.recipe)
    rate = float((policy.settings or {})["learning_rate"])
    told(score(data, {**PEERS, "found": Recipe(*policy)}, rate, options.scored_steps))
    print(f"{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
