"""The main job on pictures: from a folder or arrays to a run that predicts pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from planned import write_plan
from sklearn.datasets import load_digits

import wellfit as wf
from wellfit import job
from wellfit.errors import DataError, UsageError
from wellfit.progress import Silent
from wellfit.training.crew import Solo


@pytest.fixture(scope="module")
def digits():
    held = load_digits()
    chosen = held.target < 3
    return (held.images[chosen] * 15.9).astype(np.uint8), held.target[chosen]


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    x, y = digits
    for i, (picture, label) in enumerate(zip(x, y, strict=True)):
        place = folder / "pics" / f"class {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{i:03d}.png")
    recipe = wf.Recipe(wf.Rotation(10.0), wf.Shift(0.1), settings={"learning_rate": 3e-3}, silence=["WF-L40"])
    options = job.Options(recipe=recipe, plan=write_plan(folder, steps=60, width=8), out=folder / "run", device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wellfit.job.study.open_engine", lambda _options: Solo())
        return job.fit_file(folder / "pics", options), folder


def test_a_folder_of_pictures_is_learned(run, digits):
    found, _folder = run
    assert found.record["status"] == "finished"
    assert found.record["data"]["rows"] == len(digits[1])
    assert {r["key"] for r in found.record["comparison"]} >= {"dummy", "linear", "control_best"}
    assert (found.predict(digits[0]) == np.array([f"class {c}" for c in digits[1]])).mean() > 0.9


def test_predictions_of_files_name_the_files(run, tmp_path):
    found, folder = run
    found.predict_file(folder / "pics" / "class 1", tmp_path / "out.csv")
    table = pd.read_csv(tmp_path / "out.csv")
    assert table.iloc[:, 0].str.endswith(".png").all()
    assert (table["class"] == "class 1").mean() > 0.8


def test_pictures_of_another_size_are_resized_and_one_that_is_damaged_is_named(run, tmp_path):
    found, folder = run
    big = Image.open(next((folder / "pics" / "class 0").iterdir())).resize((32, 32))
    big.save(tmp_path / "big.png")
    assert found.predict_proba(np.asarray(big)[None]).shape == (1, 3)
    (tmp_path / "bad.png").write_bytes(b"")
    notes = found.predict_file(tmp_path, tmp_path / "out.csv")
    assert any("bad.png" in n.sentence for n in notes)
    assert pd.read_csv(tmp_path / "out.csv").iloc[:, 0].tolist() == ["big.png"]


def test_no_picture_that_can_be_read_is_an_error(run, tmp_path):
    found, _folder = run
    (tmp_path / "bad.png").write_bytes(b"no")
    for asked in (tmp_path, tmp_path / "bad.png"):
        with pytest.raises(DataError, match=r"bad\.png") as caught:
            found.predict_file(asked, tmp_path / "out.csv")
        assert "tenth" not in str(caught.value)
    (tmp_path / "worse.png").write_bytes(b"no")
    with pytest.raises(DataError, match="none of 2 files"):
        found.predict_file(tmp_path, tmp_path / "out.csv")


class Listening(Silent):
    def __init__(self):
        self.said = []

    def say(self, topic, sentence):
        self.said.append(sentence)


@pytest.mark.parametrize(
    ("why", "part", "said"),
    [("there is no C compiler", wf.Shift(0.1), 1), ("odd", wf.Dropout(0.1), 0), ("", wf.Flip(0.5), 0)],
)
def test_it_is_said_where_pictures_are_moved_without_the_loop(digits, tmp_path, monkeypatch, why, part, said):
    monkeypatch.setattr("wellfit.job.opening.why_not", lambda: why)
    monkeypatch.setattr("wellfit.job.api.open_engine", lambda _options: Solo())
    heard, plan = Listening(), write_plan(tmp_path, steps=5, width=4)
    found = wf.fit(
        *digits, kind="image", recipe=wf.Recipe(part), plan=plan, out=tmp_path / "run", device="cpu", progress=heard
    )
    assert len([s for s in heard.said if why and why in s]) == said
    expected = None if isinstance(part, wf.Dropout) else why or "compiled"
    assert found.record["machine"].get("loops") == expected


def test_columns_are_not_asked_of_pictures(run):
    _, folder = run
    with pytest.raises(UsageError):
        job.fit_file(folder / "pics", job.Options(target="class", budget=5))
