"""A run told in lines of at most 100 columns, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from wellfit.report.balance import balance_text, introduction
from wellfit.report.columns import selection_words
from wellfit.report.earned import curse_words, earned_words, importance_words
from wellfit.report.effort import effort_words
from wellfit.report.numbers import between, clock, count, duration, fixed, measured, percent, signed
from wellfit.report.plain import plain, shortened
from wellfit.report.pruned import pruned_words
from wellfit.report.record import (
    Row,
    list_at,
    mapping_at,
    metric_label,
    metric_name,
    number_at,
    parts,
    rows,
    score_decimals,
    secondary_names,
    text_at,
    texts_at,
)
from wellfit.report.reproduce import command_of
from wellfit.report.verdict import verdict_words
from wellfit.report.worth import settings_of

WIDTH = 100
TOPIC = 11  # columns that the topic takes: "re-scoring" and a space
_LABEL = 40


def told(topic: str, sentence: str, width: int = WIDTH) -> str:
    """A topic and its sentence, wrapped; a narrow terminal gets no indentation."""
    wide = width >= 4 * TOPIC
    head = f"{topic:<{TOPIC - 1}} " if wide else f"{topic} "
    rest = " " * (TOPIC if wide else 1)
    room = max(width, len(head) + 6)
    lines = textwrap.wrap(plain(sentence), room, initial_indent=head, subsequent_indent=rest, break_on_hyphens=False)
    return "\n".join(lines) or head.rstrip()


def show(record: Mapping[str, Any]) -> str:
    """Everything worth knowing of a run: what it was, what came out, what it took."""
    pruned = [told(topic, sentence) for topic, sentence in pruned_words(mapping_at(record, "pruned"))]
    return "\n".join(
        [head(record), *_data(record), result(record), *pruned, *_effort(record), told("command", command_of(record))]
    )


def head(record: Mapping[str, Any]) -> str:
    """The first line: which run, on what, how long."""
    words = [
        f"wellfit {text_at(record, 'wellfit', limit=20)}".strip(),
        f"run {text_at(record, 'name', limit=60) or '?'}",
    ]
    words.append(text_at(record, "status", limit=20))
    device, processors = (
        text_at(record, "machine", "device", limit=40),
        text_at(record, "machine", "processors", limit=8),
    )
    words.append(f"{device} x{processors}" if device and processors else device)
    seed, seconds = text_at(record, "options", "seed", limit=20), number_at(record, "seconds")
    words += [f"seed {seed}" if seed else "", duration(seconds) if seconds is not None else ""]
    return shortened("  ".join(word for word in words if word), WIDTH)


def _data(record: Mapping[str, Any]) -> list[str]:
    facts = mapping_at(record, "data")
    classes = texts_at(facts, "classes")
    target = text_at(facts, "target", limit=60)
    about = [
        text_at(facts, "file", limit=60),
        count(number_at(facts, "rows"), "row"),
        count(number_at(facts, "features"), "column"),
        f"target {target}" if target else "",
        count(len(classes), "class", "classes") if classes else text_at(facts, "task", limit=20),
    ]
    lines = [told("data", ", ".join(part for part in about if part))] if facts else []
    split = text_at(facts, "split")
    lines += [told("split", split)] if split else []
    notes = [note for note in list_at(facts, "notes") if isinstance(note, Mapping)]
    for note in notes[:5]:
        lines.append(told("check", f"{text_at(note, 'code', limit=20)} {text_at(note, 'sentence')}"))
    lines += [told("", f"and {len(notes) - 5} more notes in the report")] if len(notes) > 5 else []
    return lines


def result(record: Mapping[str, Any]) -> str:
    """What came out: verdict, comparison, recipe."""
    lines = [told("result", ". ".join(verdict_words(record)))]
    unchecked = texts_at(record, "verdict", "not_checked")
    lines += [told("", f"Not checked: {'; '.join(unchecked)}")] if unchecked else []
    table = comparison(record)
    lines += ["", table, ""] if table else []
    lines += _balance(record)
    form = mapping_at(record, "recipe")
    if form:
        found = [f"{part.name} {settings_of(part)}".strip() for part in parts(form)]
        lines.append(told("recipe", ", ".join(found) or "no regularizer at all"))
    lines += [told(topic, sentence) for topic, sentence in earned_words(record)]
    weighed = importance_words(record)
    lines += [told("decided", weighed)] if weighed else []
    curse = curse_words(record)
    lines += [told("score", curse)] if curse else []
    removed = selection_words(record)
    lines += [told("columns", removed)] if removed else []
    return "\n".join(lines)


def comparison(record: Mapping[str, Any], width: int = WIDTH) -> str:
    """The models in a table: score, interval, gain over the control, further metrics as far as they fit."""
    lines = rows(record)
    if not lines:
        return ""
    decimals, others = score_decimals(lines), secondary_names(lines, metric_name(record))
    head_cells = [
        "",
        metric_name(record),
        "95 % interval",
        "gain",
        "95 % interval",
        "relative",
        *map(metric_label, others),
    ]
    body = [_cells(row, decimals, others) for row in lines]
    while len(head_cells) > 2 and _width([head_cells, *body]) > width:
        head_cells, body = head_cells[:-1], [cells[:-1] for cells in body]
    keep = [place for place in range(len(head_cells)) if place < 2 or any(cells[place] for cells in body)]
    table = [[cells[place] for place in keep] for cells in [head_cells, *body]]
    widths = [max(len(cells[place]) for cells in table) for place in range(len(keep))]
    return "\n".join(_aligned(cells, widths) for cells in table)


def _balance(record: Mapping[str, Any]) -> list[str]:
    """The ways to balance classes side by side, with what was taken and what it does to probabilities."""
    cells = balance_text(record)
    if not cells:
        return []
    cells = [[shortened(row[0], _LABEL), *row[1:]] for row in cells]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    note = text_at(record, "balance", "note", limit=1200)
    told_note = [told("note", note)] if note else []
    return [*(_aligned(row, widths) for row in cells), "", told("balance", introduction(record)), *told_note]


def _cells(row: Row, decimals: int, others: list[str]) -> list[str]:
    gain = row.gain
    return [
        shortened(row.label, _LABEL),
        fixed(row.score, decimals),
        between(row.low, row.high, decimals),
        signed(gain.value, decimals) if gain else "",
        between(gain.low, gain.high, decimals, sign=True) if gain else "",
        percent(gain.relative) if gain and gain.relative is not None else "",
        *[measured(row.secondary[other]) if other in row.secondary else "" for other in others],
    ]


def _width(table: list[list[str]]) -> int:
    return 2 + sum(max(len(cells[place]) for cells in table) + 2 for place in range(len(table[0]))) - 2


def _aligned(cells: list[str], widths: list[int]) -> str:
    """The label left, everything else right."""
    first = f"  {cells[0]:<{widths[0]}}"
    return "  ".join([first, *(f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))]).rstrip()


def _effort(record: Mapping[str, Any]) -> list[str]:
    effort = effort_words(record)
    phases = [
        f"{text_at(phase, 'name', limit=30)} {clock(number_at(phase, 'seconds') or 0.0)}"
        for phase in list_at(record, "phases")[:12]
        if isinstance(phase, Mapping)
    ]
    left_out = [*texts_at(record, "plan", "cuts"), *texts_at(record, "plan", "skipped")]
    lines = [told("search", effort)] if effort else []
    lines += [told("time", ", ".join(phases))] if phases else []
    return [*lines, *[told("cut", sentence) for sentence in left_out[:10]]]
