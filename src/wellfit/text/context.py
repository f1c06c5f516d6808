"""What the neighbors of a word say of it: whether it can be a verb, a noun or an adjective there."""

from __future__ import annotations

from wellfit.text.words import STOP_WORDS, word_set

_DETERMINERS = word_set(
    """
    a an the this that these those my your his her its our their some any each every no 's
    """
)
_BEFORE_NOUNS = _DETERMINERS | frozenset(
    ["another", "such", "of", "in", "on", "at", "with", "by", "from", "into", "about"]
)
_LINKS = word_set("of in on at with by from into about that")
"""Before a noun, and before a form of a verb too: ``by making``."""
_BEFORE_VERBS = word_set(
    """
    to will would can could should shall may might must cannot 'll i we they you
    """
)


def fits(kind: str, before: str) -> bool:
    """Whether a word of this kind (n, v, a or r) can stand behind this one, as far as that says.

    >>> fits("v", "the"), fits("n", "will"), fits("n", "a")
    (False, False, True)
    """
    if before in _BEFORE_VERBS:
        return kind in ("v", "r") or (before == "to" and kind == "n")
    return kind != "v" or before not in _BEFORE_NOUNS or before in _LINKS


def describes(before: str, after: str) -> bool:
    """Whether a word stands between an article and a word that it describes.

    >>> describes("a", "ride"), describes("a", "of"), describes("", "ride")
    (True, False, False)
    """
    return before in _DETERMINERS and after not in STOP_WORDS and bool(after)
