"""Importance over a search: the record names what decided the losses, or why nothing is said."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

import wellfit as wf
from wellfit.job.importance import LEAST, importance_record
from wellfit.report.earned import importance_words
from wellfit.searching.space import Candidate, searched


def _stage(count: int, given=None):
    """Candidates whose loss follows from dropout alone; clips come and go, and do nothing."""
    draw, pool = np.random.default_rng(0), []
    for _ in range(count):
        p = draw.uniform(0.05, 0.5)
        parts = [wf.Dropout(p)] + [wf.ClipNorm(1.0)] * int(draw.integers(2))
        candidate = Candidate(wf.Recipe(*parts), 10 ** draw.uniform(-3.4, -1.8), "cocktail")
        pool.append(SimpleNamespace(candidate=candidate, score=(p - 0.3) ** 2))
    return SimpleNamespace(pool=pool, given=given, seed=0, parts=lambda: searched("binary"))


def test_what_decides_has_the_largest_share():
    found = importance_record(_stage(60))
    assert [set(row) for row in found] == [{"name", "share", "interval"}] * 3
    shares = {row["name"]: row["share"] for row in found}
    assert shares["Dropout"] > 0.7
    assert max(shares["ClipNorm"], shares["learning rate"]) < 0.2
    assert "candidates differed by: Dropout" in importance_words({"importance": found})
    assert importance_words({}) == ""


def test_few_candidates_or_a_given_recipe_say_why_there_is_none():
    assert f"{LEAST} are enough" in importance_record(_stage(LEAST - 1))
    assert "nothing was searched" in importance_record(_stage(30, given=wf.Recipe(wf.Dropout(0.1))))
