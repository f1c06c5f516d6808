"""Cases that do not fit: too few units, too much regularization, too little training."""

from __future__ import annotations

from bank_case import Case, Net
from bank_plants import DECAYED, DROPPED_OUT, FEW_EPOCHS, FEW_UNITS, TINY_RATE

from wellfit import L2, Dropout, WeightDecay

TWO, THREE = Net(width=2), Net(width=3)
WIDE, DEEP = Net(width=128), Net(depth=3)
CNN, BAG = Net("cnn", 8), Net("bag", 32, 1)
MOST, HALF_AND_MORE = (Dropout(0.9),), (Dropout(0.85),)

NARROW = [
    Case("satimage", 1500, 500, FEW_UNITS, Net(width=1), rate=1e-2, batch=64, epochs=40),
    Case("vehicle", 450, 200, FEW_UNITS, Net(width=1), rate=1e-2, epochs=60),
    Case("waveform", 1500, 500, FEW_UNITS, Net(width=1), rate=1e-2, batch=64, epochs=30),
    Case("shuttle", 1500, 500, FEW_UNITS, Net(width=1), rate=1e-2, batch=64, epochs=40),
    Case("car", 900, 300, FEW_UNITS, Net(width=1), rate=1e-2, epochs=40),
    Case("phoneme", 2000, 500, FEW_UNITS, Net(width=1), rate=1e-2, batch=64, epochs=40),
    Case("kin8nm", 2000, 500, FEW_UNITS, TWO, rate=1e-2, batch=64, epochs=40),
    Case("energy", 450, 150, FEW_UNITS, Net(width=1), rate=1e-2, epochs=80),
    Case("concrete", 600, 200, FEW_UNITS, Net(width=1), rate=1e-2, epochs=60),
    Case("parkinsons", 2000, 500, FEW_UNITS, TWO, rate=1e-2, batch=64, epochs=40),
    Case("kmnist", 2000, 500, FEW_UNITS, THREE, rate=1e-2, batch=64, epochs=30),
    Case("kmnist", 1500, 500, FEW_UNITS, Net("cnn", 1), rate=1e-2, batch=64, epochs=20),
]

DROPPED = [
    Case("satimage", 1000, 500, DROPPED_OUT, recipe=MOST, rate=2e-3, epochs=25),
    Case("spambase", 1000, 500, DROPPED_OUT, DEEP, MOST, 2e-3, epochs=25),
    Case("kr-vs-kp", 1000, 500, DROPPED_OUT, DEEP, MOST, 2e-3, epochs=25),
    Case("vehicle", 450, 200, DROPPED_OUT, recipe=MOST, rate=3e-3, epochs=50),
    Case("concrete", 600, 200, DROPPED_OUT, recipe=MOST, rate=3e-3, epochs=40),
    Case("cal-housing", 1500, 500, DROPPED_OUT, recipe=MOST, rate=2e-3, epochs=20),
    Case("kmnist", 1000, 500, DROPPED_OUT, recipe=MOST, rate=2e-3, epochs=25),
    Case("cifar", 800, 400, DROPPED_OUT, CNN, HALF_AND_MORE, 2e-3, epochs=15),
    Case("subj", 1000, 500, DROPPED_OUT, DEEP, MOST, 1e-3, epochs=10),
]

SHRUNK = [
    Case("breast-cancer", 250, 150, DECAYED, recipe=(WeightDecay(100.0),), rate=1e-3, epochs=60),
    Case("waveform", 800, 400, DECAYED, recipe=(WeightDecay(100.0),), rate=1e-3, epochs=25),
    Case("satimage", 800, 400, DECAYED, recipe=(L2(0.1),), rate=2e-3, epochs=25),
    Case("kin8nm", 1000, 400, DECAYED, recipe=(WeightDecay(50.0),), rate=2e-3, epochs=25),
    Case("concrete", 600, 200, DECAYED, recipe=(L2(0.1),), rate=3e-3, epochs=40),
    Case("kmnist", 800, 400, DECAYED, recipe=(WeightDecay(100.0),), rate=1e-3, epochs=25),
    Case("sst2", 800, 400, DECAYED, recipe=(L2(0.05),), rate=1e-3, epochs=20),
]

BRIEF = [
    Case("satimage", 1000, 500, FEW_EPOCHS, rate=3e-4, epochs=3),
    Case("spambase", 800, 500, FEW_EPOCHS, rate=3e-4, epochs=4),
    Case("kr-vs-kp", 1000, 500, FEW_EPOCHS, rate=3e-4, epochs=4),
    Case("car", 800, 300, FEW_EPOCHS, rate=5e-4, epochs=6),
    Case("kin8nm", 1500, 500, FEW_EPOCHS, rate=3e-4, epochs=4),
    Case("energy", 450, 150, FEW_EPOCHS, rate=3e-4, epochs=6),
    Case("kmnist", 1000, 500, FEW_EPOCHS, rate=2e-4, epochs=3),
    Case("cifar", 1000, 500, FEW_EPOCHS, CNN, rate=2e-4, epochs=2),
    Case("subj", 1000, 500, FEW_EPOCHS, rate=2e-4, epochs=3),
    Case("subj", 1000, 500, FEW_EPOCHS, BAG, rate=1e-3, epochs=3),
]

SLOW = [
    Case("waveform", 800, 400, TINY_RATE, rate=1e-5, epochs=25),
    Case("breast-cancer", 250, 150, TINY_RATE, rate=1e-5, epochs=60),
    Case("shuttle", 1000, 500, TINY_RATE, rate=1e-5, epochs=20),
    Case("vehicle", 450, 200, TINY_RATE, rate=3e-5, epochs=40),
    Case("anneal", 450, 200, TINY_RATE, rate=1e-5, epochs=40),
    Case("parkinsons", 1000, 500, TINY_RATE, rate=3e-5, epochs=20),
    Case("cal-housing", 1000, 500, TINY_RATE, rate=1e-5, epochs=20),
    Case("kmnist", 800, 400, TINY_RATE, WIDE, rate=1e-5, epochs=20),
    Case("cnae-9", 500, 250, TINY_RATE, rate=1e-5, epochs=40),
]

CASES = [*NARROW, *DROPPED, *SHRUNK, *BRIEF, *SLOW]
