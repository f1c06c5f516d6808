"""What a program for a table is made from: its columns, and how its file is read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

from wellfit.data import read_table
from wellfit.data.codings import CategoryCoding, Coding
from wellfit.data.delimited import is_mostly_utf8, read_plain_text
from wellfit.exporter.facts import (
    DRAWN,
    OTHER_FILES,
    SEPARATORS,
    Facts,
    Reading,
    given_options,
    other_files,
    require_same,
    shared_facts,
    split_of,
)
from wellfit.job.folder import Stored
from wellfit.job.run import Run
from wellfit.job.table_source import from_file

_PARQUET = (".parquet", ".pq")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableFacts(Facts):
    """What else a program for a table is made from.

    Attributes:
        columns: (name, kind) of each column in use; kinds are ``number``, ``category``, ``date`` and ``code``, a
            category whose names are numbers.
        others: whether some category column has more categories than slots.
        hours: whether some date column has times of day.
    """

    kind: ClassVar[str] = "table"
    columns: tuple[tuple[str, str], ...] = ()
    others: bool = False
    hours: bool = False

    def kinds(self) -> set[str]:
        return {kind for _, kind in self.columns}


def read_table_facts(run: Run, stored: Stored, data: str | Path | None) -> TableFacts:
    """Read a run on a table, and the table where the file is named.

    Raises:
        UsageError: the file is not the run's table.
    """
    codings = stored.views[-1].encoder.codings
    reading, missing = _reading(run.record, data)
    return TableFacts(
        **shared_facts(run, stored, reading, missing), columns=tuple((c.name, _kind(c)) for c in codings),
        others=any(isinstance(c, CategoryCoding) and c.others for c in codings),
        hours=any(getattr(c, "hour", False) for c in codings),
    )  # fmt: skip


def _kind(coding: Coding) -> str:
    """A column's kind in a program, where numbers that are names are a kind of their own."""
    return "code" if isinstance(coding, CategoryCoding) and coding.numbers else coding.kind


def _reading(record: dict[str, Any], data: str | Path | None) -> tuple[Reading, list[str]]:
    if data is None:
        return reading_unseen(record)
    frame, missing = read_table(data), []
    if any(code == "WF-D51" for code, _ in frame.attrs.get("notes", [])):
        missing.append(SEPARATORS)
    reading = Reading(str(data), *form_of(Path(data)))
    if other_files(record):
        return reading, [*missing, OTHER_FILES]
    source = from_file(data, given_options(record))
    require_same(record, source)
    split, more = split_of(source, source.table.rows, len(frame))
    return dataclasses.replace(reading, split=split), [*missing, *more]


def reading_unseen(record: dict[str, Any], file: str = "") -> tuple[Reading, list[str]]:
    """How a file is read that nobody has named: as the run read it; of an older run, as its ending says."""
    facts = record["data"]
    file = file or str(facts["file"])
    if Path(file).suffix.lower() in _PARQUET:
        return Reading(file, None, None), [DRAWN]
    missing = [DRAWN]
    if any(isinstance(n, dict) and n.get("code") == "WF-D51" for n in facts.get("notes", [])):
        missing.append(SEPARATORS)
    if facts.get("delimiter"):
        missing.append("The encoding of the file: ENCODING is that of most files (--data FILE mends it).")
        return Reading(file, str(facts["delimiter"])), missing
    missing.append("The form of the file: DELIMITER and ENCODING are those of most files (--data FILE mends it).")
    return Reading(file, "\t" if ".tsv" in Path(file).suffixes else ","), missing


def form_of(path: Path) -> tuple[str | None, str | None]:
    """Delimiter and encoding of a text file."""
    if path.suffix.lower() in _PARQUET:
        return None, None
    if path.suffix.lower() in (".gz", ".zip"):
        import pandas

        content = pandas.read_csv(path, sep="\x1f", header=None, nrows=200, encoding="latin-1", engine="c")
        lines = "\n".join(str(v) for v in content.iloc[:, 0]).encode("latin-1")
    else:
        lines = path.read_bytes()
    delimiter = read_plain_text(lines, path.name, "\t" if ".tsv" in path.suffixes else ",").delimiter
    if lines[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return delimiter, "utf-16"
    if _decodes(lines, "utf-8") or is_mostly_utf8(lines):
        return delimiter, "utf-8-sig"
    return delimiter, "cp1252" if _decodes(lines, "cp1252") else "latin-1"


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
