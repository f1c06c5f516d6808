"""Regularization written out in plain NumPy: every forward and backward pass by hand, to be read and to check against.

wellfit itself does not use these forms. They say in the fewest words what each method computes, follow the notation of
``y = x @ w`` (weights are (inputs, outputs)), take a ``numpy.random.Generator`` where something is drawn, and write
into nothing they are given. Each backward pass is tested against finite differences, each forward pass against another
library, and wellfit's own regularizers against them.

>>> import numpy as np
>>> from wellfit import reference
>>> reference.l1_penalty(np.array([1.0, -2.0]), 0.5)
1.5
"""

from wellfit.reference.constraints import clip_norm, max_norm
from wellfit.reference.dropout import (
    dropout_backward,
    dropout_forward,
    dropout_mask,
    gaussian_dropout_mask,
    spatial_dropout_mask,
)
from wellfit.reference.losses import cross_entropy, cross_entropy_backward, relu, relu_backward, softmax
from wellfit.reference.mixing import Box, box_around, cutmix, cutmix_side, cutout, mixing_share, mixup
from wellfit.reference.network import Trace, backward, forward, predict, start_weights
from wellfit.reference.noise import (
    gaussian_noise,
    laplace_noise,
    laplace_scale,
    poisson_noise,
    salt_and_pepper,
    uniform_half_width,
    uniform_noise,
)
from wellfit.reference.normalization import Running, batch_norm_backward, batch_norm_train, batch_norm_use
from wellfit.reference.oversampling import between, nearest_neighbors, smote, synthetic_rows
from wellfit.reference.penalties import (
    elastic_net_gradient,
    elastic_net_penalty,
    half_l2_gradient,
    half_l2_penalty,
    l1_gradient,
    l1_penalty,
    l2_gradient,
    l2_penalty,
    plain_elastic_net_gradient,
    plain_elastic_net_penalty,
    soft_threshold,
)
from wellfit.reference.stopping import EarlyStopping
from wellfit.reference.training import Plan, Result, penalty, step, train

__all__ = [
    "Box",
    "EarlyStopping",
    "Plan",
    "Result",
    "Running",
    "Trace",
    "backward",
    "batch_norm_backward",
    "batch_norm_train",
    "batch_norm_use",
    "between",
    "box_around",
    "clip_norm",
    "cross_entropy",
    "cross_entropy_backward",
    "cutmix",
    "cutmix_side",
    "cutout",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "elastic_net_gradient",
    "elastic_net_penalty",
    "forward",
    "gaussian_dropout_mask",
    "gaussian_noise",
    "half_l2_gradient",
    "half_l2_penalty",
    "l1_gradient",
    "l1_penalty",
    "l2_gradient",
    "l2_penalty",
    "laplace_noise",
    "laplace_scale",
    "max_norm",
    "mixing_share",
    "mixup",
    "nearest_neighbors",
    "penalty",
    "plain_elastic_net_gradient",
    "plain_elastic_net_penalty",
    "poisson_noise",
    "predict",
    "relu",
    "relu_backward",
    "salt_and_pepper",
    "smote",
    "soft_threshold",
    "softmax",
    "spatial_dropout_mask",
    "start_weights",
    "step",
    "synthetic_rows",
    "train",
    "uniform_half_width",
    "uniform_noise",
]
