"""Balance, removed columns and pruning in the page and in lines: whatever the record holds, nothing breaks out."""

from __future__ import annotations

import pytest
from sample_record import PAYLOADS, poisoned, record

from wellfit.report.page import render
from wellfit.report.text import show

FIGURES = {
    "recall": 0.5, "auc": 0.93, "log_loss": 0.131, "calibration_error": 0.053, "predicted": 0.088, "observed": 0.043,
    "log_loss_restored": 0.135, "recall_restored": 0.1,
}  # fmt: skip


def _record():
    names = {"none": "rows as they are", "weights": "ClassWeights(strength=1)", "smote": "SMOTENC(ratio=1)"}
    rows = [
        {"name": n, "label": label, "score": 0.1, "tries": 2, "steps": 300, "valid": FIGURES, "test": FIGURES}
        for n, label in names.items()
    ]
    columns = [{"name": f"column {i}", "removed": i < 15, "share": i / 20} for i in range(20)]
    return {
        **record(),
        "balance": {
            "asked": "search", "chosen": "smote", "rare": "yes", "share": 0.04, "rows": rows, "note": "It moves.",
        },
        "selection": {"parts": ["L1"], "weights": "handed over", "trainings": 8, "columns": columns, "refit": True},
        "pruned": {
            "units_before": 704, "units_after": 359, "networks": 11, "difference": 1e-8, "rows": 4096, "repeats": 31,
            "seconds_before": 0.2, "seconds_after": 0.1, "speed": 2.0, "speed_range": [1.9, 2.1], "notes": ["left"],
        },
    }  # fmt: skip


def test_all_of_it_is_told():
    told, page = " ".join(show(_record()).split()), render(_record())
    expected = (
        "balancing, test rows", "synthetic rows, chosen on validation rows", "It moves.", "and 3 more",
        "L1 removed 15 of 20 columns", "345 of the 704 hidden units", "2.00 times as fast [1.90, 2.10]",
    )  # fmt: skip
    for words in expected:
        assert words in told
    for words in ("Balance of classes", "On the validation rows", "log loss, prior put back", "removed over trainings"):
        assert words in page
    assert max(map(len, show(_record()).splitlines())) <= 100


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_bring_nothing_in(payload):
    hostile = poisoned(_record(), payload)
    assert not [letter for letter in show(hostile) if letter in "\x1b\x07\r\t\u202e"]
    page = render(hostile)
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("key", ["balance", "selection", "pruned"])
@pytest.mark.parametrize(
    "value", [None, {}, [], "text", 3, {"rows": [1, None], "columns": ["a"], "units_before": "many"}]
)
def test_a_record_may_hold_anything_there(key, value):
    broken = {**_record(), key: value}
    assert show(broken)
    assert render(broken)


def test_a_gain_within_the_noise_is_no_gain():
    close = _record()
    close["pruned"]["speed_range"] = [0.94, 1.12]
    assert "may be no gain at all" in " ".join(show(close).split())
