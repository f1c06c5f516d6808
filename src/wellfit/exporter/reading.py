"""The pieces that read a table, and turn its columns into numbers."""

from __future__ import annotations

from wellfit.data.cells import MISSING_MARKERS
from wellfit.data.codings import MOST_CATEGORIES
from wellfit.exporter.facts import Facts
from wellfit.exporter.source import Piece, constant, piece
from wellfit.exporter.table_facts import TableFacts

_NAMED = {"category", "code"}
"""Kinds of columns whose cells are told apart, not measured."""

_NUMPY, _PANDAS = "import numpy as np", "import pandas as pd"

_READ = '''
def texts(cells: pd.Series) -> pd.Series:
    """Cells as stripped texts; what stands for a missing cell is missing."""
    found = cells.astype("string").str.strip()
    return found.mask(found.str.casefold().isin(MISSING))


def read(path: str) -> pd.DataFrame:
    """The table, with names as they were in training: composed letters, single blanks."""
    markers = sorted({form for m in MISSING for form in (m, m.upper(), m.capitalize(), "NaN", "NaT")}) #? text
    form = {"sep": DELIMITER, "encoding": ENCODING, "encoding_errors": "replace", "low_memory": False} #? text
    frame = pd.read_csv(path, **form, skipinitialspace=True, keep_default_na=False, na_values=markers) #? text
    frame = pd.read_parquet(path) #! text
    names = [unicodedata.normalize("NFC", str(name)) for name in frame.columns]
    return frame.set_axis([" ".join(name.split()) for name in names], axis=1)
'''

_TARGET = '''
def target_of(frame: pd.DataFrame) -> np.ndarray:
    """The target of each row: the number of its class, -1 where it is missing.""" #! number
    """The target of each row, NaN where it is missing.""" #? number
    return pd.to_numeric(frame[TARGET], errors="coerce").to_numpy(dtype=float) #? number
    place = {value: number for number, value in enumerate(CLASSES)} #! number
    # labels in composed letters, with nothing invisible at their ends #? words
    found = texts(frame[TARGET]).str.normalize("NFC").str.strip(" \\u200b\\u200c\\u200d\\u2060\\ufeff") #? words
    found = pd.to_numeric(frame[TARGET], errors="coerce") #? values
    found = texts(frame[TARGET]).str.casefold().map({"true": True, "false": False}) #? booleans
    return found.map(place).fillna(-1).to_numpy(dtype=int) #! number
'''

_SCALE = '''
class Scale:
    """Centers at the median, divides by the distance of the quartiles, and bends what lies far out toward 3."""

    def __init__(self, values: np.ndarray) -> None:
        known = values[~np.isnan(values)]
        known = known if len(known) else np.zeros(1)
        low, self.center, high = np.percentile(known, [25, 50, 75])
        # Where half of the values are equal the quartiles say nothing: then half the range.
        self.width = (high - low) or (known.max() - known.min()) / 2 or 1.0

    def __call__(self, values: np.ndarray) -> np.ndarray:
        z = (values - self.center) / self.width
        return np.nan_to_num(z / np.sqrt(1 + (z / 3) ** 2))  # a missing value becomes the center
'''

_FINITE = '''
def numbers(cells: pd.Series) -> np.ndarray:
    """Cells as numbers; what is no finite number is missing."""
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)
'''

_NUMBER = '''
class Number:
    """A scaled number, and whether it is missing if it was in training."""

    def __init__(self, cells: pd.Series) -> None:
        values = numbers(cells)
        self.scale, self.indicator = Scale(values), bool(np.isnan(values).any())

    def blocks(self, cells: pd.Series) -> list[tuple[str, np.ndarray]]:
        values = numbers(cells)
        columns = [self.scale(values), np.isnan(values)] if self.indicator else [self.scale(values)]
        return [("number", np.column_stack(columns))]
'''

_CATEGORY = '''
def categories(cells: pd.Series) -> pd.Series:
    """Cells as texts, with 1.0 as 1."""
    return texts(cells).str.replace(r"^([+-]?\\d+)\\.0+$", r"\\1", regex=True)


class Category:
    """A column of 0 and 1 for each frequent category, one for missing cells, one for all other categories."""

    def __init__(self, cells: pd.Series) -> None:
        found = categories(cells)
        counts = found.value_counts()
        self.values = sorted(counts.index, key=lambda value: (-counts[value], value))[:MOST_CATEGORIES]
        self.missing = bool(found.isna().any())
        self.others = len(counts) > MOST_CATEGORIES #? others
        self.counts = dict(counts.items()) #? others
        self.scale = Scale(self.frequency(found)) #? others
    #? others
    def frequency(self, found: pd.Series) -> np.ndarray: #? others
        """The logarithm of how often each cell's category was seen in training.""" #? others
        counts = found.map(self.counts).astype(float).fillna(1).mask(found.isna()) #? others
        return np.log(counts.to_numpy(dtype=float, na_value=np.nan)) #? others

    def blocks(self, cells: pd.Series) -> list[tuple[str, np.ndarray]]:
        found = categories(cells)
        seen = found.isin(self.values).to_numpy(dtype=bool)
        if len(self.values) == 2 and not self.missing: #! others
        if len(self.values) == 2 and not self.missing and not self.others: #? others
            hot = np.where(seen, found.eq(max(self.values)).fillna(False), 0.5)[:, None]
            return [("category", hot)]
        hot = [found.eq(value).fillna(False).to_numpy(dtype=bool) for value in self.values]
        if self.missing:
            hot.append(found.isna().to_numpy())
        unseen = ~seen & ~(found.isna().to_numpy() & self.missing) #? others
        hot.append(unseen & self.others) #? others
        return [("category", np.column_stack(hot)), ("number", self.scale(self.frequency(found))[:, None])] #? others
        hot.append(np.zeros(len(found)))  # the slot of categories that training did not have #! others
        return [("category", np.column_stack(hot))] #! others
'''

_CODE = '''
class Code(Category):
    """Categories whose names are numbers, however those are written."""

    def __init__(self, cells: pd.Series) -> None:
        super().__init__(self.names(cells))

    def blocks(self, cells: pd.Series) -> list[tuple[str, np.ndarray]]:
        return super().blocks(self.names(cells))

    @staticmethod
    def names(cells: pd.Series) -> pd.Series:
        """Each number as it is written: fractions in the digits that a float32 has."""
        values = numbers(cells) + 0.0
        return pd.Series([v if v.is_integer() else float(str(np.float32(v))) for v in values.tolist()], dtype=float)
'''

_DATE = '''
class Date:
    """Days since 1970, and month and weekday on circles, so that December is next to January."""

    def __init__(self, cells: pd.Series) -> None:
        values = self.features(cells)
        self.scales = [Scale(v) for v in values]
        self.indicator = bool(np.isnan(values[0]).any())

    def features(self, cells: pd.Series) -> list[np.ndarray]:
        forms = texts(cells).str.replace("/", "-")
        dates = pd.to_datetime(forms, format="ISO8601", errors="coerce", utc=True)
        days = ((dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).to_numpy(dtype=float)
        cycles = [(dates.dt.month - 1) / 12, dates.dt.day_of_week / 7] #! hours
        cycles = [(dates.dt.month - 1) / 12, dates.dt.day_of_week / 7, pd.Series(days % 1)] #? hours
        angles = [2 * np.pi * c.to_numpy(dtype=float) for c in cycles]
        return [days, *(wave(a) for a in angles for wave in (np.sin, np.cos))]

    def blocks(self, cells: pd.Series) -> list[tuple[str, np.ndarray]]:
        values = self.features(cells)
        columns = [scale(v) for scale, v in zip(self.scales, values, strict=True)]
        if self.indicator:
            columns.append(np.isnan(values[0]))
        return [("number", np.column_stack(columns))]
'''

_ENCODER = '''
class Encoder:
    """Turns rows into a matrix, by what it saw of training rows alone."""

    def __init__(self, frame: pd.DataFrame) -> None:
        makers = MAKERS
        self.columns = {name: makers[kind](frame[name]) for name, kind in COLUMNS.items()}
        self.layout = [(kind, values.shape[1]) for kind, values in self.blocks(frame)]

    def blocks(self, frame: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
        return [block for name, column in self.columns.items() for block in column.blocks(frame[name])]

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        return np.column_stack([values for _, values in self.blocks(frame)]).astype(np.float32)

    def numbers(self) -> list[int]: #? waves
        """The columns of the matrix that hold numbers.""" #? waves
        kinds = [kind for kind, width in self.layout for _ in range(width)] #? waves
        return [column for column, kind in enumerate(kinds) if kind == "number"] #? waves
    #? embeds
    def embedded(self) -> list[tuple[int, int]]: #? embeds
        """Start and width of each block of 0 and 1 that is wide enough for an embedding.""" #? embeds
        starts = np.cumsum([0, *(width for _, width in self.layout)]) #? embeds
        found = zip(starts, self.layout, strict=False) #? embeds
        return [(int(s), w) for s, (kind, w) in found if kind == "category" and w >= EMBED_FROM] #? embeds
'''


def reading_constants(facts: TableFacts) -> list[str]:
    """The texts of the data, each a literal."""
    reading = facts.reading
    lines = [constant("DATA", reading.file)]
    if reading.delimiter is not None:
        lines += [constant("DELIMITER", reading.delimiter), constant("ENCODING", reading.encoding)]
    lines.append(constant("TARGET", facts.target))
    if not facts.regression:
        lines.append(constant("CLASSES", list(facts.classes)))
    lines.append(constant("COLUMNS", dict(facts.columns)))
    lines.append(constant("MISSING", sorted(MISSING_MARKERS)))
    if facts.kinds() & _NAMED:
        lines.append(constant("MOST_CATEGORIES", MOST_CATEGORIES))
    return lines


def reading_pieces(facts: TableFacts) -> list[Piece]:
    """How the file becomes rows with a target."""
    return [table_piece(facts), target_piece(facts)]


def table_piece(facts: Facts) -> Piece:
    """``read(path)``: the table."""
    return piece(_READ, _NUMPY, _PANDAS, "import unicodedata", text=facts.reading.delimiter is not None)


def target_piece(facts: Facts) -> Piece:
    """``target_of(frame)``."""
    kind = "number" if facts.regression else _kind_of(facts.classes)
    return piece(_TARGET, **{k: k == kind for k in ("number", "words", "values", "booleans")})


def _kind_of(classes: tuple[object, ...]) -> str:
    if all(isinstance(c, bool) for c in classes):
        return "booleans"
    return "values" if all(isinstance(c, int | float) for c in classes) else "words"


def encoding_pieces(facts: TableFacts, waves: bool, embeds: bool) -> list[Piece]:
    """How columns become numbers: only the kinds of column that the table has."""
    kinds = facts.kinds()
    scaled = not kinds <= _NAMED or facts.others
    makers = ", ".join(f'"{k}": {k.capitalize()}' for k in ("number", "category", "code", "date") if k in kinds)
    found = [piece(_SCALE)] if scaled else []
    found += [piece(_FINITE)] if kinds & {"number", "code"} else []
    found += [piece(_NUMBER)] if "number" in kinds else []
    found += [piece(_CATEGORY, others=facts.others)] if kinds & _NAMED else []
    found += [piece(_CODE)] if "code" in kinds else []
    found += [piece(_DATE, hours=facts.hours)] if "date" in kinds else []
    encoder = piece(_ENCODER, waves=waves, embeds=embeds)
    # MAKERS holds names of the classes above only
    return [*found, Piece(encoder.code.replace("makers = MAKERS", f"makers = {{{makers}}}"))]
