"""Activations that a model calls as functions, as modules: so that recipes find the places behind them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

_MODULES: dict[Any, Callable[[], nn.Module]] = {
    functional.relu: nn.ReLU, torch.relu: nn.ReLU, "relu": nn.ReLU, functional.gelu: nn.GELU, functional.silu: nn.SiLU,
    functional.elu: nn.ELU, functional.leaky_relu: nn.LeakyReLU, functional.selu: nn.SELU, functional.mish: nn.Mish,
    functional.softplus: nn.Softplus, torch.tanh: nn.Tanh, functional.tanh: nn.Tanh, "tanh": nn.Tanh,
    torch.sigmoid: nn.Sigmoid, functional.sigmoid: nn.Sigmoid, "sigmoid": nn.Sigmoid,
}  # fmt: skip
"""By function, or by the name of a tensor's method; only calls without further arguments are replaced."""


def can_replace(model: nn.Module, x: Tensor) -> bool:
    """Whether ``with_modules`` finds activation functions, and the model comes to the same with modules for them.

    What the forward asks of ``self.training`` would be fixed by tracing, so that a model whose forward differs between
    training and evaluation is left alone.

    Args:
        x: (rows, ...) a few inputs to compare on.
    """
    try:
        graphs = [fx.Tracer().trace(model.train(mode)) for mode in (False, True)]
        called = any(_is_call(n) for n in graphs[0].nodes)
        return called and str(graphs[0]) == str(graphs[1]) and _agrees(model, with_modules(model), x)
    except Exception:  # a forward that depends on values may raise anything under symbols
        return False
    finally:
        model.train()


def with_modules(model: nn.Module) -> nn.Module:
    """The model with its activation functions as modules; weights are the same tensors under the same names.

    Raises:
        Exception: whatever a forward raises that torch.fx cannot trace; ``can_replace`` finds out.
    """
    graph = fx.Tracer().trace(model)
    traced = _Traced(model)
    for node in [n for n in graph.nodes if _is_call(n)]:
        name = f"called_{node.name}"
        traced.add_module(name, _MODULES[node.target]())
        with graph.inserting_before(node):
            node.replace_all_uses_with(graph.call_module(name, node.args))
        graph.erase_node(node)
    traced.run = type(fx.GraphModule(traced, graph)).forward
    return traced


class _Traced(nn.Module):
    """All that a model has, also what its forward leaves out, run by the code of a graph."""

    run: Callable[[nn.Module, Tensor], Tensor]

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        for name, child in model.named_children():
            self.add_module(name, child)
        for name, held in model.named_parameters(recurse=False):
            self.register_parameter(name, held)
        for name, buffer in model.named_buffers(recurse=False):
            self.register_buffer(name, buffer)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def _is_call(node: fx.Node) -> bool:
    plain = len(node.args) == 1 and not {k: v for k, v in node.kwargs.items() if (k, v) != ("inplace", False)}
    return node.op in ("call_function", "call_method") and node.target in _MODULES and plain


def _agrees(model: nn.Module, found: nn.Module, x: Tensor) -> bool:
    """Whether both give the same in training and in evaluation; on copies, since a pass may write into buffers."""
    if _names(model) != _names(found):
        return False
    for mode in (True, False):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            pair = [copy.deepcopy(m).train(mode) for m in (model, found)]
            torch.manual_seed(0)
            expected = pair[0](x)
            torch.manual_seed(0)
            if not torch.equal(expected, pair[1](x)):
                return False
    return True


def _names(model: nn.Module) -> list[str]:
    return [n for n, _ in (*model.named_parameters(), *model.named_buffers())]
