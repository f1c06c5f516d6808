"""Tables that the data tests share."""

from __future__ import annotations

import numpy
import pandas
import pytest


def people(rows: int = 400, seed: int = 0) -> pandas.DataFrame:
    """Numbers, categories, dates and missing cells, with a target that depends on them."""
    draw = numpy.random.default_rng(seed)
    age = draw.normal(40, 12, rows).round(2)
    city = draw.choice(["Oslo", "Rome", "Lima", "Bonn"], rows, p=[0.5, 0.3, 0.15, 0.05])
    frame = pandas.DataFrame({"age": age, "city": city, "member": draw.random(rows) < 0.4})
    frame["since"] = pandas.to_datetime("2020-01-01") + pandas.to_timedelta(draw.integers(0, 1500, rows), unit="D")
    frame.loc[draw.random(rows) < 0.1, "age"] = numpy.nan
    frame.loc[draw.random(rows) < 0.05, "city"] = None
    frame["label"] = numpy.where(draw.random(rows) < 0.3 + 0.3 * (city == "Oslo"), "yes", "no")
    return frame


@pytest.fixture
def frame() -> pandas.DataFrame:
    return people()


@pytest.fixture
def write(tmp_path):
    def _write(content: bytes | str, name: str = "table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write
