"""How long an epoch is follows from the study's own rows; rows made anew for some members change it for nobody."""

from __future__ import annotations

import dataclasses

import torch
from torch.testing import assert_close
from worlds import COURSE, make_rows, train

from wellfit import Dropout, Recipe, WarmUp
from wellfit.draws import member_key
from wellfit.training.cohort import Member
from wellfit.training.order import epoch_rows

MEMBERS = [Member(Recipe(Dropout(0.2), WarmUp(3.0)), 0.05, seed=i, fold=i) for i in range(2)]


def test_a_shorter_fold_of_a_variant_changes_nothing_for_the_others():
    rows = make_rows()
    few = rows.folds[0][0][:9], rows.folds[0][1]
    beside = dataclasses.replace(rows, folds=(*rows.folds, few), own=len(rows.folds))
    alone, company = train(MEMBERS, rows), train(MEMBERS, beside)
    for name, weight in alone.last_weights().items():
        assert torch.equal(weight, company.last_weights()[name])
    variant = train([dataclasses.replace(MEMBERS[0], fold=len(rows.folds))], beside)
    assert variant.step == COURSE.until
    assert_close(variant.last_loss.isfinite().all(), torch.tensor(True))


def test_rows_fewer_than_an_epoch_takes_are_read_round_and_round():
    order = epoch_rows([torch.arange(10, 17)], member_key(0).unsqueeze(0), 0, batch=5, steps=3)
    assert order.shape == (3, 1, 5)
    counts = torch.bincount(order.flatten() - 10, minlength=7)
    assert sorted(counts.tolist()) == [2, 2, 2, 2, 2, 2, 3]
