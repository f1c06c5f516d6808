"""``wellfit.search`` end to end, by plans in steps, so that runs are the same on every machine."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import log_loss
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import wellfit as wf
from models import Deciding, Dropping, Net, Numbers, Pictures, Sequences, diabetes, digits, write_plan
from wellfit.errors import BudgetError, DataError, Interrupted, RecipeError, TrainingError, UsageError
from wellfit.own.handover import Sealed
from wellfit.own.reading import read_part


def planned(folder, make, parts, *, mode="traced", steps=24, test=True, **options):
    """A search by a plan; ``test`` says whether there are test rows."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = write_plan(folder, mode, steps)
    last = parts[2] if test else None
    return wf.search(make, parts[0], parts[1], test=last, plan=plan, out=folder / "run", **options)


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
        assert any("InputNoise: does not work" in line for line in found.record["events"])


def test_both_ways_find_the_same(net, tmp_path):
    apart = planned(tmp_path, Net, digits(), mode="apart")
    assert apart.recipe == net.recipe
    assert row(apart, "control_best")["score"] == pytest.approx(row(net, "control_best")["score"], rel=1e-3)


def test_pictures_with_batch_norm(tmp_path):
    found = planned(tmp_path, Pictures, digits(pictures=True), steps=12, test=False)
    assert found.record["data"]["shape"] == [1, 8, 8]
    assert int(found.model.layers[1].num_batches_tracked) > 0


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


class Jittered(Dataset):
    """Rows with noise of their own, from each of the generators that transforms draw from."""

    def __init__(self, x, y):
        self.x, self.y = torch.as_tensor(x), torch.as_tensor(y)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        noise = torch.rand(()) + np.random.rand() + random.random()
        return self.x[i] + 0.01 * noise, self.y[i]


def test_loaders_with_a_random_transform_give_several_passes(tmp_path):
    (x, y), (vx, vy), (tx, ty) = digits()
    loader = DataLoader(Jittered(x, y), batch_size=24, shuffle=True)
    first, again = (read_part(loader, "training", 3, again=True) for _ in range(2))
    assert (first.rows, first.passes, len(first.x), first.batch) == (180, 8, 8 * 180, 24)
    assert torch.equal(first.x, again.x)
    assert not torch.equal(first.x[:180].sort(0).values, first.x[180:360].sort(0).values)
    still = DataLoader(TensorDataset(torch.as_tensor(vx), torch.as_tensor(vy)), batch_size=50)
    found = wf.search(
        Net, loader, still, test=(tx, ty), plan=write_plan(tmp_path, steps=12), out=tmp_path / "run", seed=3
    )
    assert any("gives other values every time" in e for e in found.record["events"])
    assert found.record["data"]["train_rows"] == 180
    assert read_part(still, "validation", 0).passes == 1


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

    import wellfit.search.space

    assert wellfit.search.space.RATES
    assert list(inspect.signature(wf.search).parameters)[:4] == ["make_model", "train", "val", "budget"]
    with pytest.raises(UsageError):
        wf.search(Net, ([[0.0]], [0]), ([[0.0]], [0]), budget="soon")


@pytest.mark.parametrize(
    ("train", "code"),
    [
        (3, "WF-D60"),
        ((np.zeros((4, 64)), np.zeros(3)), "WF-D61"),
        ((np.full((4, 64), np.nan), np.zeros(4)), "WF-D62"),
        ((np.zeros((4, 64)), np.array(["a", "b", "a", "b"])), "WF-D66"),
        ([{"x": 1}], "WF-D65"),
        ([], "WF-D61"),
        ((np.zeros((1, 64)), np.zeros(1, int)), "WF-D71"),
        ((np.zeros((4, 63)), np.zeros(4, int)), "WF-D71"),
        ((np.zeros((4, 64)), np.full(4, 10)), "WF-D67"),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_code(train, code):
    with pytest.raises(DataError) as caught:
        wf.search(Net, train, digits()[1])
    assert caught.value.code == code
    assert caught.value.fix


def test_the_budget_is_kept_and_the_run_says_how_it_trained(tmp_path):
    parts, begun = digits(), time.monotonic()
    try:
        found = wf.search(Net, parts[0], parts[1], test=parts[2], budget=10.0, out=tmp_path / "run")
        assert "member-steps/s" in found.record["plan"]["way"]
    except BudgetError as error:  # a crowded machine: what there is was kept
        assert (error.run is None) or error.run.model is not None
    assert time.monotonic() - begun <= 1.05 * 10.0 + 8.0


def test_ctrl_c_keeps_the_best(tmp_path):
    parts = digits()
    folder = tmp_path / "run"

    def stop():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not begun.is_set():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    class Told(wf.job.Silent):
        def phase(self, name, sentence):
            if name == "search":
                begun.set()

    begun = threading.Event()
    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Interrupted) as caught:
        plan = write_plan(tmp_path, "traced", 4000)
        wf.search(Net, parts[0], parts[1], test=parts[2], plan=plan, out=folder, progress=Told())
    thread.join()
    run = caught.value.run
    assert isinstance(run.model, Net)
    assert run.record["status"] == "interrupted"
    assert load_file(Path(folder) / "model.safetensors").keys() == run.model.state_dict().keys()


def test_models_that_diverge_are_said_to(tmp_path):
    class Wild(Net):
        def forward(self, x):
            return super().forward(x) * torch.inf

    with pytest.raises((TrainingError, UsageError)):
        planned(tmp_path, Wild, digits(), steps=12)
