"""Members of an ensemble: how any learner is fitted to some rows, and how its answers line up with the others'."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from wellfit.errors import DataError, UsageError
from wellfit.hashes import hash_integers

Array = npt.NDArray[Any]


class Predictor(Protocol):
    """What a fitted learner can do; classifiers have ``classes_`` and mostly ``predict_proba``, too."""

    def predict(self, x: Array) -> Array: ...


class Learner(Protocol):
    """What an ensemble needs: ``fit`` gives back what predicts (scikit-learn's gives back itself)."""

    def fit(self, x: Array, y: Array) -> Any: ...


def matrix(x: Any) -> Array:
    """Inputs as (rows, columns) float64; raises DataError where they are none, or hold what is not finite."""
    try:
        found = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("an ensemble reads numbers; there is other content.", fix="Encode it first.") from error
    if found.ndim != 2 or not found.size:
        raise DataError(f"inputs have the shape {found.shape}; (rows, columns) is allowed, one row at least.")
    if not np.isfinite(found).all():
        raise DataError("inputs hold missing or infinite values.", fix="Fill them in first.")
    return found


def rows_of(x: Any, y: Any) -> tuple[Array, Array]:
    """Inputs and target as arrays of equal length."""
    inputs, target = matrix(x), np.asarray(y)
    if len(inputs) != len(target):
        raise DataError(f"there are {len(inputs)} rows of inputs and {len(target)} of the target.")
    return inputs, target


def check_members(owner: str, name: str, value: object) -> None:
    """Refuse a number of members that is no whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{owner}.{name} is {value!r}; whole numbers from 1 are allowed.")


def classifies(learner: Any) -> bool:
    """Whether a learner gives classes: it says so itself, or scikit-learn says so of it."""
    own = getattr(learner, "classifies", None)
    if own is not None:
        return bool(own)
    if hasattr(learner, "__sklearn_tags__"):
        from sklearn.base import is_classifier

        return bool(is_classifier(learner))
    return hasattr(learner, "predict_proba")


def seeds(seed: int, count: int) -> list[int]:
    """A seed for each member, the first ones the same however many there are."""
    return [hash_integers(seed, i) % 2**31 for i in range(count)]


def seeded_copy(learner: Any, seed: int, source: np.random.RandomState | None = None) -> Any:
    """A copy that draws from a seed of its own, where it draws at all; scikit-learn's draw from ``source`` if given.

    An estimator that wraps another one hands the seed down by itself.
    """
    own = copy.deepcopy(learner)
    if dataclasses.is_dataclass(own) and hasattr(own, "seed"):
        return dataclasses.replace(own, seed=seed)
    if hasattr(own, "get_params") and "random_state" in own.get_params():
        own.set_params(random_state=seed if source is None else source)
    return own


def fit_members(learner: Any, x: Array, y: Array, rows: Sequence[Array], member_seeds: Sequence[int]) -> list[Any]:
    """One learner fitted to several choices of rows; nets train side by side as one stack.

    Args:
        rows: per member the numbers of its rows, repeated where a row counts more than once.
        member_seeds: per member.
    """
    if hasattr(learner, "fit_members"):
        return list(learner.fit_members(x, y, rows, member_seeds))
    return [seeded_copy(learner, s).fit(x[r], y[r]) for r, s in zip(rows, member_seeds, strict=True)]


def shares_of(predictor: Any, x: Array, classes: Array) -> Array:
    """(rows, classes) probabilities; a class that a member never met has 0, a member without them gives its choice."""
    found = np.zeros((len(x), len(classes)))
    if not hasattr(predictor, "predict_proba"):
        return (np.asarray(predictor.predict(x))[:, None] == classes[None]).astype(np.float64)
    found[:, np.searchsorted(classes, predictor.classes_)] = predictor.predict_proba(x)
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class Ensemble:
    """Fitted members and what each counts: the average of their probabilities or numbers.

    Attributes:
        members: what predicts.
        weights: (members,), their sum is 1.
        classes_: (classes,) sorted, or None for numbers.
    """

    members: tuple[Any, ...]
    weights: Array
    classes_: Array | None

    def each(self, x: Any) -> Array:
        """(members, rows, classes) probabilities of each member, or (members, rows) numbers."""
        inputs = matrix(x)
        if self.classes_ is None:
            return np.stack([np.asarray(m.predict(inputs), dtype=np.float64) for m in self.members])
        return np.stack([shares_of(m, inputs, self.classes_) for m in self.members])

    def predict_proba(self, x: Any) -> Array:
        """(rows, classes); raises UsageError where the members predict numbers."""
        if self.classes_ is None:
            raise UsageError("this ensemble predicts numbers; it has no probabilities.", fix="Call predict.")
        return np.tensordot(self.weights, self.each(x), axes=1)

    def predict(self, x: Any) -> Array:
        """(rows,) the class of the highest mean probability, or the mean number."""
        if self.classes_ is None:
            return np.tensordot(self.weights, self.each(x), axes=1)
        return self.classes_[self.predict_proba(x).argmax(1)]


def equal_shares(count: int) -> Array:
    return np.full(count, 1.0 / count)


def classes_of(learner: Any, y: Array) -> Array | None:
    """The classes of a target, sorted, where the learner gives classes."""
    return np.unique(y) if classifies(learner) else None
