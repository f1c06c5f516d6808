"""A recipe at work in a person's own loop: batches, losses, ends of epochs; and the model as before at the end."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from wellfit.adapters.moments import Course
from wellfit.adapters.passes import Passes
from wellfit.adapters.places import Places
from wellfit.adapters.ranks import agree_weights, mean_over_ranks
from wellfit.adapters.steps import Steps
from wellfit.adapters.targets import Targets
from wellfit.draws import Now
from wellfit.errors import UsageError
from wellfit.recipe import Recipe
from wellfit.regularizer import Params
from wellfit.target import Target
from wellfit.training.step import Seen

_ATTACHED: weakref.WeakKeyDictionary[Any, weakref.ref[Run]] = weakref.WeakKeyDictionary()
"""The run at work on a model or an optimizer; kept here and not on them, for a copy of a model is free. A run that
nobody holds any more (of a training that broke off) is at work on nothing: its hooks are without effect."""


class Run:
    """What ``recipe.attach`` gives: a context, inside of which the recipe acts in the loop.

    Attributes:
        reached: names of the places in the model where the recipe acts on hidden values.
        unreached: sentences on what of the model it could not reach.
        best_loss: the least validation loss so far; infinite before the first.
        best_epoch: the epoch, counted from 1, that had it; 0 before the first.
        stopped: whether the recipe has said to stop.
    """

    def __init__(self, course: Course, places: Places, targets: Targets) -> None:
        self._course, self._targets = course, targets
        self._passes = Passes(course, places.calls)
        self._steps = Steps(course, self._check_used, self._moved)
        self.reached = tuple(s.name for s in course.sites if course.recipe.acts_on(s))
        self.unreached = places.unreached if "activation" in course.recipe.stages else ()
        self.best_loss, self.best_epoch, self.stopped = math.inf, 0, False
        self._best: dict[str, Tensor] | None = None
        self._batched = self._lossed = False

    # Opening and closing

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close(hand_over=kind is None)

    def open(self) -> None:
        """Put the recipe to work; ``with`` does it by itself.

        Raises:
            UsageError: a recipe is at work on this model or this optimizer already.
        """
        held = self._course.held
        for taken in (held.model, held.optimizer):
            if _at_work_on(taken):
                raise UsageError(
                    f"a recipe is attached to this {type(taken).__name__} already.",
                    fix="Leave the other with block first, or put both recipes into one: Recipe(*first, *second).",
                    code="WF-A09",
                )
        _ATTACHED.update({held.model: weakref.ref(self), held.optimizer: weakref.ref(self)})
        held.enlist()
        self._passes.install()
        self._steps.install()

    def close(self, *, hand_over: bool = True) -> None:
        """Take every hook away; the model is left with the weights to hand over, or, if not, as it was trained."""
        held = self._course.held
        weights = self.weights() if hand_over else None
        self._steps.remove()
        self._passes.remove()
        held.drop_extras()
        for taken in (held.model, held.optimizer):
            _ATTACHED.pop(taken, None)
        if weights is not None:
            held.fill(weights)

    # What it knows

    @property
    def recipe(self) -> Recipe:
        """The recipe as it stands, with what its parts remember."""
        return self._course.recipe

    @property
    def asks(self) -> bool:
        """Whether the pass that is under way is one of the recipe's own, in which it does not act."""
        return self._passes.is_paused

    @property
    def step(self) -> int:
        """Steps that the optimizer has taken."""
        return self._course.clock.step

    @property
    def epoch(self) -> int:
        """Epochs that have ended."""
        return self._course.clock.epochs

    def rates(self) -> dict[str, float]:
        """The learning rate of each parameter at this moment, as the recipe has it."""
        return {n: float(r) for n, r in self._course.now().rates.items()}

    def weights(self) -> dict[str, Tensor]:
        """Copies of the weights to hand over: those of the best epoch, or, before the first, those of now."""
        found = self._best if self._best is not None else self._passes.handed()
        return {n: w.clone() for n, w in found.items()}

    # In the loop

    def batch(self, x: Tensor, y: Any) -> tuple[Tensor, Any]:
        """A training batch as the recipe has it: noise, mixing, softened labels.

        Args:
            x: inputs, (batch, ...).
            y: (batch,) labels, or numbers.

        Returns:
            Inputs, and targets for the criterion: ``y`` itself where the recipe leaves it alone, else (batch, classes)
            probabilities, or numbers in the form of ``y``.
        """
        course = self._course
        fork, self._batched = course.clock.next_batch(), True
        self._passes.keep_clean(x)
        if "batch" not in course.recipe.stages:
            return x, y
        self._find_classes(x, y)
        target = self._targets.read(y, course.held.like)
        try:
            new_x, new = course.recipe.batch(x, target, course.now(fork))
        except (AttributeError, TypeError, KeyError) as error:
            if isinstance(x, Tensor):
                raise
            raise _not_one_tensor(course.recipe, x) from error
        return new_x, self._targets.write(new, target, y)

    def loss(self, criterion: Callable[[Any, Any], Tensor], outputs: Any, target: Any) -> Tensor:
        """The loss to call ``backward`` on: the criterion's, with what the recipe asks of outputs and inputs beside it.

        Penalties on weights are not in it: their gradient is added before the optimizer steps.
        """
        self._lossed = True
        course, passes = self._course, self._passes
        if "objective" not in course.recipe.stages:
            return criterion(outputs, target)
        if passes.inputs is None or passes.now is None or not passes.inputs[0]:
            raise UsageError(
                "run.loss came before a training pass through the model with its inputs as the first argument.",
                fix="Call model.train(), then model(x), then run.loss(criterion, outputs, target).", code="WF-A14",
            )  # fmt: skip
        inputs, now, hidden = passes.inputs[0][0], passes.now, passes.hidden
        if isinstance(outputs, Tensor) and outputs.ndim == 2:
            self._targets.classes = self._targets.classes or outputs.shape[1]
        read = self._targets.read(target, course.held.like, criterion)

        def loss_of(x: Tensor, wanted: Target, at: Now) -> tuple[Tensor, Seen]:
            there = x is inputs and at.fork == now.fork
            found, seen = (outputs, hidden) if there else passes.again(x, at)
            loss = criterion(found, self._targets.write(wanted, read, target))
            return loss, Seen(found, {}, {}, seen, course.held.trained)

        return course.recipe.objective(loss_of, inputs, read, now)[0]

    def epoch_end(self, *, val_loss: float | Tensor | None = None) -> bool:
        """Tell the recipe that an epoch is over.

        Schedules go on, the best weights are kept, and at the stop they are put back. The loss is best measured on
        the model inside of the ``with``: in evaluation it computes with the weights to hand over (averaged ones, say).

        Args:
            val_loss: mean loss on rows held out. Without it there is no best epoch, and nothing that waits for one.
                Of several processes each calls this; the mean over those that have a loss counts, be it one alone.

        Returns:
            Whether to stop.

        Raises:
            UsageError: a part of the recipe needs the loss.
        """
        course = self._course
        course.clock.ended_epoch()
        loss = mean_over_ranks(course.wrapped, None if val_loss is None else _number(val_loss))
        if loss is not None and float(loss) < self.best_loss:
            self.best_loss, self.best_epoch = float(loss), course.clock.epochs
            self._best = None
            self._best = agree_weights(course.wrapped, self.weights())
        if "after_epoch" in course.recipe.stages:
            now = course.plain(epoch=float(course.clock.epochs))
            course.recipe = course.recipe.after_epoch(course.held.copies(), _metrics(loss, course.held.like), now)
            self._passes.changed()
        self._passes.clean = []
        self.stopped = bool(course.recipe.stop())
        if self.stopped:
            course.held.fill(self.weights())
        return self.stopped

    # Inside

    def _moved(self) -> None:
        self._batched = self._lossed = False
        self._passes.changed()

    def _check_used(self) -> None:
        for part in self._course.recipe:
            if "batch" in part.stages and not self._batched:
                raise UsageError(
                    f"{part.name} changes batches, and this step's batch has not passed run.batch.",
                    fix="Write x, y = run.batch(x, y) at the top of the loop.", code="WF-A15",
                )  # fmt: skip
            if "objective" in part.stages and not self._lossed:
                raise UsageError(
                    f"{part.name} changes the loss, and this step's loss has not passed run.loss.",
                    fix="Write loss = run.loss(criterion, outputs, y) in place of criterion(outputs, y).",
                    code="WF-A15",
                )

    @torch.no_grad()
    def _find_classes(self, x: Any, y: Any) -> None:
        """Labels do not tell how many classes there are; one pass in evaluation does."""
        labels = isinstance(y, Tensor) and not y.is_floating_point()
        if labels and self._targets.classes is None and isinstance(x, Tensor):
            outputs = self._passes.predict({}, x[:1])
            if isinstance(outputs, Tensor) and outputs.ndim == 2 and outputs.shape[1] > 1:
                self._targets.classes = outputs.shape[1]


def _at_work_on(taken: Any) -> bool:
    found = _ATTACHED.get(taken)
    if found is not None and found() is not None:
        gc.collect()  # a run that nobody holds is a circle, which is collected at some time or other
    return found is not None and found() is not None


def _not_one_tensor(recipe: Recipe, x: Any) -> UsageError:
    names = ", ".join(p.name for p in recipe if "batch" in p.stages)
    return UsageError(
        f"{names} changes batches, and the inputs came as {type(x).__name__}; one tensor is allowed, (batch, ...).",
        fix="Give the model its inputs as one tensor, or leave out the parts that change inputs.", code="WF-A17",
    )  # fmt: skip


def _number(loss: float | Tensor) -> Tensor:
    return loss.detach() if isinstance(loss, Tensor) else torch.tensor(loss, dtype=torch.float64)


class _Metrics(dict[str, Tensor]):
    def __missing__(self, name: str) -> Tensor:
        raise UsageError(
            "the recipe waits for the validation loss, and run.epoch_end came without it.",
            fix="Write run.epoch_end(val_loss=...), or take the parts that wait for it out of the recipe.",
            code="WF-A16",
        )


def _metrics(loss: Tensor | None, like: Tensor) -> Params:
    return _Metrics() if loss is None else _Metrics(loss=loss.to(like.device))
