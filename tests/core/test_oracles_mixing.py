"""CutMix, Cutout and manifold mixup against the papers' rules in NumPy, OpenCV, networks by hand, and rows."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_answers import ROWS
from torch import nn
from torch.testing import assert_close
from worlds import now_at

from wellfit import Recipe
from wellfit.draws import Now, member_key
from wellfit.errors import RecipeError
from wellfit.regularizers import CutMix, Cutout, ManifoldMixup, Mixup
from wellfit.regularizers.cutting import columns_to_cut, in_box, whole_side
from wellfit.regularizers.mixing import blend
from wellfit.target import Target
from wellfit.testing.outcome import draw_sample

BOXES = [name for name in ROWS if name.startswith("cutmix.box")]


def numbered(rows=8, *shape):
    """Rows that hold their own number, and as many classes, so that it shows where everything came from."""
    x = torch.arange(float(rows), dtype=torch.float64).view(rows, *[1] * len(shape)).expand(rows, *shape).clone()
    eye = torch.eye(rows, dtype=torch.float64)
    return x, Target(eye, torch.ones(rows, dtype=torch.float64), classes=True)


def whole(*values):
    return tuple(torch.tensor(v) for v in values)


def edges(mask):
    """(y1, y2, x1, x2) of a mask that must be a full rectangle; all 0 where it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return [0, 0, 0, 0]
    box = [rows[0], rows[-1] + 1, columns[0], columns[-1] + 1]
    assert mask.sum() == (box[1] - box[0]) * (box[3] - box[2])
    return [int(v) for v in box]


@pytest.mark.parametrize("name", BOXES)
def test_oracle_boxes_of_the_source(name):
    row, expected = ROWS[name]["inputs"], ROWS[name]["expected"]
    size = (row["h"], row["w"])
    box = in_box(size, whole(row["mask"], row["mask"]), whole(row["cy"], row["cx"])).numpy()
    assert edges(box) == expected["y1y2x1x2"]
    assert int(box.sum()) == expected["area"]
    assert abs(1 - box.mean() - expected["lam_image1"]) < ROWS[name]["tol"]


def test_oracle_CutMix_side_of_the_paper():
    row = ROWS["cutmix.paper_side"]
    side = whole_side(row["inputs"]["h"], torch.tensor(1 - row["inputs"]["lam"], dtype=torch.float64).sqrt())
    assert int(side) == row["expected"]["side"]
    assert abs(1 - (int(side) / row["inputs"]["h"]) ** 2 - row["expected"]["real_lam"]) < row["tol"]


def test_oracle_Cutout_rows():
    row = ROWS["cutout.odd_size_seed"]["inputs"]
    odd = in_box((row["h"], row["w"]), whole(row["mask"], row["mask"]), whole(200, 200)).numpy()
    assert edges(odd)[1] - edges(odd)[0] == ROWS["cutout.odd_size_seed"]["expected"]["correct_side"]
    row = ROWS["cutout.mean_share"]["inputs"]
    centers = torch.cartesian_prod(torch.arange(row["h"]), torch.arange(row["w"])).unbind(1)
    holes = in_box((row["h"], row["w"]), whole(row["mask"], row["mask"]), centers)
    assert abs(float(holes.double().mean()) - ROWS["cutout.mean_share"]["expected"]) < 1e-12


def paper_box(height, width, share, center):
    """The paper's rule (its Appendix A), with odd sides kept odd."""
    cut = [int(height * math.sqrt(1 - share)), int(width * math.sqrt(1 - share))]
    first = [center[i] - cut[i] // 2 for i in range(2)]
    clipped = [np.clip([first[i], first[i] + cut[i]], 0, (height, width)[i]) for i in range(2)]
    return [int(v) for v in np.concatenate(clipped)]


@pytest.mark.parametrize("step", range(25))
def test_oracle_CutMix_on_images(step):
    """One box for all rows and channels, pasted from the partner; labels by the clipped area."""
    x, target = numbered(8, 3, 20, 31)
    now = now_at(step=step, seed=5)
    mixed, soft = CutMix(1.0).batch(x, target, now)
    share, center, partner = now.beta(1.0, "share"), now.uniform((2,), "center"), now.permutation(8, "partner")
    box = paper_box(20, 31, float(share), [int(20 * center[0]), int(31 * center[1])])
    expected = x.clone()
    expected[:, :, box[0] : box[1], box[2] : box[3]] = x[partner][:, :, box[0] : box[1], box[2] : box[3]]
    assert torch.equal(mixed, expected)
    area = (box[1] - box[0]) * (box[3] - box[2]) / (20 * 31)
    assert_close(soft.values, (1 - area) * target.values + area * target.values[partner], rtol=0, atol=1e-12)


def test_oracle_CutMix_areas_are_those_of_the_paper():
    """The clipped area over many steps against NumPy's own draws by the paper's rule."""
    x, target = numbered(2, 1, 32, 32)
    found = []
    for step in range(1500):
        mixed, soft = CutMix(1.0).batch(x, target, now_at(step=step, seed=2))
        if not torch.equal(now_at(step=step, seed=2).permutation(2, "partner"), torch.arange(2)):
            found.append(float((mixed[0] != 0).double().mean()))
            assert abs(float(soft.values[0, 1]) - found[-1]) < 1e-12
    draw, peer = np.random.default_rng(0), []
    for _ in range(20_000):
        box = paper_box(32, 32, draw.beta(1, 1), draw.integers(0, 32, 2))
        peer.append((box[1] - box[0]) * (box[3] - box[2]) / 32**2)
    assert len(found) > 600
    assert scipy.stats.ks_2samp(found, peer).pvalue > 1e-3


@pytest.mark.parametrize("step", range(12))
def test_oracle_CutMix_on_tables(step):
    """The same columns of every row come from its partner; labels by their number."""
    x, target = numbered(8, 10)
    now = now_at(step=step, seed=1)
    mixed, soft = CutMix(1.0).batch(x, target, now)
    partner, share = now.permutation(8, "partner"), float(now.beta(1.0, "share"))
    swapped = (mixed != x).any(0)
    count = math.floor(10 * (1 - share) + 0.5)
    assert int(swapped.sum()) == count
    assert torch.equal(mixed, torch.where(swapped, x[partner], x))
    assert_close(soft.values, (1 - count / 10) * target.values + count / 10 * target.values[partner])


def test_CutMix_takes_every_column_as_often():
    x, target = numbered(4, 6)
    hits = sum((CutMix(1.0).batch(x, target, now_at(step=s))[0] != x).any(0).double() for s in range(900))
    assert scipy.stats.chisquare(hits.numpy()).pvalue > 1e-3


def test_oracle_CutMix_loss_is_the_mean_of_both_losses_by_area():
    sample = draw_sample(3)
    now = now_at(step=4)
    mixed, soft = CutMix(1.0).batch(sample.x, sample.target, now)
    area = float((mixed != sample.x).any(0).double().mean())
    assert 0 < area < 1
    labels, logits, partner = sample.target.values.argmax(1), sample.hidden[:, :3], now.permutation(12, "partner")
    one, other = (nn.functional.cross_entropy(logits, y, reduction="none") for y in (labels, labels[partner]))
    assert_close(soft.row_losses(logits), (1 - area) * one + area * other)


@pytest.mark.parametrize(("size", "share"), [((32, 32), 0.5), ((21, 40), 0.33), ((9, 9), 1.0), ((400, 400), 5 / 400)])
def test_oracle_Cutout_on_images(size, share):
    """Against OpenCV's filled rectangle; each image has its own hole, all its channels the same one."""
    x = torch.rand(16, 3, *size, generator=torch.Generator().manual_seed(0)) + 0.1
    now = now_at(step=3)
    out, _ = Cutout(share).batch(x, None, now)
    places = now.uniform((2, 16), "center").double()
    sides = [int(size[i] * share + 1e-9) for i in range(2)]
    seen = set()
    for i, image in enumerate(x):
        y, z = (int(size[j] * places[j, i]) - sides[j] // 2 for j in range(2))
        peer = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
        cv2.rectangle(peer, (z, y), (z + sides[1] - 1, y + sides[0] - 1), (0, 0, 0), -1)
        assert torch.equal(out[i], torch.from_numpy(peer).permute(2, 0, 1))
        seen.add((y, z))
    assert len(seen) > 5


def test_oracle_Cutout_on_tables():
    """Half of the columns of each row, each column as often as any other, in rows that differ."""
    x = torch.ones(3000, 6, dtype=torch.float64)
    holes = Cutout(0.5).batch(x, None, now_at())[0] == 0
    assert bool((holes.sum(1) == 3).all())
    assert scipy.stats.chisquare(holes.sum(0).double().numpy()).pvalue > 1e-3
    assert len({tuple(row) for row in holes.tolist()}) == math.comb(6, 3)


@pytest.mark.parametrize(("share", "columns", "count"), [(0.7, 10, 7), (0.25, 10, 3), (0.1, 5, 1), (0.04, 10, 0)])
def test_a_share_means_the_same_in_every_precision(share, columns, count):
    for dtype in (torch.float32, torch.float64):
        assert int(columns_to_cut(columns, torch.tensor(share, dtype=dtype))) == count
        assert int(whole_side(columns, torch.tensor(0.7, dtype=dtype))) == int(columns * 0.7 + 1e-9)


@pytest.mark.parametrize("part", [CutMix(1.0), Cutout(0.5), Mixup(1.0)], ids=lambda p: p.name)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.bfloat16])
def test_images_keep_their_type_and_neutral_is_identity(part, dtype):
    x = torch.randint(0, 256, (6, 3, 9, 8), generator=torch.Generator().manual_seed(1)).to(dtype)
    target = numbered(6)[1]
    out, soft = part.batch(x, target, now_at(step=2))
    assert out.dtype == dtype
    assert not torch.equal(out, x)
    for neutral in (part.neutral(), Recipe(part.neutral()).on(target.values).parts[0]):
        same, plain = neutral.batch(x, target, now_at(step=2))
        assert torch.equal(same, x)
        assert torch.equal(plain.values, target.values)
    assert (type(part) is Cutout) == torch.equal(soft.values, target.values)


def test_oracle_Mixup_of_pixels():
    """The source's blend of two images: 0.7 of the one, to the nearest level, without wrapping."""
    x = torch.randint(0, 256, (6, 3, 5, 5), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    now = now_at(step=2)
    share, partner = float(now.beta(1.0, "share")), now.permutation(6, "partner")
    peer = np.rint(share * x.numpy() + (1 - share) * x[partner].numpy()).astype(np.uint8)
    mixed = Mixup(1.0).batch(x, numbered(6)[1], now)[0].numpy()
    assert np.abs(mixed.astype(int) - peer).max() <= 1
    assert (mixed != peer).mean() < 0.01
    assert int(blend(torch.tensor([[200.0], [100.0]]), torch.tensor([1, 0]), torch.tensor(0.7))[0].round()) == 170


@pytest.mark.parametrize("cls", [CutMix, Cutout])
def test_a_stack_cuts_images_as_lone_members_do(cls):
    """Each member has a strength, a box and images of its own."""
    values = torch.tensor([0.0, 0.3, 0.8], dtype=torch.float64)
    name = next(iter(cls.knobs()))
    x = torch.rand(3, 5, 2, 12, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.eye(5, dtype=torch.float64).expand(3, 5, 5)
    keys = torch.stack([member_key(i) for i in range(3)])

    def run(value, x, labels, key):
        target = Target(labels, torch.ones(5, dtype=torch.float64), classes=True)
        now = Now(key, torch.tensor(7), torch.tensor(0.0), {}, moment=7, owner="Part")
        out, soft = cls().remember(**{name: value}).batch(x, target, now)
        return out, soft.values

    stacked = torch.func.vmap(run)(values, x, labels, keys)
    for i in range(3):
        for together, alone in zip(stacked, run(values[i], x[i], labels[i], keys[i]), strict=True):
            assert torch.equal(together[i], alone)


@pytest.mark.parametrize("part", [CutMix(), Cutout()], ids=lambda p: p.name)
@pytest.mark.parametrize("shape", [(4,), (4, 3, 2), (4, 1, 2, 2, 2)])
def test_other_forms_are_refused_with_a_way_out(part, shape):
    with pytest.raises(RecipeError, match=f"{len(shape)} axes.*Mixup"):
        part.batch(torch.ones(shape), numbered(4)[1], now_at())


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_oracle_CutMix_on_texts(dtype):
    """The label of a text is whose words it holds: padding is nobody's."""
    x = torch.tensor([[7, 8, *[0] * 18], list(range(11, 31)), [0] * 20], dtype=dtype)
    target = Target(torch.eye(3), torch.ones(3), classes=True)
    for step in range(30):
        now = Now.at(step, 2)
        mixed, soft = CutMix(1.0).batch(x, target, now)
        partner = now.permutation(3, "partner")
        for i, words in enumerate(mixed.tolist()):
            own, other = (sum(w in x[j].tolist() for w in words if w) for j in (i, int(partner[i])))
            if partner[i] != i and own + other:
                assert_close(soft.values[i, i], torch.tensor(own / (own + other)))
                assert_close(soft.values[i].sum(), torch.tensor(1.0))
    mixed, same = CutMix(0.0).batch(x, target, Now.at(0, 2))
    assert torch.equal(mixed, x) and torch.equal(same.values, target.values)


def test_Mixup_refuses_codes():
    with pytest.raises(RecipeError, match="int64"):
        Mixup().batch(torch.arange(6).view(2, 3), numbered(2)[1], now_at())


@pytest.mark.parametrize("part", [CutMix(1.0), Cutout(0.5), Mixup(1.0), ManifoldMixup(1.0)], ids=lambda p: p.name)
def test_one_row_has_no_partner_but_itself(part):
    x, target = torch.ones(1, 4, dtype=torch.float64), numbered(1)[1]
    out, soft = part.batch(x, target, now_at())
    assert_close(soft.values, target.values)
    assert int((out == 1).sum()) == (2 if type(part) is Cutout else 4)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 17), width=st.integers(1, 17), rows=st.integers(1, 5),
    alpha=st.floats(0.01, 5), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_CutMix_labels_sum_to_one_and_tell_the_pasted_area(height, width, rows, alpha, seed):
    x, target = numbered(rows, 2, height, width)
    mixed, soft = CutMix(alpha).batch(x, target, now_at(seed=seed))
    assert_close(soft.values.sum(1), torch.ones(rows, dtype=torch.float64))
    for i in range(rows):
        shares = torch.tensor([float((mixed[i] == j).double().mean()) for j in range(rows)], dtype=torch.float64)
        assert_close(soft.values[i], shares)
        if rows > 1:
            edges((mixed[i, 0] != i).numpy())
