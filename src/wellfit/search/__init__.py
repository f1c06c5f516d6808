"""Search: what to try, how long, and which to keep. Called, it is ``wellfit.search``, see ``wellfit.own.search``."""

from __future__ import annotations

import inspect
import sys
import types
from typing import Any


class _Search(types.ModuleType):
    """This package and the function of the same name are one, since Python puts a package in its parent's namespace."""

    @property
    def __signature__(self) -> inspect.Signature:
        from wellfit.own import search

        return inspect.signature(search)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """``wellfit.own.search`` with these arguments."""
        from wellfit.own import search

        return search(*arguments, **options)


sys.modules[__name__].__class__ = _Search
