"""The Hugging Face callback: a training by the Trainer is the bare loop with the recipe attached, in float64."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

import wellfit as wf
from wellfit import Recipe, where

transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")
from wellfit.huggingface import RecipeCallback  # noqa: E402

ROWS, SIZE, LENGTH, SEED, RATE = 32, 8, 6, 7, 0.02
STEPS = ROWS // SIZE


def _model():
    config = transformers.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=3,
        max_position_embeddings=LENGTH, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return transformers.BertForSequenceClassification(config).double()


def _rows(count, seed):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(20, (count, LENGTH), generator=generator)
    return [{"input_ids": row, "labels": row.sum() % 3} for row in ids]


def _batches(rows, size=SIZE):
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        yield {name: torch.stack([row[name] for row in part]) for name in part[0]}


class InOrder(transformers.Trainer):
    def _get_train_sampler(self, *args, **kwargs):
        return torch.utils.data.SequentialSampler(self.train_dataset)


def _arguments(folder, epochs=3, **options):
    options = {"eval_strategy": "epoch", "save_strategy": "no", "max_grad_norm": 0.0, **options}
    return transformers.TrainingArguments(
        str(folder), num_train_epochs=epochs, per_device_train_batch_size=SIZE, per_device_eval_batch_size=ROWS,
        learning_rate=RATE, lr_scheduler_type="constant", use_cpu=True, report_to=[], disable_tqdm=True,
        logging_strategy="no", **options,
    )  # fmt: skip


def _train(recipe, folder, epochs=3, *, callback=None, resume=None, model=None, **options):
    model, callback = model or _model(), callback or RecipeCallback(recipe, seed=SEED)
    trainer = InOrder(
        model=model, args=_arguments(folder, epochs, **options), train_dataset=_rows(ROWS, 0),
        eval_dataset=_rows(ROWS, 1), callbacks=[callback],
        optimizers=(torch.optim.Adam(model.parameters(), RATE), None),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=resume)
    return model, callback


def _bare(recipe, epochs=3, accumulate=1):
    model, losses = _model(), []
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    with recipe.attach(model, optimizer, seed=SEED, epoch_steps=STEPS // accumulate) as run:
        for _ in range(epochs):
            model.train()
            for number, batch in enumerate(_batches(_rows(ROWS, 0))):
                model(**batch).loss.backward()  # the Trainer adds up the losses of models with **kwargs
                if (number + 1) % accumulate == 0:
                    optimizer.step()
                    optimizer.zero_grad()
            model.eval()
            with torch.no_grad():
                losses.append(model(**next(_batches(_rows(ROWS, 1), ROWS))).loss.item())
            if run.epoch_end(val_loss=losses[-1]):
                break
    return model, losses, run


def _same(model, peer, atol=1e-10):
    for (name, a), (_, b) in zip(model.named_parameters(), peer.named_parameters(), strict=True):
        assert_close(a, b, rtol=0, atol=atol, msg=name)
    assert not torch.equal(model.classifier.weight, _model().classifier.weight)


MANY = Recipe(
    wf.Dropout(0.2), wf.WeightDecay(0.1), wf.MaxNorm(1.0), wf.EMA(0.9), wf.L1(1e-3), wf.ClipNorm(0.5),
    wf.WarmUp(1.0, 0.1),
)  # fmt: skip
RECIPES = {
    "many": MANY,
    "noise in embeddings": Recipe(wf.NEFTune(5.0)),
    "weights of a pass": Recipe(wf.DropConnect(0.2)),
    "frozen below": Recipe(where(wf.Freeze(), "bert.embeddings*")),
}


@pytest.mark.parametrize("case", RECIPES)
def test_a_training_is_the_bare_loop(case, tmp_path):
    peer, losses, run = _bare(RECIPES[case])
    model, callback = _train(RECIPES[case], tmp_path)
    _same(model, peer)
    assert (callback.run.best_epoch, callback.run.step) == (run.best_epoch, run.step)
    assert_close(callback.run.best_loss, min(losses), rtol=0, atol=1e-6)  # the Trainer gathers losses in float32


def test_accumulated_gradients_are_those_of_the_bare_loop(tmp_path):
    model, callback = _train(MANY, tmp_path, gradient_accumulation_steps=2)
    _same(model, _bare(MANY, accumulate=2)[0])
    assert callback.run.step == 3 * STEPS // 2


def test_the_stop_is_that_of_the_bare_loop_and_leaves_the_best_weights(tmp_path):
    recipe = Recipe(wf.EarlyStopping(patience=2.0), wf.Dropout(0.1))
    peer, losses, run = _bare(recipe, 30)
    model, callback = _train(recipe, tmp_path, 30)
    assert run.stopped and len(losses) < 30 and callback.run.epoch == len(losses)
    _same(model, peer)


def test_a_checkpoint_goes_on_exactly(tmp_path):
    whole, _ = _train(MANY, tmp_path / "whole", 4)
    halfway = transformers.TrainerCallback()
    halfway.on_epoch_end = lambda args, state, control, **given: setattr(
        control, "should_training_stop", state.epoch >= 2.0
    )
    callback = RecipeCallback(MANY, seed=SEED)
    model = _model()
    trainer = InOrder(
        model=model, args=_arguments(tmp_path / "half", 4, save_strategy="epoch"), train_dataset=_rows(ROWS, 0),
        eval_dataset=_rows(ROWS, 1), callbacks=[callback, halfway],
        optimizers=(torch.optim.Adam(model.parameters(), RATE), None),
    )  # fmt: skip
    trainer.train()
    kept = tmp_path / "half" / f"checkpoint-{2 * STEPS}"
    assert callback.run.step == 2 * STEPS and (kept / "wellfit_recipe.safetensors").is_file()
    model, callback = _train(MANY, tmp_path / "half", 4, resume=str(kept))
    assert callback.run.step == 4 * STEPS
    _same(model, whole)
    (kept / "wellfit_recipe.safetensors").unlink()
    with pytest.raises(wf.UsageError, match=r"WF-A34.*wellfit_recipe\.safetensors"):
        _train(MANY, tmp_path / "half", 4, resume=str(kept))


def test_no_hook_is_left(tmp_path):
    model, _ = _train(MANY, tmp_path, 1)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe(wf.Mixup(0.4)), "Mixup.*recipe.attach"),
        (Recipe(wf.LabelSmoothing(0.1)), "LabelSmoothing.*label_smoothing_factor"),
        (Recipe(wf.RDrop(1.0), wf.Dropout(0.1)), "RDrop.*recipe.attach"),
        (Recipe(wf.BatchNorm()), "BatchNorm.*rewritten=True"),
        (Recipe(wf.SMOTE()), "SMOTE.*data set"),
        (Recipe(wf.L0(1e-2)), "L0.*recipe.attach"),
    ],
)
def test_what_a_callback_cannot_do_is_refused_at_construction(recipe, words):
    with pytest.raises(wf.RecipeError, match=f"WF-A30.*{words}"):
        RecipeCallback(recipe)


@pytest.mark.parametrize(
    ("recipe", "options", "words"),
    [
        (Recipe(wf.SAM(0.1)), {}, "SAM.*recipe.attach"),
        (Recipe(wf.ClipNorm(1.0)), {"max_grad_norm": 1.0}, "ClipNorm.*max_grad_norm=0"),
        (Recipe(wf.EarlyStopping()), {"eval_strategy": "no"}, "WF-A16.*eval_strategy='epoch'"),
        (Recipe(), {"load_best_model_at_end": True, "save_strategy": "epoch"}, "WF-A31.*load_best_model_at_end"),
    ],
)
def test_what_the_arguments_stand_against_is_refused_by_name(recipe, options, words, tmp_path):
    with pytest.raises(wf.WellfitError, match=words):
        _train(recipe, tmp_path, **options)
