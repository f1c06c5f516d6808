"""Reads a run's record without trust: a key may be missing, or hold what it should not, in a run that was cut short."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wellfit.report.numbers import decimals_for, number
from wellfit.report.plain import plain

REFERENCE = "control_best"
"""The row that gains are told against: the same network without regularization at its best validation epoch."""

FAMILIES = {
    "dummy": "baseline",
    "linear": "baseline",
    "boosting": "baseline",
    "control_last": "control",
    "control_best": "control",
    "early_stopping": "single",
    "single": "single",
    "cocktail": "cocktail",
    "refit": "cocktail",
    "ensemble": "ensemble",
}


@dataclass(frozen=True)
class Gain:
    """How much better than the control a row is, in the metric's units; positive is better."""

    value: float
    low: float | None
    high: float | None
    relative: float | None


@dataclass(frozen=True)
class Row:
    """One line of the comparison."""

    key: str
    label: str
    score: float | None
    low: float | None
    high: float | None
    seeds: int | None
    secondary: dict[str, float]
    gain: Gain | None
    detail: str
    seconds: float | None
    parameters: int | None = None

    @property
    def family(self) -> str:
        return FAMILIES.get(self.key, "single")


@dataclass(frozen=True)
class Part:
    """One regularizer of a recipe as it stands in JSON."""

    name: str
    knobs: dict[str, float | str | None]
    remark: str = ""


def find(data: Any, *path: str) -> Any:
    """The value at a path of keys, or None."""
    for key in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


def number_at(data: Any, *path: str) -> float | None:
    """The finite number at a path, or None."""
    return finite(find(data, *path))


def text_at(data: Any, *path: str, limit: int = 400) -> str:
    """The text at a path, cleaned for printing; empty where there is none."""
    value = find(data, *path)
    return "" if value is None or isinstance(value, Mapping | list) else plain(value, limit)


def list_at(data: Any, *path: str) -> list[Any]:
    """The list at a path, or an empty one."""
    value = find(data, *path)
    return list(value) if isinstance(value, list | tuple) else []


def texts_at(data: Any, *path: str) -> list[str]:
    """The list of texts at a path, cleaned for printing."""
    return [plain(item, 400) for item in list_at(data, *path) if not isinstance(item, Mapping | list)]


def mapping_at(data: Any, *path: str) -> Mapping[str, Any]:
    """The object at a path, or an empty one."""
    value = find(data, *path)
    return value if isinstance(value, Mapping) else {}


def mappings_at(data: Any, *path: str) -> list[Mapping[str, Any]]:
    """The objects of the list at a path."""
    return [item for item in list_at(data, *path) if isinstance(item, Mapping)]


def finite(value: Any) -> float | None:
    """A finite number as it is, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def metric_name(record: Mapping[str, Any]) -> str:
    """What the run was judged by."""
    return text_at(record, "metric", "name", limit=40) or "score"


def rows(record: Mapping[str, Any]) -> list[Row]:
    """The lines of the comparison, in the order in which the job wrote them."""
    return [_row(entry) for entry in list_at(record, "comparison") if isinstance(entry, Mapping)]


def _row(entry: Mapping[str, Any]) -> Row:
    low, high = ends_of(entry.get("interval"))
    seeds, parameters = number_at(entry, "seeds"), number_at(entry, "parameters")
    secondary = {plain(name, 40): finite(value) for name, value in mapping_at(entry, "secondary").items()}
    return Row(
        key=text_at(entry, "key", limit=40),
        label=text_at(entry, "label", limit=80) or text_at(entry, "key", limit=40),
        score=number_at(entry, "score"),
        low=low,
        high=high,
        seeds=None if seeds is None else int(seeds),
        secondary={name: value for name, value in secondary.items() if value is not None},
        gain=_gain(entry.get("gain")),
        detail=text_at(entry, "detail", limit=300),
        seconds=number_at(entry, "seconds"),
        parameters=None if parameters is None else int(parameters),
    )


def _gain(entry: Any) -> Gain | None:
    value = number_at(entry, "value")
    if value is None:
        return None
    low, high = ends_of(find(entry, "interval"))
    return Gain(value, low, high, number_at(entry, "relative"))


def ends_of(interval: Any) -> tuple[float | None, float | None]:
    """Both ends of an interval, None where it is none."""
    if isinstance(interval, list | tuple) and len(interval) == 2:
        return finite(interval[0]), finite(interval[1])
    return None, None


def score_decimals(lines: list[Row]) -> int:
    """How many decimals scores of this comparison are written with."""
    spans = [line.high - line.low for line in lines if line.low is not None and line.high is not None]
    return decimals_for([line.score for line in lines if line.key != "dummy"], spans)


def secondary_names(lines: list[Row], metric: str, limit: int = 3) -> list[str]:
    """The names of the further metrics, in the order in which they first appear; the metric itself has its column."""
    names = dict.fromkeys(name for line in lines for name in line.secondary)
    return [name for name in names if metric_label(name).lower() != metric_label(metric).lower()][:limit]


def metric_label(name: str) -> str:
    """A metric's name as it is written: ``AUC``, ``balanced accuracy``."""
    return name.upper() if name in ("auc", "rmse", "r2", "mae") else name.replace("_", " ")


def parts(recipe: Any) -> list[Part]:
    """The regularizers of a recipe's JSON form, wrappers told as a remark."""
    found = (_part(entry) for entry in list_at(recipe, "regularizers"))
    return [part for part in found if part is not None]


def _part(entry: Any, remark: str = "", depth: int = 0) -> Part | None:
    if not isinstance(entry, Mapping) or len(entry) != 1 or depth > 5:
        return None
    name, fields = next(iter(entry.items()))
    if name == "where":
        return _part(find(fields, "of"), f"{remark} on {text_at(fields, 'pattern', limit=60)}".strip(), depth + 1)
    if name == "schedule":
        dial = next(iter(mapping_at(fields, "dial").items()), ("", None))
        told = f"{plain(dial[0], 20)} over {number(number_at(dial[1], 'epochs'))} epochs"
        return _part(find(fields, "of"), f"{remark} {told}".strip(), depth + 1)
    knobs = {plain(knob, 40): _knob(value) for knob, value in fields.items()} if isinstance(fields, Mapping) else {}
    return Part(plain(name, 60), knobs, remark)


def _knob(value: Any) -> float | str | None:
    return value if value is None or finite(value) is not None else plain(value, 40)
