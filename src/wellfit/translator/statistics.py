"""Penalties under other names: glmnet's path, a prior's width, boosted leaves, noise and dropout of a linear model."""

from __future__ import annotations

from wellfit.translator.records import Amount, Form, Setting, Tool
from wellfit.translator.shapes import Apart, Mixed, Odds, Square

_GLMNET = "Friedman, Hastie & Tibshirani, Regularization Paths via Coordinate Descent, J. Stat. Software 33(1), 2010"
_GLMNET_NOTE = "glmnet standardizes the columns unless standardize=FALSE; here both sides see the same columns."
_GLMNET_NUMBERS = {"lambda": Amount(), "alpha": Amount(1.0, high=1.0)}
_WIDTH = Amount(above=True, endless=True)
_MACKAY = "MacKay, Bayesian Interpolation, Neural Computation 4(3), 1992"

_GAUSSIAN = Tool(
    name="glmnet.gaussian",
    objective="sum of squared errors / (2 n) + lambda * ((1 - a) / 2 * sum(w ** 2) + a * sum(|w|)), y over its sd",
    source=_GLMNET,
    call="glmnet(x, y, family = 'gaussian', {})",
    numbers=_GLMNET_NUMBERS,
    form=Form(Mixed("lambda", "alpha", square_over="sd_y", otherwise=1.0), lambda setting: 0.5),
    loss="squared",
    notes=(_GLMNET_NOTE, "It scales y to unit standard deviation within, which reaches the squares only."),
)

_BINOMIAL = Tool(
    name="glmnet.binomial",
    objective="mean log loss + lambda * ((1 - a) / 2 * sum(w ** 2) + a * sum(|w|)), a = alpha",
    source=_GLMNET,
    call="glmnet(x, y, family = 'binomial', {})",
    numbers=_GLMNET_NUMBERS,
    form=Form(Mixed("lambda", "alpha", otherwise=1.0)),
    loss="log",
    notes=(_GLMNET_NOTE,),
)

_XGBOOST = Tool(
    name="xgboost.XGBRegressor",
    objective="sum of squared errors / 2 + reg_lambda / 2 * sum(leaf ** 2) + reg_alpha * sum(|leaf|), in each tree",
    source="Chen & Guestrin, XGBoost, KDD 2016, arXiv 1603.02754",
    call="XGBRegressor({})",
    numbers={"reg_alpha": Amount(0.0), "reg_lambda": Amount(1.0)},
    form=Form(Apart("reg_alpha", "reg_lambda", 0.5), lambda setting: setting["n"] / 2.0),
    loss="squared",
    bias="absent",
    needs=("n",),
    notes=(
        "Its weights are the leaves of a tree and its columns say which leaf a row is in: "
        "leaf = soft(sum of residuals, reg_alpha) / (rows in the leaf + reg_lambda), before the learning rate.",
    ),
    aliases=("xgboost",),
)

_PRIOR = Tool(
    name="prior.Gaussian",
    objective="sum of squared errors / (2 sigma ** 2) + sum(w ** 2) / (2 tau ** 2): prior w ~ N(0, tau ** 2)",
    source=_MACKAY,
    call="prior N(0, tau ** 2), noise N(0, sigma ** 2): {}",
    numbers={"tau": _WIDTH, "sigma": Amount(above=True)},
    form=Form(Square("tau", power=-2.0), lambda setting: setting["n"] / setting["sigma"] ** 2),
    loss="squared",
    needs=("n",),
    notes=("tau and sigma are standard deviations; Ridge has alpha = sigma ** 2 / tau ** 2.",),
)

_LOGISTIC_PRIOR = Tool(
    name="prior.GaussianLogistic",
    objective="sum of log losses + sum(w ** 2) / (2 tau ** 2): prior w ~ N(0, tau ** 2)",
    source=_MACKAY,
    call="prior N(0, tau ** 2): {}",
    numbers={"tau": _WIDTH},
    form=Form(Square("tau", 0.5, power=-2.0), lambda setting: setting["n"]),
    loss="log",
    needs=("n",),
    notes=("tau is a standard deviation; LogisticRegression has C = tau ** 2.",),
)

_NOISE = Tool(
    name="noise.Input",
    objective="expected mean of squared errors under inputs + N(0, std ** 2), of a linear model",
    source="Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7(1), 1995",
    call="wellfit.InputNoise({})",
    numbers={"std": Amount()},
    form=Form(Square("std", power=2.0)),
    loss="squared",
    notes=("Exact for a linear model only; a network's noise is no penalty of its weights.",),
)


def _unit_columns(setting: Setting) -> float:
    return 1.0 / setting["x_rms"] ** 2


_DROPOUT = Tool(
    name="dropout.Linear",
    objective="expected mean of squared errors under inputs that are 0 with chance p and x / (1 - p) otherwise",
    source="Srivastava et al., Dropout, JMLR 15, 2014, section 9.1; Wager et al., NeurIPS 2013, arXiv 1307.1493",
    call="wellfit.where(wellfit.Dropout({}), 'input')",
    numbers={"p": Amount(high=1.0, below=True)},
    form=Form(Odds("p"), _unit_columns),
    loss="squared",
    needs=("x_rms",),
    notes=(
        "Each column is penalized by its own mean square: one strength is exact where the columns have one size. "
        "Exact for a linear model only.",
    ),
)

STATISTICS = (_GAUSSIAN, _BINOMIAL, _XGBOOST, _PRIOR, _LOGISTIC_PRIOR, _NOISE, _DROPOUT)


def leaf_value(residuals: float, rows: float, reg_lambda: float = 1.0, reg_alpha: float = 0.0) -> float:
    """The value of a leaf of XGBoost: soft(residuals, reg_alpha) / (rows + reg_lambda).

    Args:
        residuals: the sum of targets minus predictions over the leaf's rows.
        rows: how many rows the leaf holds, 1 and up.
        reg_lambda, reg_alpha: XGBoost's L2 and L1, 0 and up.

    Example:
        >>> leaf_value(36.0, 8, reg_lambda=2.0)
        3.6
    """
    left = max(abs(residuals) - reg_alpha, 0.0)
    return (left if residuals > 0 else -left) / (rows + reg_lambda)
