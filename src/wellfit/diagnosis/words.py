"""A diagnosis in lines for a terminal."""

from __future__ import annotations

import textwrap

from wellfit.diagnosis.result import Diagnosis, Finding, Tried

_TOPIC = 9
_LISTED = 6  # changes and findings of one kind that are shown


def told(found: Diagnosis, width: int = 100) -> str:
    """Verdict, changes, findings, remedies, and what was not checked; no line is wider than ``width``."""
    lines = [_line("verdict", found.title, width)]
    lines.append(_line("why", found.sentence, width))
    lines += _block("tried", [_change(v) for v in found.variants], width)
    others = [f for f in found.findings if f.outcome == "finding" and f.code != found.code]
    lines += _block("also", [_finding(f) for f in others], width)
    lines += _block("unclear", [_finding(f) for f in found.findings if f.outcome == "undecided"], width)
    lines += _block("studies", [f"{name}: {s['sentence']}" for name, s in found.studies.items()], width)
    lines += _block("remedy", list(found.remedies), width)
    lines += _block("measured", _measures(found), width)
    fine = [f.code for f in found.findings if f.outcome == "healthy"]
    lines += _block("fine", [", ".join(fine)] if fine else [], width)
    lines += _block("unseen", list(found.not_checked), width)
    if found.cost:
        lines.append(_line("cost", _cost(found.cost), width))
    lines.append(_line("more", f"wellfit explain {found.code}", width))
    return "\n".join(lines)


def _change(change: Tried) -> str:
    if change.relative is None or change.relative_interval is None:
        return f"{change.label}: the setting's own loss is no number to compare with"
    low, high = change.relative_interval
    told = f"{change.relative:+8.1%}  [{low:+.0%}, {high:+.0%}]"
    return f"{'helps' if change.helps else '     '} {told}  {change.label}"


def _finding(finding: Finding) -> str:
    return f"{finding.code} {finding.sentence}"


def _measures(found: Diagnosis) -> list[str]:
    told = []
    if found.measures.get("sharpness") is not None:
        told.append(f"sharpness {found.measures['sharpness']:.3g} (how much the training loss rises close by)")
    margins = found.measures.get("margins")
    if margins:
        told.append("margins over the spectral product " + ", ".join(f"{q} {v:.2g}" for q, v in margins.items()))
    return told


def _cost(cost: dict[str, float]) -> str:
    return (
        f"{cost['trainings']:.0f} trainings of the setting side by side, {cost['training_seconds']:.1f} s of steps: "
        f"{cost['times_one_training']:.1f} times one plain training; {cost['seconds']:.1f} s in all"
    )


def _block(topic: str, entries: list[str], width: int) -> list[str]:
    shown = entries[:_LISTED] if topic != "tried" else entries
    lines = [_line(topic if place == 0 else "", entry, width) for place, entry in enumerate(shown)]
    if len(entries) > len(shown):
        lines.append(_line("", f"and {len(entries) - len(shown)} more: --json", width))
    return lines


def _line(topic: str, sentence: str, width: int) -> str:
    clean = "".join(c if c.isprintable() else " " for c in sentence)
    head, rest = f"{topic:<{_TOPIC}}", " " * _TOPIC
    return "\n".join(
        textwrap.wrap(clean, width, initial_indent=head, subsequent_indent=rest, break_on_hyphens=False,
                      drop_whitespace=True)
    )  # fmt: skip
