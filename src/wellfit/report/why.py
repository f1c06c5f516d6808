"""Why: each change of the setting as an experiment, and the checks behind the diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.codes import code
from wellfit.report.drawing import data_table, figure
from wellfit.report.forest import gain_plot
from wellfit.report.html import Html, h
from wellfit.report.lanes import Lane, forest, lanes_axis
from wellfit.report.numbers import between, count, decimals_for, number, percent, signed
from wellfit.report.plain import plain
from wellfit.report.record import (
    ends_of,
    find,
    list_at,
    mapping_at,
    mappings_at,
    metric_name,
    number_at,
    rows,
    text_at,
    texts_at,
)
from wellfit.report.verdict import diagnosis_title, told_list

_MOST = 40  # variants or findings of each outcome
_QUIET = {"healthy": "found healthy", "undecided": "undecided", "not_applicable": "not applicable"}
"""Outcomes that are no finding, and how a list of them is called."""

_NEVER = (
    "No diagnosis by experiment was made in this run: shown is what the run itself compared. "
    "wellfit diagnose tries one change at a time and says which of them the network lacks."
)


def why(record: Mapping[str, Any]) -> Html | None:
    """What each change gains, and what was looked at; None where nothing is known."""
    found = mapping_at(record, "diagnosis")
    plot = variant_plot(found) or gain_plot(rows(record), metric_name(record))
    checks = _findings(found)
    if plot is None and not checks:
        return None
    lead = h("p", _lead(found))
    studies = told_list("Studies", _studies(found))
    unchecked = told_list("Not checked", _unchecked(found))
    grid = h("div", plot, h("div", checks), class_="pair") if plot and checks else [plot, checks]
    return h("section", h("h2", "Why"), lead, grid, studies, unchecked, id="why")


def _lead(found: Mapping[str, Any]) -> str:
    if not found:
        return _NEVER
    title, variants = diagnosis_title(found), mappings_at(found, "variants")
    helped = [text_at(v, "label", limit=60) or text_at(v, "name", limit=60) for v in variants if v.get("helps") is True]
    told = f"{title}. " if title else ""
    if not variants:
        return f"{told}No experiment was run: what follows is read from the curves alone."
    told += f"The same training with one change each, {count(len(variants), 'experiment')}: "
    return told + (f"it is helped by {', '.join(helped[:5])}." if helped else "none of them helps beyond chance.")


def variant_plot(found: Mapping[str, Any]) -> Html | None:
    """The forest plot of the counterfactual experiments; None where there were none."""
    shown = [v for v in mappings_at(found, "variants") if number_at(v, "gain") is not None][:_MOST]
    if not shown:
        return None
    ends = [ends_of(find(v, "interval")) for v in shown]
    spans = [high - low for low, high in ends if low is not None and high is not None]
    decimals = decimals_for([number_at(v, "gain") for v in shown], spans)
    lanes = [_lane(v, low, high, decimals) for v, (low, high) in zip(shown, ends, strict=True)]
    drawing = forest(lanes, lanes_axis(lanes, 0.0), "what each change gains", "gain in validation loss", 0.0)
    caption = (
        "One change each, gain against the setting as it was; right of the dashed line is better. A triangle marks "
        "a change that helps beyond chance, a circle one that may do nothing."
    )
    body = [
        (
            lane.label,
            lane.told,
            between(lane.low, lane.high, decimals, sign=True),
            _share(v),
            number(number_at(v, "seeds")),
        )
        for lane, v in zip(lanes, shown, strict=True)
    ]
    return figure(drawing, caption, data_table(("change", "gain", "interval", "relative", "seeds"), body))


def _lane(variant: Mapping[str, Any], low: float | None, high: float | None, decimals: int) -> Lane:
    helps = variant.get("helps") is True
    label = text_at(variant, "label", limit=80) or text_at(variant, "name", limit=80)
    value = number_at(variant, "gain") or 0.0
    share = _share(variant)
    told = f"{signed(value, decimals)} ({share})" if share else signed(value, decimals)
    return Lane(label, value, low, high, told, "cocktail" if helps else "baseline", bold=helps)


def _share(variant: Mapping[str, Any]) -> str:
    relative = number_at(variant, "relative")
    return "" if relative is None else percent(relative, 0)


def _studies(found: Mapping[str, Any]) -> list[str]:
    """What each study that was asked for came to."""
    studies = list(mapping_at(found, "studies").items())[:_MOST]
    told = [(plain(name, 40), text_at(facts, "sentence")) for name, facts in studies]
    return [f"{name}: {sentence}" for name, sentence in told if sentence]


def _unchecked(found: Mapping[str, Any]) -> list[str]:
    """What could not be looked at, each with its reason where that was given."""
    told = texts_at(found, "not_checked")
    for entry in list_at(found, "not_checked"):
        if isinstance(entry, Mapping):
            told.append(" ".join(part for part in (text_at(entry, "check"), text_at(entry, "reason")) if part))
    return [sentence for sentence in told if sentence]


def _findings(found: Mapping[str, Any]) -> list[Html]:
    """The checks that found something in full, those that found nothing as a list that opens."""
    entries = mappings_at(found, "findings")
    ill = [e for e in entries if text_at(e, "outcome", limit=40) not in _QUIET]
    drawn = [_finding(entry) for entry in ill[:_MOST]]
    for outcome, told in _QUIET.items():
        alike = [e for e in entries if text_at(e, "outcome", limit=40) == outcome]
        if alike:
            listed = [h("li", code(text_at(e, "code", limit=20)), " ", text_at(e, "sentence")) for e in alike[:_MOST]]
            title = h("summary", f"{count(len(alike), 'check')} {told}")
            drawn.append(h("details", title, h("ul", listed, class_="plain")))
    return drawn


def _finding(entry: Mapping[str, Any]) -> Html:
    """One finding: code and severity, what it is, the number, what to do."""
    severity = text_at(entry, "severity", limit=20)
    head = h("p", code(text_at(entry, "code", limit=20)), h("span", severity, class_="tag") if severity else None)
    figure_told = _number(entry)
    remedies = [_remedy(r) for r in list_at(entry, "remedies")[:8]]
    return h(
        "div", head, h("p", text_at(entry, "sentence", limit=600)),
        h("p", figure_told, class_="quiet") if figure_told else None,
        h("p", h("strong", "Remedies: "), "; ".join(filter(None, remedies)), class_="quiet") if any(remedies) else None,
        class_="finding",
    )  # fmt: skip


def _remedy(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return text_at(entry, "sentence", limit=200) or text_at(entry, "name", limit=200)
    return text_at({"x": entry}, "x", limit=200)


def _number(entry: Mapping[str, Any]) -> str:
    value = number_at(entry, "number")
    if value is None:
        return ""
    low, high = ends_of(find(entry, "interval"))
    ends = f" [{number(low)}, {number(high)}]" if low is not None and high is not None else ""
    return f"{number(value)}{ends} {text_at(entry, 'unit', limit=60)}".strip()
