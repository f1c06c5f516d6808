"""Where a training knows which 0/1 inputs code one category, CutMix and Cutout take them together or not at all."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn
from torch.testing import assert_close

from wellfit import CutMix, Cutout, Recipe
from wellfit.draws import Now
from wellfit.regularizers.cutting import columns_in, columns_of
from wellfit.target import Target
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer

BLOCKS = ((1, 3), (6, 2))
"""Eight inputs that are five columns: 0, the category 1 to 3, 4, 5, and the category 6 to 7."""


def _now(step):
    return dataclasses.replace(Now.at(step), blocks=BLOCKS)


def _rows():
    """Row i holds i + 1 in every input, so that what was pasted shows; its target is its number, one-hot."""
    x = torch.arange(1.0, 7.0).unsqueeze(1).expand(6, 8).clone()
    return x, Target(torch.eye(6), torch.ones(6), classes=True)


def test_columns_of_inputs():
    assert columns_of(8, BLOCKS).tolist() == [0, 1, 1, 1, 2, 3, 4, 4]
    assert (columns_in(8, BLOCKS), columns_in(8, ())) == (5, 8)
    assert columns_of(3, ()).tolist() == [0, 1, 2]


def test_CutMix_pastes_whole_categories_and_blends_by_columns():
    counts = set()
    for step in range(40):
        (x, target), now = _rows(), _now(step)
        mixed, blended = CutMix(1.0).batch(x, target, now)
        pasted = mixed != x
        for start, width in BLOCKS:
            block = pasted[:, start : start + width]
            assert (block.all(1) | ~block.any(1)).all()
        if pasted.any(1).all():  # nobody is its own partner, so that the share shows
            share = len(set(columns_of(8, BLOCKS)[pasted[0]].tolist())) / 5
            assert_close(blended.values.diagonal(), torch.full((6,), 1.0 - share))
            counts.add(share)
    assert len(counts) > 1


def test_Cutout_blanks_whole_categories():
    x = torch.ones(200, 8)
    left, _ = Cutout(0.4).batch(x, None, _now(0))
    columns = torch.stack([left[:, columns_of(8, BLOCKS) == c].amax(1) for c in range(5)], 1)
    assert torch.equal(columns[:, columns_of(8, BLOCKS)], left)
    assert ((columns == 0).sum(1) == 2).all()


def test_a_trainer_tells_its_recipes():
    network = nn.Linear(8, 2, bias=False)
    seen = []
    network.register_forward_pre_hook(lambda _module, args: seen.append(args[0].detach().clone()))
    trainer = Trainer(network, SGD(), blocks=BLOCKS)
    state = trainer.start(network, Recipe(Cutout(0.5)))
    target = Target(torch.eye(2)[torch.arange(64) % 2], torch.ones(64), classes=True)
    trainer.step(state, Batch(torch.ones(64, 8), target), Now.at(0, rates={"weight": torch.tensor(0.1)}))
    for start, width in BLOCKS:
        block = seen[0][:, start : start + width]
        assert torch.equal(block.amax(1), block.amin(1))
