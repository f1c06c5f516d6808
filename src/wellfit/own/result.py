"""What a search over somebody's model gives back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from torch import nn

from wellfit.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Found:
    """The result of ``wellfit.search``.

    Attributes:
        model: the best trained model, of the class that was given, in evaluation mode on the CPU.
        folder: where the run stands: run.json, recipe.json, model.safetensors (the state dict), history.npz and
            report.html.
        record: everything that run.json holds.
    """

    model: nn.Module
    folder: Path
    record: dict[str, Any]

    @property
    def recipe(self) -> Recipe:
        """The chosen recipe, with the learning rate, batch size and steps that it was trained with."""
        return Recipe.from_json(self.record["recipe"])

    @property
    def verdict(self) -> str:
        """What the comparison says, in one sentence."""
        return str(self.record["verdict"]["sentence"])

    @property
    def comparison(self) -> list[dict[str, Any]]:
        """One entry per contestant: ``key``, ``label``, ``score``, ``interval``, ``gain`` over the control."""
        return list(self.record["comparison"])

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from wellfit.report.notebook import cell

        return cell(self.record, str(self.folder))

    def __repr__(self) -> str:
        return f"Found({type(self.model).__name__}, {self.folder}: {self.verdict})"
