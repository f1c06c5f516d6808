"""A recipe is a set: order, nesting and company of its parts mean nothing; recipes of one structure stack."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.utils import _pytree
from worlds import LEAVES, everything

from wellfit import (
    EMA,
    L1,
    L2,
    SAM,
    BatchNorm,
    ClipNorm,
    Dropout,
    EarlyStopping,
    MaxNorm,
    Mixup,
    Recipe,
    RecipeError,
    schedule,
    where,
)  # fmt: skip
from wellfit.dials import ramp
from wellfit.draws import Now
from wellfit.regularizer import Regularizer
from wellfit.stacking import stack, unify
from wellfit.testing.outcome import draw_sample, outcome, slope, small_network
from wellfit.training.study import structural

LIKE = torch.zeros((), dtype=torch.float64)


def _now(**more):
    return Now.at(1, 2, rates=more.pop("rates", {}), **more)


def test_a_recipe_is_a_set():
    parts = list(everything())
    for seed in range(5):
        shuffled = Recipe(*random.Random(seed).sample(parts, len(parts)))
        assert shuffled == everything()
        assert hash(shuffled) == hash(everything())
        assert [p.name for p in shuffled] == [p.name for p in everything()]
        assert repr(shuffled) == repr(everything())
    assert Recipe(L1(1e-3)) != Recipe(L1(1e-4))
    assert Recipe(L1(1e-3)) != Recipe(L2(1e-3))
    assert Recipe() != L1()


def test_parts_act_by_rank_then_name():
    order = [(p.rank, p.name) for p in everything()]
    assert order == sorted(order)
    names = [name for _, name in order]
    assert names.index("SAM") < names.index("ClipNorm")
    assert names.index("L1") < names.index("MaxNorm")
    assert names.index("Mixup") < names.index("LabelSmoothing")


def test_clipping_acts_on_what_sam_returns_whatever_the_listing():
    network, sample = small_network("classification"), draw_sample(0)

    def grad_of(params):
        return slope(network, sample, params)

    for recipe in (Recipe(SAM(0.5), ClipNorm(0.01)), Recipe(ClipNorm(0.01), SAM(0.5))):
        clipped = recipe.gradient(grad_of, sample.params, _now())
        length = torch.sqrt(sum((g**2).sum() for g in clipped.values()))
        assert abs(length - 0.01) < 1e-6
        sharp = SAM(0.5).gradient(grad_of, sample.params, _now())
        cosine = sum((clipped[n] * sharp[n]).sum() for n in sharp) / length
        assert abs(cosine / torch.sqrt(sum((g**2).sum() for g in sharp.values())) - 1) < 1e-12


def test_nested_recipes_are_flattened():
    flat = Recipe(L1(1e-3), Dropout(0.1), MaxNorm(2.0), EMA())
    nested = Recipe(Recipe(MaxNorm(2.0), Recipe(EMA())), Recipe(), L1(1e-3), Recipe(Dropout(0.1)))
    assert nested == flat
    assert len(nested) == 4
    assert not any(isinstance(p, Recipe) for p in nested)
    sample, network = draw_sample(1), small_network("classification")
    one, other = (outcome(r, sample, network) for r in (flat, nested))
    assert all(torch.equal(one[n], other[n]) for n in one)


@pytest.mark.parametrize(
    "parts",
    [
        (L2(), L2(1e-5)),
        (Recipe(L2()), L1(), Recipe(Recipe(L2()))),
        (where(L2(), "a"), where(L2(1.0), "a")),
        (L2(), schedule(L2(), ramp(3))),
    ],
)
def test_two_parts_of_one_name_are_refused(parts):
    with pytest.raises(RecipeError, match="more than once") as caught:
        Recipe(*parts)
    assert caught.value.code == "WF-R05"
    assert "where" in caught.value.fix


def test_two_parts_told_apart_by_where_are_welcome():
    assert len(Recipe(L2(), where(L2(1.0), "a*"), where(L2(1.0), "b*"))) == 3


@pytest.mark.parametrize("part", [L2, "L2", 3, None, [L2()], {"L2": {}}])
def test_what_is_no_regularizer_is_refused(part):
    with pytest.raises(RecipeError) as caught:
        Recipe(part)
    assert caught.value.code == "WF-R04"


def test_parts_are_found_by_name():
    recipe = everything()
    assert recipe["L1@head.*"].pattern == "head.*"
    assert recipe["SAM"] == SAM(0.05)
    with pytest.raises(KeyError):
        recipe["L7"]


def test_neutral_and_active():
    recipe = Recipe(BatchNorm(), *everything())
    idle = recipe.neutral()
    assert [p.name for p in idle] == [p.name for p in recipe]
    assert [p.name for p in idle.active()] == ["BatchNorm"]
    assert everything().neutral().is_neutral()
    assert not everything().is_neutral()
    assert Recipe().is_neutral()
    wrapped = Recipe(BatchNorm(), schedule(L2(), ramp(3)))
    assert len(wrapped.neutral()) == 2


def test_every_stage_of_the_empty_recipe_is_the_identity():
    sample = draw_sample(3)
    now, recipe = _now(), Recipe()
    x, target = recipe.batch(sample.x, sample.target, now)
    assert x is sample.x
    assert target is sample.target
    assert recipe.penalty(sample.params, now) == 0
    assert recipe.penalty_gradient(sample.params, now) == {}
    assert recipe.gradient(lambda p: p, sample.params, now) is sample.params
    assert recipe.stop() is False
    assert recipe.stages == frozenset()


def test_penalties_and_their_gradients_add_up():
    sample = draw_sample(4)
    parts = [L2(0.1), where(L2(0.3), "*bias"), where(L2(0.7), "head.*")]
    total = sum(Recipe(p).penalty(sample.params, _now()) for p in parts)
    assert abs(Recipe(*parts).penalty(sample.params, _now()) - total) < 1e-12
    closed = Recipe(*parts).penalty_gradient(sample.params, _now())
    automatic = torch.func.grad(lambda p: Recipe(*parts).penalty(p, _now()))(sample.params)
    for name, g in closed.items():
        torch.testing.assert_close(g, automatic[name])


def test_settings_are_kept_and_change_nothing():
    recipe = Recipe(L2(1e-3), settings={"rate": 0.01, "epochs": 30})
    assert recipe.settings == {"rate": 0.01, "epochs": 30}
    assert recipe.replace(parts=[L1()]).settings == recipe.settings
    assert Recipe(*recipe) == recipe


def test_stack_holds_the_members_knobs():
    recipes = [everything(s) for s in (0.5, 1.0, 2.0)]
    joined = stack(recipes, LIKE)
    assert joined["L1"].strength.tolist() == [0.5e-3, 1e-3, 2e-3]
    assert joined["Dropout@*.0.hidden"].inner.inner.p.dtype == torch.float64
    again = [_pytree.tree_map(lambda leaf, i=i: leaf[i], joined) for i in range(3)]
    assert again == recipes


def test_stacks_of_another_structure_are_refused():
    with pytest.raises(RecipeError, match="unify"):
        stack([Recipe(L1()), Recipe(L2())], LIKE)
    with pytest.raises(RecipeError):
        stack([Recipe(BatchNorm(momentum=0.1)), Recipe(BatchNorm(momentum=0.2))], LIKE)
    with pytest.raises(RecipeError):
        stack([Recipe(where(L1(), "a")), Recipe(where(L1(), "b"))], LIKE)


def test_unify_adds_what_is_missing_as_neutral():
    recipes = [Recipe(L1(1e-3)), Recipe(Dropout(0.4), where(L2(), "head*")), Recipe()]
    unified = unify(recipes)
    assert stack(unified, LIKE)["L1"].strength.tolist() == [1e-3, 0.0, 0.0]
    assert [r.active() for r in unified] == recipes
    sample, network = draw_sample(5), small_network("classification")
    for before, after in zip(recipes, unified, strict=True):
        one, other = outcome(before, sample, network), outcome(after, sample, network)
        assert all(torch.equal(one[n], other[n]) for n in one if not n.startswith("penalty."))


def test_unify_refuses_to_add_what_changes_the_network():
    with pytest.raises(RecipeError, match="BatchNorm"):
        unify([Recipe(BatchNorm()), Recipe()])
    assert structural(Recipe(BatchNorm(), L2())) == Recipe(BatchNorm())
    assert structural(everything()) == Recipe()


@given(
    chosen=some.lists(some.sampled_from([L1, L2, Dropout, Mixup, ClipNorm, MaxNorm, EMA]), unique=True),
    seed=some.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_any_selection_in_any_order_is_one_recipe(chosen, seed):
    parts = [cls() for cls in chosen]
    random.Random(seed).shuffle(parts)
    half = len(parts) // 2
    assert Recipe(Recipe(*parts[:half]), *parts[half:]) == Recipe(*(cls() for cls in chosen))


@pytest.mark.parametrize("cls", LEAVES, ids=lambda c: c.__name__)
def test_knobs_out_of_range_are_refused_with_the_range(cls):
    for name, facts in cls.knobs().items():
        with pytest.raises(RecipeError, match=name) as caught:
            cls(**{name: facts.minimum - 1})
        assert caught.value.code == "WF-R03"
        assert "usual range" in caught.value.fix
        with pytest.raises(RecipeError, match="number is allowed"):
            cls(**{name: "much"})


@pytest.mark.parametrize("value", [float("inf"), 10**400, -(10**400)])
def test_endless_strength_is_refused_and_an_endless_limit_is_neutral(value):
    for cls, name in ((L2, "strength"), (SAM, "rho"), (EarlyStopping, "min_delta")):
        with pytest.raises(RecipeError, match="allowed is 0 to inf") as caught:
            cls(**{name: value})
        assert len(str(caught.value)) < 200
    assert MaxNorm(float("inf")).is_neutral()


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(RecipeError, match="L2 exists already") as caught:
        type("L2", (Regularizer,), {"__module__": "elsewhere"})
    assert caught.value.code == "WF-R01"


def test_early_stopping_is_asked_through_the_recipe():
    recipe = Recipe(L2(), EarlyStopping(patience=1)).start({"w": torch.zeros(2, 2)})
    assert not bool(recipe.stop())
    for loss in (1.0, 1.0):
        recipe = recipe.after_epoch({"w": torch.zeros(2, 2)}, {"loss": torch.tensor(loss)}, _now())
    assert bool(recipe.stop())
    assert bool(stack([recipe, recipe], torch.zeros(())).stop().all())
