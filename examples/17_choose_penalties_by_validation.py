"""How strong a penalty should be: RidgeCV, LassoCV, ElasticNetCV, GridSearchCV and RandomizedSearchCV choose.

Inputs are standardized inside the pipeline, so that each fold is scaled by its own training rows and a penalty treats
all columns alike. What was found is translated into wellfit's words: the same problem, the same weights.
"""

import warnings

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, ElasticNetCV, LassoCV, LinearRegression, Ridge, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wellfit import translate

FOLDS = KFold(5, shuffle=True, random_state=0)
ALPHAS = np.logspace(-3, 3, 13)


def rows():
    """The diabetes data with twenty columns of noise beside its ten: 200 rows to train on, 242 to test."""
    x, y = load_diabetes(return_X_y=True)
    noise = np.random.default_rng(0).standard_normal((len(x), 20))
    return train_test_split(np.hstack([x, noise]), y, train_size=200, random_state=0)


def searches():
    """Each way to choose a strength, by name; all of them judge by the same folds."""
    ridge, net = make_pipeline(StandardScaler(), Ridge()), make_pipeline(StandardScaler(), ElasticNet())
    scoring = {"cv": FOLDS, "scoring": "neg_mean_squared_error"}
    drawn = {"elasticnet__alpha": loguniform(1e-3, 1e3), "elasticnet__l1_ratio": uniform(0.05, 0.95)}
    return {
        "RidgeCV": make_pipeline(StandardScaler(), RidgeCV(ALPHAS, **scoring)),
        "LassoCV": make_pipeline(StandardScaler(), LassoCV(cv=FOLDS)),
        "ElasticNetCV": make_pipeline(StandardScaler(), ElasticNetCV(l1_ratio=[0.2, 0.5, 0.8, 1.0], cv=FOLDS)),
        "GridSearchCV": GridSearchCV(ridge, {"ridge__alpha": ALPHAS}, **scoring),
        "RandomizedSearchCV": RandomizedSearchCV(net, drawn, n_iter=30, random_state=0, **scoring),
    }


def words(model):
    """What was chosen, as scikit-learn says it: the name of the model, and its parameters."""
    chosen = getattr(model, "best_estimator_", model)[-1]
    name = type(chosen).__name__.removesuffix("CV")
    ratio = getattr(chosen, "l1_ratio_", getattr(chosen, "l1_ratio", None))
    found = {"alpha": float(getattr(chosen, "alpha_", getattr(chosen, "alpha", None)))}
    return name, chosen, found if name != "ElasticNet" else {**found, "l1_ratio": float(ratio)}


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    x, x_test, y, y_test = rows()
    plain = r2_score(y_test, LinearRegression().fit(x, y).predict(x_test))
    print(f"{'no penalty':19}{'':42}{plain:8.3f} on test rows")
    for name, search in searches().items():
        search.fit(x, y)
        tool, chosen, found = words(search)
        told = f"{tool} {', '.join(f'{k} {v:.4g}' for k, v in found.items())}"
        right = r2_score(y_test, search.predict(x_test))
        recipe = translate(f"sklearn.{tool}", "wellfit.Recipe", found, n=len(x)).recipe
        print(f"{name:19}{told:42}{right:8.3f}, {int((chosen.coef_ == 0).sum()):2} weights at 0; {recipe}")


if __name__ == "__main__":
    main()
