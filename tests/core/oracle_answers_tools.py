"""How the translator and the libraries it speaks of answer rows of tests/data/oracles.json."""

from __future__ import annotations

import numpy as np
import torch
from oracle_answers import ROWS, moment, numbers, serves
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import PolynomialFeatures

from wellfit.diagnosis import gap, norms
from wellfit.translator import TOOLS, leaf_value, translate

STEPPED = [
    n for n in ROWS if n.startswith("decay.one_step.") and n.split(".")[-1] not in ("SGD", "Adam", "AdamW", "adamw")
]


def _recipe(tool, row):
    """The weight decay of a tool as parts of a recipe: a penalty where it is coupled, a shrinking where it is not."""
    to = "wellfit.Recipe" if TOOLS[tool].form is not None else "wellfit.WeightDecay"
    words = {"weight_decay": row["weight_decay"]}
    return translate(tool, to, words, lr=row["lr"]).recipe


def _without_decay(name, w, g, rate):
    """One step of torch's optimizer with no weight decay of its own."""
    held = torch.nn.Parameter(w.clone())
    optimizer = getattr(torch.optim, name)([held], lr=rate, weight_decay=0.0)
    held.grad = g
    optimizer.step()
    return held.detach()


@serves(*(f"decay.one_step.torch.{n}" for n in ("NAdam", "RAdam", "RMSprop", "Adagrad", "Adamax", "Adadelta")))
@serves("decay.one_step.torch.NAdam(decoupled)", "decay.one_step.torch.Adafactor", "decay.one_step.torch.Muon(2x2)")
def _torch_step(row):
    """Our parts around an optimizer that does not decay, for the tool that the row is named for."""
    (name,) = [n for n in ROWS if ROWS[n]["inputs"] is row]
    tool = name.removeprefix("decay.one_step.").replace("(2x2)", "")
    w = numbers([[row["w"]] * 2] * 2) if "2x2" in name else numbers([[row["w"]]])
    recipe, rates = _recipe(tool, row), moment(row["lr"])
    pulled = recipe.penalty_gradient({"w": w}, rates)
    g = torch.full_like(w, row["grad"]) + pulled.get("w", torch.zeros_like(w))
    later = _without_decay(
        tool.removeprefix("torch.").replace("(decoupled)", ""), recipe.shrink({"w": w}, rates)["w"], g, row["lr"]
    )
    assert later.std(correction=0) == 0
    return later[0, 0]


@serves("decay.one_step.optax.lion")
def _lion_step(row):
    """Lion steps by a sign, and that of no gradient is 0: what is left is the decay."""
    assert row["grad"] == 0
    return _recipe("optax.lion", row).shrink({"w": numbers([[row["w"]]])}, moment(row["lr"]))["w"][0, 0]


CONVERSIONS = {
    "convert.ridge": ("sklearn.Ridge", ("alpha",)),
    "convert.lasso": ("sklearn.Lasso", ("alpha",)),
    "convert.elasticnet": ("sklearn.ElasticNet", ("alpha", "l1_ratio")),
    "convert.logreg_l2": ("sklearn.LogisticRegression", ("C",)),
    "convert.logreg_l1": ("sklearn.LogisticRegression", ("C",)),
    "convert.logreg_en": ("sklearn.LogisticRegression", ("C", "l1_ratio")),
    "convert.sgdclassifier": ("sklearn.SGDClassifier", ("alpha",)),
    "convert.sgdregressor": ("sklearn.SGDRegressor", ("alpha",)),
    "convert.mlpregressor_fullbatch": ("sklearn.MLPRegressor", ("alpha",)),
    "convert.mlpclassifier_fullbatch": ("sklearn.MLPClassifier", ("alpha",)),
    "convert.linearsvc": ("sklearn.LinearSVC", ("C",)),
    "convert.torch_sgd_weight_decay": ("torch.SGD", ("weight_decay",)),
    "convert.keras_regularizer": ("keras.L1L2", ("l1", "l2")),
    "convert.glmnet_gaussian_lasso": ("glmnet.gaussian", ("alpha", "lambda")),
    "convert.glmnet_gaussian_ridge": ("glmnet.gaussian", ("alpha", "lambda")),
    "convert.glmnet_binomial_ridge": ("glmnet.binomial", ("alpha", "lambda")),
    "convert.glmnet_binomial_lasso": ("glmnet.binomial", ("alpha", "lambda")),
}
"""The tool of each row, and which of its parameters the row tells."""


@serves(*CONVERSIONS)
def _conversion(row):
    (name,) = [n for n in CONVERSIONS if ROWS[n]["inputs"] is row]
    tool, told = CONVERSIONS[name]
    given = {part: row[part] for part in ("L1", "L2") if part in row}
    found = translate("canonical", tool, given, n=row.get("n"), sd_y=row.get("sd_y")).values
    return {("lambda_" if key == "lambda" else key): found[key] for key in told}


@serves("convert.xgb_leaf", "convert.xgb_leaf_l1")
def _leaf(row):
    return leaf_value(sum(row["y"]), len(row["y"]), reg_lambda=row["reg_lambda"], reg_alpha=row["reg_alpha"])


def polynomial_data():
    """The demonstration of overfitting of the fourth source: 30 points of a cubic with noise."""
    noise = np.random.RandomState(42).randn(30) * 2
    x = np.linspace(0, 1, 30)[:, None]
    return x, 20 * x[:, 0] ** 3 - 15 * x[:, 0] ** 2 + 10 * x[:, 0] + 5 + noise


@serves("seed004.first_y")
def _first_points(row):
    assert row["seed"] == 42
    return polynomial_data()[1][:3]


MODELS = {
    "LinearRegression()": LinearRegression(),
    "Ridge(alpha=.5)": Ridge(alpha=0.5),
    "Lasso(alpha=.1)": Lasso(alpha=0.1),
    "ElasticNet(alpha=.1,l1_ratio=.4)": ElasticNet(alpha=0.1, l1_ratio=0.4),
    "ElasticNet(alpha=.01,l1_ratio=.4)": ElasticNet(alpha=0.01, l1_ratio=0.4),
}


@serves(*(f"seed004.table.{n}" for n in ("none", "ridge", "lasso", "enet_as_coded", "enet_published")))
def linear_model_scores(row):
    """Mean squared errors of a model on the 24 training and the 6 test points."""
    x, y = polynomial_data()
    x, x_test, y, y_test = train_test_split(PolynomialFeatures(8).fit_transform(x), y, test_size=0.2, random_state=42)
    model = MODELS[row["model"]].fit(x, y)
    return {
        "train_mse": mean_squared_error(y, model.predict(x)),
        "test_mse": mean_squared_error(y_test, model.predict(x_test)),
    }


@serves("metrics.norms")
def weight_norms(row):
    return norms(row["w"])


@serves("metrics.gap", "metrics.gap_zero_train", "metrics.gap_negative_losses")
def loss_gap(row):
    return gap(row["train"], row["val"])
