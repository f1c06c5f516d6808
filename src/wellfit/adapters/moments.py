"""A recipe under way in a person's own loop: how it stands, and the moments that its stages run in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from wellfit.adapters.clock import Clock
from wellfit.adapters.held import Held
from wellfit.draws import Now, Pixels, member_key
from wellfit.errors import RecipeError
from wellfit.hashes import hash_integers
from wellfit.recipe import Recipe
from wellfit.sites import Site


@dataclasses.dataclass
class Course:
    """What the parts of an adapter share.

    Attributes:
        recipe: as it stands, with what its parts remember.
        held: the model's weights.
        clock: which step it is.
        sites: where in the model the recipe may act.
        resources: what the recipe names and does not hold, such as a teacher.
        seed: what the draws follow from.
        wrapped: the model as the person handed it over, in its wrappers.
        rank: of this process, where several train one model: each has noise of its own in its data.
        pixels: the values of black and of white in each channel of pictures, see ``Now``.
        predict: outputs of the network in evaluation mode, with any weights.
    """

    recipe: Recipe
    held: Held
    clock: Clock
    sites: tuple[Site, ...]
    resources: Mapping[str, Callable[[Tensor], Tensor]]
    seed: int
    wrapped: nn.Module
    rank: int = 0
    pixels: Pixels | None = None
    predict: Callable[[Mapping[str, Tensor], Tensor], Tensor] | None = None

    def base_rates(self) -> dict[str, Tensor]:
        """The learning rates of the optimizer's groups, as the person's loop has set them."""
        like, of_group = self.held.like, {}
        groups = self.held.group_of()
        for group in groups.values():
            rate = group["lr"]
            of_group[id(group)] = rate.to(like) if isinstance(rate, Tensor) else like.new_tensor(rate)
        return {n: of_group[id(group)] for n, group in groups.items()}

    def now(self, fork: str = "", *, own_noise: bool = True) -> Now:
        """This moment of a step; ``own_noise`` for what each process draws for its own rows."""
        now = dataclasses.replace(self.plain(own_noise), predict=self.predict, resources=self.resources)
        now = dataclasses.replace(now, sites=self.sites, pixels=self.pixels)
        if "rate" in self.recipe.stages:
            now = dataclasses.replace(now, rates=self.recipe.rate(now.rates, now))
        return now.again(fork) if fork else now

    def plain(self, own_noise: bool = False, epoch: float | None = None) -> Now:
        """This moment, with the rates that the loop has set."""
        device, step = self.held.like.device, self.clock.step
        seed = hash_integers(self.seed, self.rank) if own_noise and self.rank else self.seed
        key, passed = member_key(seed).to(device), self.clock.epoch if epoch is None else epoch
        return Now(
            key, torch.tensor(step, device=device), torch.tensor(passed, device=device), self.base_rates(), moment=step
        )


class Reaches(Mapping[str, Tensor]):
    """The step size of each weight under an optimizer: what a proximal step is taken in.

    Computed when a part asks for it. Where backward has never reached a parameter, it has not moved: its reach is 0.
    """

    def __init__(self, held: Held, rates: Mapping[str, Tensor]) -> None:
        self._held, self._rates, self._groups = held, rates, held.group_of()

    def __getitem__(self, name: str) -> Tensor:
        rate = self._rates[name]
        find = REACH.get(type(self._held.optimizer).__name__)
        if find is None:
            raise RecipeError(_no_reach(self._held.optimizer), fix=REACH_FIX, code="WF-A06")
        return find(rate, self._held.state_of(name), self._groups[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rates)

    def __len__(self) -> int:
        return len(self._rates)


def _no_reach(optimizer: torch.optim.Optimizer) -> str:
    return f"the step size of each weight under {type(optimizer).__name__} is not known."


REACH_FIX = "Train with SGD, Adam, AdamW, RMSprop or Adagrad, or take the part in its loss form where it has one."

State = Mapping[str, Any] | None


def _sgd_reach(rate: Tensor, state: State, group: Mapping[str, Any]) -> Tensor:
    """How far a gradient that stays the same moves a weight in a step, once momentum has gathered it."""
    if not group.get("momentum"):
        return rate
    return rate * ((1.0 - group.get("dampening", 0.0)) / (1.0 - group["momentum"]))


def _adam_reach(rate: Tensor, state: State, group: Mapping[str, Any]) -> Tensor:
    if not state:
        return torch.zeros_like(rate)
    square = state["max_exp_avg_sq"] if group.get("amsgrad") else state["exp_avg_sq"]
    taken = torch.as_tensor(state["step"], dtype=torch.float64, device=square.device)
    grow = (1.0 / (1.0 - group["betas"][1] ** taken)).sqrt().to(square.dtype)
    return rate / (square.sqrt() * grow + group["eps"])


def _rmsprop_reach(rate: Tensor, state: State, group: Mapping[str, Any]) -> Tensor:
    if not state:
        return torch.zeros_like(rate)
    square = state["square_avg"]
    if group.get("centered"):
        square = square - state["grad_avg"] ** 2
    return rate / ((square.sqrt() + group["eps"]) * (1.0 - group.get("momentum", 0.0)))


def _adagrad_reach(rate: Tensor, state: State, group: Mapping[str, Any]) -> Tensor:
    if not state:
        return torch.zeros_like(rate)
    taken = torch.as_tensor(state["step"], dtype=torch.float64, device=rate.device)
    slowed = (rate / (1.0 + (taken - 1.0) * group["lr_decay"])).to(rate.dtype)
    return slowed / (state["sum"].sqrt() + group["eps"])


REACH: dict[str, Callable[[Tensor, State, Mapping[str, Any]], Tensor]] = {
    "SGD": _sgd_reach,
    "Adam": _adam_reach,
    "AdamW": _adam_reach,
    "RMSprop": _rmsprop_reach,
    "Adagrad": _adagrad_reach,
}
"""By the class of the optimizer: rate, state and group of a parameter -> the step size of its weights."""
