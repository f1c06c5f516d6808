"""The gallery: figures about regularization, drawn by the library's own code, each with its numbers beside it.

A figure is a function of a seed that returns a ``Plate``: a matplotlib figure, its table, what it shows. ``FIGURES``
has all of them by name; ``draw_gallery`` writes them into a folder with a page.
"""

from __future__ import annotations

from wellfit.gallery.augmentations import augmentations
from wellfit.gallery.curves import dashboard, learning_curve, regularization_path, validation_curve
from wellfit.gallery.fits import bias_variance, overfit_polynomial
from wellfit.gallery.folder import chosen, draw_gallery
from wellfit.gallery.hidden import dropout_masks, thinned_networks
from wellfit.gallery.images import cutmix, cutout, mixup, noise_families
from wellfit.gallery.methods import map_of_methods
from wellfit.gallery.one_weight import exact_zeros, max_norm, mix_ratio, penalties, shrinkage
from wellfit.gallery.optimum import balls, balls_inside, loss_surface, optimization_paths
from wellfit.gallery.plate import FIGURES, Entry, Plate, Table

__all__ = [
    "FIGURES",
    "Entry",
    "Plate",
    "Table",
    "augmentations",
    "balls",
    "balls_inside",
    "bias_variance",
    "chosen",
    "cutmix",
    "cutout",
    "dashboard",
    "draw_gallery",
    "dropout_masks",
    "exact_zeros",
    "learning_curve",
    "loss_surface",
    "map_of_methods",
    "max_norm",
    "mix_ratio",
    "mixup",
    "noise_families",
    "optimization_paths",
    "overfit_polynomial",
    "penalties",
    "regularization_path",
    "shrinkage",
    "thinned_networks",
    "validation_curve",
]
