"""Hugging Face transformers: a callback that puts a recipe to work in a Trainer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from wellfit.adapters.extras import fixes, needs, refuse_stages
from wellfit.adapters.memory import read_state, restore_run, run_state, write_state
from wellfit.adapters.places import Rule
from wellfit.adapters.run import Run
from wellfit.errors import RecipeError, UsageError
from wellfit.recipe import Recipe, leaf_of
from wellfit.regularizers import AdaptiveClip, ClipNorm, ClipValue

with needs("transformers", extra="transformers"):
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

KEPT = "wellfit_recipe.safetensors"
"""The file beside a checkpoint's own that holds what the recipe remembers: tensors, numbers and names."""

REASONS = {
    "resample": (
        "makes training rows anew, and a callback only sees steps.",
        "Resample the rows before you make the data set, and take it out of the recipe.",
    ),
    "extend": (
        "trains tensors of its own, and the Trainer's schedule of learning rates knows the model's only.",
        "Train in a loop of your own with recipe.attach, or take it out.",
    ),
    "batch": (
        "changes batches or targets, and the Trainer shows its callbacks no batches.",
        "Change rows in the data set or the collator; labels are softened by "
        "TrainingArguments(label_smoothing_factor=); or train in a loop of your own with recipe.attach.",
    ),
    "objective": (
        "changes the loss, which the model computes by itself.",
        "Train in a loop of your own with recipe.attach, or take it out.",
    ),
}
"""By stage: why a Trainer cannot honor it, and the way out."""

REWRITES = (
    "changes the network's structure, which has to be done before the optimizer is made.",
    "Hand the Trainer model=recipe.rewrite(model), and say RecipeCallback(recipe, rewritten=True).",
)

FIXES = {
    "WF-A16": "Say TrainingArguments(eval_strategy='epoch') and give an eval_dataset, or name the loss: "
    "RecipeCallback(recipe, monitor=...).",
    "WF-A22": "Train in a loop of your own with recipe.attach(..., closure=True), or take it out.",
    "WF-A24": "Say how many steps one has: RecipeCallback(recipe, epoch_steps=...).",
    "WF-A25": "Say where hidden values are: RecipeCallback(recipe, after=[GELUActivation, '*.attention']).",
}
"""Ways out of what ``attach`` refuses, for people who write no loop."""


class RecipeCallback(TrainerCallback):
    """Train a transformer under a recipe: ``Trainer(..., callbacks=[RecipeCallback(recipe)])``.

    From ``train``'s start to its end the recipe acts as it does in a loop of one's own (see ``Recipe.attach``): on
    hidden values and weights, gradients and rates, after steps and at evaluations. An evaluation computes with the
    weights to hand over; its loss says when to stop, and at the end the model holds the weights of the best epoch. What
    the recipe remembers lies beside each checkpoint, so that ``resume_from_checkpoint`` goes on exactly.

    The Trainer clips gradients before the recipe adds its penalties, unless ``TrainingArguments(max_grad_norm=0)``.

    Args:
        recipe: what to train under. Names in ``where`` are those of ``model.named_parameters()``.
        monitor: the evaluation's number that says when to stop.
        epoch_steps: steps of the optimizer in an epoch; by itself the callback knows those of a data set with a length.
        seed, rewritten, after, resources, allow: as in ``Recipe.attach``.

    Attributes:
        run: the recipe at work while the Trainer trains, with ``best_loss``, ``best_epoch``, ``reached`` and more; that
            of the last training afterwards; None before the first.

    Raises:
        RecipeError: a part cannot be honored; the message names it, and the way out. At construction where that can be
            known, else when ``train`` begins.
    """

    def __init__(
        self, recipe: Recipe, *, monitor: str = "eval_loss", epoch_steps: int | None = None, seed: int = 0,
        rewritten: bool = False, after: Sequence[Rule] | None = None,
        resources: Mapping[str, Callable[[Tensor], Tensor]] | None = None, allow: Sequence[str] = (),
    ) -> None:  # fmt: skip
        refuse_stages(recipe, REASONS if rewritten else {**REASONS, "rewrite": REWRITES})
        self.recipe, self.monitor = recipe, monitor
        self._epoch_steps = epoch_steps
        self._options: dict[str, Any] = {
            "seed": seed, "rewritten": rewritten, "after": after, "resources": resources, "allow": allow,
        }  # fmt: skip
        self.run: Run | None = None
        self._open = self._due = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:  # fmt: skip
        self._close(hand_over=False)  # of a training that broke off
        _check_arguments(args, self.recipe)
        model, optimizer = given["model"], _bare(given["optimizer"])
        steps = self._epoch_steps if self._epoch_steps is not None else _epoch_steps(args, given["train_dataloader"])
        with fixes(FIXES):
            self.run = self.recipe.attach(model, optimizer, epoch_steps=steps, **self._options)
        self.run.open()
        self._open, self._due = True, False
        if state.global_step:
            self._resume(Path(args.output_dir) / f"checkpoint-{state.global_step}" / KEPT, model)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:  # fmt: skip
        """The evaluation of an epoch comes after its end: the recipe is told there, if there is one."""
        self._due = True
        if not control.should_evaluate:
            self._tell(None, control)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Mapping[str, float],
        **given: Any,
    ) -> None:  # fmt: skip
        if self._open and self._due:
            self._tell(metrics.get(self.monitor), control)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:  # fmt: skip
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self._open and self.run is not None and folder.is_dir():
            write_state(folder / KEPT, run_state(self.run, self.recipe))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:  # fmt: skip
        self._close(hand_over=True)

    def _tell(self, loss: float | None, control: TrainerControl) -> None:
        assert self.run is not None
        self._due = False
        with fixes(FIXES):
            if self.run.epoch_end(val_loss=loss):
                control.should_training_stop = True

    def _resume(self, path: Path, model: nn.Module) -> None:
        assert self.run is not None
        if not path.is_file():
            self._close(hand_over=False)
            raise UsageError(
                f"training goes on from a checkpoint, and {path.name} is not in {path.parent.name} of output_dir.",
                fix="Go on with the output_dir that the checkpoint was written to, under the recipe.", code="WF-A34",
            )  # fmt: skip
        restore_run(self.run, self.recipe, read_state(path))

    def _close(self, *, hand_over: bool) -> None:
        if self._open and self.run is not None:
            self._open = False
            self.run.close(hand_over=hand_over)


def _bare(optimizer: Any) -> Optimizer:
    """The optimizer of torch inside of accelerate's: its hooks see the steps that are really taken."""
    while not type(optimizer).__module__.startswith("torch.") and isinstance(
        getattr(optimizer, "optimizer", None), Optimizer
    ):
        optimizer = optimizer.optimizer
    return optimizer


def _epoch_steps(args: TrainingArguments, loader: Any) -> int | None:
    try:
        return max(1, math.ceil(len(loader) / args.gradient_accumulation_steps))
    except TypeError:  # an iterable data set
        return None


def _check_arguments(args: TrainingArguments, recipe: Recipe) -> None:
    """Refuse arguments under which the Trainer would not train as the recipe says."""
    clips = [p.name for p in recipe.active() if isinstance(leaf_of(p), (ClipNorm, ClipValue, AdaptiveClip))]
    if clips and args.max_grad_norm:
        raise RecipeError(
            f"{clips[0]} clips gradients, and so does TrainingArguments(max_grad_norm={args.max_grad_norm:g}).",
            fix="Say TrainingArguments(max_grad_norm=0).", code="WF-A30",
        )  # fmt: skip
    if args.load_best_model_at_end:
        raise UsageError(
            "TrainingArguments(load_best_model_at_end=True) would put other weights in place of the recipe's.",
            fix="Leave it out: at the end the model holds the weights of the best epoch.", code="WF-A31",
        )  # fmt: skip
    if args.world_size > 1:
        raise UsageError(
            f"the Trainer runs {args.world_size} processes; the callback knows of one.",
            fix="Use recipe.attach in a loop of DistributedDataParallel, or one process.", code="WF-A31",
        )  # fmt: skip
