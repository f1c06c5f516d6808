"""What a run remembers between two steps, as names, numbers and tensors: to go on with later in another process."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from wellfit.adapters.run import Run
from wellfit.errors import UsageError
from wellfit.recipe import Recipe
from wellfit.regularizer import Regularizer

CLOCK = ("step", "epochs", "_epoch_began", "_last_length")
"""What of a clock lasts from one step to the next."""


def run_state(run: Run, recipe: Recipe) -> dict[str, Any]:
    """Everything that a run goes on with beside model and optimizer, copied.

    Args:
        run: it is open, and between two steps.
        recipe: as it was given, which ``restore_run`` compares.
    """
    course = run._course
    return {
        "recipe": json.dumps(recipe.to_json(), sort_keys=True),
        "clock": {name: getattr(course.clock, name) for name in CLOCK},
        "memory": {part.name: _memory(part) for part in course.recipe},
        "extras": {n: p.detach().clone() for n, p in course.held.extras.items()},
        "best": None if run._best is None else dict(run._best),
        "best_loss": run.best_loss, "best_epoch": run.best_epoch, "stopped": run.stopped,
    }  # fmt: skip


@torch.no_grad()
def restore_run(run: Run, recipe: Recipe, state: Mapping[str, Any]) -> None:
    """Go on where ``run_state`` was taken; the model and the optimizer are restored by whoever kept those.

    Raises:
        UsageError: the state is that of another recipe.
    """
    if state["recipe"] != json.dumps(recipe.to_json(), sort_keys=True):
        raise UsageError(
            f"the checkpoint was written under another recipe: {state['recipe'][:200]}.",
            fix="Go on with that recipe, or begin anew from the model's weights alone.", code="WF-A33",
        )  # fmt: skip
    course, like = run._course, run._course.held.like
    for name in CLOCK:
        setattr(course.clock, name, state["clock"][name])
    parts = tuple(_with_memory(part, _moved(state["memory"].get(part.name, {}), like)) for part in course.recipe)
    course.recipe = course.recipe.remember(parts=parts)
    for name, value in state["extras"].items():
        course.held.extras[name].copy_(value)
    run._best = None if state["best"] is None else _moved(state["best"], like)
    run.best_loss, run.best_epoch, run.stopped = state["best_loss"], state["best_epoch"], state["stopped"]
    run._passes.changed()


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state as safetensors: tensors by number, and beside them JSON that says what they are."""
    tensors: dict[str, Tensor] = {}

    def named(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {n: named(v) for n, v in value.items()}
        if not isinstance(value, Tensor):
            return value
        tensors[str(len(tensors))] = value.detach().cpu().contiguous()
        return [str(len(tensors) - 1)]  # a list of one name is a tensor: nothing else in a state is a list

    form = json.dumps(named(state))
    save_file(tensors, path, metadata={"state": form})


def read_state(path: Path) -> dict[str, Any]:
    """Read what ``write_state`` wrote."""
    with safe_open(path, framework="pt") as kept:

        def found(value: Any) -> Any:
            if isinstance(value, dict):
                return {n: found(v) for n, v in value.items()}
            return kept.get_tensor(value[0]) if isinstance(value, list) else value

        return found(json.loads(kept.metadata()["state"]))


def _memory(part: Regularizer) -> dict[str, Any]:
    if hasattr(part, "inner"):
        return _memory(part.inner)
    fields = [f.name for f in dataclasses.fields(part) if "memory" in f.metadata]  # type: ignore[arg-type]
    return {n: _copied(getattr(part, n)) for n in fields if getattr(part, n) is not None}


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {n: _copied(v) for n, v in value.items()}
    return value.detach().clone() if isinstance(value, Tensor) else value


def _moved(value: Any, like: Tensor) -> Any:
    if isinstance(value, Mapping):
        return {n: _moved(v, like) for n, v in value.items()}
    return value.to(like.device) if isinstance(value, Tensor) else value


def _with_memory(part: Regularizer, memory: Mapping[str, Any]) -> Regularizer:
    if hasattr(part, "inner"):
        return part.remember(inner=_with_memory(part.inner, memory))
    return part.remember(**memory)
