"""One thread: the machines that test have few, and small networks gain nothing from more."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
