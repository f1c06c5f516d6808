"""Logistic regression: which solver can do which penalty, what each comes to, and which pairs are refused.

lbfgs, newton and sag need a smooth penalty: L2 or none. liblinear does L1 and L2, and always penalizes something. saga
does all of them, and alone does the elastic net. C is not 1 / lambda: of n rows, with a strength per unit of w ** 2 on
the mean loss, C = 1 / (2 n L2); of |w| it is 1 / (n L1). Without a penalty the classes can be told apart without error
here, so that weights grow for as long as a solver goes on: that is why those rows differ. liblinear penalizes the
intercept, too.
"""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from wellfit import UsageError, translate

SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "liblinear", "saga")
PENALTIES = {  # canonical strengths on the mean loss
    "none": {},
    "L2": {"L2": 0.01},
    "L1": {"L1": 0.02},
    "elastic net": {"L1": 0.01, "L2": 0.005},
}


def rows():
    x, y = load_breast_cancer(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, train_size=200, random_state=0)
    scale = StandardScaler().fit(x)
    return scale.transform(x), scale.transform(x_test), y, y_test


def model(penalty, solver, n):
    """The model that scikit-learn has for a penalty and a solver; UsageError where it has none."""
    facts = {"tol": 1e-6, "max_iter": 3000, "random_state": 0, "solver": solver}
    if penalty == "none":
        if solver == "liblinear":
            raise UsageError("liblinear always penalizes: it has no way to leave the penalty out.")
        return LogisticRegression(C=np.inf, **facts)
    words = translate("canonical", f"sklearn.LogisticRegression solver={solver}", PENALTIES[penalty], n=n).values
    return LogisticRegression(C=words["C"], l1_ratio=words["l1_ratio"], **facts)


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    x, x_test, y, y_test = rows()
    for penalty in PENALTIES:
        for solver in SOLVERS:
            try:
                fitted = model(penalty, solver, len(x)).fit(x, y)
            except UsageError as error:
                print(f"{penalty:12}{solver:17}refused: {error.message}")
                continue
            loss, zeros = log_loss(y_test, fitted.predict_proba(x_test)), int((fitted.coef_ == 0).sum())
            told = f"C {fitted.C:.3g}, test loss {loss:.4f}, sum of |w| {np.abs(fitted.coef_).sum():.3f}"
            print(f"{penalty:12}{solver:17}{told}, {zeros} of {x.shape[1]} weights 0")


if __name__ == "__main__":
    main()
