"""``wellfit.search`` end to end, by plans in steps, so that runs are the same on every machine."""

from __future__ import annotations

import json
import random
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import log_loss
from torch import nn

import wellfit as wf
from models import Deciding, Dropping, Net, Numbers, Pictures, Sequences, diabetes, digits, planned, write_plan
from wellfit.errors import RecipeError, UsageError
from wellfit.own.handover import Sealed
from wellfit.own.reading import read_part


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("net"), Net, digits())


def row(found, key):
    return next(r for r in found.comparison if r["key"] == key)


def outputs(model, x):
    assert not model.training
    with torch.no_grad():
        return model(torch.as_tensor(x))


def test_the_models_metric_by_hand_is_the_record(net):
    x, y = digits()[2]
    logits = outputs(net.model, x)
    assert type(net.model) is Net
    by_hand = float(nn.functional.cross_entropy(logits, torch.as_tensor(y)))
    assert row(net, "refit")["score"] == pytest.approx(by_hand, abs=1e-6)
    assert row(net, "refit")["score"] == pytest.approx(log_loss(y, logits.double().softmax(1).numpy()), abs=1e-6)
    low, high = row(net, "refit")["interval"]
    assert low < by_hand < high
    assert row(net, "refit")["secondary"]["accuracy"] == pytest.approx(float((logits.argmax(1).numpy() == y).mean()))


def test_everything_is_compared_and_the_controls_get_as_much(net):
    keys = [r["key"] for r in net.comparison]
    assert keys == ["control_last", "control_best", "early_stopping", "single", "cocktail", "refit"]
    spent = net.record["search"]["member_steps"]
    assert spent["controls"] == spent["search"]
    assert net.record["test_reads"] == 1
    rates = {c["rate"] for c in net.record["search"]["candidates"] if c["kind"] == "control"}
    assert len(rates) > 1


def test_the_chosen_one_validates_best(net):
    finalists = net.record["search"]["finalists"]
    chosen = next(f for f in finalists if f["chosen"])
    assert chosen["score"] == min(f["score"] for f in finalists)
    x, y = digits()[1]
    loss = float(nn.functional.cross_entropy(outputs(net.model, x), torch.as_tensor(y)))
    assert loss <= chosen["score"] + 1e-6, "of its trainings the best is handed over"


def test_the_folder_holds_names_and_numbers_alone(net):
    files = {p.name for p in net.folder.iterdir()}
    assert files == {"run.json", "recipe.json", "model.safetensors", "history.npz", "report.html"}
    again = Net()
    again.load_state_dict(load_file(net.folder / "model.safetensors"))
    x = digits()[2][0]
    assert torch.equal(outputs(again.eval(), x), outputs(net.model, x))
    assert wf.Recipe.load(net.folder / "recipe.json") == net.recipe
    assert json.loads((net.folder / "run.json").read_text())["status"] == "finished"
    with np.load(net.folder / "history.npz", allow_pickle=False) as history:
        assert history["0-control/valid"].shape[1] == len(history["0-control/step"])


def test_what_a_run_of_ones_own_model_is_good_for_is_told(net):
    with pytest.raises(wf.RunFolderError, match=r"WF-F03.*load_state_dict") as caught:
        wf.export(net.folder)
    assert "Recipe.load" in caught.value.fix


def test_the_report_says_what_is_true_of_a_model(net):
    page = (net.folder / "report.html").read_text()
    assert "wellfit.search(Net, train, val, test=test" in page
    assert "which nothing was chosen on" in page
    assert "wellfit fit" not in page
    assert "simple models" not in page


def test_the_same_seed_gives_the_same_result(net, tmp_path):
    again = planned(tmp_path, Net, digits())
    assert all(torch.equal(a, b) for a, b in zip(net.model.parameters(), again.model.parameters(), strict=True))
    assert again.comparison == net.comparison
    assert again.recipe == net.recipe
    other = planned(tmp_path / "other", Net, digits(), seed=1)
    assert not torch.equal(other.model.last.weight, net.model.last.weight)


def test_generators_are_left_as_they_were(tmp_path):
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    expected = torch.rand(1), np.random.rand(), random.random()
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    planned(tmp_path, Net, digits(), steps=12)
    assert (torch.rand(1), np.random.rand(), random.random()) == expected


@pytest.mark.parametrize("make", [Deciding, Dropping, Sequences])
def test_models_that_do_not_stack_are_searched_one_by_one(make, tmp_path):
    parts = digits()
    if make is Sequences:
        parts = [((x[:, 8:16] * 16).astype(int), y) for x, y in parts]
    found = planned(tmp_path, make, parts, mode="apart", steps=12)
    assert type(found.model) is make
    by_hand = float(nn.functional.cross_entropy(outputs(found.model, parts[2][0]), torch.as_tensor(parts[2][1])))
    assert row(found, "refit")["score"] == pytest.approx(by_hand, abs=1e-6)
    if make is Sequences:
        assert any("Dropout: finds no place" in line for line in found.record["events"])
        assert not any("InputNoise" in line for line in found.record["events"]), "token numbers are no amounts"


def test_both_ways_find_the_same(net, tmp_path):
    apart = planned(tmp_path, Net, digits(), mode="apart")
    assert apart.recipe == net.recipe
    assert row(apart, "control_best")["score"] == pytest.approx(row(net, "control_best")["score"], rel=1e-3)


def test_pictures_with_batch_norm(tmp_path):
    found = planned(tmp_path, Pictures, digits(pictures=True), steps=12, test=False)
    assert found.record["data"]["shape"] == [1, 8, 8]
    assert int(found.model.layers[1].num_batches_tracked) > 0


class Plain(nn.Module):
    """With activations called as functions."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 12), nn.Linear(12, 10)

    def forward(self, x):
        return self.last(nn.functional.relu(self.first(x)))


def test_a_model_with_functions_for_activations_comes_back_as_it_is(tmp_path):
    parts = digits()
    found = planned(tmp_path, Plain, parts, steps=12, recipe=wf.Recipe(wf.Dropout(0.3), wf.EMA(0.9)))
    assert type(found.model) is Plain
    assert not any("Dropout" in line for line in found.record["events"])
    by_hand = float(nn.functional.cross_entropy(outputs(found.model, parts[2][0]), torch.as_tensor(parts[2][1])))
    assert row(found, "refit")["score"] == pytest.approx(by_hand, abs=1e-6)


def test_regression_with_a_loss_of_ones_own(tmp_path):
    parts = diabetes()
    found = planned(tmp_path, Numbers, parts, loss=nn.HuberLoss(delta=0.5), steps=40)
    x, y = (torch.as_tensor(v, dtype=torch.float32) for v in parts[2])
    by_hand = float(nn.HuberLoss(delta=0.5)(outputs(found.model, x), y))
    assert found.record["metric"] == {"name": "HuberLoss", "lower_is_better": True}
    assert row(found, "refit")["score"] == pytest.approx(by_hand, rel=1e-5)
    assert row(found, "refit")["secondary"]["rmse"] > 0
    assert not {"LabelSmoothing"} & {p.name for p in found.recipe}


def test_squared_error_is_told_as_its_root(tmp_path):
    parts = diabetes()
    found = planned(tmp_path, lambda: Net(10, 1), parts, steps=24)
    x, y = (torch.as_tensor(v, dtype=torch.float32) for v in parts[2])
    rmse = float(((outputs(found.model, x)[:, 0] - y) ** 2).mean().sqrt())
    assert found.record["metric"]["name"] == "RMSE"
    assert row(found, "refit")["score"] == pytest.approx(rmse, rel=1e-5)


def test_a_loss_that_is_no_mean_over_rows_and_a_metric_of_ones_own(tmp_path):
    weight = torch.linspace(0.5, 3.0, 10)
    parts = digits()
    found = planned(tmp_path / "loss", Net, parts, loss=nn.CrossEntropyLoss(weight=weight), steps=12)
    logits, y = outputs(found.model, parts[2][0]), torch.as_tensor(parts[2][1])
    by_hand = float(nn.functional.cross_entropy(logits, y, weight=weight))
    assert row(found, "refit")["score"] == pytest.approx(by_hand, rel=1e-5)

    def top_two(truth, shares):
        assert shares.sum(1) == pytest.approx(1.0)
        return float((np.argsort(shares, 1)[:, -2:] == truth[:, None]).any(1).mean())

    found = planned(tmp_path / "metric", Net, parts, metric=top_two, steps=12)
    logits = outputs(found.model, parts[2][0])
    by_hand = float((logits.topk(2, 1).indices == y[:, None]).any(1).float().mean())
    assert found.record["metric"] == {"name": "top_two", "lower_is_better": False}
    assert row(found, "refit")["score"] == pytest.approx(by_hand, abs=1e-6)
    assert planned(tmp_path / "name", Net, parts, metric="accuracy", steps=12).record["metric"]["name"] == "accuracy"


def test_without_test_rows_nothing_is_proved(tmp_path):
    found = planned(tmp_path, Net, digits(), test=False, steps=12)
    assert found.record["verdict"]["level"] == "partial"
    assert "no untouched rows" in found.verdict
    assert found.record["test_reads"] == 0
    assert "every figure here is too good" in (found.folder / "report.html").read_text()


def test_test_rows_are_read_once():
    sealed = Sealed(read_part(digits()[2], "test", 0))
    assert sealed.open().rows == 300
    with pytest.raises(wf.WellfitError, match="read already"):
        sealed.open()


def test_a_recipe_of_ones_own_is_trained_instead_of_searched(tmp_path):
    found = planned(tmp_path, Net, digits(), recipe=wf.Recipe(wf.Dropout(0.2), wf.L2(1e-3)), steps=12)
    assert {c["label"] for c in found.record["search"]["candidates"] if c["kind"] == "cocktail"} == {
        "Dropout(p=0.2), L2(strength=0.001)"
    }
    with pytest.raises(RecipeError) as caught:
        planned(tmp_path / "rows", Net, digits(), recipe=wf.Recipe(wf.ClassWeights(1.0)))
    assert caught.value.code == "WF-A63"


def test_wellfit_search_is_a_function_however_it_is_reached():
    import inspect

    import wellfit.searching.space

    assert wellfit.searching.space.RATES
    assert list(inspect.signature(wf.search).parameters)[:4] == ["make_model", "train", "val", "budget"]
    with pytest.raises(UsageError):
        wf.search(Net, ([[0.0]], [0]), ([[0.0]], [0]), budget="soon")


def test_the_recipe_is_taken_apart_on_ones_own_model_too(tmp_path):
    """A long budget has an ablation: under the metric of the search, on its validation rows, under fresh seeds."""
    path = write_plan(tmp_path, "eager", 24)
    form = json.loads(path.read_text())
    form["plan"] |= {"budget": 60.0, "reached": {"ablation": [3], "elimination": [1], "proof": [3, 1]}}
    path.write_text(json.dumps(form))
    parts, recipe = digits(), wf.Recipe(wf.BatchNorm(), wf.ClipNorm(50.0))
    found = wf.search(Net, parts[0], parts[1], plan=path, out=tmp_path / "run", recipe=recipe)
    assert found.record["curse"]["test"] is None
    ablation = found.record["ablation"]
    assert {r["name"] for r in ablation["rows"]} == {"BatchNorm", "ClipNorm"}
    assert not next(r["kept"] for r in ablation["rows"] if r["name"] == "ClipNorm")
    assert not ablation["fresh"]


class Slow(Net):
    """Takes 2 ms a row to evaluate."""

    def forward(self, x):
        if not self.training:
            time.sleep(2e-3 * len(x))
        return super().forward(x)


def test_the_test_of_a_slow_model_has_its_share_of_the_budget(tmp_path):
    """150 test rows take 0.3 s a network: without a share of its own the test was over after 10.6 s."""
    x, y = digits(40)[0]
    test = tuple(part[:150] for part in digits()[2])
    begun = time.monotonic()
    found = wf.search(Slow, (x, y), (x[:4], y[:4]), test=test, budget=8, out=tmp_path / "run")
    assert time.monotonic() - begun < 10.0
    assert found.record["status"] == "finished"
    assert row(found, "control_best")["seeds"] == 1
    told = found.record["verdict"]["not_checked"]
    assert any("the budget left no time for it" in sentence for sentence in told)
