"""How one column becomes numbers: a number, a date or a category, fitted on training rows, kept as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy
import pandas

from wellfit.data.cells import date_cells, number_cells, split_text, text_error
from wellfit.data.scaling import Scale
from wellfit.data.strict import fields_of

# Frequencies are kept for this many categories; all rarer ones share one, so that a million categories stay small.
MAX_FREQUENCIES = 10_000

MOST_CATEGORIES = 63
"""Categories of a column with a slot of their own, the most frequent ones."""

_SECONDS_PER_DAY = 86_400
_PERIODS = {"month": 12, "weekday": 7, "hour": 24}


@dataclass(frozen=True)
class Part:
    """A run of columns that one coding fills: (name, kind, width)."""

    name: str
    kind: str
    width: int


@dataclass(frozen=True)
class NumberCoding:
    """One robustly scaled number, and a 0/1 column for missing if training had missing cells."""

    kind: ClassVar[str] = "number"
    name: str
    scale: Scale
    indicator: bool

    @classmethod
    def fit(cls, name: str, cells: pandas.Series) -> NumberCoding:
        values = _numbers(name, cells)
        return cls(name, Scale.fit(values), bool(numpy.isnan(values).any()))

    @property
    def parts(self) -> list[Part]:
        return [Part(self.name, "number", 1 + self.indicator)]

    def fill(self, cells: pandas.Series, out: dict[str, numpy.ndarray]) -> None:
        """Write the encoded cells into ``out``: by part name a zero matrix (rows, at least the part's width)."""
        values = _numbers(self.name, cells)
        out[self.name][:, 0] = self.scale.apply(values)
        if self.indicator:
            out[self.name][:, 1] = numpy.isnan(values)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "scale": asdict(self.scale), "indicator": self.indicator}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> NumberCoding:
        found = fields_of(data, "a number column", kind=str, name=str, scale=dict, indicator=bool)
        return cls(found["name"], Scale.from_json(found["scale"]), found["indicator"])


@dataclass(frozen=True)
class DateCoding:
    """Days since 1970, and month, weekday and (if training had times of day) hour on circles, all scaled as numbers."""

    kind: ClassVar[str] = "date"
    name: str
    scales: tuple[Scale, ...]
    hour: bool
    indicator: bool

    @classmethod
    def fit(cls, name: str, cells: pandas.Series) -> DateCoding:
        dates, _ = date_cells(cells, name)
        missing = numpy.isnat(dates)
        hour = bool((dates[~missing].astype(numpy.int64) % _SECONDS_PER_DAY != 0).any())
        scales = tuple(Scale.fit(values) for values in _date_features(dates, hour))
        return cls(name, scales, hour, bool(missing.any()))

    @property
    def parts(self) -> list[Part]:
        return [Part(self.name, "number", len(self.scales) + self.indicator)]

    def fill(self, cells: pandas.Series, out: dict[str, numpy.ndarray]) -> None:
        """Write the encoded cells into ``out``; what cannot be read as a date counts as missing."""
        dates, _ = date_cells(cells, self.name)
        for offset, (scale, values) in enumerate(zip(self.scales, _date_features(dates, self.hour), strict=True)):
            out[self.name][:, offset] = scale.apply(values)
        if self.indicator:
            out[self.name][:, len(self.scales)] = numpy.isnat(dates)

    def to_json(self) -> dict[str, Any]:
        scales = [asdict(scale) for scale in self.scales]
        return {"kind": self.kind, "name": self.name, "scales": scales, "hour": self.hour, "indicator": self.indicator}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> DateCoding:
        found = fields_of(data, "a date column", kind=str, name=str, scales=list, hour=bool, indicator=bool)
        scales = tuple(Scale.from_json(scale) for scale in found["scales"])
        fields_of({"scales": len(scales)}, "a date column", scales=(7 if found["hour"] else 5,))
        return cls(found["name"], scales, found["hour"], found["indicator"])


@dataclass(frozen=True)
class CategoryCoding:
    """One slot per frequent category, one for missing if training had it, one for all other categories.

    Two categories without missing cells share one 0/1 column; a category unknown to it is 0.5. If no training row
    had another category, the slot for others was never trained, so unknown categories are all zeros instead.
    Categories that are numbers are told apart by their values, however those are written.
    """

    kind: ClassVar[str] = "category"
    name: str
    values: tuple[str, ...]
    missing: bool
    others: bool
    frequency_name: str
    frequency: Scale | None
    counts: dict[str, int]
    rare: float
    numbers: bool = False

    @classmethod
    def fit(cls, name: str, cells: pandas.Series, max_categories: int, frequency_name: str) -> CategoryCoding:
        numbers = pandas.api.types.is_numeric_dtype(cells.dtype) and not pandas.api.types.is_bool_dtype(cells.dtype)
        codes, texts = split_text(_told_apart(name, cells) if numbers else cells, name)
        count = numpy.bincount(codes[codes >= 0], minlength=len(texts))
        order = [
            position
            for position in sorted(range(len(texts)), key=lambda at: (-count[at], texts[at]))
            if count[position]
        ]
        values = tuple(texts[position] for position in order[:max_categories])
        others = len(order) > max_categories
        known = {texts[position]: int(count[position]) for position in order[:MAX_FREQUENCIES]} if others else {}
        rest = [int(count[position]) for position in order[MAX_FREQUENCIES:]] if others else []
        coding = cls(
            name,
            values,
            bool((codes < 0).any()),
            others,
            frequency_name,
            None,
            known,
            float(numpy.mean(rest)) if rest else 1.0,
            numbers,
        )
        if not others:
            return coding
        scale = Scale.fit(coding._log_frequency(codes, texts))
        return replace(coding, frequency=scale)

    @property
    def binary(self) -> bool:
        """Whether one 0/1 column is enough."""
        return len(self.values) == 2 and not self.missing and not self.others

    @property
    def parts(self) -> list[Part]:
        width = 1 if self.binary else len(self.values) + self.missing + 1
        more = [Part(self.frequency_name, "number", 1)] if self.frequency else []
        return [Part(self.name, "category", width), *more]

    def fill(self, cells: pandas.Series, out: dict[str, numpy.ndarray]) -> None:
        """Write the one-hot cells (and their scaled log-frequency) into ``out``."""
        codes, texts = split_text(_told_apart(self.name, cells) if self.numbers else cells, self.name)
        slots = self.slots(codes, texts)
        if self.binary:
            out[self.name][:, 0] = numpy.where(slots < 0, 0.5, slots)
        else:
            known = numpy.flatnonzero(slots >= 0)
            out[self.name][known, slots[known]] = 1.0
        if self.frequency:
            out[self.frequency_name][:, 0] = self.frequency.apply(self._log_frequency(codes, texts))

    def slots(self, codes: numpy.ndarray, texts: list[str]) -> numpy.ndarray:
        """The slot of each cell, (rows,): the values' by rank, then missing, then others; -1 for none.

        The binary case has alphabetical slots 0 and 1.
        """
        values = sorted(self.values) if self.binary else self.values
        rank = {value: position for position, value in enumerate(values)}
        others = len(values) + self.missing if self.others else -1
        absent = len(values) if self.missing else others
        return numpy.array([*(rank.get(text, others) for text in texts), absent], dtype=numpy.int64)[codes]

    def _log_frequency(self, codes: numpy.ndarray, texts: list[str]) -> numpy.ndarray:
        logs = [numpy.log(self.counts.get(text, self.rare)) for text in texts]
        return numpy.array([*logs, numpy.nan], dtype=numpy.float64)[codes]

    def to_json(self) -> dict[str, Any]:
        data = {**asdict(self), "kind": self.kind, "values": list(self.values)}
        return {**data, "frequency": asdict(self.frequency) if self.frequency else None}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CategoryCoding:
        older = {"numbers": False, **data} if isinstance(data, dict) else data  # runs from before there were such
        found = fields_of(
            older, "a category column", kind=str, numbers=bool, name=str, values=[str], missing=bool, others=bool,
            frequency_name=str, frequency=(dict, None), counts={str: int}, rare=float,
        )  # fmt: skip
        found.pop("kind")
        frequency = Scale.from_json(found["frequency"]) if found["frequency"] is not None else None
        return cls(**{**found, "values": tuple(found["values"]), "frequency": frequency})


Coding = NumberCoding | DateCoding | CategoryCoding


def _numbers(name: str, cells: pandas.Series) -> numpy.ndarray:
    """Cells as float64, infinite as missing; text is refused with its row."""
    values, bad = number_cells(cells, name)
    if bad.any():
        first = int(numpy.flatnonzero(bad)[0])
        raise text_error(name, cells.iloc[first], first + 1, int((~numpy.isnan(values)).sum()))
    return numpy.where(numpy.isfinite(values), values, numpy.nan)


def _told_apart(name: str, cells: pandas.Series) -> pandas.Series:
    """Cells of numbers that are names, each written in one way.

    -0.0 is the 0.0 that it equals, and a fraction is what it is as float32, in the fewest digits: 0.1 whether it went
    through a float32 or not.
    """
    levels, place = numpy.unique(_numbers(name, cells) + 0.0, return_inverse=True)
    written = [v if v.is_integer() else float(str(numpy.float32(v))) for v in levels.tolist()]
    return pandas.Series(numpy.array(written, dtype=numpy.float64)[place])


def _date_features(dates: numpy.ndarray, hour: bool) -> list[numpy.ndarray]:
    """Days, then sine and cosine of month, weekday and hour; NaN where the date is missing."""
    missing = numpy.isnat(dates)
    seconds = numpy.where(missing, numpy.nan, dates.astype(numpy.int64).astype(numpy.float64))
    days = seconds / _SECONDS_PER_DAY
    month = numpy.where(
        missing, numpy.nan, (dates.astype("datetime64[M]").astype(numpy.int64) % 12).astype(numpy.float64)
    )
    # 1970-01-01 was a Thursday, the fourth day of the week.
    cycles = {"month": month, "weekday": (numpy.floor(days) + 3) % 7, "hour": (days % 1) * 24}
    features = [days]
    for name, values in cycles.items():
        if name != "hour" or hour:
            angle = 2 * numpy.pi * values / _PERIODS[name]
            features += [numpy.sin(angle), numpy.cos(angle)]
    return features
