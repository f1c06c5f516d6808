"""The stable codes that a page mentions: each leads to its sentence in the page's own glossary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wellfit.report.html import Html, h
from wellfit.report.record import mappings_at, text_at

_CODE = re.compile(r"WF[A-Z0-9-]{1,12}\Z")


def code(name: str) -> Html | str:
    """A code as a link to the glossary; whatever is no code stays a text."""
    return h("a", name, href=f"#{name}", class_="code") if _CODE.match(name) else name


def codes_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The codes that a record mentions and what each means, as far as that is known."""
    places = (("data", "notes"), ("lint",), ("diagnosis", "findings"))
    named = [text_at(entry, "code", limit=20) for place in places for entry in mappings_at(record, *place)]
    named.append(text_at(record, "diagnosis", "code", limit=20))
    known = _known()
    return {name: known.get(name, "") for name in sorted({n for n in named if _CODE.match(n)})}


def _known() -> dict[str, str]:
    from wellfit.data.notes import CODES
    from wellfit.diagnosis.checks import CHECKS
    from wellfit.lint import all_rules

    lint = {rule.code: f"{rule.title[:1].upper()}{rule.title[1:]}. {rule.fix}" for rule in all_rules()}
    checks = {c.code: f"{c.title[:1].upper()}{c.title[1:]}. Helps: {'; '.join(c.remedy)}." for c in CHECKS.values()}
    return {**checks, **CODES, **lint}
