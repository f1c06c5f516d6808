"""Groups that are given: are they shared by training and validation rows, and is one predicted worse than the rest?"""

from __future__ import annotations

import numpy as np

from wellfit.diagnosis.copies import share_interval
from wellfit.diagnosis.groups import SURE, WORSE, Shifted, shift
from wellfit.diagnosis.limits import Limits
from wellfit.diagnosis.result import Finding
from wellfit.diagnosis.setting import Setting
from wellfit.errors import DataError

_GROUPS, _ROWS = 20, 10  # groups that are held out in turn, the largest ones; rows that one of them needs


def of_groups(setting: Setting, limits: Limits) -> tuple[Finding | None, Finding]:
    """A leak through groups that both sides have, None where there is none to speak of; and the shift between groups.

    Rows of one group on both sides do harm where a model that knows a group predicts it better than one that does not.
    Where that can be measured (columns of numbers, classes) it decides; elsewhere shared groups are suspected.
    """
    if setting.groups is None:
        return None, Finding("shift", "not_applicable", "no groups were given")
    groups = setting.groups
    shared = np.isin(groups[setting.held :], groups[: setting.held])
    found, why = _shifted(setting)
    told = f"{shared.mean():.1%} of the validation rows belong to groups that training rows have, too"
    leak = None
    if found is not None and shared.any() and found.fall > WORSE and found.sure < SURE:
        told += f"; a model that does not know a group gets {found.fall:.0%} fewer of its rows right"
        leak = Finding("leakage", "finding", told, float(shared.mean()), "of validation rows", share_interval(shared),
                       True)  # fmt: skip
    elif found is None and shared.mean() > limits.duplicates:
        told += f"; whether that helps was not measured: {why}"
        leak = Finding("leakage", "finding", told, float(shared.mean()), "of validation rows", share_interval(shared))
    return leak, _shift_finding(found, why)


def _shifted(setting: Setting) -> tuple[Shifted | None, str]:
    assert setting.groups is not None
    if setting.labels is None or setting.x.ndim != 2 or not setting.x.is_floating_point():
        return None, "it takes columns of numbers and classes"
    names, counts = np.unique(setting.groups, return_counts=True)
    large = names[np.argsort(-counts, kind="stable")][:_GROUPS]
    large = [n for n in large if (setting.groups == n).sum() >= _ROWS]
    if len(large) < 2:
        return None, f"fewer than two groups have {_ROWS} rows"
    rows = np.isin(setting.groups, large)
    try:
        found = shift(setting.x.numpy()[rows], setting.labels.numpy()[rows], setting.groups[rows], setting.seed)
    except (DataError, ValueError) as error:
        return None, str(getattr(error, "message", error)).rstrip(".")
    return found, ""


def _shift_finding(found: Shifted | None, why: str) -> Finding:
    if found is None:
        return Finding("shift", "not_applicable", why)
    fall = found.usual[found.worst] - found.accuracy[found.worst]
    told = (
        f"without its own rows group {found.worst!s:.40} is predicted {fall:+.2f} below what a model of all groups gets"
    )
    told += f" (Holm-adjusted p {found.p[found.worst]:.2g}, {len(found.p)} groups)"
    return Finding("shift", "finding" if found.found else "healthy", told, fall, "accuracy", None, found.found)
