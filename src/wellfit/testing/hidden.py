"""Hidden values of every form that passes through networks, made from one small sample."""

from __future__ import annotations

import torch
from torch import Tensor


def hidden_forms(h: Tensor, kind: str) -> dict[str, Tensor]:
    """What may pass a site: units, sequences (batch, time, features) and maps (batch, channels, height, width).

    A sequence of three words has one of them twice; maps are of the values inside a network, not of words or inputs.
    """
    if kind == "branches":
        return {"units": torch.stack([h, 0.5 * h, -h])}
    forms = {"units": h, "sequence": torch.stack([h, -0.5 * h, h], dim=1)}
    if kind in ("hidden", "branch"):
        rows, columns = torch.linspace(0.5, 1.5, 3).to(h), torch.linspace(1.0, -1.0, 4).to(h)
        forms["map"] = h[:, :, None, None] * rows[:, None] * columns
    return forms
