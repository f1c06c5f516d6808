"""Every file of examples/ runs as it is: short, quick, complete, and without the network."""

from __future__ import annotations

import re

import pytest
from running import EXAMPLES, run_alone, run_example

NAMES = sorted(p.name for p in EXAMPLES.glob("*.py"))
_LINES, _SECONDS = 80, 20


def _keeping_to_seconds(name):
    """An example with a budget runs with nothing beside it."""
    return pytest.param(name, marks=[pytest.mark.alone] if "budget=" in (EXAMPLES / name).read_text("utf-8") else [])


@pytest.mark.parametrize("name", [_keeping_to_seconds(name) for name in NAMES])
def test_example_runs(name):
    ran = run_example(name)
    assert ran.code == 0, ran.errors[-2000:]
    assert ran.text.strip(), "an example shows what it found"
    assert ran.seconds < _SECONDS, f"{ran.seconds:.0f} processor seconds"


@pytest.mark.parametrize("name", NAMES)
def test_example_is_short_and_says_what_it_shows(name):
    text = (EXAMPLES / name).read_text("utf-8")
    assert re.fullmatch(r"\d\d(_[a-z0-9]+){2,}\.py", name), "NN_verb_object.py"
    assert len(text.splitlines()) < _LINES
    assert text.startswith('"""')


def test_no_two_examples_share_a_number_and_there_are_some():
    numbers = [name[:2] for name in NAMES]
    assert len(set(numbers)) == len(numbers) > 10


def test_examples_have_no_network():
    code = "import urllib.request; urllib.request.urlopen('http://example.org')"
    assert "examples run offline: example.org" in run_alone("-c", code).errors
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    assert "examples run offline: 192.0.2.1" in run_alone("-c", code).errors


def test_a_broken_example_is_seen(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("print('so far')\nraise ValueError('no further')\n")
    ran = run_alone(str(broken))
    assert ran.code == 1
    assert "no further" in ran.errors
