"""Rows of tests/data/seed-rows.csv that ask for pictures, each by what is on the picture."""

from __future__ import annotations

import numpy as np
import pytest

from wellfit.gallery import balls, cutmix, dashboard, map_of_methods, mixup, penalties


def test_figure_of_row_07_penalty_and_constraint_form():
    """Circle, diamond and the shape between, of limit 1, each with its optimum on the edge."""
    assert balls().names == ["L2 ball", "L1 ball", "elastic-net ball"]
    assert balls().table.column("measure") == pytest.approx([1.0, 1.0, 1.0])


def test_figure_of_row_08_gradient_behavior():
    """The pull of L1 is constant and 0 at 0; that of L2 is in proportion to the weight."""
    rows = penalties().table.rows
    assert [slope for name, _, _, slope in rows if name == "L1"] == [-1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0]
    weights, slopes = zip(*[(w, slope) for name, w, _, slope in rows if name == "L2"], strict=True)
    assert np.allclose(slopes, 2.0 * np.array(weights))


def test_pictures_of_row_41_mixed_with_labels():
    plate = mixup()
    assert plate.names == ["first", "second", "blend"]
    assert len(plate.axes) == 6  # a label below each picture


def test_pictures_of_row_43_cut_with_labels():
    pasted = cutmix().table.row("pasted")
    assert pasted["temple"] + pasted["flower"] == pytest.approx(1.0)


def test_row_56_regularization_dashboard():
    """Losses, histogram of weights, norms and the gap, over the epochs."""
    figure, table = dashboard()
    assert len(figure.axes) == 4
    assert {"train loss", "validation loss", "gap", "l1 norm", "l2 norm"} <= set(table.columns)


def test_row_64_map_of_methods():
    """A map generated from the catalogue: every registered class is on it."""
    from wellfit.regularizers import __all__ as names

    assert set(names) <= set(map_of_methods().names)
