"""What the data stage tells a person: a note has a stable code and one sentence; a column has a kind and a reason."""

from __future__ import annotations

from dataclasses import dataclass

CODES: dict[str, str] = {
    "WF-D01": "The path is missing, is a folder or cannot be read.",
    "WF-D02": "The file or frame holds no rows.",
    "WF-D03": "A number column holds text in a few cells.",
    "WF-D04": "A line has more or fewer cells than the header.",
    "WF-D05": "A quotation mark is opened and never closed.",
    "WF-D06": "The file is binary, holds NUL bytes or is damaged.",
    "WF-D07": "The text encoding cannot be told.",
    "WF-D08": "A column name is empty or appears twice.",
    "WF-D09": "The file type is not supported, or its reader is not installed.",
    "WF-D10": "The table is larger than the limit.",
    "WF-D11": "The target column does not exist.",
    "WF-D12": "Several targets at once (multi-output or multi-label) are not supported.",
    "WF-D13": "The target's values do not fit the task.",
    "WF-D14": "The target has a single value, so there is nothing to learn.",
    "WF-D15": "There are too few rows.",
    "WF-D16": "No usable feature column is left.",
    "WF-D17": "The weights are negative, missing, infinite or all zero.",
    "WF-D18": "Cells of a type that a table cannot hold (lists, complex numbers, records).",
    "WF-D19": "The arrays' shapes do not fit together.",
    "WF-D20": "A column that was named does not exist, is used twice, or does not hold what it was named for.",
    "WF-D21": "The columns differ from those seen in training.",
    "WF-D22": "The rows cannot be split as asked.",
    "WF-D23": "The group or time column has missing or unsortable values.",
    "WF-D50": "The file is not UTF-8: it was read in another encoding, or its bad bytes became U+FFFD.",
    "WF-D51": "Decimal commas or thousands separators were read as numbers.",
    "WF-D52": "A nameless column was left out, or was given a name.",
    "WF-D53": "The first line looks like data, not like column names.",
    "WF-D60": "Columns were left out because they cannot help.",
    "WF-D61": "Rows without a target were left out.",
    "WF-D62": "Classes with a single row stay in training.",
    "WF-D63": "Infinite cells are treated as missing.",
    "WF-D64": "The task could be read in two ways.",
    "WF-D65": "Column names were cleaned.",
    "WF-D66": "A column mixes numbers and text and is treated as a category.",
    "WF-D67": "A few cells of a date column are not dates and are treated as missing.",
    "WF-D75": "Texts of the form 2024-01 were read as a year and a month.",
    "WF-D76": "A column of numbers is a code, and is read as a category.",
    "WF-D29": "The column named for texts holds numbers.",
    "WF-D85": "Folders look like parts (train, test) and like classes at once.",
    "WF-D86": "The same image stands in several classes.",
    "WF-D87": "All images of a class, or of a part, are damaged.",
    "WF-D88": "Validation or test images have a class that no training image has.",
    "WF-D89": "Images are in other units than those of the training: 0 to 1 and 0 to 255.",
    "WF-D90": "A file is taken for an image and is none, or cannot be opened.",
    "WF-D91": "An image or an archive of arrays is damaged: truncated, or its parts do not fit.",
    "WF-D92": "An image has more pixels than are allowed (a decompression bomb claims billions).",
    "WF-D93": "Pixels are numbers without a known range, not finite, or larger than 16 bits.",
    "WF-D94": "A folder or archive holds no images, or no array of the name that is needed.",
    "WF-D95": "Two class folders cannot be told apart by name.",
    "WF-D96": "Files of a folder were left out: no images, outside of any class, or a link in a circle.",
    "WF-D97": "There is no room for the temporary file that pixels are kept in.",
    "WF-D98": "Images were brought to one form: resized, turned, flattened; or texts hold signs that are no text.",
    "WF-D99": "The size that images are to be resized to is out of range.",
    "WF-D70": "Columns unknown to the model are ignored.",
    "WF-D71": "The split had to bend: fewer folds, or parts that are given overlap.",
    "WF-D72": "A column gives the target away.",
    "WF-D73": "Exact copies of rows are kept together on one side of the split.",
    "WF002": "Leakage: the same rows stand on two sides of the split.",
}


@dataclass(frozen=True)
class Note:
    """One thing a person should know; never an error.

    Args:
        code: a key of ``CODES``.
        sentence: what was found and what was done about it.
    """

    code: str
    sentence: str


@dataclass(frozen=True)
class Column:
    """How one column is used.

    Args:
        name: the cleaned column name.
        kind: ``"number"``, ``"category"``, ``"date"`` or ``"dropped"``.
        reason: why it was dropped, or why its numbers are read as a category; else empty.
    """

    name: str
    kind: str
    reason: str = ""


def shown(value: object, limit: int = 60) -> str:
    """Quote a value for a message: printable, on one line, at most ``limit`` characters."""
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value))
    return f'"{text[:limit] + "..." if len(text) > limit else text}"'


def listed(names: list[str], limit: int = 5) -> str:
    """Join quoted names for a sentence, at most ``limit`` of them."""
    text = ", ".join(shown(name) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit} more"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write ``1 row`` or ``1,234 rows``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
