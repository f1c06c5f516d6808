"""A diagnosis as a page and in a notebook's cell: all that it holds, and nothing that a name could smuggle in."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sample_record import PAYLOADS, poisoned
from test_report_page import OURS, Reader
from torch import nn

import wellfit
from wellfit.cli.entry import run
from wellfit.diagnosis.result import Diagnosis
from wellfit.report.diagnosis_page import render
from wellfit.report.notebook import diagnosis_cell

EPOCHS = np.arange(1.0, 31.0)
OVERFIT = {
    "epoch": EPOCHS.tolist(), "loss": np.exp(-EPOCHS / 6).tolist(),
    "val_loss": (0.3 + np.exp(-EPOCHS / 4) + 0.01 * np.maximum(0.0, EPOCHS - 10)).tolist(),
}  # fmt: skip


@pytest.fixture(scope="module")
def tried() -> Diagnosis:
    """By experiment, on rows whose labels are noise for the most part."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(240, 6, generator=generator)
    y = ((x[:, 0] + 1.5 * torch.randn(240, generator=generator)) > 0).long()
    return wellfit.diagnose(
        model=lambda: nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2)),
        train=(x[:120], y[:120]), val=(x[120:], y[120:]), rate=0.01, epochs=30, budget="60s",
    )  # fmt: skip


def test_a_page_from_curves_shows_the_curve_in_epochs_and_no_experiment():
    found = wellfit.diagnose(OVERFIT)
    page = found.to_html("history.csv")
    words = " ".join(Reader(page).words)
    assert "Overfit, suspected" in words
    assert "Validation is best at epoch" in words
    assert "No experiment was run" in words
    assert 'id="cost"' not in page
    assert found.curves["valid"] == [OVERFIT["val_loss"]]


def test_a_page_from_an_experiment_shows_changes_layers_and_what_it_cost(tried):
    page = tried.to_html("mine")
    reader = Reader(page)
    words = " ".join(reader.words)
    assert reader.open == []
    assert set(reader.tags) <= OURS | {"ol"}
    assert tried.verdict.capitalize() in words
    for change in tried.variants:
        assert change.label in words
    for name in ("curves", "why", "inside", "remedy", "cost", "glossary"):
        assert f'<section id="{name}"' in page, name
        assert f'href="#{name}"' in page
    assert len(tried.curves["valid"]) == len(tried.curves["train"]) == 3
    assert len(page.encode()) < 400_000


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("form", [lambda found: render(found, "run"), diagnosis_cell])
def test_no_text_becomes_markup(tried, payload, form):
    clean, dirty = Reader(form(tried.to_json())), Reader(form(poisoned(tried.to_json(), payload)))
    assert dirty.open == []
    assert set(dirty.tags) <= OURS | {"ol"}
    assert not {"script", "img", "iframe"} & set(dirty.tags)
    assert not [name for name, _ in dirty.attributes if name.startswith("on")]
    assert len(clean.tags) > 10


def test_a_cell_tells_the_verdict_and_what_to_do(tried):
    cell = tried._repr_html_()
    assert tried.code in cell
    assert tried.remedies[0] in cell
    assert "style" not in cell


def test_the_command_writes_the_page_or_says_at_once_that_it_cannot(tmp_path, capsys):
    (tmp_path / "history.json").write_text(json.dumps(OVERFIT))
    page = tmp_path / "why.html"
    assert run(["diagnose", str(tmp_path / "history.json"), "--out", str(page)], 0.0) == 0
    assert "history.json" in page.read_text()
    assert f"page     {page}" in capsys.readouterr().out
    assert run(["diagnose", str(tmp_path / "history.json"), "--out", str(tmp_path / "no" / "x.html")], 0.0) == 2
    assert "WF-G12" in capsys.readouterr().err
    assert {p.name for p in tmp_path.iterdir()} == {"history.json", "why.html"}


def test_an_undecided_verdict_is_not_called_suspected():
    found = Diagnosis("undecided", "WF099", "suspected", "too few rows")
    assert str(found) == "UNDECIDED (WF099): too few rows"
    assert "suspected" not in found.to_html()


@pytest.mark.parametrize(
    "given",
    [
        *(["--" + name, "age"] for name in ("group", "drop", "category", "number")),
        ["--thorough"], ["--lr", "0.1"], ["--epochs", "3"], ["--task", "regression"], ["--recipe", "recipe.json"],
    ],
)  # fmt: skip
def test_curves_refuse_what_is_for_tables(tmp_path, capsys, given):
    (tmp_path / "history.json").write_text(json.dumps(OVERFIT))
    assert run(["diagnose", str(tmp_path / "history.json"), *given], 0.0) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"{given[0]} is for a table that is trained on, and these are curves." in told
    assert "WF-G13" in told
