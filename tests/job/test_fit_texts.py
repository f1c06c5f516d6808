"""The main job on texts: from a column of a file to a run that predicts texts."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from planned import planned_fit, write_plan

import wellfit as wf
from wellfit import job
from wellfit.data import Vocabulary, read_texts
from wellfit.errors import DataError, RunFolderError, UsageError
from wellfit.exporter.text_facts import read_text_facts
from wellfit.job.folder import Stored
from wellfit.job.sources import open_arrays, open_path
from wellfit.job.text_kind import TEXTS
from wellfit.job.text_source import texts_from_lists
from wellfit.models.text_shape import MODELS
from wellfit.training.crew import Solo


def made_texts(rows=240, seed=0):
    """Good and bad reviews of made words: one telling word in ten, and an equal chance of noise."""
    draw = np.random.default_rng(seed)
    good, bad = ["great", "lovely", "fine", "superb"], ["awful", "dull", "poor", "sad"]
    plain = [f"word{i}" for i in range(40)]
    labels = draw.random(rows) < 0.5
    texts = []
    for label in labels:
        words = [*draw.choice(plain, 9), *draw.choice(good if label else bad, 1 + draw.integers(2))]
        texts.append(" ".join(draw.permutation(words)) + ".")
    return texts, np.where(labels, "good <b>", "=bad")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    texts, labels = made_texts()
    pd.DataFrame({"review": texts, "stars": labels, "id": range(len(texts))}).to_csv(folder / "r.csv", index=False)
    recipe = wf.Recipe(wf.Dropout(0.1), wf.EMA(0.9), settings={"learning_rate": 1e-2})
    options = job.Options(
        text="review", target="stars", recipe=recipe, plan=write_plan(folder, steps=60), out=folder / "run",
        device="cpu",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wellfit.job.study.open_engine", lambda _options: Solo())
        return job.fit_file(folder / "r.csv", options), folder


def test_a_column_of_texts_is_learned(run):
    found, _ = run
    assert found.record["status"] == "finished"
    assert {r["key"] for r in found.record["comparison"]} >= {"dummy", "linear", "control_best"}
    texts, labels = made_texts(seed=1)
    assert (found.predict(texts) == labels).mean() > 0.9


def test_the_same_texts_in_any_company_have_the_same_answer(run):
    found, _ = run
    texts, _labels = made_texts(40, seed=2)
    every = found.predict_proba(texts)
    assert np.array_equal(every[7:8], found.predict_proba(texts[7:8]))


def test_predictions_of_a_file_are_harmless_in_a_spreadsheet(run, tmp_path):
    found, folder = run
    found.predict_file(folder / "r.csv", tmp_path / "out.csv")
    table = pd.read_csv(tmp_path / "out.csv")
    assert len(table) == 240
    assert not any(str(v).startswith("=") for v in table["stars"])


def test_texts_that_are_numbers_are_predicted_as_they_are_written(run, tmp_path):
    found, _ = run
    (tmp_path / "n.csv").write_text("review,n\n007,1\n,2\n5,3\n")
    encoder = Stored(found.folder).views[0].encoder
    assert TEXTS.read_new(tmp_path / "n.csv", encoder).features.tolist() == ["007", "", "5"]
    (tmp_path / "n.csv").write_text("anything\n007\n\n5\n")
    unnamed = dataclasses.replace(encoder, column="")
    assert TEXTS.read_new(tmp_path / "n.csv", unnamed).features.tolist() == ["007", "", "5"]


def test_new_texts_of_any_form_are_read_or_refused(run):
    found, _ = run
    encoder = Stored(found.folder).views[0].encoder
    texts = ["great", "awful"]
    frame = pd.DataFrame({"review": texts})
    for x in (texts, tuple(texts), np.array(texts), np.array(texts)[:, None], pd.Series(texts), iter(texts), frame):
        assert TEXTS.new_rows(x, encoder).tolist() == texts
    assert TEXTS.new_rows([5, None], encoder).tolist() == ["5", ""]
    twice = pd.concat([frame, frame], axis=1)
    odd = ["great", b"great", {"review": texts}, set(texts), 5, np.array("great"), np.array([texts]), [texts], twice]
    for x in odd:
        with pytest.raises(DataError, match=r"list of texts|is a list|2 columns"):
            found.predict(x)


def test_a_table_without_the_column_of_texts_is_refused(run, tmp_path):
    found, folder = run
    pd.DataFrame({"alcohol": [1.0, 2.0], "hue": ["a", "b"]}).to_csv(tmp_path / "wine.csv", index=False)
    with pytest.raises(DataError, match='"review"') as caught:
        found.predict_file(tmp_path / "wine.csv", tmp_path / "out.csv")
    assert caught.value.code == "WF-D21" and not (tmp_path / "out.csv").exists()
    frame = pd.read_csv(folder / "r.csv")
    with pytest.raises(DataError, match='"review"'):
        found.predict(frame[["stars"]])
    assert (found.predict(frame.assign(longer="much longer than any review " * 9)) == found.predict(frame)).all()
    notes = found.predict_file(folder / "r.csv", tmp_path / "out.csv")
    assert [n.code for n in notes] == ["WF-D70"]


def test_lists_are_taken_in_python(monkeypatch, tmp_path):
    texts, labels = made_texts(120)
    assert planned_fit(monkeypatch, tmp_path, texts, labels, steps=10).record["data"]["rows"] == 120


def test_labels_of_parts_are_the_same_classes_however_each_is_stored(tmp_path):
    texts, _ = made_texts(120)
    pd.DataFrame({"review": texts, "y": [*"12x"] * 40}).to_csv(tmp_path / "train.csv", index=False)
    given = pd.DataFrame({"review": [f"new {t}" for t in texts[:60]], "y": [1.0, 2.0, np.nan] * 20, "n": range(60)})
    given.to_csv(tmp_path / "valid.csv", index=False)
    options = job.Options(text="review", target="y", valid=tmp_path / "valid.csv")
    assert open_path(tmp_path / "train.csv", options).table.class_values == ["1", "2", "x"]
    train = pd.read_csv(tmp_path / "train.csv").assign(n=range(120))
    train.drop(columns="review").to_csv(tmp_path / "train.csv", index=False)
    assert open_path(tmp_path / "train.csv", dataclasses.replace(options, text=None)).table.class_values == [*"12x"]
    sources = {"weight": None, "groups": None, "time": None, "kind": None, "test": None}
    for x in (texts, np.random.default_rng(0).normal(size=(120, 2))):
        found = open_arrays(x, [*"01"] * 60, job.Options(), valid=(x[:60], [0.0, 1.0] * 30), **sources)
        assert found.table.class_values == ["0", "1"]


def test_a_class_named_NA_stays_in_lists_and_missing_labels_are_said(tmp_path):
    texts, _ = made_texts(120)
    read = texts_from_lists(texts, ["NA", "b", "c", None] * 30, job.Options()).table
    assert read.classes == ["NA", "b", "c"] and [n.code for n in read.notes] == ["WF-D61"]
    pd.DataFrame({"review": texts, "y": ["NA", "b", "c"] * 40}).to_csv(tmp_path / "r.csv", index=False)
    read = open_path(tmp_path / "r.csv", job.Options(text="review", target="y")).table
    assert read.classes == ["b", "c"] and [n.code for n in read.notes] == ["WF-D61"]


def test_the_column_of_texts_of_a_frame_is_read(monkeypatch, tmp_path):
    texts, labels = made_texts(120)
    frame = pd.DataFrame({"review": texts, "stars": labels, "n": range(120)})
    found = planned_fit(monkeypatch, tmp_path, frame, None, steps=10, target="stars", text="review")
    assert found.record["plan"]["shape"]["model"] in MODELS and found.record["data"]["rows"] == 120
    assert (found.predict(frame) == found.predict(texts)).all()
    with pytest.raises(DataError, match='"review"'):
        found.predict(frame[["stars"]])
    facts = read_text_facts(found, Stored(found.folder), None)
    assert (facts.reading.file, facts.text, facts.target) == ("texts.csv", "review", "target")
    assert not any("review" in told for told in facts.missing), "a name of the data's stands in no comment of a program"


def test_halves_of_characters_in_texts_and_labels_are_replaced(monkeypatch, tmp_path):
    texts, labels = made_texts(120)
    found = planned_fit(monkeypatch, tmp_path, [f"{t}\ud800" for t in texts], labels, steps=5)
    assert len(found.predict(["good \ud800"])) == 1
    for y in (["neg\ud800", "pos"] * 60, np.array(["neg\ud800", "pos"] * 60)):
        read = texts_from_lists(texts, y, job.Options()).table
        assert read.class_values == ["neg\ufffd", "pos"]
        assert "1 class holds signs that could not be decoded." in [n.sentence for n in read.notes]


def test_texts_are_read_from_one_column_of_any_form():
    texts, labels = made_texts(120)
    frame = pd.DataFrame({"t": texts})
    kinds = dict.fromkeys(("weight", "groups", "time", "valid", "test"))
    for x in (frame, frame.to_numpy(), frame.to_numpy().astype(str), frame["t"]):
        assert open_arrays(x, labels, job.Options(), kind="text", **kinds).table.features.tolist() == texts
    with pytest.raises(DataError, match="text="):
        open_arrays(frame.assign(n=0), labels, job.Options(), kind="text", **kinds)
    with pytest.raises(DataError, match='"review"'):
        open_arrays(frame, labels, job.Options(text="review"), kind=None, **kinds)
    for x, kind in ((texts, None), (frame, "table")):
        with pytest.raises(UsageError, match="text="):
            open_arrays(x, labels, job.Options(text="t"), kind=kind, **kinds)


def test_texts_may_come_as_a_frame_whose_column_has_a_number(monkeypatch, tmp_path):
    texts, labels = made_texts(120)
    found = planned_fit(monkeypatch, tmp_path, texts, labels, steps=10)
    assert (found.predict(pd.DataFrame(texts)) == found.predict(texts)).all()


def test_a_run_that_lost_its_encoders_is_not_called_a_model_of_ones_own(run, tmp_path):
    found, _ = run
    shutil.copytree(found.folder, tmp_path / "run")
    (tmp_path / "run" / "preprocess.json").unlink()
    with pytest.raises(RunFolderError, match=r"preprocess\.json is missing") as caught:
        job.load(tmp_path / "run").predict(["word1 great"])
    assert caught.value.code == "WF-F03" and "of your own" not in str(caught.value)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(record | {"kind": "model"}))
    with pytest.raises(RunFolderError, match="of your own"):
        job.load(tmp_path / "run").predict(["word1 great"])


def test_every_model_trains_and_is_repeated(monkeypatch, tmp_path):
    texts, labels = made_texts(120)
    for name in MODELS:
        found = planned_fit(monkeypatch, tmp_path / name, texts, labels, steps=5, network=name)
        assert found.record["plan"]["shape"]["model"] == name
        again = planned_fit(monkeypatch, tmp_path / f"{name}-again", texts, labels, plan=found.folder / "run.json")
        np.testing.assert_array_equal(found.predict_proba(texts), again.predict_proba(texts))
    with pytest.raises(UsageError, match="Choose auto, bag"):
        planned_fit(monkeypatch, tmp_path / "odd", texts, labels, network="lstm")
    with pytest.raises(UsageError, match="--network is for texts"):
        planned_fit(monkeypatch, tmp_path / "table", np.zeros((99, 2)), np.arange(99) % 2, network="bag")


@pytest.mark.parametrize("limit", ["_PIECED_TO", "_PLACES_TO"])
def test_of_very_much_text_words_alone_are_read(limit, monkeypatch):
    """Pieces of words are four for each character, and are kept: beyond a limit other networks read words."""
    texts, labels = made_texts(120)
    data = read_texts(texts, pd.Series(labels), "review", "stars", None)
    (pieced,) = TEXTS.encoders(data, [np.arange(120)])
    assert TEXTS.shape(pieced, 2, *TEXTS.size(120, 60.0, pieced)).model == "ngrams"
    monkeypatch.setattr(f"wellfit.job.text_kind.{limit}", 1000)
    (words,) = TEXTS.encoders(data, [np.arange(120)])
    assert isinstance(words, Vocabulary)
    models = [TEXTS.shape(words, 2, *TEXTS.size(rows, 60.0, words)).model for rows in (1999, 2000)]
    assert models == ["bag", "cnn"]


def test_a_plan_of_another_network_is_refused(monkeypatch, tmp_path):
    texts, labels = made_texts(120)
    found = planned_fit(monkeypatch, tmp_path / "bag", texts, labels, steps=5, network="bag")
    with pytest.raises(RunFolderError, match="WF-F07"):
        planned_fit(
            monkeypatch, tmp_path / "cnn", texts, labels, network="cnn", plan=found.folder / "run.json"
        )  # fmt: skip


def test_words_that_training_never_saw_are_known_by_their_pieces(monkeypatch, tmp_path):
    texts, labels = made_texts(120)
    found = planned_fit(monkeypatch, tmp_path, texts, labels, steps=60)
    good, bad = found.predict_proba(["greatness", "awfully"])[:, list(found.classes).index("good <b>")]
    assert good > 0.6 > 0.4 > bad


def test_columns_that_are_not_there_are_named(run):
    _, folder = run
    with pytest.raises(DataError, match="no column"):
        job.fit_file(folder / "r.csv", job.Options(text="nothing", target="stars", budget=5))
    with pytest.raises(UsageError):
        job.fit_file(folder / "r.csv", job.Options(text="review", target="stars", group="id", budget=5))


def test_a_column_of_texts_is_not_its_own_target(run):
    _, folder = run
    with pytest.raises(UsageError, match="two columns"):
        job.fit_file(folder / "r.csv", job.Options(text="review", target="review", budget=5))
    with pytest.raises(UsageError, match="two columns"):
        wf.fit(pd.read_csv(folder / "r.csv"), target="review", text="review", budget=5)
