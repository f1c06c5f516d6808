"""The pieces that split rows, and the score over what the folds validate."""

from __future__ import annotations

from wellfit.exporter.facts import ROWS, Facts
from wellfit.exporter.source import Piece, constant, piece

_TEST_SHARE = 0.15
_CROSS_BELOW = {"table": 1000, "image": 300, "text": 300}
"""With fewer rows to train and validate on there are five folds."""

_SCORE_CLASSES = '''
def temperature_of(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature, 0.2 to 10, at which softmax(logits / temperature) fits the truth best.

    No label counts as quite sure: a few rows without an error must not make a network infinitely sure.
    """
    doubt = 1 / (len(truth) + 2)

    def loss(log_temperature: float) -> float:
        found = np.maximum(log_softmax(logits / np.exp(log_temperature), axis=1), -100.0)
        right = found[np.arange(len(truth)), truth]
        wrong = (found.sum(1) - right) / (logits.shape[1] - 1)
        return -np.mean((1 - doubt) * right + doubt * wrong)

    best = minimize_scalar(loss, bounds=(np.log(0.2), np.log(10.0)), method="bounded")
    return float(np.exp(best.x)) if best.fun < loss(0.0) else 1.0


def score(logits: np.ndarray, truth: np.ndarray) -> float:
    """The log loss of calibrated probabilities; smaller is better."""
    found = log_softmax(logits / temperature_of(logits, truth), axis=1)
    return float(-found[np.arange(len(truth)), truth].mean())
'''

_SCORE_NUMBERS = '''
def score(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The root of the mean squared error; smaller is better."""
    return float(np.sqrt(np.mean((predicted - truth) ** 2)))
'''

_FOLDS_KNOWN = '''
def folds(target: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and validation ROWS of each fold, as the run had them; those of its test are in none."""
    part = np.array(list(SPLIT))
    if len(part) != len(target):
        raise SystemExit(f"there are {len(target)} ROWS; the split is of {len(part)}.")
    numbers = sorted(set(part) - set("+t-"))
    return [(np.flatnonzero(~np.isin(part, ["t", "-", n])), np.flatnonzero(part == n)) for n in numbers]
'''

_FOLDS_DRAWN = '''
def folds(target: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and validation ROWS of each fold; a share for a test at the end is in none."""
    rows = np.flatnonzero(~np.isnan(target)) #? number
    rows = np.flatnonzero(target >= 0) #! number
    labels = target[rows] #? stratified
    rows, _ = train_test_split(rows, test_size=TEST_SHARE, random_state=0, stratify=labels) #? stratified
    rows, _ = train_test_split(rows, test_size=TEST_SHARE, random_state=0) #! stratified
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=0) #? stratified
    splitter = KFold(FOLDS, shuffle=True, random_state=0) #! stratified
    parts = [(rows[train], rows[valid]) for train, valid in splitter.split(rows, target[rows])]
    return parts[:1] #? one
    return parts #! one
'''


def split_constants(facts: Facts) -> list[str]:
    """The run's own split of the rows, or what a new one is drawn by."""
    if facts.reading.split:
        one = ROWS[facts.kind].removesuffix("s")
        told = f"of each {one}: the fold that it validates, + trains in all, t test, - left out"
        return [constant("SPLIT", facts.reading.split, told)]
    shares = [constant("TEST_SHARE", _TEST_SHARE), constant("FOLDS", 5)]
    return shares if _crossed(facts) else [shares[0], constant("FOLDS", 6, "the first alone validates: 15 %")]


def folds_piece(facts: Facts) -> Piece:
    """``folds(target)``: rows to train on and to validate on."""
    if facts.reading.split:
        made = piece(_FOLDS_KNOWN, "import numpy as np")
    else:
        stratified = not facts.regression
        names = "StratifiedKFold, train_test_split" if stratified else "KFold, train_test_split"
        chosen = {"number": facts.regression, "stratified": stratified, "one": not _crossed(facts)}
        imports = ("import numpy as np", f"from sklearn.model_selection import {names}")
        made = piece(_FOLDS_DRAWN, *imports, **chosen)
    return Piece(made.code.replace("ROWS", ROWS[facts.kind]), made.imports)


def _crossed(facts: Facts) -> bool:
    return facts.rows * (1 - _TEST_SHARE) < _CROSS_BELOW[facts.kind]


def score_piece(facts: Facts) -> Piece:
    """``score(outputs, truth)``."""
    if facts.regression:
        return piece(_SCORE_NUMBERS, "import numpy as np")
    imports = "from scipy.optimize import minimize_scalar", "from scipy.special import log_softmax"
    return piece(_SCORE_CLASSES, "import numpy as np", *imports)
