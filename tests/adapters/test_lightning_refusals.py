"""What a Lightning Trainer cannot honor of a recipe is refused by name, with the way out."""

from __future__ import annotations

import pytest
import torch
from loops import RATE, Net, batches, make, optimizer_for, values
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader

import wellfit as wf
from wellfit import Recipe

pytest.importorskip("lightning.pytorch")
from lightning_world import STEPS, Task, bare, fit, same, trainer_of

from wellfit.lightning import RecipeCallback


@pytest.mark.parametrize(
    ("recipe", "options", "words"),
    [
        (Recipe(wf.BatchNorm()), {}, "BatchNorm.*rewritten=True"),
        (Recipe(wf.RDrop(1.0), wf.Dropout(0.2)), {}, "RDrop.*own_loss=True"),
        (Recipe(wf.SMOTE()), {}, "SMOTE.*before you make the loader"),
    ],
)
def test_what_a_callback_cannot_do_is_refused_at_construction(recipe, options, words):
    with pytest.raises(wf.RecipeError, match=f"WF-A30.*{words}"):
        RecipeCallback(recipe, **options)


@pytest.mark.parametrize(
    ("recipe", "task", "trainer", "words"),
    [
        (Recipe(wf.SAM(0.1)), {}, {"accumulate_grad_batches": 2}, "SAM.*accumulate_grad_batches"),
        (Recipe(wf.SAM(0.1)), {"manual": True}, {}, "SAM.*closure=True"),
        (Recipe(wf.ClipNorm(1.0)), {}, {"gradient_clip_val": 1.0}, "ClipNorm.*gradient_clip_val"),
        (Recipe(wf.CosineSchedule(3.0)), {"manual": True}, {}, "CosineSchedule.*epoch_steps="),
    ],
)
def test_what_a_trainer_is_set_up_against_is_refused_when_fit_begins(recipe, task, trainer, words):
    task = Task(**task)
    with pytest.raises(wf.RecipeError, match=words):
        fit(recipe, task, trainer=trainer)
    assert_close(values(task.net), values(make(Net)), rtol=0, atol=0)


def test_a_scheduler_goes_with_all_but_tensors_of_its_own():
    class Scheduled(Task):
        def configure_optimizers(self):
            optimizer = optimizer_for(self.net, "SGD")
            return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)]

    _, callback = fit(Recipe(wf.L2(1e-2)), Scheduled())
    assert callback.run.step == 3 * STEPS
    assert_close(max(callback.run.rates().values()), RATE / 8)
    with pytest.raises(wf.RecipeError, match=r"VariationalDropout.*scheduler"):
        fit(Recipe(wf.VariationalDropout(0.25, 1e-2)), Scheduled())


def test_a_loss_nobody_logs_is_missed_by_name():
    with pytest.raises(wf.UsageError, match=r"WF-A16.*self\.log"):
        fit(Recipe(wf.EarlyStopping()), monitor="loss_on_validation")


def test_two_networks_are_told_apart():
    class Two(Task):
        def __init__(self):
            super().__init__()
            self.other = nn.Linear(2, 2)

    with pytest.raises(wf.UsageError, match=r"WF-A31.*network="):
        fit(Recipe(wf.Dropout(0.2)), Two())
    with pytest.raises(wf.UsageError, match=r"WF-A31.*not called other"):
        task = Two()
        task.configure_optimizers = lambda: optimizer_for(task, "SGD")
        fit(Recipe(wf.DropConnect(0.2)), task, network="other")
    task, _ = fit(Recipe(wf.Dropout(0.2)), Two(), network="net")
    same(task, bare(Recipe(wf.Dropout(0.2)))[0])


def test_batches_that_cannot_be_changed_are_refused():
    pairs = DataLoader(list(batches(STEPS)), batch_size=None, collate_fn=tuple)
    with pytest.raises(wf.UsageError, match=r"WF-A32.*tuple.*\[x, y\]"):
        trainer_of(RecipeCallback(Recipe(wf.Mixup(0.4)))).fit(Task(), pairs)


class Aside(Task):
    """Has a forward, as Lightning's own guide does, and steps that go past it."""

    def forward(self, x):
        return self.net(x)


class AsideInTraining(Aside):
    def validation_step(self, batch, batch_idx):
        self.log("val_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))


class AsideInValidation(Aside):
    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self(batch[0]), batch[1])


@pytest.mark.parametrize(
    ("task", "step"), [(Aside, "validation"), (AsideInTraining, "training"), (AsideInValidation, "validation")]
)
def test_a_step_that_goes_past_the_forward_is_told(task, step):
    """The pass that counts the classes for mixup is none of training_step's."""
    with pytest.raises(wf.UsageError, match=rf"WF-A31: {step}_step has not called the forward of Aside.*network='net'"):
        fit(Recipe(wf.Mixup(0.2), wf.EMA(0.5)), task())
    found, _ = fit(Recipe(wf.Mixup(0.2), wf.EMA(0.5)), task(), network="net")
    same(found, bare(Recipe(wf.Mixup(0.2), wf.EMA(0.5)))[0])
