"""For all tests: Keras runs on torch, draws begin from one seed, tests at the top find what the core tests share."""

from __future__ import annotations

import contextlib
import os
import random
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
os.environ.setdefault("KERAS_BACKEND", "torch")  # read when keras is first imported
if "PYTEST_XDIST_WORKER" in os.environ:  # read when torch and NumPy are: tests side by side share the processors
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
sys.path.append(str(HERE / "core"))


@contextlib.contextmanager
def one_seed():
    """Draws from the libraries' own generators, such as first weights, are the same in whatever order tests run."""
    import numpy as np
    import torch

    with torch.random.fork_rng(devices=[]):
        before = np.random.get_state(), random.getstate()
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        try:
            yield
        finally:
            np.random.set_state(before[0])
            random.setstate(before[1])


@pytest.fixture(autouse=True, scope="module")
def same_draws_of_a_module():
    with one_seed():
        yield


@pytest.fixture(autouse=True)
def same_draws(same_draws_of_a_module):
    with one_seed():
        yield
