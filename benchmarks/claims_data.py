"""Claims about the data: augmentation, mixing, labels that are wrong, few rows, rare classes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import scipy.ndimage
import torch
from sklearn import datasets
from torch import Tensor, nn

from claims_setup import (
    RATE,
    Array,
    Claim,
    Finding,
    Outcome,
    Task,
    gain,
    interval,
    net,
    percent,
    plain_interval,
    split_rows,
    spread_out,
    table,
    targets,
    train,
    verdict,
)
from wellfit import Recipe
from wellfit.regularizers import CutMix, Cutout, Dropout, InputNoise, Mixup
from wellfit.wrappers import where

PICTURE_STEPS = 1200
COPIES = 8
"""Augmented copies of each training image."""


class Convolutions(nn.Module):
    """Two convolutions and a hidden layer for pictures of 8 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@functools.cache
def pictures(rows: int) -> Task:
    """Digits as pictures, 0 to 1."""
    x, y = datasets.load_digits(return_X_y=True)
    images = torch.as_tensor(x / 16.0, dtype=torch.float32).view(-1, 1, 8, 8)
    splits = split_rows(len(x), 400, 150)
    return Task(images, targets(y, 10), splits).fewer(rows)


def changed(image: Array, draw: np.random.Generator) -> Array:
    """Rotated by up to 15 degrees, scaled by up to 15 %, moved by up to 3/4 of a pixel; one interpolation."""
    angle, scale = np.deg2rad(draw.uniform(-15, 15)), draw.uniform(0.85, 1.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    center = np.array([3.5, 3.5])
    shift = center - turn @ center + draw.uniform(-0.75, 0.75, 2)
    return scipy.ndimage.affine_transform(image, turn, shift, order=1)


def mirrored(image: Array, draw: np.random.Generator) -> Array:
    """Flipped left to right, as often as not."""
    return image[:, ::-1] if draw.uniform() < 0.5 else image


def with_copies(task: Task, change: Callable[[Array, np.random.Generator], Array]) -> Task:
    """Training rows with their augmented copies beside them; validation and test rows as they are."""
    draw, count = np.random.default_rng(0), len(task.x)
    made = [change(image, draw) for _ in range(COPIES) for image in task.x[:, 0].numpy()]
    x = torch.cat([task.x, torch.as_tensor(np.stack(made), dtype=torch.float32).unsqueeze(1)])
    values = task.target.values.repeat(COPIES + 1, 1)
    target = dataclasses.replace(task.target, values=values, weight=torch.ones(len(x)))
    rows = [torch.cat([fit + count * c for c in range(COPIES + 1)]) for fit, _, _ in task.splits]
    return Task(x, target, task.splits).with_train(rows)


def pictured(task: Task, recipe: Recipe | None = None) -> Outcome:
    return train(task, {"one": (recipe or Recipe(), RATE)}, Convolutions, steps=PICTURE_STEPS, every=40)["one"]


@functools.cache
def plain(rows: int) -> Outcome:
    return pictured(pictures(rows))


@functools.cache
def augmented(rows: int) -> Outcome:
    return pictured(with_copies(pictures(rows), changed))


def augmentation() -> Finding:
    better = {f"{n} rows": gain(augmented(n).best, plain(n).best) for n in (100, 200)}
    shown = ", ".join(
        f"{n}: {100 * plain(n).wrong.mean():.1f}% to {100 * augmented(n).wrong.mean():.1f}%" for n in (100, 200)
    )
    return Finding(f"test loss {spread_out(better)}; wrong {shown}", verdict(better))


def worth_double() -> Finding:
    """Augmentation of n rows against 2 n rows without it."""
    ahead = {f"{n} against {2 * n} rows": gain(augmented(n).best, plain(2 * n).best) for n in (100, 200)}
    lows, highs = zip(*(interval(g)[1:] for g in ahead.values()), strict=True)
    words = "held" if min(lows) > -0.1 else "held in part" if max(highs) > 0 else "did not hold"
    doubled = {f"{n} rows": gain(plain(2 * n).best, plain(n).best) for n in (100, 200)}
    return Finding(f"{spread_out(ahead)}; doubling alone: {spread_out(doubled)}", words)


def flips() -> Finding:
    worse = {"200 rows": gain(plain(200).best, pictured(with_copies(pictures(200), mirrored)).best)}
    return Finding(f"test loss without flips is lower: {spread_out(worse)}", verdict(worse))


def occluded(task: Task) -> Task:
    """The same, with a hole of 4 x 4 in every test picture."""
    draw, count, holed = np.random.default_rng(1), len(task.x), task.x.clone()
    for image, (row, column) in zip(holed, draw.integers(0, 5, (count, 2)), strict=True):
        image[0, row : row + 4, column : column + 4] = 0.0
    target = dataclasses.replace(task.target, values=task.target.values.repeat(2, 1), weight=torch.ones(2 * count))
    splits = tuple((fit, choose, score + count) for fit, choose, score in task.splits)
    return Task(torch.cat([task.x, holed]), target, splits)


def cut(recipe: Recipe, hidden: bool) -> Finding:
    task = occluded(pictures(200)) if hidden else pictures(200)
    bare = pictured(task) if hidden else plain(200)
    treated = pictured(task, recipe)
    better = {"digits": gain(treated.best, bare.best)}
    wrong = f"wrong {100 * bare.wrong.mean():.1f}% to {100 * treated.wrong.mean():.1f}%"
    return Finding(f"test loss {spread_out(better)}; {wrong}", verdict(better))


def too_large() -> Finding:
    """How much better training rows are fitted without a hole of nearly the whole picture."""
    whole = pictured(pictures(200), Recipe(Cutout(1.0)))
    half = pictured(pictures(200), Recipe(Cutout(0.5)))
    worse = {"digits": gain(half.train_last, whole.train_last)}
    test = percent(gain(half.best, whole.best))
    return Finding(f"training loss of half the side is lower: {spread_out(worse)}; test loss {test}", verdict(worse))


def dropout_pictures() -> Finding:
    return cut(Recipe(Dropout(0.5)), False)


def input_dropout() -> Finding:
    rates = (0.2, 0.5, 0.8)
    arms = {"0": (Recipe(where(Dropout(0.0), "input")), RATE)}
    arms |= {f"{p:g}": (Recipe(where(Dropout(p), "input")), RATE) for p in rates}
    task = table("digits")
    found = train(task, arms)
    shown = "; ".join(f"{p:g}: {percent(gain(found[f'{p:g}'].best, found['0'].best))}" for p in rates)
    return Finding(f"test loss at drop rate {shown}", verdict({"digits": gain(found["0.8"].best, found["0"].best)}))


def mislabeled(task: Task, share: float) -> Task:
    """A share of the training and validation labels drawn anew; test labels stay."""
    draw = np.random.default_rng(2)
    values, count = task.target.values.clone(), len(task.x)
    lost = torch.as_tensor(draw.uniform(size=count) < share)
    fresh = torch.as_tensor(draw.integers(0, task.outputs, count))
    values[lost] = torch.nn.functional.one_hot(fresh, task.outputs).float()[lost]
    target = dataclasses.replace(
        task.target, values=torch.cat([values, task.target.values]), weight=torch.ones(2 * count)
    )
    splits = tuple((fit, choose, score + count) for fit, choose, score in task.splits)
    return Task(task.x.repeat(2, *[1] * (task.x.ndim - 1)), target, splits)


def with_wrong_labels(recipe: Recipe) -> Finding:
    task = mislabeled(table("digits"), 0.3)
    found = train(task, {"none": (Recipe(), RATE)})["none"], train(task, {"treated": (recipe, RATE)})["treated"]
    better = {"digits": gain(found[1].best, found[0].best)}
    late = percent(gain(found[1].last, found[0].last))
    return Finding(f"{spread_out(better)}; without early stopping {late}", verdict(better))


def memorized() -> Finding:
    task = mislabeled(table("digits", 400), 1.0)
    found = train(task, {"none": (Recipe(), RATE)}, net(task, 256), steps=1200)["none"]
    right = found.right_train
    figure = f"random labels learnt {plain_interval(right)}, wrong on test rows {found.wrong_last.mean():.0%}"
    return Finding(figure, "held" if right.mean() > 0.99 else "did not hold")


def few_rows(kind: str) -> Finding:
    """Gain of input noise, or loss from wrong labels, with 100 against 1,200 rows; 1,200 steps each."""
    changes = []
    for rows in (100, 1200):
        task = table("digits", rows)
        arms = {"none": (Recipe(InputNoise(0.0)), RATE), "noise": (Recipe(InputNoise(0.3)), RATE)}
        if kind == "input noise":
            found = train(task, arms, steps=1200, every=60)
            changes.append(gain(found["noise"].best, found["none"].best))
        else:
            pair = [
                train(t, {"none": (Recipe(), RATE)}, steps=1200, every=60)["none"]
                for t in (task, mislabeled(task, 0.2))
            ]
            changes.append(pair[1].wrong - pair[0].wrong)
    more = changes[0] - changes[1]
    show = percent if kind == "input noise" else plain_interval
    figure = f"100 rows {show(changes[0])}, 1,200 rows {show(changes[1])}"
    return Finding(figure, "held" if interval(more)[1] > 0 else "did not hold")


def strengths_of_noise() -> Finding:
    stds = (0.003, 0.3, 3.0)
    arms = {f"{s:g}": (Recipe(InputNoise(s)), RATE) for s in (0.0, *stds)}
    found = train(table("digits"), arms)
    against = {s: gain(found[f"{s:g}"].best, found["0"].best) for s in stds}
    shown = "; ".join(f"{s:g} {percent(g)}" for s, g in against.items())
    little, much = interval(against[0.003]), interval(against[3.0])
    held = max(abs(little[1]), abs(little[2])) < 0.05 and much[2] < 0
    return Finding(f"test loss at a standard deviation of {shown}", "held" if held else "did not hold")


def size_of_data() -> Finding:
    found = {
        n: train(table("digits", n), {"none": (Recipe(), RATE)}, steps=1200, every=60)["none"] for n in (100, 400, 1200)
    }
    gaps = {n: o.last - o.train_last for n, o in found.items()}
    figure = "test minus training loss: " + ", ".join(f"{n} rows {plain_interval(g, 2)}" for n, g in gaps.items())
    less = interval(gaps[100] - gaps[400])[1] > 0 and interval(gaps[400] - gaps[1200])[1] > 0
    return Finding(figure, "held" if less else "did not hold")


def size_of_net() -> Finding:
    task = table("generated")
    found = {w: train(task, {"none": (Recipe(), RATE)}, net(task, w))["none"] for w in (4, 32, 256)}
    gaps = {w: o.last - o.train_last for w, o in found.items()}
    figure = "test minus training loss, last step: " + ", ".join(
        f"{w} units {plain_interval(g, 2)}" for w, g in gaps.items()
    )
    figure += "; test loss, best epoch: " + ", ".join(f"{w} {o.best.mean():.2f}" for w, o in found.items())
    more = interval(gaps[32] - gaps[4])[1] > 0 and interval(gaps[256] - gaps[32])[1] > 0
    return Finding(figure, "held" if more else "did not hold")


PICTURES = "digits as pictures, 200 rows, two convolutions, 1,200 steps: test loss at the best epoch with and without"
CLAIMS = [
    Claim("augmentation", "0 1 3", "Augmented pictures lower the error on rows not seen",
          "rotation to 15 degrees, scale, shift; 8 copies a row; the same steps", augmentation),
    Claim("augmentation-doubles", "3", "Augmentation is worth twice the data",
          "n rows augmented against 2 n rows; held: at most 10% behind", worth_double),
    Claim("augmentation-labels", "3", "An augmentation must keep the label (text 1 flips all pictures)",
          "digits, flipped left to right half the time", flips),
    Claim("cutout", "4", "Cutout lowers the error", f"{PICTURES} Cutout(0.5)", lambda: cut(Recipe(Cutout(0.5)), False)),
    Claim("cutout-hidden", "4", "Cutout helps where objects are partly hidden",
          "the same; a hole of 4 x 4 in every test picture", lambda: cut(Recipe(Cutout(0.5)), True)),
    Claim("cutout-too-large", "4", "Too large a hole makes the net underfit", "Cutout(1.0) against Cutout(0.5)",
          too_large),
    Claim("cutmix", "4", "CutMix lowers the error", f"{PICTURES} CutMix(1.0)", lambda: cut(Recipe(CutMix(1.0)), False)),
    Claim("cutmix-hidden", "4", "CutMix helps where objects are partly hidden", "as for cutout",
          lambda: cut(Recipe(CutMix(1.0)), True)),
    Claim("dropout-pictures", "2", "A convolutional net on handwritten digits does better with dropout at 0.5",
          f"{PICTURES} Dropout(0.5)", dropout_pictures),
    Claim("input-dropout", "3", "Inputs may be dropped at rates up to 0.8", "digits, 200 rows; verdict: 0.8",
          input_dropout),
    Claim("mixup-labels", "4", "Mixup makes a net stand wrong labels", "digits, 200 rows, 30% of labels drawn anew, "
          "Mixup(1.0)", lambda: with_wrong_labels(Recipe(Mixup(1.0)))),
    Claim("random-labels", "3", "A net can learn random labels by heart",
          "digits, 400 rows, labels drawn anew, 2 x 256, 1,200 steps", memorized),
    Claim("noise-few-rows", "4", "Noise on the inputs helps small data more", "digits, 100 against 1,200 rows, std 0.3",
          lambda: few_rows("input noise")),
    Claim("wrong-labels-few-rows", "4", "Wrong labels harm small data more", "digits, 20% of labels drawn anew: share "
          "of wrong answers more, 100 against 1,200 rows", lambda: few_rows("labels")),
    Claim("noise-strength", "4", "Too little noise does nothing, too much stops learning", "digits, 200 rows",
          strengths_of_noise),
    Claim("overfit-rows", "2", "Fewer rows overfit more", "digits, 1,200 steps", size_of_data),
    Claim("overfit-width", "2 4", "Larger nets overfit more", "generated, 200 rows, 2 layers", size_of_net),
]  # fmt: skip
