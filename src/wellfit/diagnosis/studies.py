"""Studies that train many times, on request: each says what it costs before it begins."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from wellfit.diagnosis.bench import Bench, Recorded
from wellfit.diagnosis.decomposition import squared, zero_one
from wellfit.diagnosis.effects import stopped
from wellfit.diagnosis.setting import Setting
from wellfit.diagnosis.variants import plain
from wellfit.errors import UsageError
from wellfit.hashes import hash_integers
from wellfit.proof import probabilities
from wellfit.training.cohort import Member

SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the training rows, in a learning curve."""

_FOLDS = 4
_ROUNDS = 20
_DRAWS = 500


@dataclasses.dataclass(frozen=True)
class Study:
    """One study.

    Attributes:
        trainings: how many of the setting's trainings it takes.
        run: does it.
    """

    trainings: Callable[[Setting], int]
    run: Callable[[Setting, float], dict[str, Any]]


def check_studies(names: tuple[str, ...]) -> None:
    """Raises UsageError where there is no study of a name."""
    for name in names:
        if name not in STUDIES:
            raise UsageError(f"there is no study {name!r}.", fix=f"Studies are {', '.join(STUDIES)}.", code="WF-G10")


def price(name: str, setting: Setting, seconds: float) -> str:
    """What a study is going to cost, in words.

    Args:
        seconds: of one training of the setting.
    """
    count = STUDIES[name].trainings(setting)
    return f"study {name}: {count} trainings side by side, up to {count * seconds:.0f} s"


def _train(setting: Setting, folds: list[tuple[torch.Tensor, torch.Tensor]], deadline: float) -> tuple[Bench, Recorded]:
    """One member on each fold but the first, which only says how long an epoch is."""
    valid = torch.arange(setting.held, len(setting.x))
    bench = Bench(setting, [(torch.arange(setting.held), valid), *folds], most=64)
    recipe = plain(setting.recipe)
    seeds = [hash_integers(setting.seed, 43, i) % 2**31 for i in range(len(folds))]
    members = [Member(recipe, setting.rate, s, i + 1, str(i)) for i, s in enumerate(seeds)]
    return bench, bench.train(members, setting.steps, deadline)


def learning_curve(setting: Setting, deadline: float) -> dict[str, Any]:
    """Validation loss at an eighth, a quarter, a half and all of the rows, and what twice as many would gain.

    A power law a + b * rows ** -c is fitted to bootstrap draws over validation rows and seeds; each training counts at
    its early stop, chosen on the other half of the validation rows.
    """
    valid = torch.arange(setting.held, len(setting.x))
    folds, sizes = [], [max(setting.batch, round(s * setting.held)) for s in SHARES]
    for seed in range(setting.seeds):
        order = torch.as_tensor(np.random.default_rng((setting.seed, seed, 11)).permutation(setting.held))
        folds += [(order[:size], valid) for size in sizes]
    _, record = _train(setting, folds, deadline)
    losses, _ = stopped(record.losses, setting.seed, setting.valid_groups)
    losses = losses.reshape(setting.seeds, len(sizes), -1)
    gains = _extrapolated(losses, np.array(sizes), setting.seed)
    level = losses.mean((0, 2))
    middle, low, high = (float(q) for q in np.quantile(gains, [0.5, 0.025, 0.975]))
    return {
        "rows": sizes, "loss": level.tolist(), "seeds": setting.seeds, "double": middle, "interval": [low, high],
        "sentence": f"twice the rows would lower the validation loss {middle:.0%} [{low:.0%}, {high:.0%}]",
    }  # fmt: skip


def _extrapolated(losses: np.ndarray, sizes: np.ndarray, seed: int) -> np.ndarray:
    """(draws,) relative gain at twice the rows, each draw with its own power law."""
    random = np.random.default_rng((seed, 13))
    seeds, _, rows = losses.shape
    found = []
    for _ in range(_DRAWS):
        some = losses[random.integers(0, seeds, seeds)]
        counts = random.multinomial(rows, np.full(rows, 1.0 / rows))
        level = (some @ counts / rows).mean(0)
        law = _power_law(sizes, level)
        now = law(float(sizes[-1]))
        found.append((now - law(2.0 * sizes[-1])) / now if now > 0 else 0.0)
    return np.array(found)


def _power_law(sizes: np.ndarray, level: np.ndarray) -> Callable[[float], float]:
    """a + b * n ** -c with a, b >= 0 and c of a grid, least squares; a flat line where that fits best."""
    from scipy.optimize import nnls

    best: tuple[float, Callable[[float], float]] | None = None
    for power in np.linspace(0.1, 2.0, 20):
        columns = np.stack([np.ones(len(sizes)), (sizes / sizes[-1]) ** -power], 1)
        (a, b), rest = nnls(columns, level)
        if best is None or rest < best[0]:
            best = (rest, lambda n, a=a, b=b, p=power: float(a + b * (n / sizes[-1]) ** -p))  # type: ignore[misc]
    assert best is not None
    return best[1]


def label_noise(setting: Setting, deadline: float) -> dict[str, Any]:
    """Rows whose labels look wrong: models of the other folds are surer of another class than they usually are of it.

    Source:
        Northcutt, Jiang & Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 2021.
    """
    if setting.labels is None:
        return {"sentence": "the targets are no classes", "rows": [], "share": None}
    order = np.random.default_rng((setting.seed, 17)).permutation(setting.held)
    parts = np.array_split(order, _FOLDS)
    valid = torch.arange(setting.held, len(setting.x))
    rest = [np.concatenate([p for j, p in enumerate(parts) if j != i]) for i in range(_FOLDS)]
    bench, record = _train(setting, [(torch.as_tensor(r), valid) for r in rest], deadline)
    population = bench.population(record.members[0].recipe)
    found = np.zeros((setting.held, setting.target.values.shape[1]))
    for place, rows in enumerate(parts):
        one = {n: w[place : place + 1] for n, w in record.best.items()}
        logits = bench.outputs(population, one, torch.as_tensor(rows))[0].double().numpy()
        found[rows] = probabilities(logits)
    suspects = suspected(found, setting.labels[: setting.held].numpy())
    share = len(suspects) / setting.held
    told = f"{len(suspects)} of {setting.held} training rows ({share:.1%}) look mislabeled; the surest are listed first"
    return {"rows": suspects[:500].tolist(), "share": share, "sentence": told}


def suspected(found: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Row numbers, surest first, whose probability of another class reaches what rows of that class have on average.

    Args:
        found: (rows, classes) out-of-fold probabilities.
    """
    classes = found.shape[1]
    usual = np.array([found[labels == c, c].mean() if (labels == c).any() else 2.0 for c in range(classes)])
    above = np.where(found >= usual, found, -1.0)
    likely = above.argmax(1)
    wrong = (above.max(1) > 0) & (likely != labels)
    margin = found[np.arange(len(labels)), likely] - found[np.arange(len(labels)), labels]
    rows = np.nonzero(wrong)[0]
    return rows[np.argsort(-margin[rows])]


def random_label_probe(setting: Setting, deadline: float) -> dict[str, Any]:
    """How much of permuted labels the setting learns by heart in the same time.

    ratio = (loss of guessing - loss on permuted) / (loss of guessing - loss on true labels), both on training rows.

    Source:
        Zhang, Bengio, Hardt, Recht & Vinyals, Understanding Deep Learning Requires Rethinking Generalization, 2017.
    """
    order = torch.arange(len(setting.x))
    mixed = torch.as_tensor(np.random.default_rng((setting.seed, 19)).permutation(setting.held))
    order = torch.cat([mixed, order[setting.held :]])
    permuted = dataclasses.replace(setting, target=setting.target.take(order))
    fold = (torch.arange(setting.held), torch.arange(setting.held, len(setting.x)))
    levels = []
    for one in (setting, permuted):
        _, record = _train(one, [fold] * setting.seeds, deadline)
        levels.append(record.fitted.mean(1))
    guess = setting.guess()
    ratios = (guess - levels[1]) / np.maximum(guess - levels[0], 1e-12)
    told = f"of permuted labels {ratios.mean():.0%} as much is learned by heart as of true ones"
    return {"ratio": float(ratios.mean()), "each": ratios.tolist(), "sentence": told}


def decomposed(setting: Setting, deadline: float) -> dict[str, Any]:
    """Bias and variance over bootstrap refits, on the validation rows; noise in the targets counts as bias."""
    random = np.random.default_rng((setting.seed, 23))
    valid = torch.arange(setting.held, len(setting.x))
    folds = [(torch.as_tensor(random.integers(0, setting.held, setting.held)), valid) for _ in range(_ROUNDS)]
    _, record = _train(setting, folds, deadline)
    if setting.labels is not None:
        found = zero_one(record.outputs.argmax(-1), setting.labels[setting.held :].numpy())
        name = "0-1 loss"
    else:
        truth = setting.target.values[setting.held :].double().numpy().reshape(setting.valid, -1)
        outputs = record.outputs.astype(np.float64).reshape(_ROUNDS, -1)
        found, name = squared(outputs, truth.reshape(-1)), "squared error"
    told = f"{name}: bias {found.bias:.3g} (noise included), variance {found.variance:.3g}"
    return {**dataclasses.asdict(found), "loss": name, "sentence": told}


STUDIES: dict[str, Study] = {
    "learning-curve": Study(lambda s: len(SHARES) * s.seeds, learning_curve),
    "label-noise": Study(lambda s: _FOLDS, label_noise),
    "random-labels": Study(lambda s: 2 * s.seeds, random_label_probe),
    "bias-variance": Study(lambda s: _ROUNDS, decomposed),
}


def run_studies(
    setting: Setting, names: tuple[str, ...], one_training: float, seconds: float, tell: Callable[[str], None] | None
) -> dict[str, Any]:
    """Every study that was asked for, its price first."""
    found = {}
    for name in names:
        if tell:
            tell(price(name, setting, one_training))
        found[name] = STUDIES[name].run(setting, time.monotonic() + seconds)
    return found
