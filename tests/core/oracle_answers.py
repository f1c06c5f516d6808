"""How today's regularizers answer the rows of tests/data/oracles.json: one small function for each kind of row."""

from __future__ import annotations

import json
import math
import unittest.mock
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wellfit import (
    L1,
    L2,
    BatchNorm,
    ClipNorm,
    Dropout,
    EarlyStopping,
    ElasticNet,
    InputNoise,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    Recipe,
    WeightDecay,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.regularizers.penalties import soft_threshold
from wellfit.sites import Site
from wellfit.target import Target
from wellfit.training.optimizers import SGD, Adam

ROWS = {r["name"]: r for r in json.loads((Path(__file__).parents[1] / "data" / "oracles.json").read_text())}

SERVED: dict[str, Callable[..., Any]] = {}
"""The name of a row, and the function that answers it."""


def serves(*names):
    def keep(answer):
        SERVED.update(dict.fromkeys(names, answer))
        return answer

    return keep


def _w(values) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _now(rate=0.1, step=0):
    return Now.at(step, 0, rates={"w": _w(rate)}).of("Part")


@serves("l2.penalty_sum", "l2.penalty_half")
def _l2(row):
    return L2(row["lam"] / (2 if row["half"] else 1)).penalty({"w": _w(row["w"])}, _now())


@serves("l2.grad")
def _l2_gradient(row):
    return L2(row["lam"]).penalty_gradient({"w": _w(row["w"])}, _now())["w"]


def _absolute(strength, w):
    """strength * sum |w|, read off the proximal step: a step of rate r moves |w| by r * strength where nothing ends."""
    moved = L1(strength).project({"w": w}, _now(1e-3))["w"]
    return (w * (w - moved)).sum() / 1e-3


@serves("l1.penalty")
def _l1(row):
    return _absolute(row["lam"], _w(row["w"]))


@serves("l1.grad_at_zero")
def _l1_gradient(row):
    w = _w(row["w"])
    return (w - L1(row["lam"]).project({"w": w}, _now(1e-3))["w"]) / 1e-3


def _elastic(alpha, ratio, w):
    part = ElasticNet(alpha, ratio)
    moved = part.project({"w": w}, _now(1e-3))["w"]
    return part.penalty({"w": w}, _now()) + (w * (w - moved)).sum() / 1e-3


@serves("enet.half")
def _elastic_net(row):
    return _elastic(row["alpha"], row["l1_ratio"], _w(row["w"]))


@serves("enet.grad_half")
def _elastic_net_gradient(row):
    part, w = ElasticNet(row["alpha"], row["l1_ratio"]), _w(row["w"])
    return part.penalty_gradient({"w": w}, _now())["w"] + (w - part.project({"w": w}, _now(1e-3))["w"]) / 1e-3


@serves("enet.l1_ratio_direction")
def _elastic_net_direction(row):
    return {"r=1": _elastic(row["alpha"], 1.0, _w(row["w"])), "r=0_half": _elastic(row["alpha"], 0.0, _w(row["w"]))}


@serves(*(f"mixratio.half.r={r}" for r in ("0", "0.25", "0.5", "0.75", "1")))
def _mix_ratio(row):
    """A weight each for the sums: 15 of |w| alone, 20 of w ** 2 alone."""
    absolute = _elastic(1.0, row["r"], _w([1.0] * row["A"])) - (1 - row["r"]) / 2 * row["A"]
    square = ElasticNet(1.0, row["r"]).penalty({"w": _w([math.sqrt(row["B"])])}, _now())
    return absolute + square


@serves(
    *(f"prox.l1({x},{t})" for x, t in (("3.0", "1.0"), ("-3.0", "1.0"), ("0.5", "1.0"), ("1.0", "1.0"), ("0.0", "0.0")))
)
def _proximal(row):
    return soft_threshold(_w(row["x"]), row["t"])


@serves("prox.l2_half")
def _proximal_l2(row):
    """The backward step x / (1 + t): where w = x - gradient of t / 2 * w ** 2 at w."""
    return _fixed_point(lambda w: L2(row["t"] / 2).penalty_gradient({"w": w}, _now())["w"], _w(row["x"]))


@serves("prox.enet_half")
def _proximal_elastic(row):
    soft = soft_threshold(_w(row["x"]), row["t1"])
    return _fixed_point(lambda w: ElasticNet(row["t2"], 0.0).penalty_gradient({"w": w}, _now())["w"], soft)


def _fixed_point(gradient, x):
    w = x
    for _ in range(200):
        w = x - gradient(w)
    return w


@serves("decay.sgd_step_seed003")
def _sgd_step(row):
    w = _w(row["w"])
    g = row["grad"] + L2(row["lam"]).penalty_gradient({"w": w}, _now())["w"]
    return SGD().update({"w": g}, {"w": w}, {}, _now(row["lr"]))[0]["w"]


@serves("decay.one_step.torch.SGD", "decay.one_step.torch.Adam", "decay.one_step.optax.add_decayed_weights>adam")
def _coupled(row, optimizer=None):
    """Coupled decay is L2 of half the strength, in the gradient."""
    w = _w(row["w"])
    g = row["grad"] + L2(row["weight_decay"] / 2).penalty_gradient({"w": w}, _now())["w"]
    optimizer = optimizer or Adam()
    return optimizer.update({"w": g}, {"w": w}, optimizer.start({"w": w}), _now(row["lr"]))[0]["w"]


SERVED["decay.one_step.torch.SGD"] = lambda row: _coupled(row, SGD())


@serves(
    "decay.one_step.torch.AdamW",
    "decay.one_step.optax.adamw",
    *(f"decay.one_step.keras.{n}" for n in ("SGD", "Adam", "AdamW")),
)
def _decoupled(row):
    now, optimizer = _now(row["lr"]), Adam()
    w = WeightDecay(row["weight_decay"]).shrink({"w": _w(row["w"])}, now)
    return optimizer.update({"w": _w(row["grad"])}, w, optimizer.start(w), now)[0]["w"]


@serves("decay.double_count_seed000")
def _twice(row):
    both = Recipe(L2(row["loss_l2"]), ElasticNet(row["adam_weight_decay"], 0.0))
    return both.penalty_gradient({"w": _w([[row["w"]]])}, _now())["w"].squeeze()


@serves("ce.correct")
def _cross_entropy(row):
    y = _w(row["y"])
    return Target(y, torch.ones(len(y), dtype=torch.float64), classes=True).loss(_w(row["p"]).log())


@serves("ce.seed000_wrong")
def _wrong_cross_entropy(row):
    """What the source does; we do K times as much."""
    return _cross_entropy(row) / len(row["y"][0])


@serves("label_smoothing")
def _smoothing(row):
    hard = torch.nn.functional.one_hot(torch.tensor([row["label"]]), row["K"]).double()
    target = Target(hard, torch.ones(1), classes=True)
    return LabelSmoothing(row["eps"]).batch(torch.zeros(1, 1), target, _now())[1].values[0]


HIDDEN = Site("hidden", "hidden")


@serves("dropout.scale")
def _scale(row):
    x = _w(row["x"])
    for step in range(200):
        out = Dropout(row["p"]).activation(x, HIDDEN, {}, _now(step=step))
        if (out != 0).int().tolist() == row["mask"]:
            return out
    raise AssertionError("no draw had that mask")


@serves("dropout.moments")
def _moments(row):
    """Over all outcomes of the mask, weighted by their probability: exact."""
    out = Dropout(row["p"]).activation(torch.full((1000,), row["x"], dtype=torch.float64), HIDDEN, {}, _now())
    low, high = out.min(), out.max()
    mean = row["p"] * low + (1 - row["p"]) * high
    return {"mean": mean, "var": row["p"] * low**2 + (1 - row["p"]) * high**2 - mean**2}


@serves("dropout.p1")
def _all_dropped(row):
    return Dropout(row["p"]).activation(_w(row["x"]), HIDDEN, {}, _now())


def _generated():
    draw = np.random.RandomState(0)
    return _w(draw.randn(50, 3)), _w([1.0, -2.0, 0.5]), _w(draw.randn(50))


@serves("dropout.linear_is_ridge")
def _dropout_ridge(row):
    """The expectation over masks, from the variance that the two values of a dropped input have."""
    a, w, b = _generated()
    dropped = Dropout(row["p"]).activation(torch.ones(1000, dtype=torch.float64), HIDDEN, {}, _now())
    spread = row["p"] * (1 - row["p"]) * (dropped.max() - dropped.min()) ** 2
    return ((b - a @ w) ** 2).sum() + spread * ((a**2).sum(0) * w**2).sum()


@serves("noise.input_is_ridge")
def _noise_ridge(row):
    a, w, b = _generated()
    return ((b - a @ w) ** 2).mean() + L2(InputNoise(row["sigma"]).std ** 2).penalty({"w": w[None]}, _now())


def _norm(row, **facts):
    layers = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.ReLU()).double()
    return BatchNorm(**facts).rewrite(layers)[0][1], _w(row["x"])[:, None]


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
    w = _w([row["w"]])
    edge = 7.416198487095663
    assert torch.equal(MaxNorm(edge + 1e-9).project({"w": w}, _now())["w"], w)
    return MaxNorm(edge - 1e-9).project({"w": w}, _now())["w"].norm()


@serves("maxnorm.clip", "maxnorm.no_clip", "maxnorm.small", "maxnorm.zero")
def _clip(row):
    return MaxNorm(row["r"]).project({"w": _w([row["w"]])}, _now())["w"][0]


@serves("maxnorm.clip_norm")
def _norm_after(row):
    return _clip(row).norm()


@serves("maxnorm.rows")
def _rows(row):
    return MaxNorm(row["r"]).project({"w": _w(row["W"])}, _now())["w"]


@serves("maxnorm.wrong_axis")
def _axis(row):
    """Ours is per output unit, dim1; the other axis is not what a limit acts on."""
    w = _w(row["W"])
    bounded = MaxNorm(5.0).project({"w": w}, _now())["w"]
    assert torch.allclose(bounded.norm(dim=1), _w([5.0, 5.0]))
    return {"dim0": w.norm(dim=0), "dim1": w.norm(dim=1)}


@serves("clip.global_norm")
def _global_norm(row):
    grads = {str(i): _w(g) for i, g in enumerate(row["g"])}
    clipped = ClipNorm(row["max_norm"]).gradient(lambda _: grads, grads, _now())
    return torch.stack(list(clipped.values()))


def _mixed(x, y, share):
    """Two rows, each the other's partner, mixed with a given share: what Mixup makes of the first."""
    target = Target(_w(y), torch.ones(2, dtype=torch.float64), classes=True)
    swapped = next(s for s in range(50) if _now(step=s).permutation(2, "partner").tolist() == [1, 0])
    with unittest.mock.patch("wellfit.regularizers.mixing.mixing_share", lambda alpha, now: _w(share)):
        mixed, soft = Mixup(1.0).batch(_w(x), target, _now(step=swapped))
    return mixed[0], soft.take(torch.tensor([0]))


@serves("mixup.label")
def _mixed_label(row):
    return _mixed([[0.0], [0.0]], [row["y1"], row["y2"]], row["lam"])[1].values[0]


@serves("mixup.pixel")
def _mixed_pixel(row):
    return _mixed([[row["x1"]], [row["x2"]]], [[1, 0], [0, 1]], row["lam"])[0][0]


@serves("mixup.ce")
def _mixed_loss(row):
    return _mixed([[0.0], [0.0]], [[1, 0], [0, 1]], row["lam"])[1].loss(_w([row["p"]]).log())


def _stopped_at(row):
    part = EarlyStopping(row["patience"], row.get("min_delta", 0.0)).start({"w": torch.zeros(1, dtype=torch.float64)})
    course = []
    for i, loss in enumerate(row["losses"], 1):
        part = part.after_epoch({}, {"loss": _w(float(loss))}, None)
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
