"""A column of numbers that are names, from the table through a run to predictions and a program."""

from __future__ import annotations

import json
import types

import numpy as np
import pandas as pd
import pytest
from planned import planned_fit, rare_table

import wellfit as wf
from wellfit.data import Column, Encoder
from wellfit.data.cells import MISSING_MARKERS
from wellfit.errors import DataError, UsageError
from wellfit.exporter import export
from wellfit.exporter.reading import encoding_pieces
from wellfit.job.baselines import _numbers
from wellfit.job.options import Options
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
    for number, kind in (((), "code"), (("store",), "number")):
        folder = tmp_path / kind
        run = planned_fit(monkeypatch, folder, tmp_path / "s.csv", None, steps=10, target="sales", number=number)
        record = json.loads((folder / "run" / "run.json").read_text())
        del record["options"]["category"], record["options"]["number"]
        (folder / "run" / "run.json").write_text(json.dumps(record))
        program = export(run.folder, data=tmp_path / "s.csv")
        assert f'"store": "{kind}"' in program.code


HARD = [
    ["1", "2", "10", "10.0", "010", "-", "none", "inf", "-0", "0.0", "1e1", ""],
    ["0.1", "0.10", "0.2", ".2", "3", "-", "3.00", "?", "4", "5", "5.5", "NA"],
]


@pytest.mark.parametrize("cells", HARD)
def test_a_program_encodes_such_a_column_as_the_run_does(cells):
    """The pieces of a program, run beside the encoder."""
    column = pd.Series(cells * 3)
    frame = pd.DataFrame({"store": column})
    given = pd.to_numeric(column, errors="coerce")
    encoder = Encoder.fit(pd.DataFrame({"store": given}), [Column("store", "category")])
    facts = types.SimpleNamespace(kinds=lambda: {"code"}, others=False, hours=False)
    program = "\n".join(p.code for p in encoding_pieces(facts, waves=False, embeds=False))
    names = {
        "np": np,
        "pd": pd,
        "COLUMNS": {"store": "code"},
        "MISSING": sorted(MISSING_MARKERS),
        "MOST_CATEGORIES": 63,
    }
    exec("def texts(cells):\n    return cells.astype('string').str.strip()\n" + program, names)
    made = names["Encoder"](frame)
    np.testing.assert_array_equal(made(frame), encoder.transform(pd.DataFrame({"store": given})))


def test_the_test_rows_have_no_say():
    """Where only they know that it is a code, it stays a number."""
    x, y = stores()
    noise = np.random.default_rng(1).normal(size=len(y))
    source = from_arrays(
        x, noise, Options(), weight=None, groups=None, time=None, valid=None, test=(x, y)
    )  # fmt: skip
    assert {c.name: c.kind for c in source.table.columns}["store"] == "number"


def test_a_file_reads_like_arrays(tmp_path):
    x, y = stores()
    x.assign(sales=y).to_csv(tmp_path / "s.csv", index=False)
    arrays = from_arrays(x, y, Options(), weight=None, groups=None, time=None, valid=None, test=None)
    for number, kind in (((), "category"), (("store",), "number")):
        source = from_file(tmp_path / "s.csv", Options(target="sales", number=number))
        assert {c.name: c.kind for c in source.table.columns}["store"] == kind
        if not number:
            assert source.table.columns == arrays.table.columns


def test_boosting_gets_it_as_a_category():
    """Codes of 1,000 and more: as they are they would be measured, as a category each has its own place."""
    x, y = stores()
    x["store"] += 1000
    source = from_arrays(x, y, Options(), weight=None, groups=None, time=None, valid=None, test=None)
    codes = _numbers(source.table, np.arange(len(y)))[:, 0]
    assert sorted(set(codes)) == list(range(20))


def test_a_plan_that_is_repeated_reads_columns_as_its_run_did(monkeypatch, tmp_path):
    x, y = stores()
    run = planned_fit(monkeypatch, tmp_path, x, y, steps=10, number="store")
    plan = run.folder / "run.json"
    again = planned_fit(monkeypatch, tmp_path / "again", x, y, plan=plan)
    assert kinds(again)["store"] == "number"
    now = planned_fit(monkeypatch, tmp_path / "now", x, y, plan=plan, category="store")
    assert kinds(now)["store"] == "category"
    other = planned_fit(monkeypatch, tmp_path / "other", x.rename(columns={"store": "shop"}), y, plan=plan)
    assert kinds(other)["shop"] == "category"


@pytest.mark.parametrize("name", ["category", "number"])
def test_images_and_texts_have_no_such_columns(name):
    labels = np.arange(60) % 2
    with pytest.raises(UsageError, match=f"--{name}.*images"):
        wf.fit(np.zeros((60, 1, 8, 8), np.float32), labels, kind="image", budget=5, **{name: ["store"]})
    with pytest.raises(UsageError, match=f"--{name}.*texts"):
        wf.fit(["good", "bad"] * 30, labels, budget=5, **{name: ["store"]})


def test_columns_are_left_out_of_frames_as_of_files(monkeypatch, tmp_path):
    x, y = rare_table(120)
    run = planned_fit(monkeypatch, tmp_path, x, y, steps=5, drop=["n0", "kind"])
    left = {c["name"]: c["reason"] for c in run.record["data"]["columns"] if c["kind"] == "dropped"}
    assert left == {"n0": "left out as asked", "kind": "left out as asked"}
    assert np.array_equal(run.predict_proba(x), run.predict_proba(x.drop(columns=["n0", "kind"])))
    with pytest.raises(DataError, match='no column "n9"') as caught:
        planned_fit(monkeypatch, tmp_path / "wrong", x, y, steps=5, drop="n9")
    assert "n3" in caught.value.fix
