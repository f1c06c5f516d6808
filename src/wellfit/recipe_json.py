"""The JSON form of recipes: names and numbers, read against the closed list of regularizers; never code."""

from __future__ import annotations

import difflib
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import wellfit.regularizers  # noqa: F401  (fills the registry)
from wellfit.dials import DIALS, Dial
from wellfit.errors import RecipeError
from wellfit.knobs import shortened
from wellfit.recipe import Recipe
from wellfit.regularizer import REGISTRY, Regularizer
from wellfit.wrappers import Schedule, Where

FORMAT = "wellfit.recipe"
VERSION = 1
_LARGEST = 1_000_000  # bytes: a recipe of every regularizer there is has under 20 kB
_DEEPEST = 20
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.S)


def recipe_to_json(recipe: Recipe) -> dict[str, Any]:
    """``{"format", "version", "regularizers": [{NAME: {knob: number}}, ...], "settings": {...}}``."""
    form: dict[str, Any] = {"format": FORMAT, "version": VERSION, "regularizers": [_part_to_json(p) for p in recipe]}
    if recipe.settings:
        form["settings"] = dict(recipe.settings)
    return form


def _part_to_json(part: Regularizer) -> dict[str, Any]:
    if isinstance(part, Where):
        return {"where": {"pattern": part.pattern, "of": _part_to_json(part.inner)}}
    if isinstance(part, Schedule):
        dial = {_dial_name(part.dial): {"epochs": float(part.dial.epochs)}}
        return {"schedule": {"dial": dial, "of": _part_to_json(part.inner)}}
    numbers = {n: _to_number(getattr(part, n)) for n in part.knobs()}
    fixed = {n: getattr(part, n) for n in part.statics()}
    # a count stays a whole number: 1.0 group is none
    return {type(part).__name__: numbers | {n: v if isinstance(v, int) else _to_number(v) for n, v in fixed.items()}}


def _to_number(value: Any) -> Any:
    """Numbers as they are; infinity, which JSON lacks, as null."""
    if isinstance(value, str | bool):
        return value
    number = float(value)
    return None if math.isinf(number) else number


def _dial_name(dial: Dial) -> str:
    return next(name for name, kind in DIALS.items() if type(dial) is kind)


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe file.

    Raises:
        RecipeError: the file is missing, too large, no JSON, or holds what no recipe holds; the place is named.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise _wrong(path.name, f"the file has {size} bytes; {_LARGEST} are allowed")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise RecipeError(
            f"the recipe {path} cannot be read: {reason}.", fix="Name the recipe.json of a run.", code="WF-R10"
        ) from error
    return recipe_from_json(parse_strict(text, path.name))


def parse_strict(text: str, name: str) -> Any:
    """Read JSON without its loopholes: no duplicate keys, no NaN or infinity, no depth that ends the process."""
    depth = deepest = 0
    for character in _STRING.sub("", text):
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise _wrong(name, f"it is nested {deepest} deep; {_DEEPEST} is allowed")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecipeError):
            raise
        raise _wrong(name, f"it is no JSON ({error})") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _wrong(key, "the key stands there twice")
        found[key] = value
    return found


def _no_constant(text: str) -> Any:
    raise _wrong(text, "it is no number in JSON")


def recipe_from_json(data: Any) -> Recipe:
    """Build a recipe from its JSON form; raises RecipeError with the JSON path of whatever is wrong."""
    if not isinstance(data, Mapping):
        raise _wrong("$", "a recipe is an object with format, version and regularizers")
    _known_keys(data, {"format", "version", "regularizers", "settings"}, "$")
    version = data.get("version")
    if data.get("format") != FORMAT or version != VERSION or isinstance(version, bool):
        found = f"format {shortened(data.get('format'))}, version {shortened(version)}"
        raise _wrong("$", f"it says {found}; this wellfit reads {FORMAT!r}, version {VERSION}")
    parts = data.get("regularizers")
    if not isinstance(parts, list):
        raise _wrong("$.regularizers", "it is a list of regularizers")
    settings = data.get("settings", {})
    if not isinstance(settings, Mapping):
        raise _wrong("$.settings", "it is an object of numbers")
    checked = {str(k): _number(v, f"$.settings.{k}") for k, v in settings.items()}
    return Recipe(*(_part_from_json(p, f"$.regularizers[{i}]") for i, p in enumerate(parts)), settings=checked)


def _part_from_json(data: Any, place: str) -> Regularizer:
    if not isinstance(data, Mapping) or len(data) != 1:
        raise _wrong(place, "a part is an object with one key, the regularizer's name")
    if place.count(".of") > _DEEPEST:
        raise _wrong(place, f"it is nested {_DEEPEST} deep and deeper")
    name, fields = next(iter(data.items()))
    place = f"{place}.{name}"
    if not isinstance(fields, Mapping):
        raise _wrong(place, "its value is an object of knobs")
    if name == "where":
        return _where_from_json(fields, place)
    if name == "schedule":
        return _schedule_from_json(fields, place)
    if name not in REGISTRY:
        raise _wrong(place, f"no regularizer has that name{_nearest(name, [*REGISTRY, 'where', 'schedule'])}")
    return _leaf_from_json(REGISTRY[name], fields, place)


def _where_from_json(fields: Mapping[str, Any], place: str) -> Where:
    _known_keys(fields, {"pattern", "of"}, place)
    if not isinstance(fields.get("pattern"), str):
        raise _wrong(f"{place}.pattern", "it is a pattern of names")
    inner = _part_from_json(fields.get("of"), f"{place}.of")
    return _made(place, lambda: Where(inner, fields["pattern"]))


def _schedule_from_json(fields: Mapping[str, Any], place: str) -> Schedule:
    _known_keys(fields, {"dial", "of"}, place)
    dial = fields.get("dial")
    if not isinstance(dial, Mapping) or len(dial) != 1 or next(iter(dial)) not in DIALS:
        raise _wrong(f"{place}.dial", f"it is one of {', '.join(DIALS)} with its epochs")
    name, values = next(iter(dial.items()))
    if not isinstance(values, Mapping) or set(values) != {"epochs"}:
        raise _wrong(f"{place}.dial.{name}", "it holds epochs and nothing else")
    epochs = _number(values["epochs"], f"{place}.dial.{name}.epochs")
    inner = _part_from_json(fields.get("of"), f"{place}.of")
    return _made(place, lambda: Schedule(inner, DIALS[name](epochs)))


def _leaf_from_json(cls: type[Regularizer], fields: Mapping[str, Any], place: str) -> Regularizer:
    knobs = cls.knobs()
    _known_keys(fields, {*knobs, *cls.statics()}, place)
    values = {}
    for name, value in fields.items():
        if name in knobs and value is None:
            values[name] = math.inf
        elif name in knobs:
            values[name] = _number(value, f"{place}.{name}")
        elif isinstance(value, str | bool) or (isinstance(value, int | float) and _finite(value)):
            values[name] = value
        else:
            raise _wrong(f"{place}.{name}", "it is a name or a finite number")
    return _made(place, lambda: cls(**values))


def _made(place: str, make: Callable[[], Any]) -> Any:
    """What ``make`` makes; an error of it names the place."""
    try:
        return make()
    except RecipeError as error:
        raise RecipeError(f"{place}: {error.message}", fix=error.fix, code=error.code) from error


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise _wrong(place, f"it is {shortened(value)}; a finite number is allowed")
    return value


def _finite(value: float) -> bool:
    return abs(value) <= sys.float_info.max


def _known_keys(found: Mapping[str, Any], known: set[str], place: str) -> None:
    for key in found:
        if key not in known:
            raise _wrong(
                f"{place}.{key}", f"that key is unknown{_nearest(key, known)}; known are {', '.join(sorted(known))}"
            )


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; nearest is {near[0]}" if near else ""


def _wrong(place: str, what: str) -> RecipeError:
    shown = place if len(place) <= 120 else place[:117] + "..."
    return RecipeError(f"the recipe is malformed at {shown}: {what}.", code="WF-R10")
