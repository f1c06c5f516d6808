"""A given recipe is refused where a part has nothing to act on in the job's network, or needs what no job brings."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from planned import planned_fit

import wellfit as wf
from wellfit.errors import RecipeError
from wellfit.job.opening import check_recipe
from wellfit.job.options import Options
from wellfit.job.phases import with_data
from wellfit.job.places import check_places
from wellfit.models.mlp import MLP, Shape
from wellfit.searching.space import Candidate
from wellfit.stacking import stack, unify

PLAIN = MLP(Shape(4, 2, 8, 2))
EMBEDDED = MLP(Shape(14, 2, 8, 2, embeddings=((4, 10, 5),)))
NOWHERE = [
    wf.StochasticDepth(0.2), wf.ShakeDrop(0.5), wf.NEFTune(5.0), wf.where(wf.Dropout(0.5), "typo.*"),
    wf.where(wf.L1(1e-3), "typo.*"), wf.where(wf.MaxNorm(2.0), "typo.*"),
]  # fmt: skip
SOMEWHERE = [
    wf.Dropout(0.5), wf.where(wf.Dropout(0.2), "input"), wf.L1(1e-3), wf.Mixup(0.2), wf.EMA(0.9), wf.SMOTE(),
    wf.BatchNorm(), wf.EarlyStopping(3.0), wf.LabelSmoothing(0.1), wf.RDrop(), wf.SkipConnection(), wf.SAM(),
    wf.InputNoise(0.1),
]  # fmt: skip


@pytest.mark.parametrize("part", NOWHERE, ids=lambda p: p.name)
def test_a_part_without_a_place_is_refused_by_name(part):
    with pytest.raises(RecipeError, match=r"finds nothing to act on.*blocks\.0\.") as refused:
        check_places(wf.Recipe(wf.L2(1e-4), part), PLAIN)
    assert refused.value.code == "WF-R12"
    assert part.name in str(refused.value)


@pytest.mark.parametrize("part", SOMEWHERE, ids=lambda p: p.name)
def test_parts_that_act_pass(part):
    check_places(wf.Recipe(part), PLAIN)


def test_what_there_is_depends_on_the_network():
    check_places(wf.Recipe(wf.NEFTune(5.0)), EMBEDDED)
    check_places(wf.Recipe(wf.StochasticDepth(0.2)), MLP(Shape(4, 2, 8, 2, residual=True)))
    check_places(None, PLAIN)


def test_a_run_ends_before_it_trains(monkeypatch, tmp_path):
    generator = np.random.default_rng(0)
    x = pd.DataFrame(generator.normal(size=(160, 3)), columns=list("abc"))
    recipe = wf.Recipe(wf.where(wf.Dropout(0.5), "typo.*"))
    with pytest.raises(RecipeError, match="typo"):
        planned_fit(monkeypatch, tmp_path, x, (x["a"] > 0).to_numpy().astype(int), recipe=recipe)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "failed"
    assert record["phases"] == []


@pytest.mark.parametrize("part", [wf.Distillation(), wf.schedule(wf.Distillation(), wf.ramp(2))])
def test_a_recipe_with_a_teacher_is_refused_with_a_way_out(part):
    with pytest.raises(RecipeError, match=r"teacher.*train_epochs") as refused:
        check_recipe(wf.Recipe(part), "binary", Options())
    assert refused.value.code == "WF-R08"


def test_settings_stay_with_the_recipe_that_has_them():
    """What stacks leaves them out: they are each training's own."""
    rated = wf.Recipe(wf.L1(1e-3), settings={"learning_rate": 0.01})
    assert with_data(Candidate(rated, 0.01, "single"), wf.Recipe(wf.SMOTE())).recipe.settings == rated.settings
    both = unify([rated, wf.Recipe(wf.Dropout(0.2))])
    assert both[0].settings == rated.settings
    stacked = stack(both, next(PLAIN.parameters()))
    assert stacked["L1"].strength.tolist() == pytest.approx([1e-3, 0.0])
