"""Claims about penalties, dropout, noise and stopping in networks, on four tables with ten splits each."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from claims_setup import (
    RATE,
    STEPS,
    TABLES,
    Array,
    Claim,
    Finding,
    Outcome,
    chosen,
    gain,
    interval,
    net,
    percent,
    plain_interval,
    spread_out,
    table,
    train,
    verdict,
)
from wellfit import Recipe
from wellfit.regularizers import (
    L1,
    L2,
    ActivationNoise,
    BatchNorm,
    Dropout,
    ElasticNet,
    GradientNoise,
    InputNoise,
    MaxNorm,
    Mixup,
    WeightDecay,
    WeightNoise,
)

LAMBDAS = (1e-4, 1e-3, 1e-2)
RATES_OF_DROPOUT = (0.1, 0.3, 0.5)
STDS = (0.05, 0.2, 0.5)
METHODS: dict[str, list[Recipe]] = {
    "none": [Recipe()],
    "L1": [Recipe(L1(s)) for s in LAMBDAS],
    "L2": [Recipe(L2(s)) for s in LAMBDAS],
    "elastic net": [Recipe(ElasticNet(s)) for s in LAMBDAS],
    "weight decay": [Recipe(WeightDecay(s)) for s in (0.03, 0.3, 3.0)],
    "dropout": [Recipe(Dropout(p)) for p in RATES_OF_DROPOUT],
    "batch norm": [Recipe(BatchNorm())],
    "mixup": [Recipe(Mixup(a)) for a in (0.1, 0.3, 1.0)],
    "input noise": [Recipe(InputNoise(s)) for s in STDS],
    "weight noise": [Recipe(WeightNoise(s)) for s in (0.01, 0.03, 0.1)],
    "activation noise": [Recipe(ActivationNoise(s)) for s in (0.1, 0.3, 1.0)],
    "gradient noise": [Recipe(GradientNoise(s)) for s in (0.01, 0.03, 0.1)],
    "max-norm": [Recipe(MaxNorm(r)) for r in (0.7, 1.5, 3.0)],
    "dropout + max-norm": [
        Recipe(Dropout(p), MaxNorm(r)) for p, r in itertools.product(RATES_OF_DROPOUT, (0.7, 1.5, 3.0))
    ],
    "dropout + L2": [Recipe(Dropout(p), L2(s)) for p, s in itertools.product(RATES_OF_DROPOUT, LAMBDAS)],
    "dropout + L2 + batch norm": [
        Recipe(Dropout(p), L2(s), BatchNorm()) for p, s in itertools.product(RATES_OF_DROPOUT, LAMBDAS)
    ],
    "dropout + batch norm": [Recipe(Dropout(p), BatchNorm()) for p in RATES_OF_DROPOUT],
}
"""What is compared: each method's strengths, spaced so that they span the range that its class names as usual."""


@functools.cache
def outcomes(method: str, name: str) -> dict[str, Outcome]:
    arms = {f"{method} {i}": (recipe, RATE) for i, recipe in enumerate(METHODS[method])}
    return train(table(name), arms)


def score(methods: tuple[str, ...], name: str, what: str = "best") -> Array:
    """(splits,) test loss of these methods on a table, the strength chosen on validation rows."""
    found = {key: value for m in methods for key, value in outcomes(m, name).items()}
    return chosen(found, list(found), what)


def gains(method: str, against: tuple[str, ...] = ("none",), what: str = "best") -> dict[str, Array]:
    return {name: gain(score((method,), name, what), score(against, name, what)) for name in TABLES}


def beats(method: str, *against: str) -> Finding:
    """A method beside others, all with their best epoch; and without early stopping, which is where it came from."""
    rivals = against or ("none",)
    stopped, run_out = gains(method, rivals), gains(method, rivals, "last")
    late = percent(np.mean(list(run_out.values()), axis=0))
    return Finding(f"{spread_out(stopped)}. Without early stopping on either side: mean {late}", verdict(stopped))


def dropout_range() -> Finding:
    rates = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
    best = {}
    for name in TABLES:
        found = train(table(name), {str(p): (Recipe(Dropout(p)), RATE) for p in rates})
        best[name] = float(min(found, key=lambda p: np.log(found[p].best).mean()))
    inside = sum(0.2 <= p <= 0.5 for p in best.values())
    words = {len(best): "held", 0: "did not hold"}
    shown = ", ".join(f"{n} {p:g}" for n, p in best.items())
    return Finding(f"best of {rates}: {shown}", words.get(inside, "held in part"))


def small_net() -> Finding:
    arms = {"none": (Recipe(), RATE), "half": (Recipe(Dropout(0.5)), RATE)}

    test, fit = {}, {}
    for name in TABLES:
        found = train(table(name), arms, net(table(name), 8, 3))
        test[name] = gain(found["none"].best, found["half"].best)
        fit[name] = gain(found["none"].train_last, found["half"].train_last)
    figure = f"test loss without it is lower by {spread_out(test)}; training loss lower by {spread_out(fit)}"
    return Finding(figure, verdict(test))


def dropout_rows_and_depth() -> Finding:
    arms = {"none": (Recipe(), RATE), "some": (Recipe(Dropout(0.3)), RATE)}

    few, many, shallow, deep = (
        _gain_of(train(table("digits", rows), arms, net(table("digits"), 64, depth), steps=1200, every=60))
        for rows, depth in ((100, 2), (1200, 2), (200, 1), (200, 4))
    )
    figure = (
        f"digits, gain of p = 0.3: 100 rows {percent(few)}, 1,200 rows {percent(many)}; "
        f"200 rows, 1 layer {percent(shallow)}, 4 layers {percent(deep)}"
    )
    more_rows, more_layers = interval(few - many)[1] > 0, interval(deep - shallow)[1] > 0
    words = {2: "held", 1: "held in part", 0: "did not hold"}
    return Finding(figure, words[more_rows + more_layers])


def _gain_of(found: dict[str, Outcome]) -> Array:
    return gain(found["some"].best, found["none"].best)


def stopping() -> Finding:
    found = {name: outcomes("none", name)["none 0"] for name in TABLES}
    better = {name: gain(o.best, o.last) for name, o in found.items()}
    return Finding(spread_out(better), verdict(better))


def stopping_saves() -> Finding:
    """Patience 5 on the histories that are there: where it would have stopped, and what it would have missed."""
    shares, missed = {}, {}
    for name in TABLES:
        history = outcomes("none", name)["none 0"].history
        losses = np.stack([valid for _, _, valid in history])
        stops = np.array([_stop(column) for column in losses.T])
        shares[name] = (stops + 1) / len(losses)
        missed[name] = np.array([c[: s + 1].min() / c.min() - 1.0 for c, s in zip(losses.T, stops, strict=True)])
    share, lost = (np.mean(list(v.values()), axis=0) for v in (shares, missed))
    each = ", ".join(f"{n} {interval(s)[0]:.2f}" for n, s in shares.items())
    figure = f"share of the {STEPS} steps taken: mean {plain_interval(share, 2)} ({each}); validation loss missed: "
    return Finding(f"{figure}{100 * interval(lost)[0]:.2f}%", "held" if interval(share)[2] < 1 else "did not hold")


def _stop(losses: Array, patience: int = 5) -> int:
    best, waited = np.inf, 0
    for place, loss in enumerate(losses):
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == patience:
            return place
    return len(losses) - 1


def combined() -> Finding:
    singles = ("L2", "dropout", "batch norm", "none")
    both = gains("dropout + L2", singles)
    three = gains("dropout + L2 + batch norm", singles)
    figure = f"dropout + L2 + early stopping: {spread_out(both)}. With batch norm as well: {spread_out(three)}"
    verdicts = {verdict(both), verdict(three)}
    return Finding(figure, verdicts.pop() if len(verdicts) == 1 else "held in part")


def need_for_dropout() -> Finding:
    alone = gains("dropout")
    beside = gains("dropout + batch norm", ("batch norm",))
    less = {name: alone[name] - beside[name] for name in TABLES}
    figure = f"gain of dropout without batch norm: {spread_out(alone)}; with it: {spread_out(beside)}"
    return Finding(figure, verdict(less))


def weight_noise_one() -> Finding:
    worse = {}
    for name in TABLES:
        found = train(table(name), {"1": (Recipe(WeightNoise(1.0)), RATE)})
        worse[name] = gain(found["1"].best, outcomes("none", name)["none 0"].best)
    return Finding(spread_out(worse), verdict(worse))


def l2_against_l1() -> Finding:
    return beats("L2", "L1")


GAIN = "test loss against the same net without it; strength and epoch of both chosen on validation rows"
CLAIMS = [
    Claim("dropout", "0 1 2 3 4", "Dropout lowers the error on rows not seen", GAIN, lambda: beats("dropout")),
    Claim("dropout-range", "2 3 4", "Good rates for hidden layers lie between 0.2 and 0.5 (the texts' default: 0.5)",
          "rate of the least mean test loss among seven, each table", dropout_range),
    Claim("dropout-small-net", "4", "In a small net much dropout makes it underfit",
          "3 layers of 8 units, rate 0.5 against none", small_net),
    Claim("dropout-rows-depth", "4", "Dropout pays with few rows and with many dense layers",
          "digits, p = 0.3: gain with 100 against 1,200 rows, and with 4 layers against 1; 1,200 steps",
          dropout_rows_and_depth),
    Claim("max-norm-dropout", "4", "Max-norm belongs beside dropout: together they do better than dropout alone",
          GAIN.replace("without it", "with dropout alone"), lambda: beats("dropout + max-norm", "dropout")),
    Claim("max-norm", "4", "A hard limit on weights acts more effectively than decay",
          GAIN.replace("without it", "with weight decay"), lambda: beats("max-norm", "weight decay")),
    Claim("l2-net", "0 2 3 4", "L2 / weight decay lowers the error on rows not seen", GAIN, lambda: beats("L2")),
    Claim("l1-net", "0 1 2 4", "L1 lowers the error on rows not seen", GAIN, lambda: beats("L1")),
    Claim("l2-over-l1", "2", "In deep nets L2 is to be preferred to L1", GAIN.replace("without it", "with L1"),
          l2_against_l1),
    Claim("elastic-net-net", "4", "Elastic net is not worth using in networks (the text says it is not used there)",
          "how much lower the loss of L1 or L2, the better one by validation, is than elastic net's",
          lambda: _reversed(gains("elastic net", ("L1", "L2")))),
    Claim("early-stopping", "0 1 2 4", "Early stopping lowers the error on rows not seen",
          "test loss of the best epoch by validation against the last step, same trainings", stopping),
    Claim("early-stopping-saves", "2 4", "Early stopping saves computation that is not needed",
          "patience 5 evaluations of 30 steps each: the share of the steps that it takes", stopping_saves),
    Claim("combined", "0 1 2 3", "Several techniques together do better than any of them alone",
          "test loss against the best single one of L2, dropout, batch norm and none by validation", combined),
    Claim("batch-norm-dropout", "2 3 4", "Batch norm makes dropout less needed",
          "gain of dropout in a net without batch norm minus its gain in a net with it", need_for_dropout),
    Claim("batch-norm-generalizes", "0 1 2 3 4", "Batch norm regularizes by itself", GAIN, lambda: beats("batch norm")),
    Claim("input-noise", "4", "Noise on the inputs helps", GAIN, lambda: beats("input noise")),
    Claim("weight-noise", "4", "Noise on the weights helps", GAIN, lambda: beats("weight noise")),
    Claim("weight-noise-1", "4", "The strength that is shown for it, a standard deviation of 1, regularizes",
          "WeightNoise(1.0), drawn afresh each step, against none", weight_noise_one),
    Claim("activation-noise", "4", "Noise before the activation helps", GAIN, lambda: beats("activation noise")),
    Claim("gradient-noise", "4", "Noise on the gradients leads out of sharp minima", f"only by its use: {GAIN}",
          lambda: beats("gradient noise")),
    Claim("mixup", "4", "Mixup of rows and labels lowers the error on rows not seen", GAIN, lambda: beats("mixup")),
]  # fmt: skip


def _reversed(found: dict[str, Array]) -> Finding:
    turned = {name: -g for name, g in found.items()}
    return Finding(spread_out(turned), verdict(turned))
