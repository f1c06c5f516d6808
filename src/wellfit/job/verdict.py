"""The verdict: what the comparison says of what is handed over, in a few sentences, with its level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wellfit.job.metrics import Metric, figure
from wellfit.job.phases import Finalist
from wellfit.job.plan import full_steps
from wellfit.job.stage import Stage

_RECIPES = {
    "cocktail": "the best cocktail", "single": "the best single regularizer", "early_stopping": "early stopping alone",
}  # fmt: skip
_ENOUGH = 0.5  # of the steps that a full training takes at least: with fewer, that nothing helps says nothing
_DELIVERED = {"refit": "alone", "ensemble": "as the ensemble, which predictions come from by default"}


def verdict(records: Sequence[Mapping[str, Any]], metric: Metric, chosen: str, brief: str = "") -> dict[str, Any]:
    """What the comparison says.

    Args:
        records: of ``comparison``.
        metric: that decides.
        chosen: key of the finalist whose recipe is handed over; the verdict speaks of it, and where that is the network
            without regularization, of the best recipe that was not taken.
        brief: why trainings were too short to say anything, see ``too_brief``.
    """
    by_key = {str(r["key"]): r for r in records}
    base = by_key.get("control_best")
    about = next((k for k in (chosen, "cocktail", "single", "early_stopping") if k in _RECIPES and k in by_key), None)
    if base is None or about is None or by_key[about].get("gain") is None:
        missing = "no network without regularization" if base is None else "no recipe"
        told = f"Nothing can be compared: {missing} was trained to predictions that are numbers."
        return {"level": "partial", "sentence": told, "not_checked": []}
    if chosen in _RECIPES and chosen not in by_key:
        left = f"{_RECIPES[chosen].capitalize()}, which was chosen, has predictions that are no numbers."
        brief = f"{left} {brief}".strip()
    level, sentence = _of_recipe(by_key[about], base, metric, _RECIPES[about], chosen)
    level, told = _of_delivered(by_key, base, level)
    sentence += told
    level, told = _of_baselines(by_key, level)
    sentence += told
    if brief:
        level, sentence = "too short" if level == "nothing helps" else level, f"{sentence} {brief}"
    about = "ensemble" if level == "ensemble helps" else about
    return {"level": level, "sentence": sentence, "about": about, "not_checked": []}


def _of_recipe(
    row: Mapping[str, Any], base: Mapping[str, Any], metric: Metric, name: str, chosen: str
) -> tuple[str, str]:
    low, high = row["gain"]["interval"]
    figures = f"{figure(base['score'])} without regularization, {figure(row['score'])} with {name}: {_told(row, base)}"
    if not math.isfinite(low):
        return "partial", f"The test rows are one group: nothing can be told of others. {metric.name} {figures}."
    if chosen == "control":
        return "nothing helps", f"No recipe was ahead on validation rows, so none is taken: {metric.name} {figures}."
    if low > 0:
        return "helps", f"Regularization helps: {metric.name} {figures}."
    if high < 0:
        return "nothing helps", f"Regularization hurts here: {metric.name} {figures}."
    return "nothing helps", f"No gain of {name} that could be told from chance: {metric.name} {figures}."


def _of_delivered(by_key: Mapping[str, Mapping[str, Any]], base: Mapping[str, Any], level: str) -> tuple[str, str]:
    """How the networks that are handed over do: fitted on more rows, or several together, they may gain by that."""
    rows = [(by_key[k], how) for k, how in _DELIVERED.items() if k in by_key and by_key[k].get("gain")]
    if not rows:
        return level, ""
    told = ", ".join(f"{figure(row['score'])} {how} ({_told(row, base)})" for row, how in rows)
    if level == "nothing helps" and by_key.get("ensemble", {}).get("gain", {}).get("interval", [0.0])[0] > 0:
        level = "ensemble helps"
    return level, f" Handed over: {told}."


def _of_baselines(by_key: Mapping[str, Mapping[str, Any]], level: str) -> tuple[str, str]:
    """If a simpler model is ahead of the best network, the verdict says so, and whether that could be chance."""
    winner = next((r for r in by_key.values() if r.get("lead") and r["lead"]["value"] > 0), None)
    if winner is None:
        return level, ""
    best = by_key[winner["lead"]["against"]]
    figures = f"{figure(winner['score'])} against {figure(best['score'])} ({best['label']})"
    if winner["lead"]["interval"][0] > 0:
        return "baseline wins", f" But {winner['label']} is ahead of every network here: {figures}."
    return level, f" The {winner['label']} baseline is ahead by what could be chance: {figures}."


def _told(row: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """``+6.2 % [+4.4, +8.0]`` of the base's score; the gain itself where that score is 0."""
    value, (low, high), score = row["gain"]["value"], row["gain"]["interval"], abs(base["score"])
    ends = [f"{100 * end / score:+.1f}" if score else f"{end:+.3g}" for end in (low, high)]
    told = f"{100 * value / score:+.1f} %" if score else f"{value:+.3g}"
    return f"{told} [{', '.join(ends)}]" if math.isfinite(low) else told


def too_brief(stage: Stage, finalists: Sequence[Finalist]) -> str:
    """A sentence where even the longest trainings were too short for a verdict; else nothing."""
    least = full_steps(stage.material.fewest, stage.plan.batch)[0]
    reached = max(e.step for f in finalists for e in f.entrants)
    if reached >= _ENOUGH * least:
        return ""
    return f"Trainings had {reached:,.0f} steps, where {least:,} would be worth the name: give more time."


def stopped_verdict(status: str) -> dict[str, Any]:
    """What a run that ended early can say."""
    why = {"interrupted": "The run was stopped", "budget": "The budget ended"}.get(status, "The run ended early")
    return {"level": "partial", "sentence": f"{why} before the comparison; this is the best so far.", "not_checked": []}


def untested_verdict() -> dict[str, Any]:
    return {"level": "partial", "sentence": "There are no test rows: nothing was proved.", "not_checked": []}
