"""Where in a person's own model a recipe may act, and what of the model it cannot reach."""

from __future__ import annotations

import dataclasses
import fnmatch
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import fx, nn
from torch.overrides import TorchFunctionMode

from wellfit.errors import UsageError
from wellfit.regularizers.followers import calls_activation
from wellfit.sites import ACTIVATION_FUNCTIONS, ACTIVATIONS, Marker, Site, find_sites, numbered

_CLOSED = (
    nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer,
)  # fmt: skip
"""Modules of torch with activations inside that no hook sees."""

FUNCTIONAL = "functional."

Rule = type[nn.Module] | str


class Places(NamedTuple):
    """What was found in a model.

    Attributes:
        sites: where recipes may act.
        calls: those of them that are calls of functions, in the order in which a pass makes them.
        unreached: sentences on what was not reached.
    """

    sites: tuple[Site, ...]
    calls: tuple[Site, ...]
    unreached: tuple[str, ...]


def find_places(model: nn.Module, after: Sequence[Rule] | None = None, *, functions: bool = True) -> Places:
    """The places of a model.

    Args:
        model: the network.
        after: types of modules, or patterns of their names, behind which values are hidden ones; by default behind
            activations and, where the network can be traced by ``torch.fx``, behind activations called as functions.
        functions: whether to look for those.

    Raises:
        UsageError: nothing in the model answers to a rule in ``after``.
    """
    if after is not None:
        return Places(tuple(_numbered(_ruled(model, after))), (), ())
    found = list(find_sites(model).values())
    marked = any(isinstance(m, Marker) for m in model.modules())
    if marked or not functions:
        return Places(tuple(found), (), ())
    names, unreached = _function_calls(model)
    sites = _numbered([*found, *(Site(n, "hidden") for n in names)])
    closed = [f"{n or 'the model'} ({type(m).__name__}) computes its activations inside torch"
              for n, m in model.named_modules() if isinstance(m, _CLOSED)]  # fmt: skip
    calls = tuple(s for s in sites if s.name in set(names))
    return Places(tuple(sites), calls, (*unreached, *closed))


def _ruled(model: nn.Module, after: Sequence[Rule]) -> list[Site]:
    chosen: dict[str, Site] = {}
    for rule in after:
        hit = [n for n, m in model.named_modules() if n and _answers(n, m, rule)]
        if not hit:
            shown = repr(rule) if isinstance(rule, str) else getattr(rule, "__name__", repr(rule))
            raise UsageError(
                f"nothing in {type(model).__name__} answers to {shown} in after=.",
                fix="Give types of its modules, or patterns of the names that model.named_modules() lists.",
                code="WF-A03",
            )
        chosen |= {n: Site(n, "hidden") for n in hit}
    others = [s for s in find_sites(model).values() if s.kind != "hidden" and s.name not in chosen]
    return [*chosen.values(), *others]


def _answers(name: str, module: nn.Module, rule: Rule) -> bool:
    return fnmatch.fnmatchcase(name, rule) if isinstance(rule, str) else isinstance(module, rule)


def _numbered(sites: Sequence[Site]) -> list[Site]:
    found = numbered((s.name, s.kind) for s in sites)
    return [dataclasses.replace(new, table=old.table) for new, old in zip(found, sites, strict=True)]


def _function_calls(model: nn.Module) -> tuple[list[str], list[str]]:
    """The names of the calls of activation functions, and what stands against finding them."""
    try:
        graph = fx.Tracer().trace(model)
    except Exception as error:  # a forward that depends on values may raise anything under symbols
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return [], [f"activations called as functions, if there are any: torch.fx cannot trace the model ({reason})"]
    return [f"{FUNCTIONAL}{n.name}" for n in graph.nodes if calls_activation(n)], []


class Watch(TorchFunctionMode):
    """While open, hands what each activation function returns to ``act``, unless a module of torch has called it.

    Args:
        act: (number of the call, value) -> value.
    """

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.act, self.seen, self.inside = act, 0, 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        if self.inside or function not in ACTIVATION_FUNCTIONS:
            return out
        self.seen += 1
        return self.act(self.seen - 1, out)


def closed_modules(model: nn.Module) -> list[nn.Module]:
    """The modules of torch whose own calls of activation functions are no places: they are places as modules."""
    return [m for m in model.modules() if isinstance(m, (*ACTIVATIONS, *_CLOSED))]


def inside_compiled() -> bool:
    """Whether a compiled model or function is among the callers."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "compile_wrapper" and frame.f_code.co_filename.endswith("eval_frame.py"):
            return True
        frame = frame.f_back
    return False
