"""The example of an attached recipe: what it prints is so."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "01_attach_to_a_loop.py"


def test_the_example_gains_from_its_recipe(capsys):
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    said = capsys.readouterr().out
    without, with_recipe = (float(a) for a in re.findall(r"accuracy on clean held out digits ([\d.]+)", said))
    assert "acts at no hidden values" in said and "acts at functional.relu, functional.relu_1" in said
    assert with_recipe > without + 0.02
    stopped, best = (int(n) for n in re.findall(r"stopped after epoch (\d+), best was (\d+)", said)[1])
    assert best < stopped
