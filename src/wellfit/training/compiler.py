"""Graphs of a step, made shorter, and turned into machine code where a compiler is there and pays."""

from __future__ import annotations

import getpass
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_COLD, _WARM = 30.0, 14.0
"""Seconds that compiling a full recipe takes in two processes at once on two processors (measured): the first time on a
machine, when the compiler's headers are prepared, and later."""


def simplified(graph: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """The same computation without what is computed twice or for nothing: a third of the nodes of a full recipe."""
    graph.graph.eliminate_dead_code()
    try:
        from torch._functorch.compile_utils import fx_graph_cse  # private: where it is gone, the graph is only longer

        graph.graph = fx_graph_cse(graph.graph)
    except ImportError:
        pass
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def compiled(graph: torch.fx.GraphModule, arguments: list[Tensor]) -> Callable[..., Any]:
    """The graph as machine code, checked to run once; raises what the compiler raises."""
    function = torch.compile(graph, fullgraph=True, dynamic=False)
    function(*[a.clone() for a in arguments])
    _remember_headers()
    return function


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
