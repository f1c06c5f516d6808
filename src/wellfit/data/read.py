"""Reads a file into a frame, or says in one sentence why it cannot."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas

from wellfit.data.cells import MISSING_MARKERS
from wellfit.data.delimited import PlainText, read_plain_text
from wellfit.data.names import clean_name, clean_names
from wellfit.data.notes import Note, counted, listed, shown
from wellfit.data.separators import convert_separators
from wellfit.errors import DataError, MissingExtra

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
# A table is held in memory several times over; two GiB of text is about 16 GiB of working memory.
MAX_BYTES = 2 * 2**30
MAX_COLUMNS = 50_000

_MARKERS = sorted(
    {form for word in MISSING_MARKERS for form in (word, word.upper(), word.capitalize())} | {"NaN", "NaT"}
)


def read_table(path: str | Path, texts: Sequence[str] | None = ()) -> pandas.DataFrame:
    """Read a table from a .csv, .tsv, .txt (also .gz or .zip) or .parquet file.

    Delimiter and encoding are found, missing markers become missing, and what was assumed stands in
    ``frame.attrs["notes"]`` as a list of (code, sentence). A blank line is skipped, but in a file of one column it is
    a row with an empty cell, unless only blank lines follow.

    Args:
        texts: names of columns that are read as they are written, numbers too; None for all.
    Raises:
        DataError: the file is missing, empty, damaged, ragged or not a table; the code says which.
        MissingExtra: a parquet file without pyarrow.
    """
    path = Path(path)
    _require_file(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".parquet", ".pq"):
        frame, notes, delimiter = _read_parquet(path), list[Note](), None
    else:
        prefer = _prefer(path, suffixes)
        text = read_plain_text(_content(path), path.name, prefer)
        (frame, notes), delimiter = _parse(text, path.name, texts), text.delimiter
    if frame.empty:
        raise DataError(
            f"{path.name} has {counted(frame.shape[1], 'column')} and no row.",
            fix="Add rows below the header.",
            code="WF-D02",
        )
    frame.attrs["notes"] = [(note.code, note.sentence) for note in notes]
    frame.attrs["delimiter"] = delimiter
    return frame


def _require_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise DataError(f"{path.name or path} is a folder.", fix="Name one file in it.", code="WF-D01")
        if not path.exists():
            raise DataError(f"the file {path} does not exist.", fix=_neighbors(path), code="WF-D01")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"the path {str(path)[:100]!r} cannot be opened.", fix="Check its spelling.", code="WF-D01"
        ) from error
    if size == 0:
        raise DataError(f"{path.name} is empty (0 bytes).", fix="Give a file with a header and rows.", code="WF-D02")
    if size > MAX_BYTES:
        raise _too_large(path.name)


def _neighbors(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either: check the path."
    same = sorted(other.name for other in folder.iterdir() if other.suffix in (*TEXT_SUFFIXES, ".gz", ".parquet"))
    return f"The tables next to it are {listed(same)}." if same else "Check the path."


def _prefer(path: Path, suffixes: list[str]) -> str:
    inner = [suffix for suffix in suffixes[-2:] if suffix in TEXT_SUFFIXES]
    packed = suffixes and suffixes[-1] in (".gz", ".zip")
    if not packed and (not suffixes or suffixes[-1] not in TEXT_SUFFIXES):
        raise DataError(
            f"{path.name} ends in {suffixes[-1] if suffixes else 'nothing'!r}; .csv, .tsv, .txt (also "
            ".gz, .zip) and .parquet are allowed.",
            fix="Save the table as .csv, or rename the file if it is one.",
            code="WF-D09",
        )
    return "\t" if ".tsv" in inner else ","


def _content(path: Path) -> bytes:
    try:
        content = _unpacked(path)
    except PermissionError as error:
        raise DataError(f"{path.name} may not be read.", fix="Change its permissions.", code="WF-D01") from error
    except (
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise DataError(
            f"{path.name} is damaged or not what its name says.", fix="Make the file again.", code="WF-D06"
        ) from error
    if len(content) > MAX_BYTES:
        raise _too_large(path.name)
    return content


def _unpacked(path: Path) -> bytes:
    """Read at most one byte more than the limit, so that a packed bomb stays small."""
    if path.suffix.lower() == ".gz":
        with gzip.open(path, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    if path.suffix.lower() != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX")
        ]
        if len(members) != 1:
            raise DataError(
                f"{path.name} holds {counted(len(members), 'file')}; one is allowed.",
                fix="Unpack it and name one file.",
                code="WF-D09",
            )
        with archive.open(members[0]) as stream:
            return stream.read(MAX_BYTES + 1)


def _too_large(name: str) -> DataError:
    return DataError(
        f"{name} holds more than {MAX_BYTES // 2**30} GiB of text.",
        fix="Give a sample of the rows, or a .parquet file.",
        code="WF-D10",
    )


def _read_parquet(path: Path) -> pandas.DataFrame:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet") from error
    try:
        frame = pandas.read_parquet(path, engine="pyarrow")
    except Exception as error:  # pyarrow has a dozen error types; all mean the same to a person
        raise DataError(
            f"{path.name} is not a readable parquet file.", fix="Write the file again.", code="WF-D06"
        ) from error
    if not isinstance(frame.index, pandas.RangeIndex):
        frame = frame.reset_index(drop=all(name is None for name in frame.index.names))
    frame.columns = pandas.Index(clean_names(frame.columns)[0], dtype=object)
    return frame


def _parse(text: PlainText, name: str, texts: Sequence[str] | None) -> tuple[pandas.DataFrame, list[Note]]:
    header = [clean_name(cell) for cell in text.header]
    if len(header) > MAX_COLUMNS:
        raise DataError(
            f"{name} has {len(header):,} columns; at most {MAX_COLUMNS:,} are allowed.",
            fix="Leave some out.",
            code="WF-D10",
        )
    alone = len(header) == 1
    try:
        frame = pandas.read_csv(
            io.BytesIO(text.content.rstrip(b"\r\n") if alone else text.content), sep=text.delimiter, header=0,
            names=range(len(header)), index_col=False, na_values=_MARKERS, keep_default_na=False, skipinitialspace=True,
            skip_blank_lines=not alone, low_memory=False, encoding="utf-8",
            dtype={place: str for place, cell in enumerate(header) if texts is None or cell in texts},
        )  # fmt: skip
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError, ValueError, OverflowError) as error:
        raise DataError(
            f"{name} cannot be read as a table ({error}).", fix="Repair that line.", code="WF-D04"
        ) from error
    frame, header, notes = _without_nameless(frame, header, name)
    names, more = clean_names(header)
    frame.columns = pandas.Index(names, dtype=object)
    frame, converted = convert_separators(frame, text.delimiter, names if texts is None else texts)
    return frame, [*text.notes, *notes, *more, *_doubtful_header(names), *converted]


def _without_nameless(
    frame: pandas.DataFrame, header: list[str], name: str
) -> tuple[pandas.DataFrame, list[str], list[Note]]:
    """Leave out nameless columns that are a saved row index or empty; others are called as pandas calls them."""
    notes, keep = [], list(range(len(header)))
    if not header[0] and len(header) > 1 and len(frame) and frame[0].tolist() == list(range(len(frame))):
        keep.remove(0)
        notes.append(Note("WF-D52", f"the first column of {name} has no name and holds the row numbers: left out."))
    while len(keep) > 1 and not header[keep[-1]] and frame[keep[-1]].isna().all():
        keep.pop()
        notes.append(Note("WF-D52", f"the last column of {name} has no name and no values: left out."))
    if all(header):
        return frame, header, notes
    called = dict(enumerate(header))
    for position in (p for p in keep if not header[p]):
        usual = f"Unnamed: {position}"
        called[position] = _free_name(usual, called.values())
        told = "as pandas calls it" if called[position] == usual else f"because {shown(usual)} is another one"
        told = f"has no name: it is called {shown(called[position])}, {told}"
        notes.append(Note("WF-D52", f"column {position + 1} of {len(header)} of {name} {told}."))
    return frame[keep].copy(deep=False), [called[position] for position in keep], notes


def _free_name(usual: str, taken: Iterable[str]) -> str:
    """A name that no column has: the usual one, or that with a number behind it."""
    held = set(taken)
    return next(n for n in (usual, *(f"{usual}.{k}" for k in range(1, len(held) + 2))) if n not in held)


def _doubtful_header(names: list[str]) -> list[Note]:
    numeric = [name for name in names if name.replace(".", "", 1).lstrip("+-").isdigit()]
    if len(numeric) * 2 <= len(names):
        return []
    return [
        Note(
            "WF-D53",
            f"the first line looks like data, not like names ({listed(numeric, 3)}): add a line of "
            "names if there is none.",
        )
    ]
