"""What a default search over pictures draws from works with wellfit's own network for them: no run needs to try."""

from __future__ import annotations

import dataclasses

import torch

from wellfit.job.space import make_space
from wellfit.models.picture_shape import PictureShape
from wellfit.target import Target
from wellfit.training.cohort import Rows
from wellfit.training.study import Study


def study(channels):
    x = torch.randn(12, channels, 9, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.eye(3)[torch.arange(12) % 3]
    fold = (torch.arange(8), torch.arange(8, 12))
    shape = PictureShape(channels, 9, 8, 3, 4, 8, 16, 4, 0)
    ends = ((-2.0,) * channels, (2.0,) * channels)
    return Study(shape, Rows(x, Target(labels, torch.ones(12), classes=True), (fold,)), "cpu", (), ends)


def test_every_part_takes_a_step_with_the_network_for_pictures():
    for channels in (1, 3):
        ready = study(channels)
        known, tried = (make_space(ready, "multiclass", True, "image", tried=t) for t in (False, True))
        assert dataclasses.asdict(known) == dataclasses.asdict(tried)
        assert {"TrivialAugment", "RandAugment", "RandomErasing", "Cutout", "Rotation", "Dropout"} <= set(known.parts)
