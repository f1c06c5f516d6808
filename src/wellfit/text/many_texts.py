"""Many texts changed at once: the same in one process and in several, in any order and in any company."""

from __future__ import annotations

import functools
import hashlib
import warnings
from collections.abc import Sequence
from random import Random

from wellfit.hashes import hash_integers
from wellfit.text.edits import Edit

_CHUNK = 2_000
"""Texts that a process is handed at a time."""


def generator_of(text: str, seed: int, variant: int = 0) -> Random:
    """The generator of one variant of one text: it follows from both and from the seed, not from the text's place."""
    digest = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")
    return Random(hash_integers(seed, variant, digest))


def varied(texts: Sequence[str], edit: Edit, *, seed: int = 0, variant: int = 0, processes: int = 1) -> list[str]:
    """Each text after an edit; where nothing can be changed it comes back as it is.

    A script that asks for several processes holds the call under ``if __name__ == "__main__":``, since each process
    reads the script once more. Where no process can be started, one does all of it, and a RuntimeWarning says so.

    Args:
        edit: (text, generator) -> text; with several processes it has to be picklable, such as a ``functools.partial``.
        variant: other variants of the same texts have other numbers.
        processes: how many work at it; the result does not depend on it.

    >>> from wellfit.text.edits import swap_words
    >>> varied(["one two", "one two"], lambda text, random: swap_words(text, random, 1.0))
    ['two one', 'two one']
    """
    job = functools.partial(_part, edit=edit, seed=seed, variant=variant)
    if processes <= 1 or len(texts) <= _CHUNK // 10:
        return job(texts)
    import concurrent.futures
    import multiprocessing
    from concurrent.futures.process import BrokenProcessPool

    size = min(_CHUNK, -(-len(texts) // processes))
    parts = [texts[i : i + size] for i in range(0, len(texts), size)]
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    try:
        with concurrent.futures.ProcessPoolExecutor(processes, context) as pool:
            return [text for part in pool.map(job, parts) for text in part]
    except (BrokenProcessPool, OSError):
        told = "no processes could be started, so that one changed all texts; a script starts them under "
        warnings.warn(f'{told}if __name__ == "__main__":', RuntimeWarning, stacklevel=2)
        return job(texts)


def _part(texts: Sequence[str], *, edit: Edit, seed: int, variant: int) -> list[str]:
    return [edit(text, generator_of(text, seed, variant)) for text in texts]


def coverage(texts: Sequence[str], changed: Sequence[str]) -> float:
    """The share of texts that are not what they were; 0 of none.

    >>> coverage(["a", "b"], ["a", "c"])
    0.5
    """
    return sum(a != b for a, b in zip(texts, changed, strict=True)) / max(1, len(texts))
