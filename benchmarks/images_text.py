"""Images and texts: wellfit beside no regularization, a recipe made by hand, and classical models, on random subsets.

    python benchmarks/images_text.py --data DIR --budget 300 --out benchmarks/results/images_text.csv
    python benchmarks/images_text.py --data DIR --budget 60 --tasks subj-500 kmnist-1000 --subsets 0 1

Tasks are NAME-ROWS: so many training rows drawn anew for each subset (``full``: all of them, another seed each time);
the test rows are the set's own and are read once by each run. Entrants of one subset:

``control``       the network without regularization at its best validation epoch, learning rate searched
``classical``     logistic regression on pixels, or on TF-IDF
``hand``          a recipe made by hand, learning rate searched, through the same job with the same budget
``long``          images: that recipe without a search, one training as long as the budget for each of two rates
``bag``           texts: a bag of embeddings in plain torch, best of three learning rates at its best validation epoch
``cocktail``      the best cocktail of wellfit's search, mean over its seeds
``single``        what wellfit hands over
``ensemble``      the greedy ensemble of its population

Rows are appended as they come, and what stands in the file is not run again: delete an entrant's rows to have it
measured anew beside the others.

The search is told nothing of the recipe made by hand: it starts from portfolios that do not hold it
(`wellfit.searching.portfolio.PICTURES` and `TEXTS`), with cocktails drawn at random behind.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import wellfit
from images_by_hand import by_hand
from images_text_data import Task, load, summarize
from wellfit import Cutout, Dropout, Flip, LabelSmoothing, Recipe, Shift, WeightDecay
from wellfit.data import Vocabulary
from wellfit.models.bag_of_embeddings import BagOfEmbeddings

FIELDS = ["task", "subset", "entrant", "acc", "log_loss", "seconds", "member_steps", "budget", "version", "detail"]
TASKS = ("kmnist-1000", "kmnist-8000", "cifar-1000", "sst2-500", "sst2-full", "subj-500", "subj-full")
SHIFTED = (Shift(0.1), Cutout(0.3), Dropout(0.3), WeightDecay(0.1))
HAND = {
    "kmnist": Recipe(*SHIFTED), "cifar": Recipe(Flip(0.5), *SHIFTED),
    "sst2": Recipe(Dropout(0.3), LabelSmoothing(0.1), WeightDecay(0.1)),
    "subj": Recipe(Dropout(0.3), LabelSmoothing(0.1), WeightDecay(0.1)),
}  # fmt: skip
"""What a practitioner would write down: mirrored letters are other letters, so KMNIST is not flipped."""

COMPARED = {"control_best": "control", "linear": "classical", "cocktail": "cocktail"}


def fit(task: Task, budget: float, folder: Path, recipe: Recipe | None = None) -> wellfit.Run:
    return wellfit.fit(
        task.x, task.y, test=(task.x_test, task.y_test), kind=task.kind, budget=budget, out=folder, recipe=recipe,
        seed=task.subset,
    )  # fmt: skip


def rows_of(task: Task, run: wellfit.Run, only: dict[str, str]) -> list[dict[str, Any]]:
    """The entrants of one run's comparison, under their names here."""
    steps = run.record["search"]["member_steps"]
    found = []
    for record in run.record["comparison"]:
        if record["key"] in only:
            side = steps.get("controls" if record["key"] == "control_best" else "search", 0)
            acc, detail = record["secondary"]["accuracy"], record["detail"]
            found.append({"entrant": only[record["key"]], "acc": acc, "log_loss": record["score"],
                          "member_steps": side, "detail": detail})  # fmt: skip
    return found


def run_task(task: Task, budget: float, have: set[str]) -> list[dict[str, Any]]:
    """The rows of the entrants that are missing; ``have`` are those that there are."""
    found = []
    if "ensemble" not in have:
        found += job(task, budget, None, {**COMPARED, "refit": "single", "ensemble": "ensemble"})
    if "hand" not in have:
        kind = "single" if len(HAND[task.name].parts) == 1 else "cocktail"
        found += job(task, budget, HAND[task.name], {kind: "hand"})
    if task.kind == "image" and "long" not in have:
        found.append(by_hand(task, HAND[task.name], budget))
    if task.kind == "text" and "bag" not in have:
        found.append(bag(task))
    return found


def job(task: Task, budget: float, recipe: Recipe | None, only: dict[str, str]) -> list[dict[str, Any]]:
    """The rows of one run of wellfit's main job, with or without a recipe given."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        run = fit(task, budget, Path(folder) / "run", recipe)
        seconds = time.monotonic() - begun
        return [{**row, "seconds": seconds} for row in rows_of(task, run, only)]


def bag(task: Task, epochs: int = 40, batch: int = 32) -> dict[str, Any]:
    """A bag of embeddings in plain torch: the learning rate and the epoch by a seventh of the rows."""
    begun = time.monotonic()
    torch.set_num_threads(1)  # two lose to any neighbor
    order = np.random.default_rng(task.subset).permutation(len(task.x))
    valid, train = order[: len(order) // 7], order[len(order) // 7 :]
    words = Vocabulary.fit(task.x[train])
    sides = {
        n: (torch.from_numpy(words.encode(x)), torch.from_numpy(y))
        for n, x, y in (("train", task.x[train], task.y[train]), ("valid", task.x[valid], task.y[valid]),
                        ("test", task.x_test, task.y_test))
    }  # fmt: skip
    tried = [_train_bag(sides, len(words), rate, epochs, batch, task.subset) for rate in (1e-3, 3e-3, 1e-2)]
    _, logits = min(tried, key=lambda t: t[0])
    acc = float((logits.argmax(1) == sides["test"][1]).double().mean())
    loss = float(torch.nn.functional.cross_entropy(logits, sides["test"][1]))
    steps = 3 * epochs * (len(train) // batch)
    return {"entrant": "bag", "acc": acc, "log_loss": loss, "seconds": time.monotonic() - begun,
            "member_steps": steps, "detail": "plain torch, Adam"}  # fmt: skip


def _train_bag(
    sides: dict[str, tuple[torch.Tensor, torch.Tensor]], words: int, rate: float, epochs: int, batch: int, seed: int
) -> tuple[float, torch.Tensor]:
    """Validation loss at the best epoch, and the outputs on the test rows there."""
    torch.manual_seed(seed)
    network = BagOfEmbeddings(words, int(sides["train"][1].max()) + 1)
    optimizer, loss_of = torch.optim.Adam(network.parameters(), lr=rate), torch.nn.functional.cross_entropy
    x, y = sides["train"]
    best: tuple[float, torch.Tensor] = (float("inf"), torch.zeros(0))
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch)[: len(x) // batch]:
            optimizer.zero_grad()
            loss_of(network(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            loss = float(loss_of(network(sides["valid"][0]), sides["valid"][1]))
            if loss < best[0]:
                best = loss, torch.cat([network(b) for b in sides["test"][0].split(1024)])
    return best


def _done(out: Path) -> set[tuple[str, int, str]]:
    if not out.exists():
        return set()
    with out.open(newline="") as handle:
        return {(row["task"], int(row["subset"]), row["entrant"]) for row in csv.DictReader(handle)}


def _append(out: Path, rows: list[dict[str, Any]]) -> None:
    fresh = not out.exists()
    with out.open("a", newline="") as handle:
        writer = csv.DictWriter(handle, FIELDS)
        if fresh:
            writer.writeheader()
        writer.writerows(rows)
        handle.flush()
        os.fsync(handle.fileno())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=300.0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/images_text.csv"))
    parser.add_argument("--tasks", nargs="*", default=TASKS)
    parser.add_argument("--subsets", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    done = _done(asked.out)
    for subset in asked.subsets:
        for name in asked.tasks:
            if name.endswith("-full") and subset > 2:
                continue
            have = {entrant for task, number, entrant in done if (task, number) == (name, subset)}
            shared = {"task": name, "subset": subset, "budget": asked.budget, "version": wellfit.__version__}
            rows = [{**shared, **row} for row in run_task(load(asked.data, name, subset), asked.budget, have)]
            if not rows:
                continue
            _append(asked.out, rows)
            print(name, subset, {r["entrant"]: round(r["acc"], 4) for r in rows}, flush=True)
    summarize(asked.out)


if __name__ == "__main__":
    main()
