"""Hooks that leave no trace: they know their owner weakly, and a copy of what they hang on has hooks without effect."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch


class Hook:
    """Calls a method of its owner, as long as there is one.

    A model with such hooks can be copied and pickled: the hooks of the copy have no owner and change nothing. Under
    ``torch.compile`` a hook runs uncompiled, between two compiled pieces.
    """

    def __init__(self, method: Callable[..., Any] | None = None, *first: Any) -> None:
        self._method = weakref.WeakMethod(method) if method is not None else None
        self._first = first

    @torch.compiler.disable
    def __call__(self, *arguments: Any) -> Any:
        method = self._method() if self._method is not None else None
        return method(*self._first, *arguments) if method is not None else None

    def __deepcopy__(self, memo: dict[int, Any]) -> Hook:
        return Hook()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Hook, ())
