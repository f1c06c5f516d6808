"""What comes in and what ends a search early: rows, loaders, budgets and Ctrl-C."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader, Dataset, TensorDataset

import wellfit as wf
from models import Net, digits, planned, write_plan
from wellfit.errors import BudgetError, DataError, Interrupted, TrainingError
from wellfit.job.options import Options
from wellfit.own.opening import open_search
from wellfit.own.reading import read_part
from wellfit.own.stage import Here
from wellfit.own.workers import open_engine, start_engine, why_here


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


@pytest.mark.parametrize(
    ("train", "code"),
    [
        (3, "WF-D60"),
        ((np.zeros((4, 64)), np.zeros(3)), "WF-D61"),
        ((np.full((4, 64), np.nan), np.zeros(4)), "WF-D74"),
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


@pytest.mark.alone
def test_the_budget_is_kept_and_the_run_says_how_it_trained(tmp_path):
    parts, begun = digits(), time.monotonic()
    try:
        found = wf.search(Net, parts[0], parts[1], test=parts[2], budget=7.0, out=tmp_path / "run")
        assert "member-steps/s" in found.record["plan"]["way"]
    except BudgetError as error:  # a crowded machine: what there is was kept
        assert (error.run is None) or error.run.model is not None
    assert time.monotonic() - begun <= 1.05 * 7.0 + 8.0


def test_models_that_other_processes_can_import_train_in_them(tmp_path, monkeypatch):
    parts = digits()
    here = planned(tmp_path / "here", Net, parts, steps=12)
    assert any("in this process: there is one processor" in line for line in here.record["events"])
    monkeypatch.setattr("wellfit.own.workers._processors", lambda: 2)
    there = planned(tmp_path / "there", Net, parts, steps=12)
    assert any("in 2 processes" in line for line in there.record["events"])
    assert torch.allclose(here.model.last.weight, there.model.last.weight, atol=1e-4)
    assert here.recipe == there.recipe


def test_models_that_they_cannot_import_stay_here(monkeypatch):
    monkeypatch.setattr("wellfit.own.workers._processors", lambda: 2)
    assert why_here(Net, None, "cpu") == ""
    assert "one GPU" in why_here(Net, None, "cuda")
    assert "inside a function" in why_here(lambda: Net(), None, "cpu")
    assert "inside a function" in why_here(Net, lambda out, y: out.sum(), "cpu")
    monkeypatch.setattr(Net, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Net", Net, raising=False)
    assert "script or notebook" in why_here(Net, None, "cpu")


def test_workers_that_do_not_find_the_module_hand_over_to_this_process(monkeypatch):
    monkeypatch.setattr("wellfit.own.workers._processors", lambda: 2)
    train, valid, _ = digits()
    ready = open_search(Net, train, valid, None, None, Options())
    monkeypatch.setattr(sys, "path", [])
    engine, told = start_engine(Net, None, "cpu")
    monkeypatch.undo()
    assert engine.hands == 2
    engine, told = open_engine(engine, told, ready.study)
    assert (type(engine), engine.hands) == (Here, 1)
    assert "could not import" in told


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
        plan = write_plan(tmp_path, "eager", 400)
        wf.search(Net, parts[0], parts[1], test=parts[2], plan=plan, out=folder, progress=Told())
    thread.join()
    run = caught.value.run
    assert isinstance(run.model, Net)
    assert run.record["status"] == "interrupted"
    assert load_file(folder / "model.safetensors").keys() == run.model.state_dict().keys()


@pytest.mark.parametrize("where", ["open_engine", "time_judging"])
def test_a_stop_before_training_names_the_folder_it_made(monkeypatch, tmp_path, where):
    def stop(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"wellfit.own.api.{where}", stop)
    parts = digits()
    with pytest.raises(Interrupted, match="holds no model") as caught:
        wf.search(Net, parts[0], parts[1], out=tmp_path / "run", device="cpu")
    assert str(tmp_path / "run") in str(caught.value)


def test_models_that_diverge_are_said_to(tmp_path):
    class Wild(Net):
        def forward(self, x):
            return super().forward(x) * torch.inf

    with pytest.raises(TrainingError) as caught:
        planned(tmp_path, Wild, digits(), steps=12)
    assert caught.value.code == "WF003"
