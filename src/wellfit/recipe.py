"""A recipe: a set of regularizers that is itself a regularizer, runs every stage in one fixed order, and stacks."""

from __future__ import annotations

import collections
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from wellfit.draws import Now
from wellfit.errors import RecipeError, RecipeWarning
from wellfit.fold import Fold
from wellfit.joint import among_sites, changed
from wellfit.middleware import around, middle
from wellfit.regularizer import GradOf, Params, Regularizer, static
from wellfit.sites import Site
from wellfit.target import Target

if TYPE_CHECKING:
    from wellfit.adapters.run import Run
    from wellfit.lint import Finding

_AT_SITES = ("activation", "objective")


class Recipe(Regularizer, abstract=True):
    """A set of regularizers: their listing order means nothing, (rank, name) decides.

    ``Recipe(L2(1e-4), Dropout(0.2))``. Nested recipes are flattened; two parts of one name are refused.

    Composed in a person's own code it is held against the lint's rules: what is wrong is a ``RecipeWarning``, which
    begins with the rule's code; ``silence`` takes codes that are not to be told.

    Attributes:
        parts: the regularizers, in the order in which they act.
        settings: what a training beside the regularizers needs (learning rate, batch size, epochs), names to numbers.
    """

    parts: tuple[Regularizer, ...] = ()
    settings: Any = static(None)

    def __init__(
        self, *parts: Regularizer, settings: Mapping[str, float] | None = None, silence: Sequence[str] = ()
    ) -> None:
        flat = list(_flat(parts))
        names = [p.name for p in flat]
        for name, count in collections.Counter(names).items():
            if count > 1:
                places = " and ".join(str(i + 1) for i, n in enumerate(names) if n == name)
                raise RecipeError(
                    f"the recipe has {name} more than once (positions {places}).",
                    fix="Keep one, or tell them apart with where(..., pattern).",
                    code="WF-R05",
                )
        ordered = tuple(sorted(flat, key=lambda p: (p.rank, p.name)))
        object.__setattr__(self, "parts", ordered)
        object.__setattr__(self, "settings", dict(settings) if settings else None)
        if not sys._getframe(1).f_globals.get("__name__", "").startswith("wellfit."):
            self._warn(silence)

    def __iter__(self) -> Iterator[Regularizer]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __repr__(self) -> str:
        return f"Recipe({', '.join(repr(p) for p in self.parts)})"

    def __getitem__(self, name: str) -> Regularizer:
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    @property
    def stages(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset().union(*(p.stages for p in self.parts))

    def _identity(self) -> tuple[Any, ...]:
        return (Recipe, *(p._identity() for p in self.parts))

    def replace(self, **changes: Any) -> Self:
        parts, settings = changes.get("parts", self.parts), changes.get("settings", self.settings)
        return type(self)(*parts, settings=settings)

    def neutral(self) -> Self:
        return self.replace(parts=[p if p.exempt else p.neutral() for p in self.parts])

    def is_neutral(self) -> bool:
        return all(p.is_neutral() for p in self.parts)

    def active(self) -> Self:
        """The same recipe without the parts that stand at their neutral value."""
        return self.replace(parts=[p for p in self.parts if not p.is_neutral()])

    # Stages

    def _doing(self, stage: str) -> list[Regularizer]:
        return [p for p in self.parts if stage in p.stages]

    def resample(self, data: Fold, now: Now) -> Fold:
        for part in self._doing("resample"):
            data = part.resample(data, now.of(part.name))
        return data

    def rewrite(self, model: nn.Module) -> nn.Module:
        for part in self._doing("rewrite"):
            model = part.rewrite(model)
        return model

    def extend(self, params: Params, sites: Sequence[Site]) -> Params:
        added: dict[str, Tensor] = {}
        for part in self._doing("extend"):
            added |= part.extend(part.select(params), [s for s in sites if part.selects_site(s)])
        return added

    def start(self, weights: Params) -> Self:
        return self.remember(parts=tuple(p.start(p.select(weights)) for p in self.parts))

    def rate(self, rates: Params, now: Now) -> Params:
        for part in self._doing("rate"):
            rates = {**rates, **part.rate(part.select(rates), now.of(part.name))}
        return rates

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return changed(self._doing("batch"), x, target, now)

    def weights(self, params: Params, now: Now) -> Params:
        return self._through("weights", params, now)

    def shrink(self, params: Params, now: Now) -> Params:
        return self._through("shrink", params, now)

    def project(self, params: Params, now: Now) -> Params:
        return self._through("project", params, now)

    def _through(self, stage: str, params: Params, now: Now) -> Params:
        for part in self._doing(stage):
            params = {**params, **getattr(part, stage)(part.select(params), now.of(part.name))}
        return params

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        for part in self._doing("activation"):
            if part.selects_site(site):
                h = part.activation(h, site, params, among_sites(part, now))
        return h

    def kept_rows(self, site: Site, rows: int, now: Now) -> Tensor | None:
        parts = [p for p in self._doing("activation") if p.selects_site(site)]
        answers = [p.kept_rows(site, rows, now.of(p.name)) for p in parts]
        known = [a for a in answers if a is not None]
        return torch.stack(known).prod(0) if known and len(known) == len(parts) else None

    def acts_on(self, site: Site) -> bool:
        """Whether a part changes the hidden values of a site, or reads them in its objective."""
        return any(p.selects_site(site) and not p.stages.isdisjoint(_AT_SITES) for p in self.parts)

    def objective(self, loss_of: Callable[..., Any], x: Tensor, target: Target, now: Now) -> Any:
        for part in self._doing("objective"):
            loss_of = around(part, loss_of)
        return loss_of(x, target, now)

    def penalty(self, params: Params, now: Now) -> Tensor:
        total = torch.zeros((), device=now.key.device)
        for part in self._doing("penalty"):
            total = total + part.penalty(part.select(params), now.of(part.name))
        return total

    def penalty_gradient(self, params: Params, now: Now) -> Params:
        total: dict[str, Tensor] = {}
        for part in self._doing("penalty"):
            for name, g in part.penalty_gradient(part.select(params), now.of(part.name)).items():
                total[name] = total[name] + g if name in total else g
        return total

    def gradient(self, grad_of: GradOf, params: Params, now: Now) -> Params:
        for part in self._doing("gradient"):
            grad_of = middle(part, grad_of, now.of(part.name))
        return grad_of(params)

    def after_step(self, weights: Params, now: Now) -> Self:
        parts = (p.after_step(p.select(weights), now.of(p.name)) if "after_step" in p.stages else p for p in self.parts)
        return self.remember(parts=tuple(parts))

    def after_epoch(self, weights: Params, metrics: Params, now: Now) -> Self:
        parts = (
            p.after_epoch(p.select(weights), metrics, now.of(p.name)) if "after_epoch" in p.stages else p
            for p in self.parts
        )
        return self.remember(parts=tuple(parts))

    def stop(self) -> Tensor | bool:
        answer: Tensor | bool = False
        for part in self.parts:
            asked = part.stop()
            answer = asked if answer is False else answer | asked
        return answer

    def deploy(self, weights: Params) -> Params:
        for part in self._doing("deploy"):
            weights = {**weights, **part.deploy(part.select(weights))}
        return weights

    # Stacks

    def on(self, like: Tensor) -> Self:
        """The same recipe with every knob and memory a tensor of the dtype and device of ``like``."""
        return _pytree.tree_map(lambda leaf: torch.as_tensor(leaf, dtype=like.dtype, device=like.device), self)

    def parts_key(self) -> tuple[Any, ...]:
        """What two recipes must agree in to stack: names, and the fields that are no knobs."""
        return tuple((p.name, type(p), _statics(p)) for p in self.parts)

    # Lint

    def lint(self, model: nn.Module | None = None, *, silence: Sequence[str] = (), **known: Any) -> list[Finding]:
        """Hold the recipe against every rule, see ``wellfit.lint.lint``."""
        from wellfit.lint import lint

        return lint(self, model, silence=silence, **known)

    def attach(self, model: nn.Module, optimizer: Any, **options: Any) -> Run:
        """Put the recipe to work in a training loop of one's own, see ``wellfit.adapters.attach.attach``."""
        from wellfit.adapters.attach import attach

        return attach(self, model, optimizer, **options)

    def _warn(self, silence: Sequence[str]) -> None:
        for finding in self.lint(silence=silence) if len(self.parts) > 1 else ():
            if finding.level != "note":
                warnings.warn(str(finding), RecipeWarning, stacklevel=3)

    # Files

    def to_json(self) -> dict[str, Any]:
        from wellfit.recipe_json import recipe_to_json

        return recipe_to_json(self)

    @classmethod
    def from_json(cls, data: Any) -> Recipe:
        """Read a recipe from its JSON form; raises RecipeError with the place of whatever is wrong."""
        from wellfit.recipe_json import recipe_from_json

        return recipe_from_json(data)

    def save(self, path: str | Path) -> None:
        """Write the recipe as JSON: names and numbers, nothing else; the file is complete or not there."""
        from wellfit.files import write_text

        write_text(Path(path), json.dumps(self.to_json(), indent=2) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe file; raises RecipeError naming what is wrong and where."""
        from wellfit.recipe_json import read_recipe

        return read_recipe(Path(path))


def _flat(parts: Iterable[Any]) -> Iterator[Regularizer]:
    for part in parts:
        if isinstance(part, Recipe):
            yield from part.parts
        elif isinstance(part, Regularizer):
            yield part
        else:
            hint = "Write it with its brackets." if isinstance(part, type) else "Recipe(L2(1e-4), Dropout(0.2)) is one."
            raise RecipeError(f"a recipe takes regularizers, not {part!r}.", fix=hint, code="WF-R04")


def leaf_of(part: Regularizer) -> Regularizer:
    """The regularizer inside all wrappers."""
    while isinstance(part, Regularizer) and hasattr(part, "inner"):
        part = part.inner
    return part


def _statics(part: Regularizer) -> tuple[Any, ...]:
    """The fields of a part, and of what it wraps, that members of one stack share."""
    own = tuple(getattr(part, name) for name in part.statics())
    return own + _statics(part.inner) if hasattr(part, "inner") else own
