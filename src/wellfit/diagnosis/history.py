"""Curves of one training, under whatever names a tool wrote them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from wellfit.errors import DataError

LOSSES = ("loss", "logloss", "log_loss", "mse", "nll", "crossentropy", "cross_entropy")
METRICS = (
    "accuracy", "acc", "categorical_accuracy", "sparse_categorical_accuracy", "binary_accuracy", "auc", "f1", "r2",
)  # fmt: skip
_TRAIN, _VALID = ("train", "training", "tr"), ("val", "valid", "validation", "dev", "eval", "test")
_STEPS = ("epoch", "epochs", "step", "iteration", "iter", "global_step")
_RATES = ("lr", "learning_rate", "lr_adam", "lr_sgd", "lr_adamw")


@dataclasses.dataclass(frozen=True)
class History:
    """What was measured after each epoch; every curve is (epochs,), or None where it was not kept.

    Attributes:
        epoch: as counted by whoever wrote it.
        train_loss, val_loss: on training rows, most often with regularization on, and on validation rows.
        train_metric, val_metric: for which more is better, called ``metric``.
        rate: learning rate.
        read_as: which column was read as which curve.
        clean: whether training and validation losses were measured in the same way, regularizers off.
    """

    epoch: np.ndarray
    train_loss: np.ndarray | None = None
    val_loss: np.ndarray | None = None
    train_metric: np.ndarray | None = None
    val_metric: np.ndarray | None = None
    metric: str = "accuracy"
    rate: np.ndarray | None = None
    read_as: Mapping[str, str] = dataclasses.field(default_factory=dict)
    clean: bool = False

    def __len__(self) -> int:
        return len(self.epoch)


def make_history(curves: Any, name: str = "the history") -> History:
    """The history of a dict of lists, a Keras ``History``, a frame, or a History as it is.

    Raises:
        DataError: there is no training or validation curve in it, curves differ in length, or hold no numbers.
    """
    if isinstance(curves, History):
        return curves
    curves = getattr(curves, "history", curves)
    columns = _columns(curves, name)
    found = recognized(columns)
    if not {"train_loss", "val_loss", "train_metric", "val_metric"} & found.keys():
        raise DataError(
            f"{name} has the columns {', '.join(map(repr, list(columns)[:8])) or 'none'}; a curve such as train_loss, "
            "val_loss, accuracy or val_accuracy is wanted.",
            fix="Name the columns epoch, train_loss, val_loss.",
            code="WF-G03",
        )
    series = {role: _numbers(columns[key], key, name) for role, key in found.items()}
    lengths = {key: len(series[role]) for role, key in found.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key!r} {count}" for key, count in lengths.items())
        raise DataError(f"curves of {name} differ in length: {told}.", fix="Give one value an epoch.", code="WF-G04")
    count = next(iter(lengths.values()))
    if not count:
        raise DataError(f"{name} holds no epoch.", fix="Train first.", code="WF-G02")
    epoch = series.pop("epoch", np.arange(1.0, count + 1.0))
    metric = found.get("val_metric", found.get("train_metric", "accuracy"))
    return History(epoch, **series, metric=_base(metric)[1], read_as=found)


def _columns(curves: Any, name: str) -> dict[str, Any]:
    if hasattr(curves, "to_dict") and hasattr(curves, "columns"):
        return {str(c): curves[c].to_numpy() for c in curves.columns}
    if isinstance(curves, Mapping):
        return {str(k): v for k, v in curves.items() if isinstance(v, Iterable) and not isinstance(v, str | bytes)}
    raise DataError(
        f"{name} is {type(curves).__name__}; a dict of lists such as {{'train_loss': [...], 'val_loss': [...]}} is "
        "allowed.",
        fix="Give history.history of Keras, or one list for each curve.",
        code="WF-G03",
    )


def recognized(columns: Iterable[str]) -> dict[str, str]:
    """Which column is which curve: role to column; the first that fits a role has it."""
    found: dict[str, str] = {}
    wanted = [*((("loss", n), "loss") for n in LOSSES), *((("metric", n), "metric") for n in METRICS)]
    names = list(columns)
    bases = {c: _base(c) for c in names}
    for (_, base), role in wanted:
        for column in names:
            side, plain = bases[column]
            if plain == base:
                found.setdefault(f"{side}_{role}", column)
    for column in names:
        plain = bases[column][1]
        if plain in _STEPS:
            found.setdefault("epoch", column)
        if plain in _RATES:
            found.setdefault("rate", column)
    if "epoch" in found:
        exact = next((c for c in names if bases[c][1] == "epoch"), None)
        found["epoch"] = exact or found["epoch"]
    return found


def _base(column: str) -> tuple[str, str]:
    """(train or val, the name without that): ``Validation/Loss`` is val loss, ``train_loss_epoch`` train loss."""
    words = [w for w in re.split(r"[^a-z0-9]+", column.strip().lower()) if w]
    side = "val" if any(w in _VALID for w in words) else "train"
    drop = {*_TRAIN, *_VALID} | ({"epoch"} if len(words) > 1 else set())
    rest = [w for w in words if w not in drop]
    return side, "_".join(rest)


def _numbers(values: Sequence[Any], column: str, name: str) -> np.ndarray:
    """(epochs,) float64; cells that are no numbers are refused, empty ones are NaN."""
    found = np.empty(len(list(values)))
    for place, value in enumerate(values):
        try:
            found[place] = float("nan") if value is None or value == "" else float(value)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"column {column!r} of {name} holds {str(value)[:40]!r} in row {place + 1}, which is no number.",
                fix="Clean the cell.",
                code="WF-G05",
            ) from error
    return found
