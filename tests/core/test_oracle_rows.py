"""Every row of tests/data/oracles.json: answered by what the package holds, or named with the part that brings it."""

from __future__ import annotations

import numpy as np
import oracle_answers_images
import oracle_answers_rows
import oracle_answers_stages
import oracle_answers_tools
import pytest
from oracle_answers import ROWS, SERVED

ANSWERS = (oracle_answers_images, oracle_answers_rows, oracle_answers_stages, oracle_answers_tools)
"""Imported so that their answers are among SERVED."""

LATER: dict[str, str] = {}
"""Rows that nothing serves yet, and which part will."""


@pytest.mark.parametrize("name", SERVED)
def test_oracle_row(name):
    row = ROWS[name]
    _hold(SERVED[name](row["inputs"]), row["expected"], row["tol"], name)


def _hold(got, expected, tolerance, name):
    if isinstance(expected, dict):
        assert got.keys() == expected.keys()
        for key in expected:
            _hold(got[key], expected[key], tolerance, f"{name}.{key}")
    elif isinstance(expected, str):
        assert got == expected
    else:
        np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=0, atol=tolerance, err_msg=name)


def test_every_row_is_served_or_named_for_later():
    assert all(module.__doc__ for module in ANSWERS)
    assert not set(SERVED) & set(LATER)
    assert set(SERVED) | set(LATER) == set(ROWS)
    assert len(SERVED) + len(LATER) == len(ROWS) == 133
