"""Which input columns a sparse recipe removed: those that no first-layer weight reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wellfit.data import Encoder
from wellfit.job.compare import best_weights, last_weights, nets_of
from wellfit.job.nets import Nets
from wellfit.job.phases import Finalist
from wellfit.job.stage import Stage
from wellfit.models.mlp import MLP, Embed, Shape
from wellfit.recipe import leaf_of
from wellfit.regularizer import Regularizer
from wellfit.searching.halving import Entrant
from wellfit.training.step import State

SPARSE = ("Ball", "ElasticNet", "GroupLasso", "L0", "L1", "NonNegative")
"""The parts that can set weights to exactly zero; a ball only where it has corners (``sets_zeros``)."""

AVERAGING = ("EMA", "Lookahead", "SWA")
"""The parts that hand over a mean of weights, which is zero only where all of them are."""


def sets_zeros(part: Regularizer) -> bool:
    """Whether a part, as it is set, can make weights exactly zero."""
    leaf = leaf_of(part)
    if getattr(leaf, "kind", "") == "l2" or getattr(leaf, "form", "") == "loss":
        return False
    return type(leaf).__name__ in SPARSE


def averages(part: Regularizer) -> bool:
    return type(leaf_of(part)).__name__ in AVERAGING


def live_weights(entrant: Entrant) -> dict[str, Tensor]:
    """The weights that were trained, at the last step, gates closed: as handed over if nothing were averaged."""
    assert entrant.cohort is not None
    state = entrant.cohort.state
    gates = state.recipe.remember(parts=tuple(p for p in state.recipe if not averages(p)))
    return torch.vmap(State.deployed)(state._replace(recipe=gates))


def selection(
    stage: Stage, chosen: Finalist, refit: Sequence[tuple[Finalist, Entrant]], shape: object
) -> dict[str, Any]:
    """The columns that the chosen recipe removed, and over how many trainings; empty where it sets nothing to zero.

    A column is removed where every weight that reads it, through embeddings and periodic features too, is exactly zero
    in the weights handed over. An average (EMA) of weights is never exactly zero: there the trained weights of the last
    step are looked at, and the record says so, since the averaged network still reads a little of each column.
    """
    recipe = chosen.candidate.recipe.active()
    parts = [p.name for p in recipe if sets_zeros(p)]
    if not parts or not isinstance(shape, Shape):  # a network for images or texts has no columns to remove
        return {}
    averaged = any(averages(p) for p in recipe)
    own = [e for f, e in refit if f is chosen]
    take = live_weights if averaged else last_weights
    final = nets_of(stage, own, take, last=True) if own else None
    seeds = nets_of(stage, chosen.entrants, live_weights if averaged else best_weights, last=averaged)
    encoders = [v.encoder for v in stage.material.views]
    over_seeds = ~columns_read(seeds, shape, encoders)
    removed = (~columns_read(final, shape, encoders)).all(0) if final else over_seeds.all(0)
    columns = [
        {"name": name, "removed": bool(gone), "share": float(share)}
        for name, gone, share in zip(encoders[stage.material.folds].names, removed, over_seeds.mean(0), strict=True)
    ]
    return {
        "parts": parts, "weights": "last step" if averaged else "handed over", "trainings": len(seeds),
        "columns": columns, "refit": final is not None,
    }  # fmt: skip


def columns_read(nets: Nets, shape: Shape, encoders: Sequence[Encoder]) -> np.ndarray:
    """(nets, columns of the table) whether a net's first layer reads anything of a column."""
    network = nets.structure.rewrite(MLP(shape)).eval()
    found = []
    for place, view in enumerate(nets.views):
        network.load_state_dict({n: w[place] for n, w in nets.weights.items()})
        read = encoded_read(network).numpy()
        starts = {b.name: b.start for b in encoders[view].blocks}
        spans = [
            [c for p in coding.parts for c in range(starts[p.name], starts[p.name] + p.width)]
            for coding in encoders[view].codings
        ]
        found.append([bool(read[span].any()) for span in spans])
    return np.array(found)


def encoded_read(network: nn.Module) -> Tensor:
    """(encoded columns,) whether any weight of the first layer that reads a column is not exactly zero."""
    embed = network.get_submodule("embed")
    assert isinstance(embed, Embed)
    first = next(m for n, m in network.named_modules() if isinstance(m, nn.Linear) and not n.startswith("embed"))
    used = (first.weight.detach() != 0).any(0)  # (features of the embedding,)
    if type(first) is not nn.Linear:  # it makes other weights of these: a zero here may be none there
        used = torch.ones_like(used)
    columns = len(embed.passed) + sum(width for _, width, _ in embed.groups)
    read = torch.zeros(columns, dtype=torch.bool)
    read[embed.passed] = used[: len(embed.passed)]
    place = len(embed.passed)
    for (start, width, out), table in zip(embed.groups, embed.tables, strict=True):
        read[start : start + width] = ((table.detach() != 0) & used[place : place + out]).any(1)
        place += out
    if embed.numbers:
        waves = embed.frequency.shape[0] // len(embed.numbers)
        seen = used[place:] & (embed.frequency.detach() != 0)  # a wave that does not turn says nothing of its number
        read[embed.numbers] |= seen.view(-1, waves).any(1)
    return read
