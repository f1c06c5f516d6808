"""The pieces that read texts, and turn their words into numbers."""

from __future__ import annotations

from wellfit.data.cells import MISSING_MARKERS
from wellfit.data.texts import LONGEST_TEXT
from wellfit.data.vocabulary import MARK_BLOCKS
from wellfit.exporter.reading import table_piece, target_piece
from wellfit.exporter.source import Piece, constant, piece
from wellfit.exporter.text_facts import TextFacts
from wellfit.exporter.text_variants import variant_constants, variant_pieces

_DOCUMENTS = '''
def documents(frame: pd.DataFrame) -> np.ndarray:
    """The texts in composed form; a missing one is empty."""
    cells = frame[TEXT].astype("string").fillna("")
    whole = [unicodedata.normalize("NFC", cell.replace("\\0", " ")) for cell in cells]
    return np.array([text[:LONGEST] for text in whole], dtype=object)
'''

_ENCODER = '''
PADDING, UNKNOWN, HIDDEN, FIRST = 0, 1, 2, 3
MARKS = [c for start, end in MARKED for c in map(chr, range(start, end)) if unicodedata.category(c) in ("Mn", "Mc")]
MARK = f"[{''.join(MARKS)}\\u200c\\u200d]"  # stands on a letter, or joins two
TOKEN = re.compile(rf"\\w+(?:['\\u2019]\\w+|{MARK}+\\w*)*|[^\\w\\s]")


def tokens_of(text: str) -> list[str]:
    """Words, numbers and single signs of a text, in small letters."""
    return TOKEN.findall(text.lower())


class Encoder:
    """Turns texts into rows of numbers: of the words of training texts, the most frequent ones first."""

    def __init__(self, texts: np.ndarray) -> None:
        counts = Counter(token for text in texts for token in tokens_of(text))
        least = 2 if len(texts) >= 1000 else 1  # of few texts words that come once are kept, since most do
        frequent = sorted((w for w, n in counts.items() if n >= least), key=lambda w: (-counts[w], w))
        self.numbers = {word: number for number, word in enumerate(frequent[:WORDS], start=FIRST)}

    def __call__(self, texts: np.ndarray) -> np.ndarray:
        """(texts, LENGTH): a number for each token, then padding."""
        rows = np.full((len(texts), LENGTH), PADDING)
        for row, text in zip(rows, texts, strict=True):
            numbers = [self.numbers.get(token, UNKNOWN) for token in tokens_of(text)[:LENGTH]]
            row[: len(numbers)] = numbers
        return rows
'''


_NGRAMS = '''
PADDING, UNKNOWN, HIDDEN, FIRST = 0, 1, 2, 3
MARKS = [c for start, end in MARKED for c in map(chr, range(start, end)) if unicodedata.category(c) in ("Mn", "Mc")]
MARK = f"[{''.join(MARKS)}\\u200c\\u200d]"  # stands on a letter, or joins two
TOKEN = re.compile(rf"\\w+(?:['\\u2019]\\w+|{MARK}+\\w*)*|[^\\w\\s]")


def sets_of(text: str) -> tuple[list[str], list[str]]:
    """The distinct words, signs and pairs of neighbors of a text, and the distinct pieces of its words."""
    words = TOKEN.findall(text.lower())
    pairs = [f"{one} {other}" for one, other in itertools.pairwise(words)]
    marked = [f" {word} " for word in dict.fromkeys(words)]
    pieces = [
        word[start : start + size]
        for word in marked
        for size in range(2, min(5, len(word)) + 1)
        for start in range(len(word) - size + 1)
    ]
    return list(dict.fromkeys(words + pairs)), list(dict.fromkeys(pieces))


class Encoder:
    """Turns texts into rows of numbers: of words and pairs of training texts, and behind them of pieces of words."""

    def __init__(self, texts: np.ndarray) -> None:
        found = [sets_of(text) for text in texts]
        self.numbers = []
        for place, (first, most) in enumerate(((FIRST, WORDS), (FIRST + WORDS, PIECES))):
            counts = Counter(thing for sets in found for thing in sets[place])
            frequent = sorted(counts, key=lambda w: (-counts[w], w))[:most]
            self.numbers.append({thing: number for number, thing in enumerate(frequent, start=first)})

    def __call__(self, texts: np.ndarray) -> np.ndarray:
        """(texts, LENGTH): places for words and pairs, WORD_PLACES of them, then for pieces; each padded."""
        rows = np.full((len(texts), LENGTH), PADDING)
        for row, text in zip(rows, texts, strict=True):
            parts = row[:WORD_PLACES], row[WORD_PLACES:]
            for part, things, numbers in zip(parts, sets_of(text), self.numbers, strict=True):
                known = [numbers[thing] for thing in things if thing in numbers][: len(part)]
                part[: len(known)] = known
        return rows
'''


def text_constants(facts: TextFacts) -> list[str]:
    """Where the texts lie and how much of them is read; every text a literal."""
    reading, form = facts.reading, facts.form
    lines = [constant("DATA", reading.file)]
    if reading.delimiter is not None:
        lines += [constant("DELIMITER", reading.delimiter), constant("ENCODING", reading.encoding)]
    lines += [constant("LONGEST", LONGEST_TEXT, "signs of a text that are looked at")]
    lines += [constant("TEXT", facts.text), constant("TARGET", facts.target)]
    if not facts.regression:
        lines.append(constant("CLASSES", list(facts.classes)))
    if form.model == "ngrams":
        places = form.words or form.length
        sizes = [
            constant("WORDS", facts.words, "and pairs that have a number of their own"),
            constant("PIECES", form.vocabulary - 3 - facts.words, "of words, likewise"),
            constant("LENGTH", form.length, "places of a text"),
            constant("WORD_PLACES", places, "of these, for words and pairs"),
        ]
    else:
        sizes = [
            constant("WORDS", form.vocabulary - 3, "that have a number of their own"),
            constant("LENGTH", form.length, "tokens of a text that are read"),
        ]
    marked = constant("MARKED", MARK_BLOCKS, "where Unicode has marks on letters")
    return [*lines, constant("MISSING", sorted(MISSING_MARKERS)), *sizes, marked, *variant_constants(facts)]


def text_pieces(facts: TextFacts) -> list[Piece]:
    """How the file becomes texts with a target, and these numbers."""
    imports = ("import re", "import unicodedata", "from collections import Counter")
    rows = [table_piece(facts), target_piece(facts), piece(_DOCUMENTS)]
    if facts.form.model == "ngrams":
        encoder = piece(_NGRAMS, "import itertools", *imports)
    else:
        encoder = piece(_ENCODER, *imports)
    return [*rows, encoder, *variant_pieces(facts)]
