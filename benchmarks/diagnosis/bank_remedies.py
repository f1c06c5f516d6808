"""The remedies that the truth tries: each is the same training with one thing changed, or read in another way."""

from __future__ import annotations

import dataclasses

from bank_case import Case

from wellfit import Dropout, Recipe, WeightDecay
from wellfit.regularizer import Regularizer
from wellfit.regularizers import BatchNorm

STRONGER = {"regularize": (0.3, 1.0), "regularize hard": (0.5, 5.0)}
"""Dropout is raised this far toward 1, and so much weight decay is added."""

STANDARD = (
    "early stop", "temperature", "regularize", "regularize hard", "no regularization", "rate x10", "rate /10",
    "rate /100", "epochs x3", "width x4", "batch norm",
)  # fmt: skip
"""What a healthy training must not gain from."""

LABEL_OF_REMEDY = {
    "early stop": "overfit",
    "temperature": "overfit",
    "regularize": "overfit",
    "regularize hard": "overfit",
    "no regularization": "underfit",
    "width x4": "underfit",
    "rate x10": "undertrained",
    "epochs x3": "undertrained",
    "rate /10": "untrainable",
    "rate /100": "untrainable",
    "batch norm": "untrainable",
}


READ = ("early stop", "temperature", "without copies", "more validation rows")
"""Remedies that need no training of their own: the base is read in another way."""


def wanted(case: Case) -> tuple[str, ...]:
    """The remedies tried on a case: all of the standard set for health, else the planted one and its rivals."""
    if not case.ill:
        bare = () if case.recipe else ("no regularization",)
        return tuple(name for name in STANDARD if name not in ("rate /100", *bare))
    names = ["early stop", "temperature", *STRONGER, "rate x10", "rate /10"]
    names += ["no regularization"] if case.recipe else []
    names += ["rate /100"] if case.plant.label == "untrainable" else []
    names += ["epochs x3", "width x4"] if case.plant.label in ("underfit", "undertrained") else []
    return tuple(dict.fromkeys([*names, case.plant.remedy]))


@dataclasses.dataclass(frozen=True)
class Arm:
    """One training of the truth.

    Attributes:
        case: with its recipe, rate, epochs and network as changed.
        weighted: whether each class counts alike in the training loss.
    """

    name: str
    case: Case
    recipe: Recipe
    weighted: bool = False

    @property
    def rate(self) -> float:
        return self.case.rate


def arms(case: Case, names: tuple[str, ...]) -> list[Arm]:
    """The base and the named remedies that are trainings of their own."""
    found = [Arm("base", case, filled(case.recipe))]
    for name in names:
        if name not in READ:
            found.append(_arm(case, name))
    return found


def _arm(case: Case, name: str) -> Arm:
    recipe, net, plant = filled(case.recipe), case.net, case.plant
    change = dataclasses.replace
    if name in STRONGER:
        return Arm(name, case, filled(case.recipe, *STRONGER[name]))
    if name.startswith("rate "):
        factor = float(name[6:]) if name[5] == "x" else 1.0 / float(name[6:])
        return Arm(name, change(case, rate=case.rate * factor), recipe)
    changed = {
        "no regularization": (case, Recipe()),
        "epochs x3": (change(case, epochs=3 * case.epochs), recipe),
        "width x4": (change(case, net=change(net, width=4 * net.width)), recipe),
        "batch norm": (case, Recipe(BatchNorm(), *recipe, silence=["WF-L03", "WF-L40"])),
        "usual start": (change(case, net=change(net, start="usual")), recipe),
        "relu": (change(case, net=change(net, activation="relu")), recipe),
        "repaired data": (change(case, plant=change(plant, damage="")), recipe),
        "weighted classes": (case, recipe),
    }
    return Arm(name, *changed[name], weighted=name == "weighted classes")


def filled(parts: tuple[Regularizer, ...], dropout: float = 0.0, decay: float = 0.0) -> Recipe:
    """The recipe with dropout and weight decay raised; both are there, at 0 if need be, so that trainings stack."""
    p = next((part.p for part in parts if isinstance(part, Dropout)), 0.0)
    strength = next((part.strength for part in parts if isinstance(part, WeightDecay)), 0.0)
    others = [part for part in parts if not isinstance(part, (Dropout, WeightDecay))]
    return Recipe(Dropout(p + dropout * (1.0 - p)), WeightDecay(strength + decay), *others, silence=["WF-L03"])
