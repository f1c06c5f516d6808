"""How balancing the classes turned out: each way side by side, as a table for the page and lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wellfit.report.drawing import data_table
from wellfit.report.html import Html, h
from wellfit.report.numbers import measured, percent
from wellfit.report.record import list_at, mapping_at, number_at, text_at

_NAMES = {"none": "rows as they are", "weights": "class weights", "smote": "synthetic rows"}
_COLUMNS = {
    "recall": "recall", "auc": "AUC", "log_loss": "log loss", "calibration_error": "calibration error",
    "predicted": "predicted share", "log_loss_restored": "log loss, prior put back",
}  # fmt: skip
_SHARES = ("recall", "predicted")
_PARTS = {"test": "test rows", "valid": "validation rows"}
_ROWS = 10


def balance(record: Mapping[str, Any]) -> Html | None:
    """The section of the page; None where no comparison was asked for."""
    found = _lines(record)
    if not found:
        return None
    tables = [
        data_table(("", *_COLUMNS.values()), _body(found, part), f"On the {told}")
        for part, told in _PARTS.items()
        if any(mapping_at(line, part) for line in found)
    ]
    note = text_at(record, "balance", "note", limit=1200)
    return h(
        "section", h("h2", "Balance of classes"), h("p", _introduction(record)), tables,
        h("p", note) if note else None, id="balance",
    )  # fmt: skip


def balance_text(record: Mapping[str, Any]) -> list[list[str]]:
    """The table for a terminal, head first; empty where there is none. Test rows where there are any."""
    found = _lines(record)
    part = next((p for p in _PARTS if any(mapping_at(line, p) for line in found)), None)
    if not found or part is None:
        return []
    head = [f"balancing, {_PARTS[part]}", *list(_COLUMNS.values())[:5]]
    return [head, *([str(cell) for cell in row[:6]] for row in _body(found, part))]


def introduction(record: Mapping[str, Any]) -> str:
    """Which way was taken, and what the recall is of."""
    return _introduction(record) if _lines(record) else ""


def _introduction(record: Mapping[str, Any]) -> str:
    facts = mapping_at(record, "balance")
    chosen, asked = text_at(facts, "chosen", limit=20), text_at(facts, "asked", limit=20)
    why = "chosen on validation rows" if asked == "search" else "as asked for"
    tries = number_at(_lines(record)[0], "tries") or 1
    rates = f"{tries:.0f} learning rate{'s' if tries > 1 else ''}"
    how = f"Each way had {rates} and the same steps from the same first weights"
    rare, share = text_at(facts, "rare", limit=60), percent(number_at(facts, "share"))
    return (
        f"The run went on with: {_NAMES.get(chosen, chosen)}, {why}. {how}, without further regularization. Recall and "
        f"predicted share are those of the rarest class, {rare}, which {share} of the rows belong to."
    )


def _lines(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [line for line in list_at(record, "balance", "rows")[:_ROWS] if isinstance(line, Mapping)]


def _body(lines: list[Mapping[str, Any]], part: str) -> list[tuple[str, ...]]:
    return [(_label(line), *(_cell(line, part, name) for name in _COLUMNS)) for line in lines]


def _label(line: Mapping[str, Any]) -> str:
    return text_at(line, "label", limit=60) or text_at(line, "name", limit=20)


def _cell(line: Mapping[str, Any], part: str, name: str) -> str:
    value = number_at(line, part, name)
    return percent(value) if name in _SHARES else measured(value)
