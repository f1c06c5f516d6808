"""Dials: how strong a regularizer is over time, as a course between 0 and 1."""

from __future__ import annotations

import abc
import dataclasses
import sys

from torch import Tensor

from wellfit.errors import RecipeError


@dataclasses.dataclass(frozen=True)
class Dial(abc.ABC):
    """A course from 0 (the regularizer is neutral) to 1 (it is as given), over epochs; never over a horizon."""

    epochs: float

    def __post_init__(self) -> None:
        number = isinstance(self.epochs, int | float) and not isinstance(self.epochs, bool)
        if not (number and 0 < self.epochs <= sys.float_info.max):
            raise RecipeError(f"{type(self).__name__.lower()}() takes a number of epochs over 0.", code="WF-R04")

    @abc.abstractmethod
    def __call__(self, epoch: Tensor) -> Tensor:
        """How far it is turned up at an epoch, 0 to 1."""


class Ramp(Dial):
    """From 0 to 1 in a straight line over the first ``epochs`` epochs."""

    def __call__(self, epoch: Tensor) -> Tensor:
        return (epoch / self.epochs).clamp(0.0, 1.0)


class Fade(Dial):
    """From 1 to 0 in a straight line over the first ``epochs`` epochs."""

    def __call__(self, epoch: Tensor) -> Tensor:
        return 1.0 - (epoch / self.epochs).clamp(0.0, 1.0)


class After(Dial):
    """0 for the first ``epochs`` epochs, 1 from then on."""

    def __call__(self, epoch: Tensor) -> Tensor:
        return (epoch >= self.epochs).to(epoch.dtype)


DIALS: dict[str, type[Dial]] = {"ramp": Ramp, "fade": Fade, "after": After}


def ramp(epochs: float) -> Ramp:
    """Turn a regularizer up, from neutral to its full strength, over the first epochs."""
    return Ramp(epochs)


def fade(epochs: float) -> Fade:
    """Turn a regularizer down, from its full strength to neutral, over the first epochs."""
    return Fade(epochs)


def after(epochs: float) -> After:
    """Switch a regularizer on after a number of epochs."""
    return After(epochs)
