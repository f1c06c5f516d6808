"""Lightning: a callback that puts a recipe to work in a Trainer's fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from wellfit.adapters.extras import fixes, needs, refuse_stages
from wellfit.adapters.hooks import Hook
from wellfit.adapters.lightning_checks import (
    FIXES,
    batch_fields,
    check_trainer,
    find_network,
    find_optimizer,
    never_called,
    reasons,
)
from wellfit.adapters.memory import restore_run, run_state
from wellfit.adapters.places import Rule
from wellfit.adapters.run import Run
from wellfit.draws import Pixels
from wellfit.recipe import Recipe

with needs("lightning", extra="lightning"):
    from lightning.pytorch import Callback, LightningModule, Trainer

PASSES = frozenset({"activation", "weights", "objective", "deploy"})
"""Stages that act in a pass through the network."""


class RecipeCallback(Callback):
    """Train a LightningModule under a recipe: ``Trainer(callbacks=[RecipeCallback(recipe)])``.

    From ``fit``'s start to its end the recipe acts as it does in a loop of one's own (see ``Recipe.attach``), under
    automatic and manual optimization, accumulated gradients and mixed precision. Penalties and clipping meet the
    gradient after ``on_before_optimizer_step``, averages and projections follow the step. Validation computes with the
    weights to hand over; the loss it logs says when to stop, and at the end the module holds the weights of the best
    epoch. What the recipe remembers is in the Trainer's checkpoints, so that ``ckpt_path=`` goes on exactly.

    Args:
        recipe: what to train under.
        monitor: under what name ``validation_step`` logs the loss. Where nothing of that name is logged there is no
            best epoch, and a part that waits for the loss is refused at the end of the first epoch.
        network: name of the module that ``training_step`` calls: the LightningModule itself where it has a ``forward``
            of its own, else its only child with parameters. Patterns of ``where`` see names inside of it.
        optimizer: number of the optimizer, where there are several.
        fields: places of inputs and targets in a batch, which is a list, or a dictionary with these keys.
        own_loss: whether ``training_step`` computes its loss by ``wellfit.lightning.loss``, for parts that act on it.
        closure: whether, under manual optimization, ``optimizer.step`` is handed a closure, which SAM needs.
        epoch_steps: steps of the optimizer in an epoch; by itself it knows those of automatic optimization.
        seed, classes, rewritten, after, resources, pixels, allow: as in ``Recipe.attach``.

    Attributes:
        run: the recipe at work while the Trainer fits, with ``best_loss``, ``best_epoch``, ``stopped`` and more; that
            of the last fit afterwards; None before the first.

    Raises:
        RecipeError: a part cannot be honored; the message names it, and the way out. At construction where that can be
            known, else when ``fit`` begins.
    """

    def __init__(
        self, recipe: Recipe, *, monitor: str = "val_loss", network: str | None = None, optimizer: int | None = None,
        fields: tuple[int | str, int | str] = (0, 1), own_loss: bool = False, closure: bool = False,
        epoch_steps: int | None = None, seed: int = 0, classes: int | None = None, rewritten: bool = False,
        after: Sequence[Rule] | None = None, resources: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
        pixels: Pixels | None = None, allow: Sequence[str] = (),
    ) -> None:  # fmt: skip
        refuse_stages(recipe, reasons(own_loss=own_loss, rewritten=rewritten))
        self.recipe, self.monitor, self.network, self.optimizer, self.fields = (
            recipe, monitor, network, optimizer, fields,
        )  # fmt: skip
        self._closure, self._epoch_steps = closure, epoch_steps
        self._options: dict[str, Any] = {
            "seed": seed, "classes": classes, "rewritten": rewritten, "after": after, "resources": resources,
            "pixels": pixels, "allow": allow,
        }  # fmt: skip
        self.run: Run | None = None
        self._open = self._validated = self._called = self._evaluated = self._evaluates = False
        self._state: dict[str, Any] | None = None
        self._final: dict[str, Tensor] | None = None
        self._watch: Any = None

    # Beginning and end

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Before the optimizers' states are restored: a recipe that trains tensors of its own adds a group."""
        self._close(hand_over=False)  # of a fit that broke off
        network = find_network(pl_module, self.network)
        optimizer = find_optimizer(trainer.optimizers, self.optimizer)
        check_trainer(trainer, self.recipe)
        automatic = pl_module.automatic_optimization
        again = trainer.accumulate_grad_batches == 1 if automatic else self._closure
        steps = self._epoch_steps
        if steps is None and automatic:
            steps = _epoch_steps(trainer)
        with fixes(FIXES):
            self.run = self.recipe.attach(network, optimizer, closure=again, epoch_steps=steps, **self._options)
        self.run.open()
        self._open, self._called, self._evaluates = True, False, False
        self._watch = network.register_forward_pre_hook(Hook(self._called_network))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._state is not None and self.run is not None:
            restore_run(self.run, self.recipe, self._state)
        self._state = None

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The weights to hand over; not yet put in place, since checkpoints of the training are still written."""
        self._final = self.run.weights() if self._open and self.run is not None else None

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._close(hand_over=True)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._close(hand_over=False)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._close(hand_over=False)

    def _close(self, *, hand_over: bool) -> None:
        if not self._open or self.run is None:
            return
        self._open = False
        self._state = run_state(self.run, self.recipe) if hand_over else None
        self._watch.remove()
        self.run.close(hand_over=False)
        if hand_over and self._final is not None:  # by now the Trainer may have moved the module to another device
            self.run._course.held.fill(self._final)
        self._final = None

    # In the loop

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Change the batch where it stands: the Trainer hands this very list to ``training_step``."""
        assert self.run is not None
        x, y, put = batch_fields(batch, self.fields, changed="batch" in self.run.recipe.stages)
        with fixes(FIXES):
            put(*self.run.batch(x, y))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not self._called and PASSES & self.recipe.active().stages:
            raise never_called("training_step", pl_module, self.network)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._evaluates, self._evaluated = True, False

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:  # fmt: skip
        if self._open and not self._evaluated and "deploy" in self.recipe.active().stages:
            raise never_called("validation_step", pl_module, self.network)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._evaluates = False
        self._validated = self._open and not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert self.run is not None
        loss = trainer.callback_metrics.get(self.monitor) if self._validated else None
        self._validated = False
        with fixes(FIXES):
            stop = self.run.epoch_end(val_loss=loss)
        trainer.should_stop = trainer.should_stop or stop

    def _called_network(self, module: nn.Module, args: Any) -> None:
        """A pass of the module's own; one that the recipe takes for itself, to find the classes, does not count."""
        if self.run is None or not self.run.asks:
            self._called = self._called or not self._evaluates
            self._evaluated = self._evaluated or self._evaluates

    # Checkpoints

    def state_dict(self) -> dict[str, Any]:
        if self._open and self.run is not None:
            return run_state(self.run, self.recipe)
        return self._state or {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._state = state_dict or None


def loss(
    module: LightningModule, criterion: Callable[[Any, Any], Tensor], outputs: Any, target: Any
) -> Tensor:  # fmt: skip
    """The loss for ``training_step`` to return: the criterion's, with what the recipe asks of outputs and inputs.

    Without a ``RecipeCallback`` in the Trainer, and outside of training, it is ``criterion(outputs, target)``.

    Args:
        module: the LightningModule: ``self`` in ``training_step``.
        criterion: (outputs, target) -> ().
        outputs: what the network gave for the batch.
        target: of the batch, as it reached ``training_step``.
    """
    trainer = getattr(module, "_trainer", None)
    found = [c for c in (trainer.callbacks if trainer is not None else ()) if isinstance(c, RecipeCallback)]
    if not found or not trainer.training or found[0].run is None:
        return criterion(outputs, target)
    return found[0].run.loss(criterion, outputs, target)


def _epoch_steps(trainer: Trainer) -> int | None:
    """Steps of the optimizer in an epoch; None where the loader has no length."""
    _ = trainer.estimated_stepping_batches  # makes the loaders, whose length is asked next
    batches = trainer.num_training_batches
    return None if math.isinf(batches) else max(1, math.ceil(batches / trainer.accumulate_grad_batches))
