"""The main job: from data to a verdict, a proven recipe and a trained model."""

from wellfit.job.api import Run, fit, load
from wellfit.job.options import Options, Progress, Silent
from wellfit.job.study import fit_file
from wellfit.job.table_source import Source

__all__ = ["Options", "Progress", "Run", "Silent", "Source", "fit", "fit_file", "load"]
