"""A recipe in Hugging Face's Trainer: one callback. A small transformer reads each tumor as ten words.

The model is made from a configuration, with weights drawn at random: nothing is downloaded. Its own dropout is off, and
the recipe's acts behind its activations instead.
"""

import tempfile

import numpy as np
import torch
import transformers
from sklearn.datasets import load_breast_cancer

from wellfit import EMA, ClipNorm, Dropout, EarlyStopping, Recipe, WarmUp, WeightDecay
from wellfit.huggingface import RecipeCallback

RECIPE = Recipe(Dropout(0.1), WeightDecay(0.5), ClipNorm(1.0), EMA(0.95), WarmUp(1.0), EarlyStopping(8))
MEASURES, LEVELS = 10, 8
"""A word says which measure it is of, and in which eighth of the training rows it lies."""


def tumors():
    """150 tumors to train on, of which every fifth has a wrong label; 150 to stop by, 269 to judge by."""
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order][:, :MEASURES], y[order]
    y[:150:5] = 1 - y[:150:5]
    cuts = np.quantile(x[:150], np.linspace(0, 1, LEVELS + 1)[1:-1], axis=0)  # (cuts, measures)
    words = (x[:, None] > cuts[None]).sum(1) + LEVELS * np.arange(MEASURES)
    rows = [{"input_ids": torch.tensor(w), "labels": torch.tensor(c)} for w, c in zip(words, y, strict=True)]
    return rows[:150], rows[150:300], rows[300:]


def model():
    config = transformers.BertConfig(
        vocab_size=MEASURES * LEVELS, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        num_labels=2, max_position_embeddings=MEASURES, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        initializer_range=0.1,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config)


def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}


def train(recipe, folder):
    transformers.set_seed(0)
    train_rows, valid_rows, test_rows = tumors()
    arguments = transformers.TrainingArguments(
        folder, num_train_epochs=25, per_device_train_batch_size=25, per_device_eval_batch_size=300, learning_rate=3e-3,
        lr_scheduler_type="constant", eval_strategy="epoch", save_strategy="no", max_grad_norm=0.0, use_cpu=True,
        report_to=[], disable_tqdm=True, logging_strategy="no", log_level="error",
    )  # fmt: skip
    callback = RecipeCallback(recipe, after=["*intermediate_act_fn"])  # <- the recipe
    trainer = transformers.Trainer(
        model(), arguments, train_dataset=train_rows, eval_dataset=valid_rows, compute_metrics=accuracy,
        callbacks=[callback],
    )  # fmt: skip
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    run = callback.run
    print(f"{run.epoch} epochs, best was {run.best_epoch}: validation loss {run.best_loss:.3f}")
    return trainer.evaluate(test_rows)["eval_accuracy"]  # the model holds the weights of its best epoch


def main():
    for name, recipe in (("without", Recipe()), ("with", RECIPE)):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name:8} accuracy on tumors held out {train(recipe, folder):.3f}\n")


if __name__ == "__main__":
    main()
