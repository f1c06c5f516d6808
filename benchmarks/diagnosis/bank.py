"""The bank: every case, ill ones first."""

from __future__ import annotations

import bank_failing
import bank_healthy
import bank_overfit
import bank_underfit

ILL = [*bank_overfit.CASES, *bank_underfit.CASES, *bank_failing.CASES]
HEALTHY = bank_healthy.CASES
CASES = [*ILL, *HEALTHY]
