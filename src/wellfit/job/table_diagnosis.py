"""Diagnosis of a table: the job's network on it, without regularization or under a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wellfit.data import names_of
from wellfit.data.notes import shown
from wellfit.diagnosis import Diagnosis, Limits, Setting
from wellfit.diagnosis.from_model import diagnose_setting
from wellfit.errors import DataError
from wellfit.job.options import Options
from wellfit.job.plan import size_batch, size_network
from wellfit.job.prepare import Material, make_material
from wellfit.job.table_source import from_file
from wellfit.models.mlp import MLP, Shape
from wellfit.recipe import Recipe

EPOCHS = 40
"""Of a table's training where nobody names them: enough to see a validation loss turn."""

Tell = Callable[[str], None]


def diagnose_table(path: str | Path, chosen: Mapping[str, Any], tell: Tell | None = None) -> Diagnosis:
    """Diagnose the job's network on a table; test rows stay unread.

    Args:
        chosen: ``target``, ``budget``, ``seed``, ``recipe``, ``epochs``, ``rate``, ``studies``, ``thorough``,
            ``group``, ``drop``, ``category``, ``number``.

    Raises:
        UsageError, DataError: as their sentences say.
    """
    lists = {name: names_of(chosen.get(name) or ()) for name in ("drop", "category", "number")}
    options = Options(
        target=chosen["target"], budget=chosen.get("budget", "60s"), seed=chosen.get("seed", 0),
        group=chosen.get("group"), task=chosen.get("task"), **lists,
    )  # fmt: skip
    source = from_file(path, options)
    material = make_material(source.table, source.split, None, source.kind)
    recipe = Recipe.load(chosen["recipe"]) if chosen.get("recipe") else Recipe()
    setting = table_setting(material, options, recipe, chosen.get("epochs") or EPOCHS, chosen.get("rate") or 1e-3)
    if tell:
        told = f"{setting.held} training and {setting.valid} validation rows, {setting.epochs} epochs"
        tell(f"diagnose {source.name}: {told}")
    studies, thorough = chosen.get("studies") or (), bool(chosen.get("thorough"))
    return diagnose_setting(setting, Limits(), options.seconds(), studies, tell, thorough)


def table_setting(material: Material, options: Options, recipe: Recipe, epochs: int, rate: float) -> Setting:
    """The job's network on the first fold."""
    train, valid = material.rows.folds[0]
    if len(valid) < 2 or len(train) < 4:
        raise DataError(
            f"{len(train)} training and {len(valid)} validation rows cannot be told apart by any experiment.",
            fix="Bring more rows.",
            code="WF-D15",
        )
    rows = torch.cat([train, valid])
    inputs = int(material.rows.x[:1].numel())
    shape = material.shape(*size_network(len(train), inputs, options.seconds()))
    places = material.development[(rows % len(material.development)).numpy()]
    labels = torch.as_tensor(np.asarray(material.table.target)[places]) if material.table.classes else None
    return Setting(
        Network(shape), material.rows.x[rows], material.rows.target.take(rows), len(train),
        labels.long() if labels is not None else None, recipe, rate, size_batch(len(train)), epochs,
        seed=options.seed, outputs=tuple(material.rows.target.values.shape[1:]),
        groups=None if material.table.group is None else np.asarray(material.table.group)[places],
        classes=tuple(shown(name) for name in material.table.classes),
    )  # fmt: skip


class Network:
    """Makes the job's network for a table."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def __call__(self) -> nn.Module:
        return MLP(self.shape)

    def wider(self, times: int) -> Network:
        """A maker of networks with so many times the units."""
        import dataclasses

        return Network(dataclasses.replace(self.shape, width=self.shape.width * times))
