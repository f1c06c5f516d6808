"""The rows of tests/data/oracles.json that today's regularizers can answer; the others are listed by name."""

from __future__ import annotations

import numpy as np
import oracle_answers_stages
import pytest
from oracle_answers import ROWS, SERVED

LATER = tuple(
    """
    enet.nohalf mixratio.plain.r=0 mixratio.plain.r=0.25 mixratio.plain.r=0.5 mixratio.plain.r=0.75 mixratio.plain.r=1
    prox.group_l2 decay.one_step.torch.NAdam decay.one_step.torch.NAdam(decoupled) decay.one_step.torch.RAdam
    decay.one_step.torch.RMSprop decay.one_step.torch.Adagrad decay.one_step.torch.Adamax decay.one_step.torch.Adadelta
    decay.one_step.torch.Adafactor decay.one_step.torch.Muon(2x2) decay.one_step.optax.lion
    dropout.gaussian_equiv dropout.gaussian_std dropout.variational_negkl.alpha=0.1 dropout.variational_negkl.alpha=1.0
    dropout.variational_negkl.alpha=1000000.0 cutmix.box.c=(128,_256) cutmix.box.c=(10,_20) cutmix.box.c=(0,_0)
    cutmix.box.c=(255,_511) cutout.odd_size_seed cutout.mean_share cutmix.paper_side smote.point smote.counts
    smote.minority_three_classes smote.too_few noise.var noise.equal_std noise.poisson noise.saltpepper rotation.matrix
    rotation.180_even_image rotation.border_share metrics.norms metrics.gap metrics.gap_zero_train
    metrics.gap_negative_losses keras.l1_init_penalty es.best_vs_patience es.snapshot
    seed004.table.none seed004.table.ridge seed004.table.lasso seed004.table.enet_as_coded seed004.table.enet_published
    seed004.first_y constraint.L2 constraint.L1 constraint.EN convert.ridge convert.lasso convert.elasticnet
    convert.logreg_l2 convert.logreg_l1 convert.logreg_en convert.sgdclassifier convert.sgdregressor
    convert.mlpregressor_fullbatch convert.mlpclassifier_fullbatch convert.linearsvc convert.torch_sgd_weight_decay
    convert.keras_regularizer convert.glmnet_gaussian_lasso convert.glmnet_gaussian_ridge convert.glmnet_binomial_ridge
    convert.glmnet_binomial_lasso convert.xgb_leaf convert.xgb_leaf_l1
    """.replace("_", "\0").split()
)
"""Rows for what is to come: the translator, images, tabular, other noises, other optimizers, metrics."""
LATER = tuple(n.replace("\0", "_").replace(",_", ", ") for n in LATER)


@pytest.mark.parametrize("name", SERVED)
def test_oracle_row(name):
    row = ROWS[name]
    _hold(SERVED[name](row["inputs"]), row["expected"], row["tol"], name)


def _hold(got, expected, tolerance, name):
    if isinstance(expected, dict):
        assert got.keys() == expected.keys()
        for key in expected:
            _hold(got[key], expected[key], tolerance, f"{name}.{key}")
    elif isinstance(expected, str):
        assert got == expected
    else:
        np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=0, atol=tolerance, err_msg=name)


def test_every_row_is_served_or_named_for_later():
    assert oracle_answers_stages.HIDDEN is not None  # imported so that its answers are among SERVED
    assert not set(SERVED) & set(LATER)
    assert set(SERVED) | set(LATER) == set(ROWS)
    assert len(SERVED) + len(LATER) == len(ROWS) == 133
