"""Lets the core tests import what they share; tests elsewhere have a conftest of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
torch.set_num_threads(1)
