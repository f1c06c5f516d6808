"""Every regularizer, one file a family. Adding one is a class in its family's file, a name here, an oracle test."""

from wellfit.regularizers.adversarial import AdversarialTraining, VirtualAdversarial
from wellfit.regularizers.anchors import L2SP, Mixout
from wellfit.regularizers.augmix import AugMix, AugMixConsistency
from wellfit.regularizers.averaging import EMA, SWA, Lookahead
from wellfit.regularizers.color import Brightness, Contrast, Saturation
from wellfit.regularizers.connections import DropConnect, SkipConnection
from wellfit.regularizers.constraints import Ball, MaxNorm, MinMaxNorm, NonNegative, SpectralNorm, UnitNorm
from wellfit.regularizers.cutmix import CutMix, Cutout
from wellfit.regularizers.decay import WeightDecay
from wellfit.regularizers.depth import LayerDrop, ShakeDrop, ShakeShake, StochasticDepth
from wellfit.regularizers.distillation import Distillation, SelfDistillation
from wellfit.regularizers.dropout import AlphaDropout, Dropout, GaussianDropout, SpatialDropout
from wellfit.regularizers.erasing import RandomErasing
from wellfit.regularizers.finetuning import Freeze, FreezeStatistics, LayerwiseRates
from wellfit.regularizers.geometry import Crop, Flip, Rotation, Shear, Shift, Zoom
from wellfit.regularizers.gradients import ASAM, SAM, AdaptiveClip, ClipNorm, ClipValue, GradientCentralization
from wellfit.regularizers.masking import MaskedTokens, TokenMask
from wellfit.regularizers.mixing import ManifoldMixup, Mixup, WordMixup
from wellfit.regularizers.noise import ActivationNoise, GradientNoise, InputNoise, NEFTune, WeightNoise
from wellfit.regularizers.normalization import BatchNorm, GhostBatchNorm, GroupNorm, LayerNorm
from wellfit.regularizers.objectives import ActivityPenalty, ConfidencePenalty, RDrop, TemporalActivityPenalty
from wellfit.regularizers.penalties import L1, L2, ElasticNet, LInfinity, Lp
from wellfit.regularizers.policies import AutoAugment, RandAugment, TrivialAugment
from wellfit.regularizers.resampling import ClassWeights, OutlierFilter, OverSample, UnderSample
from wellfit.regularizers.schedules import CosineSchedule, ReduceOnPlateau, SnapshotCycle, WarmRestarts, WarmUp
from wellfit.regularizers.sequence_dropout import EmbeddingDropout, LockedDropout, TokenDropout
from wellfit.regularizers.smoothness import InputGradientPenalty, JacobianPenalty
from wellfit.regularizers.sparsity import L0
from wellfit.regularizers.standardization import WeightStandardization
from wellfit.regularizers.stopping import EarlyStopping
from wellfit.regularizers.structured import GroupLasso, Nuclear, Orthogonal
from wellfit.regularizers.structured_dropout import DropBlock, RowDropout
from wellfit.regularizers.tabular import SMOTE, BorderlineSMOTE
from wellfit.regularizers.tabular_schema import ADASYN, SMOTENC
from wellfit.regularizers.targets import LabelSmoothing
from wellfit.regularizers.transform import Transform
from wellfit.regularizers.variational import VariationalDropout
from wellfit.text.back_translation import BackTranslation
from wellfit.text.subwords import BPEDropout
from wellfit.text.word_edits import SentenceOrder, Synonyms, WordDeletion, WordInsertion, WordSwap

__all__ = [
    "ADASYN",
    "ASAM",
    "EMA",
    "L0",
    "L1",
    "L2",
    "L2SP",
    "SAM",
    "SMOTE",
    "SMOTENC",
    "SWA",
    "ActivationNoise",
    "ActivityPenalty",
    "AdaptiveClip",
    "AdversarialTraining",
    "AlphaDropout",
    "AugMix",
    "AugMixConsistency",
    "AutoAugment",
    "BPEDropout",
    "BackTranslation",
    "Ball",
    "BatchNorm",
    "BorderlineSMOTE",
    "Brightness",
    "ClassWeights",
    "ClipNorm",
    "ClipValue",
    "ConfidencePenalty",
    "Contrast",
    "CosineSchedule",
    "Crop",
    "CutMix",
    "Cutout",
    "Distillation",
    "DropBlock",
    "DropConnect",
    "Dropout",
    "EarlyStopping",
    "ElasticNet",
    "EmbeddingDropout",
    "Flip",
    "Freeze",
    "FreezeStatistics",
    "GaussianDropout",
    "GhostBatchNorm",
    "GradientCentralization",
    "GradientNoise",
    "GroupLasso",
    "GroupNorm",
    "InputGradientPenalty",
    "InputNoise",
    "JacobianPenalty",
    "LInfinity",
    "LabelSmoothing",
    "LayerDrop",
    "LayerNorm",
    "LayerwiseRates",
    "LockedDropout",
    "Lookahead",
    "Lp",
    "ManifoldMixup",
    "MaskedTokens",
    "MaxNorm",
    "MinMaxNorm",
    "Mixout",
    "Mixup",
    "NEFTune",
    "NonNegative",
    "Nuclear",
    "Orthogonal",
    "OutlierFilter",
    "OverSample",
    "RDrop",
    "RandAugment",
    "RandomErasing",
    "ReduceOnPlateau",
    "Rotation",
    "RowDropout",
    "Saturation",
    "SelfDistillation",
    "SentenceOrder",
    "ShakeDrop",
    "ShakeShake",
    "Shear",
    "Shift",
    "SkipConnection",
    "SnapshotCycle",
    "SpatialDropout",
    "SpectralNorm",
    "StochasticDepth",
    "Synonyms",
    "TemporalActivityPenalty",
    "TokenDropout",
    "TokenMask",
    "Transform",
    "TrivialAugment",
    "UnderSample",
    "UnitNorm",
    "VariationalDropout",
    "VirtualAdversarial",
    "WarmRestarts",
    "WarmUp",
    "WeightDecay",
    "WeightNoise",
    "WeightStandardization",
    "WordDeletion",
    "WordInsertion",
    "WordMixup",
    "WordSwap",
    "Zoom",
]
