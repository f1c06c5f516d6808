"""Sites: the places inside a network where a recipe may act on hidden values."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

if TYPE_CHECKING:
    from wellfit.draws import Now

ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.SELU, nn.Mish, nn.Softplus)

ACTIVATION_FUNCTIONS = (
    functional.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, functional.gelu, functional.silu,
    functional.elu, functional.leaky_relu, functional.selu, functional.mish, functional.softplus, torch.selu,
    functional.tanh, torch.tanh, Tensor.tanh, functional.sigmoid, torch.sigmoid, Tensor.sigmoid,
)  # fmt: skip
"""Activations as functions; what they return is a place like what leaves an activation module."""

ENTERS = ".in"
"""What a site's name ends with where it is what enters an activation, not what leaves it."""


@dataclasses.dataclass(frozen=True)
class Site:
    """One place in a model.

    Attributes:
        name: of the module whose values pass; ``<module>.in`` for what enters an activation.
        kind: ``input``, ``preactivation`` (what enters an activation), ``hidden`` (what leaves it), ``embedding``,
            ``mask`` (which positions hold a word), ``branch`` (what a residual block adds) or ``branches`` (all it
            adds, stacked along the first axis).
        index, total: the how-manieth of its kind, and of how many.
        table: of an embedding, the name of the parameter that holds the vectors; empty where that is not known.
        model: all sites of its model, by which a pattern is told what else it names; empty where they are not known.
    """

    name: str
    kind: str
    index: int = 0
    total: int = 1
    table: str = dataclasses.field(default="", compare=False)
    model: tuple[Site, ...] = dataclasses.field(default=(), repr=False, compare=False)

    def call(self, count: int, now: Now) -> Now:
        """The moment of its ``count``-th call in one pass: a module that a network uses twice draws twice.

        What a branch drops is decided before it is computed, so that each of its calls has the draws of the first.
        """
        now = now if count == 1 or self.kind == "branch" else now.again(f"call{count}")
        return dataclasses.replace(now, call=count)


class Marker(nn.Identity):
    """An identity that a model puts where recipes may act; ``kind`` says what passes through."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind


class Branch(Marker):
    """What a residual block adds, with the layers that compute it inside: ``h + branch(h)`` for ``h + layers(h)``.

    Since the layers are inside, rows that are going to be dropped need not pass them (see ``leaving_out``).

    Shapes:
        (batch, ...) in, the same out.
    """

    def __init__(self, layers: nn.Module) -> None:
        super().__init__("branch")
        self.layers = layers
        self.kept: Callable[[int], Tensor | None] | None = None

    def forward(self, h: Tensor) -> Tensor:
        kept = self.kept(len(h)) if self.kept is not None else None
        if kept is None or not len(h):
            return self.layers(h)
        rows = kept.nonzero().squeeze(-1)
        if not len(rows):
            return torch.zeros_like(h)
        added = self.layers(h[rows])
        return added.new_zeros(h.shape).index_copy(0, rows, added)

    def treats_rows_apart(self) -> bool:
        """Whether a row comes out the same without the others: there is no batch norm, and nothing with statistics."""
        norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
        return next(self.buffers(), None) is None and not any(isinstance(m, norms) for m in self.modules())


def find_sites(model: nn.Module) -> dict[str, Site]:
    """The sites of a model by name: its markers, or, where it has none, its activation and embedding modules.

    What enters an activation is a site in either case.
    """
    found = {n: m.kind for n, m in model.named_modules() if isinstance(m, Marker)}
    entered = [n for n, m in model.named_modules() if isinstance(m, ACTIVATIONS)]
    if not found:
        found = dict.fromkeys(entered, "hidden")
        found |= {n: "embedding" for n, m in model.named_modules() if isinstance(m, nn.Embedding)}
    found |= {f"{n}{ENTERS}": "preactivation" for n in entered}
    tables = tables_of(model)
    return {s.name: dataclasses.replace(s, table=tables.get(s.name, "")) for s in numbered(found.items())}


def tables_of(model: nn.Module) -> dict[str, str]:
    """By the name of each module that lets embeddings pass, the parameter with their vectors: its own, or, of a marker,
    that of the last embedding before it.
    """
    found, last = {}, ""
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):
            last = f"{name}.weight" if name else "weight"
        if isinstance(module, nn.Embedding) or getattr(module, "kind", "") == "embedding":
            found[name] = last
    return found


def numbered(found: Iterable[tuple[str, str]]) -> list[Site]:
    """The sites of one model from (name, kind): each knows its place among those of its kind, and all the others."""
    named = list(found)
    kinds = [kind for _, kind in named]
    model = tuple(Site(n, k, kinds[:i].count(k), kinds.count(k)) for i, (n, k) in enumerate(named))
    return [dataclasses.replace(s, model=model) for s in model]


@contextlib.contextmanager
def acting(model: nn.Module, act: Callable[[Tensor, Site], Tensor], sites: Iterable[Site]) -> Iterator[None]:
    """Pass the values at these sites through ``act`` while the context is open; the model is as before afterwards."""
    handles = [_hook(model, site, act) for site in sites]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def leaving_out(model: nn.Module, kept: Callable[[Site, int], Tensor | None], sites: Sequence[Site]) -> Iterator[None]:
    """While the context is open, a ``Branch`` at one of these sites computes only the rows that ``kept`` has at 1.

    The result is the same as that of dropping rows afterwards, so that a branch computes all of them where its rows
    see one another, or where something acts on values inside it. Not for stacks, whose members drop different rows.
    """
    chosen = {s: model.get_submodule(s.name) for s in sites if s.kind == "branch"}
    inside = {s for s in chosen for other in sites if other.name.startswith(f"{s.name}.")}
    branches = {s: m for s, m in chosen.items() if isinstance(m, Branch) and m.treats_rows_apart() and s not in inside}
    try:
        for site, branch in branches.items():
            branch.kept = functools.partial(kept, site)
        yield
    finally:
        for branch in branches.values():
            branch.kept = None


def _hook(model: nn.Module, site: Site, act: Callable[[Tensor, Site], Tensor]) -> RemovableHandle:
    if site.kind == "preactivation":
        module = model.get_submodule(site.name.removesuffix(ENTERS))
        return module.register_forward_pre_hook(lambda _module, args: (act(args[0], site), *args[1:]))
    return model.get_submodule(site.name).register_forward_hook(lambda _module, _args, out: act(out, site))
