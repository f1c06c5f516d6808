"""Before and after: every model of the run side by side, and how far the choice flattered itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.drawing import data_table, figure, pair, scrolling, swatch
from wellfit.report.forest import score_plot
from wellfit.report.html import Html, h
from wellfit.report.lanes import Lane, forest, lanes_axis
from wellfit.report.numbers import between, decimals_for, duration, fixed, measured, number, percent, signed
from wellfit.report.own_model import compared_words, is_own_model
from wellfit.report.record import (
    Row,
    find,
    list_at,
    mapping_at,
    metric_label,
    metric_name,
    number_at,
    rows,
    score_decimals,
    secondary_names,
    text_at,
    texts_at,
)

NO_REFIT = "refit on all rows"
"""What a run names among what it skipped where the model handed over was not fitted again."""


def before_after(record: Mapping[str, Any]) -> Html | None:
    """Every model in a table and in a drawing."""
    lines = rows(record)
    if not lines:
        return None
    metric = metric_name(record)
    lower = find(record, "metric", "lower_is_better") is not False
    how = h("details", h("summary", "How they were compared"), h("p", _how(record)))
    figures = pair([score_plot(lines, metric, lower), _curse(record, metric)])
    lead = h("p", _lead(record))
    return h("section", h("h2", "Before and after"), lead, _table(lines, metric), how, figures, id="comparison")


def _lead(record: Mapping[str, Any]) -> str:
    if is_own_model(record) and text_at(record, "compared_on", limit=20) != "test":
        return "All models on the same validation rows, which also chose: there were no untouched rows."
    reads = number_at(record, "test_reads")
    times = {None: "read at the end", 1: "read once, at the end", 0: "not read"}.get(
        reads, f"read {reads or 0:,.0f} times"
    )
    return f"All models on the same test rows, {times}. Brackets are 95 % intervals over rows and seeds."


def _how(record: Mapping[str, Any]) -> str:
    if is_own_model(record):
        return compared_words(record)
    alone = NO_REFIT in texts_at(record, "plan", "skipped")
    who = "The simple models were" if alone else "The simple models and the model that is handed over were"
    left = "The model that is handed over was not fitted again for want of time. " if alone else ""
    both = "The ensemble's networks were trained both ways, as many as there was time for. "
    more = both if list_at(record, "plan", "reached", "ensemble") else ""
    return (
        f"{who} fitted on all rows but the test's; the networks "
        f"on the training rows, their best epoch chosen on the validation rows. {more}{left}The control is the same "
        "network without regularization at its best validation epoch, with a search of its learning rate of its own. "
        "Gains are paired: both models on the same rows and seeds."
    )


def _table(lines: list[Row], metric: str) -> Html:
    others, decimals = secondary_names(lines, metric), score_decimals(lines)
    sizes = any(row.parameters is not None for row in lines)
    head = ["model", metric, "gain over before", *map(metric_label, others)]
    head += [*(["parameters"] if sizes else []), "seeds", "time"]
    cells = [h("th", name, scope="col") for name in head]
    body = [_line(row, others, decimals, sizes) for row in lines]
    return scrolling(h("table", h("thead", h("tr", cells)), h("tbody", body), class_="models"), "All models")


def _line(row: Row, others: list[str], decimals: int, sizes: bool) -> Html:
    name = h("th", swatch(row.family), row.label, h("small", row.detail) if row.detail else None, scope="row")
    gain = row.gain
    share = f" ({percent(gain.relative)})" if gain is not None and gain.relative is not None else ""
    interval = between(gain.low, gain.high, decimals, sign=True) if gain else ""
    cells = [
        h("td", fixed(row.score, decimals), h("small", between(row.low, row.high, decimals))),
        h("td", signed(gain.value, decimals) + share if gain else "", h("small", interval) if interval else None),
        *[h("td", measured(row.secondary[other]) if other in row.secondary else "") for other in others],
        h("td", "" if row.parameters is None else number(row.parameters, 9)) if sizes else None,
        h("td", "" if row.seeds is None else row.seeds),
        h("td", "" if row.seconds is None else duration(row.seconds)),
    ]
    marks = {"control_best": "before", "cocktail": "chosen", "refit": "chosen", "ensemble": "chosen"}
    return h("tr", name, cells, class_=marks.get(row.key))


_CURSE = (("at_selection", "when it was selected", "control"), ("rescored", "re-scored on fresh seeds", "cocktail"),
          ("test", "on the test rows", "ensemble"))  # fmt: skip


def _curse(record: Mapping[str, Any], metric: str) -> Html | None:
    """How much of the score at selection was luck; None where that was not looked at."""
    facts = mapping_at(record, "curse")
    known = [(number_at(facts, key), told, family) for key, told, family in _CURSE]
    shown = [(value, told, family) for value, told, family in known if value is not None]
    if len(shown) < 2:
        return None
    metric = text_at(facts, "metric", limit=40) or metric
    decimals = decimals_for([value for value, _, _ in shown], [])
    lanes = [Lane(told, value, None, None, fixed(value, decimals), family) for value, told, family in shown]
    drawing = forest(lanes, lanes_axis(lanes), "winner's curse", metric)
    caption = [
        h("strong", "The winner's curse. "),
        "The best of many is partly the luckiest: the score that chose it flatters it. Re-scoring took fresh seeds ",
        "and rows that the search had never scored on." if find(facts, "fresh_rows") is True else (
            "on the same validation rows."
        ),
    ]
    return figure(drawing, caption, data_table(("score", metric), [(lane.label, lane.told) for lane in lanes]))
