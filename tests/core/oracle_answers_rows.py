"""How dropout's kin, cutting, noise, SMOTE and the keeping of best weights answer rows of tests/data/oracles.json."""

from __future__ import annotations

import math
import os

import numpy as np
import scipy.stats
import torch
from oracle_answers import moment, numbers, serves
from scripted import scripted

from wellfit import L1, SMOTE, Cutout, EarlyStopping, GaussianDropout, Recipe, VariationalDropout, reference
from wellfit.fold import Fold
from wellfit.regularizers.cutting import in_box, whole_side
from wellfit.regularizers.noise_families import poisson_noise, unit_noise
from wellfit.regularizers.variational import negative_divergence
from wellfit.sites import Site

HIDDEN = Site("hidden", "hidden")


@serves("dropout.gaussian_equiv")
def _equal_alpha(row):
    """What the part makes of ones, divided by the draw it made: sqrt(alpha)."""
    out = GaussianDropout(row["p"]).activation(torch.ones(9, dtype=torch.float64), HIDDEN, {}, moment())
    eps = moment().normal((9,), HIDDEN.name).double()
    ratio = ((out - 1) / eps) ** 2
    assert float(ratio.max() - ratio.min()) < 1e-6
    return {"alpha": ratio.mean()}


@serves("dropout.gaussian_std")
def _noise_std(row):
    """How far the values go, per unit of the draw: in proportion to them, so that a zero stays."""
    part, h = VariationalDropout(row["alpha"]), numbers(row["x"])
    out = part.activation(h, HIDDEN, part.extend({"w": h}, [HIDDEN]), moment())
    return (out - h).abs() / moment().normal((2,), HIDDEN.name).double().abs()


@serves(*(f"dropout.variational_negkl.alpha={a}" for a in ("0.1", "1.0", "1000000.0")))
def _divergence(row):
    part = VariationalDropout(row["alpha"], strength=1.0)
    charged = part.penalty(part.extend({"w": numbers([1.0])}, [HIDDEN]), moment())
    found = negative_divergence(numbers(math.log(row["alpha"])))
    assert abs(float(charged + found)) < 1e-6
    return found


def _box(row, side):
    return in_box(
        (row["h"], row["w"]),
        (torch.tensor(side), torch.tensor(side)),
        (torch.tensor(row["cy"]), torch.tensor(row["cx"])),
    )


@serves(*(f"cutmix.box.c={c}" for c in ((128, 256), (10, 20), (0, 0), (255, 511))))
def _cut_box(row):
    """Of the pixels that are cut, and of the box that the reference names."""
    cut, box = _box(row, row["mask"]), reference.box_around(row["cy"], row["cx"], row["mask"], row["h"], row["w"])
    rows, columns = (torch.nonzero(cut.any(dim))[:, 0] for dim in (1, 0))
    ends = [int(v) for v in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)]
    assert ends == list(box)
    assert int(cut.sum()) == box.area
    return {"y1y2x1x2": ends, "area": box.area, "lam_image1": 1 - cut.double().mean()}


@serves("cutmix.paper_side")
def _paper_side(row):
    side = int(whole_side(row["h"], torch.tensor(1 - row["lam"], dtype=torch.float64).sqrt()))
    assert side == reference.cutmix_side(row["h"], row["lam"])
    return {"side": side, "real_lam": 1 - side**2 / row["h"] ** 2}


@serves("cutout.odd_size_seed")
def _odd_side(row):
    """The source cuts half the side, rounded down, on both sides of the center."""
    cut = _box({**row, "cy": 200, "cx": 200}, row["mask"])
    return {"seed_side": 2 * (row["mask"] // 2), "correct_side": int(cut.any(0).sum())}


@serves("cutout.mean_share")
def _mean_hole(row):
    """Over all centers; and by the draws of the part, within five standard errors of it."""
    rows, columns = (t.flatten() for t in torch.meshgrid(torch.arange(row["h"]), torch.arange(row["w"]), indexing="ij"))
    sides = (torch.tensor(row["mask"]), torch.tensor(row["mask"]))
    exact = in_box((row["h"], row["w"]), sides, (rows, columns)).double().mean()
    picture = torch.ones(4000, 1, row["h"], row["w"])
    holes = 1 - Cutout(row["mask"] / row["h"]).batch(picture, None, moment())[0].mean(dim=(1, 2, 3))
    assert abs(holes.mean() - exact) < 5 * holes.std() / math.sqrt(4000)
    return exact


@serves("smote.point")
def _point(row):
    return reference.between(np.array(row["xi"]), np.array(row["xj"]), row["u"])


def _classes(counts):
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    x = torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(0)) + labels[:, None]
    return Fold(x, labels, torch.ones(len(labels)), len(counts))


@serves("smote.counts")
def _counts(row):
    data = _classes(row["classes"])
    grown = SMOTE(1.0, k=row["k"]).resample(data, moment())
    assert torch.equal(grown.x[: len(data)], data.x)
    by_hand = reference.smote(data.x.numpy(), data.labels.numpy(), np.random.default_rng(0), row["k"])[1]
    assert np.bincount(by_hand).tolist() == torch.bincount(grown.labels).tolist()
    return torch.bincount(grown.labels)


@serves("smote.minority_three_classes")
def _smallest(row):
    assert row["sampling_strategy"] == "minority"
    return torch.bincount(SMOTE(1.0, grow="smallest").resample(_classes(row["classes"]), moment()).labels)


@serves("smote.too_few")
def _too_few(row):
    try:
        SMOTE(1.0, k=row["k_neighbors"]).resample(_classes([40, row["minority"]]), moment())
    except ValueError:
        return "ValueError"
    return "nothing"


@serves("noise.var")
def _variances(row):
    """From the standard deviation that each width stands for."""
    return {
        "gaussian": row["gaussian_sigma"] ** 2,
        "uniform": (row["uniform_a"] / reference.uniform_half_width(1.0)) ** 2,
        "laplace": (row["laplace_b"] / reference.laplace_scale(1.0)) ** 2,
    }


@serves("noise.equal_std")
def _widths(row):
    """Ours are told by their standard deviation: the widest uniform draw, and Laplace's mean size, are the widths."""
    draws = 400_000
    widest = row["std"] * unit_noise("uniform", (draws,), "u", moment()).abs().max()
    size = row["std"] * unit_noise("laplace", (draws,), "l", moment()).abs().mean()
    found = {"uniform_a": reference.uniform_half_width(row["std"]), "laplace_b": reference.laplace_scale(row["std"])}
    assert abs(float(widest) - found["uniform_a"]) < 1e-5
    assert abs(float(size) - found["laplace_b"]) < 5 * found["laplace_b"] / math.sqrt(draws)
    return found


@serves("noise.poisson")
def _counting(row):
    """SciPy's moments of the counts, which the reference's and our own noise have within five standard errors."""
    law, draws = scipy.stats.poisson(row["x"] * row["peak"]), 200_000
    found = {"mean": law.mean() / row["peak"], "var": law.var() / row["peak"] ** 2}
    x = np.full(draws, row["x"])
    ours = poisson_noise(torch.from_numpy(x), 1 / math.sqrt(row["peak"]), "noise", moment()).numpy()
    for noisy in (ours, reference.poisson_noise(x, row["peak"], np.random.default_rng(0))):
        assert abs(noisy.mean() - found["mean"]) < 5 * math.sqrt(found["var"] / draws)
        assert abs(noisy.var() / found["var"] - 1) < 5 * math.sqrt(2 / draws)
    return found


class _Even:
    """Stands in for a generator: all places of (0, 1) once, evenly."""

    def random(self, shape):
        return (np.arange(np.prod(shape)) + 0.5).reshape(shape) / np.prod(shape)


@serves("noise.saltpepper")
def _salt(row):
    assert row["salt_share"] == 0.5
    noisy = reference.salt_and_pepper(np.full(1000, 0.5), row["amount"], _Even())
    shares = {"p_salt": 1.0, "p_pepper": 0.0, "p_same": 0.5}
    return {**{name: (noisy == value).mean() for name, value in shares.items()}, "mean_for_x": noisy.mean()}


@serves("keras.l1_init_penalty")
def _first_penalty(row):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    assert row["init"] == "glorot_uniform"
    kernel = keras.initializers.GlorotUniform(seed=0)((row["fan_in"], row["units"]))
    w = torch.as_tensor(keras.ops.convert_to_numpy(kernel))
    return L1(row["l1"], form="loss").penalty({"w": w}, moment())


@serves("es.snapshot")
def _kept(row):
    """The engine's own best, of a training whose only weight and loss run through the row's numbers."""
    weights, losses = row["weights"], row["losses"]
    run = scripted(weights, losses, Recipe())
    assert run.weights == weights
    np.testing.assert_allclose(run.losses, losses, atol=1e-9)
    by_hand, live = reference.EarlyStopping(5), {"w": np.array([0.0])}
    for w, loss in zip(weights, losses, strict=True):
        live["w"][:] = w
        by_hand.look(loss, live)
    assert by_hand.best_weights["w"][0] == run.best_weight
    return run.best_weight


@serves("es.best_vs_patience")
def _two_bests(row):
    stopper = EarlyStopping(patience=5, min_delta=row["min_delta"])
    run = scripted([0.0, 1.0, 1.5], row["losses"], Recipe(stopper))
    np.testing.assert_allclose(run.losses, row["losses"], atol=1e-9)
    return {"best_for_checkpoint": run.best_loss, "best_for_patience": run.recipe["EarlyStopping"].best}
