"""Sites: the places inside a network where a recipe may act on hidden values."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from torch import Tensor, nn

ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.SELU, nn.Mish, nn.Softplus)


@dataclasses.dataclass(frozen=True)
class Site:
    """One place: its name in the model, its kind (``input``, ``hidden``, ``embedding``, ``branch``) and its order."""

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
    """The sites of a model by module name: its markers, or, where it has none, its activation and embedding modules."""
    found = {n: m.kind for n, m in model.named_modules() if isinstance(m, Marker)}
    if not found:
        found = {n: "hidden" for n, m in model.named_modules() if isinstance(m, ACTIVATIONS)}
        found |= {n: "embedding" for n, m in model.named_modules() if isinstance(m, nn.Embedding)}
    totals = {kind: list(found.values()).count(kind) for kind in found.values()}
    seen = dict.fromkeys(totals, 0)
    sites = {}
    for name, kind in found.items():
        sites[name] = Site(name, kind, seen[kind], totals[kind])
        seen[kind] += 1
    return sites


@contextlib.contextmanager
def acting(model: nn.Module, act: Callable[[Tensor, Site], Tensor]) -> Iterator[None]:
    """Pass what leaves each site through ``act`` while the context is open; the model is as before afterwards."""

    def hook_for(site: Site) -> Callable[..., Tensor]:
        return lambda _module, _args, out: act(out, site)

    handles = [model.get_submodule(n).register_forward_hook(hook_for(s)) for n, s in find_sites(model).items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
