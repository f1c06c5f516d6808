"""Encoding: equal to scikit-learn where they overlap, finite always, the same row by row, and plain JSON."""

from __future__ import annotations

import copy
import json

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, RobustScaler

from wellfit.data import Column, Encoder, check_columns, make_table, shared_widths, table_from_arrays
from wellfit.errors import DataError, RunFolderError

DRAW = numpy.random.default_rng(4)


def smooth(z: numpy.ndarray) -> numpy.ndarray:
    return z / numpy.sqrt(1 + (z / 3) ** 2)


def columns(**kinds: str) -> list[Column]:
    return [Column(name, kind) for name, kind in kinds.items()]


def encode(frame: pandas.DataFrame, **kinds: str) -> numpy.ndarray:
    return Encoder.fit(frame, columns(**kinds)).transform(frame)


@pytest.mark.parametrize("values", [DRAW.normal(size=300), DRAW.standard_cauchy(300), DRAW.integers(0, 9, 300)])
def test_numbers_equal_the_robust_scaler(values):
    expected = smooth(RobustScaler().fit_transform(values.reshape(-1, 1).astype(float)))
    found = encode(pandas.DataFrame({"x": values}), x="number")
    numpy.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_equal_quartiles_fall_back_to_the_range():
    values = numpy.array([0.0] * 90 + [5.0] * 10)
    numpy.testing.assert_allclose(
        encode(pandas.DataFrame({"x": values}), x="number")[:, 0], smooth(values / 2.5), rtol=1e-6
    )


def test_categories_equal_the_one_hot_encoder():
    cells = DRAW.choice(["u", "v", "w"], 200, p=[0.6, 0.3, 0.1])
    order = [["u", "v", "w"]]
    expected = OneHotEncoder(categories=order, sparse_output=False).fit_transform(cells.reshape(-1, 1))
    found = encode(pandas.DataFrame({"c": cells}), c="category")
    assert numpy.array_equal(found[:, :3], expected) and not found[:, 3:].any()


def test_two_categories_equal_the_one_hot_encoder():
    cells = numpy.array(["no", "yes", "no", "yes", "yes"]).reshape(-1, 1)
    expected = OneHotEncoder(drop="if_binary", sparse_output=False).fit_transform(cells)
    encoder = Encoder.fit(pandas.DataFrame({"c": cells[:, 0]}), columns(c="category"))
    assert numpy.array_equal(encoder.transform(pandas.DataFrame({"c": cells[:, 0]})), expected)
    assert encoder.transform(pandas.DataFrame({"c": ["other", None]})).tolist() == [[0.5], [0.5]]


def test_missing_numbers_become_the_median_with_an_indicator():
    frame = pandas.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, numpy.nan]})
    encoder = Encoder.fit(frame, columns(x="number"))
    assert encoder.widths == {"x": 2}
    assert encoder.transform(frame)[-1].tolist() == [0.0, 1.0]
    plain = Encoder.fit(frame.dropna(), columns(x="number"))
    assert plain.widths == {"x": 1} and plain.transform(frame)[-1].tolist() == [0.0]
    assert plain.transform(pandas.DataFrame({"x": [2.5]})).tolist() == [[0.0]]


def test_missing_and_other_categories_have_slots():
    frame = pandas.DataFrame({"c": ["u"] * 5 + ["v"] * 4 + ["w"] * 3 + ["rare"] + [None]})
    encoder = Encoder.fit(frame, columns(c="category"), max_categories=3)
    assert encoder.widths == {"c": 5, "c (frequency)": 1}
    slots = encoder.transform(pandas.DataFrame({"c": ["u", " v ", "w", None, "rare", "never seen"]}))[:, :5]
    assert slots.argmax(axis=1).tolist() == [0, 1, 2, 3, 4, 4] and (slots.sum(axis=1) == 1).all()
    frequency = encoder.transform(frame)[:, 5]
    assert frequency[0] > frequency[5] > frequency[12]


def test_an_untrained_other_slot_stays_silent():
    encoder = Encoder.fit(pandas.DataFrame({"c": ["u", "v", "w"]}), columns(c="category"))
    assert encoder.width == 4 and not encoder.transform(pandas.DataFrame({"c": ["new", "?"]})).any()


def test_dates_have_days_month_weekday_and_hour():
    stamps = pandas.Series(pandas.date_range("2024-01-01", periods=500, freq="7h"))
    frame = pandas.DataFrame({"d": stamps})
    encoder = Encoder.fit(frame, columns(d="date"))
    assert encoder.widths == {"d": 7}
    found = encoder.transform(frame)
    assert (numpy.diff(found[:, 0]) > 0).all()
    for first, values, period in ((1, stamps.dt.month - 1, 12), (3, stamps.dt.day_of_week, 7), (5, stamps.dt.hour, 24)):
        for offset, wave in ((0, numpy.sin), (1, numpy.cos)):
            raw = wave(2 * numpy.pi * values.to_numpy() / period).reshape(-1, 1)
            numpy.testing.assert_allclose(
                found[:, first + offset], smooth(RobustScaler().fit_transform(raw))[:, 0], atol=1e-5
            )
    assert Encoder.fit(frame.assign(d=stamps.dt.normalize()), columns(d="date")).widths == {"d": 5}


def test_date_texts_equal_dates():
    stamps = pandas.date_range("2024-01-01", periods=50)
    encoder = Encoder.fit(pandas.DataFrame({"d": stamps}), columns(d="date"))
    texts = pandas.DataFrame({"d": stamps.strftime("%Y-%m-%d")})
    assert numpy.array_equal(encoder.transform(texts), encoder.transform(pandas.DataFrame({"d": stamps})))
    assert numpy.isfinite(encoder.transform(pandas.DataFrame({"d": ["never", None, "1000-01-01", "9999-12-31"]}))).all()


def test_months_are_dates():
    months = pandas.period_range("2020-01", periods=40, freq="M").astype(str)
    table = make_table(pandas.DataFrame({"m": months, "a": numpy.arange(40) % 7 / 3, "y": [0, 1] * 20}), "y")
    assert {c.name: c.kind for c in table.columns}["m"] == "date"
    firsts = pandas.DataFrame({"m": [f"{m}-01" for m in months]})
    encoder = Encoder.fit(pandas.DataFrame({"m": months}), columns(m="date"))
    assert numpy.array_equal(encoder.transform(pandas.DataFrame({"m": months})), encoder.transform(firsts))


def test_only_training_rows_count(frame):
    table = make_table(frame, "label")
    rows = numpy.arange(0, 400, 2)
    wild = frame.copy()
    wild.loc[1::2, "age"] = 1e9
    wild.loc[1::2, "city"] = "Atlantis"
    assert Encoder.fit(table, rows=rows) == Encoder.fit(make_table(wild, "label"), rows=rows)


def test_order_of_the_training_rows_does_not_matter(frame):
    table = make_table(frame, "label")
    assert Encoder.fit(table, rows=DRAW.permutation(400)) == Encoder.fit(table)


def test_table_and_raw_frame_give_the_same_matrix(frame):
    table = make_table(frame, "label")
    encoder = Encoder.fit(table)
    expected = encoder.transform(table.frame)
    assert expected.dtype == numpy.float32 and expected.shape == (400, encoder.width)
    assert numpy.array_equal(encoder.transform(frame), expected)
    assert numpy.array_equal(encoder.transform(frame[frame.columns[::-1]]), expected)
    assert numpy.array_equal(encoder.transform(frame.rename(columns=lambda name: f" {name} ")), expected)
    as_text = frame.astype(object).where(frame.notna(), "?").astype(str)
    assert numpy.array_equal(encoder.transform(as_text), expected)


def test_blocks_cover_the_matrix(frame):
    encoder = Encoder.fit(make_table(frame, "label"))
    assert [block.name for block in encoder.blocks] == ["age", "city", "member", "since"]
    starts = [block.start for block in encoder.blocks]
    assert starts == numpy.cumsum([0] + [block.width for block in encoder.blocks[:-1]]).tolist()
    assert encoder.width == sum(encoder.widths.values())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 399), min_size=1, max_size=20))
def test_a_row_does_not_depend_on_its_batch(rows):
    frame = _people()
    encoder = Encoder.fit(make_table(frame, "label"))
    assert numpy.array_equal(encoder.transform(frame.iloc[rows]), encoder.transform(frame)[rows])


def _people() -> pandas.DataFrame:
    draw = numpy.random.default_rng(0)
    frame = pandas.DataFrame({"age": draw.normal(size=400), "city": draw.choice([f"c{i}" for i in range(90)], 400)})
    return frame.assign(since=pandas.date_range("2020-01-01", periods=400, freq="31h"), label=["u", "v"] * 200)


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([1e308, -1e308, 5e-324, 0.0, -0.0])


@settings(max_examples=150, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=30), st.lists(NUMBERS, min_size=1, max_size=10))
def test_the_matrix_is_finite_and_bounded(train, new):
    encoder = Encoder.fit(pandas.DataFrame({"x": train}), columns(x="number"))
    with numpy.errstate(all="raise", under="ignore"):
        found = encoder.transform(pandas.DataFrame({"x": new}))
    assert numpy.isfinite(found).all() and (numpy.abs(found) <= 3).all()
    assert Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False))) == encoder


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=30), st.integers(1, 5))
def test_categories_survive_json(cells, most):
    frame = pandas.DataFrame({"c": pandas.Series(cells, dtype=object)})
    encoder = Encoder.fit(frame, columns(c="category"), max_categories=most)
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert again == encoder and numpy.array_equal(again.transform(frame), encoder.transform(frame))


def test_json_round_trip_of_a_whole_table(frame):
    encoder = Encoder.fit(make_table(frame, "label")).pad_to({"age": 2, "city": 9, "member": 1, "since": 6})
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert again.blocks == encoder.blocks
    assert numpy.array_equal(again.transform(frame), encoder.transform(frame))


def _broken(data: dict) -> list[dict]:
    """The stored encoder with one thing wrong each."""
    changes = [
        lambda d: d.pop("layout"),
        lambda d: d.update(more=1),
        lambda d: d.update(version=99),
        lambda d: d.update(version=True),
        lambda d: d.update(columns={}),
        lambda d: d["columns"][0].update(kind="os.system"),
        lambda d: d["columns"][0].update(kind=["number"]),
        lambda d: d["columns"][0].update(kind="category"),
        lambda d: d["columns"][0].update(name=3),
        lambda d: d["columns"][0].update(indicator=1),
        lambda d: d["columns"][0]["scale"].update(center=float("nan")),
        lambda d: d["columns"][0]["scale"].update(width=0.0),
        lambda d: d["columns"][0]["scale"].update(width="1"),
        lambda d: d["columns"][1].update(values=["a", 1]),
        lambda d: d["columns"][1].update(values=["a"] * 50),
        lambda d: d["columns"][1].update(counts={"a": 1.5}),
        lambda d: d["columns"][3].update(scales=[]),
        lambda d: d["layout"][0].update(width=0),
        lambda d: d["layout"][0].update(width=10**12),
        lambda d: d["layout"][0].update(kind="category"),
        lambda d: d["layout"].append(d["layout"][0]),
        lambda d: d["layout"].pop(),
        lambda d: d["columns"].append(d["columns"][0]),
    ]
    result = []
    for change in changes:
        broken = copy.deepcopy(data)
        change(broken)
        result.append(broken)
    return [*result, [], None, "x"]


def test_changed_json_is_refused(frame):
    for broken in _broken(Encoder.fit(make_table(frame, "label")).to_json()):
        with pytest.raises(RunFolderError):
            Encoder.from_json(broken)


def test_folds_share_one_layout():
    frame = pandas.DataFrame(
        {"c": [f"v{i % 70}" for i in range(200)], "x": [numpy.nan, *list(range(199))], "y": ["a", "b"] * 100}
    )
    table = make_table(frame, "y")
    encoders = [
        Encoder.fit(table, rows=rows) for rows in (numpy.arange(200), numpy.arange(1, 200), numpy.arange(1, 50))
    ]
    widths = shared_widths(encoders)
    padded = [encoder.pad_to(widths) for encoder in encoders]
    assert len({tuple(encoder.widths.items()) for encoder in padded}) == 1
    assert list(widths) == ["c", "c (frequency)", "x"]
    for encoder, wide in zip(encoders, padded, strict=True):
        narrow, full = encoder.transform(frame), wide.transform(frame)
        for block, own in ((b, o) for b in wide.blocks for o in encoder.blocks if b.name == o.name):
            assert block.kind == own.kind
            assert numpy.array_equal(
                full[:, block.start : block.start + own.width], narrow[:, own.start : own.start + own.width]
            )
        assert full.sum() == pytest.approx(narrow.sum(), rel=1e-4)
        assert Encoder.from_json(wide.to_json()) == wide


def test_blocks_cannot_shrink(frame):
    encoder = Encoder.fit(make_table(frame, "label"))
    with pytest.raises(ValueError, match="cannot shrink"):
        encoder.pad_to({**encoder.widths, "city": 1})


def test_new_columns(frame):
    encoder = Encoder.fit(make_table(frame, "label"))
    assert [note.code for note in check_columns(frame, encoder)] == ["WF-D70"]
    assert check_columns(frame[["since", "city", "member", "age"]], encoder) == []
    with pytest.raises(DataError, match="absent") as caught:
        check_columns(frame.rename(columns={"city": "ctiy"}), encoder)
    assert caught.value.code == "WF-D21" and '"ctiy"' in caught.value.fix
    with pytest.raises(DataError, match='absent: "city"') as caught:
        check_columns(frame.drop(columns="city").assign(weight=1), encoder)
    assert all(f'"{name}"' in caught.value.fix for name in encoder.names) and '"weight"' not in caught.value.fix
    with pytest.raises(DataError, match='row 3 holds "old"'):
        check_columns(frame.astype({"age": object}).assign(age=[1, 2, "old"] + [4] * 397), encoder)


def test_transform_refuses_like_check_columns(frame):
    encoder = Encoder.fit(make_table(frame, "label"))
    with pytest.raises(DataError, match="absent"):
        encoder.transform(frame[["age"]])
    with pytest.raises(DataError, match="row 1 holds"):
        encoder.transform(frame.assign(age="old"))


def test_whole_numbers_as_categories_match_across_types():
    encoder = Encoder.fit(pandas.DataFrame({"c": ["1", "2", "A"]}), columns(c="category"))
    expected = encoder.transform(pandas.DataFrame({"c": ["1", "2"]}))
    assert numpy.array_equal(encoder.transform(pandas.DataFrame({"c": [1, 2]})), expected)
    assert numpy.array_equal(encoder.transform(pandas.DataFrame({"c": [1.0, 2.0]})), expected)


def test_many_categories_stay_small():
    cells = pandas.DataFrame({"c": [f"v{i // 2}" for i in range(300_000)]})
    encoder = Encoder.fit(cells, columns(c="category"))
    assert encoder.width == 65 and len(json.dumps(encoder.to_json())) < 500_000
    assert numpy.isfinite(encoder.transform(cells)).all()


def test_empty_batch(frame):
    table = table_from_arrays(DRAW.normal(size=(30, 2)), [0, 1] * 15)
    encoder = Encoder.fit(table)
    assert encoder.transform(table.frame.iloc[:0]).shape == (0, 2)
