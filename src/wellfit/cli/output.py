"""What goes to standard output: the result in lines for a person, or one JSON document for a machine."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wellfit.report.numbers import size
from wellfit.report.plain import plain

_FILES = ("report.html", "recipe.json", "recipe.lean.json", "model.safetensors")


def print_json(content: Any) -> None:
    """Print one JSON document; what JSON lacks, infinity and NaN, becomes null."""
    print(json.dumps(strict(content), indent=2, allow_nan=False, ensure_ascii=True), flush=True)


def strict(value: Any) -> Any:
    """The value with null in place of numbers that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def print_lines(text: str) -> None:
    """Print text of ours; lines were cleaned where they were made."""
    print(text, file=sys.stdout, flush=True)


def print_result(run: Any, machine: bool) -> None:
    """Print what a run came to: its record, or verdict, comparison, recipe and where everything is."""
    if machine:
        print_json(run.record)
        return
    from wellfit.report.text import TOPIC, result

    folder = Path(run.folder)
    # Paths are not wrapped: a person wants to copy them.
    lines = [result(run.record), f"{'wrote':<{TOPIC}}{plain(folder)}: {', '.join(written(folder)) or 'run.json'}"]
    if (folder / "model.safetensors").exists():
        lines.append(f"{'next':<{TOPIC}}{plain(next_command(folder))}")
    print_lines("\n".join(lines))


def written(folder: Path) -> list[str]:
    """The files of a run, the page with its size."""
    found = [folder / name for name in _FILES if (folder / name).is_file()]
    return [f"{file.name} ({size(file.stat().st_size)})" if file.suffix == ".html" else file.name for file in found]


def next_command(folder: Path) -> str:
    """What to do with a run, ready for a shell."""
    return f"wellfit predict {shlex.quote(str(folder))} NEW.csv -o predictions.csv"
