"""Proof: scores with intervals, paired comparisons, calibration, and the greedy ensemble."""

from wellfit.proof.adjust import holm
from wellfit.proof.calibration import fit_temperature, probabilities
from wellfit.proof.clusters import drawn_rows, gathered
from wellfit.proof.ensemble import greedy_weights
from wellfit.proof.inferiority import KEPT_GAIN, furthest, non_inferior
from wellfit.proof.intervals import paired_gain, score_interval
from wellfit.proof.paired import Cell, Difference, paired_difference

__all__ = [
    "KEPT_GAIN",
    "Cell",
    "Difference",
    "drawn_rows",
    "fit_temperature",
    "furthest",
    "gathered",
    "greedy_weights",
    "holm",
    "non_inferior",
    "paired_difference",
    "paired_gain",
    "probabilities",
    "score_interval",
]
