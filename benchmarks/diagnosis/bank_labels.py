"""The one set of labels that every method is scored on, and how codes and peers' words map to it.

A label says what to do; a code says why. Two codes that ask for the same kind of remedy share a label:

    healthy       nothing of the standard set helps
    overfit       restrain it: stop earlier, regularize more, clean the labels, soften the probabilities
    underfit      free it: more units, or less regularization
    undertrained  train it longer or faster
    untrainable   training itself fails: too high a rate, dead or saturated units, gradients that vanish
    broken        the data: labels, inputs, or a validation set that leaks
    imbalanced    a class is left behind that weighting would serve
    undecided     too few rows to tell

The peers know three words. For a comparison that is fair to them, ``coarse`` merges the labels to those three and
``other``.
"""

from __future__ import annotations

LABELS = ("healthy", "overfit", "underfit", "undertrained", "untrainable", "broken", "imbalanced", "undecided")

LABEL_OF = {
    "WF000": "healthy",
    "WF001": "broken",
    "WF002": "broken",
    "WF003": "untrainable",
    "WF004": "untrainable",
    "WF005": "untrainable",
    "WF006": "untrainable",
    "WF007": "underfit",
    "WF010": "undertrained",
    "WF011": "underfit",
    "WF012": "underfit",
    "WF013": "undertrained",
    "WF014": "broken",
    "WF020": "overfit",
    "WF021": "overfit",
    "WF022": "overfit",
    "WF023": "healthy",
    "WF024": "overfit",
    "WF030": "overfit",
    "WF031": "imbalanced",
    "WF032": "imbalanced",
    "WF040": "undecided",
    "WF041": "healthy",
    "WF099": "undecided",
}
"""WF013 is an optimizer that did not get there, WF014 data that no model reads anything from; WF030 is overfitting of
the log loss alone; WF023 (a gap that nothing narrows) and WF041 (about a search, not a fit) are no illness."""

COARSE = ("healthy", "overfit", "underfit", "other")

COARSE_OF = {
    "healthy": "healthy",
    "overfit": "overfit",
    "underfit": "underfit",
    "undertrained": "underfit",
    "untrainable": "underfit",
    "broken": "other",
    "imbalanced": "other",
    "undecided": "other",
}


def coarse(label: str) -> str:
    """The label among those that every method can give."""
    return COARSE_OF[label]
