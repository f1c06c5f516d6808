"""``recipe.attach(model, optimizer)``: the recipe in a training loop that a person already has."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn
from torch.optim import Optimizer

from wellfit.adapters.clock import Clock
from wellfit.adapters.held import Held
from wellfit.adapters.moments import Course
from wellfit.adapters.places import Places, Rule, find_places
from wellfit.adapters.ranks import rank_of
from wellfit.adapters.refusals import lint, refuse
from wellfit.adapters.run import Run
from wellfit.adapters.targets import Targets
from wellfit.draws import Pixels
from wellfit.errors import RecipeWarning, UsageError
from wellfit.recipe import Recipe
from wellfit.regularizers.levels import check_pixels


def attach(
    recipe: Recipe, model: nn.Module, optimizer: Optimizer, *, seed: int = 0, epoch_steps: int | None = None,
    classes: int | None = None, closure: bool = False, rewritten: bool = False,
    after: Sequence[Rule] | None = None, resources: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
    pixels: Pixels | None = None, allow: Sequence[str] = (),
) -> Run:  # fmt: skip
    """Put a recipe to work in a training loop of one's own: ``with recipe.attach(model, optimizer) as run:``.

    Inside of the ``with`` the recipe acts through hooks: on hidden values and weights in the model's training passes,
    on gradients, rates and weights when the optimizer steps; an evaluation computes with the weights to hand over.
    Batches go through ``run.batch`` and losses through ``run.loss`` where the recipe changes them (a step that has left
    them out is refused), and ``run.epoch_end(val_loss=...)`` says when to stop. Afterwards every hook is gone and the
    model holds the weights to hand over: those of the best epoch. In a copy of the model, or in a pickle, the hooks
    have no effect.

    The draws are those of the functional step (``training.lone``): the same seed gives the same training.

    Args:
        recipe: what to train under; parts at their neutral value do nothing.
        model: the network, in or out of ``torch.compile`` or DistributedDataParallel.
        optimizer: of ``torch.optim``. Only the parameters that it trains are regularized.
        seed: what every draw follows from.
        epoch_steps: steps that the optimizer takes in an epoch; only what follows epochs step by step needs it.
        classes: how many classes the labels have, where the model's outputs, (batch, classes), do not tell.
        closure: whether the loop calls ``optimizer.step(closure)``, which SAM needs.
        rewritten: whether the model has been through ``recipe.rewrite`` already, before the optimizer was made.
        after: modules behind which values are hidden ones, as types or patterns of names; activations by default.
        resources: what the recipe names and does not hold: ``{"teacher": function of the inputs}``.
        pixels: (black, white), the values of each channel's pixels, for what turns, erases or recolors pictures:
            ``((0.0,), (1.0,))`` by default for floats, and 0 and 255 for bytes. Say them where pictures are scaled.
        allow: codes of the lint that are allowed.

    Raises:
        RecipeError: a part of the recipe cannot be honored here, or breaks a rule of the lint; the message names it.
        UsageError: model and optimizer do not belong together.

    Example:
        >>> import torch
        >>> from wellfit import MaxNorm
        >>> model = nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        >>> with Recipe(MaxNorm(0.5)).attach(model, optimizer):
        ...     for _ in range(5):
        ...         optimizer.zero_grad()
        ...         model(torch.ones(3, 2)).mean().backward()
        ...         optimizer.step()
        >>> round(model.weight.norm().item(), 4)
        0.5
    """
    _check_types(model, optimizer)
    held = Held(model, optimizer)
    functions = "activation" in recipe.active().stages
    places = find_places(held.model, after, functions=functions)
    clock, ends = Clock(epoch_steps), check_pixels(pixels)
    course = Course(recipe, held, clock, places.sites, resources or {}, seed, model, rank_of(model), ends)
    run = run_of(course, places, classes, closure=closure, rewritten=rewritten, allow=allow)
    for sentence in run.unreached:
        warnings.warn(f"WF-A26 warning: {sentence}; the recipe does not act there.", RecipeWarning, stacklevel=3)
    return run


def run_of(
    course: Course, places: Places, classes: int | None, *, closure: bool, rewritten: bool, allow: Sequence[str]
) -> Run:
    """A run of a course whose recipe has not been looked at yet, however its weights are held."""
    held, told = course.held, course.recipe
    course.recipe = told.active()
    lint(told, course, allow)
    recipe = course.recipe.on(held.like)
    held.plan(recipe.extend(held.params(), course.sites))
    course.recipe = recipe.start({**held.copies(), **held.planned})
    refuse(course, closure=closure, rewritten=rewritten)
    return Run(course, places, Targets(classes))


def _check_types(model: object, optimizer: object) -> None:
    if not isinstance(model, nn.Module):
        raise UsageError(
            f"attach takes a torch.nn.Module, not {type(model).__name__}.",
            fix="recipe.attach(model, optimizer)", code="WF-A02",
        )  # fmt: skip
    if not isinstance(optimizer, Optimizer):
        raise UsageError(
            f"attach takes an optimizer of torch.optim, not {type(optimizer).__name__}.",
            fix="recipe.attach(model, torch.optim.AdamW(model.parameters()))", code="WF-A02",
        )  # fmt: skip
