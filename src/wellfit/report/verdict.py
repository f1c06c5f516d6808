"""The first thing on the page: the answer, how sure it is, what it was before and is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.codes import code
from wellfit.report.drawing import swatch
from wellfit.report.html import Html, h
from wellfit.report.numbers import between, count, duration, fixed, percent, signed
from wellfit.report.own_model import is_own_model
from wellfit.report.record import (
    REFERENCE,
    Row,
    mapping_at,
    metric_name,
    number_at,
    rows,
    score_decimals,
    text_at,
    texts_at,
)

LEVELS = {
    "helps": ("good", "Regularization helps", "M9 16.5L14 21.5L23.5 11"),
    "ensemble helps": ("good", "An ensemble helps", "M9 16.5L14 21.5L23.5 11"),
    "nothing helps": ("flat", "Nothing helps", "M9.5 13H22.5M9.5 19H22.5"),
    "baseline wins": ("bad", "A baseline wins", "M16 8.5V18M16 22.9V23.1"),
    "too short": ("part", "Too short to tell", "M16 9V16L20.5 19.5"),
    "running": ("part", "Still running", "M16 9V16L20.5 19.5"),
    "nothing trained": ("part", "Nothing was trained", "M11.5 16H20.5"),
    "partial": ("part", "Partial result", "M16 9V16L20.5 19.5"),
}
"""A verdict's level to its color, its words and the sign in its badge."""

_AFTER = ("cocktail", "single", "refit", "ensemble")
"""What stands for the recipe where the verdict names no row; what is handed over was fitted on more rows."""


def level_of(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """Color, words and sign of the verdict; a run that did not finish is partial."""
    level = text_at(record, "verdict", "level", limit=40).lower()
    level = level or ("running" if text_at(record, "status", limit=30) == "running" else "")
    return LEVELS.get(level, LEVELS["partial"])


def verdict(record: Mapping[str, Any]) -> Html:
    """The answer, the two numbers that it rests on, the diagnosis, and what was not looked at."""
    tone, title, sign = level_of(record)
    box = answer_box(tone, sign, title, verdict_words(record)[1])
    unchecked = texts_at(record, "verdict", "not_checked")
    more = told_list("Not checked in this run", unchecked) if unchecked else None
    return h("section", box, _swing(record), _diagnosis(record), _facts(record), more, id="verdict")


def answer_box(tone: str, sign: str, title: Any, sentence: str) -> Html:
    """The answer in a colored box, with a sign for those who do not see colors."""
    disc = h("circle", cx=16, cy=16, r=15, class_="badge-fill")
    badge = h("svg", disc, h("path", d=sign, class_="badge-line"), viewBox="0 0 32 32", aria_hidden="true")
    head = h("div", h("h2", title), h("p", sentence, class_="sentence"))
    return h("div", h("div", badge, class_="badge"), head, class_=f"verdict level-{tone}")


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
        "running": "The comparison comes at the end; this page shows what is known so far.",
        "interrupted": "The run was interrupted; this page shows what was known until then.",
        "budget": "The budget ended before the comparison did; this page shows what there is.",
        "failed": "The run failed; this page shows what was known until then.",
    }
    return told.get(status, "There is no verdict yet.")


def told_list(title: str, entries: list[Any], limit: int = 20) -> Html | None:
    """A few sentences under a word; the first ``limit`` of them."""
    if not entries:
        return None
    if len(entries) == 1:
        return h("p", h("strong", f"{title}: "), entries[0], class_="quiet")
    rest = [h("li", f"and {len(entries) - limit} more")] if len(entries) > limit else []
    told = [h("li", entry) for entry in entries[:limit]]
    return h("div", h("p", h("strong", f"{title}:")), h("ul", told, rest, class_="plain"), class_="quiet")


def _swing(record: Mapping[str, Any]) -> Html | None:
    """Before, after and the difference, in large figures."""
    lines = rows(record)
    by_key = {row.key: row for row in lines if row.score is not None}
    before = by_key.get(REFERENCE)
    about = text_at(record, "verdict", "about", limit=40)
    after = next((by_key[key] for key in (about, *_AFTER) if key in by_key), None)
    if before is None or after is None:
        return None
    decimals, metric = score_decimals(lines), metric_name(record)
    cells = [_score(before, f"{metric} before", decimals), _score(after, f"{metric} after", decimals)]
    return h("dl", cells, _gain(after, decimals), class_="swing")


def _score(row: Row, name: str, decimals: int) -> Html:
    told = [h("small", part) for part in (between(row.low, row.high, decimals), row.label) if part]
    return h("div", h("dt", swatch(row.family), name), h("dd", h("b", fixed(row.score, decimals)), told))


def _gain(row: Row, decimals: int) -> Html | None:
    gain = row.gain
    if gain is None:
        return None
    sure = gain.low is not None and gain.low > 0
    tone = "good" if sure else "bad" if gain.high is not None and gain.high < 0 else "flat"
    words = "better, beyond chance" if sure else "worse, beyond chance" if tone == "bad" else "could be chance"
    value = percent(gain.relative) if gain.relative is not None else signed(gain.value, decimals)
    value = f"+{value}" if gain.relative is not None and gain.relative > 0 else value
    told = " ".join(part for part in (signed(gain.value, decimals), _ends(row, decimals)) if part)
    figure = h("dd", h("b", value, class_=f"level-{tone}"), h("small", told), h("small", words))
    return h("div", h("dt", "gain over before, paired"), figure)


def _ends(row: Row, decimals: int) -> str:
    return between(row.gain.low, row.gain.high, decimals, sign=True) if row.gain else ""


def diagnosis_title(found: Mapping[str, Any]) -> str:
    """``Overfit, confirmed``; what is undecided is nothing more."""
    name = text_at(found, "verdict", limit=60).replace("_", " ")
    sure = text_at(found, "confidence", limit=30) if name != "undecided" else ""
    return ", ".join(part for part in (f"{name[:1].upper()}{name[1:]}", sure) if part)


def _diagnosis(record: Mapping[str, Any]) -> Html | None:
    """What ails the network, in one line; the experiments stand further below."""
    found = mapping_at(record, "diagnosis")
    if not text_at(found, "verdict"):
        return None
    name = text_at(found, "code", limit=20)
    head = h("p", h("strong", diagnosis_title(found)), " ", code(name) if name else None)
    sentence = text_at(found, "sentence", limit=600)
    return h("div", head, h("p", sentence) if sentence else None, class_="aside")


def _facts(record: Mapping[str, Any]) -> Html:
    """The few further numbers that one looks for first."""
    data = mapping_at(record, "data")
    shape = count(number_at(data, "features"), "column")
    reads = number_at(record, "test_reads")
    facts = [
        _fact("rows" if is_own_model(record) else "table", count(number_at(data, "rows"), "row"), shape),
        _fact("tried", count(number_at(record, "search", "members"), "candidate"), _seeds(record)),
        _fact("time", duration(number_at(record, "seconds")), _budget(record)),
        _fact("test rows read", {None: "", 1: "once"}.get(reads, count(reads, "time")), ""),
    ]
    return h("dl", [fact for fact in facts if fact is not None], class_="facts")


def _seeds(record: Mapping[str, Any]) -> str:
    most = max((row.seeds for row in rows(record) if row.seeds is not None), default=0)
    return f"the best again on {most} seeds" if most > 1 else ""


def _fact(name: str, value: str, more: str) -> Html | None:
    if not value or value == "-":
        return None
    return h("div", h("dt", name), h("dd", value, h("small", more) if more else None))


def _budget(record: Mapping[str, Any]) -> str:
    budget = text_at(record, "options", "budget", limit=40)
    return f"of a budget of {budget}" if budget else ""
