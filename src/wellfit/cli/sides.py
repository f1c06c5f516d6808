"""Reading ``--from TOOL NAME=VALUE ... --to TOOL NAME=VALUE ...``: words belong to the side that they stand behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

SIDES = ("--from", "--to")


class SidesCommand(TyperCommand):
    """A command whose sides take all words up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, gathered(args))


def gathered(words: Sequence[str]) -> list[str]:
    """The words with those of a side made one: ``--from Ridge alpha=1`` becomes ``--from "Ridge alpha=1"``."""
    found: list[str] = []
    open_side = False
    for word in words:
        side, equals, rest = word.partition("=")
        if word in SIDES or (side in SIDES and equals):
            found += [side, rest] if rest else [side]
            open_side = True
        elif word.startswith("-") or not open_side:
            found.append(word)
            open_side = False
        elif found[-1] in SIDES:
            found.append(word)
        else:
            found[-1] += f" {word}"
    return found
