"""Trained networks as they are kept and used: stacked weights, and how their outputs become predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from wellfit.job.kind import Shape
from wellfit.proof import probabilities
from wellfit.recipe import Recipe
from wellfit.training.cohort import seeded

_VALUES_AT_ONCE = 2**20  # hidden values of a layer: 4 MiB, which stay in the cache
_ROWS_AT_ONCE = 512  # fixed, so that a row's output does not depend on how many others are asked for


@dataclasses.dataclass(frozen=True)
class Nets:
    """Networks of one structure.

    Attributes:
        structure: the parts of the recipe that changed the network.
        weights: (nets, ...) each.
        views: which encoder and scale each net reads the data with.
        temperatures: of each net's class probabilities.
        widths: units of each hidden layer where they differ from the run's shape, as after pruning.
    """

    structure: Recipe
    weights: dict[str, Tensor]
    views: tuple[int, ...]
    temperatures: tuple[float, ...]
    widths: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.views)

    def take(self, places: Sequence[int]) -> Nets:
        index = torch.as_tensor(list(places))
        weights = {n: w[index] for n, w in self.weights.items()}
        chosen = [(self.views[i], self.temperatures[i]) for i in places]
        return Nets(self.structure, weights, tuple(v for v, _ in chosen), tuple(t for _, t in chosen), self.widths)

    def outputs(self, shape: Shape, inputs: Callable[[int], Tensor]) -> np.ndarray:
        """(nets, rows, outputs) as the networks give them; ``inputs(view)`` are the encoded rows."""
        # the weights come from elsewhere; on the meta device the first network of a process would cost 1.8 s of imports
        network = seeded(lambda: self.structure.rewrite(shape.network(self.widths)), 0).eval()
        found = []
        with torch.no_grad():
            for place, view in enumerate(self.views):
                weights = {n: w[place] for n, w in self.weights.items()}
                blocks = _blocks(inputs(view), rows_at_once(shape))
                out = [torch.func.functional_call(network, weights, (block,))[:n] for block, n in blocks]
                found.append(torch.cat(out) if out else torch.zeros(0, shape.outputs))
        return torch.stack(found).numpy().astype(np.float64)

    def predictions(
        self, shape: Shape, inputs: Callable[[int], Tensor], scales: Sequence[tuple[float, float]] | None
    ) -> np.ndarray:
        """(nets, rows, classes) probabilities, or (nets, rows) numbers in the target's units.

        Args:
            scales: per view (center, scale) of the target for numbers, None for classes.
        """
        raw = self.outputs(shape, inputs)
        if scales is None:
            return np.stack([probabilities(o, t) for o, t in zip(raw, self.temperatures, strict=True)])
        return np.stack([scales[v][0] + scales[v][1] * o[:, 0] for o, v in zip(raw, self.views, strict=True)])


def rows_at_once(shape: Shape) -> int:
    """Rows of one block: fewer where a row is large, always as many for one shape."""
    return max(1, min(_ROWS_AT_ONCE, _VALUES_AT_ONCE // shape.values))


def _blocks(x: Tensor, rows: int) -> Iterator[tuple[Tensor, int]]:
    """Rows in blocks of one fixed size, the last one filled up with zeros: each row is computed the same way always."""
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        missing = rows - len(block)
        yield torch.cat([block, block.new_zeros(missing, *block.shape[1:])]) if missing else block, len(block)


def sharpen(shares: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities raised to 1 / temperature and normalized again."""
    return probabilities(np.log(np.clip(shares, 1e-15, 1.0)), temperature)
