"""The test's time: kept free while there is training, and kept to by judging fewer seeds."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from wellfit.job.judging import Judging
from wellfit.job.opening import Clock


def material(test=1000, valid=500, judging=(0,)):
    split = SimpleNamespace(test=np.arange(test), folds=[(np.arange(10), np.arange(valid))])
    return SimpleNamespace(split=split, judging=judging)


def test_fast_networks_are_all_judged():
    judging = Judging(1e-9, time.monotonic() + 5.0)
    assert judging.seeds(material(), 5, 12, 30) == 12
    assert judging.reserve(material(), 60.0) == pytest.approx(2e-5)


def test_slow_networks_are_judged_on_as_many_seeds_as_there_is_time_for():
    """5 entrants and the control's last epoch at 1 s a reading, half a reading for temperatures: 5.5 s a seed."""
    end = time.monotonic() + 30.0
    assert Judging(1e-3, end).seeds(material(), 4, 12, 0) == 5
    assert Judging(1e-3, end).seeds(material(), 4, 12, 10) == 3
    assert Judging(1e-3, end).seeds(material(), 4, 12, 100) == 1


def test_a_repeated_plan_is_not_cut():
    assert Judging(1.0, None).seeds(material(), 4, 12, 100) == 12


def test_training_ends_sooner_where_the_test_takes_long():
    clock = Clock(0.0, 100.0)
    before = clock.end
    clock.reserve = Judging(1e-3).reserve(material(), 50.0)
    assert clock.end == before - 10.0  # a fifth of what is left at most
    assert clock.tested == before
