"""The command line: ``wellfit fit``, ``predict``, ``show``, ``demo``, ``list`` and ``explain``."""

from wellfit.cli.entry import main

__all__ = ["main"]
