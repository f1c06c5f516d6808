"""Somebody's model: built anew for every member, and looked at before anything is trained."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from wellfit.errors import DataError, UsageError
from wellfit.own.functions import with_modules
from wellfit.training.cohort import Rows, seeded

_LOOKED_AT = 8  # rows that a model is tried on


@dataclasses.dataclass(frozen=True)
class Maker:
    """Builds somebody's model; layers that find their size by themselves are filled from a few rows.

    Attributes:
        make: the class, or a function without arguments.
        example: (rows, ...) inputs.
    """

    make: Callable[[], nn.Module]
    example: Tensor

    def __call__(self) -> nn.Module:
        network = _made(self.make)
        if any(isinstance(p, UninitializedParameter) for p in network.parameters()):
            with torch.no_grad():
                network.eval()(self.example)
        return network


@dataclasses.dataclass(frozen=True)
class ModelStudy:
    """What the engine trains: somebody's model instead of the main job's network.

    Attributes:
        make: builds one.
        rows: the data that all members share.
        blocks: of 0/1 columns, which only the main job's tables know of.
        pixels: of black and white, which only the main job's pictures know of.
        functions: whether activations that it calls as functions become modules.
    """

    make: Maker
    rows: Rows
    device: str = "cpu"
    blocks: tuple[tuple[int, int], ...] = ()
    pixels: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    functions: bool = False

    def network(self) -> nn.Module:
        """One network, its weights drawn from torch's generator."""
        return with_modules(self.make()) if self.functions else self.make()


@dataclasses.dataclass(frozen=True)
class Looked:
    """What a look at the model showed.

    Attributes:
        maker: builds it.
        outputs: (rows, ...) of an untrained one, on the first rows.
        dtype: of its weights.
        as_numbers: whether whole-number inputs have to be turned into its type.
    """

    maker: Maker
    outputs: Tensor
    dtype: torch.dtype
    as_numbers: bool

    def inputs(self, x: Tensor) -> Tensor:
        """Inputs in the type that the model reads."""
        return x.to(self.dtype) if self.as_numbers or x.is_floating_point() else x


def look_at(make: Any, x: Tensor, seed: int) -> Looked:
    """Build the model twice, and run it on a few rows.

    Raises:
        UsageError: it is no class or function that builds a new module each time, nothing in it can be trained, or it
            puts new tensors in the place of its buffers.
        DataError: it does not take these inputs, or gives no tensor with a row for each.
    """
    if isinstance(make, nn.Module) or not callable(make):
        raise UsageError(
            f"make_model is {'a model' if isinstance(make, nn.Module) else type(make).__name__}; a class or a "
            "function that builds a new one is allowed, since many are trained.",
            fix="Give the class itself, or lambda: MyModel(width=64).",
            code="WF-U33",
        )
    some = x[:_LOOKED_AT]
    first, second = (seeded(lambda: _made(make), seed) for _ in range(2))
    if first is second or any(a is b for a, b in zip(first.parameters(), second.parameters(), strict=False)):
        raise UsageError(
            "make_model gives the same weights each time it is called.", fix="Build a new model in it.", code="WF-U34"
        )
    dtype = next((p.dtype for p in first.parameters() if p.is_floating_point()), torch.float32)
    as_numbers, outputs = _outputs(make, some, dtype, seed)
    some = some.to(dtype) if as_numbers or some.is_floating_point() else some
    maker = Maker(make, some)
    network = seeded(maker, seed)
    if not any(p.requires_grad for p in network.parameters()):
        raise UsageError("the model has no weight that wants a gradient.", fix="Unfreeze some.", code="WF-U35")
    _check_buffers(network, some)
    return Looked(maker, outputs, dtype, as_numbers)


def _made(make: Any) -> nn.Module:
    try:
        network = make()
    except TypeError as error:
        raise UsageError(
            f"make_model cannot be called without arguments: {str(error)[:160]}",
            fix="Give lambda: MyModel(width=64).",
            code="WF-U33",
        ) from error
    if not isinstance(network, nn.Module):
        raise UsageError(
            f"make_model gives {type(network).__name__}; a torch.nn.Module is allowed.",
            fix="Return the model from it.",
            code="WF-U33",
        )
    return network


def _outputs(make: Any, x: Tensor, dtype: torch.dtype, seed: int) -> tuple[bool, Tensor]:
    """Whether inputs have to be turned into numbers of the model's type, and what comes out."""
    tries = [True] if x.is_floating_point() else [False, True]
    for number, as_numbers in enumerate(tries):
        some = x.to(dtype) if as_numbers else x
        try:
            with torch.no_grad():
                outputs = seeded(Maker(make, some), seed).eval()(some)
        except Exception as error:  # somebody's model may raise anything
            if number + 1 < len(tries):
                continue
            raise DataError(
                f"the model does not take inputs {tuple(x.shape)} of {x.dtype}: "
                f"{str(error).splitlines()[0][:200] if str(error) else type(error).__name__}",
                fix="Bring inputs as its forward(x) takes them: one tensor, rows first.",
                code="WF-D69",
            ) from error
        if not isinstance(outputs, Tensor) or not outputs.is_floating_point() or outputs.shape[:1] != x.shape[:1]:
            shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
            raise DataError(
                f"the model gives {shape} for {len(x)} rows; one tensor of numbers, rows first, is allowed.",
                fix="Wrap it in a module whose forward(x) returns the outputs alone.",
                code="WF-D70",
            )
        return as_numbers, outputs
    raise AssertionError("one of the tries returns or raises")


def _check_buffers(network: nn.Module, x: Tensor) -> None:
    """Raises UsageError where a training pass puts a new tensor in a buffer's place: pure steps would lose it."""
    plain = copy.deepcopy(network).train()
    before = {n: b.clone() for n, b in plain.named_buffers()}
    if not before or len(x) < 2:
        return
    written = {n: b.clone() for n, b in before.items()}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        plain(x)
        torch.func.functional_call(network.train(), {**dict(network.named_parameters()), **written}, (x,))
    after = dict(plain.named_buffers())
    lost = [n for n, b in before.items() if not torch.equal(after[n], b) and torch.equal(written[n], b)]
    if lost:
        raise UsageError(
            f"the model's forward puts a new tensor in the place of its buffer {lost[0]}.",
            fix=f"Write into it: self.{lost[0]}.copy_(...) in place of self.{lost[0]} = ...",
            code="WF-U36",
        )
