"""Two processes that train one model: one stop, noise of their own, equal weights and statistics."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ddp_worker import RECIPES
from loops import batches, make, values
from torch import nn
from torch.testing import assert_close

from wellfit.adapters.ranks import check_together
from wellfit.errors import UsageError

WORKER = Path(__file__).parent / "ddp_worker.py"


def _together(folder, what):
    outs = [folder / f"{rank}.pt" for rank in range(2)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(rank), str(folder / "meeting"), str(out), what],
            env=environment, stderr=subprocess.PIPE, text=True,
        )
        for rank, out in enumerate(outs)
    ]  # fmt: skip
    try:
        errors = [process.communicate(timeout=100)[1] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [p.returncode for p in running] == [0, 0], "".join(errors)
    return [torch.load(out) for out in outs]


@pytest.mark.slow
def test_two_processes_train_as_one_on_all_rows(tmp_path):
    """Without noise of rows, halves of a batch in two processes are the whole batch in one."""
    first, second = _together(tmp_path, "exact")
    assert_close(first["after"], second["after"], rtol=0, atol=0)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    with RECIPES["exact"].attach(model, optimizer, seed=7) as run:
        for x, y in batches(12):
            optimizer.zero_grad()
            run.loss(nn.CrossEntropyLoss(), model(x), y).backward()
            optimizer.step()
    assert_close(first["inside"], values(model), rtol=0, atol=1e-9)


@pytest.mark.slow
def test_noise_of_their_own_and_one_decision(tmp_path):
    """The mean of both losses is least after the second epoch: both stop two epochs later, and hand over the same."""
    first, second = _together(tmp_path, "noise")
    assert (first["epochs"], first["best"]) == (second["epochs"], second["best"]) == (4, 2)
    for mine, other in zip(first["seen"], second["seen"], strict=True):
        assert not torch.equal(mine, other)  # of the same rows
    for when in ("inside", "after"):  # batch norm's statistics among them
        assert_close(first[when], second[when], rtol=0, atol=1e-12)
    assert not torch.equal(first["after"]["head.weight"], first["inside"]["head.weight"])


@pytest.mark.slow
def test_the_first_process_may_validate_alone(tmp_path):
    """Its loss falls to the end: both train to the end, where the mean of both would have stopped them."""
    first, second = _together(tmp_path, "first")
    assert (first["epochs"], first["best"]) == (second["epochs"], second["best"]) == (6, 6)
    assert_close(first["after"], second["after"], rtol=0, atol=1e-12)


@pytest.mark.slow
def test_batches_that_differ_in_number_are_refused_and_nobody_waits(tmp_path):
    for said in _together(tmp_path, "join"):
        assert "WF-A18" in said["said"] and "drop_last" in said["said"]


def test_a_model_that_was_joined_is_refused_with_the_way_out(tmp_path):
    """Torch keeps the mark of a join when its block has ended; wrapped anew, the model has none."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    try:
        model = nn.parallel.DistributedDataParallel(make())
        check_together(model)
        with model.join():
            pass
        with pytest.raises(UsageError, match="was joined") as caught:
            check_together(model)
        assert "DistributedDataParallel(model.module)" in str(caught.value) and caught.value.code == "WF-A18"
        check_together(nn.parallel.DistributedDataParallel(model.module))
    finally:
        torch.distributed.destroy_process_group()
