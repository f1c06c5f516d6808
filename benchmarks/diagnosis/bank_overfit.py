"""Cases that overfit: trained too long, on too few rows, or on wrong labels; or that overfit the log loss alone."""

from __future__ import annotations

from bank_case import Case, Net
from bank_plants import NOISE_10, NOISE_30, OVERCONFIDENT, TOO_FEW_ROWS, TOO_LONG

from wellfit import Dropout, WeightDecay

WIDE, DEEP = Net(width=128), Net(depth=3)
CNN, BAG = Net("cnn", 8), Net("bag", 32, 1)

LONG = [
    Case("pima", 300, 200, TOO_LONG, WIDE, rate=3e-3, epochs=120),
    Case("credit-g", 400, 200, TOO_LONG, rate=3e-3, epochs=80),
    Case("australian", 250, 150, TOO_LONG, rate=3e-3, epochs=100),
    Case("waveform", 600, 400, TOO_LONG, WIDE, rate=2e-3, epochs=50),
    Case("phoneme", 500, 400, TOO_LONG, DEEP, rate=5e-3, epochs=100),
    Case("eucalyptus", 300, 160, TOO_LONG, rate=3e-3, epochs=100),
    Case("adult", 600, 400, TOO_LONG, rate=2e-3, epochs=60),
    Case("spambase", 400, 400, TOO_LONG, WIDE, rate=5e-3, epochs=100),
    Case("abalone", 400, 400, TOO_LONG, WIDE, rate=5e-3, epochs=120),
    Case("diabetes", 160, 120, TOO_LONG, rate=5e-3, epochs=200),
    Case("kmnist", 400, 400, TOO_LONG, WIDE, rate=3e-3, epochs=80),
    Case("sst2", 400, 400, TOO_LONG, rate=2e-3, epochs=60),
    Case("mr", 500, 400, TOO_LONG, BAG, rate=1e-2, epochs=60),
    Case("cifar", 400, 400, TOO_LONG, CNN, rate=3e-3, epochs=60),
]

FEW = [
    Case("vehicle", 80, 200, TOO_FEW_ROWS, rate=3e-3, batch=16, epochs=150),
    Case("credit-g", 80, 250, TOO_FEW_ROWS, rate=3e-3, batch=16, epochs=100),
    Case("waveform", 80, 400, TOO_FEW_ROWS, rate=3e-3, batch=16, epochs=100),
    Case("pima", 60, 200, TOO_FEW_ROWS, rate=3e-3, batch=16, epochs=150),
    Case("spambase", 100, 400, TOO_FEW_ROWS, rate=3e-3, batch=16, epochs=120),
    Case("cal-housing", 100, 400, TOO_FEW_ROWS, WIDE, rate=3e-3, batch=16, epochs=150),
    Case("kin8nm", 150, 400, TOO_FEW_ROWS, WIDE, rate=3e-3, batch=16, epochs=100),
    Case("subj", 100, 400, TOO_FEW_ROWS, rate=3e-3, batch=16, epochs=100),
    Case("kmnist", 100, 400, TOO_FEW_ROWS, WIDE, rate=3e-3, batch=16, epochs=100),
    Case("cifar", 150, 400, TOO_FEW_ROWS, CNN, rate=3e-3, batch=16, epochs=50),
]

NOISY = [
    Case("breast-cancer", 250, 150, NOISE_30, rate=3e-3, epochs=100),
    Case("kr-vs-kp", 500, 400, NOISE_30, rate=3e-3, epochs=60),
    Case("satimage", 600, 400, NOISE_30, WIDE, rate=3e-3, epochs=50),
    Case("car", 500, 300, NOISE_30, rate=3e-3, epochs=60),
    Case("spambase", 500, 400, NOISE_30, rate=3e-3, epochs=60),
    Case("kmnist", 500, 400, NOISE_30, WIDE, rate=2e-3, epochs=50),
    Case("subj", 500, 400, NOISE_30, rate=2e-3, epochs=50),
    Case("cifar", 500, 400, NOISE_30, CNN, rate=3e-3, epochs=40),
    Case("satimage", 600, 400, NOISE_10, WIDE, rate=3e-3, epochs=80),
    Case("kr-vs-kp", 500, 400, NOISE_10, rate=5e-3, epochs=80),
    Case("kmnist", 500, 400, NOISE_10, WIDE, rate=3e-3, epochs=60),
    Case("anneal", 400, 200, NOISE_10, rate=3e-3, epochs=80),
    Case("subj", 500, 400, NOISE_10, BAG, rate=1e-2, epochs=60),
]

SURE = [
    Case("phoneme", 800, 400, OVERCONFIDENT, WIDE, (Dropout(0.1),), 5e-3, epochs=70),
    Case("adult", 800, 400, OVERCONFIDENT, recipe=(WeightDecay(0.1),), rate=2e-3, epochs=50),
    Case("mr", 800, 400, OVERCONFIDENT, rate=2e-3, epochs=30),
]

CASES = [*LONG, *FEW, *NOISY, *SURE]
