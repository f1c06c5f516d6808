"""The weights of a Keras model on the torch backend, in torch's order of axes, and its optimizer as one of torch's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from wellfit.adapters.held import Held
from wellfit.adapters.keras_reach import group_facts, state_of
from wellfit.errors import UsageError
from wellfit.regularizer import Params

FIRST_AXIS = ("Embedding", "ReversibleEmbedding")
"""Layers whose first axis holds the units, as everywhere in torch: categories."""


class Stepper(Optimizer):
    """A Keras optimizer seen as one of torch: its step is the Keras one, between the hooks of a recipe.

    Args:
        optimizer: of Keras.
        parameters: what it trains.
    """

    def __init__(self, optimizer: Any, parameters: list[nn.Parameter]) -> None:
        self.keras = optimizer
        self._apply: Callable[[], None] | None = None
        super().__init__(parameters, {"lr": rate_of(optimizer), **group_facts(optimizer)})

    def refresh(self) -> None:
        """Take over the learning rate as it stands in Keras, whose schedules and callbacks may have moved it."""
        self.param_groups[0].update(lr=rate_of(self.keras), **group_facts(self.keras))

    def apply(self, update: Callable[[], None], closure: Callable[[], Any] | None) -> None:
        """One step of the Keras optimizer, ``update``, with the hooks before and after it."""
        self._apply = update
        self.step(closure) if closure is not None else self.step()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = closure() if closure is not None else None
        wanted, own = float(self.param_groups[0]["lr"]), rate_of(self.keras)
        assert self._apply is not None
        if wanted == own:
            self._apply()
            return loss
        self.keras.learning_rate = wanted
        try:
            self._apply()
        finally:
            self.keras.learning_rate = own
        return loss


def stepper_of(optimizer: Any, parameters: list[nn.Parameter]) -> Stepper:
    """A stepper whose class has the name of the Keras optimizer: parts of a recipe ask what updates they go with."""
    kind: type[Stepper] = type(type(optimizer).__name__, (Stepper,), {})
    return kind(optimizer, parameters)


def rate_of(optimizer: Any) -> float:
    return float(optimizer.learning_rate)


class KerasHeld(Held):
    """A Keras model's weights by path (``dense/kernel``), as views in torch's order: units first.

    Kernels are (..., inputs, units) in Keras and (units, inputs, ...) here; biases with several axes are flat, so that
    they count as biases; embeddings are alike in both.

    Args:
        model: built, of Keras on the torch backend.
        optimizer: of Keras.
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        named = _named(model)
        self.model, self.variables = model, {n: v for n, (v, _) in named.items()}
        self._first = {n for n, (_, layer) in named.items() if layer in FIRST_AXIS}
        self._steered = [n for n, v in self.variables.items() if v.trainable]
        self.planned, self.extras = {}, {}
        if not self._steered:
            raise UsageError(
                f"{model.name} has no weight that is trained.", fix="Set layer.trainable = True.", code="WF-A02"
            )
        self.optimizer = stepper_of(optimizer, [self.variables[n]._value for n in self._steered])

    @property
    def trained(self) -> dict[str, Tensor]:  # type: ignore[override]
        """Views of the parameters as they are now: a view made earlier would not carry a later gradient."""
        return {n: self._view(n, self.variables[n]._value) for n in self._steered}

    def submodule(self, name: str) -> nn.Module:
        return next(layer for layer in self.model._flatten_layers() if layer.name == name)

    def state_of(self, name: str) -> Any:
        return {n: self._view(name, v) if v.ndim else v for n, v in self._state(name).items()}

    def _state(self, name: str) -> dict[str, Any]:
        found = state_of(self.optimizer.keras, self.variables[name])
        return {n: torch.as_tensor(v) for n, v in found.items()}

    def buffers(self) -> dict[str, Tensor]:
        """Running statistics, and what else is a number and not trained; no states of random generators."""
        return {n: v._value.detach() for n, v in self.variables.items() if n not in self._steered}

    def group_of(self) -> dict[str, dict[str, Any]]:
        return dict.fromkeys(self._steered, self.optimizer.param_groups[0])

    @torch.no_grad()
    def fill(self, weights: Params) -> None:
        for name, held in (*self.trained.items(), *self.buffers().items()):
            if name in weights:
                held.copy_(weights[name])

    def has_gradient(self) -> bool:
        return any(self.variables[n]._value.grad is not None for n in self._steered)

    def sparse_gradients(self) -> list[str]:
        return []

    def gradients(self) -> dict[str, Tensor]:
        grads = {n: self.variables[n]._value.grad for n in self._steered}
        return {n: torch.zeros_like(w) if grads[n] is None else self._view(n, grads[n]).clone()
                for n, w in self.params().items()}  # fmt: skip

    @torch.no_grad()
    def set_gradients(self, grads: Params) -> None:
        for name in self._steered:
            parameter, wanted = self.variables[name]._value, grads[name]
            if parameter.grad is not None:
                self._view(name, parameter.grad).copy_(wanted)
            elif bool((wanted != 0).any()):
                parameter.grad = self._back(name, wanted).clone()

    @contextlib.contextmanager
    def swapped(self, tensors: Mapping[str, Tensor]) -> Iterator[None]:  # type: ignore[override]
        kept = {n: self.variables[n]._value for n in tensors if n in self.variables}
        for name in kept:
            trained = name in self._steered
            self.variables[name]._value = self._back(name, tensors[name]) if trained else tensors[name]
        try:
            yield
        finally:
            for name, value in kept.items():
                self.variables[name]._value = value

    def _view(self, name: str, tensor: Tensor) -> Tensor:
        if name.endswith("bias"):
            return tensor.reshape(-1)
        if tensor.ndim < 2 or name in self._first:
            return tensor
        return tensor.permute(*_order(tensor.ndim))

    def _back(self, name: str, tensor: Tensor) -> Tensor:
        if name.endswith("bias"):
            return tensor.reshape(tuple(self.variables[name].shape))
        if tensor.ndim < 2 or name in self._first:
            return tensor
        return tensor.permute(*_inverse(_order(tensor.ndim)))


def _order(axes: int) -> tuple[int, ...]:
    """(..., inputs, units) -> (units, inputs, ...)."""
    return (axes - 1, axes - 2, *range(axes - 2))


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(axis) for axis in range(len(order)))


def _named(model: Any) -> dict[str, tuple[Any, str]]:
    """Weights by path without the model's own name, each with the class of its layer; no random generators' states."""
    kinds = {
        id(v): type(layer).__name__
        for layer in model._flatten_layers()
        for v in getattr(layer, "_trainable_variables", [])
    }
    found = {}
    for variable in model.variables:
        if variable._value is not None and variable._value.is_floating_point():
            found[variable.path.removeprefix(f"{model.name}/")] = (variable, kinds.get(id(variable), ""))
    return found
