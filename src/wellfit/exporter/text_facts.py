"""What a program for texts is made from: their column, how the file is read, and how much of a text is read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

from wellfit.data import read_table
from wellfit.errors import UsageError
from wellfit.exporter.facts import (
    OTHER_FILES,
    Facts,
    Reading,
    given_options,
    other_files,
    require_same,
    shared_facts,
    split_of,
)
from wellfit.exporter.table_facts import form_of, reading_unseen
from wellfit.job.folder import Stored
from wellfit.job.run import Run
from wellfit.job.text_source import FROM_MEMORY, texts_from_file
from wellfit.models.text_shape import TextShape

_LISTS = "The data: the run was given none from a file; here they are read from the columns TEXT and TARGET of a table."


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextFacts(Facts):
    """What else a program for texts is made from.

    Attributes:
        text: the column of texts.
        words: of n-grams, the words and pairs that have a number of their own.
    """

    kind: ClassVar[str] = "text"
    text: str
    words: int = 0

    @property
    def form(self) -> TextShape:
        assert isinstance(self.shape, TextShape)
        return self.shape


def read_text_facts(run: Run, stored: Stored, data: str | Path | None) -> TextFacts:
    """Read a run on texts, and their file where it is named.

    Raises:
        UsageError: these are not the run's texts.
        DataError: they cannot be read.
    """
    record = run.record
    lists = record["data"]["file"] == FROM_MEMORY
    text = str(record["options"].get("text") or "text")
    if data is None:
        file = "texts.csv" if lists else str(record["data"]["file"])
        reading, missing = reading_unseen(record, file)
    else:
        reading, missing = _reading(record, Path(data), text if lists else "")
    missing = [*missing, *([_LISTS] * lists)]
    words = len(stored.views[0].encoder.words)
    return TextFacts(**shared_facts(run, stored, reading, missing), text=text, words=words)


def _reading(record: dict[str, Any], file: Path, unread: str) -> tuple[Reading, list[str]]:
    if file.is_dir():
        raise UsageError(
            "the texts of this run are a column of a table.",
            fix="Name its file with --data, or leave --data out.",
            code="WF-A41",
        )
    frame, options = read_table(file), given_options(record)
    reading = Reading(str(file), *form_of(file))
    if other_files(record):
        return reading, [OTHER_FILES]
    if unread:
        options = dataclasses.replace(options, text=unread, target="target")
    source = texts_from_file(file, options)
    require_same(record, source)
    split, missing = split_of(source, source.table.rows, len(frame))
    return dataclasses.replace(reading, split=split), missing
