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


_PLURALS = dict(
    pair.split()
    for pair in """
    child children | man men | woman women | person people | foot feet | tooth teeth | mouse mice | goose geese
    life lives | wife wives | knife knives | half halves | leaf leaves | wolf wolves | shelf shelves | thief thieves
    loaf loaves | calf calves | hero heroes | potato potatoes | tomato tomatoes | echo echoes | crisis crises
    """.replace("\n", "|").split("|")
    if pair.strip()
)
_PASTS = {
    verb.split()[0]: (verb.split()[1], verb.split()[-1])
    for verb in """
    become became become | begin began begun | bend bent | bite bit bitten | blow blew blown | break broke broken
    bring brought | build built | burst burst | buy bought | catch caught | choose chose chosen | come came come
    cost cost | cut cut | deal dealt | dig dug | do did done | draw drew drawn | drink drank drunk | drive drove driven
    eat ate eaten | fall fell fallen | feed fed | feel felt | fight fought | find found | flee fled | fly flew flown
    forbid forbade forbidden | forget forgot forgotten | forgive forgave forgiven | freeze froze frozen | get got gotten
    give gave given | go went gone | grow grew grown | hang hung | have had | hear heard | hide hid hidden | hit hit
    hold held | hurt hurt | keep kept | know knew known | lay laid | lead led | leave left | lend lent | let let
    lie lay lain | light lit | lose lost | make made | mean meant | meet met | pay paid | put put | quit quit
    read read | ride rode ridden | ring rang rung | rise rose risen | run ran run | say said | see saw seen
    seek sought | sell sold | send sent | set set | shake shook shaken | shine shone | shoot shot
    show showed shown | shrink shrank shrunk | shut shut | sing sang sung | sink sank sunk | sit sat | sleep slept
    slide slid | speak spoke spoken | spend spent
    split split | spread spread | stand stood | steal stole stolen | stick stuck | strike struck | swear swore sworn
    sweep swept | swim swam swum | swing swung | take took taken | teach taught | tear tore torn | tell told
    think thought | throw threw thrown | understand understood | wake woke woken | wear wore worn | weep wept | win won
    wind wound | write wrote written
    """.replace("\n", "|").split("|")
    if verb.strip()
}
"""Verbs that go by no rule: their past and their participle."""
_LATE = frozenset(
    ("admit", "begin", "commit", "control", "forbid", "forget", "occur", "permit", "prefer", "refer", "quit", "regret")
)
"""Words that double their last consonant as those of one syllable do: they are stressed at their end."""


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


def irregular_bases(word: str, kind: str) -> list[tuple[str, str]]:
    """(base, form) pairs of an irregular form: a form is 's', 'ed', or 'past' or 'participle' where these differ.

    >>> irregular_bases("children", "n"), irregular_bases("bought", "v"), irregular_bases("spoken", "v")
    ([('child', 's')], [('buy', 'ed')], [('speak', 'participle')])
    """
    if kind == "n":
        return [(base, "s") for base, form in _PLURALS.items() if form == word]
    found = []
    for base, (past, participle) in _PASTS.items() if kind == "v" else ():
        if word in (past, participle) and word != base:
            found.append((base, "ed" if past == participle else ("past" if word == past else "participle")))
    return found


def formed(base: str, form: str, kind: str) -> str:
    """A form of a word, or of the verb that begins a phrase; empty where it cannot be told.

    >>> formed("child", "s", "n"), formed("buy", "ed", "v"), formed("speak", "ed", "v"), formed("speak", "past", "v")
    ('children', 'bought', '', 'spoke')
    >>> formed("look at", "ed", "v"), formed("motor car", "s", "n")
    ('looked at', '')
    """
    first, _, rest = base.partition(" ")
    if form and rest:
        verb = formed(first, form, kind) if kind == "v" and form != "s" else ""
        return verb and f"{verb} {rest}"
    if kind == "n" and form == "s" and base in _PLURALS:
        return _PLURALS[base]
    if form in ("ed", "past", "participle"):
        past, participle = _PASTS.get(base, (inflected(base, "ed"),) * 2) if kind == "v" else ("", "")
        return {"past": past, "participle": participle}.get(form, past if past == participle else "")
    return inflected(base, form)


def _consonant_y(base: str) -> bool:
    return len(base) > 1 and base.endswith("y") and base[-2] not in _VOWELS


def _doubled(base: str) -> str:
    """The last consonant twice after one short vowel, in words of one syllable: stop, stopp-."""
    if base in _LATE:
        return base + base[-1]
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
