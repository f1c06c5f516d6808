"""Arrays of any memory layout become tables; shapes and types that do not fit are refused."""

from __future__ import annotations

import numpy
import pandas
import pytest
import scipy.sparse

from wellfit.data import table_from_arrays
from wellfit.errors import DataError

N = 200
DRAW = numpy.random.default_rng(1)
X = DRAW.normal(size=(N, 3))
Y = numpy.arange(N) % 2
MEMORY = [
    X.tolist(), X.astype(numpy.float16), X.astype(">f8"), X[:, ::-1], numpy.asfortranarray(X), X.astype(object),
    X.astype(str), scipy.sparse.csr_matrix(X), pandas.DataFrame(X), (X * 100).astype(numpy.int8),
]  # fmt: skip


@pytest.mark.parametrize("form", MEMORY, ids=range(len(MEMORY)))
def test_arrays_of_any_memory_layout(form):
    found = table_from_arrays(form, Y)
    assert found.frame.shape == (N, 3) and found.task == "binary"


def test_arrays_are_not_changed():
    frozen = X.copy()
    frozen.flags.writeable = False
    table_from_arrays(frozen, Y)
    assert numpy.array_equal(frozen, X)


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        (X[:, 0], Y, "WF-D19"),
        (X[None], Y, "WF-D19"),
        (X[:, :0], Y, "WF-D19"),
        (X, Y[:-1], "WF-D19"),
        ([[1, 2], [3]] * 100, Y, "WF-D19"),
        (X, None, "WF-D19"),
        (X + 1j, Y, "WF-D18"),
        (X, Y + 1j, "WF-D18"),
        (numpy.zeros(N, dtype=[("a", float), ("b", float)]), Y, "WF-D18"),
        (X, numpy.stack([Y, 1 - Y], 1), "WF-D12"),
        (X, X[:, :2], "WF-D12"),
        (X, pandas.Series([["a"], ["a", "b"]] * 100), "WF-D12"),
        (X, numpy.where(Y, numpy.inf, X[:, 0]), "WF-D13"),
        (X[:10], Y[:10], "WF-D15"),
        (scipy.sparse.csr_matrix((200, 1_000_000)), Y, "WF-D10"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(x, y, code):
    with pytest.raises(DataError) as caught:
        table_from_arrays(x, y)
    assert caught.value.code == code


def test_multi_label_and_multi_output_are_named():
    with pytest.raises(DataError, match="multi-label"):
        table_from_arrays(X, numpy.stack([Y, 1 - Y], 1))
    with pytest.raises(DataError, match="multi-output"):
        table_from_arrays(X, X[:, :2])


def test_array_targets_are_taken_literally():
    found = table_from_arrays(X, ["None", "?"] * 100)
    assert found.class_values == ["?", "None"] and len(found) == N
    assert table_from_arrays(X, ["1.0", "2.0"] * 100).class_values == ["1.0", "2.0"]


def test_unlearnable_row_numbers_in_arrays_are_kept():
    assert table_from_arrays(numpy.arange(2 * N).reshape(N, 2), Y).frame.shape == (N, 2)


def test_a_million_categories_stay_small():
    rows = 400_000
    found = table_from_arrays(pandas.DataFrame({"c": numpy.arange(rows) // 2, "x": 1.0 * (numpy.arange(rows) % 7)}).astype({"c": str}).assign(
        c=lambda frame: "v" + frame["c"]), numpy.arange(rows) % 2)  # fmt: skip
    assert len(found.frame["c"].cat.categories) == rows // 2
