"""Graphs of a step, made shorter, and turned into machine code where a compiler is there and pays."""

from __future__ import annotations

import copy
import getpass
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_COLD, _WARM = 30.0, 14.0
"""Seconds that compiling a full recipe takes in two processes at once on two processors (measured): the first time on a
machine, when the compiler's headers are prepared, and later."""


def warm_up() -> None:
    """Trace something small: the first trace of a process imports for seconds, best while the data are being read."""
    from torch.fx.experimental.proxy_tensor import make_fx

    make_fx(torch.func.vmap(torch.func.grad(lambda w: (w * w).sum())))(torch.ones(2, 2))


def simplified(graph: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """The same computation without what is computed twice or for nothing: a third of the nodes of a full recipe."""
    graph.graph.eliminate_dead_code()
    if not any(_writes(node) for node in graph.graph.nodes):
        _share(graph.graph)
    graph.recompile()
    return graph


def _share(graph: torch.fx.Graph) -> None:
    """Let equal calls on equal arguments be one node; only where no node writes into another's result."""
    known: dict[Any, torch.fx.Node] = {}
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        key = (node.target, _fixed(node.args), _fixed(node.kwargs))
        first = known.setdefault(key, node)
        if first is not node:
            node.replace_all_uses_with(first)
            graph.erase_node(node)


def _fixed(value: Any) -> Any:
    """Arguments as something that can be compared: 1, 1.0 and True are different."""
    if isinstance(value, list | tuple):
        return tuple(_fixed(v) for v in value)
    if isinstance(value, Mapping):
        return tuple(sorted((k, _fixed(v)) for k, v in value.items()))
    return value if isinstance(value, torch.fx.Node) else (type(value), repr(value))


def _writes(node: torch.fx.Node) -> bool:
    """Whether a node changes one of its arguments, or gives another result each time."""
    schema = getattr(node.target, "_schema", None)
    tags = getattr(node.target, "tags", ())
    return schema is not None and (schema.is_mutable or torch.Tag.nondeterministic_seeded in tags)


def in_place(graph: torch.fx.GraphModule, held: int) -> torch.fx.GraphModule:
    """The same computation with its first ``held`` results written over its first ``held`` arguments.

    What a compiled step then makes anew is nothing that lasts: memory that is written every step stays where it is, and
    in the fast cache. Only the results after those are still returned.
    """
    graph = torch.fx.GraphModule(graph, copy.deepcopy(graph.graph))
    nodes = list(graph.graph.nodes)
    arguments = [n for n in nodes if n.op == "placeholder"][:held]
    end = nodes[-1]
    results = list(end.args[0])
    with graph.graph.inserting_before(end):
        made = {}
        for place, (old, new) in enumerate(zip(arguments, results[:held], strict=True)):
            if old is not new:  # a result that is part of an argument is copied before any is written over
                own = _is_fresh(new) and results.count(new) == 1
                made[place] = new if own else graph.graph.call_function(torch.ops.aten.clone.default, (new,))
        for place, new in made.items():
            graph.graph.call_function(torch.ops.aten.copy_.default, (arguments[place], new))
        graph.graph.output(results[held:])
    graph.graph.erase_node(end)
    graph.recompile()
    return graph


def _is_fresh(node: torch.fx.Node) -> bool:
    """Whether a result has memory of its own."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and all(r.alias_info is None for r in schema.returns)


def compiled(graph: torch.fx.GraphModule, arguments: list[Tensor]) -> Callable[..., Any]:
    """The graph as machine code, checked to run once; raises what the compiler raises.

    The compiler is handed the graph as it is. ``torch.compile`` would read it again as a program and guard every call:
    of a small network's step that takes half the time. What it guards has to hold by itself: arguments keep their
    shapes, strides, types and devices, and the process its number of threads.
    """
    from torch._inductor import compile as machine_code

    with torch.no_grad():
        function = machine_code(graph, [_copied(a) for a in arguments])
        function(*[_copied(a) for a in arguments])
    _remember_headers()
    return function


def _copied(tensor: Tensor) -> Tensor:
    """A copy of the same strides, which ``clone`` gives up where there are gaps in memory.

    What repeats one number in many places is handed on as it is: nobody can write into it.
    """
    if any(step == 0 and count > 1 for step, count in zip(tensor.stride(), tensor.shape, strict=True)):
        return tensor
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device).copy_(tensor)


def compiling_seconds() -> float:
    """How long compiling will take, from what the compiler's cache holds."""
    return _WARM if _marker().is_file() else _COLD


def _remember_headers() -> None:
    try:
        _marker().touch()
    except OSError:
        return  # the estimate stays the careful one


def _marker() -> Path:
    """A file in the compiler's own cache: it is gone when the cache is."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    home = os.environ.get("TORCHINDUCTOR_CACHE_DIR") or str(Path(tempfile.gettempdir()) / f"torchinductor_{user}")
    return Path(home) / f"wellfit-{torch.__version__}"
