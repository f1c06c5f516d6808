"""Members of a stack one after the other: for networks that cannot run under vmap. The result is the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree

from wellfit.hashes import hash_integers


def member(tree: Any, place: int) -> Any:
    """One member of a tree of tensors (members, ...)."""
    return _pytree.tree_map(lambda leaf: leaf[place], tree)


def together(trees: Sequence[Any]) -> Any:
    """Trees of tensors, one per member, as one tree of (members, ...)."""
    leaves = [_pytree.tree_leaves(t) for t in trees]
    spec = _pytree.tree_structure(trees[0])
    rows = [[torch.as_tensor(leaf) for leaf in row] for row in zip(*leaves, strict=True)]
    return _pytree.tree_unflatten([torch.stack(row) for row in rows], spec)


@contextlib.contextmanager
def own_draws(key: Tensor, step: Tensor) -> Iterator[None]:
    """While the context is open, what a network draws for itself (its own ``nn.Dropout``) follows from key and step.

    Torch's generator is as before afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(hash_integers(int(key), int(step)) % 2**31)
        yield
