"""How many texts each change of words reaches: the share of SST-2 sentences that are not what they were.

    python benchmarks/text_coverage.py --data DIR --wordnet FOLDER --sets sst2 subj

Every text of a set is changed once by each part of a recipe at its default strength; some are shown beside what they
were. Masking is counted on the tokens of wellfit's own vocabulary.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
import time
from pathlib import Path

import torch

import wellfit as wf
from wellfit.data.vocabulary import Vocabulary
from wellfit.draws import Now
from wellfit.fold import Fold, Texts
from wellfit.regularizer import Regularizer
from wellfit.text import SMALL, find_lexicon

SHOWN = 3


def parts(wordnet: str | None) -> list[tuple[str, Regularizer, object]]:
    """(name, part, lexicon) of everything that changes texts without another network."""
    net = find_lexicon("wordnet", wordnet)
    return [
        ("Synonyms, WordNet folder", wf.Synonyms(), net), ("Synonyms, small list", wf.Synonyms(), SMALL),
        ("WordInsertion, WordNet folder", wf.WordInsertion(), net), ("WordSwap", wf.WordSwap(), net),
        ("WordDeletion", wf.WordDeletion(), net), ("SentenceOrder", wf.SentenceOrder(), net),
    ]  # fmt: skip


def covered(part: Regularizer, lexicon: object, texts: list[str]) -> tuple[float, float, list[tuple[str, str]]]:
    """Share of texts with a variant, texts a second, and some of them beside their originals."""
    data = Fold(Texts.of(texts), torch.arange(len(texts)), torch.ones(len(texts)), 2)
    now = dataclasses.replace(Now.at(0), owner=part.name, resources={"lexicon": lexicon})
    begun = time.perf_counter()
    made = part.resample(data, now)
    pace = len(texts) / (time.perf_counter() - begun)
    variants = list(zip(made.labels.tolist()[len(texts) :], made.x.values[len(texts) :], strict=True))
    return len(variants) / len(texts), pace, [(texts[i], new) for i, new in variants[:SHOWN]]


def masked(texts: list[str]) -> float:
    """Share of texts in which TokenMask at its default hides a word in one step."""
    tokens = torch.from_numpy(Vocabulary.fit(texts).encode(texts))
    out, _ = wf.TokenMask().batch(tokens, None, Now.at(0).of("TokenMask"))
    return float((out != tokens).any(1).double().mean())


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--data", type=Path, required=True, help="folder with sst2.json.gz and others")
    reader.add_argument("--wordnet", help="WordNet dict folder; by default where system packages put it")
    reader.add_argument("--sets", nargs="+", default=["sst2"])
    asked = reader.parse_args()
    for name in asked.sets:
        with gzip.open(asked.data / f"{name}.json.gz", "rt", encoding="utf-8") as file:
            texts = json.load(file)["text"]
        print(f"{name}: {len(texts):,} texts")
        for label, part, lexicon in parts(asked.wordnet):
            share, pace, shown = covered(part, lexicon, texts)
            print(f"  {label:32} {100 * share:5.1f} %  {pace:9,.0f} texts/s")
            for before, after in shown:
                print(f"      {before[:100]}\n   -> {after[:100]}")
        print(f"  {'TokenMask, one step':32} {100 * masked(texts):5.1f} %")


if __name__ == "__main__":
    main()
