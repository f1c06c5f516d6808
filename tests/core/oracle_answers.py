"""How penalties, decay and losses answer the rows of tests/data/oracles.json: one function for each kind of row."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wellfit import (
    L1,
    L2,
    Ball,
    ElasticNet,
    GroupLasso,
    LabelSmoothing,
    Recipe,
    WeightDecay,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.regularizers.penalties import soft_threshold
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


def numbers(values) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def moment(rate=0.1, step=0):
    return Now.at(step, 0, rates={"w": numbers(rate)}).of("Part")


@serves("l2.penalty_sum", "l2.penalty_half")
def _l2(row):
    return L2(row["lam"] / (2 if row["half"] else 1)).penalty({"w": numbers(row["w"])}, moment())


@serves("l2.grad")
def _l2_gradient(row):
    return L2(row["lam"]).penalty_gradient({"w": numbers(row["w"])}, moment())["w"]


def _absolute(strength, w):
    """strength * sum |w|, read off the proximal step: a step of rate r moves |w| by r * strength where nothing ends."""
    moved = L1(strength).project({"w": w}, moment(1e-3))["w"]
    return (w * (w - moved)).sum() / 1e-3


@serves("l1.penalty")
def _l1(row):
    return _absolute(row["lam"], numbers(row["w"]))


@serves("l1.grad_at_zero")
def _l1_gradient(row):
    w = numbers(row["w"])
    return (w - L1(row["lam"]).project({"w": w}, moment(1e-3))["w"]) / 1e-3


def _elastic(alpha, ratio, w, half=True):
    """The whole cost: in the proximal form the L1 part is read off the step, and the loss form has to agree."""
    part = ElasticNet(alpha, ratio, half=half)
    moved = part.project({"w": w}, moment(1e-3))["w"]
    whole = part.penalty({"w": w}, moment()) + (w * (w - moved)).sum() / 1e-3
    in_loss = ElasticNet(alpha, ratio, form="loss", half=half).penalty({"w": w}, moment())
    torch.testing.assert_close(whole, in_loss, rtol=0, atol=1e-9)
    return whole


@serves("enet.half", "enet.nohalf")
def _elastic_net(row):
    return _elastic(row["alpha"], row["l1_ratio"], numbers(row["w"]), row["half"])


@serves("enet.grad_half")
def _elastic_net_gradient(row):
    part, w = ElasticNet(row["alpha"], row["l1_ratio"]), numbers(row["w"])
    return part.penalty_gradient({"w": w}, moment())["w"] + (w - part.project({"w": w}, moment(1e-3))["w"]) / 1e-3


@serves("enet.l1_ratio_direction")
def _elastic_net_direction(row):
    return {
        "r=1": _elastic(row["alpha"], 1.0, numbers(row["w"])),
        "r=0_half": _elastic(row["alpha"], 0.0, numbers(row["w"])),
    }


@serves(*(f"mixratio.half.r={r}" for r in ("0", "0.25", "0.5", "0.75", "1")))
def _mix_ratio(row):
    """A weight each for the sums: 15 of |w| alone, 20 of w ** 2 alone."""
    absolute = _elastic(1.0, row["r"], numbers([1.0] * row["A"])) - (1 - row["r"]) / 2 * row["A"]
    square = ElasticNet(1.0, row["r"]).penalty({"w": numbers([math.sqrt(row["B"])])}, moment())
    return absolute + square


@serves(*(f"mixratio.plain.r={r}" for r in ("0", "0.25", "0.5", "0.75", "1")))
def _plain_mix_ratio(row):
    absolute = _elastic(1.0, row["r"], numbers([1.0] * row["A"]), half=False) - (1 - row["r"]) * row["A"]
    square = ElasticNet(1.0, row["r"], half=False).penalty({"w": numbers([math.sqrt(row["B"])])}, moment())
    return absolute + square


@serves(
    *(f"prox.l1({x},{t})" for x, t in (("3.0", "1.0"), ("-3.0", "1.0"), ("0.5", "1.0"), ("1.0", "1.0"), ("0.0", "0.0")))
)
def _proximal(row):
    return soft_threshold(numbers(row["x"]), row["t"])


@serves("prox.l2_half")
def _proximal_l2(row):
    """The backward step x / (1 + t): where w = x - gradient of t / 2 * w ** 2 at w."""
    return _fixed_point(lambda w: L2(row["t"] / 2).penalty_gradient({"w": w}, moment())["w"], numbers(row["x"]))


@serves("prox.enet_half")
def _proximal_elastic(row):
    soft = soft_threshold(numbers(row["x"]), row["t1"])
    return _fixed_point(lambda w: ElasticNet(row["t2"], 0.0).penalty_gradient({"w": w}, moment())["w"], soft)


@serves("prox.group_l2")
def _proximal_group(row):
    """A group of two: the leaf's strength counts sqrt(2) times."""
    part = GroupLasso(row["t"] / math.sqrt(2))
    return part.project({"w": numbers([row["x"]])}, moment(1.0))["w"][0]


@serves("constraint.L2", "constraint.L1", "constraint.EN")
def _within_a_ball(row):
    """Gradient steps on the quadratic, each followed by the projection, until they stand still."""
    kind = "elastic" if "a" in row else "l1" if row is ROWS["constraint.L1"]["inputs"] else "l2"
    ball = Ball(row["r"], row.get("a", 0.5), kind=kind)
    center, curve = numbers(row["c"]), numbers(row["H"])
    w = torch.zeros(2, dtype=torch.float64)
    for _ in range(120):
        w = ball.project({"w": w - 0.2 * curve @ (w - center)}, moment())["w"]
    return w


def _fixed_point(gradient, x):
    w = x
    for _ in range(200):
        w = x - gradient(w)
    return w


@serves("decay.sgd_step_seed003")
def _sgd_step(row):
    w = numbers(row["w"])
    g = row["grad"] + L2(row["lam"]).penalty_gradient({"w": w}, moment())["w"]
    return SGD().update({"w": g}, {"w": w}, {}, moment(row["lr"]))[0]["w"]


@serves("decay.one_step.torch.SGD", "decay.one_step.torch.Adam", "decay.one_step.optax.add_decayed_weights>adam")
def _coupled(row, optimizer=None):
    """Coupled decay is L2 of half the strength, in the gradient."""
    w = numbers(row["w"])
    g = row["grad"] + L2(row["weight_decay"] / 2).penalty_gradient({"w": w}, moment())["w"]
    optimizer = optimizer or Adam()
    return optimizer.update({"w": g}, {"w": w}, optimizer.start({"w": w}), moment(row["lr"]))[0]["w"]


SERVED["decay.one_step.torch.SGD"] = lambda row: _coupled(row, SGD())


@serves(
    "decay.one_step.torch.AdamW",
    "decay.one_step.optax.adamw",
    *(f"decay.one_step.keras.{n}" for n in ("SGD", "Adam", "AdamW")),
)
def _decoupled(row):
    now, optimizer = moment(row["lr"]), Adam()
    w = WeightDecay(row["weight_decay"]).shrink({"w": numbers(row["w"])}, now)
    return optimizer.update({"w": numbers(row["grad"])}, w, optimizer.start(w), now)[0]["w"]


@serves("decay.double_count_seed000")
def _twice(row):
    both = Recipe(L2(row["loss_l2"]), ElasticNet(row["adam_weight_decay"], 0.0))
    return both.penalty_gradient({"w": numbers([[row["w"]]])}, moment())["w"].squeeze()


@serves("ce.correct")
def _cross_entropy(row):
    y = numbers(row["y"])
    return Target(y, torch.ones(len(y), dtype=torch.float64), classes=True).loss(numbers(row["p"]).log())


@serves("ce.seed000_wrong")
def _wrong_cross_entropy(row):
    """What the source does; we do K times as much."""
    return _cross_entropy(row) / len(row["y"][0])


@serves("label_smoothing")
def _smoothing(row):
    hard = torch.nn.functional.one_hot(torch.tensor([row["label"]]), row["K"]).double()
    target = Target(hard, torch.ones(1), classes=True)
    return LabelSmoothing(row["eps"]).batch(torch.zeros(1, 1), target, moment())[1].values[0]
