"""The reference stands beside the tests."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
