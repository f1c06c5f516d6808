"""The ablation of a run's recipe: planted ingredients, what is dropped, and what stands in the folder."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from planned import planned_fit, write_plan

import wellfit as wf
from wellfit.job.ablate import ablate
from wellfit.job.ablation import _eliminate, _idle
from wellfit.job.metrics import Metric
from wellfit.job.outcomes import ValidRows
from wellfit.job.phases import Finalist
from wellfit.job.winners_curse import curse_record
from wellfit.report.earned import earned_words
from wellfit.report.text import show
from wellfit.searching.space import Candidate
from wellfit.training.crew import Solo

SEEDS = 6


def _table(rows: int = 1300, seed: int = 0):
    """Two columns of thirty say something, under much noise: weights that decay keep the rest from being learned."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 30))
    return x, x[:, 0] + x[:, 1] + 1.5 * draw.normal(size=rows)


def _plan(folder):
    path = write_plan(folder, steps=150, width=32)
    form = json.loads(path.read_text())
    form["plan"] |= {"budget": 60.0, "seeds": 2, "chunk": 16}
    form["plan"]["reached"] = {"ablation": [SEEDS], "elimination": [3], "proof": [SEEDS, 2]}
    path.write_text(json.dumps(form))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Weight decay helps; a clip at 50 touches no gradient of this size."""
    folder, patch = tmp_path_factory.mktemp("ablation"), pytest.MonkeyPatch()
    recipe = wf.Recipe(wf.WeightDecay(1.0), wf.ClipNorm(50.0), settings={"learning_rate": 0.005})
    yield planned_fit(patch, folder, *_table(), plan=_plan(folder), recipe=recipe)
    patch.undo()


def test_the_useful_is_kept_and_the_useless_dropped(run):
    found = run.record["ablation"]
    assert {row["name"]: row["kept"] for row in found["rows"]} == {"WeightDecay": True, "ClipNorm": False}
    useful, useless = found["rows"]
    assert useful["gain"] > 0
    assert useful["interval"][0] > 0
    assert useful["p"] <= useful["p_adjusted"] < 0.05
    assert useless["p_adjusted"] > 0.05
    assert found["seeds"] == SEEDS
    scores = {f["key"]: f["score"] for f in run.record["search"]["finalists"]}
    assert found["margin"] == pytest.approx(0.25 * (scores["control"] - scores["cocktail"]))


def test_what_is_left_is_proved_on_rows_of_its_own(run):
    lean = run.record["ablation"]["lean"]
    assert run.record["ablation"]["fresh"]
    assert lean["dropped"] == ["ClipNorm"]
    assert lean["non_inferior"]
    assert lean["interval"][0] > -run.record["ablation"]["margin"]
    left = wf.Recipe.load(run.folder / "recipe.lean.json")
    assert [p.name for p in left] == ["WeightDecay"]
    assert left.settings["learning_rate"] == run.recipe.settings["learning_rate"]
    assert run.record["test_reads"] == 1


def test_the_terminal_says_it(run):
    told = show(run.record)
    assert "earned" in told
    assert "ClipNorm" in told
    assert "not significant" in told
    assert "recipe.lean.json does without ClipNorm" in " ".join(told.split())
    assert "when it was chosen" in told


def test_record_tells_the_score_that_chose_and_those_that_did_not(run):
    curse = run.record["curse"]
    chosen = next(f for f in run.record["search"]["finalists"] if f["chosen"])
    assert curse["rescored"] == chosen["score"]
    assert curse["test"] == next(r["score"] for r in run.record["comparison"] if r["key"] == chosen["key"])
    assert curse["at_selection"] in [c["loss"] for c in run.record["search"]["candidates"]]
    assert curse["fresh_rows"]


def test_a_finished_run_can_be_taken_apart_again(run, monkeypatch, tmp_path):
    monkeypatch.setattr("wellfit.job.ablate.open_engine", lambda _options: Solo())
    before = (run.folder / "model.safetensors").read_bytes()
    with pytest.raises(wf.DataError, match="not the rows"):
        ablate(run.folder, *_table(seed=1), budget=20)
    monkeypatch.setattr("wellfit.job.ablation._MOST_SEEDS", 4)
    again = ablate(run.folder, *_table(), budget=90)
    found = {row["name"]: row for row in again.record["ablation"]["rows"]}
    assert found["WeightDecay"]["gain"] > 0
    assert not found["ClipNorm"]["kept"]
    assert (run.folder / "model.safetensors").read_bytes() == before
    assert again.record["comparison"] == run.record["comparison"]


def test_data_that_are_not_here_are_asked_for(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(wf.UsageError, match="not in this folder") as caught:
        ablate(run.folder)
    assert "--data" in caught.value.fix


def test_short_budgets_say_that_there_is_none(monkeypatch, tmp_path):
    x, y = _table(120)
    run = planned_fit(monkeypatch, tmp_path, x, y)
    assert any("ablation" in s for s in run.record["verdict"]["not_checked"])
    assert "ablation" not in run.record
    assert earned_words(run.record) == []
    assert "folds" in run.record["data"]["unfresh"]


class _Simulated:
    """Trainings that never ran: each ingredient lowers the loss by what it is worth, the rest is chance."""

    def __init__(self, draw, worth, twins=()):
        self.draw, self.worth, self.twins = draw, worth, twins
        self.seeds, self.known = range(4), {}
        self.ingredients = SimpleNamespace(whole=frozenset(worth))
        self.stage = SimpleNamespace(plan=SimpleNamespace(reached={}), repeated=False)
        self.rows = draw.exponential(1.0, 120)
        self.judges = ValidRows(Metric("loss"), np.zeros(120), np.ones(120), np.zeros(120))

    def losses(self, kept):
        if kept not in self.known:
            worth = sum(w for n, w in self.worth.items() if n in kept and n not in self.twins)
            worth += 0.4 * any(n in kept for n in self.twins)
            seeds = 0.05 * self.draw.normal(size=(4, 1))
            self.known[kept] = self.rows + 1.0 - worth + seeds + 0.2 * self.draw.normal(size=(4, 120))
        return self.known[kept]

    def train(self, subsets, deadline):
        for subset in subsets:
            self.losses(subset)

    def difference(self, base, other):
        from wellfit.proof import Cell, paired_difference

        return paired_difference([Cell(self.losses(base), self.losses(other), np.ones(120))], lambda m: m)


def _kept(monkeypatch, worth, twins=(), seed=0):
    monkeypatch.setattr("wellfit.job.ablation.affordable", lambda *_: 10**6)
    bench = _Simulated(np.random.default_rng(seed), worth, twins)
    whole = bench.ingredients.whole
    gains = {n: bench.difference(whole - {n}, whole) for n in worth}
    steps = _eliminate(bench, gains, np.inf)
    return steps[-1].left if steps else whole


def test_a_useless_ingredient_is_kept_in_5_of_100_cases_at_most(monkeypatch):
    """200 recipes of three ingredients that do nothing: how many keep any."""
    kept = [bool(_kept(monkeypatch, dict.fromkeys("abc", 0.0), seed=s)) for s in range(200)]
    assert np.mean(kept) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_useful_ingredients_are_kept_among_useless_ones(monkeypatch):
    kept = [_kept(monkeypatch, {"good": 0.3, "b": 0.0, "c": 0.0}, seed=s) for s in range(60)]
    assert np.mean(["good" in k for k in kept]) > 0.95
    assert np.mean([k == {"good"} for k in kept]) > 0.85


def test_of_two_that_do_the_same_one_is_kept(monkeypatch):
    """Leave-one-out alone would call both useless, and dropping both would lose all."""
    kept = [_kept(monkeypatch, {"one": 0.0, "other": 0.0}, ("one", "other"), s) for s in range(60)]
    assert np.mean([len(k) == 1 for k in kept]) > 0.9


def test_what_earns_least_goes_first():
    from wellfit.proof import Difference

    gains = {"a": Difference(1.0, 0.1, 9), "b": Difference(-0.1, 0.1, 9), "c": Difference(0.1, 0.1, 9)}
    assert _idle(gains) == ["b", "c"]


def test_the_winners_curse():
    """60 candidates of one true loss, 1: the best one's score flatters by two spreads, fresh seeds do not."""
    draw, found = np.random.default_rng(0), []
    stage = SimpleNamespace(
        metric=Metric("log loss"), pool=range(60), material=SimpleNamespace(judging=(2,), folds=1)
    )  # fmt: skip
    for _ in range(200):
        scores = 1.0 + 0.05 * draw.normal(size=60)
        again, test = 1.0 + 0.05 * draw.normal(size=(2, 4)).mean(1)
        finalist = Finalist("cocktail", Candidate(wf.Recipe(), 1e-3, "cocktail"), [], again, scores.min())
        found.append(curse_record(stage, finalist, [{"key": "cocktail", "score": test}]))
    selected, rescored, tested = (np.mean([f[n] for f in found]) for n in ("at_selection", "rescored", "test"))
    assert selected == pytest.approx(1.0 - 2.32 * 0.05, abs=0.005)  # the mean of the least of 60 normal numbers
    assert rescored == pytest.approx(1.0, abs=0.006)
    assert tested == pytest.approx(1.0, abs=0.006)


def test_a_metric_that_is_no_mean_is_compared_by_calls():
    """AUC of two sets of predictions: the interval holds the true gain, and pairing keeps it short."""
    from sklearn.metrics import roc_auc_score

    draw = np.random.default_rng(0)
    truth = draw.integers(2, size=400)
    noise = draw.normal(size=(4, 400))
    metric = Metric("auc", False, lambda y, p, w: roc_auc_score(y, p))
    judges = ValidRows(metric, truth, np.ones(400), np.zeros(400))
    weak, strong = truth + 2.0 * noise, truth + 1.5 * noise
    found = judges.difference(weak, strong)
    assert found.value == pytest.approx(judges.score(strong) - judges.score(weak))
    assert found.interval().low > 0
    assert judges.difference(weak, weak).value == 0.0
    assert dataclasses.is_dataclass(found)
