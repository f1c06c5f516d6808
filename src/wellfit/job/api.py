"""The Python twin of the command line: ``wellfit.fit(X, y)``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wellfit.data import names_of
from wellfit.errors import Interrupted, UsageError
from wellfit.job.opening import given_recipe, open_engine
from wellfit.job.options import Options
from wellfit.job.run import Run, load
from wellfit.job.sources import open_arrays
from wellfit.job.study import fit_file, run_study
from wellfit.job.text_source import refuse_own_target
from wellfit.progress import Progress, Silent
from wellfit.recipe import Recipe


def fit(
    data: Any,
    y: Any = None,
    *,
    target: str | None = None,
    budget: str | float = "60s",
    seed: int = 0,
    metric: str | Callable[..., float] | None = None,
    device: str = "auto",
    out: str | Path | None = None,
    valid: Any = None,
    test: Any = None,
    groups: Any = None,
    time_order: Any = None,
    sample_weight: Any = None,
    drop: str | Sequence[str] = (),
    category: Sequence[str] = (),
    number: Sequence[str] = (),
    class_weight: str | None = None,
    balance: str | None = None,
    recipe: str | Path | Recipe | None = None,
    start: str | Path | Recipe | None = None,
    allow: Sequence[str] = (),
    plan: str | Path | None = None,
    task: str | None = None,
    kind: str | None = None,
    text: str | None = None,
    size: int | None = None,
    network: str = "auto",
    lexicon: str | Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Find, train and prove the recipe that a table, images or texts need.

    Args:
        data: (rows, features) array, data frame, or the path of a CSV or Parquet file; images as an array (n, height,
            width), channels behind or before, or the path of a folder with one folder for each class or of an .npz
            file with x and y; a list of texts, with ``kind="text"``.
        y: (rows,) target; or give ``target``, the name of a column of ``data``.
        target: the target's column, for frames and files.
        budget: wall time, ``60s``, ``10m``, ``1h`` or seconds, from this call on.
        seed: of splits, networks and proposals.
        metric: what decides; None is log loss or RMSE, else a scikit-learn scorer's name, or a callable
            (y_true, predicted) for which more is better.
        device: ``auto``, ``cpu`` or ``cuda``.
        out: the run folder; by default a new one under ``runs``.
        valid, test: (X, y) pairs of rows to validate and test on; drawn from the data where they are not given.
        groups: (rows,) rows of one group stay on one side of every split.
        time_order: (rows,) sortable; later rows validate and test, earlier ones train.
        sample_weight: (rows,) how much each row counts, 0 and up.
        drop: names of columns to leave out.
        category: names of columns of numbers that are names, to be read as categories; others are where it is sure,
            and said.
        number: names of columns of numbers that stay numbers, whatever is found.
        class_weight: ``balanced`` counts every class the same, in training, validation and test.
        balance: ``weights``, ``smote`` or ``search`` to balance the classes of the training rows, or ``none`` to only
            compare; the run then shows all three side by side.
        recipe: a recipe to train with instead of searching.
        start: what the search begins with: a recipe, ``wellfit.diagnose(...).recipe()``, or a file that holds one.
        allow: codes of the lint's errors that this recipe may break.
        plan: the run.json of an earlier run, whose plan is repeated.
        task: ``binary``, ``multiclass`` or ``regression`` where the guess is wrong.
        kind: ``table``, ``image`` or ``text`` where it cannot be told from the data: lists of texts are ``text``.
        text: the column of texts, where those are to be told apart and not the columns of a table.
        size: pixels of the longer side that images are resized to; by default as they are, 64 at most.
        network: of texts: ``ngrams`` (linear in words, pairs and pieces of words), ``bag`` (of embeddings), ``cnn`` or
            ``transformer``; ``auto`` takes n-grams up to 3 million characters; of more text ``cnn``, or of
            fewer than 2,000 texts ``bag``.
        lexicon: of texts: where synonyms come from, a WordNet dict folder or a file with a group of words on each line;
            by default where the system keeps WordNet.
        progress: told what happens; nothing is printed by default.

    Returns:
        The run: ``run.verdict``, ``run.recipe``, ``run.predict(X)``, ``run.folder``, ``run.record``.

    Raises:
        WellfitError: with a sentence that says what came, what is allowed and what to do.
    """
    started = time.monotonic()
    told = progress or Silent()
    shared = {
        "budget": budget, "seed": seed, "metric": metric, "device": device, "out": out, "recipe": recipe, "plan": plan,
        "start": start,
        "task": task, "class_weight": class_weight, "balance": balance, "allow": tuple(allow), "text": text,
        "size": size, "network": network, "lexicon": lexicon,
        "drop": names_of(drop), "category": names_of(category), "number": names_of(number),
    }  # fmt: skip
    roles = {"group": groups, "time": time_order, "weight": sample_weight}
    if isinstance(data, str | Path):
        options = Options(target=target, valid=valid, test=test, **_columns(y, roles), **shared)  # type: ignore[arg-type]
        return fit_file(data, options, told, started)
    refuse_own_target(text, target)
    data, y = _target(data, y, target)
    return _fit_arrays(data, y, Options(**shared), roles, valid, test, told, started, kind)  # type: ignore[arg-type]


def _columns(y: Any, roles: dict[str, Any]) -> dict[str, str | None]:
    """The columns of a file that have a part of their own; raises UsageError where they are no names."""
    if y is not None or any(v is not None and not isinstance(v, str) for v in roles.values()):
        raise UsageError(
            "with a file, the target, groups, time order and weights are columns of it.",
            fix="Name them: target=, groups=, time_order=, sample_weight= take column names.",
            code="WF-U03",
        )
    return roles


def _target(data: Any, y: Any, target: str | None) -> tuple[Any, Any]:
    """Features and target, from both or from a frame that holds both."""
    if y is not None and target is not None:
        raise UsageError("both y and target are given.", fix="Give one of them.", code="WF-U03")
    if y is not None:
        return data, y
    if target is None or target not in getattr(data, "columns", ()):
        raise UsageError("the target is missing.", fix="Give y, or target= with a column of the frame.", code="WF-U03")
    return data.drop(columns=[target]), data[target]


def _fit_arrays(
    x: Any, y: Any, options: Options, roles: dict[str, Any], valid: Any, test: Any, progress: Progress, started: float,
    kind: str | None,
) -> Run:  # fmt: skip
    options.seconds()
    given = given_recipe(options)
    engine = open_engine(options)
    try:
        source = open_arrays(
            x,
            y,
            options,
            kind=kind,
            weight=roles["weight"],
            groups=roles["group"],
            time=roles["time"],
            valid=valid,
            test=test,
        )
        return run_study(source, options, progress, started, engine, given)
    except KeyboardInterrupt:
        raise Interrupted(None) from None
    finally:
        engine.close()
        progress.end()


__all__ = ["Run", "fit", "load"]
