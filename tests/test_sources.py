"""What the mission's source documents show, row by row: tests/data/seed-rows.csv has 72 rows, and each has one test.

All 72 rows stand. The tests are in tests/test_sources_*.py,
named by their rows: ``test_row_07_penalty_form_and_constraint_form``; each uses the source's own parameters and looks
at the effect.
"""

from __future__ import annotations

import ast
import csv
import functools
from pathlib import Path

import pytest

HERE = Path(__file__).parent
with (HERE / "data" / "seed-rows.csv").open() as _file:
    ROWS = list(csv.DictReader(_file))


@functools.cache
def _tests():
    """The names of the tests of rows."""
    found = set()
    for path in sorted(HERE.glob("test_sources_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_row_"):
                assert node.name not in found
                found.add(node.name)
    return found


def test_rows_are_numbered_and_named():
    assert [int(row["row"]) for row in ROWS] == list(range(1, 73))
    assert len({row["name"] for row in ROWS}) == 72
    assert all(row["parameters"] and row["sources"] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_every_row_has_one_test(row):
    name = f"test_row_{int(row['row']):02d}_{row['name']}"
    assert [t for t in _tests() if t.startswith(f"test_row_{int(row['row']):02d}_")] == [name]


def test_every_test_is_of_a_row():
    assert len(_tests()) == len(ROWS)
