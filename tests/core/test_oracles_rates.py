"""Learning rates over time and over layers, against an independent word: torch's schedulers, formulas, AdamW."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close
from worlds import now_at

from wellfit import (
    CosineSchedule,
    Freeze,
    LayerwiseRates,
    Recipe,
    ReduceOnPlateau,
    SnapshotCycle,
    WarmRestarts,
    WarmUp,
    WeightDecay,
    fade,
    schedule,
    where,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.regularizers.finetuning import layer_of, layers_above
from wellfit.testing.outcome import draw_sample, small_network
from wellfit.training.optimizers import Adam
from wellfit.training.step import Batch, Trainer

DOUBLE = torch.float64


# Rates


def rates_by(part, epochs, base=0.4):
    rates = {"w": torch.tensor(base, dtype=DOUBLE)}
    return [float(part.rate(rates, Now.at(0, epoch=float(e)))["w"]) for e in epochs]


def rates_of_torch(make, epochs, base=0.4):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=base)
    scheduler, found = make(optimizer), []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(("epochs", "floor"), [(7, 0.0), (20, 0.1)])
def test_oracle_CosineSchedule(epochs, floor):
    def make(optimizer):
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, eta_min=0.4 * floor)

    theirs = rates_of_torch(make, epochs + 1)
    np.testing.assert_allclose(rates_by(CosineSchedule(epochs, floor), range(epochs + 1)), theirs, rtol=0, atol=1e-12)
    assert rates_by(CosineSchedule(epochs, floor), [epochs, 10 * epochs]) == pytest.approx([0.4 * floor] * 2)


@pytest.mark.parametrize(("epochs", "growth", "floor"), [(3, 1, 0.0), (2, 2, 0.05), (5, 3, 0.0)])
def test_oracle_WarmRestarts(epochs, growth, floor):
    def make(optimizer):
        return torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, epochs, growth, eta_min=0.4 * floor)

    theirs = rates_of_torch(make, 130)
    ours = rates_by(WarmRestarts(epochs, growth, floor), range(130))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    assert theirs.count(0.4) >= 4


@pytest.mark.parametrize("rounds", [1, 4, 7])
def test_oracle_SnapshotCycle(rounds):
    """Equation 2 of the source in whole iterations, epochs of 25 of them, and the ends of its rounds."""
    per_round, part = 150, SnapshotCycle(epochs=6)
    for t in range(1, rounds * per_round + 1):
        expected = 0.4 / 2 * (math.cos(math.pi * ((t - 1) % per_round) / per_round) + 1)
        assert rates_by(part, [(t - 1) / 25])[0] == pytest.approx(expected, abs=1e-6)  # an epoch is float32
        assert int(part.ended(torch.tensor((t - 1) / 25))) == (t - 1) // per_round
    assert int(part.ended(torch.tensor(6.0 * rounds))) == rounds


@pytest.mark.parametrize(("epochs", "first"), [(5, 0.1), (8, 0.01)])
def test_oracle_WarmUp(epochs, first):
    def make(optimizer):
        return torch.optim.lr_scheduler.LinearLR(optimizer, first, 1.0, total_iters=epochs)

    theirs = rates_of_torch(make, epochs + 4)
    np.testing.assert_allclose(rates_by(WarmUp(epochs, first), range(epochs + 4)), theirs, rtol=0, atol=1e-12)


def test_schedules_multiply_in_any_order():
    parts = [WarmUp(4, 0.1), CosineSchedule(10), Freeze(0.5)]
    now, rates = Now.at(0, epoch=2.0), {"w": torch.tensor(0.4, dtype=DOUBLE)}
    expected = rates_by(parts[0], [2], 1.0)[0] * rates_by(parts[1], [2], 1.0)[0] * 0.5 * 0.4
    for listed in (parts, parts[::-1]):
        assert float(Recipe(*listed).rate(rates, now)["w"]) == pytest.approx(expected, rel=1e-12)


def plateau_rates(part, losses, base=0.4):
    part = part.start({"w": torch.zeros(1, dtype=DOUBLE)})
    found = []
    for loss in losses:
        part = part.after_epoch({}, {"loss": torch.tensor(loss, dtype=DOUBLE)}, now_at())
        found += [float(part.rate({"w": torch.tensor(base, dtype=DOUBLE)}, now_at())["w"])]
    return found


def plateau_of_torch(losses, patience, factor, cooldown, min_rate, threshold, base=0.4):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=factor, patience=patience, threshold=threshold, cooldown=cooldown, min_lr=min_rate, eps=0.0
    )
    found = []
    for loss in losses:
        scheduler.step(loss)
        found.append(optimizer.param_groups[0]["lr"])
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0.5, 0.9, 0.9999, 1.0, 2.0, math.nan, math.inf]), min_size=1, max_size=40),
    st.integers(0, 4), st.sampled_from([0.1, 0.5, 0.9]), st.integers(0, 3), st.sampled_from([0.0, 0.01, 0.1]),
    st.sampled_from([0.0, 1e-4, 0.2]),
)  # fmt: skip
def test_oracle_ReduceOnPlateau(losses, patience, factor, cooldown, min_rate, threshold):
    theirs = plateau_of_torch(losses, patience, factor, cooldown, min_rate, threshold)
    part = ReduceOnPlateau(patience, factor, cooldown, min_rate, threshold)
    np.testing.assert_allclose(plateau_rates(part, losses), theirs, rtol=1e-12, atol=0)


def test_reduce_on_plateau_as_the_source_has_it():
    """Row 29: patience 3, all else as torch has it; the fifth evaluation without progress finds a tenth of the rate."""
    assert plateau_rates(ReduceOnPlateau(), [1.0] * 6) == pytest.approx([0.4, 0.4, 0.4, 0.4, 0.04, 0.04])
    low = plateau_rates(ReduceOnPlateau(1, min_rate=0.5), [1.0] * 9)
    assert low == [0.4] * 9, "a rate that starts below min_rate is not raised"


# Fine-tuning


def test_oracle_Freeze():
    """torch with requires_grad off for the frozen layers, thirty steps of AdamW for the others."""
    network = small_network("classification").double()
    peer = copy.deepcopy(network)
    for name, p in peer.named_parameters():
        p.requires_grad_(not name.startswith("blocks"))
    decayed = [p for p in peer.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in peer.parameters() if p.requires_grad and p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.02)
    trainer = Trainer(copy.deepcopy(network), Adam())
    state = trainer.start(network, Recipe(where(Freeze(), "blocks.*"), WeightDecay(0.3)))
    for step in range(30):
        sample = draw_sample(step)
        state, _ = trainer.step(state, Batch(sample.x, sample.target), now_at(state.params, step, 0.02))
        optimizer.zero_grad()
        nn.functional.cross_entropy(peer(sample.x), sample.target.values).backward()
        optimizer.step()
    for name, p in peer.named_parameters():
        assert_close(state.params[name], p.detach(), rtol=0, atol=1e-12)
        moved = not torch.equal(state.params[name], dict(network.named_parameters())[name])
        assert moved == name.startswith("head")


def test_freezing_fades():
    part = schedule(where(Freeze(), "encoder.*"), fade(4))
    rates = {"encoder.w": torch.tensor(1.0), "head.w": torch.tensor(1.0)}
    found = [part.rate(part.select(rates), Now.at(0, epoch=e))["encoder.w"].item() for e in (0.0, 1.0, 4.0, 9.0)]
    assert found == [0.0, 0.25, 1.0, 1.0]
    assert list(part.select(rates)) == ["encoder.w"]


def test_oracle_LayerwiseRates():
    """ELECTRA's rule for a BERT of 12 layers: rate * decay ** (13 - depth), embeddings 0, layer i at i + 1, head 13."""
    names = ["embeddings.word_embeddings.weight", "embeddings.LayerNorm.weight"]
    names += [f"encoder.layer.{i}.{what}" for i in range(12) for what in ("attention.self.query.weight", "output.bias")]
    names += ["classifier.weight", "classifier.bias"]
    depth = {n: 0 if n.startswith("emb") else 13 if n.startswith("cl") else int(n.split(".")[2]) + 1 for n in names}
    rates = {**{n: torch.tensor(0.1, dtype=DOUBLE) for n in names}, "extra.Part.x": torch.tensor(0.1, dtype=DOUBLE)}
    ours = LayerwiseRates(0.8).rate(rates, now_at())
    for name in names:
        assert float(ours[name]) == pytest.approx(0.1 * 0.8 ** (13 - depth[name]), rel=1e-12)
    assert ours["extra.Part.x"] == 0.1


def test_layers_are_read_from_names():
    assert layer_of("layer1.0.conv1.weight") == "layer1.0"
    assert layer_of("0.weight") == "0"
    assert layer_of("embed.tables.0") == "embed"
    assert layer_of("head.weight") == "head"
    network = small_network("classification")
    above = layers_above(dict(network.named_parameters()))
    assert above["blocks.0.linear.weight"] == above["blocks.0.linear.bias"] == 2
    assert above["head.weight"] == 0
