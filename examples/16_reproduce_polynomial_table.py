"""A published table of penalties on a polynomial, reproduced to four decimals, and how far one split can be believed.

30 points of a cubic with noise, a polynomial of degree 8, one split. The published elastic net has alpha 0.1 beside it
and the numbers of alpha 0.01. And the table is one split of 30 points: over 300 splits of the same points the errors
spread so far that no row of the table is a statement about its method.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

ROWS = {  # name: (model, published error on training and on test rows)
    "least squares": (LinearRegression(), (1.6713, 5.4532)),
    "Ridge 0.5": (Ridge(alpha=0.5), (2.9305, 1.7757)),
    "Lasso 0.1": (Lasso(alpha=0.1), (2.8759, 2.1135)),
    "elastic net 0.1": (ElasticNet(alpha=0.1, l1_ratio=0.4), (2.8328, 1.7885)),
    "elastic net 0.01": (ElasticNet(alpha=0.01, l1_ratio=0.4), (2.8328, 1.7885)),
}
SPLITS = 300


def points():
    """The cubic at 30 places, with noise of standard deviation 2."""
    np.random.seed(42)  # the old global generator: the published numbers come from it
    x = np.linspace(0, 1, 30)[:, None]
    return x, (20 * x**3 - 15 * x**2 + 10 * x + 5).ravel() + 2 * np.random.randn(30)


def errors(model, x, y, seed):
    """Mean squared error on training and on test rows of one split."""
    split = train_test_split(x, y, test_size=0.2, random_state=seed)
    pipe = make_pipeline(PolynomialFeatures(degree=8), model).fit(split[0], split[2])
    return [mean_squared_error(truth, pipe.predict(rows)) for rows, truth in (split[::2], split[1::2])]


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    x, y = points()
    print(f"{'':17}{'published':>16}{'here':>16}{'':14}{f'test error over {SPLITS} splits':>27}{'less than':>13}")
    head = "".join(f"{word:>8}" for word in ("train", "test") * 2)
    print(f"{'':17}{head}{'':14}{'10 %':>9}{'median':>9}{'90 %':>9}{'least squares':>15}")
    plain = np.array([errors(ROWS["least squares"][0], x, y, seed)[1] for seed in range(SPLITS)])
    for name, (model, published) in ROWS.items():
        here = errors(model, x, y, 42)
        many = np.array([errors(model, x, y, seed)[1] for seed in range(SPLITS)])
        said = "as published" if np.round(here, 4).tolist() == list(published) else "not so"
        numbers = "".join(f"{number:8.4f}" for number in (*published, *here))
        spread = "".join(f"{edge:9.2f}" for edge in np.quantile(many, [0.1, 0.5, 0.9]))
        print(f"{name:17}{numbers}  {said:12}{spread}{(many < plain).mean():15.0%}")


if __name__ == "__main__":
    main()
