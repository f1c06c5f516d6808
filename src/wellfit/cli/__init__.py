"""The command line: ``wellfit fit``, ``predict``, ``show``, ``demo``, ``list``, ``explain`` and ``translate``."""

from wellfit.cli.entry import main

__all__ = ["main"]
