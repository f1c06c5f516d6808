"""The bank of planted cases: large enough, buildable row by row, its labels and codes those that there are."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks" / "diagnosis"))  # its scripts are no package

import bank  # noqa: E402
from bank_data import DAMAGES, arrange  # noqa: E402
from bank_labels import COARSE, COARSE_OF, LABEL_OF, LABELS, coarse  # noqa: E402
from bank_nets import maker  # noqa: E402
from bank_sources import WORDS, Source, alone  # noqa: E402

from wellfit.diagnosis import CHECKS  # noqa: E402

NUMBERS = {"abalone", "diabetes", "cal-housing", "kin8nm", "energy", "concrete", "parkinsons"}


def stand_in(case) -> Source:
    """A small generated data set of the shape that the case's network reads."""
    random = np.random.default_rng(0)
    count = 2 * (case.rows + case.valid) + 300
    classes = 0 if case.data in NUMBERS else 3
    y = random.integers(0, 3, count) if classes else random.normal(size=count)
    if case.net.kind == "bag":
        return Source(random.integers(0, WORDS, (count, 6)), y, classes, "text")
    shape = (1, 8, 8) if case.net.kind == "cnn" else (5,)
    return Source(random.normal(size=(count, *shape)), y, classes, "table")


def test_there_are_enough_cases_each_with_its_own_name():
    assert len(bank.ILL) >= 60 and all(case.ill for case in bank.ILL)
    assert len(bank.HEALTHY) >= 60 and not any(case.ill for case in bank.HEALTHY)
    names = [case.name for case in bank.CASES]
    assert len(set(names)) == len(names)
    settings = {(c.data, c.net, c.recipe, c.rate, c.rows, c.epochs) for c in bank.HEALTHY}
    assert len(settings) >= 20 and len(bank.HEALTHY) == 3 * len(settings)
    assert not {"digits", "generated"} & {case.data for case in bank.CASES}  # thresholds may come from those


def test_every_code_has_a_label_and_every_label_a_coarse_one():
    assert set(LABEL_OF.values()) <= set(LABELS) == set(COARSE_OF)
    assert {coarse(label) for label in LABELS} == set(COARSE)
    for case in bank.CASES:
        assert case.plant.label in LABELS and case.plant.codes
        assert {LABEL_OF[code] for code in case.plant.codes} == {case.plant.label}
        assert case.plant.damage in DAMAGES


@pytest.mark.parametrize("case", [c for c in bank.CASES if c.seed == 0], ids=lambda c: c.name)
def test_every_row_is_buildable(case):
    source = stand_in(case)
    drawn = arrange(case, source)
    assert (len(drawn.train), len(drawn.valid)) == (case.rows, case.valid) and len(drawn.test) >= 60
    outputs = maker(case, drawn)()(drawn.train.x[:4])
    assert outputs.shape == (4, source.classes or 1)
    again = arrange(case, source)
    assert torch.equal(again.train.x.nan_to_num(9.0), drawn.train.x.nan_to_num(9.0))
    assert torch.equal(again.valid.y, drawn.valid.y)


def _of(plant: str):
    case = next(c for c in bank.ILL if c.plant.says == plant)
    return case, arrange(case, stand_in(case))


@pytest.mark.parametrize(("plant", "share"), [("label noise 30", 0.3), ("label noise 10", 0.1)])
def test_noise_moves_its_share_of_labels_and_none_of_the_test(plant, share):
    case, drawn = _of(plant)
    source = stand_in(case)
    order = np.random.default_rng([case.seed, case.rows, case.valid]).permutation(len(source.y))
    seen = case.rows + case.valid
    given = torch.cat([drawn.train.y, drawn.valid.y]).numpy()
    assert np.isclose(np.mean(given != source.y[order[:seen]]), share, atol=1e-3)
    assert np.array_equal(drawn.test.y.numpy(), source.y[order[seen:]])


def test_copies_are_in_validation_and_not_in_what_is_fresh():
    case, drawn = _of("copies in validation")
    held = {row.numpy().tobytes() for row in drawn.train.x}
    copied = [row.numpy().tobytes() in held for row in drawn.valid.x]
    assert sum(copied) == round(case.plant.copies * case.valid)
    assert [not c for c in copied] == drawn.fresh.tolist()


def test_natural_copies_are_left_out_in_order():
    x = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [0.0, 0.0]])
    left = alone(Source(x, np.arange(4), 4, "table"))
    assert left.y.tolist() == [0, 1, 3] and np.array_equal(left.x, x[[0, 1, 3]])
    pictures = np.stack([np.ones((1, 2, 2)), np.zeros((1, 2, 2)), np.ones((1, 2, 2))])
    assert alone(Source(pictures, np.arange(3), 3, "image")).x.shape == (2, 1, 2, 2)


def test_damages_do_what_they_say():
    assert len(_of("constant label")[1].train.y.unique()) == 1
    case, drawn = _of("permuted labels")
    assert not torch.equal(drawn.train.y, arrange(case, stand_in(case)).test.y[: case.rows])
    assert _of("missing inputs")[1].train.x.isnan().any()
    assert not _of("missing inputs")[1].test.x.isnan().any()
    assert _of("unscaled inputs")[1].valid.x.std() > 500
    _, drawn = _of("rare class")
    counts, whole = torch.bincount(drawn.train.y, minlength=3), torch.bincount(drawn.test.y, minlength=3)
    assert counts.min() < 0.06 * counts.sum() and whole[counts.argmin()] > 0.2 * whole.sum()


def test_dead_units_are_dead_and_a_sigmoid_stack_passes_little_gradient():
    case, drawn = _of("dead units")
    model = maker(case, drawn)()
    assert (model[:2](drawn.train.x) == 0).all()
    case, drawn = _of("sigmoid stack")
    model = maker(case, drawn)()
    torch.nn.functional.cross_entropy(model(drawn.train.x), drawn.train.y).backward()
    first, last = model[0].weight.grad.norm(), model[-1].weight.grad.norm()
    assert first / last < 1e-4


def test_expected_codes_are_those_of_the_diagnosis():
    known = {check.code for check in CHECKS.values()}
    assert {code for case in bank.CASES for code in case.plant.codes} <= known
    assert known <= set(LABEL_OF)
