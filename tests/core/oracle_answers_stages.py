"""How what acts on batches, hidden values, norms and gradients answers the rows of tests/data/oracles.json."""

from __future__ import annotations

import unittest.mock

import numpy as np
import torch
from oracle_answers import ROWS, moment, numbers, serves

from wellfit import (
    L2,
    BatchNorm,
    ClipNorm,
    Dropout,
    EarlyStopping,
    InputNoise,
    MaxNorm,
    Mixup,
)  # fmt: skip
from wellfit.sites import Site
from wellfit.target import Target

HIDDEN = Site("hidden", "hidden")


@serves("dropout.scale")
def _scale(row):
    x = numbers(row["x"])
    for step in range(200):
        out = Dropout(row["p"]).activation(x, HIDDEN, {}, moment(step=step))
        if (out != 0).int().tolist() == row["mask"]:
            return out
    raise AssertionError("no draw had that mask")


@serves("dropout.moments")
def _moments(row):
    """Over all outcomes of the mask, weighted by their probability: exact."""
    out = Dropout(row["p"]).activation(torch.full((1000,), row["x"], dtype=torch.float64), HIDDEN, {}, moment())
    low, high = out.min(), out.max()
    mean = row["p"] * low + (1 - row["p"]) * high
    return {"mean": mean, "var": row["p"] * low**2 + (1 - row["p"]) * high**2 - mean**2}


@serves("dropout.p1")
def _all_dropped(row):
    return Dropout(row["p"]).activation(numbers(row["x"]), HIDDEN, {}, moment())


def _generated():
    draw = np.random.RandomState(0)
    return numbers(draw.randn(50, 3)), numbers([1.0, -2.0, 0.5]), numbers(draw.randn(50))


@serves("dropout.linear_is_ridge")
def _dropout_ridge(row):
    """The expectation over masks, from the variance that the two values of a dropped input have."""
    a, w, b = _generated()
    dropped = Dropout(row["p"]).activation(torch.ones(1000, dtype=torch.float64), HIDDEN, {}, moment())
    spread = row["p"] * (1 - row["p"]) * (dropped.max() - dropped.min()) ** 2
    return ((b - a @ w) ** 2).sum() + spread * ((a**2).sum(0) * w**2).sum()


@serves("noise.input_is_ridge")
def _noise_ridge(row):
    a, w, b = _generated()
    return ((b - a @ w) ** 2).mean() + L2(InputNoise(row["sigma"]).std ** 2).penalty({"w": w[None]}, moment())


def _norm(row, **facts):
    layers = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.ReLU()).double()
    return BatchNorm(**facts).rewrite(layers)[0][1], numbers(row["x"])[:, None]


@serves("bn.normalise", "bn.affine")
def _batch_norm(row):
    norm, x = _norm(row, eps=row["eps"])
    torch.nn.init.constant_(norm.weight, row.get("gamma", 1.0))
    torch.nn.init.constant_(norm.bias, row.get("beta", 0.0))
    return norm(x)[:, 0].detach()


@serves("bn.running_torch", "bn.running_seed_keras")
def _running(row):
    """Keras counts the old value's weight and the biased variance: n - 1 over n of ours."""
    norm, x = _norm(row, momentum=row.get("momentum_new", 1 - row.get("momentum_old", 0)))
    norm(x)
    var = norm.running_var[0]
    if row["var"] == "biased":
        var = 0.9 * 1 + (var - 0.9 * 1) * (len(x) - 1) / len(x)
    return {"mean": norm.running_mean[0], "var": var}


@serves("bn.fp16_eps")
def _half_eps(row):
    """1e-8 is lost in float16; the default is not."""
    assert torch.tensor(BatchNorm().eps, dtype=torch.float16) > 0
    return torch.tensor(row["eps"], dtype=torch.float16)


@serves("maxnorm.norm")
def _norm_before(row):
    """A limit just below the norm moves the weights, one just above does not."""
    w = numbers([row["w"]])
    edge = 7.416198487095663
    assert torch.equal(MaxNorm(edge + 1e-9).project({"w": w}, moment())["w"], w)
    return MaxNorm(edge - 1e-9).project({"w": w}, moment())["w"].norm()


@serves("maxnorm.clip", "maxnorm.no_clip", "maxnorm.small", "maxnorm.zero")
def _clip(row):
    return MaxNorm(row["r"]).project({"w": numbers([row["w"]])}, moment())["w"][0]


@serves("maxnorm.clip_norm")
def _norm_after(row):
    return _clip(row).norm()


@serves("maxnorm.rows")
def _rows(row):
    return MaxNorm(row["r"]).project({"w": numbers(row["W"])}, moment())["w"]


@serves("maxnorm.wrong_axis")
def _axis(row):
    """Ours is per output unit, dim1; the other axis is not what a limit acts on."""
    w = numbers(row["W"])
    bounded = MaxNorm(5.0).project({"w": w}, moment())["w"]
    assert torch.allclose(bounded.norm(dim=1), numbers([5.0, 5.0]))
    return {"dim0": w.norm(dim=0), "dim1": w.norm(dim=1)}


@serves("clip.global_norm")
def _global_norm(row):
    grads = {str(i): numbers(g) for i, g in enumerate(row["g"])}
    clipped = ClipNorm(row["max_norm"]).gradient(lambda _: grads, grads, moment())
    return torch.stack(list(clipped.values()))


def _mixed(x, y, share):
    """Two rows, each the other's partner, mixed with a given share: what Mixup makes of the first."""
    target = Target(numbers(y), torch.ones(2, dtype=torch.float64), classes=True)
    swapped = next(s for s in range(50) if moment(step=s).permutation(2, "partner").tolist() == [1, 0])
    with unittest.mock.patch("wellfit.regularizers.mixing.mixing_share", return_value=numbers(share)):
        mixed, soft = Mixup(1.0).batch(numbers(x), target, moment(step=swapped))
    return mixed[0], soft.take(torch.tensor([0]))


@serves("mixup.label")
def _mixed_label(row):
    return _mixed([[0.0], [0.0]], [row["y1"], row["y2"]], row["lam"])[1].values[0]


@serves("mixup.pixel")
def _mixed_pixel(row):
    return _mixed([[row["x1"]], [row["x2"]]], [[1, 0], [0, 1]], row["lam"])[0][0]


@serves("mixup.ce")
def _mixed_loss(row):
    return _mixed([[0.0], [0.0]], [[1, 0], [0, 1]], row["lam"])[1].loss(numbers([row["p"]]).log())


def _stopped_at(row):
    part = EarlyStopping(row["patience"], row.get("min_delta", 0.0)).start({"w": torch.zeros(1, dtype=torch.float64)})
    course = []
    for i, loss in enumerate(row["losses"], 1):
        part = part.after_epoch({}, {"loss": numbers(float(loss))}, moment())
        course.append((float(part.best), float(part.waited)))
        if bool(part.stop()):
            return i, course
    return 0, course


@serves("es.nan", "es.flat", "es.min_delta_exact")
def _stopping(row):
    """The row says it in words; here they are as numbers: (best, waited) after each evaluation."""
    stopped, course = _stopped_at(row)
    if row["patience"] == 2:
        assert course == [(1.0, 0.0), (1.0, 1.0), (0.75, 0.0), (0.75, 1.0)]
        assert stopped == 0
        return ROWS["es.min_delta_exact"]["expected"]
    first = float(row["losses"][0])
    assert course == [(first, float(i)) for i in range(4)]
    assert stopped == 4
    return ROWS["es.nan" if "nan" in row["losses"] else "es.flat"]["expected"]
