"""What a diagnosis comes to: findings, the changes that were tried, the verdict, and what to do."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from wellfit.diagnosis.checks import CHECKS
from wellfit.errors import IllnessError
from wellfit.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Finding:
    """What came of one check.

    Attributes:
        name: of the check, a key of ``CHECKS``.
        outcome: ``finding``, ``healthy``, ``not_applicable`` or ``undecided``.
        sentence: what was found, or why the check does not apply.
        number: what the rule looks at, in ``unit``.
        interval: (low, high) of the number.
        confirmed: whether an experiment shows it, not the look of a curve.
    """

    name: str
    outcome: str
    sentence: str
    number: float | None = None
    unit: str = ""
    interval: tuple[float, float] | None = None
    confirmed: bool = False

    @property
    def code(self) -> str:
        return CHECKS[self.name].code

    @property
    def severity(self) -> str:
        return CHECKS[self.name].severity if self.outcome == "finding" else "info"

    @property
    def remedies(self) -> tuple[str, ...]:
        return CHECKS[self.name].remedy if self.outcome == "finding" else ()

    @property
    def anchor(self) -> str:
        return CHECKS[self.name].anchor

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code, "name": self.name, "outcome": self.outcome, "severity": self.severity,
            "sentence": self.sentence, "number": _plain(self.number), "unit": self.unit,
            "interval": [_plain(v) for v in self.interval] if self.interval else None,
            "confirmed": self.confirmed, "remedies": list(self.remedies), "anchor": self.anchor,
        }  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Tried:
    """One change of the setting, and what it gained.

    Attributes:
        name: such as ``early_stopping``.
        label: for a person, such as "stopping at epoch 7 of 40".
        gain: of validation loss, mean over rows and seeds; above 0 is better.
        interval: (low, high) of the gain.
        relative: the gain in units of the setting's own validation loss, None where that is not finite.
        relative_interval: the same of the interval.
        fit: how much the loss on training rows fell, in units of the setting's own; above 0 fits more.
        seeds: trainings that it was tried in.
        helps: whether the interval lies above 0 and the gain is large enough to matter.
    """

    name: str
    label: str
    gain: float
    interval: tuple[float, float]
    relative: float | None
    relative_interval: tuple[float, float] | None
    fit: float | None
    seeds: int
    helps: bool

    def told(self) -> str:
        """What the change does to the validation loss, in a sentence."""
        share = self.relative or 0.0
        low, high = self.relative_interval or (math.nan, math.nan)
        if round(100 * share) >= 0:
            return f"{self.label} lowers the validation loss {abs(share):.0%} [{low:.0%}, {high:.0%}]"
        return f"{self.label} does not lower the validation loss: it rises {-share:.0%} [{-high:.0%}, {-low:.0%}]"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "label": self.label, "gain": _plain(self.gain),
            "interval": [_plain(v) for v in self.interval], "relative": _plain(self.relative),
            "relative_interval": [_plain(v) for v in self.relative_interval] if self.relative_interval else None,
            "fit": _plain(self.fit), "seeds": self.seeds, "helps": self.helps,
        }  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What is wrong, how sure that is, and what helps.

    Attributes:
        verdict: one of ``checks.VERDICTS``.
        code: of the primary finding.
        confidence: ``confirmed`` by experiment, or ``suspected``.
        sentence: the verdict for a person.
        findings: every check with its outcome, in the order of the rules.
        variants: the changes that were tried.
        remedies: what to do, first things first.
        not_checked: what could not be looked at, and why.
        layers: per layer its gradients, updates and units, see ``layers.look``.
        calibration: of the validation rows, see ``calibration.calibrated``.
        studies: what the opt-in studies came to, by name.
        measures: sharpness and margins, see ``measures.measures``; to compare trainings by.
        curves: losses of the training itself: ``step`` or ``epoch`` (counted from 1), and ``train`` and ``valid``, a
            list of values for each seed.
        cost: what it took: trainings, member-steps, seconds, and times one training of the setting.
        cure: the remedy as a recipe.
    """

    verdict: str
    code: str
    confidence: str
    sentence: str
    findings: tuple[Finding, ...] = ()
    variants: tuple[Tried, ...] = ()
    remedies: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    layers: tuple[dict[str, Any], ...] = ()
    calibration: dict[str, Any] | None = None
    studies: dict[str, Any] = dataclasses.field(default_factory=dict)
    measures: dict[str, Any] = dataclasses.field(default_factory=dict)
    curves: dict[str, Any] = dataclasses.field(default_factory=dict)
    cost: dict[str, float] = dataclasses.field(default_factory=dict)
    cure: Recipe | None = None

    @property
    def title(self) -> str:
        """``OVERFIT, confirmed (WF021)``; an undecided verdict is nothing more than that."""
        sure = "" if self.verdict == "undecided" else f", {self.confidence}"
        return f"{self.verdict.upper()}{sure} ({self.code})"

    def recipe(self) -> Recipe:
        """The remedy as a recipe to train with, or to start a search from; empty where nothing is to be added."""
        return self.cure if self.cure is not None else Recipe()

    def found(self) -> tuple[Finding, ...]:
        """The checks that found something."""
        return tuple(f for f in self.findings if f.outcome == "finding")

    def fails(self, gate: str) -> bool:
        """Whether the verdict is one that ``--fail-on`` names: WORD or CODE, or WORD:confirmed."""
        word, _, sure = gate.partition(":")
        return word in (self.verdict, self.code) and (not sure or self.confidence == sure)

    def assert_healthy(self) -> None:
        """Raises IllnessError unless the verdict is healthy: a gate for automatic checks."""
        if self.verdict != "healthy":
            raise IllnessError(self.sentence, fix="; ".join(self.remedies[:2]), code=self.code)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, names and numbers; what is not finite is None."""
        return {
            "verdict": self.verdict, "code": self.code, "confidence": self.confidence, "sentence": self.sentence,
            "findings": [f.to_json() for f in self.findings], "variants": [v.to_json() for v in self.variants],
            "remedies": list(self.remedies), "not_checked": list(self.not_checked), "layers": _all_plain(self.layers),
            "calibration": _all_plain(self.calibration), "studies": _all_plain(self.studies),
            "measures": _all_plain(self.measures), "curves": _all_plain(self.curves),
            "cost": _all_plain(self.cost), "recipe": self.cure.to_json() if self.cure is not None else None,
        }  # fmt: skip

    def to_html(self, name: str = "diagnosis") -> str:
        """One self-contained page: verdict, curves, changes, layers, studies; see ``report.diagnosis_page``.

        Args:
            name: what was diagnosed, the page's title.
        """
        from wellfit.report.diagnosis_page import render

        return render(self.to_json(), name)

    def save_page(self, path: str | Path, name: str = "diagnosis") -> None:
        """Write the page; a file that stands there is replaced whole or not at all."""
        from wellfit.files import write_text

        write_text(Path(path), self.to_html(name))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from wellfit.report.notebook import diagnosis_cell

        return diagnosis_cell(self.to_json())

    def __str__(self) -> str:
        return f"{self.title}: {self.sentence}"


def _plain(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _all_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _all_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_all_plain(v) for v in value]
    if isinstance(value, str | bool | int) or value is None:
        return value
    return _plain(float(value))
