"""The first half of the page: what came out. Verdict, comparison, curves, recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wellfit.report.curves import curve_plots
from wellfit.report.drawing import data_table, marker
from wellfit.report.forest import gain_plot, score_plot
from wellfit.report.html import Html, h, preformatted
from wellfit.report.numbers import between, count, duration, fixed, measured, number, percent, signed
from wellfit.report.own_model import compared_words, is_own_model
from wellfit.report.record import (
    REFERENCE,
    Part,
    Row,
    find,
    list_at,
    mapping_at,
    metric_label,
    number_at,
    parts,
    rows,
    score_decimals,
    secondary_names,
    text_at,
    texts_at,
)

LEVELS = {
    "helps": ("good", "Regularization helps", "M9 16.5L14 21.5L23.5 11"),
    "nothing helps": ("flat", "Nothing helps", "M9.5 13H22.5M9.5 19H22.5"),
    "baseline wins": ("bad", "A baseline wins", "M16 8.5V18M16 22.9V23.1"),
    "partial": ("part", "Partial result", "M16 9V16L20.5 19.5"),
}
"""A verdict's level to its color, its words and the sign in its badge."""

_SHOWN_RECIPE = 60_000  # letters of JSON: a recipe of every regularizer has 20,000


def level_of(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """Color, words and sign of the verdict; a run that did not finish is partial."""
    level = text_at(record, "verdict", "level", limit=40).lower()
    return LEVELS.get(level, LEVELS["partial"])


def metric_name(record: Mapping[str, Any]) -> str:
    return text_at(record, "metric", "name", limit=40) or "score"


def verdict(record: Mapping[str, Any]) -> Html:
    """The answer, how sure it is, and what was not looked at."""
    tone, title, sign = level_of(record)
    _, sentence = verdict_words(record)
    disc = h("circle", cx=16, cy=16, r=15, class_="badge-fill")
    badge = h("svg", disc, h("path", d=sign, class_="badge-line"), viewBox="0 0 32 32", aria_hidden="true")
    unchecked = texts_at(record, "verdict", "not_checked")
    more = h("div", _told_list("Not checked", unchecked), class_="more") if unchecked else None
    head = h("div", h("h2", title), h("p", sentence, class_="sentence"))
    box = h("div", h("div", badge, class_=f"level-{tone}"), head, more, class_="verdict")
    return h("section", box, _facts(record), id="verdict")


def verdict_words(record: Mapping[str, Any]) -> tuple[str, str]:
    """The verdict's title and its sentence, which does not say the title again."""
    _, title, _ = level_of(record)
    sentence = text_at(record, "verdict", "sentence", limit=1000) or _no_verdict(record)
    rest = sentence[len(title) :].lstrip(" :.,;")
    if sentence.casefold().startswith(title.casefold()) and rest:
        sentence = rest[:1].upper() + rest[1:]
    return title, sentence


def _no_verdict(record: Mapping[str, Any]) -> str:
    status = text_at(record, "status", limit=30)
    told = {
        "interrupted": "The run was interrupted; this page shows what was known until then.",
        "budget": "The budget ended before the comparison did; this page shows what there is.",
        "failed": "The run failed; this page shows what was known until then.",
    }
    return told.get(status, "There is no verdict yet.")


def _told_list(title: str, entries: list[str]) -> list[Html]:
    if len(entries) == 1:
        return [h("p", f"{title}: {entries[0]}")]
    return [h("p", f"{title}:"), h("ul", [h("li", entry) for entry in entries[:20]], class_="plain")]


def _facts(record: Mapping[str, Any]) -> Html:
    """The few numbers that one looks for first."""
    data, metric = mapping_at(record, "data"), metric_name(record)
    lines = rows(record)
    decimals = score_decimals(lines)
    by_key = {row.key: row for row in lines}
    facts = [_score_fact(by_key.get(key), metric, decimals) for key in ("ensemble", "refit", "cocktail")]
    facts = [*[fact for fact in facts if fact is not None][:1], _score_fact(by_key.get(REFERENCE), metric, decimals)]
    shape = count(number_at(data, "features"), "column")
    facts.append(_fact("rows" if is_own_model(record) else "table", count(number_at(data, "rows"), "row"), shape))
    facts.append(_fact("time", duration(number_at(record, "seconds")), _budget(record)))
    return h("dl", facts, class_="facts")


def _score_fact(row: Row | None, metric: str, decimals: int) -> Html | None:
    if row is None or row.score is None:
        return None
    return _fact(f"{metric}, {row.label}", fixed(row.score, decimals), between(row.low, row.high, decimals))


def _fact(name: str, value: str, more: str) -> Html | None:
    return (
        h("div", h("dt", name), h("dd", value, h("small", more) if more else None)) if value and value != "-" else None
    )


def _budget(record: Mapping[str, Any]) -> str:
    budget = text_at(record, "options", "budget", limit=40)
    return f"budget {budget}" if budget else ""


def comparison(record: Mapping[str, Any]) -> Html | None:
    """Every model in a table and in two drawings."""
    lines = rows(record)
    if not lines:
        return None
    metric = metric_name(record)
    lower = find(record, "metric", "lower_is_better") is not False
    figures = [score_plot(lines, metric, lower), gain_plot(lines, metric)]
    told = (
        "All models were scored on the same test rows, which were read "
        f"{_times(number_at(record, 'test_reads'))}. The simple models and the model that is handed over were fitted "
        "on all other rows; the networks between them on the training rows, their best epoch chosen on the validation "
        "rows. Brackets are 95 % intervals over rows and seeds; the control is "
        "the same network without regularization at its best validation epoch."
    )
    told = compared_words(record) if is_own_model(record) else told
    heading = h("h2", "Comparison")
    return h("section", heading, h("p", told), _table(lines, metric), h("div", figures, class_="pair"), id="comparison")


def _times(reads: float | None) -> str:
    return {None: "at the end", 1: "once, at the end", 0: "not at all"}.get(reads, f"{reads or 0:,.0f} times")


def _table(lines: list[Row], metric: str) -> Html:
    others, decimals = secondary_names(lines, metric), score_decimals(lines)
    head = ["model", metric, "gain over control", *map(metric_label, others), "seeds", "time"]
    cells = [h("th", name, scope="col") for name in head]
    body = [_line(row, others, decimals) for row in lines]
    table = h("table", h("thead", h("tr", cells)), h("tbody", body), class_="models")
    return h("div", table, class_="scroll", tabindex="0", role="region", aria_label="Comparison of all models")


def _line(row: Row, others: list[str], decimals: int) -> Html:
    mark = h("svg", marker(row.family, 8, 8), viewBox="0 0 16 16", class_="swatch", aria_hidden="true")
    name = h("th", mark, row.label, h("small", row.detail) if row.detail else None, scope="row")
    gain = row.gain
    share = f" ({percent(gain.relative)})" if gain is not None and gain.relative is not None else ""
    interval = between(gain.low, gain.high, decimals, sign=True) if gain else ""
    cells = [
        h("td", fixed(row.score, decimals), h("small", between(row.low, row.high, decimals))),
        h("td", signed(gain.value, decimals) + share if gain else "", h("small", interval) if interval else None),
        *[h("td", measured(row.secondary[other]) if other in row.secondary else "") for other in others],
        h("td", "" if row.seeds is None else row.seeds),
        h(
            "td",
            "" if row.seconds is None else duration(row.seconds),
        ),
    ]
    return h("tr", name, cells, class_="chosen" if row.family in ("cocktail", "ensemble") else None)


def curves(record: Mapping[str, Any]) -> Html | None:
    """Training and validation loss with and without the recipe."""
    figures = curve_plots(record)
    if not figures:
        return None
    told = "Where the validation line rises while the training line falls, the network learns its rows by heart."
    return h("section", h("h2", "Learning curves"), h("p", told), h("div", figures, class_="pair"), id="curves")


def recipe(record: Mapping[str, Any]) -> Html | None:
    """The regularizers that were found, what each does, and the file's content."""
    form = mapping_at(record, "recipe")
    if not form:
        return None
    found = parts(form)
    told = None if found else h("p", "The recipe is empty: no regularizer earned its place.")
    settings = [f"{name} {number(value)}" for name, value in _settings(form)]
    more = h("p", f"Trained with {', '.join(settings)}.") if settings else None
    content = json.dumps(form, indent=2, default=str, allow_nan=True)[:_SHOWN_RECIPE]
    file = h("details", h("summary", "recipe.json"), preformatted(content))
    return h("section", h("h2", "Recipe"), told, _recipe_table(found), more, _lint(record), file, id="recipe")


def _lint(record: Mapping[str, Any]) -> list[Html]:
    """What the lint says of the recipe, each rule with its code and its way out."""
    found = [f for f in list_at(record, "lint") if isinstance(f, Mapping)]
    words = [" ".join(text_at(f, key) for key in ("code", "level", "sentence", "fix")) for f in found]
    return _told_list("The lint", words) if words else []


def _settings(form: Mapping[str, Any]) -> list[tuple[str, float]]:
    values = [
        (text_at({"name": name}, "name", limit=40), number_at(form, "settings", name))
        for name in mapping_at(form, "settings")
    ]
    return [(name.replace("_", " "), value) for name, value in values if value is not None]


def _recipe_table(found: list[Part]) -> Html | None:
    if not found:
        return None
    facts = _sentences()
    body = [(part.name, settings_of(part), *facts.get(part.name, ("", ""))) for part in found[:100]]
    return data_table(("regularizer", "strength", "what it does", "formula"), body, "The regularizers", "wordy")


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
