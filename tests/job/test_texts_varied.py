"""Text augmentation in the main job: variants of training texts alone, of each fold by itself."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from planned import write_plan

import wellfit as wf
from wellfit import job
from wellfit.errors import DataError, RecipeError, UsageError
from wellfit.job.options import Options
from wellfit.job.prepare import make_material
from wellfit.job.text_kind import TEXTS
from wellfit.job.text_source import texts_from_lists
from wellfit.searching.space import Proposer, searched
from wellfit.text import lexicon
from wellfit.training.crew import Solo

WORDS = ["funny", "boring", "big", "small", "story", "movie", "often", "simple", "child", "quick"]


def _texts(rows=120, seed=0):
    draw = np.random.default_rng(seed)
    labels = draw.random(rows) < 0.5
    texts = [
        f"{' '.join(draw.choice(WORDS, 6))} {'great' if good else 'poor'} number {i}" for i, good in enumerate(labels)
    ]
    return texts, np.where(labels, "good", "bad")


def _material(seed=0):
    texts, labels = _texts(seed=seed)
    source = texts_from_lists(texts, labels, Options(seed=0))
    return make_material(source.table, source.split, None, TEXTS)


@pytest.fixture(autouse=True)
def small_list(monkeypatch):
    monkeypatch.delenv(lexicon.VARIABLE, raising=False)
    monkeypatch.setattr(lexicon, "_FOLDERS", ())


def test_only_training_rows_get_variants():
    before = _material()
    recipe = wf.Recipe(wf.Synonyms(0.5, lexicon="small"), wf.WordDeletion(0.2))
    after = TEXTS.with_variants(before, [recipe], seed=0)
    first = after.first_fold(recipe)
    for view in range(len(before.views)):
        train, valid = after.rows.folds[first + view]
        own, own_valid = before.rows.folds[view]
        assert torch.equal(valid, own_valid)
        assert len(train) > 2.5 * len(own)
        assert torch.equal(after.rows.x[train[: len(own)]], before.rows.x[own])  # the originals, encoded as before
        numbers = after.rows.target.values[train]
        # the telling word is no synonym of anything: where it was not deleted it goes with its class
        words = after.views[view].encoder.words
        great, poor = (3 + words.index(w) for w in ("great", "poor"))
        classes = before.table.classes
        rows = after.rows.x[train]
        assert (numbers[(rows == great).any(1)].argmax(1) == classes.index("good")).all()
        assert (numbers[(rows == poor).any(1)].argmax(1) == classes.index("bad")).all()
    assert torch.equal(after.rows.x[: len(before.rows.x)], before.rows.x)
    assert "Synonyms" in after.told[0]
    assert "small list" in after.told[-1]


def test_a_lexicon_that_was_brought_goes_first(tmp_path):
    """Its only group is known by no text but those that hold the word: others get no variant."""
    (tmp_path / "words.txt").write_text("funny, hilarious\n")
    kind = dataclasses.replace(TEXTS, lexicon=str(tmp_path / "words.txt"))
    before = _material()
    made = kind.with_variants(before, [wf.Recipe(wf.Synonyms(0.5, lexicon="small"))], seed=0)
    own, train = (len(m.rows.folds[m.first_fold(r)][0]) for m, r in ((before, wf.Recipe()), (made, made.variants[-1])))
    rows = before.development[before.rows.folds[0][0].numpy()]
    assert train - own == sum("funny" in text for text in before.table.features[rows])
    assert "words.txt" in made.told[-1]
    assert {p.name for level in kind.levels(made.table) for p in level} == {"WordDeletion", "Synonyms"}


def test_a_lexicon_that_is_not_there_is_refused_before_training(tmp_path):
    texts, labels = _texts()
    with pytest.raises(DataError, match="nowhere"):
        wf.fit(texts, labels, lexicon=tmp_path / "nowhere", budget=5, device="cpu")
    with pytest.raises(UsageError, match="--lexicon"):
        wf.fit(np.zeros((80, 2)), np.arange(80) % 2, lexicon=tmp_path, budget=5, device="cpu")


def test_the_same_seed_makes_the_same_variants():
    recipe = wf.Recipe(wf.WordSwap(0.5))
    made = [TEXTS.with_variants(_material(), [recipe], seed=s).rows.x for s in (0, 0, 1)]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_a_recipe_file_with_text_parts_trains_from_the_first_command(tmp_path, monkeypatch):
    texts, labels = _texts()
    pd.DataFrame({"review": texts, "stars": labels}).to_csv(tmp_path / "r.csv", index=False)
    wf.Recipe(wf.Synonyms(0.3, lexicon="small"), wf.WordSwap(0.2), wf.SentenceOrder(0.5)).save(tmp_path / "r.json")
    monkeypatch.setattr("wellfit.job.study.open_engine", lambda _options: Solo())
    options = Options(text="review", target="stars", recipe=tmp_path / "r.json", out=tmp_path / "run",
                      plan=write_plan(tmp_path, steps=40), device="cpu")  # fmt: skip
    found = job.fit_file(tmp_path / "r.csv", options)
    assert found.record["status"] == "finished"
    assert found.predict(texts).tolist() == found.predict(texts).tolist()
    stored = json.loads((tmp_path / "run" / "run.json").read_text())
    assert any("cocktail" in r["key"] for r in stored["comparison"])


def test_what_needs_columns_is_refused_for_texts_and_the_other_way_round():
    material = _material()
    for part in (wf.SMOTE(), wf.OutlierFilter(), wf.ClassWeights()):
        with pytest.raises(RecipeError, match=part.name):
            TEXTS.with_variants(material, [wf.Recipe(part)], seed=0)
    x = np.random.default_rng(0).normal(size=(80, 3))
    with pytest.raises(DataError, match="Synonyms"):
        wf.fit(x, (x[:, 0] > 0).astype(int), recipe=wf.Recipe(wf.Synonyms()), budget=5, device="cpu")


def test_a_search_draws_from_the_cheap_ones_and_from_synonyms_where_there_is_a_lexicon(monkeypatch, tmp_path):
    table = _material().table
    assert [p.name for level in TEXTS.levels(table) for p in level] == ["WordDeletion"]
    monkeypatch.setenv(lexicon.VARIABLE, str(tmp_path))
    levels = TEXTS.levels(table)
    assert {p.name for level in levels for p in level} == {"WordDeletion", "Synonyms"}
    proposer = Proposer(searched("binary", data="text"), 0, levels)
    drawn = [proposer.propose().recipe for _ in range(40)]
    held = {"Synonyms" in [p.name for p in r] for r in drawn} | {"WordDeletion" in [p.name for p in r] for r in drawn}
    assert held == {True, False}
