"""A WordNet dict folder of a few synsets, in the format of wndb(5WN), written by hand."""

from __future__ import annotations

from pathlib import Path

SYNSETS = {
    "noun": [("movie", "film", "motion_picture"), ("film",), ("barn", "Boston"), ("kid", "child")],
    "verb": [("buy", "purchase"), ("stop", "halt"), ("film", "shoot")],
    "adj": [("dull", "dreary"), ("honest", "fair"), ("quick", "speedy")],
    "adv": [("quickly", "speedily")],
}
LETTERS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
COUNTS = (
    "movie%1:10:00:: 1 20", "film%1:10:00:: 1 30", "film%1:06:00:: 2 3", "film%2:36:00:: 1 2", "kid%1:18:00:: 1 9",
    "child%1:18:00:: 1 9", "buy%2:40:00:: 1 9", "purchase%2:40:00:: 1 9", "stop%2:38:00:: 1 9", "halt%2:38:00:: 1 9",
    "dull%3:00:00:: 1 9", "dreary%5:00:00:dull:00 1 9", "honest%3:00:00:: 1 9", "fair%3:00:00:: 1 9",
    "quick%3:00:00:: 1 9", "speedy%3:00:00:: 1 9",
)  # fmt: skip
IRREGULAR = {"noun": "children child\n", "verb": "bought buy\n", "adj": "", "adv": ""}


def write_wordnet(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for kind, letter in LETTERS.items():
        data, places = b"  1 a license, whose lines begin with two blanks\n", {}
        for words in SYNSETS[kind]:
            offset = len(data)
            listed = " ".join(f"{word} 0" for word in words)
            data += f"{offset:08d} 00 {letter} {len(words):02x} {listed} 000 | a gloss\n".encode()
            for word in words:
                places.setdefault(word.lower(), []).append(offset)
        lines = ["  1 a license"]
        for word, offsets in sorted(places.items()):
            count = len(offsets)
            lines.append(f"{word} {letter} {count} 0 {count} 1 {' '.join(f'{o:08d}' for o in offsets)}  ")
        (folder / f"data.{kind}").write_bytes(data)
        (folder / f"index.{kind}").write_text("\n".join(lines) + "\n")
        (folder / f"{kind}.exc").write_text(IRREGULAR[kind])
    (folder / "cntlist.rev").write_text("\n".join(COUNTS) + "\n")
    return folder
