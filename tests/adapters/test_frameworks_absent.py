"""Where a framework is not installed: wellfit imports without it, and its adapter names the pip line."""

from __future__ import annotations

import subprocess
import sys

import pytest

import wellfit as wf

ABSENT = """
import sys
sys.modules[{package!r}] = None  # as if it were not installed
import wellfit
from wellfit import MissingExtra
try:
    wellfit.{face}
except MissingExtra as error:
    print(error)
"""
FACES = {"lightning": ("lightning", "lightning"), "keras": ("keras", "keras"), "huggingface": ("transformers",) * 2}


def _said(code):
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("face", FACES)
def test_the_error_names_the_pip_line(face):
    package, extra = FACES[face]
    said = _said(ABSENT.format(package=package, face=face))
    assert said.strip() == f"WF-E01: {package} is not installed. pip install 'wellfit[{extra}]'"


def test_wellfit_needs_none_of_them_until_it_is_asked():
    said = _said(
        "import sys, wellfit; wellfit.Recipe; print(sorted({'lightning', 'keras', 'transformers'} & {*sys.modules}))"
    )
    assert said.strip() == "[]"


@pytest.mark.parametrize("face", FACES)
def test_a_face_does_not_shadow_its_framework(face):
    package, _ = FACES[face]
    pytest.importorskip(package)
    said = _said(f"import wellfit, {package}; print({package}.__name__, {package} is not wellfit.{face}, "
                 f"wellfit.{face}.RecipeCallback.__name__)")  # fmt: skip
    assert f"{package} True RecipeCallback" in said


def test_a_part_missing_inside_of_a_framework_stays_its_own_error():
    from wellfit.adapters.extras import needs

    with pytest.raises(ModuleNotFoundError, match="numpy_of_old") as caught, needs("lightning", extra="lightning"):
        raise ModuleNotFoundError("no module named numpy_of_old", name="numpy_of_old")
    assert not isinstance(caught.value, wf.MissingExtra)
