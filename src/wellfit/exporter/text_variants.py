"""Variants of training texts as code: words left out, and neighbors the other way round."""

from __future__ import annotations

from wellfit.exporter.source import Piece, constant, piece
from wellfit.exporter.text_facts import TextFacts
from wellfit.regularizer import Regularizer
from wellfit.text.words import NEGATIONS

VARIANT_KNOBS = {"WordDeletion": {"p": "WORD_DELETION"}, "WordSwap": {"p": "WORD_SWAP"}}

_VARIANTS = '''
WORD = re.compile(r"[^\\W\\d_]+(?:['\\u2019-][^\\W\\d_]+)*")


def may_move(word: str) -> bool:
    """Whether a word is neither a name nor what turns the sense of a sentence."""
    return word.islower() and word not in NEGATIONS and not word.endswith("n't")


def some(share: float, things: list) -> int:
    """How many of them a share is: one at least, if there is any."""
    return min(len(things), math.ceil(share * len(things) - 1e-6))


def shortened(text: str, random: Random) -> str: #? deletion
    """A text without a share of its words; one at least is left.""" #? deletion
    words = list(WORD.finditer(text)) #? deletion
    able = [word for word in words if may_move(word[0])] #? deletion
    gone = random.sample(able, min(some(WORD_DELETION, able), max(0, len(words) - 1))) #? deletion
    for word in sorted(gone, key=lambda word: -word.start()): #? deletion
        text = text[: word.start()] + text[word.end() :] #? deletion
    return text #? deletion
#? deletion
#? deletion
def swapped(text: str, random: Random) -> str: #? swap
    """A text with a share of its neighboring words the other way round, none of them twice.""" #? swap
    pairs = [ #? swap
        (one, other) #? swap
        for one, other in itertools.pairwise(WORD.finditer(text)) #? swap
        if may_move(one[0]) and may_move(other[0]) and not text[one.end() : other.start()].strip() #? swap
    ] #? swap
    random.shuffle(pairs) #? swap
    taken: set[int] = set() #? swap
    apart = [] #? swap
    for one, other in pairs: #? swap
        if one[0] != other[0] and not taken & {one.start(), other.start()}: #? swap
            taken |= {one.start(), other.start()} #? swap
            apart.append((one, other)) #? swap
    for one, other in sorted(apart[: some(WORD_SWAP, apart)], key=lambda pair: -pair[0].start()): #? swap
        between = text[one.end() : other.start()] #? swap
        text = text[: one.start()] + other[0] + between + one[0] + text[other.end() :] #? swap
    return text #? swap
#? swap
#? swap
def with_variants(texts: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training texts, and behind them a variant of each that can be changed."""
    random, found, rows = Random(seed), [], []
    for change in [CHANGES]:
        for row, text in enumerate(texts):
            variant = change(text, random)
            if variant != text:
                found.append(variant)
                rows.append(row)
    return np.concatenate([texts, np.array(found, dtype=object)]), np.concatenate([y, y[rows]])
'''


def why_no_variants(name: str, part: Regularizer) -> str:
    """Why a part that makes variants has no code here; empty where it has."""
    if name in VARIANT_KNOBS and (part.variants != 1 or part.protect):  # type: ignore[attr-defined] - they have both
        return f"{name}: it is written for one variant of each text and no words of one's own to protect."
    return ""


def has_variants(facts: TextFacts) -> bool:
    return facts.has(*VARIANT_KNOBS)


def variant_missing(facts: TextFacts) -> list[str]:
    """How variants differ from the run's."""
    there = [name for name in VARIANT_KNOBS if name in facts.parts and not why_no_variants(name, facts.parts[name])]
    told = "words of small letters alone move; the run knows names, addresses and tags by longer rules."
    return [f"{' and '.join(there)}: {told}"] if there else []


def variant_constants(facts: TextFacts) -> list[str]:
    return [constant("NEGATIONS", sorted(NEGATIONS))] if has_variants(facts) else []


def variant_pieces(facts: TextFacts) -> list[Piece]:
    """``with_variants(texts, y, seed)``."""
    if not has_variants(facts):
        return []
    deletion, swap = facts.has("WordDeletion"), facts.has("WordSwap")
    imports = ["import math", "import re", "from random import Random", *(["import itertools"] if swap else [])]
    made = piece(_VARIANTS, *imports, deletion=deletion, swap=swap)
    changes = [*(["shortened"] if deletion else []), *(["swapped"] if swap else [])]
    return [Piece(made.code.replace("CHANGES", ", ".join(changes)), made.imports)]
