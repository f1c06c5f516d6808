"""A plan of an earlier run: does it fit the data that it is repeated on?"""

from __future__ import annotations

from wellfit.errors import RunFolderError
from wellfit.job.options import Options, planned_data
from wellfit.job.prepare import data_hash
from wellfit.job.table_source import Source


def repeat_notes(options: Options, source: Source) -> list[str]:
    """A note where the plan that is repeated was made for other data; empty where none is, or where it is silent.

    Raises:
        RunFolderError: ``WF-F07``, where it was made for another task or another kind of data.
    """
    if options.plan is None:
        return []
    about = planned_data(options)
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
