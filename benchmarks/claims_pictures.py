"""The claim that dropout, batch norm, weight decay and augmentation do best all together, on small pictures."""

from __future__ import annotations

import numpy as np

from claims_data import augmented, changed, pictured, pictures, plain, with_copies
from claims_setup import Array, Claim, Finding, Outcome, chosen, gain, percent, spread_out, verdict
from wellfit import Recipe
from wellfit.regularizers import BatchNorm, Dropout, WeightDecay

ROWS = 200
PARTS = {"dropout": Dropout(0.3), "batch norm": BatchNorm(), "weight decay": WeightDecay(0.3)}


def four_pillars() -> Finding:
    task = pictures(ROWS)
    alone: dict[str, Outcome] = {"none": plain(ROWS), "augmentation": augmented(ROWS)}
    alone |= {name: pictured(task, Recipe(part)) for name, part in PARTS.items()}
    every = pictured(with_copies(task, changed), Recipe(*PARTS.values()))
    better = {"digits": gain(every.best, chosen(alone, list(alone)))}
    shown = ", ".join(
        f"{name} {percent(gain(o.best, alone['none'].best))}" for name, o in alone.items() if name != "none"
    )
    wrong: dict[str, Array] = {"best single": chosen(alone, list(alone), "wrong"), "all four": every.wrong}
    errors = ", ".join(f"{name} {100 * np.mean(share):.1f}%" for name, share in wrong.items())
    return Finding(f"test loss of all four {spread_out(better)}; wrong: {errors}. Each alone: {shown}", verdict(better))


CLAIMS = [
    Claim("four-pillars", "3", "Dropout, batch norm, weight decay and augmentation do best all together",
          "digits as pictures, 200 rows, 1,200 steps: all four against the best single one by validation",
          four_pillars),
]  # fmt: skip
