"""Rows 40 to 50, 67 and 68 of tests/data/seed-rows.csv: mixing, cutting, noise, resampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from imblearn.over_sampling import SMOTE as Peer
from torch import nn

from source_worlds import HIDDEN, amounts, classes, moment, numbers, step
from wellfit import (
    SMOTE,
    ActivationNoise,
    ClassWeights,
    CutMix,
    Cutout,
    GradientNoise,
    InputNoise,
    Mixup,
    OutlierFilter,
    OverSample,
    Recipe,
    RecipeError,
    UnderSample,
    WeightNoise,
    reference,
    where,
)  # fmt: skip
from wellfit.fold import Fold
from wellfit.models.mlp import MLP, Shape
from wellfit.regularizers.cutting import in_box
from wellfit.sites import Site, find_sites
from wellfit.training.optimizers import SGD
from wellfit.training.step import Trainer


def _fold(counts=(20, 12, 8), seed=0):
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    x = torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(seed)) + 2.0 * labels[:, None]
    return Fold(x, labels, torch.ones(len(labels)), len(counts))


def test_row_40_smote_minority():
    """The smallest class alone grows, by points between its rows and their neighbors; all rows there were stay."""
    data = _fold()
    grown = SMOTE(1.0, k=5, grow="smallest").resample(data, moment())
    _, theirs = Peer(sampling_strategy="minority", random_state=0).fit_resample(data.x.numpy(), data.labels.numpy())
    assert torch.bincount(grown.labels).tolist() == np.bincount(theirs).tolist() == [20, 12, 20]
    assert torch.equal(grown.x[:40], data.x)
    rare = data.x[data.labels == 2].numpy()
    pairs = [(one, rare[j]) for i, one in enumerate(rare) for j in range(8) if i != j]
    for row in grown.x[40:].numpy():
        shares = [np.clip((row - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1) for a, b in pairs]
        off = [np.abs(reference.between(a, b, u) - row).max() for (a, b), u in zip(pairs, shares, strict=True)]
        assert min(off) < 1e-5


def _pictures(height, width, rows=4):
    draw = torch.Generator().manual_seed(0)
    x = torch.randint(256, (rows, 3, height, width), generator=draw).double() / 255.0
    return x, classes(torch.arange(rows) % 2)


def test_row_41_mixup_of_images():
    """Pictures of 128 x 128 and their labels with one share, drawn anew each step and not 0.7 for ever."""
    x, target = _pictures(128, 128)
    shares = set()
    for i in range(20):
        mixed, soft = Mixup(1.0).batch(x, target, moment(step=i))
        share, partner = moment(step=i).beta(1.0, "share").double(), moment(step=i).permutation(4, "partner")
        torch.testing.assert_close(mixed, share * x + (1 - share) * x[partner])
        torch.testing.assert_close(soft.values, share * target.values + (1 - share) * target.values[partner])
        shares.add(float(share))
        assert mixed.min() >= 0
        assert mixed.max() <= 1
    assert len(shares) == 20
    one, other = x[0].numpy(), x[1].numpy()
    np.testing.assert_allclose(reference.mixup(one, other, 0.7), 0.7 * one + 0.3 * other)


def test_row_42_cutout_of_images():
    """A hole of 250 x 250 in a picture of 400 x 400, around any pixel, cut off at the borders, filled with 0."""
    x = torch.ones(300, 1, 400, 400)
    out, _ = Cutout(250 / 400).batch(x, None, moment())
    holes = (out == 0).squeeze(1)
    heights, widths = holes.any(2).sum(1), holes.any(1).sum(1)
    assert torch.equal(heights * widths, holes.sum((1, 2))), "each is a rectangle"
    assert int(heights.max()) == int(widths.max()) == 250
    assert 125 <= int(heights.min()) < 140
    inside = (heights == 250).double().mean()
    assert abs(inside - 151 / 400) < 5 * math.sqrt(0.24 / 300)


def test_row_43_cutmix_of_images():
    """A box of 150 in 256 x 512; the labels get the shares that the clipped box leaves, which the source forgets."""
    for center, area in (((128, 256), 22500), ((10, 20), 8075)):
        sides = (torch.tensor(150), torch.tensor(150))
        cut = in_box((256, 512), sides, (torch.tensor(center[0]), torch.tensor(center[1])))
        assert int(cut.sum()) == area
    x, target = torch.eye(2, dtype=torch.float64)[:, 0].view(2, 1, 1, 1).expand(2, 1, 64, 128), classes([0, 1])
    seen = 0
    for i in range(40):
        pasted, soft = CutMix(1.0).batch(x, target, moment(step=i))
        shares = pasted.mean(dim=(1, 2, 3))  # the first picture is all ones, the second all zeros
        torch.testing.assert_close(soft.values[:, 0], shares)
        seen += bool(0.02 < shares[0] < 0.98)
    assert seen > 10


def test_row_44_noise_on_inputs():
    """N(0, 0.1), and U(-0.1, 0.1), whose standard deviation is 0.1 / sqrt(3)."""
    x = torch.zeros(2000, 50, dtype=torch.float64)
    for part, std in ((InputNoise(0.1), 0.1), (InputNoise(0.1 / math.sqrt(3), family="uniform"), 0.1 / math.sqrt(3))):
        noisy, _ = part.batch(x, None, moment())
        assert float(noisy.std()) == pytest.approx(std, rel=0.01)
        assert abs(float(noisy.mean())) < 5 * std / math.sqrt(x.numel())
    assert 0.0999 < float(noisy.abs().max()) <= 0.1 + 1e-6


def test_row_45_noise_on_weights():
    """Std 1 on Linear(3, 3): in the forward pass only. The source adds it for good, and after 100 steps has std 9.9."""
    layer = nn.Linear(3, 3).double()
    part = WeightNoise(1.0)
    trainer = Trainer(layer, SGD())
    state = trainer.start(layer, Recipe(part))
    seen = [trainer._forward(state, state.params, torch.eye(3).double(), moment(step=i)).outputs for i in range(400)]
    assert float(torch.stack(seen).std(0).mean()) == pytest.approx(1.0, rel=0.1)
    later = step(layer, Recipe(part), np.zeros((2, 3)), classes([0, 1], of=3), rate=1e-9, steps=100)
    torch.testing.assert_close(later.params["weight"], layer.weight.detach(), rtol=0, atol=1e-6)
    noise, own = part.spreads({"weight": layer.weight.detach()})["weight"]
    assert noise > 2 * own, "the numbers for a warning"


def test_row_46_noise_on_gradients():
    """Between backward and step: with the gradient itself 0 a step of SGD is rate * noise, and it fades."""
    layer = nn.Linear(60, 50, bias=False).double()

    def moved(part, i):
        trainer = Trainer(layer, SGD())
        now = moment(step=i, rate=1.0, names=["weight"])
        state = trainer.start(layer, Recipe(part))
        batch = type("Batch", (), {"x": numbers(np.zeros((2, 60))), "target": amounts(np.zeros(2))})
        return float((trainer.step(state, batch, now)[0].params["weight"] - layer.weight).detach().std())

    assert moved(GradientNoise(1.0), 0) == pytest.approx(1.0, rel=0.05)
    assert moved(GradientNoise(1.0), 1000) == pytest.approx(1001 ** (-0.55 / 2), rel=0.05)
    assert moved(GradientNoise(1.0, gamma=0.0), 1000) == pytest.approx(1.0, rel=0.05)


def test_row_47_noise_on_activations():
    """The question that the source leaves open: hidden values blurred in training, the network as it was in use."""
    network = MLP(Shape(4, 2, 200, 1)).double()
    trainer, x = Trainer(network, SGD()), torch.randn(50, 4, dtype=torch.float64)
    state = trainer.start(network, Recipe(ActivationNoise(0.5, place="hidden")))
    clean = trainer.predict(state.deployed(), x)
    noisy = trainer._forward(state, state.params, x, moment()).outputs
    expected = 0.5 * network.head.weight.detach().norm(dim=1)
    torch.testing.assert_close((noisy - clean).std(0), expected, rtol=0.5, atol=0)
    torch.testing.assert_close(clean, network(x).detach())


CELLS = {
    "gaussian": ("input", "weight", "activation", "gradient"),
    "uniform": ("input", "weight", "activation", "gradient"),
    "poisson": ("input",),
    "laplace": ("input", "activation"),
    "salt-and-pepper": ("input",),
}
"""The source's table of which noise belongs where."""
PLACES = {"input": InputNoise, "weight": WeightNoise, "activation": ActivationNoise, "gradient": GradientNoise}


def test_row_48_noise_families_by_place():
    """Every cell of the source's table works with the std it is given; cells without sense are refused, with why."""
    w = torch.rand(300, 40, dtype=torch.float64)
    acts = {
        "input": lambda part: part.batch(w, None, moment())[0],
        "weight": lambda part: part.weights({"w": w}, moment())["w"],
        "activation": lambda part: part.activation(w, HIDDEN, {}, moment()),
        "gradient": lambda part: part.gradient(lambda _: {"w": w}, {"w": w}, moment())["w"],
    }
    for family, places in CELLS.items():
        for place in places:
            changed = acts[place](PLACES[place](0.2, family=family)) - w
            expected = 0.2 * float(w.mean()) ** 0.5 if family == "poisson" else 0.2  # 0.2 where x is 1
            assert float(changed.square().mean().sqrt()) == pytest.approx(expected, rel=0.1), (family, place)
    for family, place in (("poisson", "weight"), ("poisson", "gradient"), ("salt-and-pepper", "activation")):
        with pytest.raises(RecipeError, match=r"sign|bound|value"):
            PLACES[place](0.2, family=family)


def test_row_67_class_balance_and_outliers():
    """Rows repeated, dropped, weighed; and far-off rows filtered: in the training fold, by hand countable."""
    data = _fold((30, 10))
    assert torch.bincount(OverSample(1.0).resample(data, moment()).labels).tolist() == [30, 30]
    assert torch.bincount(UnderSample(1.0).resample(data, moment()).labels).tolist() == [10, 10]
    weighed = ClassWeights(1.0).resample(data, moment())
    totals = [float(weighed.weight[weighed.labels == c].sum()) for c in (0, 1)]
    assert totals[0] == pytest.approx(totals[1])
    assert float(weighed.weight.mean()) == pytest.approx(1.0)
    strange = torch.cat([data.x, torch.tensor([[60.0, -60.0, 60.0], [-60.0, 60.0, 60.0]])])
    spoiled = Fold(strange, torch.cat([data.labels, torch.tensor([0, 0])]), torch.ones(42), 2)
    kept = OutlierFilter(0.07).resample(spoiled, moment())
    assert float(kept.x.abs().max()) < 60
    assert len(kept) >= 38


def test_row_68_noise_before_activations_and_on_biases():
    """Before the activation is the default place; the bias is reached by ``where``, and no weight then."""
    network = MLP(Shape(4, 2, 6, 1)).double()
    sites = [s.name for s in find_sites(network).values() if ActivationNoise(0.1).selects_site(s)]
    assert sites == ["blocks.0.activation.in"]
    h = torch.full((1000, 6), -5.0, dtype=torch.float64)
    before = ActivationNoise(0.1).activation(h, Site("a.in", "preactivation"), {}, moment())
    assert float(before.std()) == pytest.approx(0.1, rel=0.05)
    assert (torch.relu(before) == 0).all(), "a unit that is off stays off"
    params = {n: p.detach() for n, p in network.named_parameters()}
    moved = Recipe(where(WeightNoise(0.1), "*.bias")).weights(params, moment())
    changed = {n for n in params if not torch.equal(moved[n], params[n])}
    assert changed == {"blocks.0.linear.bias", "head.bias"}
