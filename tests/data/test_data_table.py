"""From frames and arrays to tables: the decided task, the kept columns, and what is refused."""

from __future__ import annotations

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellfit.data import make_table
from wellfit.errors import DataError

N = 200
DRAW = numpy.random.default_rng(1)
NOISE = DRAW.normal(size=N)


def table(y=None, **columns):
    """A table of noise, the given columns and the target y (0 and 1 unless given)."""
    target = numpy.arange(N) % 2 if y is None else y
    return make_table(pandas.DataFrame({"noise": NOISE, **columns, "y": target}), "y")


def codes(found) -> list[str]:
    return [note.code for note in found.notes]


def kinds(found) -> dict[str, str]:
    return {column.name: column.kind for column in found.columns}


TASKS = [
    ("strings", ["no", "yes"] * 100, "binary", ["no", "yes"], ["no", "yes"]),
    ("three strings", (["c", "a", "b"] * 67)[:N], "multiclass", ["a", "b", "c"], ["a", "b", "c"]),
    ("booleans", [True, False] * 100, "binary", ["False", "True"], [False, True]),
    (
        "nullable booleans",
        pandas.array([True, False] * 100, dtype="boolean"),
        "binary",
        ["False", "True"],
        [False, True],
    ),
    ("integers", [7, 3] * 100, "binary", ["3", "7"], [3, 7]),
    ("whole floats", [1.0, 0.0] * 100, "binary", ["0", "1"], [0.0, 1.0]),
    ("nullable integers", pandas.array([1, 2] * 100, dtype="Int64"), "binary", ["1", "2"], [1, 2]),
    ("ten digits", list(range(10)) * 20, "multiclass", [str(i) for i in range(10)], list(range(10))),
    ("signs", ["+", "-"] * 100, "binary", ["+", "-"], ["+", "-"]),
    ("a class named none", ["none", "low"] * 100, "binary", ["low", "none"], ["low", "none"]),
    ("categorical", pandas.Categorical(["b", "a"] * 100), "binary", ["a", "b"], ["a", "b"]),
    ("numeric categorical", pandas.Categorical([10, 9] * 100), "binary", ["9", "10"], [9, 10]),
    ("many integers", list(range(N)), "regression", [], []),
    ("amounts", list(NOISE), "regression", [], []),
    ("thirty integers", (list(range(30)) * 7)[:N], "regression", [], []),
    ("blanks around", [" no", "no "] * 50 + ["yes"] * 100, "binary", ["no", "yes"], ["no", "yes"]),
]


@pytest.mark.parametrize(
    ("y", "task", "classes", "values"), [case[1:] for case in TASKS], ids=[case[0] for case in TASKS]
)
def test_task_follows_from_the_target(y, task, classes, values):
    found = table(y)
    assert (found.task, found.classes, found.class_values) == (task, classes, values)
    assert found.target.dtype == (numpy.float64 if task == "regression" else numpy.int64)
    if task != "regression":
        assert [type(value) for value in found.class_values] == [type(value) for value in values]


def test_codes_point_at_classes():
    found = table(["no", "yes"] * 100)
    assert [found.class_values[code] for code in found.target] == ["no", "yes"] * 100


@pytest.mark.parametrize("y", [(list(range(30)) * 7)[:N], ([3, 4, 5, 7] * 50)])
def test_close_calls_are_said(y):
    assert "WF-D64" in codes(table(y))


def test_task_overrides():
    digits = pandas.DataFrame({"noise": NOISE, "y": list(range(10)) * 20})
    assert make_table(digits, "y", task="regression").task == "regression"
    assert make_table(digits.assign(y=numpy.arange(N) // 5), "y", task="multiclass").task == "multiclass"


@pytest.mark.parametrize(
    ("y", "task", "code"),
    [
        (["a", "b"] * 100, "regression", "WF-D03"),
        (["a", "b", "c", "d"] * 50, "binary", "WF-D13"),
        (list(NOISE), "classification", "WF-D13"),
        ([1, 0] * 100, "ranking", "WF-D13"),
    ],
)
def test_tasks_that_do_not_fit_are_refused(y, task, code):
    with pytest.raises(DataError) as caught:
        make_table(pandas.DataFrame({"noise": NOISE, "y": y}), "y", task=task)
    assert caught.value.code == code


def test_rows_without_target_are_left_out_and_said():
    y = [None, "a", "b", "?"] * 50
    found = table(y)
    assert len(found) == 100 and "WF-D61" in codes(found)
    assert found.rows.tolist() == [i for i in range(N) if y[i] in ("a", "b")]
    assert numpy.array_equal(found.frame["noise"], NOISE[found.rows])


def test_a_class_with_one_row_is_said():
    assert "WF-D62" in codes(table(["a", "b"] * 99 + ["b", "rare"]))


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("lable", "WF-D11", '"label"'),
        (["label", "age"], "WF-D12", "multi-output"),
        ("label,age", "WF-D12", "multi-output"),
        ("label, age", "WF-D12", "multi-output"),
        ("since", "WF-D13", "dates"),
    ],
)
def test_targets_by_name(frame, target, code, words):
    with pytest.raises(DataError) as caught:
        make_table(frame, target)
    assert caught.value.code == code and words in str(caught.value)


def test_names_are_stripped_and_said(frame):
    found = make_table(frame.rename(columns={"age": " age\n", "label": "label "}), "label")
    assert "age" in found.frame and found.target_name == "label" and "WF-D65" in codes(found)


def test_names_need_not_be_strings():
    found = make_table(pandas.DataFrame({0: NOISE, 1: NOISE[::-1], 2: [0, 1] * 100}), 2)
    assert list(found.frame.columns) == ["0", "1"]


@pytest.mark.parametrize(
    "columns", [["a", "a", "y"], ["a", " a", "y"], ["a", "", "y"], [("a", "b"), ("a", "c"), ("y", "")]]
)
def test_names_that_collide_are_refused(columns):
    frame = pandas.DataFrame({0: NOISE, 1: NOISE, 2: [0, 1] * 100})
    frame.columns = pandas.MultiIndex.from_tuples(columns) if isinstance(columns[0], tuple) else columns
    with pytest.raises(DataError) as caught:
        make_table(frame, "y")
    assert caught.value.code == "WF-D08"


COLUMNS = [
    ("floats", NOISE * 2, "number"),
    ("few integers", [1, 2, 3, 4] * 50, "number"),
    ("timedelta", pandas.to_timedelta(numpy.arange(N) ** 2, unit="s"), "number"),
    ("number texts", [str(i * i % 97) for i in range(N)], "number"),
    (
        "number texts with None and -",
        [str(i * i % 97) if i % 9 else "-" if i % 2 else "None" for i in range(N)],
        "number",
    ),
    ("half floats", NOISE.astype(numpy.float16), "number"),
    ("texts", ["u", "v", "w", None] * 50, "category"),
    ("booleans", [True, False, False, True] * 50, "category"),
    ("codes with a letter", ["1", "2", "A", "3"] * 50, "category"),
    ("categorical", pandas.Categorical([3, 1, 2, 2] * 50), "category"),
    ("dates", pandas.date_range("2020-01-01", periods=N), "date"),
    ("dates with zone", pandas.date_range("2020-01-01", periods=N, tz="Europe/Berlin"), "date"),
    ("periods", pandas.period_range("2020-01", periods=N, freq="M"), "date"),
    ("date texts", [f"2021-03-{1 + i % 28:02}" for i in range(N)], "date"),
    ("date texts with slips", [f"2021/03/{1 + i % 28:02}" if i % 50 else "soon" for i in range(N)], "date"),
    ("time texts", [f"2021-03-01T{i % 24:02}:30:00Z" for i in range(N)], "date"),
    ("date objects", [pandas.Timestamp("2021-03-01").date() + pandas.Timedelta(days=i % 90) for i in range(N)], "date"),
    ("empty", [None, numpy.nan] * 100, "dropped"),
    ("markers", ["", "NA", "?", "null"] * 50, "dropped"),
    ("constant", [5] * N, "dropped"),
    ("constant text", ["x", "x "] * 100, "dropped"),
    ("all infinite", [numpy.inf] * N, "dropped"),
    ("row numbers", numpy.arange(N) + 1000, "dropped"),
    ("row numbers shuffled", DRAW.permutation(N), "dropped"),
    ("even row numbers", numpy.arange(N) * 2, "dropped"),
    ("names", [f"name {i}" for i in range(N)], "dropped"),
    ("customer_id", numpy.arange(N) ** 2, "dropped"),
    ("amount_paid", numpy.arange(N) ** 2, "number"),
    ("customerId", numpy.arange(N) ** 2, "dropped"),
    ("squares", numpy.arange(N) ** 2, "number"),
    ("text that repeats", [f"name {i // 3}" for i in range(N)], "category"),
]


@pytest.mark.parametrize(("name", "cells", "kind"), COLUMNS, ids=[case[0] for case in COLUMNS])
def test_kind_of_a_column(name, cells, kind):
    found = table(**{name: cells})
    assert kinds(found)[name] == kind
    if kind == "dropped":
        assert next(column.reason for column in found.columns if column.name == name)
        assert "WF-D60" in codes(found)
    else:
        dtype = found.frame[name].dtype
        assert {"number": dtype == numpy.float64, "category": dtype == "category", "date": dtype.kind == "M"}[kind]


SPAN = [
    ("months", [f"20{10 + i % 9}-{1 + i % 12:02}" for i in range(N)], "date"),
    ("seasons", [f"20{10 + i % 9}-{11 + i % 9}" for i in range(N)], "category"),
    ("seasons that are all months", [f"200{i % 9}-0{1 + i % 9}" for i in range(N)], "category"),
    ("part numbers", [f"{4000 + i % 40}-{1 + i % 12:02}" for i in range(N)], "category"),
    ("a month among days", [f"2010-11-{1 + i % 28:02}" if i else "2010-11" for i in range(N)], "date"),
]


@pytest.mark.parametrize(("name", "cells", "kind"), SPAN, ids=[case[0] for case in SPAN])
def test_texts_like_months(name, cells, kind):
    """Months are read as dates, which is said; seasons and part numbers, written alike, are texts."""
    found = table(**{name: cells})
    assert kinds(found)[name] == kind
    assert ("WF-D75" in codes(found)) == (kind == "date")
    assert "WF-D67" not in codes(found)
    if kind == "date":
        assert found.frame[name].notna().all()


def test_a_lone_row_number_is_kept():
    found = make_table(pandas.DataFrame({"hour": range(N), "y": numpy.arange(N) * 2.5 + NOISE}), "y")
    assert kinds(found)["hour"] == "number" and "WF-D60" in codes(found)


def test_one_text_among_numbers_names_the_row_of_the_file():
    cells = [str(i * i) for i in range(N)]
    cells[123] = "thirty"
    y = [None] * 20 + ["a", "b"] * 90
    with pytest.raises(DataError) as caught:
        table(y, age=cells)
    assert caught.value.message == 'column "age" row 124 holds "thirty" but the other 179 values are numbers.'
    assert "--drop" in caught.value.fix


def test_infinite_cells_are_missing_and_said():
    found = table(x=numpy.where(numpy.arange(N) % 10 == 0, -numpy.inf, NOISE))
    assert found.frame["x"].isna().sum() == 20
    assert any(note.code == "WF-D63" and "20 infinite cells" in note.sentence for note in found.notes)


@pytest.mark.parametrize("cell", [[1, 2], {"a": 1}, {1}, numpy.zeros(2)])
def test_cells_that_are_containers_are_refused(cell):
    with pytest.raises(DataError) as caught:
        table(x=pandas.Series(["a", "b"] * 99 + ["a", cell], dtype=object))
    assert caught.value.code == "WF-D18" and type(cell).__name__ in caught.value.message


@pytest.mark.parametrize(
    ("cells", "y"),
    [
        (["u", "v"] * 100, ["yes", "no"] * 100),
        ([3.0, 9.0] * 100, [1, 0] * 100),
        (NOISE * 1.8 + 32, NOISE),
        (NOISE, NOISE),
    ],
)
def test_a_column_that_is_the_target_is_called_a_leak(cells, y):
    found = make_table(pandas.DataFrame({"noise": DRAW.normal(size=N), "leak": cells, "y": y}), "y")
    assert [note.sentence for note in found.notes if note.code == "WF-D72" and "leak" in note.sentence]
    assert "leak" in found.frame


def test_honest_columns_are_no_leak():
    assert "WF-D72" not in codes(table(u=["u", "v", "u", "u"] * 50, v=[1, 2, 3, 4] * 50))
    assert "WF-D72" not in codes(table(y=NOISE + DRAW.normal(size=N) * 1e-3, u=NOISE**3))


def test_roles(frame):
    frame = frame.assign(w=numpy.linspace(0, 1, 400), g=[f"g{i // 7}" for i in range(400)])
    found = make_table(frame, "label", drop=["member"], weight="w", group="g", time="since")
    assert list(found.frame.columns) == ["age", "city"]
    assert numpy.array_equal(found.weight, frame["w"]) and found.time.dtype == numpy.float64
    assert len(numpy.unique(found.group)) == 58
    assert {column.reason for column in found.columns if column.name == "g"} == {"used as the group"}


@pytest.mark.parametrize(
    "roles",
    [
        {"weight": "nope"},
        {"drop": ["nope"]},
        {"group": "label"},
        {"weight": "age", "group": "age"},
        {"time": "age", "drop": ["age"]},
    ],
)
def test_roles_that_do_not_fit_are_refused(frame, roles):
    with pytest.raises(DataError) as caught:
        make_table(frame, "label", **roles)
    assert caught.value.code == "WF-D20"


@pytest.mark.parametrize("weight", [[-1.0] + [1.0] * 399, [numpy.nan] + [1.0] * 399, [0.0] * 400, ["x"] + ["1"] * 399])
def test_weights_that_do_not_fit_are_refused(frame, weight):
    with pytest.raises(DataError) as caught:
        make_table(frame.assign(w=weight), "label", weight="w")
    assert caught.value.code == "WF-D17"


@pytest.mark.parametrize("roles", [{"group": "city"}, {"time": "age"}, {"time": "city"}, {"group": "one"}])
def test_groups_and_times_that_do_not_fit_are_refused(frame, roles):
    with pytest.raises(DataError) as caught:
        make_table(frame.assign(one=1), "label", **roles)
    assert caught.value.code == "WF-D23"


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates()),
        min_size=20,
        max_size=40,
    )
)
def test_any_cells_give_a_table_or_a_data_error(cells):
    frame = pandas.DataFrame(
        {"x": pandas.Series(cells, dtype=object), "noise": NOISE[: len(cells)], "y": numpy.arange(len(cells)) % 2}
    )
    try:
        found = make_table(frame, "y")
    except DataError as error:
        assert error.code and error.fix
    else:
        assert "noise" in found.frame and len(found) == len(cells)
    try:
        make_table(frame, "x")
    except DataError as error:
        assert error.code and error.fix
