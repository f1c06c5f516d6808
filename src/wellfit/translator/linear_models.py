"""scikit-learn's estimators: what each minimizes, as its user guide states it."""

from __future__ import annotations

from wellfit.translator.records import Amount, By, Form, Setting, Tool
from wellfit.translator.shapes import Absolute, Mixed, Square

_GUIDE = "scikit-learn user guide"
_ONE, _SMALL = Amount(1.0), Amount(1e-4)
_C = Amount(1.0, above=True, endless=True)
_SHARE = Amount(0.5, high=1.0)
_LINEAR = f"{_GUIDE} 1.1, Linear models"
_ANY = frozenset({"l1", "l2", "elasticnet"})
_PENALTIES = ("l2", "l1", "elasticnet")


def _rows(setting: Setting) -> float:
    return setting["n"]


def rows_in_step(setting: Setting) -> float:
    """How many rows an MLP of scikit-learn averages over: all under lbfgs, else its batch, at most n."""
    if setting.word("solver") == "lbfgs":
        return setting["n"]
    # batch_size="auto" is min(200, n)
    return min(setting.get("batch", 200.0), setting["n"])


def _logistic(name: str, solvers: dict[str, frozenset[str]], bias: str) -> Tool:
    return Tool(
        name=name,
        objective="C * sum of log losses + r * sum(|w|) + (1 - r) / 2 * sum(w ** 2), r = l1_ratio",
        source=f"{_LINEAR}, 1.1.11 Logistic regression",
        call="LogisticRegression({})",
        numbers={"C": _C, "l1_ratio": Amount(0.0, high=1.0)},
        choices={"penalty": ("", *_PENALTIES), "solver": tuple(solvers)},
        form=Form(Mixed("C", "l1_ratio", inverse=True, penalty="penalty", otherwise=0.0), _rows),
        loss="log",
        bias=bias,
        bias_out="choose another solver, or a large intercept_scaling" if bias == "pulled" else "",
        needs=("n",),
        limits={"solver": solvers},
        variants={"solver=liblinear": "sklearn.LogisticRegression(liblinear)"} if bias == "free" else {},
        as_target=("Before scikit-learn 1.8 an l1_ratio above 0 needs penalty='l1' or 'elasticnet' beside it.",),
    )


_L2_ONLY, _NO_MIX = frozenset({"l2"}), frozenset({"l1", "l2"})

_LOGISTIC = _logistic(
    "sklearn.LogisticRegression",
    {
        "lbfgs": _L2_ONLY, "saga": _ANY, "newton-cg": _L2_ONLY, "newton-cholesky": _L2_ONLY, "sag": _L2_ONLY,
    },
    "free",
)  # fmt: skip
_LIBLINEAR = _logistic("sklearn.LogisticRegression(liblinear)", {"liblinear": _NO_MIX}, "pulled")

_RIDGE = Tool(
    name="sklearn.Ridge",
    objective="sum of squared errors + alpha * sum(w ** 2)",
    source=f"{_LINEAR}, 1.1.2 Ridge regression",
    call="Ridge({})",
    numbers={"alpha": _ONE},
    form=Form(Square("alpha"), _rows),
    loss="squared",
    needs=("n",),
)

_LASSO = Tool(
    name="sklearn.Lasso",
    objective="sum of squared errors / (2 n) + alpha * sum(|w|)",
    source=f"{_LINEAR}, 1.1.3 Lasso",
    call="Lasso({})",
    numbers={"alpha": _ONE},
    form=Form(Absolute("alpha"), lambda setting: 0.5),
    loss="squared",
)

_ELASTIC_NET = Tool(
    name="sklearn.ElasticNet",
    objective="sum of squared errors / (2 n) + alpha * (r * sum(|w|) + (1 - r) / 2 * sum(w ** 2)), r = l1_ratio",
    source=f"{_LINEAR}, 1.1.5 Elastic-Net",
    call="ElasticNet({})",
    numbers={"alpha": _ONE, "l1_ratio": _SHARE},
    form=Form(Mixed("alpha", "l1_ratio"), lambda setting: 0.5),
    loss="squared",
)

_LINEAR_SVC = Tool(
    name="sklearn.LinearSVC",
    objective="C * sum of squared hinge losses (loss='hinge': of hinge losses) + sum(w ** 2) / 2, the bias among w",
    source=f"{_GUIDE} 1.4, Support vector machines; Fan et al., LIBLINEAR, JMLR 9, 2008",
    call="LinearSVC({})",
    numbers={"C": _C},
    choices={"loss": ("squared_hinge", "hinge")},
    form=Form(Square("C", 0.5, power=-1.0), _rows),
    loss=By("loss", {"squared_hinge": "squared_hinge", "hinge": "hinge"}),
    bias="pulled",
    bias_out="a large intercept_scaling frees it nearly",
    needs=("n",),
)

_SGD_CLASSIFIER = Tool(
    name="sklearn.SGDClassifier",
    objective="mean loss + alpha * (r * sum(|w|) + (1 - r) / 2 * sum(w ** 2)), r = 0 for l2, 1 for l1, else l1_ratio",
    source=f"{_GUIDE} 1.5, Stochastic gradient descent",
    call="SGDClassifier({})",
    numbers={"alpha": _SMALL, "l1_ratio": Amount(0.15, high=1.0)},
    choices={"loss": ("hinge", "log_loss", "squared_hinge"), "penalty": _PENALTIES},
    form=Form(Mixed("alpha", "l1_ratio", penalty="penalty")),
    loss=By("loss", {"hinge": "hinge", "log_loss": "log", "squared_hinge": "squared_hinge"}),
)

_SGD_REGRESSOR = Tool(
    name="sklearn.SGDRegressor",
    objective="mean of squared errors / 2 + alpha * (r * sum(|w|) + (1 - r) / 2 * sum(w ** 2)), r as in SGDClassifier",
    source=f"{_GUIDE} 1.5, Stochastic gradient descent",
    call="SGDRegressor({})",
    numbers={"alpha": _SMALL, "l1_ratio": Amount(0.15, high=1.0)},
    choices={"penalty": _PENALTIES},
    form=Form(Mixed("alpha", "l1_ratio", penalty="penalty"), lambda setting: 0.5),
    loss="squared",
)

_STEP_NOTE = "alpha is divided by the rows of one step: n under lbfgs, else --batch, or min(200, n) without it."

_MLP_REGRESSOR = Tool(
    name="sklearn.MLPRegressor",
    objective="mean of squared errors / 2 + alpha / (2 rows) * sum(w ** 2), rows: of one step",
    source=f"{_GUIDE} 1.17, Neural network models (supervised)",
    call="MLPRegressor({})",
    numbers={"alpha": _SMALL},
    choices={"solver": ("adam", "sgd", "lbfgs")},
    form=Form(Square("alpha", 0.5), lambda setting: 0.5 * rows_in_step(setting)),
    loss="squared",
    needs=("n",),
    as_target=(_STEP_NOTE, "With several targets its squared error is also averaged over them."),
)

_MLP_CLASSIFIER = Tool(
    name="sklearn.MLPClassifier",
    objective="mean cross-entropy + alpha / (2 rows) * sum(w ** 2), rows: of one step",
    source=f"{_GUIDE} 1.17, Neural network models (supervised)",
    call="MLPClassifier({})",
    numbers={"alpha": _SMALL},
    choices={"solver": ("adam", "sgd", "lbfgs")},
    form=Form(Square("alpha", 0.5), rows_in_step),
    loss="log",
    needs=("n",),
    as_target=(_STEP_NOTE,),
)

LINEAR_MODELS = (
    _RIDGE, _LASSO, _ELASTIC_NET, _LOGISTIC, _LIBLINEAR, _LINEAR_SVC, _SGD_CLASSIFIER, _SGD_REGRESSOR, _MLP_REGRESSOR,
    _MLP_CLASSIFIER,
)  # fmt: skip
