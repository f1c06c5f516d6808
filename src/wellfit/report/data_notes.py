"""The data: how they were split, what was found in them, which classes fare worse; never a row of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.axis import axis_over
from wellfit.report.codes import code
from wellfit.report.drawing import (
    WIDTH,
    bottom_axis,
    data_table,
    figure,
    left_axis,
    marker,
    pair,
    path,
    svg,
    words,
)
from wellfit.report.html import Html, h
from wellfit.report.lanes import Lane, forest, lanes_axis
from wellfit.report.numbers import between, count, number, percent, signed
from wellfit.report.own_model import is_own_model
from wellfit.report.plain import plain
from wellfit.report.record import ends_of, find, finite, list_at, mapping_at, mappings_at, number_at, text_at, texts_at

_COLUMNS, _CLASSES, _NOTES, _SUSPECTS = 200, 30, 60, 100
_GAPS = 12  # classes in the drawing


def data(record: Mapping[str, Any]) -> Html | None:
    """The table, how it was split, what was found in it."""
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
    figures = pair([_gap_plot(record), _learning_curve(record)])
    body = [pairs(lines), _notes(facts), figures, _suspects(record), _classes(facts), _column_table(facts)]
    return h("section", h("h2", "Data"), body, id="data")


def studied(record: Mapping[str, Any]) -> Html | None:
    """What the studies of a diagnosis drew and listed; None where none did."""
    figures, suspects = pair([_gap_plot(record), _learning_curve(record)]), _suspects(record)
    return h("section", h("h2", "Studies"), figures, suspects, id="studies") if figures or suspects else None


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
    notes = mappings_at(facts, "notes")
    if not notes:
        return [h("p", "Nothing in the data needed a remark.", class_="quiet")]
    told = [h("li", code(text_at(note, "code", limit=20)), " ", text_at(note, "sentence")) for note in notes[:_NOTES]]
    rest = [h("li", f"and {len(notes) - _NOTES} more")] if len(notes) > _NOTES else []
    return [h("h3", "Notes"), h("ul", told, rest, class_="plain")]


def _gap_plot(record: Mapping[str, Any]) -> Html | None:
    """How much worse each class fares on validation rows than on training rows, the worst first."""
    found = mappings_at(record, "diagnosis", "classes") or mappings_at(record, "inside", "classes")
    known = [c for c in found if number_at(c, "gap") is not None]
    shown = sorted(known, key=lambda c: -(number_at(c, "gap") or 0.0))[:_GAPS]
    if not shown:
        return None
    lanes = []
    for entry in shown:
        low, high = ends_of(find(entry, "interval"))
        gap = number_at(entry, "gap") or 0.0
        label = f"{text_at(entry, 'name', limit=40)} ({count(number_at(entry, 'rows'), 'row')})"
        lanes.append(
            Lane(label, gap, low, high, signed(gap, 3), "control" if low is not None and low > 0 else "baseline")
        )
    drawing = forest(lanes, lanes_axis(lanes, 0.0), "gap of each class", "accuracy, training minus validation", 0.0)
    more = f" The {_GAPS} widest of {len(known):,} classes." if len(known) > _GAPS else ""
    caption = [
        h("strong", "Gap by class. "),
        "Squares are classes that surely do worse on rows that the network has not seen.", more,
    ]  # fmt: skip
    body = [
        (lane.label, percent(number_at(c, "train")), percent(number_at(c, "valid")), lane.told,
         between(lane.low, lane.high, 3, sign=True))
        for lane, c in zip(lanes, shown, strict=True)
    ]  # fmt: skip
    head = ("class", "training", "validation", "gap", "95 % interval")
    return figure(drawing, caption, data_table(head, body))


def _learning_curve(record: Mapping[str, Any]) -> Html | None:
    """Loss over the number of training rows, and what twice as many would give."""
    facts = mapping_at(record, "diagnosis", "studies", "learning-curve")
    both = zip(list_at(facts, "rows"), list_at(facts, "loss"), strict=False)
    known = [(finite(rows), finite(loss)) for rows, loss in both]
    ends = [(rows, loss) for rows, loss in known if rows is not None and rows > 0 and loss is not None][:40]
    if len(ends) < 2:
        return None
    x_axis = axis_over([p[0] for p in ends], 46, WIDTH - 10, log=True)
    y_axis = axis_over([p[1] for p in ends], 214, 24)
    drawn: list[Any] = [*left_axis(y_axis, 46, WIDTH - 10), *bottom_axis(x_axis, 24, 214, "training rows, log scale")]
    drawn += [words(1, 13, "validation loss", "small")]
    drawn.append(path([(x_axis.at(p[0]), y_axis.at(p[1])) for p in ends], "curve valid"))
    drawn += [marker("valid", x_axis.at(p[0]), y_axis.at(p[1])) for p in ends]
    body = [(number(rows, 9), number(loss, 4)) for rows, loss in ends]
    caption = [h("strong", "Learning curve. "), _doubled(facts)]
    return figure(svg(252, "loss over training rows", drawn), caption, data_table(("rows", "loss"), body))


def _doubled(facts: Mapping[str, Any]) -> str:
    value, (low, high) = number_at(facts, "double"), ends_of(find(facts, "interval"))
    if value is None:
        return "Loss against the number of training rows."
    ends = f" [{percent(low)}, {percent(high)}]" if low is not None and high is not None else ""
    return f"Twice as many rows would lower the loss by {percent(value)}{ends}, if the curve goes on as it did."


def _suspects(record: Mapping[str, Any]) -> list[Html]:
    """Rows whose label is doubtful, by number only."""
    facts = mapping_at(record, "diagnosis", "studies", "label-noise")
    numbers = [finite(n) for n in list_at(facts, "rows")]
    known = [n for n in numbers if n is not None]
    if not known:
        return []
    share = number_at(facts, "share")
    told = f"About {percent(share)} of the labels look wrong. " if share is not None else ""
    told += f"The {min(len(known), _SUSPECTS)} most doubtful of {len(known):,} rows, by number (the first row is 0): "
    rows = ", ".join(f"{n:.0f}" for n in known[:_SUSPECTS])
    return [h("h3", "Labels to look at"), h("p", told), h("p", h("code", rows))]


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
    columns = mappings_at(facts, "columns")
    if not columns:
        return None
    body = [
        tuple(text_at(column, key, limit=200) for key in ("name", "kind", "reason")) for column in columns[:_COLUMNS]
    ]
    told = f"The first {_COLUMNS} of {len(columns):,} columns" if len(columns) > _COLUMNS else ""
    table = data_table(("column", "used as", "why"), body, told, "wordy")
    return h("details", h("summary", count(len(columns), "column")), table)
