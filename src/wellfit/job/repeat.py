"""A plan of an earlier run: does it fit the data that it is repeated on?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wellfit.errors import RecipeError, RunFolderError
from wellfit.job.options import Options
from wellfit.job.prepare import data_hash
from wellfit.job.table_source import Source
from wellfit.recipe_json import parse_strict


def repeat_notes(options: Options, source: Source) -> list[str]:
    """A note where the plan that is repeated was made for other data; empty where none is, or where it is silent.

    Raises:
        RunFolderError: ``WF-F07``, where it was made for another task or another kind of data.
    """
    if options.plan is None:
        return []
    about = _data_of(Path(options.plan))
    here = {"kind": source.kind.name, "task": source.table.task}
    was = {name: about[name] for name in here if isinstance(about.get(name), str)}
    if any(was[name] != here[name] for name in was):
        told = " on ".join([was.get("task", here["task"]), f"{was.get('kind', here['kind'])} data"])
        raise RunFolderError(
            f"the plan in {options.plan} was made for {told}, and this is {here['task']} on {here['kind']} data.",
            fix="Name the run.json of a run on this data, or plan anew without --plan.",
            code="WF-F07",
        )
    if isinstance(about.get("hash"), str) and about["hash"] != data_hash(source.table):
        told = str(about.get("file", "another table"))[:60]
        return [f"the plan was made for other data ({told}): its steps may not suit these"]
    return []


def _data_of(path: Path) -> dict[str, Any]:
    """What the record beside a plan says of its data; nothing where it is a plan alone."""
    try:
        about = parse_strict(path.read_text("utf-8"), "the plan").get("data")
    except (OSError, RecipeError, ValueError, AttributeError):
        return {}  # that it cannot be read is told where it is planned with
    return about if isinstance(about, dict) else {}
