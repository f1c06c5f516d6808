"""Is a class left behind, because it is rare?"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from scipy import stats

from wellfit.diagnosis.experiment import Evidence
from wellfit.diagnosis.result import Finding
from wellfit.proof import holm


@dataclasses.dataclass(frozen=True)
class ClassGap:
    """The class that is left furthest behind; ``rare`` says whether a rare class is left behind, so that weights of
    classes are worth trying."""

    finding: Finding
    rare: bool = False


def classes(evidence: Evidence) -> ClassGap:
    """Whether the accuracy on one class lies far below that on the others, and whether weights of classes mend it."""
    setting = evidence.setting
    if setting.labels is None:
        return ClassGap(Finding("class-gap", "not_applicable", "the targets are no classes"))
    labels = setting.labels[setting.held :].numpy()
    gaps = class_gaps(labels, (evidence.base.outputs[evidence.own].argmax(-1) == labels).mean(0))
    if not gaps:
        return ClassGap(Finding("class-gap", "not_applicable", "no two classes have 2 validation rows"))
    left = [g for g in gaps if g[2] < 0.01 and g[1] > evidence.limits.class_gap]
    rare = rare_classes(setting.labels[: setting.held], evidence.limits.rare)
    behind = [g for g in left if g[0] in rare]
    label, low, p = max(behind or left or gaps, key=lambda g: g[1])
    told = f"accuracy on class {setting.class_name(label)} lies {low:.2f} below that on the other classes "
    told += f"(Holm-adjusted p {p:.2g})"
    if not left:
        return ClassGap(Finding("class-gap", "healthy", told, low, "accuracy"))
    change = evidence.tried.get("weighted")
    if change is not None:
        ends = change.relative_interval or (math.nan, math.nan)
        told += f"; weights of classes take {change.relative or 0:.0%} [{ends[0]:.0%}, {ends[1]:.0%}] off the error "
        told += "averaged over classes"
    sure = change is not None and change.helps
    return ClassGap(Finding("class-gap", "finding", told, low, "accuracy", None, sure), bool(rare))


def rare_classes(labels: torch.Tensor, share: float) -> set[int]:
    """Classes with fewer rows than ``share`` of an even part."""
    counts = torch.bincount(labels)
    even = len(labels) / max(1, int((counts > 0).sum()))
    return {int(c) for c in torch.nonzero((counts > 0) & (counts < share * even)).flatten()}


def class_gaps(labels: np.ndarray, right: np.ndarray) -> list[tuple[int, float, float]]:
    """Of each class with 2 rows or more: how far its accuracy lies below that on the others, and Holm's p-value."""
    known = [c for c in np.unique(labels) if 2 <= (labels == c).sum() < len(labels)]
    if len(known) < 2:
        return []
    low = [float(right[labels != c].mean() - right[labels == c].mean()) for c in known]
    p = holm([float(stats.fisher_exact(_table(labels == c, right), alternative="less")[1]) for c in known])
    return [(int(c), d, float(q)) for c, d, q in zip(known, low, p, strict=True)]


def _table(own: np.ndarray, right: np.ndarray) -> list[list[int]]:
    hits = right >= 0.5
    return [[int(hits[own].sum()), int((~hits[own]).sum())], [int(hits[~own].sum()), int((~hits[~own]).sum())]]
