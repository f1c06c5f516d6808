"""What a translation refuses, by name and with the way out; and that the way back is the way there."""

from __future__ import annotations

import doctest
import inspect
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import sklearn.linear_model
import sklearn.neural_network
import sklearn.svm
import torch
from canonical_minimum import minimum, problem
from hypothesis import given
from hypothesis import strategies as st

import wellfit
from wellfit.draws import Now
from wellfit.errors import UsageError
from wellfit.target import Target
from wellfit.translator import TOOLS, translate

FACTS = {"n": 60, "batch": 20, "lr": 0.01, "sd_y": 2.5, "x_rms": 1.5}
EXTRA = {"prior.Gaussian": {"sigma": 1.3}}
PENALTIES = [name for name, tool in TOOLS.items() if tool.form is not None]
DECAYS = [name for name, tool in TOOLS.items() if tool.decay is not None]
strengths = st.floats(1e-9, 1e3)


def refused(*words, **facts) -> UsageError:
    with pytest.raises(UsageError) as caught:
        translate(*words, **facts)
    assert caught.value.fix, "a refusal names the way out"
    assert caught.value.code.startswith("WF-V")
    return caught.value


@pytest.mark.parametrize("name", PENALTIES)
@given(l1=strengths, l2=strengths)
def test_there_and_back_is_the_same(name, l1, l2):
    carries = TOOLS[name].form.shape.carries
    wanted = {"L1": l1 if "l1" in carries else 0.0, "L2": l2 if "l2" in carries else 0.0}
    chosen = dict(EXTRA.get(name, {}))
    if name == "sklearn.LogisticRegression(liblinear)":
        wanted["L2"] = 0.0  # it has no elastic net
    there = translate("canonical", name, wanted, chosen, **FACTS)
    back = translate(name, "canonical", {**there.values, **chosen}, **FACTS).values
    for part in ("L1", "L2"):
        # a share next to 1 leaves the rest only the digits behind it
        assert back[part] == pytest.approx(wanted[part], rel=1e-9, abs=1e-13 * max(l1, l2) * FACTS["sd_y"])


@pytest.mark.parametrize("name", PENALTIES)
def test_strength_zero_is_no_penalty(name):
    there = translate("canonical", name, {"L1": 0, "L2": 0}, EXTRA.get(name), **FACTS)
    assert "nothing is penalized" in there.notes[0]
    back = translate(name, "canonical", {**there.values, **EXTRA.get(name, {})}, **FACTS)
    assert back.values == {"L1": 0.0, "L2": 0.0}


@pytest.mark.parametrize("name", DECAYS)
@given(decay=st.floats(1e-6, 10), lr=st.floats(1e-6, 1))
def test_the_pace_there_and_back(name, decay, lr):
    there = translate(f"torch.AdamW weight_decay={decay} lr=0.003", name, None, {"lr": lr})
    back = translate(name, "torch.AdamW lr=0.003", {**there.values, "lr": lr})
    assert next(iter(back.values.values())) == pytest.approx(decay, rel=1e-12)
    assert there.steps == pytest.approx(1 / (0.003 * decay))


@pytest.mark.parametrize("name", TOOLS)
def test_a_record_is_complete(name):
    tool = TOOLS[name]
    assert tool.name == name and tool.objective and tool.source and "{}" in tool.call
    assert (tool.form is not None) or (tool.decay is not None and tool.no_form)
    assert tool.bias in ("free", "pulled", "absent")
    for target in tool.variants.values():
        assert target in TOOLS


def _real(name: str):
    library, _, cls = name.partition("(")[0].partition(".")
    if library == "torch":
        return getattr(torch.optim, cls)
    if library == "wellfit":
        return getattr(wellfit, cls)
    homes = (sklearn.linear_model, sklearn.svm, sklearn.neural_network)
    return next(getattr(home, cls) for home in homes if hasattr(home, cls))


@pytest.mark.parametrize("name", [n for n in TOOLS if n.startswith(("sklearn.", "torch."))])
def test_defaults_are_those_of_the_tool(name):
    parameters = inspect.signature(_real(name)).parameters
    tool = TOOLS[name]
    for parameter, amount in tool.numbers.items():
        if amount.default is not None:
            assert amount.default == parameters[parameter].default, parameter
    for choice, options in tool.choices.items():
        if choice in parameters and options[0] and "liblinear" not in name:
            assert options[0] == str(parameters[choice].default), choice


@pytest.mark.parametrize("kind", ["l1", "l2", "elasticnet"])
@pytest.mark.parametrize("solver", ["lbfgs", "saga", "newton-cg", "newton-cholesky", "sag", "liblinear"])
def test_oracle_which_solver_can_do_which_penalty(solver, kind):
    x, y = problem(classes=True)
    ratio = {"l1": 1.0, "l2": 0.0, "elasticnet": 0.5}[kind]
    model = sklearn.linear_model.LogisticRegression(C=0.5, l1_ratio=ratio, solver=solver, max_iter=5)
    wanted = {"L1": 0.1 if ratio else 0.0, "L2": 0.1 if ratio < 1 else 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(x, y)
        except ValueError:
            error = refused("canonical", f"sklearn.LogisticRegression solver={solver}", wanted, n=60)
            assert solver in str(error) and "solver=" in error.fix
        else:
            translate("canonical", f"sklearn.LogisticRegression solver={solver}", wanted, n=60)


@pytest.mark.parametrize(
    ("words", "facts", "named"),
    [
        (("sklearn.Ridge alpha=1", "torch.SGD"), {}, ["n (", "sklearn.Ridge", "--n NUMBER"]),
        (("canonical L2=1", "sklearn.LinearSVC"), {}, ["n (", "sklearn.LinearSVC"]),
        (("canonical L2=1", "glmnet.gaussian"), {}, ["sd_y (", "glmnet.gaussian", "--sd-y"]),
        (("glmnet.gaussian lambda=1 alpha=0.5", "canonical"), {}, ["sd_y ("]),
        (("glmnet.gaussian", "canonical"), {}, ["lambda", "lambda=NUMBER"]),
        (("dropout.Linear p=0.5", "canonical"), {}, ["x_rms (", "--x-rms"]),
        (("canonical L2=1", "torch.SGD reduction=sum"), {}, ["batch (", "--batch"]),
        (("canonical L2=1", "prior.Gaussian"), {"n": 5}, ["sigma", "sigma=NUMBER"]),
        (("torch.AdamW", "optax.adamw lr=1"), {}, ["lr (", "torch.AdamW"]),
        (("sklearn.Ridge", "sklearn.LogisticRegression"), {}, ["sklearn.Ridge and sklearn.LogisticRegression"]),
    ],
)
def test_what_is_missing_is_named(words, facts, named):
    error = refused(*words, **facts)
    assert error.code == "WF-V03"
    for word in named:
        assert word in str(error)


@pytest.mark.parametrize(
    "words", [("glmnet.gaussian lambda=1", "canonical"), ("canonical L1=1", "glmnet.gaussian"), ("Lasso", "canonical")]
)
def test_what_is_not_needed_is_not_asked_for(words):
    assert translate(*words).strength is not None


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("sklearn.Ridge", "torch.AdamW"), ["decoupled", "no lambda", "timescale"]),
        (("torch.Adam weight_decay=0.1", "torch.AdamW"), ["decoupled", "rescales both"]),
        (("optax.lion", "sklearn.Ridge"), ["optax.lion", "decoupled"]),
        (("sklearn.Ridge", "sklearn.LogisticRegression"), ["squared error", "log loss", "canonical"]),
        (("sklearn.LinearSVC", "sklearn.LogisticRegression"), ["squared hinge", "log loss"]),
        (("sklearn.Lasso", "sklearn.Ridge"), ["L1", "lost", "sklearn.ElasticNet"]),
        (("keras.L1L2 l1=1 l2=1", "torch.SGD"), ["L1", "wellfit.Recipe"]),
        (("sklearn.LogisticRegression penalty=l1", "canonical"), ["lbfgs", "solver=saga"]),
        (("canonical L1=1 L2=1", "sklearn.LogisticRegression solver=liblinear"), ["elastic net", "saga"]),
        (("canonical L2=1e308", "sklearn.Ridge"), ["alpha=inf"]),
    ],
)
def test_an_impossible_pair_says_why_and_the_way_out(words, named):
    error = refused(*words, n=60, lr=0.1)
    assert error.code == "WF-V04"
    for word in named:
        assert word in str(error)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("sklearn.Rigde", "torch.SGD"), "WF-V01"),
        (("", "torch.SGD"), "WF-V01"),
        (("sklearn.Ridge alpa=1", "torch.SGD"), "WF-V01"),
        (("sklearn.Ridge alpha=-1", "torch.SGD"), "WF-V02"),
        (("sklearn.Ridge alpha=nan", "torch.SGD"), "WF-V02"),
        (("sklearn.Ridge alpha=inf", "torch.SGD"), "WF-V02"),
        (("sklearn.Ridge alpha=one", "torch.SGD"), "WF-V02"),
        (("sklearn.Ridge alpha", "torch.SGD"), "WF-V02"),
        (("sklearn.Ridge alpha=1 alpha=2", "torch.SGD"), "WF-V02"),
        (("sklearn.LogisticRegression C=0", "torch.SGD"), "WF-V02"),
        (("sklearn.ElasticNet l1_ratio=1.5", "torch.SGD"), "WF-V02"),
        (("torch.SGD momentum=1", "canonical"), "WF-V02"),
        (("torch.SGD reduction=median", "canonical"), "WF-V02"),
        (("canonical", "sklearn.Ridge alpha=1"), "WF-V02"),
        (("canonical " + "x" * 2000, "sklearn.Ridge"), "WF-V02"),
        (("sklearn.\x1b[31mRidge\x1b[0m\n", "torch.SGD"), "WF-V01"),
    ],
)
def test_words_that_cannot_be_read(words, code):
    error = refused(*words, n=60)
    assert error.code == code
    assert "\x1b" not in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("facts", [{"n": 0}, {"n": -5}, {"n": 2.5}, {"n": math.inf}, {"n": math.nan}, {"n": True}])
def test_facts_that_make_no_sense(facts):
    assert refused("sklearn.Ridge", "torch.SGD", **facts).code == "WF-V02"


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.Ridge(alpha=0.5)",
        "sklearn.linear_model.Ridge alpha=0.5",
        "ridge alpha=.5",
        "SKLEARN.RIDGE alpha='0.5'",
    ],
)
def test_ways_to_write_the_same(name):
    assert translate(name, "torch.optim.SGD", n=1000).values == {"weight_decay": 0.001}


def test_the_target_says_what_it_does_to_the_bias():
    assert any("penalizes the bias too" in note for note in translate("sklearn.Ridge", "torch.SGD", n=9).notes)
    assert not any("bias too" in note for note in translate("sklearn.Ridge", "sklearn.ElasticNet", n=9).notes)
    to_free = translate("sklearn.LinearSVC", "sklearn.SGDClassifier", n=9)
    assert to_free.values["loss"] == "squared_hinge"
    assert any("leaves the bias free, sklearn.LinearSVC penalizes it too" in note for note in to_free.notes)
    assert any(
        "bias too" in n for n in translate("canonical", "sklearn.LogisticRegression solver=liblinear", n=9).notes
    )


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (("canonical L2=1", "keras.SGD momentum=0.75 lr=0.5"), "(momentum=0.75, learning_rate=0.5, weight_decay=8)"),
        (("canonical L2=1", "torch.SGD half_loss=True"), "torch.optim.SGD(parameters, weight_decay=1)"),
        (("torch.AdamW lr=1", "optax.lion lr=0.1"), "optax.lion(learning_rate=0.1, weight_decay=0.1)"),
        (("torch.AdamW lr=1", "wellfit.WeightDecay lr=0.1"), "wellfit.WeightDecay(strength=0.1)"),
        (("canonical L2=1", "torch.Adam decoupled_weight_decay=False"), "weight_decay=False, weight_decay=2)"),
        (("canonical L2=1", "sklearn.SGDClassifier loss=log_loss"), "loss='log_loss', penalty='l2', alpha=2)"),
        (("canonical L1=1", "wellfit"), "wellfit.Recipe(wellfit.L1(strength=1.0"),
    ],
)  # fmt: skip
def test_the_call_holds_what_its_value_hangs_on(words, call):
    assert call in translate(*words, n=60).call


def test_torch_switches_to_decoupled():
    found = translate("torch.NAdam decoupled_weight_decay=True weight_decay=0.1 lr=0.01", "torch.AdamW lr=0.01")
    assert found.values == {"weight_decay": pytest.approx(0.1)}
    assert translate("torch.Adam decoupled_weight_decay=False weight_decay=0.1", "canonical").values["L2"] == 0.05


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.05), (0.12, 0.0), (0.12, 0.05)])
def test_oracle_recipe_of_wellfit_is_flat_at_the_minimum(l1, l2):
    """The gradient of wellfit's own loss and penalty, and its proximal step, hold still where NumPy's minimum is."""
    x, y = problem()
    weights, bias = minimum(x, y, l1, l2)
    recipe = translate("canonical", "wellfit", {"L1": l1, "L2": l2}).recipe
    inputs, w = torch.tensor(x), torch.tensor(weights)[None]
    target = Target(torch.tensor(y)[:, None], torch.ones(len(y), dtype=torch.float64), classes=False)
    slope = torch.func.grad(lambda w: target.loss(inputs @ w.T + bias))(w)
    now = Now.at(0, 0, rates={"w": torch.tensor(0.01, dtype=torch.float64)})
    moved = {"w": w - 0.01 * (slope + recipe.penalty_gradient({"w": w}, now).get("w", 0.0))}
    np.testing.assert_allclose(recipe.project(moved, now)["w"], w, atol=1e-9)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.05), (0.12, 0.0), (0.12, 0.05)])
def test_a_leaf_and_its_recipe_say_the_same(l1, l2):
    name = {(0.0, 0.05): "L2", (0.12, 0.0): "L1"}.get((l1, l2), "ElasticNet")
    values = translate("canonical", f"wellfit.{name}", {"L1": l1, "L2": l2}).values
    recipe = translate("canonical", "wellfit", {"L1": l1, "L2": l2}).recipe
    (part,) = recipe
    assert part == getattr(wellfit, name)(**values)


def test_decay_as_a_recipe():
    found = translate("torch.AdamW weight_decay=0.2 lr=0.001", "wellfit lr=0.002")
    assert found.recipe == wellfit.Recipe(wellfit.WeightDecay(0.1))
    assert "WeightDecay(strength=0.1" in found.call
    assert translate("torch.AdamW lr=1", "wellfit.WeightDecay lr=1").recipe == wellfit.Recipe(wellfit.WeightDecay(0.01))
    assert len(translate("canonical", "wellfit").recipe.parts) == 0


def test_the_examples_run():
    from wellfit.translator import statistics, translation

    for module in (translation, statistics):
        done = doctest.testmod(module)
        assert done.attempted > 0 and done.failed == 0


def test_it_needs_no_training_library():
    script = "import sys, wellfit; wellfit.translate('ridge alpha=1', 'keras.L2', n=5); "
    script += "print([name for name in ('torch', 'numpy', 'sklearn', 'keras') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_it_is_a_public_name():
    assert wellfit.translate("sklearn.Ridge alpha=0.5", "torch.SGD", n=1000).strength.l2 == 0.0005
