"""Each rule of the lint: a situation that breaks it, and one beside it that does not."""

from __future__ import annotations

import re
import warnings

import pytest
import torch
from torch import nn

import wellfit
from wellfit import (
    EMA,
    L1,
    L2,
    BatchNorm,
    ClipNorm,
    Dropout,
    EarlyStopping,
    InputNoise,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    Recipe,
    RecipeWarning,
    WeightDecay,
    where,
)  # fmt: skip
from wellfit.lint.findings import LEVELS, all_rules
from wellfit.models.mlp import MLP, Shape

pytestmark = pytest.mark.filterwarnings("ignore::wellfit.errors.RecipeWarning")


def _net(*layers):
    return nn.Sequential(*layers)


def _mlp():
    return MLP(Shape(5, 3, 8, 2))


def _quiet_mlp():
    """Every weight on one scale, so that a noise's size is what is judged."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return _mlp()


def _adamw(model, **settings):
    return torch.optim.AdamW(model.parameters(), **settings)


def _before_norm():
    return _net(
        nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)
    )


def _after_norm():
    return _net(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))


def _frozen():
    net = _net(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    net[0].weight.requires_grad_(False)
    return net


CASES = {
    "WF-L01": [
        (lambda: (Recipe(L2(1e-3), WeightDecay(0.1)), {}), lambda: (Recipe(L2(1e-3), Dropout(0.1)), {})),
        (
            lambda: (Recipe(L2(1e-3)), {"optimizer": _adamw(_mlp(), weight_decay=0.1)}),
            lambda: (Recipe(L2(1e-3)), {"optimizer": _adamw(_mlp(), weight_decay=0.0)}),
        ),
        (lambda: (Recipe(L2(1e-3), WeightDecay(0.1)), {}), lambda: (Recipe(L2(1e-3), WeightDecay(0.0)), {})),
        (
            lambda: (Recipe(where(L2(1e-3), "blocks.*"), where(WeightDecay(0.1), "blocks.0.*")), {}),
            lambda: (Recipe(where(L2(1e-3), "head.*"), where(WeightDecay(0.1), "blocks.*")), {}),
        ),
        (
            lambda: (Recipe(wellfit.ElasticNet(1e-3, 0.5), WeightDecay(0.1)), {}),
            lambda: (Recipe(wellfit.ElasticNet(1e-3, 1.0), WeightDecay(0.1)), {}),
        ),
    ],
    "WF-L02": [
        (
            lambda: (Recipe(L2(1e-3)), {"optimizer": torch.optim.Adam(_mlp().parameters())}),
            lambda: (Recipe(L2(1e-3)), {"optimizer": torch.optim.SGD(_mlp().parameters())}),
        ),
        (
            lambda: (Recipe(WeightDecay(1e-3, form="coupled")), {"optimizer": "Adam"}),
            lambda: (Recipe(WeightDecay(1e-3)), {"optimizer": "Adam"}),
        ),
    ],
    "WF-L03": [
        (lambda: (Recipe(LabelSmoothing(), Mixup()), {}), lambda: (Recipe(LabelSmoothing(), EMA()), {})),
        (lambda: (Recipe(LabelSmoothing(), wellfit.Distillation()), {}), lambda: (Recipe(wellfit.Distillation()), {})),
    ],
    "WF-L04": [(lambda: (Recipe(L1(1e-3, form="loss")), {"optimizer": "Adam"}), lambda: (Recipe(L1(1e-3)), {}))],
    "WF-L05": [(lambda: (Recipe(MaxNorm(), WeightDecay()), {}), lambda: (Recipe(MaxNorm(), Dropout()), {}))],
    "WF-L06": [
        (
            lambda: (Recipe(InputNoise()), {"model": _net(nn.BatchNorm1d(4), nn.Linear(4, 2))}),
            lambda: (Recipe(InputNoise()), {"model": _net(nn.Linear(4, 2))}),
        )
    ],
    "WF-L07": [
        (lambda: (Recipe(WeightDecay(2.9), Mixup(1.9)), {}), lambda: (Recipe(WeightDecay(2.9), Mixup(0.1)), {})),
        (lambda: (Recipe(WeightDecay(2.9), Mixup(1.9)), {}), lambda: (Recipe(WeightDecay(0.01), Mixup(1.9)), {})),
    ],
    "WF-L08": [
        (
            lambda: (Recipe(wellfit.SMOTE()), {"calibrated": True}),
            lambda: (Recipe(wellfit.SMOTE()), {"calibrated": False}),
        )
    ],
    "WF-L09": [
        (
            lambda: (Recipe(), {"optimizer": _adamw(_mlp())}),
            lambda: (Recipe(), {"optimizer": _adamw(_mlp(), weight_decay=0)}),
        )
    ],
    "WF-L10": [
        (lambda: (Recipe(wellfit.Ball(), L2(1e-3)), {}), lambda: (Recipe(wellfit.Ball(), Dropout()), {})),
        (
            lambda: (Recipe(wellfit.Ball(), L2(1e-3)), {"model": _mlp()}),
            lambda: (Recipe(where(wellfit.Ball(), "head.*"), where(L2(1e-3), "blocks.*")), {"model": _mlp()}),
        ),
    ],
    "WF-L20": [
        (lambda: (Recipe(Mixup()), {"monitor": "train_acc"}), lambda: (Recipe(Mixup()), {"monitor": "val_acc"})),
        (lambda: (Recipe(Mixup()), {"monitor": "accuracy"}), lambda: (Recipe(Dropout()), {"monitor": "accuracy"})),
    ],
    "WF-L21": [
        (
            lambda: (Recipe(EarlyStopping()), {"stopping_on": "test"}),
            lambda: (Recipe(EarlyStopping()), {"stopping_on": "valid"}),
        ),
        (lambda: (Recipe(), {"monitor": "test_loss"}), lambda: (Recipe(), {"monitor": "val_loss"})),
    ],
    "WF-L22": [
        (
            lambda: (Recipe(InputNoise()), {"augment_validation": True}),
            lambda: (Recipe(Dropout()), {"augment_validation": True}),
        )
    ],
    "WF-L23": [
        (
            lambda: (Recipe(EarlyStopping(5.0), wellfit.SWA()), {}),
            lambda: (Recipe(wellfit.SWA()), {}),
        ),
        (
            lambda: (Recipe(EarlyStopping(5.0), wellfit.CosineSchedule(30.0)), {}),
            lambda: (Recipe(EarlyStopping(50.0), wellfit.CosineSchedule(30.0)), {}),
        ),
    ],
    "WF-L24": [
        (
            lambda: (Recipe(EarlyStopping(3.0)), {"model": _mlp(), "rows": 150}),
            lambda: (Recipe(EarlyStopping(3.0)), {"model": _mlp(), "rows": 150_000}),
        )
    ],
    "WF-L25": [
        (lambda: (Recipe(BatchNorm()), {"batch": 4}), lambda: (Recipe(BatchNorm()), {"batch": 64})),
        (
            lambda: (Recipe(), {"model": _after_norm(), "batch": 16, "rows": 33}),
            lambda: (Recipe(), {"model": _after_norm(), "batch": 16, "rows": 34}),
        ),
    ],
    "WF-L26": [
        (lambda: (Recipe(L1(1e-3)), {"scales": [1.0, 30.0]}), lambda: (Recipe(L1(1e-3)), {"scales": [1.0, 3.0]})),
        (
            lambda: (Recipe(L2(1e-3)), {"scales": {"age": 10.0, "income": 40_000.0}}),
            lambda: (Recipe(Dropout()), {"scales": {"age": 10.0, "income": 40_000.0}}),
        ),
    ],
    "WF-L40": [
        (lambda: (Recipe(), {"model": _before_norm()}), lambda: (Recipe(), {"model": _after_norm()})),
        (lambda: (Recipe(Dropout(), BatchNorm()), {}), lambda: (Recipe(Dropout()), {})),
        (
            lambda: (Recipe(Dropout(), BatchNorm()), {"model": _mlp()}),
            lambda: (Recipe(where(Dropout(), "blocks.1.hidden"), BatchNorm()), {"model": _mlp()}),
        ),
    ],
    "WF-L41": [
        (
            lambda: (Recipe(where(L2(1e-3), "*")), {"model": _mlp()}),
            lambda: (Recipe(L2(1e-3)), {"model": _mlp()}),
        ),
        (
            lambda: (Recipe(WeightDecay(1e-3)), {"model": _after_norm()}),
            lambda: (Recipe(WeightDecay(1e-3)), {"model": _mlp()}),
        ),
    ],
    "WF-L42": [
        (
            lambda: (Recipe(wellfit.WeightNoise(1.0)), {"model": _quiet_mlp()}),
            lambda: (Recipe(wellfit.WeightNoise(0.01)), {"model": _quiet_mlp()}),
        )
    ],
    "WF-L43": [
        (
            lambda: (Recipe(), {"model": _net(nn.Linear(4, 2), nn.Dropout(0.5))}),
            lambda: (Recipe(), {"model": _net(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))}),
        )
    ],
    "WF-L44": [
        (
            lambda: (Recipe(where(Dropout(0.8), "input")), {}),
            lambda: (Recipe(where(Dropout(0.2), "input")), {}),
        ),
        (
            lambda: (Recipe(wellfit.schedule(where(Dropout(0.8), "other|input"), wellfit.ramp(2))), {}),
            lambda: (Recipe(where(Dropout(0.8), "blocks.*")), {}),
        ),
        (
            lambda: (Recipe(Dropout(0.2)), {"model": MLP(Shape(5, 3, 8, 3))}),
            lambda: (Recipe(Dropout(0.2)), {"model": MLP(Shape(5, 3, 8, 2))}),
        ),
    ],
    "WF-L45": [
        (
            lambda: (Recipe(MaxNorm(), where(wellfit.Freeze(), "2.*")), {"model": _frozen()}),
            lambda: (Recipe(MaxNorm(), where(wellfit.Freeze(), "0.*")), {"model": _frozen()}),  # not trained at all
        ),
        (
            lambda: (Recipe(MaxNorm(), where(wellfit.Freeze(), "blocks.0.*")), {"model": _mlp()}),
            lambda: (
                Recipe(where(MaxNorm(), "head.*"), where(wellfit.Freeze(), "blocks.0.*")),
                {"model": _mlp()},
            ),
        ),
    ],
    "WF-L46": [
        (
            lambda: (Recipe(where(wellfit.Freeze(), "0.*")), {"model": _after_norm()}),
            lambda: (Recipe(where(wellfit.Freeze(), "0.*")), {"model": _net(nn.Linear(4, 2))}),
        ),
        (
            lambda: (Recipe(where(wellfit.Freeze(), "0.*")), {"model": _after_norm()}),
            lambda: (Recipe(where(wellfit.Freeze(), "0.*"), wellfit.FreezeStatistics()), {"model": _after_norm()}),
        ),
    ],
}  # fmt: skip
PAIRS = [(code, i, *pair) for code, pairs in CASES.items() for i, pair in enumerate(pairs)]


def _codes(made):
    recipe, known = made()
    return {f.code for f in recipe.lint(**known)}


@pytest.mark.parametrize(("code", "number", "ill", "well"), PAIRS, ids=[f"{c}-{i}" for c, i, *_ in PAIRS])
def test_rule_tells_ill_from_well(code, number, ill, well):
    assert code in _codes(ill)
    assert code not in _codes(well)


def test_every_rule_has_a_case_and_its_facts():
    assert set(CASES) == {r.code for r in all_rules()}
    for rule in all_rules():
        assert rule.level in LEVELS
        assert rule.title
        assert rule.fix.endswith(".")
        assert re.search(r"(1[89]|20)\d\d|scikit-learn|wellfit", rule.source), rule.code


def test_silence_by_code_and_order_by_level():
    recipe = Recipe(L2(1e-3), WeightDecay(0.1), LabelSmoothing(), Mixup(), MaxNorm())
    found = recipe.lint()
    assert [f.level for f in found] == sorted((f.level for f in found), key=LEVELS.index)
    assert {"WF-L01", "WF-L03", "WF-L05"} <= {f.code for f in found}
    assert "WF-L01" not in {f.code for f in recipe.lint(silence=["WF-L01"])}
    with pytest.raises(TypeError):
        recipe.lint(weather="fine")


def test_a_finding_says_what_why_and_how():
    (finding,) = Recipe(L2(1e-3), WeightDecay(0.1)).lint()
    assert str(finding).startswith("WF-L01 error: L2 and WeightDecay both shrink the weights. Keep one")
    assert "1711.05101" in str(finding)
    assert finding.to_json()["level"] == "error"


def test_neutral_parts_do_not_count():
    assert Recipe(L2(0.0), WeightDecay(0.1), LabelSmoothing(0.0), Mixup(0.5)).lint() == []


def test_composing_in_own_code_warns_and_can_be_silenced():
    with pytest.warns(RecipeWarning, match="WF-L03 warning: LabelSmoothing softens"):
        Recipe(LabelSmoothing(), Mixup())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recipe(LabelSmoothing(), Mixup(), silence=["WF-L03"])
        Recipe(MaxNorm(), WeightDecay())  # a note is no warning
        Recipe(Dropout(0.1), ClipNorm(1.0)).replace(settings={"learning_rate": 0.1})


def test_searches_propose_nothing_that_is_refused():
    from wellfit.searching.space import Proposer, searched

    for task in ("binary", "regression"):
        proposer = Proposer(searched(task, long_budget=True), seed=1)
        for _ in range(150):
            levels = {f.level for f in proposer.propose().recipe.lint(optimizer="Adam")}
            assert "error" not in levels


def test_only_the_decay_of_the_groups_that_a_part_meets_counts():
    """The body decays in the optimizer, the head by the recipe: no weight decays twice."""
    model = _net(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    body, head = model[0].parameters(), model[2].parameters()
    groups = [{"params": body, "weight_decay": 0.01}, {"params": head, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups)
    apart = Recipe(where(WeightDecay(0.02), "2.*"))
    assert "WF-L01" not in {f.code for f in apart.lint(model, optimizer=optimizer)}
    assert "WF-L01" in {f.code for f in Recipe(WeightDecay(0.02)).lint(model, optimizer=optimizer)}
    strangers = torch.optim.AdamW(_mlp().parameters(), weight_decay=0.01)  # of a copy, it may be: all its groups count
    assert "WF-L01" in {f.code for f in apart.lint(model, optimizer=strangers)}
