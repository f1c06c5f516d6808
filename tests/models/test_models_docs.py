"""The examples in the docstrings of the sources' networks and their training run."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["models.cnn", "models.transformer", "models.recurrent", "training.epochs"])
def test_docstrings_run(name):
    ran = doctest.testmod(importlib.import_module(f"wellfit.{name}"))
    assert ran.attempted > 0
    assert ran.failed == 0
