"""Sixteen defects that the mission's source documents have, each with the right behavior held against the real code.

A test says in its name what stands here.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import torch
from oracle_answers import ROWS
from oracle_answers_tools import linear_model_scores
from scripted import scripted
from sklearn.linear_model import ElasticNet as SklearnElasticNet
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from source_worlds import HIDDEN, amounts, classes, moment, numbers, step
from wellfit import (
    L1,
    L2,
    SMOTE,
    BatchNorm,
    CutMix,
    Dropout,
    EarlyStopping,
    ElasticNet,
    GradientNoise,
    MaxNorm,
    Mixup,
    Recipe,
    UsageError,
    VariationalDropout,
    WeightDecay,
    WeightNoise,
    reference,
)  # fmt: skip
from wellfit.ensembles import Bagging
from wellfit.fold import Fold
from wellfit.lint import lint
from wellfit.models.mlp import MLP, Shape
from wellfit.models.transformer import RegularizedTransformer
from wellfit.regularizers.affine import turned
from wellfit.regularizers.warping import warp
from wellfit.training.cohort import Member, Rows, start
from wellfit.training.optimizers import SGD, Adam
from wellfit.training.population import Course, Population
from wellfit.training.step import Batch, Trainer
from wellfit.translator import translate

NAN, INF = math.nan, math.inf


def _params(w):
    return {"w": numbers(w)}


def test_trap_01_l1_ratio_one_is_pure_l1_and_sklearn_has_the_half():
    w = np.array([[-2.0, 0.5, 3.0]])
    pure = [float(ElasticNet(0.1, r, form="loss").penalty(_params(w), moment())) for r in (1.0, 0.0)]
    assert pure[0] == pytest.approx(0.1 * np.abs(w).sum())
    assert pure[1] == pytest.approx(0.1 / 2 * np.square(w).sum())
    x = np.random.default_rng(0).normal(size=(50, 3))
    y = x @ w[0]
    found = (
        SklearnElasticNet(alpha=0.3, l1_ratio=0.0001, fit_intercept=False, tol=1e-12, max_iter=10**6).fit(x, y).coef_
    )
    half = ElasticNet(0.3, 0.0001, form="loss").penalty_gradient(_params(found), moment())["w"]
    np.testing.assert_allclose(x.T @ (x @ found - y) / 50 + half.numpy(), 0.0, atol=1e-8)


def test_trap_02_best_weights_are_a_copy():
    run = scripted([1.0, 9.0], [0.1, 0.5], Recipe(EarlyStopping(5, 0.0)))
    assert run.last_weight == 9.0, "training went on, and wrote into no copy"
    assert run.best_weight == 1.0
    assert scripted([1.0, 9.0], [0.1, 0.5], Recipe()).best_weight == 1.0, "also where nobody stops"


def _stopped(part, losses):
    part = part.start({"w": torch.zeros(1, dtype=torch.float64)})
    for i, loss in enumerate(losses, 1):
        part = part.after_epoch({}, {"loss": numbers(loss)}, moment(epoch=float(i)))
        if bool(part.stop()):
            return i, float(part.best)
    return 0, float(part.best)


def test_trap_02_nan_is_never_the_best_and_a_flat_loss_stops():
    assert _stopped(EarlyStopping(3, 0.0), [1.0, *[NAN] * 10]) == (4, 1.0)
    assert _stopped(EarlyStopping(3, 0.0), [NAN] * 10) == (3, INF)
    assert _stopped(EarlyStopping(3, 0.0), [0.5] * 50) == (4, 0.5)
    assert _stopped(EarlyStopping(2, 0.125), [1.0, 0.875, 0.875]) == (3, 1.0), "exactly min_delta is no progress"
    assert _stopped(EarlyStopping(2, 0.125), [1.0, 0.875, 0.75]) == (0, 0.75)


def test_trap_02_the_engine_keeps_finite_weights_when_a_training_breaks():
    """A learning rate of 1e150: within three steps the loss is infinite, then NaN; what was before is handed over."""
    rows = Rows(numbers(np.ones((4, 1))), amounts(np.arange(4.0)), ((torch.tensor([0, 1]), torch.tensor([2, 3])),))

    def make():
        return nn.Linear(1, 1).double()

    trainer = Trainer(make(), SGD())
    cohort = start(trainer, make, [Member(Recipe(EarlyStopping(5)), rate=1e150, seed=0)], rows)
    cohort = Population(trainer, rows).train(cohort, Course(6, batch=2, evaluate_every=1, mode="eager"))
    losses = [float(h[2][0]) for h in cohort.history]
    assert math.isnan(losses[-1])
    assert float(cohort.best.loss[0]) == losses[0] < INF
    assert all(bool(torch.isfinite(w).all()) for w in cohort.best.weights.values())


def test_trap_03_penalizing_twice_is_found_and_scales_and_biases_are_left_alone():
    codes = {f.code: f.level for f in lint(Recipe(L2(0.01), WeightDecay(1e-4)))}
    assert codes.get("WF-L01") == "error"
    assert "WF-L01" not in {f.code for f in lint(Recipe(L2(0.01)))}
    network = BatchNorm().rewrite(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)))
    params = {n: p.detach() for n, p in network.named_parameters()}
    for part in (L2(0.01), WeightDecay(0.01), L1(0.01)):
        assert set(part.select(params)) == {"0.0.weight", "2.weight"}
    both = Recipe(L2(0.01), WeightDecay(1e-4, form="coupled"))
    assert float(both.penalty_gradient(_params([[2.0]]), moment())["w"]) == pytest.approx(0.0402), "0.0201 * w"


def test_trap_04_variational_dropout_multiplies():
    part, h = VariationalDropout(1.0), numbers([0.0, 3.0]).expand(20_000, 2)
    out = part.activation(h, HIDDEN, part.extend({"w": h}, [HIDDEN]), moment())
    assert (out[:, 0] == 0).all()
    assert float(out[:, 1].std()) == pytest.approx(3.0, rel=0.03)


def test_trap_05_the_transformer_runs_and_its_padding_changes_nothing():
    network = RegularizedTransformer(vocabulary=50, classes=2, width=16, heads=2).eval()
    tokens = torch.randint(1, 50, (3, 12))
    padded = torch.cat([tokens, torch.zeros(3, 5, dtype=torch.int64)], 1)
    torch.testing.assert_close(network(padded), network(tokens), rtol=1e-4, atol=1e-5)


def test_trap_06_cross_entropy_is_a_mean_over_rows():
    outputs, labels = torch.randn(20, 5, dtype=torch.float64), torch.arange(20) % 5
    ours = float(classes(labels, 5).loss(outputs))
    assert ours == pytest.approx(float(nn.functional.cross_entropy(outputs, labels)))
    over_all = -(nn.functional.one_hot(labels, 5) * outputs.log_softmax(1)).mean()
    assert ours == pytest.approx(5 * float(over_all))
    assert ours == pytest.approx(reference.cross_entropy(outputs.numpy(), np.eye(5)[labels]))


def test_trap_07_the_reported_loss_holds_no_penalty_and_no_graph():
    network, x, target = MLP(Shape(4, 2, 6, 1)).double(), torch.randn(8, 4, dtype=torch.float64), classes([0, 1] * 4)
    losses = []
    for recipe in (Recipe(), Recipe(L2(10.0))):
        trainer = Trainer(network, SGD())
        state = trainer.start(network, recipe)
        now = moment(names=state.params)
        losses.append(trainer.step(state, Batch(x, target), now)[1])
    assert losses[0] == losses[1]
    assert not losses[0].requires_grad


def test_trap_07_the_ratio_of_losses_is_guarded():
    from wellfit.diagnosis import gap

    assert gap(0.0, 1.0)["gap"] == 1.0
    assert "flagged" in gap(0.0, 1.0)["ratio"]
    assert "flagged" in gap(-2.0, -1.0)["ratio"]


def test_trap_08_max_norm_clips_at_its_limit_and_per_output_unit():
    w = numbers([[3.0, 4.0], [6.0, 8.0]])
    bounded = MaxNorm(6.0).project({"w": w}, moment())["w"]
    torch.testing.assert_close(bounded.norm(dim=1), numbers([5.0, 6.0]))
    network = nn.Linear(2, 2).double()
    network.weight.data = w.clone()
    later_ = step(network, Recipe(MaxNorm(6.0)), np.eye(2), classes([0, 1]), rate=1e-12).params["weight"]
    torch.testing.assert_close(later_, bounded, rtol=1e-9, atol=1e-9)


def test_trap_09_weight_noise_is_not_written_back_and_gradient_noise_fades():
    network = nn.Linear(5, 5).double()
    later_ = step(network, Recipe(WeightNoise(1.0)), np.zeros((2, 5)), classes([0, 1], 5), rate=1e-9, steps=100)
    torch.testing.assert_close(later_.params["weight"], network.weight.detach(), rtol=0, atol=1e-6)
    zero = {"w": torch.zeros(200, 200, dtype=torch.float64)}
    for i in (0, 100, 10_000):
        noisy = GradientNoise(1.0).gradient(lambda _: zero, zero, moment(step=i))["w"]
        assert float(noisy.std()) == pytest.approx((1 + i) ** -0.275, rel=0.02)


def test_trap_10_smote_knows_training_rows_only():
    """Held-out rows far away leave no trace in what is made; and the fold's own rows come through unchanged."""
    x = torch.cat([torch.randn(40, 2), torch.randn(10, 2) + 5.0, torch.full((10, 2), 1000.0)])
    labels = torch.tensor([0] * 40 + [1] * 20)
    fold = Fold(x[:50], labels[:50], torch.ones(50), 2)
    made = Recipe(SMOTE(1.0)).resample(fold, moment())
    assert len(made) == 80
    assert float(made.x[50:].max()) <= float(x[40:50].max()) + 1e-4
    assert torch.equal(made.x[:50], x[:50])


def test_trap_10_cutmix_mixes_labels_by_the_clipped_area_and_mixup_draws_its_share():
    pictures = torch.tensor([1.0, 0.0]).view(2, 1, 1, 1).expand(2, 1, 16, 32).double()
    shares = []
    for i in range(60):
        x, soft = CutMix(1.0).batch(pictures, classes([0, 1]), moment(step=i))
        torch.testing.assert_close(soft.values[:, 0], x.mean(dim=(1, 2, 3)))
        shares.append(float(Mixup(0.4).batch(numbers([[1.0], [0.0]]), classes([0, 1]), moment(step=i))[0][0, 0]))
    assert len(set(shares)) > 20


def test_trap_11_dropout_at_one_is_zero_and_keeps_dtype():
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
        for p in (0.0, 0.3, 1.0):
            out = Dropout(p).activation(torch.ones(50, 4, dtype=dtype), HIDDEN, {}, moment())
            assert out.dtype == dtype
            assert bool(torch.isfinite(out).all())
        assert (out == 0).all()
    kept = (Dropout(0.2).activation(torch.ones(100, 100), HIDDEN, {}, moment()) != 0).double().mean()
    assert abs(float(kept) - 0.8) < 0.02, "p is what is dropped: keeping 0.8 is p = 0.2"


def test_trap_11_backward_uses_the_mask_of_its_own_forward():
    """A pass in evaluation, and one at another step, between forward and backward change nothing."""
    h = torch.ones(30, 4, dtype=torch.float64, requires_grad=True)
    out = Dropout(0.5).activation(h, HIDDEN, {}, moment(step=1))
    Dropout(0.5).activation(h, HIDDEN, {}, moment(step=2))
    network = MLP(Shape(4, 2, 6, 1)).double()
    Trainer(network, SGD()).predict(dict(network.named_parameters()), h.detach())
    out.sum().backward()
    assert torch.equal(h.grad, out.detach())


def test_trap_12_rotation_turns_about_the_true_center():
    picture = torch.arange(16.0).view(1, 1, 4, 4)
    torch.testing.assert_close(warp(picture, turned(torch.tensor([180.0])).matrix(), "reflect"), picture.flip(2, 3))
    filled = warp(torch.ones(1, 1, 224, 224), turned(torch.tensor([20.0])).matrix(), "reflect")
    assert float((filled == 0).double().mean()) == 0, "no black corners"


def test_trap_13_bagging_draws_with_replacement():
    x, y = np.random.default_rng(0).normal(size=(300, 2)), np.arange(300) % 2
    rows = Bagging(DecisionTreeClassifier(), members=5).fit(x, y).rows
    assert all(len(r) == 300 for r in rows), "five parts would have 60 rows each"
    assert all(160 < len(np.unique(r)) < 220 for r in rows), "of 300, some 63 % are in a bootstrap sample"


def test_trap_13_c_is_not_one_over_lambda_and_what_is_gone_is_refused():
    assert translate("canonical", "sklearn.LogisticRegression", {"L2": 0.1}, n=50).values["C"] == pytest.approx(0.1)
    x = np.random.default_rng(0).normal(size=(50, 2))
    y = x[:, 0] + 0.5 * np.random.default_rng(1).normal(size=50) > 0
    fitted = LogisticRegression(C=0.1, tol=1e-10).fit(x, y)
    w = numbers(fitted.coef_[0]).requires_grad_()
    rest = nn.functional.binary_cross_entropy_with_logits
    (rest(numbers(x) @ w + numbers(fitted.intercept_), numbers(y)) + 0.1 * (w**2).sum()).backward()
    assert float(w.grad.abs().max()) < 1e-6
    with pytest.raises(UsageError, match="penalty"):
        translate("sklearn.LogisticRegression penalty=none", "wellfit.Recipe", n=50)


@pytest.mark.parametrize("optimizer", [SGD(), Adam()], ids=["SGD", "Adam"])
def test_trap_14_l1_in_the_loss_gives_no_zeros_and_the_proximal_step_does(optimizer):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(100, 20))
    y = 2.0 * x[:, 0] + 0.1 * draw.normal(size=100)
    zeros = {}
    for form in ("loss", "proximal"):
        layer = nn.Linear(20, 1, bias=False).double()
        nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(0))
        end = step(layer, Recipe(L1(0.2, form=form)), x, amounts(y), 0.05, optimizer, steps=300)
        zeros[form] = int((end.params["weight"] == 0).sum())
    assert zeros == {"loss": 0, "proximal": 19}


def test_trap_15_the_published_elastic_net_row_has_another_alpha():
    published = {"train_mse": 2.8328, "test_mse": 1.7885}
    for name, agrees in (("enet_published", True), ("enet_as_coded", False)):
        row = ROWS[f"seed004.table.{name}"]
        found = linear_model_scores(row["inputs"])
        assert all((abs(found[k] - published[k]) < 1e-4) == agrees for k in published)


def test_trap_16_batch_norm_counts_as_torch_does_and_keras_the_other_way():
    """Momentum 0.1 of ours is 0.9 of Keras; Keras keeps the biased variance; the default eps is felt in float16."""
    x = np.random.default_rng(0).normal(2.0, 3.0, size=(8, 4))
    norm = BatchNorm(momentum=0.1).rewrite(nn.Sequential(nn.Linear(4, 4), nn.ReLU()).double())[0][1]
    norm(numbers(x))
    peer = keras.layers.BatchNormalization(momentum=0.9)
    peer(x, training=True)
    np.testing.assert_allclose(norm.running_mean, peer.moving_mean.value.detach(), rtol=1e-5)
    biased = 0.9 + (norm.running_var - 0.9) * 7 / 8
    np.testing.assert_allclose(biased, peer.moving_variance.value.detach(), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var, 0.9 + 0.1 * x.var(0, ddof=1))
    constant = torch.full((8, 4), 3.0, dtype=torch.float16)
    assert bool(torch.isfinite(norm.half()(constant)).all())
    assert np.float16(1e-8) == 0 < np.float16(BatchNorm().eps)
