"""For all tests: Keras runs on torch, and tests at the top find what the core tests share and begin from one seed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
os.environ.setdefault("KERAS_BACKEND", "torch")  # read when keras is first imported
if "PYTEST_XDIST_WORKER" in os.environ:  # read when torch and NumPy are: tests side by side share the processors
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
sys.path.append(str(HERE / "core"))


@pytest.fixture(autouse=True)
def same_weights(request):
    """First weights of networks come from torch's generator: in the tests at the top they are always the same."""
    if request.path.parent != HERE:
        yield
        return
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
