"""scikit-learn's estimators: penalty, alpha, C and l1_ratio as one strength; pairs that cannot be are refused."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from wellfit.errors import UsageError
from wellfit.importers.imported import Gathered
from wellfit.knobs import shortened
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.regularizers import L1, ClassWeights, EarlyStopping, NonNegative
from wellfit.translator import TOOLS, translate

Facts = Mapping[str, float | None]

CHOSEN = {
    "RidgeCV": ("Ridge", {"alpha": "alpha_"}),
    "LassoCV": ("Lasso", {"alpha": "alpha_"}),
    "ElasticNetCV": ("ElasticNet", {"alpha": "alpha_", "l1_ratio": "l1_ratio_"}),
    "LogisticRegressionCV": ("LogisticRegression", {"C": "C_"}),
}
"""Estimators that choose their strength: what they are then, and the attributes that hold the choice."""

ALIKE = {"RidgeClassifier": "Ridge"}
"""Estimators with the objective of another."""

SPEAKING = (
    "alpha", "C", "penalty", "l1_ratio", "nu", "gamma", "l2_regularization", "max_depth", "min_samples_leaf",
    "max_leaf_nodes", "subsample", "ccp_alpha", "n_neighbors", "var_smoothing", "shrinkage", "alpha_1", "lambda_1",
)  # fmt: skip
"""Parameters that regularize somewhere: named where an estimator is not understood."""


def from_sklearn(thing: Any, facts: Facts) -> Gathered:
    """Read an estimator, a pipeline, or a search for one.

    Raises:
        UsageError: the estimator's penalty and solver exclude each other, or ``n`` is missing.
    """
    steps = getattr(thing, "steps", None)
    if steps:
        return _from_steps(steps, facts)
    if type(thing).__name__.endswith("SearchCV"):
        return from_sklearn(getattr(thing, "best_estimator_", thing.estimator), facts)
    own = next((c.__name__ for c in type(thing).__mro__ if c.__module__.startswith("sklearn.")), "")
    name, params = _as_tool(thing, own)
    gathered = Gathered()
    if f"sklearn.{name}" in TOOLS:
        _refuse_pairs(name, params)
        _penalty(name, params, facts, gathered)
        _beside(name, params, gathered)
    else:
        told = ", ".join(f"{k}={shortened(params[k])}" for k in SPEAKING if params.get(k) is not None)
        named = f"{type(thing).__name__} ({told})" if told else type(thing).__name__
        gathered.not_understood.append(f"{named}: how it regularizes has no translation into a recipe.")
    return gathered


def _from_steps(steps: Any, facts: Facts) -> Gathered:
    """The last step of a pipeline, with what the steps before it do named."""
    gathered = Gathered()
    before = [type(s).__name__ for _, s in steps[:-1] if hasattr(s, "fit")]
    if before:
        gathered.notes.append(f"{', '.join(before)} come before it: the strength is that for what they hand on.")
    last = steps[-1][1]
    if hasattr(last, "get_params"):
        gathered.join(from_sklearn(last, facts))
    return gathered


def _as_tool(thing: Any, own: str) -> tuple[str, dict[str, Any]]:
    """The estimator's name and parameters; one that has chosen its strength stands for what it chose."""
    params = dict(thing.get_params(deep=False))
    if own not in CHOSEN:
        return ALIKE.get(own, own), params
    name, attributes = CHOSEN[own]
    for parameter, attribute in attributes.items():
        if not hasattr(thing, attribute):
            raise UsageError(
                f"{own} chooses its {parameter} when it is fitted, and it is not.", fix="Fit it first.", code="WF-A83"
            )
        chosen = getattr(thing, attribute)
        values = chosen.ravel() if hasattr(chosen, "ravel") else [chosen]
        params[parameter] = float(values[0]) if len({float(v) for v in values}) == 1 else chosen
    if name == "LogisticRegression":
        ratio = getattr(thing, "l1_ratio_", None)
        mixed = "l1_ratios" in params and ratio is not None and len(set(ratio.ravel())) == 1 and ratio.ravel()[0]
        params["l1_ratio"] = float(ratio.ravel()[0]) if mixed else 0.0
    return name, params


def _refuse_pairs(name: str, params: Mapping[str, Any]) -> None:
    """Pairs that scikit-learn itself refuses when it fits, and the translator does not know."""
    solver, penalty = params.get("solver"), params.get("penalty")
    if name == "LogisticRegression" and penalty == "elasticnet" and params.get("l1_ratio") is None:
        raise _pair("penalty='elasticnet'", "l1_ratio=None", "Choose l1_ratio between 0 and 1.")
    if name == "LogisticRegression" and penalty is None and solver == "liblinear":
        raise _pair("penalty=None", "solver='liblinear'", "Choose solver='lbfgs'.")
    if name == "LinearSVC":
        loss, dual = params["loss"], params["dual"]
        if penalty == "l1" and loss == "hinge":
            raise _pair("penalty='l1'", "loss='hinge'", "Choose loss='squared_hinge'.")
        if penalty == "l1" and dual is True:
            raise _pair("penalty='l1'", "dual=True", "Choose dual=False.")
        if penalty == "l2" and loss == "hinge" and dual is False:
            raise _pair("penalty='l2' and loss='hinge'", "dual=False", "Choose dual=True.")
    if name == "Ridge" and params.get("positive") and solver not in ("auto", "lbfgs"):
        raise _pair("positive=True", f"solver={solver!r}", "Choose solver='lbfgs'.")
    if name == "Ridge" and solver == "lbfgs" and not params.get("positive"):
        raise _pair("solver='lbfgs'", "positive=False", "Choose solver='auto'.")


def _pair(one: str, other: str, way_out: str) -> UsageError:
    return UsageError(f"{one} cannot be with {other}: scikit-learn refuses to fit it.", fix=way_out, code="WF-A84")


def _penalty(name: str, params: Mapping[str, Any], facts: Facts, gathered: Gathered) -> None:
    tool = TOOLS[f"sklearn.{name}"]
    if params.get("penalty", "") is None:  # scikit-learn's word for none
        return
    loss = params.get("loss")
    if name.startswith("SGD") and loss not in tool.choices.get("loss", ("squared_error",)):
        gathered.not_understood.append(f"{name} with loss={loss!r}: only its usual losses are translated.")
        return
    given: dict[str, Any] = {}
    for key in (*tool.numbers, *tool.choices):
        value = params.get(key)
        if value is None or (isinstance(value, str) and value == "deprecated"):
            continue
        if key in tool.numbers and not isinstance(value, numbers.Real):
            gathered.not_understood.append(f"{name} with {key}={shortened(value)}: one strength per target or class.")
            return
        given[key] = value
    own_batch = params.get("batch_size")
    batch = own_batch if isinstance(own_batch, numbers.Integral) else facts.get("batch")
    found = translate(f"sklearn.{name}", "wellfit", given, n=facts.get("n"), batch=batch)
    gathered.notes += found.notes
    parts: Recipe | list[Regularizer] = found.recipe
    if name == "LinearSVC" and params["penalty"] == "l1":
        # C times the losses + sum(|w|) in the place of sum(w ** 2) / 2: twice the factor of the square
        parts = [L1(2.0 * found.values["l2"])]
    gathered.add(parts, name)


def _beside(name: str, params: Mapping[str, Any], gathered: Gathered) -> None:
    """What regularizes beside the penalty."""
    if params.get("positive"):
        gathered.add([NonNegative()], f"{name} positive=True")
    weights = params.get("class_weight")
    if weights == "balanced":
        gathered.add([ClassWeights(1.0)], f"{name} class_weight")
    elif weights is not None:
        gathered.not_understood.append(f"{name} class_weight={shortened(weights)}: a recipe has only balanced weights.")
    if params.get("early_stopping"):
        patience, least = params["n_iter_no_change"], params.get("tol") or 0.0
        gathered.add([EarlyStopping(patience=float(patience), min_delta=float(least))], f"{name} early_stopping")
        gathered.notes.append(f"{name} stops by the score on its validation rows, EarlyStopping by the loss on them.")
    if params.get("average"):
        gathered.not_understood.append(f"{name} average={params['average']}: a plain mean of all steps' weights.")
