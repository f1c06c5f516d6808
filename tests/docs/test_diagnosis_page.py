"""The page of the diagnosis is what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from wellfit.diagnosis import CHECKS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date_and_has_every_anchor():
    spec = importlib.util.spec_from_file_location("make_diagnosis_page", DOCS / "make_diagnosis_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (DOCS / "diagnosis.md").read_text()
    assert text == module.page(), "run: python docs/make_diagnosis_page.py"
    for check in CHECKS.values():
        assert f'id="{check.anchor.partition("#")[2]}"' in text
