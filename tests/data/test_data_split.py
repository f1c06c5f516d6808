"""Splits: complete, without leakage, stratified, and the same whatever the order of the rows."""

from __future__ import annotations

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellfit.data import make_table, split_given, split_table
from wellfit.errors import DataError


def random_frame(rows: int, classes: int | None = 2, seed: int = 0, copies: int = 1) -> pandas.DataFrame:
    """Noise and a target: class numbers as texts, or amounts when ``classes`` is None; each row ``copies`` times."""
    draw = numpy.random.default_rng(seed)
    frame = pandas.DataFrame({"a": draw.normal(size=rows), "b": draw.choice(list("uvw"), rows)})
    frame["row"] = [f"{number // 3}" for number in range(rows)]
    frame["y"] = draw.normal(size=rows) if classes is None else [f"k{code}" for code in draw.integers(0, classes, rows)]
    return pandas.concat([frame] * copies, ignore_index=True)


def parts(split) -> list[numpy.ndarray]:
    train, valid = split.folds[0]
    return [split.test, train, valid]


def contents(frame: pandas.DataFrame, rows: numpy.ndarray) -> list[tuple]:
    return list(frame.iloc[rows].itertuples(index=False, name=None))


@pytest.mark.parametrize(("rows", "folds"), [(20, 5), (300, 5), (1100, 5), (1300, 1), (5000, 1)])
@pytest.mark.parametrize("classes", [2, 7, None])
def test_parts_are_complete_and_disjoint(rows, folds, classes):
    found = split_table(make_table(random_frame(rows, classes), "y"))
    assert len(found.folds) == folds
    for train, valid in found.folds:
        assert sorted([*found.test, *train, *valid]) == list(range(rows))
        assert len(train) and len(valid)
    assert abs(len(found.test) - 0.15 * rows) <= 3
    if folds == 1:
        assert abs(len(found.folds[0][1]) - 0.15 * rows) <= 3
    else:
        every = numpy.concatenate([valid for _, valid in found.folds])
        assert len(set(every)) == len(every)


@pytest.mark.parametrize("rows", [300, 2000])
@pytest.mark.parametrize("classes", [3, None])
def test_the_order_of_the_rows_does_not_matter(rows, classes):
    frame = random_frame(rows, classes)
    shuffled = frame.sample(frac=1, random_state=5).reset_index(drop=True)
    one, other = (split_table(make_table(each, "y"), seed=3) for each in (frame, shuffled))
    assert contents(frame, one.test) == contents(shuffled, other.test)
    for (train, valid), (other_train, other_valid) in zip(one.folds, other.folds, strict=True):
        assert contents(frame, train) == contents(shuffled, other_train)
        assert contents(frame, valid) == contents(shuffled, other_valid)


def test_another_seed_gives_another_split_and_the_same_seed_the_same():
    table = make_table(random_frame(2000), "y")
    assert numpy.array_equal(split_table(table, seed=1).test, split_table(table, seed=1).test)
    assert not numpy.array_equal(split_table(table, seed=1).test, split_table(table, seed=2).test)
    common = set(split_table(table, seed=1).test) & set(split_table(table, seed=2).test)
    assert len(common) < 100


def test_features_say_nothing_about_the_side():
    table = make_table(random_frame(20_000), "y")
    test = split_table(table).test
    assert abs(table.frame["a"].iloc[test].mean()) < 4 / numpy.sqrt(len(test))


@pytest.mark.parametrize("copies", [2, 40])
@pytest.mark.parametrize("rows", [60, 700])
def test_duplicates_stay_on_one_side(rows, copies):
    frame = random_frame(rows, copies=copies)
    found = split_table(make_table(frame.drop(columns="row"), "y"))
    for train, valid in found.folds:
        sides = [set(contents(frame[["a", "b"]], part)) for part in (found.test, train, valid)]
        assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    assert abs(len(found.test) / len(frame) - 0.15) < 0.05
    assert any(note.code == "WF-D73" and "kept together" in note.sentence for note in found.notes)


@pytest.mark.parametrize("rows", [400, 6000])
@pytest.mark.parametrize("groups", [4, 30, 2500])
def test_groups_stay_on_one_side(rows, groups):
    frame = random_frame(rows).assign(g=lambda frame: [f"g{hash_} " for hash_ in (frame.index * 7919) % groups])
    table = make_table(frame, "y", group="g")
    found = split_table(table)
    for train, valid in found.folds:
        sides = [set(table.group[part]) for part in (found.test, train, valid)]
        assert all(sides) and not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    if groups >= 30:
        assert abs(len(found.test) / rows - 0.15) < 0.05


def test_groups_of_unequal_size_are_balanced():
    sizes = [300, 200, 150, 100, 100, 50, 50, 30, 20] + [10] * 20
    frame = random_frame(sum(sizes)).assign(g=numpy.repeat([f"g{i}" for i in range(len(sizes))], sizes))
    found = split_table(make_table(frame, "y", group="g"))
    assert abs(len(found.test) / len(frame) - 0.15) < 0.03


@pytest.mark.parametrize("rows", [200, 3000])
def test_time_never_runs_backward(rows):
    frame = random_frame(rows).assign(
        t=lambda frame: pandas.to_datetime("2024-01-01") + pandas.to_timedelta(frame.index * 7 % 90, unit="D")
    )
    table = make_table(frame.sample(frac=1, random_state=1), "y", time="t")
    found = split_table(table)
    assert len(found.folds) == 1
    test, train, valid = (table.time[part] for part in parts(found))
    assert train.max() < valid.min() and valid.max() < test.min()
    assert len(test) + len(train) + len(valid) == rows
    assert abs(len(test) / rows - 0.15) < 0.03 and abs(len(valid) / rows - 0.15) < 0.03


@pytest.mark.parametrize(("moments", "works"), [(2, False), (3, True)])
def test_time_needs_three_moments(moments, works):
    table = make_table(random_frame(60).assign(t=lambda frame: frame.index % moments), "y", time="t")
    if works:
        assert all(len(part) for part in parts(split_table(table)))
    else:
        with pytest.raises(DataError, match="distinct values"):
            split_table(table)


@pytest.mark.parametrize("rows", [400, 4000])
def test_classes_are_stratified(rows):
    frame = random_frame(rows)
    frame["y"] = numpy.random.default_rng(2).choice(["a", "b", "c"], rows, p=[0.9, 0.07, 0.03])
    table = make_table(frame, "y")
    found = split_table(table)
    share = numpy.bincount(table.target) / rows
    for part in (found.test, *(valid for _, valid in found.folds)):
        counts = numpy.bincount(table.target[part], minlength=3)
        assert (abs(counts - share * len(part)) <= 2.5).all()


def test_amounts_are_stratified():
    table = make_table(random_frame(3000, None), "y")
    found = split_table(table)
    edges = numpy.quantile(table.target, [0.1, 0.5, 0.9])
    for part in (found.test, found.folds[0][1]):
        assert (
            abs(numpy.searchsorted(edges, table.target[part]).mean() - numpy.searchsorted(edges, table.target).mean())
            < 0.03
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=8), st.integers(0, 99), st.integers(1, 3))
def test_every_class_is_trained(sizes, seed, copies):
    labels = [f"k{code}" for code, size in enumerate(sizes) for _ in range(size)] + ["k0"] * 20
    frame = random_frame(len(labels), seed=seed).assign(y=labels).drop(columns="row")
    table = make_table(pandas.concat([frame] * copies), "y")
    found = split_table(table, seed=seed)
    present = set(range(len(table.classes)))
    for train, valid in found.folds:
        assert set(table.target[train]) == present
        assert len(valid)
    assert len(found.test)


def test_a_given_test_is_kept():
    table = make_table(random_frame(2000), "y")
    found = split_given(numpy.arange(1500), numpy.arange(1500, 2000), None, table)
    assert found.test.tolist() == list(range(1500, 2000))
    assert sorted(numpy.concatenate(found.folds[0])) == list(range(1500))


def test_given_parts_are_all_kept():
    table = make_table(random_frame(100), "y")
    found = split_given(numpy.arange(60), numpy.arange(60, 80), numpy.arange(80, 100), table)
    assert [part.tolist() for part in parts(found)] == [list(range(60, 80)), list(range(60)), list(range(80, 100))]


def test_a_given_validation_leaves_the_test_to_be_drawn():
    table = make_table(random_frame(100), "y")
    found = split_given(numpy.arange(80), None, numpy.arange(80, 100), table)
    assert found.folds[0][1].tolist() == list(range(80, 100))
    assert sorted([*found.test, *found.folds[0][0]]) == list(range(80)) and len(found.test) == 12


def test_no_test_at_all():
    table = make_table(random_frame(100), "y")
    assert len(split_given(numpy.arange(100), [], None, table).test) == 0
    assert len(split_table(table, test_fraction=0).test) == 0


def test_duplicates_across_given_parts_are_said():
    table = make_table(random_frame(50, copies=2), "y")
    found = split_given(numpy.arange(50), numpy.arange(50, 100), None, table)
    assert any(note.code == "WF002" and "another side" in note.sentence for note in found.notes)


@pytest.mark.parametrize(
    ("train", "test"),
    [(range(60), range(50, 99)), (range(101), None), ([0, 0, 1], None), ([], None), ([0.5], None), ([-1], None)],
)
def test_rows_that_do_not_fit_are_refused(train, test):
    table = make_table(random_frame(100), "y")
    with pytest.raises(DataError) as caught:
        split_given(list(train), None if test is None else list(test), None, table)
    assert caught.value.code == "WF-D22"


@pytest.mark.parametrize("fractions", [(1.0, 0.1), (-0.1, 0.1), (0.1, 0.0), (0.6, 0.4), (float("nan"), 0.1)])
def test_fractions_that_do_not_fit_are_refused(fractions):
    table = make_table(random_frame(100), "y")
    with pytest.raises(DataError):
        split_table(table, test_fraction=fractions[0], valid_fraction=fractions[1])


def test_one_distinct_row_cannot_be_split():
    frame = pandas.DataFrame({"a": [1.0, 2.0] * 50, "y": ["u", "v", "v", "u"] * 25})
    with pytest.raises(DataError, match="2 distinct rows") as caught:
        split_table(make_table(frame, "y"))
    assert "group" not in caught.value.fix


def test_few_groups_name_the_group_as_the_way_out():
    frame = pandas.DataFrame({"a": numpy.arange(40) % 7 / 3, "g": ["u", "v"] * 20, "y": [0, 1, 1, 0] * 10})
    with pytest.raises(DataError, match="2 groups") as caught:
        split_table(make_table(frame, "y", group="g"))
    assert "name no group" in caught.value.fix


def sentences(rows=60):
    """A review of its own on each row, a column of two values, and two classes."""
    texts = [f"The room number {i} was large and the view was fine." for i in range(rows)]
    return pandas.DataFrame({"review": texts, "source": ["app", "web"] * (rows // 2), "y": [0, 1, 1, 0] * (rows // 4)})


def test_a_column_of_texts_that_was_left_out_is_the_reason_that_rows_look_alike():
    with pytest.raises(DataError, match="column of texts was left out") as caught:
        split_table(make_table(sentences(), "y"))
    assert '--text "review"' in caught.value.fix
    with pytest.raises(DataError, match="free text") as caught:
        make_table(sentences().drop(columns="source"), "y")
    assert '--text "review"' in caught.value.fix
    told = [n.sentence for n in make_table(sentences().assign(a=numpy.arange(60) % 7 / 3), "y").notes]
    assert any('--text "review"' in sentence for sentence in told)


def test_how_is_said():
    assert split_table(make_table(random_frame(2000), "y")).how == "70/15/15 stratified, fixed by content hash"
    assert "5 folds" in split_table(make_table(random_frame(200), "y")).how
