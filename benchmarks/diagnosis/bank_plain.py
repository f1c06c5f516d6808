"""One plain training of a case in bare torch: what its owner sees, what the peers read, and what it costs."""

from __future__ import annotations

import copy
import dataclasses
import time
from typing import Any

import torch
from bank_case import Case
from bank_data import Drawn, Rows
from bank_nets import maker
from torch import Tensor, nn

from wellfit import EMA, L2, Dropout, EarlyStopping, WeightDecay

KNOWN = (Dropout, WeightDecay, L2, EMA, EarlyStopping)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a training leaves.

    Attributes:
        train, valid: loss after each epoch, on clean rows in eval mode; the first is before training.
        outputs: at the end, on training and validation rows.
        seconds: of steps and validation passes; clean passes over the training rows are not counted.
        steps: taken; fewer than planned after an early stop.
    """

    train: tuple[float, ...]
    valid: tuple[float, ...]
    outputs: tuple[Tensor, Tensor]
    seconds: float
    steps: int


def train(case: Case, drawn: Drawn) -> Seen:
    """Train once, with the case's recipe written out by hand.

    Raises:
        ValueError: where a recipe holds what is not written out here.
    """
    strange = [type(p).__name__ for p in case.recipe if not isinstance(p, KNOWN)]
    if strange:
        raise ValueError(f"{case.name} has {strange[0]}; the plain loop knows {', '.join(k.__name__ for k in KNOWN)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1000 * case.seed)
        return _Loop(case, drawn).run()


class _Loop:
    def __init__(self, case: Case, drawn: Drawn) -> None:
        self.case, self.drawn = case, drawn
        self.model = maker(case, drawn)()
        parts = {type(p): p for p in case.recipe}
        dropout, decay = parts.get(Dropout), parts.get(WeightDecay)
        self.l2, self.ema, self.stop = parts.get(L2), parts.get(EMA), parts.get(EarlyStopping)
        if dropout:
            _drop(self.model, dropout.p)
        matrices = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim < 2]
        strength = decay.strength if decay else 0.0
        groups = [{"params": matrices, "weight_decay": strength}, {"params": others, "weight_decay": 0.0}]
        self.matrices, self.optimizer = matrices, torch.optim.AdamW(groups, case.rate)
        self.criterion = nn.CrossEntropyLoss() if drawn.classes else nn.MSELoss()
        self.average = copy.deepcopy(self.model) if self.ema else self.model

    def run(self) -> Seen:
        history, seconds = [(self._loss(self.drawn.train), self._loss(self.drawn.valid))], 0.0
        best: tuple[float, dict[str, Any]] = (float("inf"), {})
        waited = steps = 0
        for _ in range(self.case.epochs):
            begun = time.perf_counter()
            steps += self._epoch()
            valid = self._loss(self.drawn.valid)
            seconds += time.perf_counter() - begun
            history.append((self._loss(self.drawn.train), valid))
            if self.stop:
                waited = waited + 1 if valid >= best[0] else 0
                best = (valid, copy.deepcopy(self.average.state_dict())) if not waited else best
                if waited > self.stop.patience:
                    break
        if self.stop and best[1]:
            self.average.load_state_dict(best[1])
        train, valid = zip(*history, strict=True)
        outputs = (self._outputs(self.drawn.train), self._outputs(self.drawn.valid))
        return Seen(train, valid, outputs, seconds, steps)

    def _epoch(self) -> int:
        """One pass over the training rows; a last short batch is left out, as wellfit leaves it out."""
        self.model.train()
        rows = self.drawn.train
        batches = [b for b in torch.randperm(len(rows)).split(self.case.batch) if len(b) == self.case.batch]
        for batch in batches:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(rows.x[batch]), rows.y[batch])
            if self.l2:
                loss = loss + self.l2.strength * sum((w * w).sum() for w in self.matrices)
            loss.backward()
            self.optimizer.step()
            if self.ema:
                self._follow(self.ema.decay)
        return len(batches)

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        for old, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
            old.lerp_(new, 1.0 - decay)

    @torch.no_grad()
    def _outputs(self, rows: Rows) -> Tensor:
        self.average.eval()
        return torch.cat([self.average(x) for x in rows.x.split(1024)])

    def _loss(self, rows: Rows) -> float:
        return float(self.criterion(self._outputs(rows), rows.y))


def _drop(model: nn.Module, p: float) -> None:
    """Dropout behind every activation, while the model trains."""

    def act(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return nn.functional.dropout(output, p, module.training)

    for module in model.modules():
        if isinstance(module, (nn.ReLU, nn.Sigmoid, nn.Tanh)):
            module.register_forward_hook(act)
