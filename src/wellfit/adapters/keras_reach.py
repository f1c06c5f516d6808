"""What Keras's optimizers remember of a weight, in the terms of torch's: the step sizes of weights follow from it.

Adam's epsilon is another one in the two: Keras adds it to sqrt(v) before that is corrected for its start, torch after.
"""

from __future__ import annotations

from typing import Any


def group_facts(optimizer: Any) -> dict[str, Any]:
    """What torch would hold in the optimizer's group of parameters."""
    kind = type(optimizer).__name__
    facts: dict[str, Any] = {"weight_decay": float(getattr(optimizer, "weight_decay", None) or 0.0)}
    if kind in ("SGD", "RMSprop"):
        facts["momentum"] = float(optimizer.momentum)
    if kind in ("Adam", "AdamW"):
        taken = int(optimizer.iterations)
        start = (1.0 - float(optimizer.beta_2) ** taken) ** 0.5 if taken else 1.0
        facts |= {"betas": (float(optimizer.beta_1), float(optimizer.beta_2)), "amsgrad": bool(optimizer.amsgrad)}
        return {**facts, "eps": float(optimizer.epsilon) / start}
    if kind == "RMSprop":
        return {**facts, "centered": False, "eps": 0.0}
    if kind == "Adagrad":
        return {**facts, "lr_decay": 0.0, "eps": 0.0}
    return facts


def state_of(optimizer: Any, variable: Any) -> dict[str, Any]:
    """What torch would hold in the state of a parameter, in Keras's order of axes; empty before the first step."""
    kind = type(optimizer).__name__
    if not optimizer.built or not int(optimizer.iterations):
        return {}
    number = optimizer._get_variable_index(variable)
    if kind in ("Adam", "AdamW"):
        found = {"exp_avg_sq": optimizer._velocities[number].value, "step": int(optimizer.iterations)}
        if optimizer.amsgrad:
            found["max_exp_avg_sq"] = optimizer._velocity_hats[number].value
        return found
    if kind == "RMSprop":
        square = optimizer._velocities[number].value + optimizer.epsilon
        if optimizer.centered:
            square = square - optimizer._average_gradients[number].value ** 2
        return {"square_avg": square}
    if kind == "Adagrad":
        return {"sum": optimizer._accumulators[number].value + optimizer.epsilon, "step": 1}
    return {}
