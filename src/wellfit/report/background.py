"""The second half of the page: how the result came about. Data, search, how to repeat it, glossary."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from wellfit.report.drawing import data_table
from wellfit.report.effort import candidate_plot, effort_words, phase_plot, rung_table
from wellfit.report.glossary import TERMS
from wellfit.report.html import Html, h, preformatted
from wellfit.report.numbers import count, number, percent
from wellfit.report.own_model import call_of, is_own_model
from wellfit.report.plain import plain
from wellfit.report.record import find, finite, list_at, mapping_at, number_at, text_at, texts_at

_COLUMNS = 200
_CLASSES = 30
_NOTES = 60
_LINES = 60


def data(record: Mapping[str, Any]) -> Html | None:
    """The table, how it was split, what was found in it; never a row of it."""
    facts = mapping_at(record, "data")
    if not facts:
        return None
    lines = [
        ("model" if is_own_model(record) else "file", text_at(facts, "file", limit=120)),
        ("rows", number(number_at(facts, "rows"), 12) if "rows" in facts else ""),
        ("columns", _columns_told(facts)),
        ("target", f"{text_at(facts, 'target', limit=120)} ({text_at(facts, 'task', limit=40)})".strip()),
        ("split", _split_told(facts)),
        ("hash", text_at(facts, "hash", limit=100)),
    ]
    return h("section", h("h2", "Data"), pairs(lines), _notes(facts), _classes(facts), _column_table(facts), id="data")


def pairs(lines: list[tuple[str, Any]]) -> Html:
    """Names and values side by side; those without a value are left out."""
    return h("dl", [[h("dt", name), h("dd", value)] for name, value in lines if value], class_="lines")


def _columns_told(facts: Mapping[str, Any]) -> str:
    features, encoded = number_at(facts, "features"), number_at(facts, "encoded")
    told = count(features, "feature")
    return f"{told}, {encoded:,.0f} inputs once encoded" if told and encoded is not None else told


def _split_told(facts: Mapping[str, Any]) -> str:
    sizes = [(name, number_at(facts, f"{key}_rows")) for name, key in _PARTS]
    told = ", ".join(f"{value:,.0f} {name}" for name, value in sizes if value is not None)
    folds = number_at(facts, "folds")
    sentence = text_at(facts, "split", limit=400)
    repeated = f"{folds:,.0f} folds" if folds is not None and folds > 1 else ""
    return "; ".join(part for part in (sentence.rstrip("."), told, repeated) if part)


_PARTS = (("training rows", "train"), ("validation rows", "valid"), ("test rows", "test"))


def _notes(facts: Mapping[str, Any]) -> list[Html]:
    notes = [note for note in list_at(facts, "notes") if isinstance(note, Mapping)]
    if not notes:
        return [h("p", "Nothing in the table needed a remark.", class_="quiet")]
    told = [
        h("li", h("strong", text_at(note, "code", limit=20)), " ", text_at(note, "sentence")) for note in notes[:_NOTES]
    ]
    rest = [h("li", f"and {len(notes) - _NOTES} more")] if len(notes) > _NOTES else []
    return [h("h3", "Notes"), h("ul", told, rest, class_="plain")]


def _classes(facts: Mapping[str, Any]) -> Html | None:
    names, counts = texts_at(facts, "classes"), list_at(facts, "class_counts")
    known = [value for value in counts if isinstance(value, int | float)]
    if not names or len(known) != len(names) or not sum(known):
        return None
    body = [
        (plain(name, 60), f"{value:,.0f}", percent(value / sum(known)))
        for name, value in list(zip(names, known, strict=True))[:_CLASSES]
    ]
    told = f"The first {_CLASSES} of {len(names):,} classes" if len(names) > _CLASSES else ""
    table = data_table(("class", "rows", "share"), body, told)
    return h("details", h("summary", count(len(names), "class", "classes")), table)


def _column_table(facts: Mapping[str, Any]) -> Html | None:
    columns = [column for column in list_at(facts, "columns") if isinstance(column, Mapping)]
    if not columns:
        return None
    body = [
        tuple(text_at(column, key, limit=200) for key in ("name", "kind", "reason")) for column in columns[:_COLUMNS]
    ]
    told = f"The first {_COLUMNS} of {len(columns):,} columns" if len(columns) > _COLUMNS else ""
    table = data_table(("column", "used as", "why"), body, told, "wordy")
    return h("details", h("summary", count(len(columns), "column")), table)


def search(record: Mapping[str, Any]) -> Html | None:
    """What was tried, what the budget went into, and what was left out for time."""
    figures = [candidate_plot(record), phase_plot(record)]
    drawn = [figure for figure in figures if figure is not None]
    told = effort_words(record)
    left_out = [
        *_list("Cut to fit the budget", texts_at(record, "plan", "cuts")),
        *_list("Skipped", texts_at(record, "plan", "skipped")),
    ]
    body = [
        h("p", f"{told}.") if told else None,
        h("div", drawn, class_="pair") if drawn else None,
        rung_table(record),
        left_out,
        _plan(record),
    ]
    if not any(body):
        return None
    return h("section", h("h2", "Search and budget"), body, id="search")


def _list(title: str, entries: list[str]) -> list[Html]:
    if not entries:
        return []
    told = [h("li", entry) for entry in entries[:_LINES]]
    rest = [h("li", f"and {len(entries) - _LINES} more")] if len(entries) > _LINES else []
    return [h("h3", title), h("ul", told, rest, class_="plain")]


def _plan(record: Mapping[str, Any]) -> Html | None:
    plan, shape = mapping_at(record, "plan"), mapping_at(record, "plan", "shape")
    if not plan:
        return None
    network = ", ".join(
        f"{key} {text_at(shape, key, limit=20)}"
        for key in ("inputs", "outputs", "width", "depth", "residual")
        if key in shape
    )
    lines = [("network", network)]
    for name, value in list(plan.items())[:_LINES]:
        amount = finite(value)
        lines.append(
            (plain(name, 40).replace("_", " "), text_at(plan, name, limit=80) if amount is None else number(amount, 4))
        )
    return h("details", h("summary", "The plan in steps"), pairs(lines))


def reproduce(record: Mapping[str, Any]) -> Html:
    """The command and the versions that give this run again."""
    machine = mapping_at(record, "machine")
    versions = [("wellfit", text_at(record, "wellfit", limit=40))]
    versions += [(key, text_at(machine, key, limit=80)) for key in ("torch", "python", "device", "processors")]
    versions += [
        ("seed", text_at(record, "options", "seed", limit=20)),
        ("data hash", text_at(record, "data", "hash", limit=100)),
    ]
    option = "plan=" if is_own_model(record) else "--plan with"
    told = f"A run's plan is stored in steps, so {option} this run's run.json repeats it whatever the machine's speed."
    command = preformatted(command_of(record))
    events = _list("Events", texts_at(record, "events"))
    return h("section", h("h2", "Reproduce"), command, h("p", told), pairs(versions), events, id="reproduce")


def command_of(record: Mapping[str, Any]) -> str:
    """The command line of the run, quoted for a shell, without paths of the machine it ran on."""
    if is_own_model(record):
        return call_of(record)
    options = mapping_at(record, "options")
    words = ["wellfit", "fit", text_at(record, "data", "file", limit=120) or "DATA.csv"]
    names = (
        "target",
        "budget",
        "seed",
        "metric",
        "device",
        "valid",
        "test",
        "group",
        "time",
        "weight",
        "class_weight",
        "balance",
        "task",
        "recipe",
    )
    for name in names:
        value = find(options, name)
        if value is not None and not isinstance(value, Mapping | list) and (name, value) not in _DEFAULTS:
            words += [
                f"--{name.replace('_', '-')}",
                _base_name(plain(value, 120)) if name in _FILES else plain(value, 120),
            ]
    for column in texts_at(options, "drop"):
        words += ["--drop", column]
    return shlex.join(words)


_DEFAULTS = {("device", "auto")}
_FILES = {"valid", "test", "recipe"}


def _base_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def glossary() -> Html:
    terms = [h("div", h("dt", term), h("dd", sentence)) for term, sentence in TERMS.items()]
    return h("section", h("h2", "Glossary"), h("dl", terms, class_="terms"), id="glossary")
