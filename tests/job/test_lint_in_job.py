"""The main job holds a given recipe against the lint before it trains, and the probe takes bfloat16 where it pays."""

from __future__ import annotations

import numpy as np
import pytest

import wellfit as wf
from wellfit.errors import RecipeError
from wellfit.job import probe
from wellfit.job.opening import check_recipe
from wellfit.job.options import Options
from wellfit.job.plan import Plan, make_plan
from wellfit.training.study import Result


def _data(rows=160):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, 4))
    return x, (x[:, 0] + x[:, 1] > 0).astype(int)


def test_a_wrong_recipe_is_refused_by_code_and_may_be_allowed(tmp_path):
    recipe = wf.Recipe(wf.L2(1e-4), wf.WeightDecay(0.1))
    with pytest.raises(RecipeError, match=r"WF-L01.*both shrink.*--allow WF-L01"):
        wf.fit(*_data(), recipe=recipe, budget="5s", out=tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    found = check_recipe(recipe, "binary", Options(allow=("WF-L01",)))
    assert [f.code for f in found] == ["WF-L02"]


class Scripted:
    """An engine whose bfloat16 steps take half as long."""

    hands = 1

    def __init__(self, faster):
        self.faster, self.asked = faster, []

    def run(self, tasks, watch=None):
        self.asked += [t.course.precision for t in tasks]
        return [self._result(t) for t in tasks]

    def _result(self, task):
        pace = 1000.0 * len(task.members) * (self.faster if task.course.precision == "bfloat16" else 1.0)
        return Result(None, 1.0, 0.5, pace, "traced")


@pytest.mark.parametrize(
    ("device", "faster", "precision"), [("cuda", 2.0, "bfloat16"), ("cuda", 1.0, "float32"), ("cpu", 2.0, "float32")]
)
def test_bfloat16_is_taken_where_it_was_faster_and_only_on_a_gpu(device, faster, precision):
    material = type("Material", (), {"folds": 1, "fewest": 1000})()
    whole = wf.Recipe(wf.Dropout(0.0), wf.EarlyStopping().neutral())
    found = probe.choose(Scripted(faster), material, whole, 10.0, device)
    assert found.precision == precision
    plan = make_plan(
        rows=1000, inputs=4, valid_rows=100, folds=1, chunk=16, hands=1, mode="traced", engine="stack", rate=1e4,
        seconds=10.0, budget=10.0, precision=found.precision,
    )  # fmt: skip
    assert Plan.from_json(plan.to_json()).precision == precision
