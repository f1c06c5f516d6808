"""The weights of a person's own model by name: read, moved, written back, and swapped for others during a pass."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.stateless import _reparametrize_module
from torch.optim import Optimizer

from wellfit.errors import UsageError
from wellfit.regularizer import Params


def bare(model: nn.Module) -> nn.Module:
    """The person's model inside ``torch.compile`` and data-parallel wrappers, whose names and hooks count."""
    while True:
        if hasattr(model, "_orig_mod"):
            model = model._orig_mod
        elif isinstance(model, (nn.parallel.DistributedDataParallel, nn.DataParallel)):
            model = model.module
        else:
            return model


class Held:
    """A model's weights, and which of them an optimizer trains.

    Only those are handed to a recipe: a parameter that is frozen (``requires_grad=False``), or that another optimizer
    trains, is nobody's to penalize or to project. Tied weights are one parameter, under their first name.

    Attributes:
        model: the network, out of its wrappers.
        optimizer: what trains it.
        trained: the parameters that are trained, by name, with what regularizers have added.
        planned: further tensors that regularizers train, as they begin.
        extras: those of them that are trained.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self.model, self.optimizer = bare(model), optimizer
        steered = {id(p) for group in optimizer.param_groups for p in group["params"]}
        named = list(self.model.named_parameters())
        self.trained = {n: p for n, p in named if p.requires_grad and id(p) in steered}
        self.planned: dict[str, Tensor] = {}
        self.extras: dict[str, nn.Parameter] = {}
        if not self.trained:
            raise UsageError(
                f"{type(optimizer).__name__} trains none of the {len(named)} parameters of the model.",
                fix="Make the optimizer from model.parameters() of this very model, after any .to(device).",
                code="WF-A02",
            )

    @property
    def like(self) -> Tensor:
        """A tensor of the dtype and device that the recipe computes in."""
        return next(iter(self.trained.values())).detach()

    def submodule(self, name: str) -> nn.Module:
        """The module that a site is named after."""
        return self.model.get_submodule(name)

    def state_of(self, name: str) -> Any:
        """What the optimizer remembers of a parameter; None before its first step."""
        return self.optimizer.state.get(self.trained[name])

    def params(self) -> dict[str, Tensor]:
        return {n: p.detach() for n, p in self.trained.items()}

    def buffers(self) -> dict[str, Tensor]:
        return dict(self.model.named_buffers())

    def copies(self) -> dict[str, Tensor]:
        """Copies of what a recipe may remember: the live tensors change under its hands."""
        return {n: w.clone() for n, w in {**self.params(), **self.buffers()}.items()}

    def plan(self, extras: Params) -> None:
        self.planned = dict(extras)

    def enlist(self) -> None:
        """Let the optimizer train the planned tensors too, without decay, at the rate of its first group."""
        if not self.planned:
            return
        self.extras = {n: nn.Parameter(w.clone()) for n, w in self.planned.items()}
        first = self.optimizer.param_groups[0]
        options: dict[str, Any] = {"params": list(self.extras.values()), "lr": first["lr"]}
        if "weight_decay" in first:
            options["weight_decay"] = 0.0
        self.optimizer.add_param_group(options)
        self.trained |= self.extras

    def drop_extras(self) -> None:
        own = {id(p) for p in self.extras.values()}
        groups = self.optimizer.param_groups
        groups[:] = [g for g in groups if not any(id(p) in own for p in g["params"])]
        for name, parameter in self.extras.items():
            self.optimizer.state.pop(parameter, None)
            del self.trained[name]
        self.extras = {}

    def group_of(self) -> dict[str, dict[str, Any]]:
        """The optimizer's group of each trained parameter."""
        groups = {id(p): group for group in self.optimizer.param_groups for p in group["params"]}
        return {n: groups[id(p)] for n, p in self.trained.items()}

    @torch.no_grad()
    def write(self, values: Params, before: Params) -> None:
        """Write back what a stage has changed: tensors that are not those that it was handed."""
        for name, value in values.items():
            if name in self.trained and value is not before.get(name):
                self.trained[name].copy_(value)

    @torch.no_grad()
    def fill(self, weights: Params) -> None:
        """Set parameters and buffers to these values."""
        for name, held in (*self.trained.items(), *self.model.named_buffers()):
            if name in weights:
                held.copy_(weights[name])

    def has_gradient(self) -> bool:
        return any(p.grad is not None for p in self.trained.values())

    def sparse_gradients(self) -> list[str]:
        """The parameters whose gradients hold some of their entries only."""
        return [n for n, p in self.trained.items() if p.grad is not None and p.grad.is_sparse]

    def gradients(self) -> dict[str, Tensor]:
        """Gradients as they stand; zero where backward has not reached."""
        return {n: torch.zeros_like(p) if p.grad is None else p.grad.clone() for n, p in self.trained.items()}

    @torch.no_grad()
    def set_gradients(self, grads: Params) -> None:
        """Put these in place of the gradients; a parameter that has none, and is to have none, stays without."""
        for name, parameter in self.trained.items():
            if parameter.grad is not None:
                parameter.grad.copy_(grads[name])  # in place: a data-parallel wrapper may own the memory
            elif bool((grads[name] != 0).any()):
                parameter.grad = grads[name].clone()

    @contextlib.contextmanager
    def moved(self, params: Params) -> Iterator[None]:
        """While open, the parameters have these values, and running statistics may change; then all is as before."""
        kept = self.copies()
        self.fill(params)
        try:
            yield
        finally:
            self.fill(kept)

    def swapped(self, tensors: Mapping[str, Tensor]) -> contextlib.AbstractContextManager[Any]:
        """While open, the network computes with these tensors; the parameters themselves stay what they are."""
        # private, but what torch.func.functional_call is made of, which cannot be had as a pair of hooks
        return _reparametrize_module(self.model, dict(tensors), tie_weights=True)
