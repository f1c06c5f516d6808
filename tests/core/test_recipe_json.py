"""Recipe files: what was written comes back, and what nobody wrote is refused with its place."""

from __future__ import annotations

import json
import math
import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from worlds import CONFINED, DIALED, LEAVES, everything

from wellfit import L2, BatchNorm, Dropout, MaxNorm, Recipe, RecipeError, after, fade, ramp, schedule, where
from wellfit.errors import RunFolderError
from wellfit.recipe_json import parse_strict


def _values(cls):
    """Any allowed value of every knob, the neutral one among them."""
    drawn = {}
    for name, facts in cls.knobs().items():
        inside = some.floats(facts.low, facts.high)
        drawn[name] = inside if facts.neutral is None else inside | some.just(facts.neutral)
    return some.builds(cls, **drawn)


def _wrapped(part):
    dials = some.builds(lambda kind, n: kind(n), some.sampled_from([ramp, fade, after]), some.floats(0.01, 1e6))
    patterns = some.text(some.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
    forms = some.just(part)
    if type(part) in CONFINED:
        forms |= some.builds(where, some.just(part), patterns)
    return forms | some.builds(schedule, some.just(part), dials) if type(part) in DIALED else forms


PARTS = some.sampled_from(LEAVES).flatmap(_values).flatmap(_wrapped)
RECIPES = some.lists(PARTS, max_size=6, unique_by=lambda p: p.name).map(lambda parts: Recipe(*parts))
NUMBERS = some.dictionaries(
    some.text(min_size=1, max_size=8), some.floats(allow_nan=False, allow_infinity=False), max_size=3
)


@given(recipe=RECIPES, numbers=NUMBERS)
@settings(max_examples=150, deadline=None)
def test_what_is_written_comes_back(recipe, numbers):
    recipe = recipe.replace(settings=numbers)
    text = json.dumps(recipe.to_json(), allow_nan=False)
    again = Recipe.from_json(parse_strict(text, "recipe"))
    assert again == recipe
    assert hash(again) == hash(recipe)
    assert again.settings == recipe.settings
    assert again.to_json() == recipe.to_json()


def test_save_and_load(tmp_path):
    recipe = Recipe(BatchNorm(momentum=0.3), *everything(), settings={"rate": 0.1})
    recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == recipe
    assert Recipe.load(tmp_path / "recipe.json")["BatchNorm"].momentum == 0.3
    text = (tmp_path / "recipe.json").read_text()
    assert "wellfit.regularizers" not in text, "a file holds names, never paths to code"
    assert "Infinity" not in text


def test_infinity_is_null():
    form = Recipe(MaxNorm(math.inf)).to_json()
    assert form["regularizers"][0]["MaxNorm"]["limit"] is None
    assert Recipe.from_json(form)["MaxNorm"].is_neutral()


def _file(*parts, **more):
    return json.dumps({"format": "wellfit.recipe", "version": 1, "regularizers": list(parts), **more})


def _raw(part):
    return '{"format": "wellfit.recipe", "version": 1, "regularizers": [' + part + "]}"


def _nested(depth):
    part = {"L2": {}}
    for i in range(depth):
        part = {"where": {"pattern": str(i), "of": part}}
    return part


HOSTILE = {
    "empty file": ("", "no JSON"),
    "no JSON": ("{", "no JSON"),
    "a list": ("[]", r"\$"),
    "null": ("null", r"\$"),
    "a byte order mark": ("\ufeff" + _file(), "no JSON"),
    "unknown key": (_file(author="me"), r"\$\.author"),
    "no format": ('{"version": 1, "regularizers": []}', "format"),
    "other format": (_file().replace("wellfit.recipe", "pickle"), "pickle"),
    "later version": (_file().replace(": 1", ": 2"), "version 2"),
    "version true": (_file().replace(": 1", ": true"), "version True"),
    "long format": (_file().replace("wellfit.recipe", "x" * 10_000), "format"),
    "parts are an object": (_file().replace("[]", "{}"), r"\$\.regularizers"),
    "part is a name": (_file("L2"), r"\$\.regularizers\[0\]"),
    "part is empty": (_file({}), r"\$\.regularizers\[0\]"),
    "part has two names": (_file({"L1": {}, "L2": {}}), r"\$\.regularizers\[0\]"),
    "unknown name": (_file({"L2": {}}, {"Dropuot": {}}), r"\$\.regularizers\[1\]\.Dropuot.*nearest is Dropout"),
    "class path": (_file({"wellfit.regularizers.penalties.L2": {}}), "no regularizer has that name"),
    "code": (_file({"__import__('os').system('true')": {}}), "no regularizer has that name"),
    "the base class": (_file({"Regularizer": {}}), "no regularizer has that name"),
    "a recipe inside": (_file({"Recipe": {}}), "no regularizer has that name"),
    "knobs are a list": (_file({"L2": [1]}), r"\[0\]\.L2"),
    "knobs are null": (_file({"L2": None}), r"\[0\]\.L2"),
    "unknown knob": (_file({"L2": {"strenght": 1}}), r"L2\.strenght.*nearest is strength"),
    "memory as a knob": (_file({"EMA": {"average": 1}}), r"EMA\.average"),
    "dunder": (_file({"L2": {"__class__": 1}}), "__class__"),
    "knob is text": (_file({"L2": {"strength": "0.1"}}), r"L2\.strength"),
    "knob is true": (_file({"L2": {"strength": True}}), r"L2\.strength"),
    "knob is a list": (_file({"L2": {"strength": [0.1]}}), r"L2\.strength"),
    "knob is null": (_file({"L2": {"strength": None}}), r"\[0\]\.L2.*strength"),
    "knob is NaN": (_raw('{"L2": {"strength": NaN}}'), "NaN"),
    "knob is Infinity": (_raw('{"L2": {"strength": Infinity}}'), "Infinity"),
    "knob is 1e999": (_raw('{"L2": {"strength": 1e999}}'), r"L2\.strength"),
    "knob is a huge whole number": (_raw('{"L2": {"strength": 1' + "0" * 400 + "}}"), r"L2\.strength"),
    "knob has 5000 digits": (_raw('{"L2": {"strength": ' + "9" * 5000 + "}}"), "no JSON"),
    "knob out of range": (_file({"Dropout": {"p": 1.5}}), r"\[0\]\.Dropout.*allowed is 0 to 1"),
    "knob is negative": (_file({"L2": {"strength": -1e-9}}), r"\[0\]\.L2"),
    "static is text": (_file({"BatchNorm": {"momentum": "x"}}), r"\[0\]\.BatchNorm.*momentum"),
    "static is 1e999": (_raw('{"BatchNorm": {"eps": 1e999}}'), r"BatchNorm\.eps"),
    "static out of range": (_file({"BatchNorm": {"momentum": 7}}), r"\[0\]\.BatchNorm.*momentum"),
    "static is an object": (_file({"BatchNorm": {"eps": {}}}), r"BatchNorm\.eps"),
    "a key twice": (_raw('{"L2": {"strength": 1, "strength": 2}}'), "strength: the key stands there twice"),
    "a part twice": (_file({"L2": {}}, {"L2": {}}), "more than once"),
    "settings are a list": (_file(settings=[]), r"\$\.settings"),
    "settings are null": (_file(settings=None), r"\$\.settings"),
    "a setting is text": (_file(settings={"rate": "fast"}), r"\$\.settings\.rate"),
    "where without a pattern": (_file({"where": {"of": {"L2": {}}}}), r"where\.pattern"),
    "where with a number": (_file({"where": {"pattern": 3, "of": {"L2": {}}}}), r"where\.pattern"),
    "where of nothing": (_file({"where": {"pattern": "*"}}), r"where\.of"),
    "where of batch norm": (_file({"where": {"pattern": "a", "of": {"BatchNorm": {}}}}), r"\[0\]\.where"),
    "unknown dial": (_file({"schedule": {"dial": {"cosine": {"epochs": 3}}, "of": {"L2": {}}}}), r"schedule\.dial"),
    "dial of zero epochs": (
        _file({"schedule": {"dial": {"ramp": {"epochs": 0}}, "of": {"L2": {}}}}),
        r"\[0\]\.schedule",
    ),
    "dial without epochs": (_file({"schedule": {"dial": {"ramp": {}}, "of": {"L2": {}}}}), r"schedule\.dial\.ramp"),
    "dial of text": (_file({"schedule": {"dial": {"ramp": {"epochs": "3"}}, "of": {"L2": {}}}}), r"ramp\.epochs"),
    "deep": (_file(_nested(40)), "nested"),
    "deep lists": (_raw("[" * 100_000 + "]" * 100_000), "nested"),
    "depth behind text": ('{"a": "' + "]" * 200_000 + '", "b": ' + "[" * 200_000, "nested|no JSON"),
    "too large": (" " * 1_000_001, "1000001 bytes"),
    "many equal keys": ("{" + ",".join('"a": 1' for _ in range(100_000)) + "}", "twice"),
    "many unknown keys": ("{" + ",".join(f'"k{i}": 1' for i in range(60_000)) + "}", "unknown"),
    "long name": (_file({"x" * 500_000: {}}), r"\$\.regularizers\[0\]"),
    "long text for a knob": (_file({"L2": {"strength": "y" * 500_000}}), r"L2\.strength"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_the_place(tmp_path, name):
    text, place = HOSTILE[name]
    path = tmp_path / "recipe.json"
    path.write_text(text, encoding="utf-8")
    begun = time.monotonic()
    with pytest.raises(RecipeError, match=place) as caught:
        Recipe.load(path)
    assert time.monotonic() - begun < 2.0
    assert len(str(caught.value)) < 700
    assert caught.value.code.startswith("WF-R")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80abc", None])
def test_what_is_no_text_or_not_there_is_refused(tmp_path, content):
    path = tmp_path / "recipe.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match="cannot be read"):
        Recipe.load(path)
    with pytest.raises(RecipeError, match="cannot be read"):
        Recipe.load(tmp_path)


def test_a_deep_object_that_was_never_a_file_is_refused_too():
    form = {"format": "wellfit.recipe", "version": 1, "regularizers": [_nested(3000)]}
    with pytest.raises(RecipeError, match="nested"):
        Recipe.from_json(form)


def test_many_parts_are_read_in_time():
    parts = [{"where": {"pattern": str(i), "of": {"L2": {}}}} for i in range(5000)]
    begun = time.monotonic()
    assert len(Recipe.from_json(json.loads(_file(*parts)))) == 5000
    assert time.monotonic() - begun < 5.0


def test_brackets_in_a_pattern_are_no_depth():
    recipe = Recipe(where(L2(), "[" * 50), where(Dropout(0.1), '\\"' + "{" * 50))
    assert Recipe.from_json(parse_strict(json.dumps(recipe.to_json()), "recipe")) == recipe


WORDS = some.sampled_from(["L2", "where", "schedule", "of", "dial", "strength", "pattern", "ramp"]) | some.text(
    max_size=4
)
JUNK = some.recursive(
    some.none() | some.booleans() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@given(junk=JUNK)
@settings(max_examples=200, deadline=None)
def test_junk_is_refused_or_read_but_never_crashes(junk):
    form = {"format": "wellfit.recipe", "version": 1, "regularizers": [junk]}
    for data in (junk, form):
        try:
            found = Recipe.from_json(data)
        except RecipeError as error:
            found = error
        assert "$" in str(found) if isinstance(found, RecipeError) else isinstance(found, Recipe)


def test_a_failed_save_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "recipe.json"
    Recipe(L2(0.5)).save(path)
    before = path.read_bytes()

    def fails(*_):
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, fails)
        with pytest.raises(RunFolderError, match="No space left"):
            everything().save(path)
        monkeypatch.undo()
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["recipe.json"], "no temporary file stays behind"


def test_saving_where_there_is_no_folder_says_so(tmp_path):
    with pytest.raises(RunFolderError, match=r"recipe\.json could not be written"):
        Recipe(L2()).save(tmp_path / "nowhere" / "recipe.json")
