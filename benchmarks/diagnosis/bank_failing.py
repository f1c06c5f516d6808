"""Cases where training itself fails, where the data are broken, and where there are too few rows to tell."""

from __future__ import annotations

from bank_case import Case, Net
from bank_plants import (
    CONSTANT,
    DEAD,
    FEW_VALID,
    HIGH_RATE,
    LEAK,
    MISSING,
    PERMUTED,
    RARE_CLASS,
    SATURATED,
    SIGMOIDS,
    UNSCALED,
)

from wellfit import Dropout, WeightDecay

DEEP = Net(depth=3)
CNN = Net("cnn", 8)
LOST = Net(start="dead")
FULL = Net(depth=3, activation="tanh", start="large")
STACK = Net(width=32, depth=8, activation="sigmoid")
MILD = (Dropout(0.2), WeightDecay(0.1))

FAST = [
    Case("satimage", 800, 400, HIGH_RATE, rate=1.0, epochs=25),
    Case("spambase", 600, 400, HIGH_RATE, DEEP, rate=1.0, epochs=25),
    Case("vehicle", 400, 200, HIGH_RATE, DEEP, rate=0.5, epochs=40),
    Case("waveform", 800, 400, HIGH_RATE, DEEP, rate=0.3, epochs=25),
    Case("kin8nm", 800, 400, HIGH_RATE, DEEP, rate=0.5, epochs=25),
    Case("cal-housing", 800, 400, HIGH_RATE, rate=3.0, epochs=25),
    Case("kmnist", 800, 400, HIGH_RATE, rate=0.5, epochs=25),
    Case("cifar", 600, 400, HIGH_RATE, CNN, rate=0.3, epochs=15),
    Case("subj", 600, 400, HIGH_RATE, rate=3.0, epochs=20),
]

SILENT = [
    Case("satimage", 800, 400, DEAD, LOST, epochs=25),
    Case("kr-vs-kp", 800, 400, DEAD, LOST, epochs=25),
    Case("concrete", 600, 200, DEAD, LOST, epochs=40),
    Case("kmnist", 800, 400, DEAD, LOST, epochs=25),
    Case("sst2", 800, 400, DEAD, LOST, epochs=15),
    Case("spambase", 800, 400, SATURATED, FULL, epochs=25),
    Case("waveform", 800, 400, SATURATED, FULL, epochs=25),
    Case("satimage", 800, 400, SIGMOIDS, STACK, rate=1e-3, epochs=20),
    Case("vehicle", 450, 200, SIGMOIDS, STACK, rate=1e-3, epochs=40),
    Case("kin8nm", 800, 400, SIGMOIDS, STACK, rate=1e-3, epochs=20),
    Case("kmnist", 800, 400, SIGMOIDS, STACK, rate=1e-3, epochs=20),
    Case("subj", 800, 400, SIGMOIDS, STACK, rate=1e-3, epochs=20),
]

SPOILED = [
    Case("credit-g", 300, 200, LEAK, rate=3e-3, epochs=60),
    Case("waveform", 500, 300, LEAK, rate=3e-3, epochs=40),
    Case("abalone", 400, 300, LEAK, Net(width=128), rate=5e-3, epochs=80),
    Case("kmnist", 400, 300, LEAK, rate=3e-3, epochs=40),
    Case("mr", 500, 300, LEAK, rate=2e-3, epochs=25),
    Case("satimage", 800, 400, PERMUTED, recipe=MILD, epochs=10),
    Case("kmnist", 800, 400, PERMUTED, recipe=MILD, epochs=6),
    Case("kin8nm", 800, 400, PERMUTED, recipe=MILD, epochs=10),
    Case("breast-cancer", 250, 150, CONSTANT, epochs=30),
    Case("subj", 600, 400, CONSTANT, epochs=10),
    Case("satimage", 600, 400, MISSING, epochs=20),
    Case("concrete", 500, 200, MISSING, epochs=30),
    Case("spambase", 600, 400, UNSCALED, epochs=20),
    Case("kmnist", 600, 400, UNSCALED, epochs=20),
]

UNSURE = [
    Case("pima", 300, 20, FEW_VALID, recipe=MILD, epochs=20),
    Case("credit-g", 400, 25, FEW_VALID, recipe=MILD, epochs=12),
    Case("adult", 600, 20, FEW_VALID, recipe=MILD, epochs=12),
    Case("abalone", 500, 20, FEW_VALID, recipe=MILD, epochs=20),
    Case("waveform", 600, 20, FEW_VALID, recipe=MILD, epochs=10),
    Case("sst2", 600, 25, FEW_VALID, recipe=MILD, epochs=5),
    Case("cifar", 600, 20, FEW_VALID, CNN, MILD, epochs=6),
]

UNEQUAL = [
    Case("oil-spill", 450, 250, RARE_CLASS, recipe=MILD, epochs=20),
    Case("adult", 1000, 500, RARE_CLASS, recipe=MILD, epochs=12),
    Case("satimage", 1000, 600, RARE_CLASS, recipe=MILD, epochs=15),
]

CASES = [*FAST, *SILENT, *SPOILED, *UNSURE, *UNEQUAL]
