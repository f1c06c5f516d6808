"""Fits of polynomials: what more freedom does to bias and variance, and what a penalty does to an overfit curve."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wellfit.gallery.look import BLUE, GREEN, INK, PURPLE, QUIET, RED, say, sheet
from wellfit.gallery.plate import Plate, Table, figure

Array = NDArray[np.float64]
NOISE = 2.0
ROWS = 12
GRID = np.linspace(0.0, 1.0, 201)


def cubic(x: Array) -> Array:
    """The curve that the points come from: 20 x**3 - 15 x**2 + 10 x + 5."""
    return 20.0 * x**3 - 15.0 * x**2 + 10.0 * x + 5.0


def powers(x: Array, degree: int) -> Array:
    """(rows, degree): x, x**2, ... without the constant."""
    return x[:, None] ** np.arange(1, degree + 1)


@dataclasses.dataclass(frozen=True)
class Resampled:
    """Fits of one degree to many samples.

    Attributes:
        curves: (samples, places) what each fit says.
        bias: root of the mean squared distance of the mean fit from the truth.
        variance: mean over places of the variance over samples.
        error: mean squared error on fresh noisy rows at the places.
    """

    curves: Array
    bias: float
    variance: float
    error: float


def resample(degree: int, samples: int = 200, rows: int = 30, seed: int = 0) -> Resampled:
    """Fit a polynomial by least squares to fresh samples of the noisy cubic."""
    draw = np.random.default_rng((seed, degree))
    x = np.linspace(0.0, 1.0, rows)
    y = cubic(x) + NOISE * draw.standard_normal((samples, rows))
    basis, places = np.vander(x, degree + 1), np.vander(GRID, degree + 1)
    curves = (places @ np.linalg.lstsq(basis, y.T, rcond=None)[0]).T
    fresh = cubic(GRID) + NOISE * draw.standard_normal(curves.shape)
    bias = float(np.sqrt(((curves.mean(0) - cubic(GRID)) ** 2).mean()))
    return Resampled(curves, bias, float(curves.var(0).mean()), float(((fresh - curves) ** 2).mean()))


@figure("bias-variance", "Bias and variance")
def bias_variance(degrees: Sequence[int] = (1, 3, 12), seed: int = 0) -> Plate:
    """Fits over 200 fresh samples for each degree: bias falls with freedom, variance grows."""
    found = {degree: resample(degree, seed=seed) for degree in degrees}
    finding = "More freedom trades bias for variance: the sum is least in between"
    made, panels = sheet(finding, len(found), height=3.6, sharey=True)
    for panel, (degree, fits) in zip(panels, found.items(), strict=True):
        panel.plot(GRID, fits.curves[:40].T, color=BLUE, linewidth=0.6, alpha=0.22)
        panel.plot(GRID, cubic(GRID), color=INK, linestyle=(0, (4, 2)), label="truth")
        panel.plot(GRID, fits.curves.mean(0), color=RED, label="mean of the fits")
        panel.set(title=f"degree {degree}", xlabel="x", ylim=(-1, 26), xlim=(0, 1))
        told = f"bias² {fits.bias**2:.2f}   variance {fits.variance:.2f}"
        say(panel, 0.04, 23.6, told, fontsize=9.5)
    panels[0].set_ylabel("prediction")
    panels[0].legend(loc="upper left", bbox_to_anchor=(0.0, 0.92))
    rows = [(d, f.bias**2, f.variance, NOISE**2, f.bias**2 + f.variance + NOISE**2, f.error) for d, f in found.items()]
    columns = ("degree", "bias squared", "variance", "noise", "sum", "error on fresh rows")
    alt = f"{len(found)} panels of thin fitted curves round a dashed cubic: " + "; ".join(
        f"degree {row[0]}: bias squared {row[1]:.2f}, variance {row[2]:.2f}" for row in rows
    )
    note = "Least squares on 200 samples of 30 rows each (40 of the fits are drawn); noise of standard deviation 2."
    return Plate(made, Table.of(columns, rows), finding, alt, note)


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A polynomial of degree 8: coefficients of the standardized powers, intercept, what standardized them, errors."""

    weights: Array
    center: float
    means: Array
    spreads: Array
    train: float
    test: float

    def at(self, x: Array) -> Array:
        return ((powers(x, len(self.weights)) - self.means) / self.spreads) @ self.weights + self.center


def sample(seed: int, rows: int) -> tuple[Array, Array]:
    """Rows of the noisy cubic, evenly spaced."""
    draw = np.random.default_rng((seed, rows))
    x = np.linspace(0.0, 1.0, rows)
    return x, cubic(x) + NOISE * draw.standard_normal(rows)


def polynomials(seed: int = 0, degree: int = 8) -> dict[str, Fitted]:
    """The same 12 rows fitted by least squares and with each of three penalties, on standardized powers."""
    from wellfit.duality import fit_penalized
    from wellfit.regularizers import L1, L2, ElasticNet

    (x, y), (x_test, y_test) = sample(seed, ROWS), sample(seed, 400)
    basis = powers(x, degree)
    means, spreads = basis.mean(0), basis.std(0)
    scaled = (basis - means) / spreads
    weights = {"none": np.linalg.lstsq(scaled, y - y.mean(), rcond=None)[0]}
    for name, penalty in (("ridge", L2(0.05)), ("lasso", L1(0.1)), ("elastic net", ElasticNet(0.1, 0.5))):
        weights[name] = fit_penalized(scaled, y, penalty).numpy().ravel()
    found = {}
    for name, w in weights.items():
        fit = Fitted(w, float(y.mean()), means, spreads, 0.0, 0.0)
        errors = [float(((fit.at(a) - b) ** 2).mean()) for a, b in ((x, y), (x_test, y_test))]
        found[name] = dataclasses.replace(fit, train=errors[0], test=errors[1])
    return found


@figure("overfit-polynomial", "An overfit polynomial, and three penalties")
def overfit_polynomial(seed: int = 0) -> Plate:
    """One polynomial of degree 8 on 12 rows: without a penalty, with ridge, lasso and elastic net."""
    found, (x, y) = polynomials(seed), sample(seed, ROWS)
    plain, best = found["none"].test, min(fit.test for name, fit in found.items() if name != "none")
    verb = "lowers" if best < plain else "does not lower"
    finding = f"A penalty {verb} the test error of a polynomial of degree 8: {plain:.1f} without, {best:.1f} with"
    made, panels = sheet(finding, 4, height=3.4, sharey=True)
    for panel, (name, fit), color in zip(panels, found.items(), (RED, BLUE, GREEN, PURPLE), strict=True):
        panel.plot(GRID, cubic(GRID), color=QUIET, linestyle=(0, (4, 2)), linewidth=1.4)
        panel.plot(GRID, fit.at(GRID), color=color)
        panel.plot(x, y, "o", color=INK, markersize=4)
        zeros = int((fit.weights == 0).sum())
        panel.set(title=name, xlabel="x", ylim=(-2, 26), xlim=(0, 1))
        say(panel, 0.05, 24.4, f"train {fit.train:.2f}\ntest {fit.test:.2f}\n{zeros} of 8 zero", va="top")
    panels[0].set_ylabel("y")
    columns = ("penalty", "train error", "test error", "zeros", *(f"x^{k}" for k in range(1, 9)))
    rows = [(n, f.train, f.test, int((f.weights == 0).sum()), *f.weights) for n, f in found.items()]
    alt = "Four panels with the same 12 points and a dashed cubic; the curve without penalty swings, the others follow."
    note = "Mean squared errors on the 12 rows drawn and on 400 fresh ones; coefficients of standardized powers."
    return Plate(made, Table.of(columns, rows), finding, alt, note)
