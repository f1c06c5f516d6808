"""Which linear and convolution layers something follows, in the order in which a network computes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from torch import Tensor, fx, nn

from wellfit.errors import RecipeError
from wellfit.sites import ACTIVATION_FUNCTIONS

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)

_PASSING = (
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip
"""What may stand between a layer and what follows it: places of ours, and what only drops values."""

Kinds = tuple[type[nn.Module], ...]


def layers_before(owner: str, model: nn.Module, kinds: Kinds) -> list[str]:
    """The linear and convolution layers that one of these kinds, or an activation called as a function, follows.

    Modules are registered in any order, and one module may be called in several places; ``torch.fx`` tells what follows
    what. A layer counts where that holds at each of its calls. Only of a network that cannot be traced the order of the
    module tree is taken.

    Raises:
        RecipeError: there is none; ``owner`` is who looks for it.
    """
    graph = _traced(model)
    found = _in_tree(model, kinds) if graph is None else _in_graph(graph, dict(model.named_modules()), kinds)
    if not found:
        raise RecipeError(
            f"{owner} finds no linear or convolution layer in the network that an activation follows.",
            fix="Leave it out, or let the layer's output go into an activation.",
            code="WF-R12",
        )
    return found


def replace(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in the place of the one called ``name``, under every name that it has."""
    old = model.get_submodule(name)
    for known in [n for n, m in model.named_modules(remove_duplicate=False) if m is old]:
        owner, _, last = known.rpartition(".")
        setattr(model.get_submodule(owner), last, module)


def calls_activation(node: fx.Node) -> bool:
    """Whether a step of a traced network calls an activation as a function."""
    if node.op == "call_method":
        return getattr(Tensor, str(node.target), None) in ACTIVATION_FUNCTIONS
    return node.op == "call_function" and node.target in ACTIVATION_FUNCTIONS


class _Leaves(fx.Tracer):
    """Traces down to layers, and to modules that have none inside."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        bare = isinstance(m, LAYERS) or not list(m.children())
        return bare or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.Graph | None:
    try:
        return _Leaves().trace(model)
    except Exception:  # a forward that depends on values may raise anything under symbols
        return None


def _in_graph(graph: fx.Graph, modules: Mapping[str, nn.Module], kinds: Kinds) -> list[str]:
    calls: dict[str, list[bool]] = {}
    for node in graph.nodes:
        if node.op == "call_module" and isinstance(modules[node.target], LAYERS):
            calls.setdefault(node.target, []).append(_followed(node, modules, kinds))
    return [name for name, followed in calls.items() if all(followed)]


def _followed(node: fx.Node, modules: Mapping[str, nn.Module], kinds: Kinds) -> bool:
    for user in node.users:
        module = modules[str(user.target)] if user.op == "call_module" else None
        if isinstance(module, kinds) or calls_activation(user):
            return True
        if isinstance(module, _PASSING) and _followed(user, modules, kinds):
            return True
    return False


def _in_tree(model: nn.Module, kinds: Kinds) -> list[str]:
    named = [(n, m) for n, m in model.named_modules() if not list(m.children())]
    pairs = itertools.pairwise(named)
    return [name for (name, layer), (_, after) in pairs if isinstance(layer, LAYERS) and isinstance(after, kinds)]
