"""Schedules: the learning rate over time. Time is counted in epochs, never as a share of a horizon."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob, memory


class CosineSchedule(Regularizer):
    """Lower the learning rate along half a cosine: from its full value to ``floor`` of it, over ``epochs`` epochs.

    rate <- rate * (1 - (1 - floor) * (1 - cos(pi * t)) / 2), t = epoch / epochs up to 1; then it stays at the floor.

    Args:
        epochs: after which the floor is reached, over 0.
        floor: what is left of the rate in the end, as a share; 1 is neutral, 0 to 0.1 is usual.

    Example:
        >>> rates = {"w": torch.tensor(1.0)}
        >>> [round(CosineSchedule(10).rate(rates, Now.at(0, epoch=e))["w"].item(), 2) for e in (0, 5, 10, 20)]
        [1.0, 0.5, 0.0, 0.0]

    Source:
        Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017, arXiv 1608.03983.
    """

    formula = "rate * (floor + (1 - floor) * (1 + cos(pi * min(1, epoch / epochs))) / 2)"
    source = "Loshchilov & Hutter, SGDR, ICLR 2017, arXiv 1608.03983"
    use_when = "the length of training is known"
    avoid_when = "early stopping would end training before the rate is down"
    grade = "A"
    touches = "all"
    epochs: float = knob(30.0, low=5.0, high=200.0, log=True, minimum=0.01)
    floor: float = knob(0.0, low=0.0, high=0.5, neutral=1.0, maximum=1.0)

    def rate(self, rates: Params, now: Now) -> Params:
        passed = (now.epoch.to(torch.float64) / self.epochs).clamp(max=1.0)
        return scaled(rates, half_cosine(passed, self.floor))


class WarmRestarts(Regularizer):
    """Lower the learning rate along half a cosine again and again; each round is ``growth`` times as long.

    At the end of a round the rate jumps back to its full value. The rounds last epochs, epochs * growth,
    epochs * growth ** 2, ... epochs.

    Args:
        epochs: of the first round, over 0.
        growth: each round is so many times as long as the one before, 1 and up; 2 is usual.
        floor: what is left of the rate at the end of a round, as a share; 1 is neutral.

    Example:
        >>> rates, part = {"w": torch.tensor(1.0)}, WarmRestarts(epochs=2)
        >>> [round(part.rate(rates, Now.at(0, epoch=e))["w"].item(), 2) for e in (0, 1, 2, 4, 6)]
        [1.0, 0.5, 1.0, 0.5, 1.0]

    Source:
        Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017, arXiv 1608.03983.
    """

    formula = "a cosine from rate to floor * rate, restarted after epochs, epochs * growth, epochs * growth ** 2, ..."
    source = "Loshchilov & Hutter, SGDR, ICLR 2017, arXiv 1608.03983"
    use_when = "the length of training is open, and any end of a round will do"
    avoid_when = "early stopping: the loss rises after each restart"
    grade = "B"
    touches = "all"
    epochs: float = knob(10.0, low=2.0, high=50.0, log=True, minimum=0.01)
    growth: float = knob(2.0, low=1.0, high=3.0, minimum=1.0)
    floor: float = knob(0.0, low=0.0, high=0.5, neutral=1.0, maximum=1.0)

    def rate(self, rates: Params, now: Now) -> Params:
        rounds = now.epoch.to(torch.float64) / self.epochs
        growth = torch.as_tensor(self.growth, dtype=torch.float64, device=rounds.device)
        same = growth <= 1.0
        more = torch.where(same, 2.0, growth)
        # round i starts at (growth ** i - 1) / (growth - 1); 1e-9 keeps a start that rounding has put below itself
        number = torch.floor(torch.log1p(rounds * (more - 1.0)) / torch.log(more) + 1e-9)
        grown = ((rounds - (more**number - 1.0) / (more - 1.0)) / more**number).clamp(0.0, 1.0)
        return scaled(rates, half_cosine(torch.where(same, rounds - torch.floor(rounds + 1e-9), grown), self.floor))


class SnapshotCycle(Regularizer):
    """Lower the learning rate along half a cosine in rounds of equal length; each round ends in a model of its own.

    rate <- rate * (1 + cos(pi * t)) / 2, t the share of the round that has passed. The models at the ends of rounds
    (``ended``) are what a snapshot ensemble averages.

    Args:
        epochs: of a round, over 0; 10 to 50 is usual.
        floor: what is left of the rate at the end of a round, as a share; 1 is neutral, 0 is the source's.

    Example:
        >>> [int(SnapshotCycle(5).ended(torch.tensor(e))) for e in (0.0, 4.9, 5.0, 12.0)]
        [0, 0, 1, 2]

    Source:
        Huang, Li, Pleiss, Liu, Hopcroft & Weinberger, Snapshot Ensembles: Train 1, Get M for Free, ICLR 2017, arXiv
        1704.00109.
    """

    formula = "rate * (1 + cos(pi * t)) / 2, t = (epoch mod epochs) / epochs"
    source = "Huang, Li, Pleiss, Liu, Hopcroft & Weinberger, Snapshot Ensembles, ICLR 2017, arXiv 1704.00109"
    use_when = "an ensemble is wanted for the price of one training"
    avoid_when = "only one model is kept"
    grade = "B-"
    touches = "all"
    epochs: float = knob(20.0, low=2.0, high=50.0, log=True, minimum=0.01)
    floor: float = knob(0.0, low=0.0, high=0.5, neutral=1.0, maximum=1.0)

    def rate(self, rates: Params, now: Now) -> Params:
        passed = now.epoch.to(torch.float64) / self.epochs - self.ended(now.epoch)
        return scaled(rates, half_cosine(passed.clamp(0.0, 1.0), self.floor))

    def ended(self, epoch: Tensor) -> Tensor:
        """How many rounds have ended by then, () float64."""
        return torch.floor(epoch.to(torch.float64) / self.epochs + 1e-9)  # an end that rounding has put below itself


class WarmUp(Regularizer):
    """Begin with a small learning rate: it rises in a straight line from ``first`` of itself to all, over some epochs.

    Args:
        epochs: of the rise, over 0; 1 to 10 is usual.
        first: share of the rate at the very first step, 0 to 1; 1 is neutral.

    Example:
        >>> rates = {"w": torch.tensor(1.0)}
        >>> [round(WarmUp(2, 0.0).rate(rates, Now.at(0, epoch=e))["w"].item(), 2) for e in (0, 1, 2, 3)]
        [0.0, 0.5, 1.0, 1.0]

    Source:
        Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017, arXiv 1706.02677.
    """

    formula = "rate * (first + (1 - first) * min(1, epoch / epochs))"
    source = "Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017, arXiv 1706.02677"
    use_when = "transformers, large batches, or a loss that jumps in the first steps"
    avoid_when = "the whole training has only a few epochs"
    grade = "A"
    touches = "all"
    epochs: float = knob(2.0, low=0.2, high=10.0, log=True, minimum=0.01)
    first: float = knob(0.01, low=0.0, high=0.5, neutral=1.0, maximum=1.0)

    def rate(self, rates: Params, now: Now) -> Params:
        missing = 1.0 - (now.epoch.to(torch.float64) / self.epochs).clamp(max=1.0)
        return scaled(rates, 1.0 - (1.0 - self.first) * missing)


class ReduceOnPlateau(Regularizer):
    """Lower the learning rate when the validation loss stands still: rate <- rate * factor after ``patience`` waits.

    Better means loss < best * (1 - threshold); NaN is never better. More than ``patience`` evaluations in a row
    without it, and the rate is multiplied by ``factor``, down to ``min_rate``; then ``cooldown`` evaluations are not
    counted. This is torch's ReduceLROnPlateau, count by count; Keras's waits one evaluation less.

    Args:
        patience: evaluations without progress that are borne, 0 and up; infinity is neutral; 3 to 10 is usual.
        factor: what the rate is multiplied by, 0 to 1; 1 is neutral, 0.1 to 0.5 is usual.
        cooldown: evaluations after a reduction that are not counted.
        min_rate: below which no learning rate is brought; one that starts below it stays.
        threshold: the least progress that counts, as a share of the best loss.

    Example:
        >>> part = ReduceOnPlateau(patience=1).start({"w": torch.zeros(1)})
        >>> for loss in (1.0, 1.0, 1.0):
        ...     part = part.after_epoch({}, {"loss": torch.tensor(loss)}, Now.at(0))
        >>> round(part.rate({"w": torch.tensor(1.0)}, Now.at(0))["w"].item(), 2)
        0.1

    Source:
        The rule of halving or dividing the rate on a plateau is folklore; Simonyan & Zisserman, Very Deep
        Convolutional Networks, ICLR 2015, arXiv 1409.1556, section 3.1; counting as in torch.optim.lr_scheduler.
    """

    formula = "rate <- max(rate * factor, min_rate) after more than `patience` evaluations without progress"
    source = (
        "Simonyan & Zisserman, Very Deep Convolutional Networks, ICLR 2015; counting as in torch's ReduceLROnPlateau"
    )
    use_when = "the length of training is open and the validation loss is steady"
    avoid_when = "the validation loss is noisy, or a cosine schedule is in the recipe"
    grade = "A"
    touches = "all"
    patience: float = knob(3.0, low=1.0, high=20.0, log=True, neutral=math.inf)
    factor: float = knob(0.1, low=0.1, high=0.8, neutral=1.0, maximum=1.0)
    cooldown: float = knob(0.0, low=0.0, high=10.0)
    min_rate: float = knob(0.0, low=0.0, high=1e-4)
    threshold: float = knob(1e-4, low=0.0, high=1e-2, maximum=0.99)
    best: Tensor | None = memory()
    waited: Tensor | None = memory()
    resting: Tensor | None = memory()
    scale: Tensor | None = memory()

    def start(self, weights: Params) -> Self:
        like = next(iter(weights.values()), torch.zeros(()))  # under a `where` that matches nothing there are none
        zero = like.new_zeros(())
        return self.remember(best=zero + math.inf, waited=zero, resting=zero.clone(), scale=zero + 1.0)

    def rate(self, rates: Params, now: Now) -> Params:
        if self.scale is None:
            return rates
        # a dial may have come down to neutral since: what was reduced before is then no longer its business
        on = (torch.as_tensor(self.patience) < math.inf) & (torch.as_tensor(self.factor) < 1.0)
        scale = torch.where(on.to(self.scale.device), self.scale, 1.0)
        return {n: rate.minimum((rate * scale).clamp(min=self.min_rate)) for n, rate in rates.items()}

    def after_epoch(self, weights: Params, metrics: Params, now: Now) -> Self:
        loss = metrics["loss"].to(self.best.dtype)
        better = loss < self.best * (1.0 - self.threshold)
        resting = self.resting > 0
        waited = torch.where(better | resting, 0.0, self.waited + 1.0)
        reduce = waited > self.patience
        return self.remember(
            best=torch.where(better, loss, self.best),
            waited=torch.where(reduce, 0.0, waited).to(self.best.dtype),
            resting=torch.where(reduce, self.cooldown, (self.resting - 1.0).clamp(min=0.0)).to(self.best.dtype),
            scale=torch.where(reduce, self.scale * self.factor, self.scale).to(self.best.dtype),
        )


def half_cosine(passed: Tensor, floor: Tensor | float) -> Tensor:
    """From 1 where nothing has passed to ``floor`` where 1 has; exactly 1 wherever the floor is 1."""
    return 1.0 - (1.0 - floor) * (0.5 - 0.5 * torch.cos(math.pi * passed))


def scaled(rates: Params, share: Tensor) -> Params:
    """Every rate times ``share``, in its own dtype."""
    return {n: rate * share.to(rate.dtype) for n, rate in rates.items()}
