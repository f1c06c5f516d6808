"""Oracles of the data level: imbalanced-learn, scikit-learn and plain NumPy say what must come out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.testing import assert_close

from wellfit import (
    ADASYN,
    SMOTE,
    SMOTENC,
    BorderlineSMOTE,
    ClassWeights,
    OutlierFilter,
    OverSample,
    Recipe,
    UnderSample,
    ramp,
    schedule,
    where,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.errors import DataError, RecipeError
from wellfit.fold import Fold
from wellfit.regularizers.resampling import seed_of

GROWERS = (SMOTE, BorderlineSMOTE, ADASYN, OverSample)


def draw_fold(rows=90, rare=18, seed=0, categories=False, dtype=torch.float64, third=0):
    """Two overlapping clusters (three with ``third`` rows of it), optionally with a block of three and one of one."""
    draw = np.random.default_rng(seed)
    labels = np.array([1] * rare + [2] * third + [0] * (rows - rare - third))
    x = draw.normal(size=(rows, 4)) * [1, 10, 0.1, 3] + labels[:, None]
    if categories:
        kinds = np.eye(3)[draw.integers(3, size=rows)]
        x = np.concatenate([x, kinds, draw.integers(2, size=(rows, 1))], 1)
    blocks = ((4, 3), (7, 1)) if categories else ()
    weight = torch.from_numpy(draw.uniform(0.5, 2.0, rows)).to(dtype)
    return Fold(torch.from_numpy(x).to(dtype), torch.from_numpy(labels), weight, 2 + (third > 0), blocks)


def now_for(part, seed=0):
    return Now.at(0, seed).of(part.name)


def resampled(part, fold, seed=0):
    return part.resample(fold, now_for(part, seed))


def counts(fold):
    return torch.bincount(fold.labels, minlength=fold.classes).tolist()


def _library_rows(part, sampler, fold, name="rows"):
    """What imbalanced-learn makes of standardized columns with the same seed, in the fold's units."""
    x, scale = fold.x.numpy(), fold.x.numpy().std(0)
    found, labels = sampler.set_params(random_state=seed_of(now_for(part), name)).fit_resample(x / scale, fold.labels)
    return torch.from_numpy(found * scale)[len(fold) :], torch.from_numpy(np.asarray(labels))[len(fold) :]


@pytest.mark.parametrize("grow", ["all", "smallest"])
def test_oracle_SMOTE(grow):
    from imblearn.over_sampling import SMOTE as Library

    fold = draw_fold(third=12)
    made = resampled(SMOTE(1.0, k=4, grow=grow), fold)
    asked = "not majority" if grow == "all" else "minority"
    x, labels = _library_rows(SMOTE(), Library(k_neighbors=4, sampling_strategy=asked), fold)
    assert_close(made.x[90:], x)
    assert torch.equal(made.labels[90:], labels)


def test_oracle_BorderlineSMOTE():
    from imblearn.over_sampling import BorderlineSMOTE as Library

    fold = draw_fold()
    made = resampled(BorderlineSMOTE(1.0, k=3, m=8), fold)
    x, _ = _library_rows(BorderlineSMOTE(), Library(k_neighbors=3, m_neighbors=8), fold)
    assert len(x) > 0
    assert_close(made.x[90:], x)


def test_oracle_ADASYN():
    from imblearn.over_sampling import ADASYN as Library

    fold = draw_fold()
    made = resampled(ADASYN(1.0, k=5), fold)
    x, _ = _library_rows(ADASYN(), Library(n_neighbors=5), fold)
    assert_close(made.x[90:], x)


def test_oracle_SMOTENC():
    """Decoded to category numbers, the library sees the same table; its rows come back as one-hot blocks."""
    from imblearn.over_sampling import SMOTENC as Library

    fold, part = draw_fold(categories=True), SMOTENC(1.0, k=3)
    scale = fold.x[:, :4].numpy().std(0)
    table = np.concatenate([fold.x[:, :4] / scale, fold.x[:, 4:7].argmax(1, keepdim=True), fold.x[:, 7:]], 1)
    library = Library([4, 5], k_neighbors=3, random_state=seed_of(now_for(part), "rows"))
    expected, _ = library.fit_resample(table, fold.labels.numpy())
    made = resampled(part, fold).x
    assert_close(made[90:, :4], torch.from_numpy(expected[90:, :4].astype(float) * scale))
    assert torch.equal(made[90:, 4:7], torch.eye(3, dtype=torch.float64)[expected[90:, 4].astype(int)])
    assert torch.equal(made[90:, 7], torch.from_numpy(expected[90:, 5].astype(float)))


def test_SMOTENC_of_categories_alone_is_SMOTEN():
    from imblearn.over_sampling import SMOTEN as Library

    fold, part = draw_fold(categories=True), SMOTENC(1.0)
    fold = Fold(fold.x[:, 4:7], fold.labels, fold.weight, 2, ((0, 3),))
    library = Library(random_state=seed_of(now_for(part), "rows"))
    expected, _ = library.fit_resample(fold.x.numpy().argmax(1)[:, None].astype(float), fold.labels.numpy())
    assert torch.equal(resampled(part, fold).x[90:].argmax(1), torch.from_numpy(expected[90:, 0]).long())


def test_oracle_OverSample():
    from imblearn.over_sampling import RandomOverSampler

    fold, part = draw_fold(), OverSample(1.0)
    library = RandomOverSampler(random_state=seed_of(now_for(part), "rows"))
    x, _ = library.fit_resample(fold.x.numpy(), fold.labels.numpy())
    made = resampled(part, fold)
    assert torch.equal(made.x, torch.from_numpy(x))
    assert torch.equal(made.weight, fold.weight[library.sample_indices_])


def test_oracle_UnderSample():
    from imblearn.under_sampling import RandomUnderSampler

    fold, part = draw_fold(), UnderSample(1.0)
    library = RandomUnderSampler(random_state=seed_of(now_for(part), "rows"))
    library.fit_resample(fold.x.numpy(), fold.labels.numpy())
    assert torch.equal(resampled(part, fold).x, fold.x[np.sort(library.sample_indices_)])


def test_oracle_ClassWeights():
    fold = draw_fold(third=9)
    plain = Fold(fold.x, fold.labels, torch.ones(90, dtype=torch.float64), 3)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=fold.labels.numpy())
    assert_close(resampled(ClassWeights(1.0), plain).weight, torch.from_numpy(expected)[fold.labels])
    weighed = resampled(ClassWeights(1.0), fold)
    totals = torch.zeros(3, dtype=torch.float64).index_add(0, fold.labels, weighed.weight)
    assert_close(totals, totals.mean().expand(3))  # rows of unequal weight: every class counts the same all the same
    assert_close(weighed.weight.mean(), fold.weight.mean())


def test_oracle_OutlierFilter():
    """Within each class the rows that scikit-learn's forest scores lowest go, and no others."""
    from sklearn.ensemble import IsolationForest

    fold, part = draw_fold(), OutlierFilter(0.1)
    expected = []
    for label, gone in ((0, 7), (1, 1)):
        rows = np.flatnonzero(fold.labels.numpy() == label)
        forest = IsolationForest(n_estimators=100, random_state=seed_of(now_for(part), "forest"))
        order = np.argsort(forest.fit(fold.x[rows].numpy()).score_samples(fold.x[rows].numpy()))
        expected += list(rows[order[gone:]])
    assert torch.equal(resampled(part, fold).x, fold.x[np.sort(expected)])


@pytest.mark.parametrize("distance", [50.0, -50.0])
def test_planted_outliers_are_what_goes(distance):
    fold = draw_fold(rows=200, rare=40)
    planted = [0, 3, 100, 101, 102, 150]
    x = fold.x.clone()
    x[planted] += distance
    kept = resampled(OutlierFilter(0.05), Fold(x, fold.labels, fold.weight, 2))
    assert float(kept.x.abs().max()) < 45.0
    assert counts(kept) == [152, 38]


@settings(max_examples=25, deadline=None)
@given(cls=st.sampled_from(GROWERS), ratio=st.floats(0.0, 1.0), seed=st.integers(0, 10_000))
def test_rows_there_were_come_first_and_counts_stay_within_the_ratio(cls, ratio, seed):
    fold = draw_fold(seed=seed % 7)
    try:
        made = resampled(cls(ratio), fold, seed)
    except DataError as error:
        assert cls is ADASYN  # so few are wanted that each row's share rounds to none
        assert "No samples" in str(error)
        return
    assert torch.equal(made.x[:90], fold.x)
    assert torch.equal(made.labels[:90], fold.labels)
    assert torch.equal(made.weight[:90], fold.weight)
    goal = max(18, round(ratio * 72))
    assert counts(made)[0] == 72
    slack = {ADASYN: 9, BorderlineSMOTE: 0}.get(cls, 0)
    assert counts(made)[1] <= goal + slack
    assert cls in (ADASYN, BorderlineSMOTE) or counts(made)[1] == goal
    assert set(made.labels[90:].tolist()) <= {1}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), cls=st.sampled_from([SMOTE, BorderlineSMOTE, ADASYN, SMOTENC]))
def test_synthetic_rows_lie_between_and_keep_whole_categories(seed, cls):
    fold = draw_fold(seed=seed % 5, categories=True)
    made = resampled(cls(1.0), fold, seed).x[90:]
    rare = fold.x[fold.labels == 1]
    assert (made[:, :4] >= rare[:, :4].min(0).values - 1e-9).all()
    assert (made[:, :4] <= rare[:, :4].max(0).values + 1e-9).all()
    assert torch.equal(made[:, 4:7].sum(1), torch.ones(len(made), dtype=torch.float64))
    assert set(made[:, 4:].flatten().tolist()) <= {0.0, 1.0}


def test_another_seed_makes_other_rows_and_the_same_seed_the_same():
    fold = draw_fold()
    for cls in (*GROWERS, UnderSample):
        first, again, other = (resampled(cls(1.0), fold, seed).x for seed in (3, 3, 4))
        assert torch.equal(first, again)
        assert first.shape != other.shape or not torch.equal(first, other)


def test_units_of_a_column_do_not_choose_neighbors():
    fold = draw_fold()
    wide = Fold(fold.x * torch.tensor([1.0, 1e6, 1e-6, 1.0]), fold.labels, fold.weight, 2)
    made, stretched = resampled(SMOTE(1.0), fold).x, resampled(SMOTE(1.0), wide).x
    assert_close(stretched / torch.tensor([1.0, 1e6, 1e-6, 1.0]), made)


def test_synthetic_rows_weigh_what_their_class_weighs():
    fold = draw_fold()
    made = resampled(SMOTE(1.0), fold)
    assert_close(made.weight[90:], fold.weight[fold.labels == 1].mean().expand(54))


def test_a_recipe_filters_first_then_grows_then_weighs():
    fold = draw_fold()
    x = fold.x.clone()
    x[2] = 1e3  # an outlier of the rare class: as a parent it would draw synthetic rows toward it
    fold = Fold(x, fold.labels, fold.weight, 2)
    made = Recipe(ClassWeights(1.0), SMOTE(0.5), OutlierFilter(0.06)).resample(fold, Now.at(0))
    assert float(made.x.max()) < 100.0
    assert counts(made) == [68, 34]
    totals = torch.zeros(2, dtype=torch.float64).index_add(0, made.labels, made.weight)
    assert_close(totals[0], totals[1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("cls", [*GROWERS, UnderSample, ClassWeights, OutlierFilter])
def test_dtypes_are_kept(cls, dtype):
    made = resampled(cls(), draw_fold(dtype=dtype))
    assert made.x.dtype == made.weight.dtype == dtype
    assert torch.isfinite(made.x).all()


def test_too_few_rows_are_refused_with_the_k_that_works():
    with pytest.raises(DataError, match=r"class 1 has 4 training rows; 5 neighbors need 6. Lower k to 3."):
        resampled(SMOTE(1.0), draw_fold(rare=4))
    assert counts(resampled(SMOTE(1.0, k=3), draw_fold(rare=4))) == [86, 86]
    with pytest.raises(DataError, match="Use OverSample"):
        resampled(SMOTENC(1.0, k=1), draw_fold(rare=1, categories=True))
    assert counts(resampled(OverSample(1.0), draw_fold(rare=1))) == [89, 89]


def test_a_class_that_a_fold_lacks_is_left_out():
    fold = draw_fold()
    fold = Fold(fold.x, fold.labels, fold.weight, 3)  # a third class, of which this fold has no row
    assert counts(resampled(SMOTE(1.0), fold)) == [72, 72, 0]
    assert counts(resampled(UnderSample(1.0), fold)) == [18, 18, 0]
    assert torch.isfinite(resampled(ClassWeights(1.0), fold).weight).all()


def test_what_cannot_be_is_refused_by_name():
    numbers = Fold(torch.zeros(4, 1), torch.zeros(4), torch.ones(4), 0)
    for cls in (SMOTE, OverSample, UnderSample, ClassWeights):
        with pytest.raises(DataError, match=f"{cls.__name__} balances classes"):
            resampled(cls(), numbers)
    with pytest.raises(DataError, match="Use SMOTE"):
        resampled(SMOTENC(1.0), draw_fold())
    with pytest.raises(DataError, match=r"ADASYN cannot make rows"):
        far = draw_fold()
        resampled(ADASYN(1.0), Fold(far.x + 1e4 * far.labels[:, None], far.labels, far.weight, 2))
    no_counts = [{"k": k} for k in (0, 2.5, float("inf"), float("nan"), True, "5")]
    for wrong in [*no_counts, {"grow": "none"}]:
        with pytest.raises(RecipeError):
            SMOTE(**wrong)
    assert type(SMOTE(k=5.0).k) is int


def test_no_pattern_and_no_dial_is_put_around_a_data_level_part():
    for wrap in (lambda part: where(part, "*"), lambda part: schedule(part, ramp(3))):
        with pytest.raises(RecipeError, match="SMOTE"):
            wrap(SMOTE(1.0))
