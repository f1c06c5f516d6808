"""Healthy settings, three seeds each: trained about as one should, most with a gap between training and validation."""

from __future__ import annotations

import dataclasses

from bank_case import Case, Net
from bank_plants import HEALTHY

from wellfit import EMA, Dropout, WeightDecay

MILD = (Dropout(0.2), WeightDecay(0.1))
STRONG = (Dropout(0.4), WeightDecay(0.3))
HEAVY = (Dropout(0.5), WeightDecay(1.0))
CNN, BAG = Net("cnn", 8), Net("bag", 32, 1)

SETTINGS = [
    Case("pima", 350, 250, HEALTHY, recipe=MILD, epochs=20),
    Case("credit-g", 450, 300, HEALTHY, recipe=STRONG, epochs=15),
    Case("australian", 300, 200, HEALTHY, recipe=STRONG, epochs=15),
    Case("adult", 2000, 600, HEALTHY, recipe=STRONG, batch=64, epochs=8),
    Case("adult", 1000, 600, HEALTHY, Net(width=32), STRONG, epochs=10),
    Case("waveform", 1500, 600, HEALTHY, recipe=STRONG, batch=64, epochs=15),
    Case("waveform", 800, 500, HEALTHY, Net(width=32), MILD, epochs=10),
    Case("phoneme", 2500, 600, HEALTHY, Net(width=128), MILD, 3e-3, 64, 40),
    Case("spambase", 1500, 600, HEALTHY, recipe=HEAVY, rate=1e-3, batch=64, epochs=15),
    Case("satimage", 2500, 600, HEALTHY, Net(width=128), MILD, 2e-3, 64, 25),
    Case("phoneme", 1500, 600, HEALTHY, recipe=(Dropout(0.1), WeightDecay(0.3)), rate=3e-3, batch=64, epochs=40),
    Case("eucalyptus", 350, 200, HEALTHY, recipe=STRONG, epochs=30),
    Case("vehicle", 400, 220, HEALTHY, Net(width=128), (Dropout(0.3), WeightDecay(0.3)), 2e-3, epochs=40),
    Case("sst2", 2000, 600, HEALTHY, recipe=HEAVY, batch=64, epochs=4),
    Case("mr", 2000, 600, HEALTHY, recipe=HEAVY, batch=64, epochs=4),
    Case("subj", 2500, 600, HEALTHY, recipe=HEAVY, batch=64, epochs=4),
    Case("subj", 3000, 600, HEALTHY, BAG, HEAVY, 3e-3, 64, 6),
    Case("kmnist", 3000, 600, HEALTHY, Net(width=256), HEAVY, 1e-3, 64, 40),
    Case("cifar", 3000, 600, HEALTHY, Net("cnn", 10), (Dropout(0.1), WeightDecay(0.1)), 2e-3, 64, 15),
    Case("cifar", 2000, 500, HEALTHY, CNN, MILD, 3e-3, 64, 15),
    Case("cifar", 1500, 500, HEALTHY, recipe=STRONG, batch=64, epochs=12),
    Case("diabetes", 200, 140, HEALTHY, recipe=STRONG, rate=2e-3, epochs=40),
    Case("abalone", 1500, 600, HEALTHY, recipe=MILD, rate=2e-3, batch=64, epochs=25),
    Case("abalone", 800, 500, HEALTHY, Net(width=32), (WeightDecay(0.1),), 2e-3, epochs=20),
    Case("cal-housing", 2500, 600, HEALTHY, Net(width=128), (WeightDecay(0.1),), 2e-3, 64, 30),
    Case("cal-housing", 1500, 600, HEALTHY, recipe=(WeightDecay(0.3), EMA(0.99)), rate=2e-3, batch=64, epochs=30),
    Case("kin8nm", 2500, 600, HEALTHY, Net(width=128), (WeightDecay(0.3),), 3e-3, 64, 40),
    Case("kin8nm", 1500, 600, HEALTHY, recipe=(WeightDecay(0.3),), rate=3e-3, batch=64, epochs=60),
    Case("cal-housing", 2000, 600, HEALTHY, Net(width=96), (Dropout(0.05), WeightDecay(0.1)), 2e-3, 64, 25),
    Case("eucalyptus", 400, 180, HEALTHY, Net(width=32), MILD, 2e-3, epochs=20),
]

CASES = [dataclasses.replace(case, seed=seed) for case in SETTINGS for seed in (0, 1, 2)]
