"""The main job: from data to a verdict, a proven recipe and a trained model."""

from wellfit.job.api import Run, fit, load
from wellfit.job.options import Options
from wellfit.job.study import fit_file
from wellfit.job.table_source import Source
from wellfit.progress import Progress, Silent

__all__ = ["Options", "Progress", "Run", "Silent", "Source", "fit", "fit_file", "load"]
