"""What is planted: each illness with its right verdict, the codes that may name it, and the remedy that has to gain."""

from __future__ import annotations

from bank_case import Plant

_OVERFIT = ("WF020", "WF021", "WF022", "WF024", "WF030")
"""Which of these comes first is a matter of degree in most cases of overfitting; a plant leads with its own."""

TOO_LONG = Plant("too long", "overfit", ("WF020", "WF021", "WF030"), "early stop")
TOO_FEW_ROWS = Plant("too few rows", "overfit", ("WF021", "WF020", "WF030"), "regularize")
NOISE_30 = Plant("label noise 30", "overfit", _OVERFIT, "early stop", noise=0.3)
NOISE_10 = Plant("label noise 10", "overfit", _OVERFIT, "early stop", noise=0.1)
OVERCONFIDENT = Plant("overconfident", "overfit", ("WF030", "WF020", "WF021"), "temperature")

FEW_UNITS = Plant("few units", "underfit", ("WF011",), "width x4")
DROPPED_OUT = Plant("dropout 0.9", "underfit", ("WF012", "WF007"), "no regularization")
DECAYED = Plant("decayed", "underfit", ("WF007", "WF012"), "no regularization")

FEW_EPOCHS = Plant("few epochs", "undertrained", ("WF010",), "epochs x3")
TINY_RATE = Plant("tiny rate", "undertrained", ("WF010", "WF013"), "rate x10")

HIGH_RATE = Plant("high rate", "untrainable", ("WF003", "WF004", "WF005"), "rate /100")
DEAD = Plant("dead units", "untrainable", ("WF005",), "usual start")
SATURATED = Plant("saturated", "untrainable", ("WF005", "WF006", "WF003"), "usual start")
SIGMOIDS = Plant("sigmoid stack", "untrainable", ("WF006",), "relu")

LEAK = Plant("copies in validation", "broken", ("WF002",), "without copies", copies=0.5)
PERMUTED = Plant("permuted labels", "broken", ("WF001", "WF014"), "repaired data", damage="permuted labels")
CONSTANT = Plant("constant label", "broken", ("WF001",), "repaired data", damage="constant label")
MISSING = Plant("missing inputs", "broken", ("WF001",), "repaired data", damage="missing inputs")
UNSCALED = Plant("unscaled inputs", "broken", ("WF001",), "repaired data", damage="unscaled inputs")

RARE_CLASS = Plant("rare class", "imbalanced", ("WF031",), "weighted classes", damage="rare class")
FEW_VALID = Plant("few validation rows", "undecided", ("WF099", "WF040"), "more validation rows")

HEALTHY = Plant("healthy", "healthy", ("WF000", "WF023"))
