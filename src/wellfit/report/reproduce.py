"""How to get the run again: command, seed, versions, the recipe as it is stored, and its code."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from wellfit.report.data_notes import pairs
from wellfit.report.html import Html, h, preformatted
from wellfit.report.own_model import call_of, is_own_model
from wellfit.report.plain import plain
from wellfit.report.record import find, mapping_at, text_at, texts_at
from wellfit.report.search import listed

_SHOWN = 60_000  # letters of JSON or of a program: a recipe of every regularizer has 20,000
_PROGRAMS = 4


def reproduce(record: Mapping[str, Any]) -> Html:
    """The command and the versions that give this run again."""
    option = "plan=" if is_own_model(record) else "--plan with"
    told = f"A run's plan is stored in steps, so {option} this run's run.json repeats it whatever the machine's speed."
    events = listed("Events", texts_at(record, "events"))
    command = preformatted(command_of(record), class_="whole")
    body = [command, h("p", told), pairs(_versions(record)), _recipe(record), _programs(record), events]
    return h("section", h("h2", "Reproduce"), body, id="reproduce")


def _versions(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    machine = mapping_at(record, "machine")
    versions = [("wellfit", text_at(record, "wellfit", limit=40))]
    versions += [(plain(key, 40), text_at(machine, key, limit=80)) for key in list(machine)[:20]]
    return [
        *versions,
        ("seed", text_at(record, "options", "seed", limit=20)),
        ("data hash", text_at(record, "data", "hash", limit=100)),
    ]


def _recipe(record: Mapping[str, Any]) -> list[Html]:
    """The recipe file; a click on it selects all of it."""
    found = []
    for title, form in (
        ("recipe.json", find(record, "recipe")),
        ("recipe.lean.json", find(record, "ablation", "lean", "recipe")),
    ):
        if isinstance(form, Mapping) and form:
            content = json.dumps(form, indent=2, default=str, allow_nan=True)[:_SHOWN]
            found.append(h("details", h("summary", title), preformatted(content, class_="whole")))
    return found


def _programs(record: Mapping[str, Any]) -> list[Html]:
    """Exported programs that stand in the run folder, or how to get them."""
    programs = list(mapping_at(record, "exported").items())[:_PROGRAMS]
    if not programs:
        if is_own_model(record) or not mapping_at(record, "recipe"):
            return []
        name = text_at(record, "name", limit=80) or "RUN"
        command = shlex.join(["wellfit", "export", f"runs/{name}", "--to", "torch"])
        return [h("p", "The training as plain code, without wellfit: ", h("code", command), class_="quiet")]
    return [
        h("details", h("summary", plain(name, 80)), preformatted(str(text)[:_SHOWN], class_="whole"))
        for name, text in programs
        if isinstance(text, str)
    ]


def command_of(record: Mapping[str, Any]) -> str:
    """The command line of the run, quoted for a shell, without paths of the machine it ran on."""
    if is_own_model(record):
        return call_of(record)
    options = mapping_at(record, "options")
    words = ["wellfit", "fit", text_at(record, "data", "file", limit=120) or "DATA.csv"]
    for name in _SINGLE:
        value = find(options, name)
        if value is not None and not isinstance(value, Mapping | list) and (name, value) not in _DEFAULTS:
            words += [
                f"--{name.replace('_', '-')}",
                _base_name(plain(value, 120)) if name in _FILES else plain(value, 120),
            ]
    for name in _REPEATED:
        for column in texts_at(options, name):
            words += [f"--{name}", column]
    return shlex.join(words)


_SINGLE = (
    "target", "budget", "seed", "metric", "device", "valid", "test", "group", "time", "weight", "class_weight",
    "balance", "task", "recipe", "start", "text", "size", "network", "lexicon",
)  # fmt: skip
_REPEATED = ("drop", "category", "number", "allow")
_DEFAULTS = {("device", "auto"), ("network", "auto")}
_FILES = {"valid", "test", "recipe", "start", "lexicon"}


def _base_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
