"""What the examples of the sources' models and pipelines show, held against words from elsewhere."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from running import EXAMPLES, run_example
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LassoCV, LogisticRegression
from sklearn.model_selection import KFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ORACLES = {o["name"]: o for o in json.loads((Path(__file__).parents[1] / "data" / "oracles.json").read_text())}
NUMBER = r"-?\d+\.?\d*(?:e[-+]?\d+)?"


def shown(name: str, begin: str) -> list[float]:
    """The numbers of an example's first line that begins like this, what it begins with left out."""
    line = next(line for line in run_example(name).text.splitlines() if line.startswith(begin))
    return [float(n) for n in re.findall(NUMBER, line.removeprefix(begin))]


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("[12]?_*.py")))
def test_nothing_is_complained_of(name):
    assert "Warning" not in run_example(name).errors


def test_penalties_in_numpy_hold_the_network_back():
    plain, l2, l1 = (shown("10_train_numpy_network.py", b) for b in ("no penalty", "L2 0.01 / 2", "L1 0.004"))
    assert l2[1] > plain[1] + 0.05, "L2 helps on rows held out"
    assert l2[0] < plain[0], "and learns fewer of the wrong labels by heart"
    assert l2[2] < 0.5 * plain[2]
    assert plain[3] == l2[3] == 0.0, "L2 sets no weight to zero"
    assert l1[3] > 30.0, "the proximal step does"
    assert l1[4] > 0, "and some pixels are not used at all"


@pytest.mark.parametrize("name", ["11_train_cnn.py", "12_train_transformer.py", "13_train_lstm.py"])
def test_recipes_help_the_networks_of_the_sources(name):
    """Best, last and accuracy on rows held out; the last loss is where learning by heart shows, for every seed."""
    (_, plain, _), (best, last, right) = (shown(name, b) for b in ("plain", "recipe"))
    assert last < 0.9 * plain
    assert last < 1.5 * best
    assert right > 0.75


def test_the_lint_sees_dropout_before_a_norm():
    assert "WF-L40: SpatialDropout@first.hidden" in run_example("11_train_cnn.py").text


def test_padding_changes_no_answer():
    text = run_example("12_train_transformer.py").text
    short, padded = re.search(rf"in favor ({NUMBER}), and with 50 tokens of padding ({NUMBER})", text).groups()
    assert abs(float(short) - float(padded)) < 1e-5


def test_keras_penalties_count_as_ours_do():
    for name in ("l1 ", "l2 ", "l1 and l2 "):
        theirs, ours = shown("14_fit_keras_models.py", name)[-3:-1]
        assert ours == pytest.approx(theirs, rel=1e-4)
    kernels = ORACLES["keras.l1_init_penalty"]
    start = shown("14_fit_keras_models.py", "l1 ")[0]
    head = 0.01 * 640 * np.sqrt(6 / 74) / 2  # the second kernel: (64, 10), uniform up to sqrt(6 / (64 + 10))
    assert start == pytest.approx(kernels["expected"] + head, abs=kernels["tol"])
    assert shown("14_fit_keras_models.py", "l2 ")[-1] > shown("14_fit_keras_models.py", "l1 ")[-1]


def test_the_pipeline_stops_by_itself_and_decays_once():
    plain, recipe = (shown("15_run_training_pipeline.py", b) for b in ("plain", "pipeline"))
    assert plain[0] == 100
    counted = shown("15_run_training_pipeline.py", "patience counts from epoch")[0]
    assert recipe[0] == counted + 10, "ten epochs after the last gain of min_delta"
    assert counted <= recipe[1] < recipe[0], "a smaller gain is kept, and is no reason to go on"
    assert recipe[2] < plain[2]
    text = run_example("15_run_training_pipeline.py").text
    assert "WF-L01 error" in text
    assert shown("15_run_training_pipeline.py", "rate at the end:")[0] < 0.5


@pytest.mark.parametrize(
    "begin, oracle, published",
    [
        ("least squares", "none", (1.6713, 5.4532)),
        ("Ridge 0.5", "ridge", (2.9305, 1.7757)),
        ("Lasso 0.1", "lasso", (2.8759, 2.1135)),
        ("elastic net 0.1 ", "enet_as_coded", (2.8328, 1.7885)),
        ("elastic net 0.01", "enet_published", (2.8328, 1.7885)),
    ],
)
def test_the_polynomial_table_to_four_decimals(begin, oracle, published):
    row, known = shown("16_reproduce_polynomial_table.py", begin), ORACLES[f"seed004.table.{oracle}"]["expected"]
    assert tuple(row[:2]) == published
    assert row[2:4] == [round(known["train_mse"], 4), round(known["test_mse"], 4)]
    misprinted = oracle == "enet_as_coded"
    line = next(n for n in run_example("16_reproduce_polynomial_table.py").text.splitlines() if n.startswith(begin))
    assert ("not so" in line) == misprinted
    low, middle, high = row[4:7]
    assert low < middle < high
    assert high > 3 * low, "one split says little"


def test_chosen_strengths_are_those_of_the_searches_by_hand():
    x, y = load_diabetes(return_X_y=True)
    x = np.hstack([x, np.random.default_rng(0).standard_normal((len(x), 20))])
    x, _, y, _ = train_test_split(x, y, train_size=200, random_state=0)
    folds = KFold(5, shuffle=True, random_state=0)
    name, alphas = "17_choose_penalties_by_validation.py", np.logspace(-3, 3, 13)
    grid = shown(name, "GridSearchCV")
    assert grid == shown(name, "RidgeCV"), "one question, asked in two ways"
    errors = []
    for alpha in alphas:  # ridge in closed form, scaled in each fold: what both of them compute
        held = [_ridge_error(x[a], y[a], x[b], y[b], alpha) for a, b in folds.split(x)]
        errors.append(np.mean(held))
    assert grid[0] == float(f"{alphas[int(np.argmin(errors))]:.4g}")
    lasso = make_pipeline(StandardScaler(), LassoCV(cv=folds)).fit(x, y)
    assert shown(name, "LassoCV")[0] == float(f"{lasso[-1].alpha_:.4g}")


def _ridge_error(x, y, x_held, y_held, alpha):
    center, scale, middle = x.mean(0), x.std(0), y.mean()
    x, x_held = (x - center) / scale, (x_held - center) / scale
    w = np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ (y - middle))
    return np.mean((y_held - middle - x_held @ w) ** 2)


def test_refused_pairs_are_those_that_scikit_learn_refuses():
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)[:100]
    ratios = {"none": 0.0, "L2": 0.0, "L1": 1.0, "elastic net": 0.5}
    lines = run_example("18_pair_penalties_with_solvers.py").text.splitlines()
    assert len(lines) == 24
    for line in lines:
        penalty, solver, refused = line[:12].strip(), line[12:29].strip(), "refused" in line
        strength = {"C": np.inf} if penalty == "none" else {"C": 1.0}
        model = LogisticRegression(solver=solver, l1_ratio=ratios[penalty], max_iter=5, **strength)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if refused:
                with pytest.raises(ValueError):
                    model.fit(x, y[:100])
            else:
                model.fit(x, y[:100])


def test_solvers_of_one_penalty_agree():
    name = "18_pair_penalties_with_solvers.py"
    smooth = [shown(name, f"L2          {solver}")[:3] for solver in ("lbfgs", "newton-cg ", "newton-cholesky", "sag ")]
    assert all(row == pytest.approx(smooth[0], rel=1e-3) for row in smooth)
    assert shown(name, "L2          lbfgs")[3] == 0
    assert shown(name, "L1          saga")[3] > 15


def test_sgd_hands_over_its_last_weights_and_we_our_best():
    name = "19_stop_early_with_sgd.py"
    scores = shown(name, "accuracy on its held-out rows, epoch by epoch:")
    best, last, handed = shown(name, "best in epoch")
    assert (int(best), int(last)) == (int(np.argmax(scores)) + 1, len(scores))
    assert handed == scores[-1] < max(scores)
    text = run_example(name).text
    assert "those of the last epoch: True" in text
    assert "those of the best epoch: False" in text
    losses = shown(name, "wellfit: stopped True after")
    ours, epoch = shown(name, "wellfit: handed over")
    assert ours == min(losses[1:])
    assert int(epoch) == int(losses[0]) - 5


def test_what_is_on_by_default_is_the_librarys_own():
    name = "20_switch_default_penalties_off.py"
    lines = run_example(name).text.splitlines()
    assert sum("leaves 0 parts" in line for line in lines) == 6
    # C = 1 / (2 n L2) and alpha = n L2, of 100 rows
    assert "L2 0.005" in next(line for line in lines if "LogisticRegression" in line)
    assert "L2 0.01" in next(line for line in lines if "Ridge" in line)
    assert "weight_decay=0.01" in next(line for line in lines if "AdamW" in line)


def test_remedies_bring_gradients_back():
    name = "21_keep_gradients_alive.py"
    sigmoid, small = shown(name, "  sigmoid, small first weights")[0], shown(name, "  ReLU, small first weights")[0]
    assert sigmoid < small < 1e-4
    assert 0.1 < shown(name, "  ReLU, He")[0] < 10
    assert shown(name, "  ReLU, small, with batch norm")[0] > 0.1
    rnn, lstm = shown(name, "  recurrent network")[0], shown(name, "  LSTM with open forget gates")[0]
    assert lstm > 1e6 * rnn
