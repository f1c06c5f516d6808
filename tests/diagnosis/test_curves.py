"""Curves alone: planted shapes, files of other tools, and hostile ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wellfit import DataError, IllnessError, UsageError, diagnose
from wellfit.diagnosis import CHECKS, Limits, make_history
from wellfit.diagnosis.checks import OUTCOMES, SEVERITIES, VERDICTS
from wellfit.diagnosis.curves import noise, onset, progress, rise, spikes
from wellfit.diagnosis.readers import looks_like_history, read_history

T = np.arange(40.0)
RANDOM = np.random.default_rng(0)
PLANTED = {
    "WF020": {"loss": np.exp(-T / 5), "val_loss": 0.3 + 0.7 * np.exp(-T / 4) + 0.01 * T},
    "WF010": {"loss": 1 - 0.02 * T, "val_loss": 1.1 - 0.02 * T},
    "WF003": {"loss": [1.0, 5.0, float("inf"), float("nan")], "val_loss": [1.0, 5.0, float("nan"), float("nan")]},
    "WF011": {"loss": 2.3 - 0.05 * (1 - np.exp(-T / 3)), "val_loss": 2.31 - 0.05 * (1 - np.exp(-T / 3))},
    "WF021": {"loss": np.exp(-T / 4), "val_loss": 0.7 + 0.3 * np.exp(-T / 4)},
    "WF000": {"loss": 0.1 + np.exp(-T / 4), "val_loss": 0.15 + np.exp(-T / 4)},
}


@pytest.mark.parametrize("code", PLANTED)
def test_planted_curves(code):
    found = diagnose({k: list(v) for k, v in PLANTED[code].items()})
    assert found.code == code
    assert found.confidence == "suspected"
    assert any("no model" in line for line in found.not_checked)


def test_a_loss_that_rises_while_the_accuracy_holds_is_listed_as_over_confidence():
    curves = {**PLANTED["WF020"], "val_accuracy": 0.9 - 0.3 * np.exp(-T / 3)}
    assert "WF030" in [f.code for f in diagnose(curves).found()]


def test_statistics_of_curves():
    curve = np.array([1.0, 0.5, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert rise(curve) == pytest.approx(1.0)
    assert onset(curve) == 3
    assert onset(curve[:3]) is None
    assert progress(np.linspace(1.0, 0.0, 101)) == pytest.approx(0.1)
    assert progress(np.r_[np.linspace(1.0, 0.0, 50), np.zeros(50)]) == 0.0
    level = 1.0 + 0.05 * RANDOM.standard_normal(4000)
    assert noise(level) == pytest.approx(0.05, rel=0.2)
    smooth = np.exp(-T / 10)
    assert spikes(smooth, 10.0) == 0
    smooth[[10, 20, 30]] += 2.0
    assert spikes(smooth, 10.0) == 3


def test_scale_of_a_loss_changes_no_verdict():
    for code, curves in PLANTED.items():
        assert diagnose({k: 1000.0 * np.asarray(v) for k, v in curves.items()}).code == code


@pytest.mark.parametrize(
    "names",
    [("train_loss", "val_loss"), ("loss", "val_loss"), ("Train Loss", "Valid Loss"), ("loss/train", "loss/validation"),
     ("train_loss_epoch", "val_loss_epoch"), ("training.loss", "eval.loss")],
)  # fmt: skip
def test_names_of_curves(names):
    history = make_history({"Epoch": [1, 2], names[0]: [1, 2], names[1]: [3, 4]})
    assert history.train_loss.tolist() == [1, 2]
    assert history.val_loss.tolist() == [3, 4]


def test_files_of_other_tools(tmp_path):
    curves = {k: [float(x) for x in v] for k, v in PLANTED["WF020"].items()}
    (tmp_path / "keras.json").write_text(json.dumps(curves))
    rows = [{k: v[i] for k, v in curves.items()} for i in range(40)]
    (tmp_path / "records.json").write_text(json.dumps(rows))
    plain = ["epoch;train_loss;val_loss"] + [f"{i};{r['loss']};{r['val_loss']}" for i, r in enumerate(rows)]
    (tmp_path / "plain.csv").write_text("\n".join(plain))
    lightning = ["epoch,step,train_loss_epoch,val_loss,lr-Adam"]
    for i, row in enumerate(rows):
        lightning += [
            f"{i},{i * 9},,,0.001",
            f"{i},{i * 9 + 8},,{row['val_loss']},",
            f"{i},{i * 9 + 8},{row['loss']},,",
        ]
    (tmp_path / "metrics.csv").write_text("\n".join(lightning))
    for path in tmp_path.iterdir():
        history = read_history(path)
        assert len(history) == 40
        np.testing.assert_allclose(history.val_loss, curves["val_loss"])
        np.testing.assert_allclose(history.train_loss, curves["loss"])
        assert diagnose(history).code == "WF020"
        assert looks_like_history(path)


HOSTILE = {
    "": "WF-G02",
    "epoch,val_loss\n": "WF-G02",
    "epoch,val_loss\n1,2\n3\n": "WF-G04",
    "a,b\n1,2\n": "WF-G03",
    "epoch,val_loss\n1,<script>\n": "WF-G05",
    "\0\1\2": "WF-G08",
    "{": "WF-G08",
    "[" * 100_000: "WF-G08",
    '{"val_loss": 3}': "WF-G03",
    '{"loss": [1, 2], "val_loss": [1]}': "WF-G04",
}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_histories_are_refused_with_their_code(text, tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_history(path)
    assert error.value.code == HOSTILE[text]


def test_too_little_to_tell():
    assert diagnose({"val_loss": [0.3]}).verdict == "undecided"
    assert diagnose({"val_loss": [float("nan")] * 3}).verdict == "diverged"
    with pytest.raises(UsageError):
        diagnose()


def test_checks_limits_and_json():
    codes = [c.code for c in CHECKS.values()]
    assert len(set(codes)) == len(codes)
    for check in CHECKS.values():
        assert check.verdict in VERDICTS
        assert check.severity in SEVERITIES
        assert check.remedy and check.rule and check.source and check.confirmed_by
    assert all(Limits.sources().values())
    with pytest.raises(UsageError):
        Limits(gain=-1.0)
    assert diagnose(PLANTED["WF020"], limits=Limits(rise=100.0)).code != "WF020"
    form = json.loads(json.dumps(diagnose(PLANTED["WF003"]).to_json(), allow_nan=False))
    assert {f["outcome"] for f in form["findings"]} <= set(OUTCOMES)


def test_gates():
    found = diagnose(PLANTED["WF020"])
    assert found.fails("overfit") and found.fails("WF020")
    assert not found.fails("overfit:confirmed") and not found.fails("underfit")
    with pytest.raises(IllnessError) as error:
        found.assert_healthy()
    assert error.value.exit_code == 10
    diagnose(PLANTED["WF000"]).assert_healthy()
    assert len(found.recipe()) > 0
    assert len(diagnose(PLANTED["WF000"]).recipe()) == 0
