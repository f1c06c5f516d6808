"""Sites: the places inside a network where a recipe may act on hidden values."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.SELU, nn.Mish, nn.Softplus)

_ENTERS = ".in"


@dataclasses.dataclass(frozen=True)
class Site:
    """One place in a model.

    Attributes:
        name: of the module whose values pass; ``<module>.in`` for what enters an activation.
        kind: ``input``, ``preactivation`` (what enters an activation), ``hidden`` (what leaves it), ``embedding``,
            ``branch`` (what a residual block adds) or ``branches`` (all it adds, stacked along the first axis).
        index, total: the how-manieth of its kind, and of how many.
    """

    name: str
    kind: str
    index: int = 0
    total: int = 1


class Marker(nn.Identity):
    """An identity that a model puts where recipes may act; ``kind`` says what passes through."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind


def find_sites(model: nn.Module) -> dict[str, Site]:
    """The sites of a model by name: its markers, or, where it has none, its activation and embedding modules.

    What enters an activation is a site in either case.
    """
    found = {n: m.kind for n, m in model.named_modules() if isinstance(m, Marker)}
    entered = [n for n, m in model.named_modules() if isinstance(m, ACTIVATIONS)]
    if not found:
        found = dict.fromkeys(entered, "hidden")
        found |= {n: "embedding" for n, m in model.named_modules() if isinstance(m, nn.Embedding)}
    found |= {f"{n}{_ENTERS}": "preactivation" for n in entered}
    totals = {kind: list(found.values()).count(kind) for kind in found.values()}
    seen = dict.fromkeys(totals, 0)
    sites = {}
    for name, kind in found.items():
        sites[name] = Site(name, kind, seen[kind], totals[kind])
        seen[kind] += 1
    return sites


@contextlib.contextmanager
def acting(model: nn.Module, act: Callable[[Tensor, Site], Tensor], sites: Iterable[Site]) -> Iterator[None]:
    """Pass the values at these sites through ``act`` while the context is open; the model is as before afterwards."""
    handles = [_hook(model, site, act) for site in sites]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(model: nn.Module, site: Site, act: Callable[[Tensor, Site], Tensor]) -> RemovableHandle:
    if site.kind == "preactivation":
        module = model.get_submodule(site.name.removesuffix(_ENTERS))
        return module.register_forward_pre_hook(lambda _module, args: (act(args[0], site), *args[1:]))
    return model.get_submodule(site.name).register_forward_hook(lambda _module, _args, out: act(out, site))
