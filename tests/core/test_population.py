"""A population is K trainings: whoever trains beside a member changes nothing for it."""

from __future__ import annotations

import dataclasses
import random

import pytest
import torch
import worlds
from torch.utils import _pytree
from worlds import COURSE, everything, make_normalized, make_rows, six_members, train, train_alone

from wellfit import BatchNorm, Dropout, EarlyStopping, Recipe
from wellfit.training.cohort import Member, join, start
from wellfit.training.population import Population

BOUND = 1e-10


@pytest.fixture(scope="module")
def stacked():
    return train(six_members())


def _member(tree, i):
    return _pytree.tree_map(lambda leaf: leaf[i], tree)


def _distance(a, b) -> float:
    """The largest difference of two trees; NaN and infinity equal themselves."""
    worst = 0.0
    for one, other in zip(_pytree.tree_leaves(a), _pytree.tree_leaves(b), strict=True):
        one, other = torch.as_tensor(one, dtype=torch.float64), torch.as_tensor(other, dtype=torch.float64)
        assert one.shape == other.shape
        same = (one == other) | (one.isnan() & other.isnan())
        worst = max([worst, *(one - other).abs()[~same].tolist()])
    return worst


def _same_bits(a, b) -> bool:
    pairs = zip(_pytree.tree_leaves(a), _pytree.tree_leaves(b), strict=True)
    return all(torch.equal(one.nan_to_num(7.0), other.nan_to_num(7.0)) for one, other in pairs)


def _all_of(cohort):
    return (cohort.state, cohort.best, cohort.last_loss, [h[1:] for h in cohort.history])


@pytest.mark.parametrize("i", range(6))
def test_member_equals_its_training_without_vmap(stacked, i):
    lone = train_alone(six_members()[i])
    assert _distance(_member(stacked.state, i), lone.state) <= BOUND
    assert _distance(stacked.best.loss[i], lone.best_loss) <= BOUND
    assert int(stacked.best.step[i]) == lone.best_step
    assert _distance(_member(stacked.best.weights, i), lone.best_weights) <= BOUND
    assert _distance([h[2][i] for h in stacked.history], lone.losses) <= BOUND


@pytest.mark.parametrize("i", [0, 3, 5])
def test_member_equals_a_stack_of_one(stacked, i):
    alone = train(six_members()[i : i + 1])
    assert _distance(_member(_all_of(stacked), i), _member(_all_of(alone), 0)) <= BOUND


def test_members_have_moved_and_differ(stacked):
    """Equality means nothing where nothing happens."""
    first = start(worlds.trainer_for(), worlds.make, six_members(), make_rows())
    for name, weight in stacked.state.params.items():
        assert ((weight - first.state.params[name]).flatten(1).abs().amax(1) > 1e-3).all(), name
    assert len({round(v, 6) for v in stacked.best.loss.tolist()}) == 6


def test_batch_norm_bucket_equals_lone_trainings():
    recipes = [Recipe(BatchNorm(), *r) for r in (everything(0.3), everything(), everything().neutral())]
    members = [Member(r, 0.01, seed=i, fold=i % 2) for i, r in enumerate(recipes)]
    cohort = train(members, build=make_normalized)
    for i, member in enumerate(members):
        lone = train_alone(member, build=make_normalized)
        # a bias before batch norm would have no gradient but rounding, which Adam turns into steps: there is none
        assert not [n for n in lone.state.params if n.endswith("linear.0.bias")]
        assert _distance({n: cohort.state.params[n][i] for n in lone.state.params}, lone.state.params) <= BOUND
        assert lone.state.buffers["blocks.0.linear.1.num_batches_tracked"] == COURSE.until
        assert _distance(cohort.best.loss[i], lone.best_loss) <= BOUND


def test_members_that_leave_change_nothing_for_those_that_stay(stacked):
    trainer, rows = worlds.trainer_for(), make_rows()
    population = Population(trainer, rows)
    half = population.train(start(trainer, worlds.make, six_members(), rows), dataclasses.replace(COURSE, until=12))
    rest = population.train(half.take([4, 1]), COURSE)
    for place, i in enumerate((4, 1)):
        assert _distance(_member(_all_of(rest), place), _member(_all_of(stacked), i)) <= BOUND
    assert [m.seed for m in rest.members] == [44, 41]


def test_stopping_for_a_while_changes_nothing(stacked):
    trainer, rows = worlds.trainer_for(), make_rows()
    population = Population(trainer, rows)
    cohort = start(trainer, worlds.make, six_members(), rows)
    for until in (3, 9, 15, 24):  # multiples of evaluate_every: the evaluations are the same ones
        cohort = population.train(cohort, dataclasses.replace(COURSE, until=until))
    assert _same_bits(_all_of(cohort), _all_of(stacked))


def test_joined_cohorts_train_on_as_one(stacked):
    trainer, rows = worlds.trainer_for(), make_rows()
    population = Population(trainer, rows)
    halves = [start(trainer, worlds.make, part, rows) for part in (six_members()[:2], six_members()[2:])]
    halves = [population.train(h, dataclasses.replace(COURSE, until=12)) for h in halves]
    assert _distance(_all_of(population.train(join(halves), COURSE)), _all_of(stacked)) <= BOUND


@pytest.mark.parametrize("disaster", ["weights", "rate"])
def test_one_diverging_member_leaves_the_others_bit_identical(stacked, disaster):
    members = six_members()
    if disaster == "rate":
        members[2] = dataclasses.replace(members[2], rate=1e30)
    trainer, rows = worlds.trainer_for(), make_rows()
    cohort = start(trainer, worlds.make, members, rows)
    if disaster == "weights":
        next(iter(cohort.state.params.values()))[2].fill_(torch.nan)
    cohort = Population(trainer, rows).train(cohort, COURSE)
    for i in (0, 1, 3, 4, 5):
        assert _same_bits(_member(_all_of(cohort), i), _member(_all_of(stacked), i))
    if disaster == "weights":
        assert cohort.best.loss[2] == torch.inf


def test_traced_steps_equal_eager_ones(stacked):
    traced = train(six_members(), course=dataclasses.replace(COURSE, mode="traced"))
    assert _distance(_all_of(traced), _all_of(stacked)) <= 1e-12


@pytest.mark.slow
def test_compiled_steps_equal_eager_ones():
    members, short = [six_members()[i] for i in (0, 2, 4)], dataclasses.replace(COURSE, until=9)
    trainer, rows = worlds.trainer_for(), make_rows()
    population = Population(trainer, rows)
    compiled = population.train(start(trainer, worlds.make, members, rows), dataclasses.replace(short, mode="compiled"))
    runner = next(iter(population._runners.values()))
    if runner.mode != "compiled":
        pytest.skip(f"no C++ compiler: {runner.note}")
    eager = train(members, course=short)
    for i in range(3):
        assert _distance(_member(_all_of(compiled), i), _member(_all_of(eager), i)) <= BOUND


def test_listing_order_of_parts_means_nothing(stacked):
    members = six_members()
    draw = random.Random(3)
    shuffled = [dataclasses.replace(m, recipe=Recipe(*draw.sample(list(m.recipe), len(m.recipe)))) for m in members]
    assert _same_bits(_all_of(train(shuffled)), _all_of(stacked))


def test_a_neutral_part_is_the_same_as_no_part():
    member = six_members()[1]
    without = dataclasses.replace(member, recipe=member.recipe.active())
    assert len(without.recipe) == len(member.recipe) - 3
    assert _distance(train([member]).state.params, train([without]).state.params) <= 1e-12


def test_a_stack_of_one_regularizer_off_and_on_differs_only_where_it_is_on():
    off, on = Member(Recipe(Dropout(0.0)), 0.01, seed=1), Member(Recipe(Dropout(0.5)), 0.01, seed=1)
    cohort = train([off, on])
    plain = train([Member(Recipe(), 0.01, seed=1)])
    assert _distance(_member(cohort.state.params, 0), _member(plain.state.params, 0)) <= 1e-12
    assert _distance(_member(cohort.state.params, 1), _member(plain.state.params, 0)) > 1e-3


def test_early_stopping_hands_over_the_best_weights_it_saw():
    """A rate that grows worse from some step on: the best is in the past, and nothing after the stop replaces it."""
    recipe = Recipe(EarlyStopping(patience=2))
    member = Member(recipe, 0.3, seed=5)
    course = dataclasses.replace(COURSE, until=90)
    rows = make_rows()
    cohort = train([member], rows, course)
    losses = [float(h[2][0]) for h in cohort.history]
    best, waited = float("inf"), 0
    for loss in losses:
        if waited >= 2:
            break
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
    assert waited == 2, "this training was meant to stop"
    assert float(cohort.best.loss[0]) == best
    assert int(cohort.best.step[0]) == 3 * (losses.index(best) + 1)
    weights = _member(cohort.best.weights, 0)
    valid = rows.folds[0][1]
    target = rows.target.take(valid)
    again = target.row_losses(worlds.trainer_for().predict(weights, rows.x[valid]))
    assert abs(float((again * target.weight).sum() / target.weight.sum()) - best) <= 1e-12
    assert _distance(weights, _member(cohort.state.params, 0)) > 1e-3


def _held_against_lone(rows, course):
    members = six_members()[:2]
    cohort = train(members, rows, course)
    for i, member in enumerate(members):
        alone = train([member], rows, course)
        assert _distance(_member(cohort.state, i), _member(alone.state, 0)) <= BOUND
        assert _distance(cohort.best.loss[i], alone.best.loss[0]) <= BOUND
        lone = train_alone(member, rows, course)
        assert _distance(cohort.best.loss[i], lone.best_loss) <= BOUND


def test_folds_of_different_sizes_change_nothing_for_a_member():
    _held_against_lone(make_rows(valid=(16, 17)), dataclasses.replace(COURSE, batch=10))


def test_folds_of_different_steps_an_epoch_change_nothing_for_a_member():
    rows = make_rows(valid=(16, 17))
    both, course = six_members()[:2], dataclasses.replace(COURSE, batch=8)
    alone = train(both[:1], rows, course)
    assert _distance(_member(train(both, rows, course).state, 0), _member(alone.state, 0)) <= BOUND
