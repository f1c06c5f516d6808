"""What a grade of evidence means, in words."""

from __future__ import annotations

GRADES = {
    "A": "widely used, on many kinds of data",
    "B": "used in a narrower domain",
    "C": "experimental",
}


def meaning(grade: str) -> str:
    """A grade with its meaning; a sign behind the letter leans toward its neighbor."""
    if grade[:1] not in GRADES:
        return grade or "-"
    lean = {"+": ", leaning up", "-": ", leaning down"}.get(grade[1:], "")
    return f"{grade}, {GRADES[grade[0]]}{lean}"


def legend() -> str:
    return ", ".join(f"{grade} {words}" for grade, words in GRADES.items())
