"""The Lightning callback: a fit by the Trainer is the bare loop with the recipe attached, in float64."""

from __future__ import annotations

import logging
import warnings

import pytest
import torch
from loops import Net, batches, held_out, make, values
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

import wellfit as wf
from wellfit import Recipe

pl = pytest.importorskip("lightning.pytorch")
from lightning_world import SEED, STEPS, Task, bare, fit, loader, same, trainer_of, valid  # noqa: E402

from wellfit.lightning import RecipeCallback  # noqa: E402


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        yield


MANY = Recipe(
    wf.Dropout(0.2), wf.Mixup(0.4), wf.InputNoise(0.1), wf.WeightDecay(0.1), wf.MaxNorm(1.5), wf.EMA(0.9),
    wf.L1(1e-3), wf.ClipNorm(0.5), wf.LabelSmoothing(0.05), wf.WarmUp(1.0, 0.1),
)  # fmt: skip
RECIPES = {
    "penalties": Recipe(wf.L2(1e-2), wf.L1(1e-3)),
    "clip": Recipe(wf.ClipNorm(0.1), wf.L2(1e-2)),
    "max norm, average": Recipe(wf.MaxNorm(0.8), wf.EMA(0.9)),
    "mixing": Recipe(wf.Mixup(0.4), wf.LabelSmoothing(0.1)),
    "noise": Recipe(wf.InputNoise(0.2), wf.Dropout(0.3)),
    "weights of a pass": Recipe(wf.DropConnect(0.2)),
    "tensors of its own": Recipe(wf.VariationalDropout(0.25, 1e-2)),
    "many": MANY,
}


@pytest.mark.parametrize("case", RECIPES)
def test_a_fit_is_the_bare_loop(case):
    model, losses, run = bare(RECIPES[case])
    task, callback = fit(RECIPES[case])
    same(task, model)
    assert_close(task.seen[-len(losses) :], losses, rtol=0, atol=1e-10)
    assert (callback.run.best_epoch, callback.run.step) == (run.best_epoch, run.step)


@pytest.mark.parametrize("case", ["many", "noise"])
def test_manual_optimization_is_the_bare_loop(case):
    model, _, _ = bare(RECIPES[case], "Adam")
    task, _ = fit(RECIPES[case], Task("Adam", manual=True), epoch_steps=STEPS)
    same(task, model)


@pytest.mark.parametrize("case", ["many", "noise", "weights of a pass", "clip"])
def test_accumulated_gradients_are_those_of_the_bare_loop(case):
    """Every microbatch has draws of its own, also the last, whose pass the Trainer makes inside of the step."""
    model, _, run = bare(RECIPES[case], accumulate=2)
    task, callback = fit(RECIPES[case], trainer={"accumulate_grad_batches": 2})
    same(task, model)
    assert callback.run.step == run.step == 3 * STEPS // 2


@pytest.mark.parametrize("recipe", [Recipe(wf.SAM(0.1)), Recipe(wf.SAM(0.1), wf.Dropout(0.3), wf.ClipNorm(0.3))])
def test_sam_takes_the_gradient_twice(recipe):
    same(fit(recipe)[0], bare(recipe, closure=True)[0])


def test_what_acts_on_the_loss_goes_through_training_step():
    recipe = Recipe(wf.RDrop(1.0), wf.Dropout(0.3), wf.ConfidencePenalty(0.1))
    task, _ = fit(recipe, Task(by_wellfit=True), own_loss=True)
    same(task, bare(recipe)[0])
    alone = Task(by_wellfit=True)
    trainer_of([], 1).fit(alone, loader(), valid())  # without a callback, the criterion itself
    same(alone, bare(Recipe(), epochs=1)[0])


def test_the_stop_is_that_of_the_bare_loop_and_leaves_the_best_weights():
    recipe = Recipe(wf.EarlyStopping(patience=2.0, min_delta=0.0), wf.Dropout(0.2), wf.EMA(0.8))
    model, losses, run = bare(recipe, "Adam", epochs=40)
    assert run.stopped and run.best_epoch < len(losses) < 40
    task, callback = fit(recipe, Task("Adam"), epochs=40)
    same(task, model)
    assert callback.run.stopped and callback.run.best_epoch == run.best_epoch
    x, y = held_out()
    assert_close(nn.functional.cross_entropy(task.net.eval()(x), y).item(), min(losses), rtol=0, atol=1e-10)


@pytest.mark.parametrize("case", ["many", "tensors of its own"])
def test_a_checkpoint_goes_on_exactly(case, tmp_path):
    recipe = Recipe(*RECIPES[case], wf.EarlyStopping(patience=30.0))
    whole, _ = fit(recipe, Task("Adam"), epochs=4)
    keep = pl.callbacks.ModelCheckpoint(tmp_path, save_last=True, save_top_k=0)
    callbacks = [RecipeCallback(recipe, seed=SEED), keep]
    trainer_of(callbacks, 2, enable_checkpointing=True).fit(Task("Adam"), loader(), valid())
    again, callback = Task("Adam"), RecipeCallback(recipe, seed=SEED)
    path = next(tmp_path.glob("last*.ckpt"))
    trainer_of(callback, 4).fit(again, loader(), valid(), ckpt_path=path, weights_only=True)
    for name, wanted in values(whole.net).items():
        assert_close(values(again.net)[name], wanted, rtol=0, atol=1e-12, msg=name)
    assert callback.run.step == 4 * STEPS


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    path = tmp_path / "kept.ckpt"
    trainer = trainer_of(RecipeCallback(Recipe(wf.L2(1e-2))), 1)
    trainer.fit(Task(), loader(), valid())
    trainer.save_checkpoint(path)
    with pytest.raises(wf.UsageError, match=r"WF-A33.*another recipe"):
        trainer_of(RecipeCallback(Recipe(wf.L2(2e-2))), 2).fit(Task(), loader(), valid(), ckpt_path=path)


def test_mixed_bfloat16_trains_and_keeps_its_bounds():
    recipe = Recipe(wf.Dropout(0.2), wf.MaxNorm(0.5), wf.Mixup(0.4), wf.EMA(0.9))
    task = Task()
    task.net.float()
    rows = [(x.float(), y) for x, y in batches(STEPS)]
    callback = RecipeCallback(recipe, seed=SEED)
    trainer_of(callback, 2, precision="bf16-mixed").fit(task, rows_of(rows))
    assert callback.run.step == 2 * STEPS
    assert task.net.head.weight.dtype == torch.float32 and torch.isfinite(task.net.head.weight).all()
    longest = float(values(task.net)["head.weight"].norm(dim=1).max())
    assert longest < float(values(make(Net))["head.weight"].norm(dim=1).max())


def rows_of(rows):
    data = TensorDataset(torch.cat([x for x, _ in rows]), torch.cat([y for _, y in rows]))
    return DataLoader(data, batch_size=len(rows[0][0]))


def test_every_hook_is_gone_after_fit_and_after_an_error():
    class Broken(Task):
        def training_step(self, batch, batch_idx):
            if self.global_step == 2:
                raise KeyError("mine")
            return super().training_step(batch, batch_idx)

    for task, wrong in ((Task(), None), (Broken(), KeyError)):
        if wrong is None:
            fit(MANY, task)
        else:
            with pytest.raises(wrong):
                fit(MANY, task)
        for module in task.modules():
            assert not module._forward_hooks and not module._forward_pre_hooks
    fit(MANY, task := Task())
    fit(MANY, task)  # the same module can be fitted again
