"""The numbers that decide, each with where it comes from."""

from __future__ import annotations

import dataclasses
from typing import Any

from wellfit.errors import UsageError


def _limit(value: float, source: str) -> Any:
    return dataclasses.field(default=value, metadata={"source": source})


@dataclasses.dataclass(frozen=True)
class Limits:
    """Thresholds of every rule; ``Limits(gain=0.1)`` overrides one, ``Limits.sources()`` says where each comes from.

    None of them was chosen on the planted cases that the diagnosis is judged by: they come from the literature, or
    from digits and synthetic data.
    """

    level: float = _limit(0.99, "confidence of every interval that decides: ten changes are tried at once")
    gain: float = _limit(0.15, "least share of the validation loss that a change has to gain; digits")
    floor: float = _limit(0.01, "least gain as a share of the loss of guessing: a loss near 0 halves by chance")
    gap: float = _limit(0.01, "least gap of the metric whose interval counts")
    large_gap: float = _limit(0.1, "gap of the metric from which curves alone raise suspicion; skore warns from 0.03")
    rise: float = _limit(0.05, "rise of the validation loss over its least that curves alone call overfitting")
    initial: float = _limit(0.5, "how far the first loss may lie from that of guessing, as a share; Karpathy 2019")
    one_batch: float = _limit(0.1, "loss that one batch must get under in 200 steps, in units of guessing; Karpathy")
    diverged: float = _limit(3.0, "loss in units of the first; Tuning Playbook")
    update: float = _limit(0.1, "median change of a weight in one step in units of its layer; healthy is about 0.001")
    spikes: float = _limit(3, "training losses far above their neighbors; Tuning Playbook")
    spike: float = _limit(10.0, "median absolute deviations that make a spike; Tuning Playbook")
    dead: float = _limit(0.4, "share of dead units in a layer; digits: healthy 0 to .2, collapsed .8 to .9")
    saturated: float = _limit(0.5, "share of values at the bounds of tanh or sigmoid in a layer")
    vanishing: float = _limit(1e-4, "least over largest gradient / weight of layers; digits .1, 6 sigmoid layers 2e-6")
    guessing: float = _limit(0.9, "training loss in units of guessing from which nothing has been learned")
    progress: float = _limit(0.02, "share of all progress made in the last tenth of the epochs; Tuning Playbook")
    large_loss: float = _limit(0.1, "validation loss in units of guessing below which a gap is no illness; digits")
    fitted: float = _limit(0.1, "training loss in units of guessing below which training rows count as fitted")
    interpolated: float = _limit(0.01, "training loss in units of guessing of rows fitted to the last; Nakkiran")
    apart: float = _limit(0.3, "share of the validation loss taken by a gap that rules out underfitting; digits")
    easier: float = _limit(0.05, "share by which a change lowers the training loss that counts as fitting more")
    halved: float = _limit(0.25, "share of the loss at half of the data that the other half took away; digits")
    mislabeled: float = _limit(0.02, "error of the surest quarter of held-out rows; 0 on clean digits")
    spread: float = _limit(0.5, "error of the surest held-out rows over that of all; logistic targets: 0.4 or less")
    duplicates: float = _limit(0.01, "share of validation rows that are training rows; deepchecks warns from any")
    near: float = _limit(
        0.02, "distance in units of the usual one to a neighbor that makes a near copy; digits, made numbers"
    )
    temperature: float = _limit(1.1, "temperature from which a model counts as too sure")
    scale: float = _limit(
        30.0, "standard deviation of inputs, or 1 over it, that is far from standardized; synthetic data"
    )
    class_gap: float = _limit(
        0.2, "accuracy by which a class lies below the others; digits: healthy nets stay under 0.15"
    )
    rare: float = _limit(0.4, "rows of a rare class in units of an even share: 20 of 100 of two classes")
    noise: float = _limit(0.05, "standard deviation of the curve about its running median; Tuning Playbook")
    rows: float = _limit(50, "validation rows below which no health is certified: a fixed gap rule errs in 16.7 %")
    seeds: float = _limit(3, "seeds of every change")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
                raise UsageError(
                    f"the limit {field.name} is {value!r}; a number above 0 is allowed.",
                    fix=f"The default is {field.default}.",
                    code="WF-G01",
                )

    @classmethod
    def sources(cls) -> dict[str, str]:
        """Where each number comes from."""
        return {f.name: f.metadata["source"] for f in dataclasses.fields(cls)}
