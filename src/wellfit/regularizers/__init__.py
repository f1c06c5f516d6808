"""Every regularizer, one file a family. Adding one is a class in its family's file, a name here, an oracle test."""

from wellfit.regularizers.averaging import EMA
from wellfit.regularizers.constraints import MaxNorm
from wellfit.regularizers.decay import WeightDecay
from wellfit.regularizers.dropout import Dropout
from wellfit.regularizers.gradients import SAM, ClipNorm
from wellfit.regularizers.mixing import Mixup
from wellfit.regularizers.noise import InputNoise
from wellfit.regularizers.normalization import BatchNorm
from wellfit.regularizers.penalties import L1, L2, ElasticNet
from wellfit.regularizers.stopping import EarlyStopping
from wellfit.regularizers.targets import LabelSmoothing

__all__ = [
    "EMA",
    "L1",
    "L2",
    "SAM",
    "BatchNorm",
    "ClipNorm",
    "Dropout",
    "EarlyStopping",
    "ElasticNet",
    "InputNoise",
    "LabelSmoothing",
    "MaxNorm",
    "Mixup",
    "WeightDecay",
]
