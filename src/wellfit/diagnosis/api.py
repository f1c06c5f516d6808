"""``wellfit.diagnose``: what is wrong with a training, how sure that is, and what helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wellfit.diagnosis.from_curves import as_history, diagnose_history
from wellfit.diagnosis.from_model import diagnose_setting, without_training
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.result import Diagnosis, Finding
from wellfit.diagnosis.setting import make_setting
from wellfit.errors import DataError, UsageError

_NOT_FINITE = "WF-D74"


def diagnose(
    history: Any = None, *, model: Any = None, train: Any = None, val: Any = None, loss: Any = None, recipe: Any = None,
    rate: float = 1e-3, epochs: int = 20, batch: int | None = None, optimizer: str = "adam", seed: int = 0,
    seeds: int = 3, groups: Any = None, budget: str | float = "60s", studies: Sequence[str] = (),
    limits: Limits | None = None, thorough: bool = False, progress: Callable[[str], None] | None = None,
) -> Diagnosis:  # fmt: skip
    """Say whether a training over- or underfits, how sure that is, and what helps.

    From curves alone the verdict is ``suspected`` at most. With a model and rows the training is repeated with one
    change each, on at least three seeds, and what helps on validation rows names the illness: ``confirmed``.

    Args:
        history: a dict of lists such as {"train_loss": [...], "val_loss": [...]}, a Keras history, a frame.
        model: the class, or a function without arguments that builds a new model each time.
        train, val: pairs (X, y) or loaders of such pairs; never test rows.
        loss: a function (outputs, targets) -> one number; cross-entropy or squared error by default.
        recipe: what the setting trains under; none by default.
        rate, epochs, batch, optimizer: the setting's own; ``adam``, ``sgd`` or ``momentum``.
        seed: where first weights and the order of rows follow from.
        seeds: trainings of each change, 3 and up.
        groups: (training + validation rows,), or a pair, of what rows come from (patients, sites): whether both sides
            share groups and gain from it, and whether a group is predicted worse by a model of the others.
        budget: wall time, ``60s``, ``10m`` or seconds: what does not fit in is left out and said.
        studies: ``learning-curve``, ``label-noise``, ``random-labels``, ``bias-variance``: each trains many times.
        limits: other thresholds.
        thorough: try every change, also those that the verdict does not need.
        progress: told in sentences what happens; nothing is printed by default.

    Raises:
        UsageError, DataError: with a sentence that says what came, what is allowed and what to do.
    """
    limits = limits or Limits()
    if model is None and history is not None:
        return diagnose_history(as_history(history), limits)
    if model is not None and train is not None and val is not None:
        try:
            setting = make_setting(
                model, train, val, loss=loss, recipe=recipe, rate=rate, epochs=epochs, batch=batch,
                optimizer=optimizer, seed=seed, seeds=seeds, groups=groups,
            )  # fmt: skip
        except DataError as error:
            if error.code != _NOT_FINITE:
                raise
            return without_training(Finding("broken", "finding", error.message.rstrip("."), confirmed=True))
        return diagnose_setting(setting, limits, seconds_of(budget), studies, progress, thorough)
    raise UsageError(
        "there is nothing to diagnose: neither curves nor a model with rows came.",
        fix="Give diagnose(history), or diagnose(model=Net, train=(X, y), val=(X, y)).",
        code="WF-G07",
    )


def seconds_of(budget: str | float) -> float:
    """Seconds of a budget such as ``60s``, ``10m`` or 90.

    Raises:
        UsageError: it is no time above 0.
    """
    from wellfit.job.options import read_budget

    return read_budget(budget)
