"""What a Lightning Trainer and a recipe must agree in: the network, the optimizer, the batch; refused by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from wellfit.errors import RecipeError, UsageError
from wellfit.recipe import Recipe, leaf_of
from wellfit.regularizers import AdaptiveClip, ClipNorm, ClipValue

FIXES = {
    "WF-A13": "Say it: RecipeCallback(recipe, classes=10).",
    "WF-A15": "Write loss = wellfit.lightning.loss(self, criterion, outputs, y) in training_step, and do not step "
    "twice on one batch.",
    "WF-A16": "Write self.log('val_loss', loss) in validation_step, validate in every epoch, or say "
    "RecipeCallback(recipe, monitor=...) where it has another name.",
    "WF-A22": "Use automatic optimization without accumulate_grad_batches, or hand optimizer.step a closure and say "
    "RecipeCallback(recipe, closure=True).",
    "WF-A24": "Say how many steps one has: RecipeCallback(recipe, epoch_steps=...).",
    "WF-A25": "Say where hidden values are: RecipeCallback(recipe, after=[nn.Linear, 'encoder.*']).",
}
"""Ways out of what ``attach`` refuses, for people who write no loop."""


def reasons(*, own_loss: bool, rewritten: bool) -> dict[str, tuple[str, str]]:
    """By stage: why a Trainer cannot honor it, and the way out."""
    found = {
        "resample": (
            "makes training rows anew, and a callback only sees batches.",
            "Resample the rows before you make the loader, and take it out of the recipe.",
        )
    }
    if not rewritten:
        fix = (
            "Write self.network = recipe.rewrite(network) in the module's __init__, and RecipeCallback(rewritten=True)."
        )
        found["rewrite"] = "changes the network's structure, which has to be done before the optimizer is made.", fix
    if not own_loss:
        fix = "Return wellfit.lightning.loss(self, criterion, outputs, y) from training_step, and say "
        fix += "RecipeCallback(recipe, own_loss=True)."
        found["objective"] = "changes the loss, which training_step computes by itself.", fix
    return found


def find_network(module: nn.Module, name: str | None) -> nn.Module:
    """The module whose passes count.

    Raises:
        UsageError: there is none of that name, or nothing tells which it is.
    """
    if name is not None:
        known = dict(module.named_modules())
        if name not in known:
            raise UsageError(
                f"{type(module).__name__} has no module named {name!r}.",
                fix=f"Give one of {', '.join(n for n in list(known)[1:9])}.", code="WF-A31",
            )  # fmt: skip
        return known[name]
    if type(module).forward is not _lightning_forward(type(module)):
        return module
    children = [m for m in module.children() if next(m.parameters(), None) is not None]
    if len(children) == 1:
        return children[0]
    raise UsageError(
        f"{type(module).__name__} has no forward of its own and {len(children)} children with parameters.",
        fix="Say which of them training_step calls: RecipeCallback(recipe, network='backbone').", code="WF-A31",
    )  # fmt: skip


def _lightning_forward(kind: type) -> Any:
    """The ``forward`` that a LightningModule has where nobody has written one."""
    base = next(c for c in kind.__mro__ if c.__name__ == "LightningModule")
    return base.forward  # type: ignore[attr-defined]


def find_optimizer(optimizers: Sequence[Optimizer], number: int | None) -> Optimizer:
    """The optimizer whose steps count.

    Raises:
        UsageError: there is no such one, or there are several and none was named.
    """
    if number is None and len(optimizers) != 1:
        raise UsageError(
            f"configure_optimizers gives {len(optimizers)} optimizers, and a recipe goes with one.",
            fix="Say which: RecipeCallback(recipe, optimizer=0).", code="WF-A31",
        )  # fmt: skip
    if number is not None and not 0 <= number < len(optimizers):
        raise UsageError(
            f"optimizer is {number}, and configure_optimizers gives {len(optimizers)}.",
            fix="Count from 0.", code="WF-A31",
        )  # fmt: skip
    return optimizers[number or 0]


def check_trainer(trainer: Any, recipe: Recipe) -> None:
    """Refuse settings of a Trainer that would not train as the recipe says.

    Raises:
        UsageError: several processes train the model.
        RecipeError: gradients would be clipped twice, the first time without the penalties; or a scheduler holds a
            list of parameter groups that the recipe adds to.
    """
    if trainer.world_size > 1:
        raise UsageError(
            f"the Trainer runs {trainer.world_size} processes; the callback knows of one.",
            fix="Use recipe.attach in a loop of DistributedDataParallel, or Trainer(devices=1).", code="WF-A31",
        )  # fmt: skip
    grown = [p.name for p in recipe.active() if "extend" in p.stages]
    if grown and trainer.lr_scheduler_configs:
        raise RecipeError(
            f"{grown[0]} trains tensors of its own, and the module's learning rate scheduler knows its own groups.",
            fix="Leave the scheduler out of configure_optimizers, and take WarmUp or CosineSchedule into the recipe.",
            code="WF-A30",
        )
    clips = [p.name for p in recipe.active() if isinstance(leaf_of(p), (ClipNorm, ClipValue, AdaptiveClip))]
    if clips and trainer.gradient_clip_val:
        raise RecipeError(
            f"{clips[0]} clips gradients, and so does Trainer(gradient_clip_val={trainer.gradient_clip_val:g}).",
            fix="Leave gradient_clip_val out.", code="WF-A30",
        )  # fmt: skip


def batch_fields(
    batch: Any, fields: tuple[int | str, int | str], *, changed: bool
) -> tuple[Any, Any, Callable[[Any, Any], None]]:
    """Inputs and targets of a batch, and how to put others in their place.

    Raises:
        UsageError: they are to be changed, and the batch is not a list or dictionary that has them.
    """
    try:
        x, y = batch[fields[0]], batch[fields[1]]
    except (KeyError, IndexError, TypeError):
        x, y = batch, None
    if not changed:
        return x, y, lambda new_x, new_y: None
    if y is None or not isinstance(batch, (list, dict)):
        raise UsageError(
            f"the recipe changes batches, and this one is a {type(batch).__name__}, which no callback can change.",
            fix="Let the loader give [x, y], as torch's collate function does, or a dictionary with fields=('x', 'y').",
            code="WF-A32",
        )

    def put(new_x: Any, new_y: Any) -> None:
        batch[fields[0]], batch[fields[1]] = new_x, new_y

    return x, y, put


def never_called(step: str, module: nn.Module, name: str | None) -> UsageError:
    """What to raise where a step went past the network that the recipe acts in."""
    others = [n for n, m in module.named_children() if n != name and next(m.parameters(), None) is not None]
    missed = f"{name} of {type(module).__name__}" if name else f"the forward of {type(module).__name__}"
    return UsageError(
        f"{step} has not called {missed}, which is what the recipe acts in.",
        fix=f"Call self(x) in both steps, or say what they call: "
        f"RecipeCallback(recipe, network={(others or ['backbone'])[0]!r}).",
        code="WF-A31",
    )
