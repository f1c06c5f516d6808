"""Keras 3 on the torch backend: a callback that puts a recipe to work in ``model.fit``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from wellfit.adapters.attach import run_of
from wellfit.adapters.clock import Clock
from wellfit.adapters.extras import fixes, needs, refuse_stages
from wellfit.adapters.keras_checks import FIXES, REASONS, check_loss, check_model, check_targets
from wellfit.adapters.keras_held import KerasHeld
from wellfit.adapters.keras_places import find_places
from wellfit.adapters.moments import Course
from wellfit.adapters.refusals import asks_anew
from wellfit.adapters.run import Run
from wellfit.recipe import Recipe

os.environ.setdefault("KERAS_BACKEND", "torch")  # keras reads it at its import, and would ask for TensorFlow
with needs("keras", extra="keras"):
    import keras


class RecipeCallback(keras.callbacks.Callback):
    """Fit a Keras model under a recipe: ``model.fit(x, y, callbacks=[RecipeCallback(recipe)])``.

    The model is built and compiled as ever, and trained by Keras's own optimizer. While ``fit`` runs, the recipe acts
    as it does in a loop of one's own (see ``Recipe.attach``): penalties, clipping and decay before the optimizer's
    update, constraints and averages after it, dropout behind activations, noise and mixing on batches. Validation
    computes with the weights to hand over; its loss says when to stop, and at the end the model holds the weights of
    the best epoch, without a trace of the callback.

    Kernels are (..., inputs, units) in Keras and are handed to the recipe as (units, inputs, ...): a unit is a unit.
    ``where`` sees paths, ``dense/kernel``, and for dropout the names of layers. Running statistics of batch norm are
    averaged with averaged weights; they are not taken anew.

    Args:
        recipe: what to train under.
        monitor: the number of an epoch that says when to stop. Without it there is no best epoch.
        seed, resources, allow: as in ``Recipe.attach``.
        after: types of layers, or patterns of their names, behind which values are hidden ones; by default behind
            activations, as layers or within one, except in the output layer.

    Attributes:
        run: the recipe at work while the model is fitted, with ``best_loss``, ``best_epoch``, ``reached`` and more;
            that of the last fit afterwards; None before the first.

    Raises:
        RecipeError: a part cannot be honored; the message names it, and the way out. At construction where that can be
            known, else when ``fit`` begins.
    """

    def __init__(
        self, recipe: Recipe, *, monitor: str = "val_loss", seed: int = 0, after: Sequence[type | str] | None = None,
        resources: Mapping[str, Callable[[Tensor], Tensor]] | None = None, allow: Sequence[str] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        refuse_stages(recipe, REASONS)
        self.recipe, self.monitor, self.seed = recipe, monitor, seed
        self._after, self._resources, self._allow = after, resources or {}, allow
        self.run: Run | None = None
        self._held: KerasHeld | None = None
        self._course: Course | None = None
        self._open = self._twice = False
        self._data: Any = None

    # Beginning and end

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._close(hand_over=False)  # of a fit that broke off
        model = self.model
        check_model(model)
        check_loss(model, self.recipe)
        held = KerasHeld(model, model.optimizer)
        places = find_places(model, self._after)
        clock = Clock(self.params.get("steps"))
        course = Course(self.recipe, held, clock, places.sites, self._resources, self.seed, model)
        with fixes(FIXES):
            run = run_of(course, places, _classes(model), closure=True, rewritten=False, allow=self._allow)
        self.run, self._held, self._course = run, held, course
        self._twice = any("gradient" in p.stages and asks_anew(p, course) for p in course.recipe)
        run.open()
        self._open = True
        self._patch()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._close(hand_over=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert self.run is not None
        with fixes(FIXES):
            if self.run.epoch_end(val_loss=(logs or {}).get(self.monitor)):
                self.model.stop_training = True

    def _close(self, *, hand_over: bool) -> None:
        if not self._open or self.run is None or self._held is None:
            return
        self._open, self._data = False, None
        for name in ("train_step", "_compute_loss", "fit"):
            self._held.model.__dict__.pop(name, None)
        self._held.optimizer.keras.__dict__.pop("apply", None)
        self.run.close(hand_over=hand_over)

    # What Keras does in a step, with the recipe around it

    def _patch(self) -> None:
        """Keras has no hooks around a batch, a loss and an update: its own methods are wrapped while it fits."""
        assert self._held is not None
        model, optimizer = self._held.model, self._held.optimizer.keras
        train_step, compute_loss, apply = model.train_step, model._compute_loss, optimizer.apply

        def step(data: Any) -> Any:
            try:
                return train_step(self._batch(data))
            except BaseException:  # Keras tells its callbacks of no error, nor of Ctrl-C
                self._close(hand_over=False)
                raise

        def fit(*args: Any, **kwargs: Any) -> Any:
            """Another fit begins: this one broke off, between two steps. A loop over train_on_batch goes past here."""
            self._close(hand_over=False)
            return type(model).fit(model, *args, **kwargs)

        def loss(x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool = True) -> Any:
            def criterion(outputs: Any, target: Any) -> Any:
                return compute_loss(x=x, y=target, y_pred=outputs, sample_weight=sample_weight, training=training)

            return self.run.loss(criterion, y_pred, y) if training and self.run is not None else criterion(y_pred, y)

        def update(grads: Any, trainable_variables: Any = None) -> None:
            self._update(apply, trainable_variables)

        # past __setattr__, which would track them as parts of the model
        model.__dict__.update(train_step=step, _compute_loss=loss, fit=fit)
        optimizer.__dict__["apply"] = update

    def _batch(self, data: Any) -> Any:
        assert self.run is not None and self._held is not None
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        self._held.optimizer.refresh()
        new_x, new_y = self.run.batch(x, y)
        if new_y is not y:
            check_targets(self._held.model, self.run.recipe, weight)
        self._data = (new_x, new_y, weight)
        return self._data

    def _update(self, apply: Callable[..., None], variables: Sequence[Any]) -> None:
        assert self.run is not None and self._held is not None
        held, called = self._held, 0
        held.optimizer.refresh()

        def gradient() -> None:
            nonlocal called
            called += 1
            if called > 1:  # the first one is there: train_step has taken it
                self._again()

        def update() -> None:
            with torch.no_grad():
                apply([v.value.grad for v in variables], variables)

        with torch.enable_grad():  # train_step has it off here, and penalties may differentiate
            held.optimizer.apply(update, gradient if self._twice else None)

    def _again(self) -> None:
        """The gradient once more, at the weights as they are now, with the draws of the first time."""
        assert self._course is not None
        model, (x, y, weight) = self._course.held.model, self._data
        self._course.clock.rewind((1, 0))
        outputs = model(x, training=True) if model._call_has_training_arg else model(x)
        model.zero_grad()
        model._compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight, training=True).backward()


def _classes(model: Any) -> int | None:
    shape = getattr(model, "output_shape", None)
    return int(shape[-1]) if isinstance(shape, tuple) and len(shape) == 2 and (shape[-1] or 0) > 1 else None
