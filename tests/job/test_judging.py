"""The test's time: kept free while there is training, and kept to by judging fewer seeds."""

from __future__ import annotations

import json
import time

import pytest
import torch
from torch import nn

from wellfit.errors import BudgetError
from wellfit.job.clock import Clock, check_time
from wellfit.job.judging import Judging, time_judging


def test_fast_networks_are_all_judged():
    judging = Judging(1e-9, time.monotonic() + 5.0)
    assert judging.seeds(12, 6500, 30_000) == 12
    assert judging.reserve(1000, 60.0) == pytest.approx(2e-5)
    assert judging.reserve(1000, -3.0) == 0.0, "where the beginning took all of the budget, none is given back"


def test_slow_networks_are_judged_on_as_many_seeds_as_there_is_time_for():
    """At 1 ms a row and 5,500 rows a seed, 5.5 s each."""
    end = time.monotonic() + 30.0
    assert Judging(1e-3, end).seeds(12, 5500, 0) == 5
    assert Judging(1e-3, end).seeds(12, 5500, 10_000) == 3
    assert Judging(1e-3, end).seeds(12, 5500, 100_000) == 1


def test_a_test_of_a_second_is_not_cut_where_a_phase_before_it_was_late():
    assert Judging(1e-5, time.monotonic() - 2.0).seeds(12, 5500, 10_000) == 12
    assert Judging(1e-3, time.monotonic() - 2.0).seeds(12, 5500, 10_000) == 1


def test_a_repeated_plan_is_not_cut():
    assert Judging(1.0, None).seeds(12, 5500, 100_000) == 12


def test_training_ends_sooner_where_the_test_takes_long():
    clock = Clock(time.monotonic(), 100.0)
    before = clock.end
    clock.keep_free(judging := Judging(1e-3), 10_000)
    assert clock.end == pytest.approx(before - 0.2 * 96.0, abs=0.1)  # a fifth of what is left at most
    assert clock.tested == judging.end == before


class Sleeper(nn.Module):
    """Takes a millisecond a row, and draws."""

    def __init__(self):
        super().__init__()
        self.most = 0

    def forward(self, x):
        self.most = max(self.most, len(x))
        time.sleep(1e-3 * len(x))
        return x + torch.rand(1)


class Once(nn.Module):
    """Something else takes the processor while it reads for the second time."""

    readings = 0

    def forward(self, x):
        self.readings += 1
        time.sleep(0.2 if self.readings == 2 else 0.0)
        return x


def test_a_fast_network_beside_other_work_is_not_taken_for_a_slow_one():
    assert time_judging(Once(), torch.zeros(5, 2), 256).per_row < 1e-4


def test_a_slow_network_is_timed_on_few_rows_and_draws_as_before():
    state, network = torch.get_rng_state(), Sleeper()
    judging = time_judging(network, torch.zeros(5, 2), 10_000)
    assert judging.per_row == pytest.approx(1e-3, rel=0.3)
    assert network.most == 128, "8, 32 and 128 rows, for a reading of 128 takes over 0.1 s"
    assert torch.equal(state, torch.get_rng_state())


def test_a_budget_that_is_over_before_training_is_refused_at_once(tmp_path):
    """Starting and reading took more than was given: no probe makes it later still."""
    clock = Clock(time.monotonic() - 4.5, 1.0)
    record = {"status": "running"}
    with pytest.raises(BudgetError, match=r"before training could begin.* took 4\.\d s. Nothing was trained") as error:
        check_time(clock, record, tmp_path)
    assert error.value.fix == "Give --budget 20s or more."
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "budget"
    check_time(Clock(time.monotonic(), 10.0), record, tmp_path)
