"""Proof: scores with intervals, paired comparisons, calibration, and the greedy ensemble."""

from wellfit.proof.calibration import fit_temperature, probabilities
from wellfit.proof.ensemble import greedy_weights
from wellfit.proof.intervals import paired_gain, score_interval

__all__ = ["fit_temperature", "greedy_weights", "paired_gain", "probabilities", "score_interval"]
