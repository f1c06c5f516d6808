"""A column of numbers that are names, from the table through a run to predictions and a program."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from planned import planned_fit

import wellfit as wf
from wellfit.errors import DataError, UsageError
from wellfit.exporter import export
from wellfit.job.baselines import fit_boosting
from wellfit.job.options import Options
from wellfit.job.prepare import make_material
from wellfit.job.table_source import from_arrays, from_file


def stores(rows: int = 1500, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    draw = np.random.default_rng(seed)
    store = draw.integers(1, 21, rows)
    effect = np.random.default_rng(5).normal(size=20)
    x = pd.DataFrame({"store": store, "size": draw.normal(size=rows)})
    return x, effect[store - 1] + 0.5 * draw.normal(size=rows)


def kinds(run: wf.Run) -> dict[str, str]:
    return {c["name"]: c["kind"] for c in run.record["data"]["columns"]}


def test_a_run_reads_it_as_a_category_and_says_so(monkeypatch, tmp_path):
    x, y = stores()
    run = planned_fit(monkeypatch, tmp_path, x, y, steps=200)
    assert kinds(run) == {"store": "category", "size": "number"}
    assert any("WF-D76" in str(note) for note in run.record["data"]["notes"])
    new, truth = stores(seed=9)
    whole = run.predict(new)
    for written in (new["store"].astype(float), new["store"].map("{:03d}".format), new["store"].astype(str)):
        np.testing.assert_array_equal(run.predict(new.assign(store=written)), whole)
    assert np.isfinite(run.predict(new.assign(store=999))).all()
    assert np.mean((whole - truth) ** 2) < 0.5 * truth.var(), "the stores are told apart"


def test_a_person_may_overrule_it(monkeypatch, tmp_path):
    x, y = stores()
    run = planned_fit(monkeypatch, tmp_path, x, y, steps=10, number=["store"], category=["size"])
    assert kinds(run) == {"store": "number", "size": "category"}
    assert run.record["options"]["number"] == ["store"]
    again = planned_fit(
        monkeypatch, tmp_path / "again", x, y, plan=run.folder / "run.json", number=["store"], category=["size"]
    )
    np.testing.assert_array_equal(again.predict(x), run.predict(x))
    with pytest.raises(DataError, match="not among"):
        planned_fit(monkeypatch, tmp_path / "wrong", x, y, category=["shop"])


def test_a_program_reads_columns_as_the_run_did(monkeypatch, tmp_path):
    """Also a run from before codes were found, whose network knows a number."""
    x, y = stores()
    x.assign(sales=y).to_csv(tmp_path / "s.csv", index=False)
    for number, kind in (((), "category"), (("store",), "number")):
        folder = tmp_path / kind
        run = planned_fit(monkeypatch, folder, tmp_path / "s.csv", None, steps=10, target="sales", number=number)
        record = json.loads((folder / "run" / "run.json").read_text())
        del record["options"]["category"], record["options"]["number"]
        (folder / "run" / "run.json").write_text(json.dumps(record))
        program = export(run.folder, data=tmp_path / "s.csv")
        assert f'"store": "{kind}"' in program.code


def test_the_test_rows_have_no_say():
    """Where only they know that it is a code, it stays a number."""
    x, y = stores()
    noise = np.random.default_rng(1).normal(size=len(y))
    source = from_arrays(
        x, noise, Options(), weight=None, groups=None, time=None, valid=None, test=(x, y)
    )  # fmt: skip
    assert {c.name: c.kind for c in source.table.columns}["store"] == "number"


def test_a_file_reads_like_arrays_and_boosting_gets_categories(tmp_path):
    x, y = stores()
    x.assign(sales=y).to_csv(tmp_path / "s.csv", index=False)
    found = {}
    for options in (Options(target="sales"), Options(target="sales", number=("store",))):
        source = from_file(tmp_path / "s.csv", options)
        material = make_material(source.table, source.split, None, source.kind)
        _, predict = fit_boosting(material, 0)
        rows = material.split.test
        found[options.number] = np.mean((predict(rows).ravel() - source.table.target[rows]) ** 2)
    assert found[()] < 1.1 * found[("store",)]


@pytest.mark.parametrize("name", ["category", "number"])
def test_images_and_texts_have_no_such_columns(name):
    labels = np.arange(60) % 2
    with pytest.raises(UsageError, match=f"--{name}.*images"):
        wf.fit(np.zeros((60, 1, 8, 8), np.float32), labels, kind="image", budget=5, **{name: ["store"]})
    with pytest.raises(UsageError, match=f"--{name}.*texts"):
        wf.fit(["good", "bad"] * 30, labels, budget=5, **{name: ["store"]})
