"""Forms of English words: what a form is made from, the same form of another word, and the case of letters."""

from __future__ import annotations

_VOWELS = "aeiou"
_ENDINGS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "n": (
        ("ches", "ch", "s"), ("shes", "sh", "s"), ("sses", "ss", "s"), ("xes", "x", "s"), ("zes", "z", "s"),
        ("ies", "y", "s"), ("s", "", "s"),
    ),
    "v": (
        ("ies", "y", "s"), ("ches", "ch", "s"), ("shes", "sh", "s"), ("sses", "ss", "s"), ("xes", "x", "s"),
        ("es", "e", "s"), ("s", "", "s"), ("ied", "y", "ed"), ("ed", "e", "ed"), ("ed", "", "ed"), ("ing", "e", "ing"),
        ("ing", "", "ing"),
    ),
    "a": (("er", "", "er"), ("er", "e", "er"), ("ier", "y", "er"), ("est", "", "est"), ("est", "e", "est"),
          ("iest", "y", "est")),
    "r": (),
}  # fmt: skip
"""Ending of a form, of its base, and the form's name, after WordNet's rules of detachment."""


def bases(word: str, kind: str) -> list[tuple[str, str]]:
    """(base, form) pairs that a word may be by the rules: a form is '', 's', 'ed', 'ing', 'er' or 'est'.

    Args:
        kind: n (noun), v (verb), a (adjective) or r (adverb).

    >>> bases("films", "n"), bases("stopped", "v")[-1]
    ([('films', ''), ('film', 's')], ('stop', 'ed'))
    """
    found = [(word, "")]
    for ending, base, form in _ENDINGS[kind]:
        if not word.endswith(ending) or len(word) - len(ending) < 2 or (form == "s" and word.endswith("ss")):
            continue
        stem = word[: len(word) - len(ending)]
        if not any(c in "aeiouy" for c in stem + base):
            continue
        found.append((stem + base, form))
        if form in ("ed", "ing", "er", "est") and not base and len(stem) > 2 and stem[-1] == stem[-2]:
            found.append((stem[:-1], form))
    return found


def inflected(base: str, form: str) -> str:
    """The form of a regular word.

    >>> [inflected("movie", "s"), inflected("stop", "ed"), inflected("make", "ing"), inflected("tidy", "est")]
    ['movies', 'stopped', 'making', 'tidiest']
    """
    if not form:
        return base
    if form == "s":
        if base.endswith(("s", "x", "z", "ch", "sh")):
            return base + "es"
        return base[:-1] + "ies" if _consonant_y(base) else base + "s"
    if form == "ing":
        if base.endswith("ie"):
            return base[:-2] + "ying"
        silent = base.endswith("e") and not base.endswith(("ee", "ye", "oe"))
        return (base[:-1] if silent else _doubled(base)) + form
    if base.endswith("e"):
        return base + form[1:]
    return base[:-1] + "i" + form if _consonant_y(base) else _doubled(base) + form


def _consonant_y(base: str) -> bool:
    return len(base) > 1 and base.endswith("y") and base[-2] not in _VOWELS


def _doubled(base: str) -> str:
    """The last consonant twice after one short vowel, in words of one syllable: stop, stopp-."""
    if len(base) < 3 or base[-1] in "aeiouwxy" or base[-2] not in _VOWELS or base[-3] in _VOWELS:
        return base
    syllables = sum(c in _VOWELS and (i == 0 or base[i - 1] not in _VOWELS) for i, c in enumerate(base))
    return base + base[-1] if syllables == 1 else base


def cased_like(word: str, pattern: str) -> str:
    """A word in the case of another: GREAT, Great or great.

    >>> cased_like("superb", "Great"), cased_like("superb", "GREAT"), cased_like("superb", "great")
    ('Superb', 'SUPERB', 'superb')
    """
    if len(pattern) > 1 and pattern.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if pattern[:1].isupper() else word


def sounds_open(word: str) -> bool:
    """Whether ``an`` and not ``a`` stands before it: by its letters, with the common exceptions.

    >>> [sounds_open(w) for w in ("hour", "union", "awful", "film")]
    [True, False, True, False]
    """
    low = word.lower()
    if low.startswith(("hour", "honest", "honor", "honour", "heir")):
        return True
    if low.startswith(("uni", "use", "usu", "eu", "one", "once", "uti", "ubi", "ura")) and not low.startswith("unin"):
        return False
    return low[:1] in _VOWELS
