"""Ensembles: several trainings combined into one answer. They stand beside recipes: no ensemble is a part of one.

An ensemble takes a learner, or several: a ``NetClassifier`` or ``NetRegressor`` (small networks that train under a
recipe, many at once), or whatever has ``fit(x, y)`` and ``predict(x)`` as scikit-learn's estimators have. ``fit`` gives
back something new that predicts; nothing is changed in place.
"""

from wellfit.ensembles.averaging import Averaging, GreedySelection, Voting
from wellfit.ensembles.bagging import Bagging, DeepEnsemble
from wellfit.ensembles.boosting import BoostingClassifier, BoostingRegressor
from wellfit.ensembles.nets import NetClassifier, NetRegressor
from wellfit.ensembles.snapshot import Snapshot

__all__ = [
    "Averaging",
    "Bagging",
    "BoostingClassifier",
    "BoostingRegressor",
    "DeepEnsemble",
    "GreedySelection",
    "NetClassifier",
    "NetRegressor",
    "Snapshot",
    "Voting",
]
