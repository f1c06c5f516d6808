"""What every regularizer promises, as checks that anyone's own regularizer can be held against."""

from __future__ import annotations

from wellfit.regularizer import Regularizer
from wellfit.testing.behavior import (
    Check,
    check_dtype_and_device,
    check_knob_forms,
    check_neutral,
    check_penalty_gradient,
    check_purity,
    check_strength,
)
from wellfit.testing.facts import check_documentation, check_facts, check_forms, check_knobs
from wellfit.testing.stacks import check_stack_training

CHECKS: tuple[Check, ...] = (
    check_facts,
    check_documentation,
    check_knobs,
    check_forms,
    check_neutral,
    check_purity,
    check_knob_forms,
    check_dtype_and_device,
    check_penalty_gradient,
    check_strength,
    check_stack_training,
)
"""Every contract; each takes a regularizer's class and raises ContractBroken where it is not kept."""


def check_regularizer(cls: type[Regularizer]) -> list[str]:
    """Hold a regularizer's class against every contract; its fields all need defaults.

    Returns:
        What was not checked, with the regularizer's own reason: it has no neutral value.

    Raises:
        ContractBroken: with the promise that is not kept.

    Example:
        >>> from wellfit import Dropout
        >>> check_regularizer(Dropout)
        []
    """
    for check in CHECKS:
        check(cls)
    return [f"{cls.__name__} has no neutral value: {cls.exempt}"] if cls.exempt else []
