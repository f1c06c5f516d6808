"""Loops in C that torch has no fast form of, compiled on the machine that runs them where it has a C compiler.

Everything works without them: each has a form in torch beside it, which gives the same up to rounding.
"""

from wellfit.kernels.library import library, why_not

__all__ = ["library", "why_not"]
