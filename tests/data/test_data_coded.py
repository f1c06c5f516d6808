"""Numbers that are names: found where order says nothing, left alone where it does, and read as categories."""

from __future__ import annotations

import json

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellfit.data import Encoder, Table, check_columns, coded, make_table, with_categories
from wellfit.data.codings import CategoryCoding
from wellfit.errors import DataError, WellfitError

ROWS = 2000
NAMES = 20

SHAPES = {
    "line": lambda u: u,
    "step": lambda u: (u > 0.6).astype(float),
    "peak": lambda u: numpy.exp(-(((u - 0.5) / 0.12) ** 2)),
    "wave": lambda u: numpy.sin(2 * numpy.pi * u),
    "nothing": numpy.zeros_like,
}
"""What a number may have to do with a target, by where it lies between the smallest and the largest."""


def stores(
    rows: int = ROWS, share: float = 0.3, seed: int = 0, names: int = NAMES, base: int = 1, classes: int = 0
) -> pandas.DataFrame:
    """Sales that depend on which store they are of, whose number was given in no order: ``share`` of the variance."""
    draw = numpy.random.default_rng(seed)
    store = draw.integers(0, names, rows)
    effect = draw.normal(size=names)[store]
    sales = effect * (share / effect.var()) ** 0.5 + draw.normal(size=rows) * (1 - share) ** 0.5
    frame = pandas.DataFrame({"store": store + base, "size": draw.normal(size=rows)})
    frame["sales"] = numpy.digitize(sales, numpy.linspace(-0.5, 0.5, classes - 1)) if classes else sales
    return frame


def shaped(shape: str, rows: int = ROWS, share: float = 0.3, seed: int = 0, names: int = NAMES) -> pandas.DataFrame:
    draw = numpy.random.default_rng(seed)
    level = draw.integers(0, names, rows)
    effect = SHAPES[shape](level / (names - 1))
    effect = effect * (share / max(effect.var(), 1e-9)) ** 0.5
    sales = effect + draw.normal(size=rows) * (1 - share * (shape != "nothing")) ** 0.5
    return pandas.DataFrame({"store": level, "size": draw.normal(size=rows), "sales": sales})


def table_of(frame: pandas.DataFrame, **options) -> Table:
    return make_table(frame, "sales", **options)


def everything(table: Table) -> numpy.ndarray:
    return numpy.arange(len(table))


def found_as_code(table: Table, name: str, rows: numpy.ndarray) -> bool:
    return coded.find_codes(table, rows, [name]) == [name]


def kind_of(table: Table, name: str) -> str:
    return {c.name: c.kind for c in table.columns}[name]


# -- which are found


def test_a_store_number_is_found() -> None:
    """In nearly all draws: names may by chance have been given in an order that says something."""
    tables = [table_of(stores(seed=seed)) for seed in range(40)]
    assert sum(found_as_code(table, "store", everything(table)) for table in tables) >= 34
    assert not any(found_as_code(table, "size", everything(table)) for table in tables)


@pytest.mark.parametrize("classes", [2, 4])
def test_classes_find_it_too(classes: int) -> None:
    table = table_of(stores(rows=4000, share=0.5, classes=classes, seed=3))
    assert table.task == ("binary" if classes == 2 else "multiclass")
    assert found_as_code(table, "store", everything(table))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.7])
def test_a_number_with_an_order_stays_one(shape: str, share: float) -> None:
    for seed in range(4):
        for names in (10, 20, 40):
            table = table_of(shaped(shape, share=share, seed=seed, names=names))
            assert not found_as_code(table, "store", everything(table)), (seed, names)


@pytest.mark.parametrize("classes", [0, 3])
def test_errors_are_those_of_means_over_the_other_folds(classes: int) -> None:
    """Beside loops over rows, with weights."""
    draw = numpy.random.default_rng(0)
    rows, count = 60, 5
    codes, fold, weight = draw.integers(0, count, rows), draw.integers(0, 5, rows), draw.random(rows) + 0.1
    target = draw.integers(0, classes, rows) if classes else draw.normal(size=rows)
    wide = numpy.eye(classes)[target] if classes else target[:, None]
    sample = coded.Sample(numpy.arange(rows), target, classes, weight, numpy.arange(rows), fold)
    own, around, total = coded.errors(codes, count, sample)

    def by(share_of) -> numpy.ndarray:
        found = []
        for i in range(rows):
            others = [j for j in range(rows) if fold[j] != fold[i]]
            mean = sum(weight[j] * wide[j] for j in others) / sum(weight[j] for j in others)
            shares = [weight[j] * share_of(abs(int(codes[i] - codes[j]))) for j in others]
            guess = (sum(s * wide[j] for s, j in zip(shares, others, strict=True)) + mean) / (sum(shares) + 1)
            found.append(weight[i] * ((wide[i] - guess) ** 2).sum())
        return numpy.array(found)

    numpy.testing.assert_allclose(own, by(lambda d: d == 0), atol=1e-12)
    reaches = [by(lambda d, r=r: numpy.exp(-d / r) * (d > 0)) for r in coded.REACHES]
    numpy.testing.assert_allclose(around, min(reaches, key=numpy.sum), atol=1e-12)
    numpy.testing.assert_allclose(total, by(lambda d: 0.0).sum(), atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), names=st.integers(2, 80), rows=st.integers(30, 1500))
def test_noise_is_never_a_code(seed: int, names: int, rows: int) -> None:
    draw = numpy.random.default_rng(seed)
    frame = pandas.DataFrame({"store": draw.integers(0, names, rows), "size": draw.normal(size=rows)})
    frame["sales"] = draw.normal(size=rows)
    table = make_table(frame, "sales", minimum_rows=20)
    if "store" in table.feature_names:
        assert not found_as_code(table, "store", everything(table))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 1e6), shift=st.floats(-1e6, 1e6))
def test_the_verdict_heeds_neither_units_nor_the_order_of_rows(seed: int, scale: float, shift: float) -> None:
    frame = stores(rows=1000, seed=seed)
    moved = frame.assign(sales=frame.sales * scale + shift).sample(frac=1.0, random_state=seed)
    table, other = table_of(frame), table_of(moved)
    assert found_as_code(table, "store", everything(table)) == found_as_code(other, "store", everything(other))


def test_a_marker_among_numbers_is_no_code() -> None:
    """-1 for "not known" sticks out by itself; the rest is a number."""
    frame = shaped("line", share=0.2)
    draw = numpy.random.default_rng(1)
    unknown = draw.random(ROWS) < 0.2
    frame.loc[unknown, "store"] = -1
    frame.loc[unknown, "sales"] += 3.0
    table = table_of(frame)
    assert not found_as_code(table, "store", everything(table))


@pytest.mark.parametrize("names,rows", [(8, 2000), (64, 2000), (40, 790)])
def test_too_few_values_too_many_or_too_few_rows_of_each(names: int, rows: int) -> None:
    table = table_of(stores(rows=rows, names=names, share=0.6))
    assert not found_as_code(table, "store", everything(table))


def test_copies_of_rows_do_not_tell_of_each_other() -> None:
    for seed in range(10):
        draw = numpy.random.default_rng(seed)
        few = pandas.DataFrame({"store": draw.integers(0, 20, 120), "size": draw.normal(size=120)})
        few["sales"] = draw.normal(size=120)
        table = table_of(pandas.concat([few] * 20, ignore_index=True))
        assert not found_as_code(table, "store", everything(table)), seed


def test_rows_without_a_weight_have_no_say() -> None:
    frame = stores(rows=4000)
    draw = numpy.random.default_rng(0)
    frame["w"] = numpy.repeat([0.0, 1.0], 2000)
    assert found_as_code(table_of(frame, weight="w"), "store", numpy.arange(4000))
    frame.loc[2000:, "sales"] = draw.normal(size=2000)
    assert not found_as_code(table_of(frame, weight="w"), "store", numpy.arange(4000))


def test_what_only_tells_of_its_own_time_is_no_code() -> None:
    draw = numpy.random.default_rng(0)
    year = draw.integers(0, 25, 3000)
    frame = pandas.DataFrame({"year": year, "size": draw.normal(size=3000), "when": 1990 + year})
    frame["sales"] = draw.normal(size=25)[year] + draw.normal(size=3000)
    assert not found_as_code(table_of(frame, time="when"), "year", numpy.arange(3000))
    assert found_as_code(table_of(frame.drop(columns="when")), "year", numpy.arange(3000))


@pytest.mark.parametrize("bend", [numpy.exp, lambda v: v * 1e160, lambda v: v**3], ids=["exp", "huge", "cube"])
def test_neither_tails_nor_size_of_a_target_matter(bend) -> None:
    frame = stores()
    table = table_of(frame.assign(sales=bend(3 * frame.sales)))
    assert found_as_code(table, "store", everything(table))


def test_fractions_are_measures_and_no_names() -> None:
    frame = stores()
    table = table_of(frame.assign(store=frame.store / 10))
    assert not found_as_code(table, "store", everything(table))
    centered = table_of(frame.assign(store=frame.store - 10.37))
    assert found_as_code(centered, "store", everything(centered))


def test_a_fraction_may_go_through_float32() -> None:
    cells = pandas.Series(numpy.repeat(numpy.arange(1, 10) / 10, 2))
    for fitted, read in ((cells, cells.astype("float32")), (cells.astype("float32"), cells)):
        coding = CategoryCoding.fit("store", fitted, 63, "store frequency")
        assert sorted(coding.values) == [f"0.{digit}" for digit in range(1, 10)]
        out = {"store": numpy.zeros((len(cells), coding.parts[0].width))}
        coding.fill(read, out)
        assert (out["store"].sum(1) == 1).all()


def test_many_rows_and_many_classes_take_a_moment_only() -> None:
    draw = numpy.random.default_rng(0)
    store = draw.integers(0, 60, 200_000)
    frame = pandas.DataFrame({"store": store, "size": draw.normal(size=200_000)})
    frame["sales"] = (store * 7919 + draw.integers(0, 10, 200_000)) % 100
    table = table_of(frame, task="multiclass")
    assert len(coded._sample(table, everything(table)).rows) == coded.MOST_ROWS
    assert found_as_code(table, "store", everything(table))


def test_rows_that_may_not_be_looked_at_have_no_say() -> None:
    frame = stores(rows=4000)
    draw = numpy.random.default_rng(0)
    frame.loc[:1999, "sales"] = draw.normal(size=2000)
    table = table_of(frame)
    assert found_as_code(table, "store", numpy.arange(2000, 4000))
    assert not found_as_code(table, "store", numpy.arange(2000))


def test_missing_cells_are_left_out() -> None:
    frame = stores()
    frame["store"] = frame["store"].astype(float)
    frame.loc[numpy.random.default_rng(0).random(ROWS) < 0.2, "store"] = numpy.nan
    table = table_of(frame)
    assert found_as_code(table, "store", everything(table))


def test_a_number_that_stands_for_the_group_is_not_found() -> None:
    """A store of each group alone: no other group tells what a new one's rows are like."""
    frame = stores(share=0.6)
    frame["chain"] = frame["store"]
    table = table_of(frame, group="chain")
    assert not found_as_code(table, "store", everything(table))
    frame["chain"] = numpy.random.default_rng(0).integers(0, 200, ROWS)
    assert found_as_code(table_of(frame, group="chain"), "store", numpy.arange(ROWS))


# -- what comes of it


def test_the_table_says_what_was_found_and_keeps_its_cells() -> None:
    table = table_of(stores())
    found = with_categories(table, everything(table))
    assert kind_of(found, "store") == "category" and kind_of(found, "size") == "number"
    assert {c.name: c.reason for c in found.columns}["store"] == coded.REASON
    pandas.testing.assert_frame_equal(found.frame, table.frame)
    (note,) = [n for n in found.notes if n.code == "WF-D76"]
    assert '"store"' in note.sentence and "--number" in note.sentence
    assert kind_of(table, "store") == "number", "the table that came in is as it was"


def test_named_columns_overrule() -> None:
    table = table_of(stores())
    rows = everything(table)
    assert kind_of(with_categories(table, rows, number=["store"]), "store") == "number"
    both = with_categories(table, rows, category=["size"])
    assert kind_of(both, "size") == kind_of(both, "store") == "category"
    assert [n.code for n in both.notes].count("WF-D76") == 1, "what was asked for needs no note"


@pytest.mark.parametrize(
    "options,said",
    [
        ({"category": ["stor"]}, "not among"),
        ({"category": ["store"], "number": ["store"]}, "as category and as number"),
        ({"number": ["town"]}, "holds no numbers"),
        ({"category": ["day"]}, "holds dates"),
        ({"category": ["sales"]}, "not among"),
        ({"number": "gone"}, "not in use"),
    ],
)
def test_wrong_names_are_refused(options: dict, said: str) -> None:
    frame = stores()
    frame["town"] = numpy.where(frame["size"] > 0, "Oslo", "Lima")
    frame["day"] = pandas.to_datetime("2024-01-01") + pandas.to_timedelta(numpy.arange(ROWS) % 500, unit="D")
    frame["gone"] = 1
    table = table_of(frame, drop=["gone"])
    with pytest.raises(DataError, match=said) as caught:
        with_categories(table, everything(table), **options)
    assert caught.value.code == "WF-D20"


def test_a_hostile_name_is_shown_harmless() -> None:
    table = table_of(stores().rename(columns={"store": "st\x1b[31more"}))
    found = with_categories(table, everything(table))
    (note,) = [n for n in found.notes if n.code == "WF-D76"]
    assert "\x1b" not in note.sentence


# -- how such a column is encoded


def one_hot() -> tuple[Encoder, Table]:
    table = table_of(stores())
    table = with_categories(table, everything(table))
    return Encoder.fit(table.frame, table.columns), table


def test_each_number_has_a_cell_of_its_own() -> None:
    """Beside one line of pandas."""
    encoder, table = one_hot()
    (block,) = [b for b in encoder.blocks if b.name == "store"]
    cells = encoder.transform(table.frame)[:, block.start : block.start + block.width]
    expected = pandas.get_dummies(table.frame["store"]).to_numpy(float)
    assert {tuple(column) for column in expected.T} <= {tuple(column) for column in cells.T}


@pytest.mark.parametrize(
    "written", [lambda v: v.astype(float), lambda v: v.astype(str), lambda v: v.map("{:.2f}".format)]
)
def test_however_the_number_is_written(written) -> None:
    encoder, _ = one_hot()
    frame = stores().drop(columns="sales")
    expected = encoder.transform(frame)
    other = frame.assign(store=written(frame["store"]))
    check_columns(other, encoder)
    numpy.testing.assert_array_equal(encoder.transform(other), expected)


def test_an_unknown_number_has_no_cell_and_text_is_refused() -> None:
    encoder, _ = one_hot()
    frame = stores().drop(columns="sales").head(3)
    rows = encoder.transform(frame.assign(store=[999, 1.5, numpy.nan]))
    known = encoder.transform(frame.assign(store=[1, 2, 3]))
    assert numpy.isfinite(rows).all() and (rows.sum(1) < known.sum(1)).all()
    with pytest.raises(WellfitError):
        check_columns(frame.assign(store=["north", "south", "1"]), encoder)


@pytest.mark.parametrize("first", [0.0, -0.0])
def test_minus_zero_is_zero_whoever_stands_first(first: float) -> None:
    cells = pandas.Series([first, *range(1, 10)] * 3, dtype=float)
    coding = CategoryCoding.fit("store", cells, 63, "store frequency")
    for row in ([0.0, 0.0], [-0.0, 0.0], [0.0, -0.0]):
        out = {"store": numpy.zeros((2, coding.parts[0].width))}
        coding.fill(pandas.Series(row), out)
        assert (out["store"].sum(1) == 1).all() and (out["store"][0] == out["store"][1]).all()


def test_what_is_no_number_is_missing_and_truths_stay_names() -> None:
    coding = CategoryCoding.fit("store", pandas.Series([1.0, 2.0, 3.0, numpy.inf]), 63, "store frequency")
    assert coding.values == ("1", "2", "3") and coding.missing
    truths = CategoryCoding.fit("store", pandas.Series([True, False, True]), 63, "store frequency")
    assert truths.values == ("True", "False") and not truths.numbers


def test_the_coding_is_stored_and_read_back_also_in_its_older_form() -> None:
    coding = CategoryCoding.fit("store", stores()["store"].astype(float), 64, "store frequency")
    assert coding.numbers
    data = json.loads(json.dumps(coding.to_json()))
    assert CategoryCoding.from_json(data) == coding
    del data["numbers"]
    assert CategoryCoding.from_json(data).numbers is False
