"""What earned its place: the recipe, what each part is worth, and what is left without the useless ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.codes import code
from wellfit.report.drawing import FIGURE, WIDTH, bar, data_table, figure, fitting, line, pair, svg, words
from wellfit.report.html import Html, h
from wellfit.report.lanes import Lane, forest, lanes_axis
from wellfit.report.numbers import between, decimals_for, number, percent, signed
from wellfit.report.record import (
    Part,
    ends_of,
    find,
    mapping_at,
    mappings_at,
    metric_name,
    number_at,
    parts,
    text_at,
    texts_at,
)
from wellfit.report.verdict import told_list

_MOST = 40
_NEVER = "Which parts earn their place was not tested in this run; wellfit ablate takes out one at a time and tells."


def earned(record: Mapping[str, Any]) -> Html | None:
    """The recipe's parts with their worth; None where there is no recipe."""
    form = mapping_at(record, "recipe")
    facts = mapping_at(record, "ablation")
    if not form and not facts:
        return None
    found = parts(form)
    empty = h("p", "The recipe is empty: no regularizer earned its place.") if form and not found else None
    body = [
        empty, _recipe_table(found, facts), _settings_line(form), _lint(record),
        pair([_ablation_plot(record, facts), _importance_plot(record)]), _lean(facts),
        h("p", _NEVER, class_="quiet") if not facts and found else None,
    ]  # fmt: skip
    return h("section", h("h2", "What earned its place"), body, id="recipe")


def _worth(facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Each part's row of the ablation."""
    return {text_at(row, "name", limit=60): row for row in mappings_at(facts, "rows")[:_MOST]}


def _recipe_table(found: list[Part], ablation: Mapping[str, Any]) -> Html | None:
    """The regularizers; a part that the leaner recipe does without is struck out, and its row says so in words too."""
    if not found:
        return None
    worth, lean = _worth(ablation), mapping_at(ablation, "lean")
    without = texts_at(lean, "dropped") if lean.get("non_inferior") is True else []
    facts, body = _sentences(), []
    for part in found[:100]:
        row = worth.get(part.name)
        shown = row is not None and row.get("kept") is not False
        dropped = part.name in without
        name = h("del", part.name) if dropped else part.name
        word = "not tested" if row is None else "no: dropped" if dropped else "yes" if shown else "not shown"
        body.append((name, *([word] if worth else []), settings_of(part), *facts.get(part.name, ("", ""))))
    head = ("regularizer", *(["earned"] if worth else []), "strength", "what it does", "formula")
    return data_table(head, body, "The regularizers", "wordy")


def _settings_line(form: Mapping[str, Any]) -> Html | None:
    values = {name: number_at(form, "settings", name) for name in mapping_at(form, "settings")}
    told = [
        f"{text_at({'x': name}, 'x', limit=40).replace('_', ' ')} {number(value)}"
        for name, value in values.items()
        if value is not None
    ]
    return h("p", f"Trained with {', '.join(told)}.") if told else None


def _lint(record: Mapping[str, Any]) -> Html | None:
    """What the lint says of the recipe, each rule with its code and its way out."""
    told = []
    for entry in mappings_at(record, "lint")[:_MOST]:
        rest = " ".join(text_at(entry, key) for key in ("level", "sentence", "fix"))
        told.append([code(text_at(entry, "code", limit=20)), " ", rest])
    return told_list("The lint", told)


def _ablation_plot(record: Mapping[str, Any], facts: Mapping[str, Any]) -> Html | None:
    """What is lost without each part, with intervals; None where no ablation was made."""
    shown = [row for row in mappings_at(facts, "rows") if number_at(row, "gain") is not None][:_MOST]
    if not shown:
        return None
    ends = [ends_of(find(row, "interval")) for row in shown]
    spans = [high - low for low, high in ends if low is not None and high is not None]
    decimals = decimals_for([number_at(row, "gain") for row in shown], spans)
    lanes = [_lane(row, low, high, decimals) for row, (low, high) in zip(shown, ends, strict=True)]
    metric = text_at(facts, "metric", limit=40) or metric_name(record)
    title = f"what the part gains in {metric}"
    drawing = forest(lanes, lanes_axis(lanes, 0.0), "what each part is worth", title, 0.0)
    seeds, margin = number_at(facts, "seeds"), number_at(facts, "margin")
    caption = "The recipe without one part at a time, paired; p is adjusted for how many were tried (Holm). "
    caption += f"{seeds:,.0f} seeds. " if seeds is not None else ""
    caption += "Struck out is what was not shown to earn its place. " if any(lane.gone for lane in lanes) else ""
    if margin is not None:
        caption += f"A leaner recipe may lose {number(margin, 2)} at most{_share_told(facts)}."
    body = [
        (
            lane.label, lane.told, between(lane.low, lane.high, decimals, sign=True), number(number_at(row, "p")),
            number(number_at(row, "p_adjusted")), "no" if lane.gone else "yes",
        )
        for lane, row in zip(lanes, shown, strict=True)
    ]  # fmt: skip
    head = ("without", "worth", "interval", "p", "p, adjusted", "kept")
    return figure(drawing, [h("strong", "Ablation. "), caption], data_table(head, body))


def _share_told(facts: Mapping[str, Any]) -> str:
    share = number_at(facts, "margin_share")
    return "" if share is None else f", {percent(share, 0)} of what the whole recipe gains"


def _lane(row: Mapping[str, Any], low: float | None, high: float | None, decimals: int) -> Lane:
    gone = row.get("kept") is False
    label = text_at(row, "label", limit=80) or text_at(row, "name", limit=80)
    value, p = number_at(row, "gain") or 0.0, number_at(row, "p_adjusted")
    told = signed(value, decimals) + (f", p {number(p, 2)}" if p is not None else "")
    return Lane(label, value, low, high, told, "baseline" if gone else "cocktail", bold=not gone, gone=gone)


def _lean(facts: Mapping[str, Any]) -> Html | None:
    """What is left without the useless parts, and whether it is as good."""
    lean = mapping_at(facts, "lean")
    reason = text_at(facts, "why_no_lean", limit=200)
    if not lean:
        return h("p", f"There is no leaner recipe: {reason}.", class_="quiet") if reason else None
    dropped = texts_at(lean, "dropped")
    names = ", ".join(settings_told(part) for part in parts(mapping_at(lean, "recipe"))) or "no regularizer at all"
    difference, (low, high) = number_at(lean, "difference"), ends_of(find(lean, "interval"))
    good = lean.get("non_inferior") is True
    told = f"Without {', '.join(dropped)}" if dropped else "With every part"
    if difference is not None:
        ends = f" [{number(low)}, {number(high)}]" if low is not None and high is not None else ""
        rows = "on fresh rows and seeds" if find(facts, "fresh") is True else "under fresh seeds"
        told += f" the score differs by {number(difference)}{ends} {rows}"
    told += ": not worse than the margin allows, so recipe.lean.json holds it." if good else (
        ": that it is not worse could not be shown, so the whole recipe stays."
    )  # fmt: skip
    head = h("p", h("strong", "Lean recipe"), h("span", "non-inferior" if good else "not shown", class_="tag"))
    return h("div", head, h("p", names), h("p", told, class_="quiet"), class_="finding")


def _importance_plot(record: Mapping[str, Any]) -> Html | None:
    """How much of the search's ups and downs each knob explains; None where that is not known."""
    shown = [e for e in mappings_at(record, "importance") if number_at(e, "share") is not None][:_MOST]
    if not shown:
        return None
    shares = [min(max(number_at(e, "share") or 0.0, 0.0), 1.0) for e in shown]
    tops = [ends_of(find(e, "interval"))[1] or 0.0 for e in shown]
    top = max(*shares, *tops, 1e-9)
    drawn: list[Any] = []
    for place, (entry, share) in enumerate(zip(shown, shares, strict=True)):
        drawn += _importance(entry, share, top, 34.0 * place)
    caption = [
        h("strong", "Importance. "),
        "How much of the differences between all candidates of the search each setting explains; thin lines are "
        "intervals. A part can matter in the search and still not earn its place in the end.",
    ]
    body = [(text_at(e, "name", limit=80), percent(s), _range(e)) for e, s in zip(shown, shares, strict=True)]
    drawing = svg(34 * len(shown), "importance over the search", drawn)
    return figure(drawing, caption, data_table(("setting", "share", "interval"), body))


def _importance(entry: Mapping[str, Any], share: float, top: float, y: float) -> list[Html]:
    low, high = ends_of(find(entry, "interval"))
    full = WIDTH - 2
    told = percent(share)
    drawn = [
        words(1, y + 12, fitting(text_at(entry, "name", limit=80), WIDTH - 12 - FIGURE * len(told))),
        words(WIDTH - 1, y + 12, told, "small", "end"),
        bar(1, y + 18, full * share / top, 8),
    ]
    if low is not None and high is not None:
        drawn.append(line(1 + full * max(low, 0.0) / top, y + 22, 1 + full * min(high, top) / top, y + 22, "whisker"))
    return drawn


def _range(entry: Mapping[str, Any]) -> str:
    low, high = ends_of(find(entry, "interval"))
    return "" if low is None or high is None else f"{percent(low)} to {percent(high)}"


def settings_told(part: Part) -> str:
    return f"{part.name} {settings_of(part)}".strip()


def settings_of(part: Part) -> str:
    """A part's knobs in one line: ``p 0.18``."""
    knobs = [
        f"{name.replace('_', ' ')} {value if isinstance(value, str) else _strength(value)}"
        for name, value in part.knobs.items()
    ]
    return ", ".join(knobs) + (f" ({part.remark})" if part.remark else "")


def _strength(value: float | None) -> str:
    """JSON has no infinity: a knob that is null stands there, and switches its part off."""
    return "infinite" if value is None else number(value)


def _sentences() -> dict[str, tuple[str, str]]:
    from wellfit.report.regularizer_facts import every

    return {facts.name: (facts.short, facts.formula) for facts in every()}
