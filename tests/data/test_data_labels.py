"""One label is one class, however it is stored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wellfit.data.labels import joined_labels
from wellfit.data.target import read_target
from wellfit.errors import DataError

NAN = float("nan")


@pytest.mark.parametrize("gap", [NAN, None, "none"])
def test_whole_labels_stay_whole_where_one_is_missing(gap):
    read = read_target(pd.Series([0, 1, gap] * 20 if gap != "none" else ["0", "1", gap] * 20), "y")
    assert read.class_values == [0, 1] and {type(v) for v in read.class_values} == {int}
    assert read.kept.sum() == 40
    read = read_target(pd.Series([1.5, 2.5, gap] * 20 if gap != "none" else ["1.5", "2.5", gap] * 20), "y", "binary")
    assert read.class_values == [1.5, 2.5]


LARGE = [2**53 + i for i in range(4)] * 30


@pytest.mark.parametrize(
    "series",
    [
        pd.Series(LARGE),
        pd.Series(LARGE, dtype="uint64"),
        pd.Series([*LARGE, None], dtype="Int64"),
        pd.Series([*LARGE, None], dtype=object),
    ],
)
def test_whole_labels_beyond_floats_stay_apart(series):
    read = read_target(series, "y")
    assert read.class_values == LARGE[:4] and {type(v) for v in read.class_values} == {int}
    assert np.bincount(read.values).tolist() == [30] * 4


def test_floats_that_are_labels_beyond_floats_are_refused():
    with pytest.raises(DataError, match="as texts"):
        read_target(pd.Series([*LARGE, None]), "y")
    assert read_target(pd.Series([*LARGE, None]), "y", "regression").task == "regression"


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_labels_that_look_the_same_are_one_class(dtype):
    labels = ["caf\u00e9", "cafe\u0301", "pos", "pos\u200b", "\ufeffpos ", "NA\u200b", None]
    read = read_target(pd.Series(labels * 20, dtype=dtype), "y")
    assert read.class_values == ["caf\u00e9", "pos"]
    assert np.bincount(read.values).tolist() == [40, 60] and read.kept.sum() == 100


@pytest.mark.parametrize(
    ("parts", "values"),
    [
        ([["1", "2", "x"], [1.0, 2.0, NAN]], ["1", "2", "x"]),
        ([["0", "1"], [0.0, 1.0]], ["0", "1"]),
        ([[0.0, 1.0], ["0", "1"]], [0, 1]),
        ([[0, 1], [0.0, 1.0]], [0, 1]),
        ([[1.0, 2.0, NAN], ["1", "2", "x"]], [1, 2, "x"]),
        ([["1", "1.0", "x"]], ["1", "x"]),
        ([["1.0", "2.0", "x"]], ["1.0", "2.0", "x"]),
    ],
)
def test_a_label_is_one_class_however_its_part_stores_it(parts, values):
    series = joined_labels([pd.Series(part * 20) for part in parts])
    read = read_target(series, "y")
    assert read.class_values == values
    assert [type(v) for v in read.class_values] == [type(v) for v in values]
    assert np.bincount(read.values).sum() == series.notna().sum()
