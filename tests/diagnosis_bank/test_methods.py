"""The peers' rules on numbers made by hand, the truth's arithmetic, and the summary's counts."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, precision_score, r2_score, roc_auc_score

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks" / "diagnosis"))  # its scripts are no package

import bank  # noqa: E402
import bank_plain  # noqa: E402
from bank_case import Case, Net, Plant  # noqa: E402
from bank_data import arrange  # noqa: E402
from bank_labels import LABEL_OF, LABELS  # noqa: E402
from bank_methods import METHODS, peers  # noqa: E402
from bank_peers import chance_loss, curve_rule, dummy_outputs, ratio_rule, scores, skore_rule  # noqa: E402
from bank_remedies import LABEL_OF_REMEDY, READ, STANDARD, arms, filled, wanted  # noqa: E402
from bank_sources import Source  # noqa: E402
from bank_training import judge  # noqa: E402
from bank_truth import Gain, decide, interval  # noqa: E402

from wellfit import L2, Dropout, Recipe, WeightDecay  # noqa: E402


@pytest.mark.parametrize(
    ("train", "valid", "said"),
    [
        (0.2, 0.29, "healthy"),
        (0.2, 0.31, "overfit"),
        (0.68, 0.69, "underfit"),
        (0.68, 1.9, "overfit"),
        (0.0, 1.0, "undecided"),
        (-2.0, -1.0, "undecided"),
        (float("nan"), 1.0, "undecided"),
        (0.1, float("inf"), "undecided"),
    ],
)
def test_ratio_rule(train, valid, said):
    assert ratio_rule(train, valid, chance=0.693) == said


@pytest.mark.parametrize(
    ("train", "valid", "dummy", "said"),
    [
        ({"accuracy": 0.995}, {"accuracy": 0.90}, {"accuracy": 0.5}, "overfit"),  # over 10 % of 0.90
        ({"accuracy": 0.98}, {"accuracy": 0.90}, {"accuracy": 0.5}, "healthy"),
        ({"r2": 0.22}, {"r2": 0.18}, {"r2": 0.0}, "overfit"),  # over the floor of 0.03
        ({"accuracy": 0.52}, {"accuracy": 0.51}, {"accuracy": 0.5}, "underfit"),
        ({"-log loss": 0.1}, {"-log loss": 0.2}, {"-log loss": 0.7}, "overfit"),
        ({"a": 0.9, "b": 0.9}, {"a": 0.5, "b": 0.9}, {"a": 0.1, "b": 0.1}, "healthy"),  # half is no majority
        ({"a": float("nan"), "b": 0.9, "c": 0.9}, {"a": 0.5, "b": 0.5, "c": 0.5}, {"a": 0, "b": 0, "c": 0}, "overfit"),
    ],
)
def test_skore_rule(train, valid, dummy, said):
    assert skore_rule(train, valid, dummy) == said


def test_curve_rule_knows_five_words():
    steady = np.concatenate([np.linspace(0.7, 0.3, 20), np.full(20, 0.3)])
    assert curve_rule(steady, steady + 0.02, 0.69) == "healthy"
    assert curve_rule(steady, np.concatenate([steady[:30], np.linspace(0.3, 0.5, 10)]), 0.69) == "overfit"
    assert curve_rule(np.linspace(0.7, 0.4, 40), np.linspace(0.7, 0.45, 40), 0.69) == "undertrained"
    flat = np.full(40, 0.69)
    assert curve_rule(flat, flat, 0.69) == "underfit"
    assert curve_rule([0.7, 0.6, float("nan")], [0.7, 0.7, 0.7], 0.69) == "untrainable"
    assert curve_rule([0.7, 0.6, 30.0], [0.7, 0.7, 40.0], 0.69) == "untrainable"


def test_scores_are_scikit_learns():
    random = np.random.default_rng(0)
    outputs, y = random.normal(size=(80, 2)), random.integers(0, 2, 80)
    p = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    found = scores(outputs, y, 2)
    guess = p.argmax(1)
    assert found["accuracy"] == pytest.approx(accuracy_score(y, guess))
    assert found["-log loss"] == pytest.approx(log_loss(y, p))
    assert found["-brier"] == pytest.approx(brier_score_loss(y, p[:, 1]))
    assert found["auc 1"] == pytest.approx(roc_auc_score(y, p[:, 1]))
    assert found["precision 0"] == pytest.approx(precision_score(y, guess, pos_label=0))
    numbers = random.normal(size=(80, 1))
    assert scores(numbers, numbers + 0.5, 0)["-mae"] == pytest.approx(0.5)
    other = random.normal(size=(80, 1))
    assert scores(numbers, other, 0)["r2"] == pytest.approx(r2_score(other, numbers))


def test_chance_is_the_dummys_loss():
    y = np.array([0, 0, 0, 1, 2, 2])
    assert chance_loss(y, 3) == pytest.approx(scores(dummy_outputs(y, 6, 3), y, 3)["-log loss"])
    numbers = np.array([[1.0], [2.0], [6.0]])
    assert chance_loss(numbers, 0) == pytest.approx(scores(dummy_outputs(numbers, 3, 0), numbers, 0)["-rmse"] ** 2)


def test_remedies_change_what_they_say():
    case = Case("x", 64, 32, Plant("p", "overfit", ("WF020",), "early stop"), Net(width=4), (Dropout(0.2), L2(0.1)))
    found = {arm.name: arm for arm in arms(case, (*STANDARD, "usual start", "relu", "repaired data"))}
    assert found["base"].recipe == Recipe(Dropout(0.2), WeightDecay(0.0), L2(0.1))
    assert found["regularize"].recipe["Dropout"].p == pytest.approx(0.44)
    assert found["no regularization"].recipe == Recipe()
    assert (found["rate x10"].rate, found["rate /100"].rate) == (pytest.approx(1e-2), pytest.approx(1e-5))
    assert found["epochs x3"].case.epochs == 60 and found["width x4"].case.net.width == 16
    assert not set(READ) & set(found)
    for case in bank.CASES:
        assert set(wanted(case)) - {case.plant.remedy} <= set(STANDARD)
        assert not case.ill or case.plant.remedy in wanted(case)
    assert set(LABEL_OF_REMEDY.values()) <= set(LABELS)
    assert filled(()) == Recipe(Dropout(0.0), WeightDecay(0.0))


def test_interval_holds_the_gain_and_narrows_with_rows():
    random = np.random.default_rng(1)
    base = random.exponential(1.0, (3, 2000))
    gain, low, high = interval(base, 0.7 * base)
    assert gain == pytest.approx(0.3) and low == pytest.approx(0.3) and high == pytest.approx(0.3)
    other = random.exponential(1.0, (3, 2000))
    gain, low, high = interval(base, other)
    assert low < 0 < high and high - low < 0.3
    _, few_low, few_high = interval(base[:, :100], other[:, :100])
    assert few_high - few_low > 2 * (high - low)


def _gain(remedy: str, loss: float, gain: float, low: float = 0.05) -> Gain:
    return Gain(remedy, loss, gain, low, 0.9, 0.1)


def test_what_the_truth_decides():
    ill = Case("x", 64, 32, Plant("few units", "underfit", ("WF011",), "width x4"))
    for gains, label in [
        ([_gain("width x4", 0.5, 0.5), _gain("early stop", 0.9, 0.1)], "underfit"),
        ([_gain("width x4", 0.9, 0.10)], ""),
        ([_gain("width x4", 0.5, 0.5, low=-0.1)], ""),
        ([_gain("width x4", 0.8, 0.2), _gain("rate x10", 0.3, 0.7)], ""),
        ([_gain("width x4", 0.8, 0.2), _gain("no regularization", 0.3, 0.7)], "underfit"),
    ]:
        assert decide([ill], {ill.name: gains})[ill.name].label == label
    healthy = [Case("x", 64, 32, Plant("healthy", "healthy", ("WF000",)), seed=s) for s in (0, 1)]
    first, second = (c.name for c in healthy)
    small, much = [_gain("early stop", 0.9, 0.05)], [_gain("early stop", 0.6, 0.2)]
    assert {t.label for t in decide(healthy, {first: small, second: small}).values()} == {"healthy"}
    assert {t.label for t in decide(healthy, {first: small, second: much}).values()} == {""}
    assert not decide(healthy, {first: small})
    unsure = [_gain("early stop", 0.6, 0.14, low=-0.1)]
    assert {t.label for t in decide(healthy, {first: unsure, second: unsure}).values()} == {""}


def _toy(plant: Plant, recipe: tuple = ()) -> tuple[Case, Source]:
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 4))
    y = (x[:, 0] + x[:, 1] ** 2 + random.normal(size=500) > 1).astype(int)
    return Case("toy", 64, 64, plant, Net(width=16), recipe, 1e-2, 16, 60), Source(x, y, 2, "table")


def test_the_plain_training_and_the_truth_agree_on_overfitting(monkeypatch):
    case, source = _toy(Plant("too long", "overfit", ("WF020",), "early stop"))
    drawn = arrange(case, source)
    seen = bank_plain.train(case, drawn)
    assert len(seen.valid) == case.epochs + 1 and seen.steps == case.steps and seen.seconds > 0
    assert seen.train[-1] < 0.5 * seen.train[0] and seen.valid[-1] > 1.5 * min(seen.valid)
    assert set(peers(case, drawn, seen).values()) == {"overfit"}
    monkeypatch.setattr("bank_training.draw", lambda case, folder: drawn)
    judged = judge(arms(case, ("regularize hard",)), Path(), 2)
    assert judged["base"].test.shape == (2, len(drawn.test))
    assert judged["base"].early.mean() < 0.8 * judged["base"].test.mean()
    assert judged["base"].cooled.mean() < judged["base"].test.mean()
    # both train by Adam on batches of 16 from the same kind of first weights: the same illness
    assert judged["base"].valid.mean() == pytest.approx(seen.valid[-1], rel=0.7)


def test_the_plain_training_stops_and_drops_out():
    case, source = _toy(Plant("p", "overfit", ("WF020",), "early stop"), (Dropout(0.5), WeightDecay(1.0)))
    drawn = arrange(case, source)
    held = bank_plain.train(case, drawn)
    free = bank_plain.train(dataclasses.replace(case, recipe=()), drawn)
    assert held.train[-1] > free.train[-1] and held.valid[-1] < free.valid[-1]
    with pytest.raises(ValueError, match="Mixup"):
        from wellfit import Mixup

        bank_plain.train(dataclasses.replace(case, recipe=(Mixup(0.2),)), drawn)


def test_summary_counts():
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("bank_summary", ROOT / "benchmarks" / "diagnosis" / "summary.py")
    summary = module_from_spec(spec)
    spec.loader.exec_module(summary)
    kept = pd.DataFrame(
        [["a", "pima", "overfit", "WF020"], ["b", "kmnist", "healthy", "WF000"], ["c", "sst2", "untrainable", "WF003"]],
        columns=["case", "data", "label", "codes"],
    ).assign(kept="yes", planted="", reason="")
    said = [
        ["a", "wellfit", "WF021", "overfit"], ["b", "wellfit", "WF020", "overfit"],
        ["c", "wellfit", "WF012", "underfit"],
        ["a", "ratio", "", "overfit"], ["b", "ratio", "", "healthy"], ["c", "ratio", "", "undecided"],
    ]  # fmt: skip
    verdicts = pd.DataFrame(said, columns=["case", "method", "code", "label"]).assign(seconds=3.0, training=2.0)
    rows = summary.joined(kept, verdicts)
    own = rows[rows["method"] == "wellfit"].set_index("case")
    assert own["right"].to_dict() == {"a": True, "b": False, "c": False}
    assert own["coarse_right"].to_dict() == {"a": True, "b": False, "c": True}
    assert own["false_overfit"].sum() == 1 and not own["code_right"].any()
    assert "| ratio | 2 of 3 (67%) |" in summary.headline(rows)
    assert summary.cost(rows).startswith("1.5 times")
    assert "| healthy | 1 | 0 |" in summary.confusion(rows, "wellfit")
    kinds = [summary.kind_of(data) for data in ("pima", "kmnist", "sst2", "energy")]
    assert kinds == ["table", "image", "text", "regression"]
    assert "error" not in LABEL_OF and "wellfit" in METHODS
