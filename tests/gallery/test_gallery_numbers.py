"""The numbers beside the figures, held against outside libraries: what is drawn is what is true."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet, Lasso, Ridge

from wellfit import gallery
from wellfit.gallery import curves, fits, hidden, images, one_weight, optimum

augmentations = importlib.import_module("wellfit.gallery.augmentations")  # the function has the same name

KINDS = {
    "L2 ball": lambda w: np.sqrt((w**2).sum()),
    "L1 ball": lambda w: np.abs(w).sum(),
    "elastic-net ball": lambda w: 0.5 * np.abs(w).sum() + 0.5 * (w**2).sum(),
}


def split(w):
    """Two weights as positive and negative parts, in which |w| is smooth for the solver."""
    return np.concatenate([np.maximum(w, 0), np.maximum(-w, 0)])


@pytest.mark.parametrize("name", KINDS)
def test_the_optimum_in_each_ball_is_that_of_scipy(name):
    case, row = optimum.problem((2.1, 0.9)), gallery.balls().table.row(name)
    smooth = {
        "L2 ball": lambda v: 1 - (v**2).sum(),
        "L1 ball": lambda v: 1 - v.sum(),
        "elastic-net ball": lambda v: 1 - 0.5 * v.sum() - 0.5 * ((v[:2] - v[2:]) ** 2).sum(),
    }[name]
    found = minimize(
        lambda v: float(case.loss(v[:2] - v[2:])),
        split(np.array([0.5, 0.1])),
        constraints={"type": "ineq", "fun": smooth},
        bounds=[(0, None)] * 4,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    drawn = np.array([row["weight 1"], row["weight 2"]])
    assert np.allclose(drawn, found.x[:2] - found.x[2:], atol=2e-5)
    assert row["measure"] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", KINDS)
def test_the_contour_touches_the_ball_and_does_not_enter_it(name):
    """No point of the ball's edge has a lower loss than the optimum, by a fine walk round it."""
    case, row = optimum.problem((2.1, 0.9)), gallery.balls().table.row(name)
    kind = next(kind for kind, (told, _) in optimum.KINDS.items() if told == name)
    edge = optimum.outline(kind, 1.0, count=20_001)
    assert np.allclose([KINDS[name](w) for w in edge[::500]], 1.0)
    assert case.loss(edge).min() >= row["loss"] - 1e-9
    assert case.loss(edge).min() <= row["loss"] + 1e-6


def test_the_strength_of_a_ball_is_that_of_the_penalty_with_its_solution():
    case, table = optimum.problem((2.1, 0.9)), gallery.balls().table
    ridge = Ridge(alpha=len(case.x) * table.row("L2 ball")["strength"], tol=1e-12).fit(case.x, case.y)
    lasso = Lasso(alpha=table.row("L1 ball")["strength"] / 2, tol=1e-12).fit(case.x, case.y)
    for fit, name in ((ridge, "L2 ball"), (lasso, "L1 ball")):
        row = table.row(name)
        assert np.allclose(fit.coef_, [row["weight 1"], row["weight 2"]], atol=1e-6)
    assert table.row("L1 ball")["weight 2"] == 0.0


def test_a_minimum_inside_the_ball_stays_where_it_is():
    for row in gallery.balls_inside().table.rows:
        assert row[1:3] == pytest.approx((0.35, 0.25), abs=1e-8)
        assert row[5] == pytest.approx(0.0, abs=1e-8)


def test_paths_end_at_the_solution_of_their_problem():
    case, table = optimum.problem(), gallery.optimization_paths().table
    ridge = Ridge(alpha=0.4 * len(case.x), tol=1e-12).fit(case.x, case.y).coef_
    lasso = Lasso(alpha=0.75, tol=1e-12).fit(case.x, case.y).coef_
    ends = {row[0]: np.array(row[1:3], float) for row in table.rows}
    assert np.allclose(ends["no penalty"], case.least, atol=2e-3)
    assert np.allclose(ends["L2 of strength 0.4"], ridge, atol=1e-4)
    assert np.allclose(ends["L1 of strength 1.5"], lasso, atol=1e-3)
    assert ends["L1 of strength 1.5"][1] == 0.0
    assert np.linalg.norm(ends["L2 ball of radius 1"]) == pytest.approx(1.0)


def test_bias_and_variance_add_up_to_the_error_on_fresh_rows():
    table = gallery.bias_variance().table
    for row in table.rows:
        assert row[5] == pytest.approx(row[4], rel=0.03)
    bias, variance = table.column("bias squared"), table.column("variance")
    assert bias[0] > 50 * bias[1]
    assert variance == sorted(variance)


def test_the_variance_of_least_squares_is_that_of_theory():
    """Mean over places of noise**2 * v' (X'X)^-1 v."""
    x = np.linspace(0, 1, 30)
    basis, places = np.vander(x, 4), np.vander(fits.GRID, 4)
    theory = 4.0 * np.einsum("ij,jk,ik->i", places, np.linalg.inv(basis.T @ basis), places).mean()
    assert fits.resample(3, samples=4000).variance == pytest.approx(theory, rel=0.05)


def test_polynomials_have_the_coefficients_of_scikit_learn():
    x, y = fits.sample(0, fits.ROWS)
    basis = fits.powers(x, 8)
    scaled = (basis - basis.mean(0)) / basis.std(0)
    models = {
        "ridge": Ridge(alpha=0.05 * len(y), tol=1e-12),
        "lasso": Lasso(alpha=0.05, tol=1e-12, max_iter=10**6),
        "elastic net": ElasticNet(alpha=0.05, l1_ratio=0.5, tol=1e-12, max_iter=10**6),
    }
    found, table = fits.polynomials(), gallery.overfit_polynomial().table
    for name, model in models.items():
        assert np.allclose(model.fit(scaled, y).coef_, found[name].weights, atol=1e-5), name
        assert table.row(name)["train error"] == pytest.approx(((model.predict(scaled) - y) ** 2).mean(), rel=1e-5)
        assert table.row(name)["test error"] < table.row("none")["test error"]


def test_gradients_beside_the_penalties_are_their_slopes():
    for name, w, price, slope in gallery.penalties().table.rows:
        if w:
            v = torch.tensor(float(w), dtype=torch.float64, requires_grad=True)
            cost = {"L1": v.abs(), "L2": v**2, "elastic net": 0.5 * v.abs() + 0.25 * v**2, "power 3": v.abs() ** 3}[
                name
            ]
            assert price == pytest.approx(cost.item())
            assert slope == pytest.approx(torch.autograd.grad(cost, v)[0].item())
        else:
            assert (price, slope) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["L1", "L2", "elastic net"])
def test_shrinkage_is_the_least_point_of_its_problem(name):
    cost = {"L1": np.abs, "L2": lambda v: v**2 / 2, "elastic net": lambda v: 0.5 * np.abs(v) + 0.25 * v**2}[name]
    line = np.linspace(-4, 4, 80_001)
    for w in (-3.0, -0.4, 0.2, 1.7):
        least = line[np.argmin((line - w) ** 2 / 2 + cost(line))]
        assert one_weight.shrunk(name, np.array([w]))[0] == pytest.approx(least, abs=2e-4)


def test_only_the_proximal_step_reaches_zero():
    table = gallery.exact_zeros().table
    ends = {row[0]: row[2:] for row in table.rows}  # the last row of each form
    assert ends["proximal L1"] == (0.0, "yes")
    assert ends["L1 in the loss"][1] == ends["L2"][1] == "no"
    steps = [max(0.5 - 0.07 * k, 0.0) for k in range(25)]
    assert [row[2] for row in table.rows if row[0] == "proximal L1"] == pytest.approx(steps)


def test_max_norm_is_renorm():
    rows = gallery.max_norm().table.rows
    for name, values in (("over the limit", [1.0, 2, 3, 4, 5]), ("under it", [1.0, 1.0])):
        after = torch.renorm(torch.tensor([values], dtype=torch.float64), 2, 0, 6.0)[0].tolist()
        assert [row[3] for row in rows if row[0] == name] == pytest.approx(after)
    assert [row[5] for row in rows if row[0] == "at least 3"] == pytest.approx([3.0, 3.0])


def test_the_dial_and_the_paths_are_those_of_scikit_learn():
    x, y, x_held, y_held = one_weight.diabetes()
    ratio, left, error, *_ = gallery.mix_ratio().table.rows[6]
    fit = ElasticNet(alpha=0.15, l1_ratio=ratio, tol=1e-10, fit_intercept=True).fit(x, y)
    assert left == (fit.coef_ != 0).sum()
    assert error == pytest.approx(((y_held - x_held @ fit.coef_) ** 2).mean(), rel=1e-6)
    table = gallery.regularization_path().table
    for row in (row for row in table.rows[::7] if row[0] == "L1"):
        assert np.allclose(row[3:], Lasso(alpha=row[1] / 2, tol=1e-10).fit(x, y).coef_, atol=1e-6)


def test_the_curves_are_those_of_ridge():
    for strength, rows in ((0.1, 220), (1.0, 90)):
        x, y, x_held, y_held = curves._scaled(rows, 3)
        fit = Ridge(alpha=strength * rows, tol=1e-12).fit(x, y)
        truth = [((b - fit.predict(a)) ** 2).mean() for a, b in ((x, y), (x_held, y_held))]
        assert curves.errors(strength, rows, 3) == pytest.approx(truth, rel=1e-5)


def test_masks_drop_what_they_say_and_keep_the_mean():
    found, table = hidden.masks(), gallery.dropout_masks().table
    lost = {name: mask == 0 for name, mask in found.items()}
    whole = lost["SpatialDropout(0.25)"].flatten(1)
    assert (whole.all(1) | ~whole.any(1)).all()
    line = lost["RowDropout(1.0)"]
    assert (line == line[0]).all()
    assert line[0].sum() == 16
    assert found["Dropout(0.25)"].max().item() == pytest.approx(4 / 3)
    assert table.row("DropBlock(0.25, size=5)")["mean"] == pytest.approx(1.0)


def test_dropped_units_get_no_gradient():
    rows = gallery.thinned_networks().table.rows
    assert all(gradient == 0 for *_, mask, gradient in rows if mask == 0)
    assert {mask for *_, mask, _ in rows} == {0, 1}
    by_step = {step: [row for row in rows if row[0] == step] for step in {row[0] for row in rows}}
    for kept in by_step.values():
        if all(any(row[3] for row in kept if row[1] == layer) for layer in (1, 2)):
            assert all(row[4] == row[3] for row in kept)


def test_labels_are_what_the_pixels_are():
    blend = gallery.mixup().table.row("blend")
    assert blend["share of the first in the pixels"] == pytest.approx(blend["temple"], abs=1e-6)
    pasted = gallery.cutmix().table.row("pasted")
    assert pasted["share of the second in the pixels"] == pytest.approx(pasted["flower"], abs=0.01)
    for row in gallery.cutout().table.rows:
        assert row[1] <= 0.25 + 1e-9
        assert row[4:] == (0.0, 1.0)


def test_augmented_pictures_are_what_they_say():
    """A mirror image is torch.flip; brightness scales all; a move brings no value that was not there; labels stay."""
    before = images.photographs()[1]
    made = {name: augmentations.changed(recipe, 0)[1] for name, recipe in augmentations.recipes().items()}
    assert torch.allclose(made["Flip 0.5"], before.flip(-1), atol=1e-12)
    factor = (made["Brightness 0.2"].mean() / before.mean()).item()
    assert 0.8 <= factor <= 1.2
    assert torch.allclose(made["Brightness 0.2"], factor * before, atol=1e-9)
    for name in ("Rotation 20", "Zoom 0.2", "Shift 0.2", "Shear 0.2", "Crop 0.2", "turned and zoomed"):
        assert made[name].min() >= before.min() - 1e-9
        assert made[name].max() <= before.max() + 1e-9
    for name in ("RandAugment", "AutoAugment", "AugMix"):
        assert made[name].min() >= -1e-9
        assert made[name].max() <= 1.0 + 1e-9
    hole = (made["erased"] != before).any(0)
    assert torch.allclose(made["erased"][:, hole], before.mean((1, 2))[:, None].expand(-1, int(hole.sum())))
    for row in gallery.augmentations().table.rows:
        assert row[2] > 0.02
        assert row[-2:] == (0.0, 1.0)


def test_families_of_noise_are_equal_in_deviation_and_differ_in_kind():
    table = gallery.noise_families().table
    for row in table.rows:
        assert row[2] == pytest.approx(row[1], rel=0.03), row[0]
    truth = {"gaussian": 3.0, "uniform": 1.8, "laplace": 6.0}
    for family, kurtosis in truth.items():
        assert table.row(family)["kurtosis"] == pytest.approx(kurtosis, rel=0.08)


def test_the_dashboard_watches_what_it_trained():
    plate = gallery.dashboard()
    assert len(plate.axes) == 4
    last = {row[0]: row for row in plate.table.rows}
    assert last["no recipe"][4] > last["L1 and dropout"][4]
    for row in plate.table.rows:
        assert row[4] == pytest.approx(row[3] - row[2])
        assert row[6] <= row[5] + 1e-9  # no norm of two is above that of one


def test_every_registered_class_is_on_the_map():
    from wellfit.regularizer import REGISTRY

    own = {name for name, cls in REGISTRY.items() if cls.__module__.startswith("wellfit.")}
    assert own == set(gallery.map_of_methods().names)


def test_photographs_are_the_bundled_ones():
    from sklearn.datasets import load_sample_image

    x = images.photographs()
    assert x.shape == (2, 3, 128, 192)
    truth = load_sample_image("china.jpg").mean((0, 1)) / 255
    assert np.allclose(x[0].mean((1, 2)), truth, atol=2e-3)
