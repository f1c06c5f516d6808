"""What a regularizer costs: one training step bare, with each regularizer, and with a cocktail of eight.

    python benchmarks/step.py                 # MLP, ResNet, transformer; some ten minutes on two processors
    python benchmarks/step.py --models mlp --rounds 5
    python benchmarks/step.py --cpu-time      # one thread, seconds of the processor: for a machine that is not quiet

Bare is the fastest of plain torch with a fused Adam on one thread and on all. Beside each of wellfit's steps (the pure
step as a compiled graph, draws included) stands the form that people write by hand in a plain loop. All contenders of a
model take turns, round by round, in one process; a figure is the median over rounds of a block of steps.
Parts: what wellfit's dropout, moving average and untriggered clipping cost beside torch's own.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from step_models import MODELS
from wellfit.draws import Now, Request, member_key, member_turn, shared_draw
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer
from wellfit.regularizers import (
    EMA,
    ClipNorm,
    Dropout,
    ElasticNet,
    GradientNoise,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    WeightNoise,
)
from wellfit.sites import Site
from wellfit.target import Target
from wellfit.training.compiler import in_place
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam

RATE = 1e-3
PARTS: dict[str, Regularizer] = {
    "elastic net": ElasticNet(1e-4, 0.5), "label smoothing": LabelSmoothing(0.1), "mixup": Mixup(0.2),
    "weight noise": WeightNoise(0.01), "gradient noise": GradientNoise(0.01), "clip, triggered": ClipNorm(0.1),
    "max-norm, triggered": MaxNorm(0.5), "EMA": EMA(0.99),
}  # fmt: skip


class Plain:
    """A plain torch loop, with regularizers as people write them by hand."""

    def __init__(self, network: nn.Module, parts: set[str]) -> None:
        self.network, self.parts = network, parts
        self.optimizer = torch.optim.Adam(network.parameters(), lr=RATE, fused=True)
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1 if "label smoothing" in parts else 0.0)
        self.average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.99)) if "EMA" in parts else None

    def step(self, x: Tensor, labels: Tensor) -> None:
        share, partner = 1.0, labels
        if "mixup" in self.parts:
            share = float(torch.distributions.Beta(0.2, 0.2).sample())
            order = torch.randperm(len(x))
            x, partner = share * x + (1 - share) * x[order], labels[order]
        noise = self._shaken() if "weight noise" in self.parts else []
        self.optimizer.zero_grad(set_to_none=True)
        outputs = self.network(x)
        loss = share * self.loss(outputs, labels)
        if "mixup" in self.parts:
            loss = loss + (1 - share) * self.loss(outputs, partner)
        if "elastic net" in self.parts:
            for w in self._weights():
                loss = loss + 1e-4 * (0.5 * w.abs().sum() + 0.25 * (w**2).sum())
        loss.backward()
        self._after(noise)

    def _after(self, noise: list[Tensor]) -> None:
        with torch.no_grad():
            for w, added in zip(self._weights(), noise, strict=False):
                w.sub_(added)
        if "gradient noise" in self.parts:
            for p in self.network.parameters():
                p.grad.add_(torch.randn_like(p.grad) * 0.01)
        if "clip, triggered" in self.parts:
            nn.utils.clip_grad_norm_(self.network.parameters(), 0.1)
        self.optimizer.step()
        if "max-norm, triggered" in self.parts:
            with torch.no_grad():
                for w in self._weights():
                    w.copy_(torch.renorm(w, 2, 0, 0.5))
        if self.average is not None:
            self.average.update_parameters(self.network)

    def _weights(self) -> list[Tensor]:
        return [p for p in self.network.parameters() if p.ndim > 1]

    def _shaken(self) -> list[Tensor]:
        noise = [torch.randn_like(w) * 0.01 for w in self._weights()]
        with torch.no_grad():
            for w, added in zip(self._weights(), noise, strict=True):
                w.add_(added)
        return noise


class Ours:
    """wellfit's step of a single model."""

    def __init__(self, network: nn.Module, parts: set[str], mode: str) -> None:
        recipe = Recipe(*(PARTS[n] for n in parts), silence=["WF-L03", "WF-L40"])
        self.lone = Lone(network, recipe, Adam(), rate=RATE, mode=mode)

    def step(self, x: Tensor, labels: Tensor) -> None:
        values = nn.functional.one_hot(labels, 10).to(x.dtype)
        self.lone.step(x, Target(values, torch.ones(len(x)), classes=True))


_clock = [time.perf_counter]
"""What time is taken by: the wall's, or this process's."""


def timed(call: Callable[[], object], steps: int) -> float:
    """Milliseconds a call."""
    begun = _clock[0]()
    for _ in range(steps):
        call()
    return (_clock[0]() - begun) / steps * 1e3


def medians(calls: dict[str, Callable[[], object]], rounds: int, steps: int) -> dict[str, float]:
    """Milliseconds a call of each, in turn, round by round."""
    for call in calls.values():
        timed(call, 2)
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(timed(call, steps))
    return {name: statistics.median(times) for name, times in found.items()}


def best_threads(network: nn.Module, x: Tensor, labels: Tensor, steps: int) -> int:
    """The number of threads at which the bare step is fastest."""
    rates = {}
    for threads in sorted({1, os.cpu_count() or 1} if _clock[0] is time.perf_counter else {1}):
        torch.set_num_threads(threads)
        plain = Plain(copy.deepcopy(network), set())
        rates[threads] = min(timed(lambda p=plain: p.step(x, labels), steps) for _ in range(4))  # type: ignore[misc]
    best = min(rates, key=lambda t: rates[t])
    torch.set_num_threads(best)
    return best


def compare_model(name: str, rounds: int, steps: int) -> None:
    torch.manual_seed(0)
    build, shape, batch = MODELS[name]
    network, x, labels = build(), torch.randn(batch, *shape), torch.randint(10, (batch,))
    threads = best_threads(network, x, labels, steps)
    cocktail = set(PARTS)
    wanted = {"bare": set(), **{n: {n} for n in PARTS}, "cocktail of eight": cocktail}
    calls: dict[str, Callable[[], object]] = {}
    for label, parts in wanted.items():
        plain, ours = Plain(copy.deepcopy(network), parts), Ours(network, parts, "compiled")
        calls[f"by hand|{label}"] = lambda p=plain: p.step(x, labels)  # type: ignore[misc]
        calls[f"wellfit|{label}"] = lambda o=ours: o.step(x, labels)  # type: ignore[misc]
    figures = medians(calls, rounds, steps)
    bare = figures["by hand|bare"]
    count = sum(p.numel() for p in network.parameters())
    print(f"\n{name}: {count:,} weights, batch {batch}, {threads} threads; bare plain torch {bare:.2f} ms a step")
    print(f"{'':22s}{'by hand':>10s}{'ratio':>8s}{'wellfit':>10s}{'ratio':>8s}{'to own bare':>13s}")
    own = figures["wellfit|bare"]
    for label in wanted:
        hand, ours_ms = figures[f"by hand|{label}"], figures[f"wellfit|{label}"]
        print(
            f"{label:22s}{hand:8.2f}ms{hand / bare:7.2f}x{ours_ms:8.2f}ms{ours_ms / bare:7.2f}x{ours_ms / own:12.2f}x"
        )


def compare_parts(rounds: int, steps: int) -> None:
    """Dropout forward and backward, the moving average, and a clip that does not act, by themselves.

    Ours run as they do inside a step: compiled, the draw made beforehand from step and name and turned by the member's
    key, the average written where it was.
    """
    torch.manual_seed(0)
    network, x = MODELS["mlp"][0](), torch.randn(128, 784)
    h = torch.randn(128, 1024, requires_grad=True)
    theirs, ours, site, moment = nn.Dropout(0.3), Dropout(0.3), Site("hidden", "hidden"), [0]
    upstream, key = torch.ones(128, 1024), member_key(0)
    asked: list[Request] = []
    ours.activation(h, site, {}, dataclasses.replace(Now.at(0), asked=asked))
    (wanted,) = asked

    def inside(h: Tensor, shared: Tensor, step: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
        now = dataclasses.replace(Now.at(0), ready={wanted: (shared, member_turn(wanted, step, key))})
        out, back = torch.func.vjp(lambda h: ours.activation(h, site, {}, now), h)
        return out, *back(upstream)

    values = h.detach()
    step_dropout = torch.compile(make_fx(inside)(values, shared_draw(wanted, 0), torch.tensor(0), upstream))

    def our_dropout() -> None:
        moment[0] += 1
        step_dropout(values, shared_draw(wanted, moment[0]), torch.tensor(moment[0]), upstream)

    network(x).sum().backward()
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    weights = {n: p.detach() for n, p in network.named_parameters()}
    ema, clip = EMA(0.99).start(weights), ClipNorm(1e9)
    grads = {n: p.grad for n, p in network.named_parameters()}
    now = Now.at(100)
    names, olds, news = list(weights), list(ema.average.values()), list(weights.values())

    def averaged(*tensors: Tensor) -> list[Tensor]:
        old, new = (dict(zip(names, half, strict=True)) for half in (tensors[: len(names)], tensors[len(names) :]))
        return list(ema.remember(average=old).after_step(new, now).average.values())

    step_ema = torch.compile(in_place(make_fx(averaged)(*olds, *news), len(olds)))
    step_clip = torch.compile(lambda g: clip.gradient(lambda _: g, g, now))
    figures = medians(
        {
            "dropout, torch": lambda: theirs(h).backward(upstream),
            "dropout, wellfit": our_dropout,
            "EMA, torch": lambda: average.update_parameters(network),
            "EMA, wellfit": lambda: step_ema(*olds, *news),
            "clip, torch": lambda: nn.utils.clip_grad_norm_(network.parameters(), 1e9),
            "clip, wellfit": lambda: step_clip(grads),
        },
        rounds, steps,
    )  # fmt: skip
    print("\nby themselves (MLP's weights; dropout on 128 x 1024, forward and backward, its draw included)")
    for part in ("dropout", "EMA", "clip"):
        torch_ms, our_ms = figures[f"{part}, torch"], figures[f"{part}, wellfit"]
        print(f"{part:10s} torch {torch_ms:.3f} ms, wellfit {our_ms:.3f} ms: {torch_ms / our_ms:.2f}x as fast")


def compare_keras(rounds: int, steps: int) -> None:
    """What ``kernel_regularizer`` costs in Keras on torch: ``train_on_batch`` of the MLP, bare and with L1L2 layers."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ImportError:
        print("\nKeras is not installed: pip install 'wellfit[keras]'")
        return
    keras.utils.set_random_seed(0)
    x, labels = torch.randn(128, 784).numpy(), torch.randint(10, (128,)).numpy()

    def network(regularized: bool) -> keras.Model:
        part = keras.regularizers.L1L2(0.5e-4, 0.25e-4) if regularized else None
        layers = [keras.layers.Dense(512, "relu", kernel_regularizer=part)]
        layers += [keras.layers.Dense(256, "relu", kernel_regularizer=part)]
        layers += [keras.layers.Dense(10, kernel_regularizer=part)]
        model = keras.Sequential([keras.Input((784,)), *layers])
        model.compile(keras.optimizers.Adam(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    bare, penalized = network(False), network(True)
    figures = medians(
        {"bare": lambda: bare.train_on_batch(x, labels), "elastic net": lambda: penalized.train_on_batch(x, labels)},
        rounds, steps,
    )  # fmt: skip
    ratio = figures["elastic net"] / figures["bare"]
    print(f"\nKeras on torch, the same MLP by train_on_batch: bare {figures['bare']:.2f} ms, with kernel_regularizer")
    print(f"(L1L2) {figures['elastic net']:.2f} ms: {ratio:.2f}x of its own bare step")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cpu-time", action="store_true", help="one thread, seconds of the processor")
    asked = parser.parse_args()
    if asked.cpu_time:
        _clock[0] = time.process_time
        torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {os.cpu_count()} processors, medians of {asked.rounds} rounds")
    for name in asked.models:
        compare_model(name, asked.rounds, asked.steps)
    compare_parts(asked.rounds, asked.steps)
    compare_keras(asked.rounds, asked.steps)


if __name__ == "__main__":
    main()
