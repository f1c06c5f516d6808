"""A network as a scikit-learn estimator: in a pipeline with columns of both kinds, and in a grid over recipes.

The default is a fixed recipe and a fixed number of epochs. ``budget="60s"`` would search instead, as ``wellfit.fit``
does; here the grid does the comparing, and half of the rows are seen by nobody before the end.
"""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from wellfit import BatchNorm, Dropout, LabelSmoothing, Recipe, WeightDecay
from wellfit.sklearn import WellfitClassifier

RECIPES = [
    Recipe(WeightDecay(1.0)),
    Recipe(WeightDecay(1.0), Dropout(0.3)),
    Recipe(BatchNorm(), LabelSmoothing(0.05)),
]


def table():
    """Tumors, of which a quarter of the training labels is wrong; one column is made words."""
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    x["size"] = pd.qcut(x.pop("mean area"), 3, labels=["small", "middle", "large"]).astype(str)
    x, held_x, y, held_y = train_test_split(x, y, test_size=0.5, random_state=0, stratify=y)
    y = y.to_numpy().copy()
    wrong = np.random.default_rng(0).choice(len(y), len(y) // 4, replace=False)
    y[wrong] = 1 - y[wrong]
    return x, y, held_x, held_y


def main():
    x, y, held_x, held_y = table()
    columns = make_column_transformer((OneHotEncoder(), ["size"]), remainder=StandardScaler())
    network = WellfitClassifier(epochs=100, width=32, random_state=0)
    pipe = make_pipeline(columns, network)
    grid = [
        {"wellfitclassifier__recipe": RECIPES},
        # knobs of the recipe's parts are parameters too
        {"wellfitclassifier__recipe": RECIPES[:1], "wellfitclassifier__recipe__WeightDecay__strength": [0.1, 3.0]},
    ]
    found = GridSearchCV(pipe, grid, cv=3, scoring="neg_log_loss").fit(x, y)
    for recipe, loss in zip(found.cv_results_["params"], -found.cv_results_["mean_test_score"], strict=True):
        told = {name.removeprefix("wellfitclassifier__"): value for name, value in recipe.items()}
        print(f"{loss:.3f}  {told}")
    logistic = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(x, y)
    print("chosen:", found.best_estimator_[-1].recipe_, f"after {found.best_estimator_[-1].n_iter_} epochs")
    for name, model in (("chosen", found), ("plain network", pipe.set_params(wellfitclassifier__recipe=Recipe()))):
        model = model if name == "chosen" else model.fit(x, y)
        print(f"{name:16} held out: log loss {log_loss(held_y, model.predict_proba(held_x)):.3f}")
    print(f"{'logistic':16} held out: log loss {log_loss(held_y, logistic.predict_proba(held_x)):.3f}")


if __name__ == "__main__":
    main()
