"""Groups: shared ones are a leak where knowing a group helps; a group that has shifted is named."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from wellfit import UsageError, diagnose
from wellfit.diagnosis import Limits
from wellfit.diagnosis.group_checks import of_groups
from wellfit.diagnosis.setting import make_setting


def make():
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))


def patients(seed=0, count=30, rows=20, known=1.0):
    """Each patient has an own place in the inputs, and mostly one label of its own: who knows it knows the label."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(count), rows)
    own = random.integers(0, 2, count)
    y = np.where(random.random(len(group)) < 0.5 + 0.5 * known, own[group], random.integers(0, 2, len(group)))
    x = 3.0 * random.standard_normal((count, 6))[group] + 0.3 * random.standard_normal((len(group), 6))
    return x.astype(np.float32), y, group


def sites(seed=0, shifted=True):
    """Four sites whose first column tells the label; it lies higher at the last one, which another column tells."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.array(["a", "b", "c", "d"]), 200)
    y = random.integers(0, 2, len(group))
    there = (group == "d") & shifted
    x = random.standard_normal((len(group), 6)).astype(np.float32)
    x[:, 0] += 2.0 * (2 * y - 1) + 6.0 * there
    x[:, 1] += 5.0 * there
    return x, y, group


def setting(data, apart=False, seed=0):
    """Rows drawn at random into both sides, or whole groups."""
    x, y, group = data
    order = np.random.default_rng(seed).permutation(len(x))
    if apart:
        names = np.unique(group)
        order = np.concatenate([np.nonzero(~np.isin(group, names[::3]))[0], np.nonzero(np.isin(group, names[::3]))[0]])
        held = int((~np.isin(group, names[::3])).sum())
    else:
        held = 2 * len(x) // 3
    a, b = order[:held], order[held:]
    return {"train": (x[a], y[a]), "val": (x[b], y[b]), "groups": (group[a], group[b])}


def found(data, **options):
    given = setting(data, **options)
    return of_groups(make_setting(make, given["train"], given["val"], groups=given["groups"]), Limits())


def test_patients_on_both_sides_are_a_leak():
    leak, _ = found(patients())
    assert leak is not None and leak.confirmed and leak.number == 1.0
    assert "does not know a group" in leak.sentence


def test_patients_kept_apart_are_none():
    leak, _ = found(patients(), apart=True)
    assert leak is None


def test_shared_groups_that_tell_nothing_are_none():
    leak, shift = found(sites(shifted=False))
    assert leak is None
    assert shift.outcome == "healthy"


def test_the_verdict_names_a_shifted_site():
    given = setting(sites())
    whole = diagnose(model=make, **given, epochs=15, rate=3e-3, budget="10m")
    shift = next(f for f in whole.findings if f.name == "shift")
    assert (shift.code, shift.outcome, shift.confirmed) == ("WF032", "finding", True)
    assert "group d" in shift.sentence and shift.number > 0.3
    assert "WF032" in {f.code for f in whole.found()}


def test_a_diagnosis_calls_shared_patients_a_leak():
    given = setting(patients(count=20))
    assert diagnose(model=make, **given, epochs=8, rate=3e-3, budget="10m").code == "WF002"
    assert diagnose(model=make, **{**given, "groups": None}, epochs=8, rate=3e-3, budget="10m").code != "WF002"


def test_groups_that_do_not_fit_the_rows_are_refused():
    given = setting(patients(count=4))
    with pytest.raises(UsageError, match="groups has the shape"):
        diagnose(model=make, **{**given, "groups": np.arange(7)})
