"""The compiled loop that moves pictures, against torch's interpolation and against single pixels by hand."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.fx.experimental.proxy_tensor import make_fx

import wellfit as wf
from wellfit.kernels import library
from wellfit.regularizers import warping
from wellfit.regularizers.affine import mirrored, moved, sheared, turned, zoomed
from wellfit.regularizers.warping import FILLS, _by_loop, _by_torch, warp

pytestmark = pytest.mark.skipif(library() is None, reason="there is no C compiler here")


def drawn(rows: int, seed: int) -> torch.Tensor:
    """Matrices that turn, enlarge, shear and move by a few pixels."""
    g = torch.Generator().manual_seed(seed)

    def around(wide):
        return wide * (2 * torch.rand(rows, generator=g, dtype=torch.float64) - 1)

    bent = zoomed(1 + around(0.5)) @ sheared(around(0.3), around(0.3)) @ moved(around(9), around(9))
    return (turned(around(180)) @ bent).matrix()


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(0, 5), channels=st.integers(1, 9), height=st.integers(2, 40), width=st.integers(2, 300),
    fill=st.sampled_from(list(FILLS)), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_the_loop_gives_what_torch_gives_in_float64(rows, channels, height, width, fill, seed):
    g = torch.Generator().manual_seed(seed)
    x, maps = torch.rand(rows, channels, height, width, generator=g), drawn(rows, seed)
    black = torch.rand(channels, 1, 1, generator=g)
    expected = warp(x.double(), maps, fill, black=black.double())
    found = warp(x, maps, fill, black=black)
    assert found.shape == x.shape
    assert ((found - expected).abs() < 2e-4).all(), "a place of 300 pixels is known to a hundred-thousandth"


def test_it_is_as_near_to_the_truth_as_torch_in_float32():
    x, maps = torch.rand(8, 3, 96, 96), drawn(8, 1)
    truth = warp(x.double(), maps)
    by_loop = (warp(x, maps) - truth).abs().max()
    by_torch = (_by_torch(x, maps, "reflect", "bilinear", None) - truth).abs().max()
    assert by_loop < 2 * by_torch


def test_single_pixels_by_hand():
    """A picture of one bright pixel, moved by a quarter of a pixel to the right and half a pixel down."""
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1.0
    out = warp(x, moved(torch.tensor([0.25], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64)).matrix())
    assert out[0, 0, 2:4, 2:4].tolist() == [[0.375, 0.125], [0.375, 0.125]]
    assert out.sum() == 1.0


def test_what_is_turned_by_nothing_stays_bit_for_bit():
    x = torch.randn(4, 3, 7, 9)
    x[0, 0, 0, 0], x[1, 1, 1, 1] = math.nan, math.inf
    maps = torch.eye(3, dtype=torch.float64).repeat(4, 1, 1)
    assert torch.equal(warp(x, maps).view(torch.int32), x.view(torch.int32))


def test_a_mirror_image_is_exact():
    x = torch.randn(2, 3, 6, 8)
    across, down = torch.tensor([1.0, 1.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    out = warp(x, mirrored(across, down).matrix())
    assert torch.equal(out[0], x[0].flip(-1))
    assert torch.equal(out[1], x[1].flip(-1, -2))


@pytest.mark.parametrize("fill", list(FILLS))
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300, -1e30])
def test_a_map_that_is_no_map_reads_no_memory_that_is_not_its_own(fill, bad):
    x = torch.ones(2, 3, 6, 6)
    for entry in range(6):
        maps = torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
        maps[0, entry // 3, entry % 3] = bad
        out = warp(x, maps, fill, black=torch.full((3, 1, 1), 0.5))
        assert torch.equal(out[1], x[1])
        assert bool(((out[0] >= 0.0) & (out[0] <= 1.0 + 1e-6)).all()), "between black and the picture's own values"


def test_pictures_in_any_layout_are_read_as_they_are():
    x, maps = torch.randn(3, 4, 10, 12), drawn(3, 2)
    expected = warp(x, maps)
    assert torch.equal(warp(x.to(memory_format=torch.channels_last), maps), expected)
    assert torch.equal(warp(torch.cat([x, x], 3)[..., :12], maps), expected)
    assert warp(x.to(torch.bfloat16), maps).dtype == torch.bfloat16


@pytest.mark.parametrize("dims", [(0, 0), (None, 0), (0, None)])
def test_a_stack_gives_what_each_gives_alone(dims):
    x, maps = torch.randn(3, 4, 2, 9, 9), torch.stack([drawn(4, s) for s in range(3)])
    args = [leaf if axis is not None else leaf[0] for leaf, axis in zip((x, maps), dims, strict=True)]
    stacked = torch.vmap(warp, in_dims=dims)(*args)
    for i in range(3):
        alone = warp(*(leaf if axis is None else leaf[i] for leaf, axis in zip(args, dims, strict=True)))
        assert torch.equal(stacked[i], alone)


def test_members_with_a_black_of_their_own():
    x, maps, black = torch.randn(3, 2, 3, 6, 6), torch.stack([drawn(2, s) for s in range(3)]), torch.randn(3, 3, 1, 1)
    stacked = torch.vmap(lambda x, m, b: warp(x, m, "constant", black=b))(x, maps, black)
    for i in range(3):
        assert torch.equal(stacked[i], warp(x[i], maps[i], "constant", black=black[i]))


@pytest.mark.parametrize("fill", list(FILLS))
def test_gradients_are_those_of_torch(fill):
    x, maps, black = torch.rand(3, 2, 7, 8), drawn(3, 4), torch.rand(2, 1, 1)
    dark = black if fill == "constant" else None
    one, other = (x.clone().requires_grad_() for _ in range(2))
    (warp(one, maps, fill, black=black) ** 2).sum().backward()
    (_by_torch(other, maps, fill, "bilinear", dark) ** 2).sum().backward()
    assert one.grad == pytest.approx(other.grad, abs=1e-4)
    inside = torch.func.grad(lambda v: (warp(v, maps, fill, black=black) ** 2).sum())(x)
    assert inside == pytest.approx(other.grad, abs=1e-4)


def test_weights_are_trained_through_a_stack():
    """The gradient of a member's scale of the picture is twice the sum of squares of what comes out."""
    x, maps = torch.rand(4, 3, 8, 8), drawn(4, 5)
    scales = torch.tensor([1.0, 2.0])
    found = torch.vmap(torch.func.grad(lambda s: (warp(s * x, maps) ** 2).sum()))(scales)
    assert found == pytest.approx(2 * scales * (warp(x, maps) ** 2).sum(), rel=1e-4)


def test_torch_counts_it_as_a_sound_operation():
    torch.library.opcheck(_by_loop, (torch.rand(2, 3, 5, 6), drawn(2, 6), torch.zeros(3), "reflect"))
    needing = torch.rand(2, 3, 5, 6).requires_grad_()
    torch.library.opcheck(_by_loop, (needing, drawn(2, 6), torch.zeros(3), "constant"))


def test_a_traced_graph_has_a_gradient_and_does_without_the_loop(monkeypatch):
    x, maps = torch.rand(3, 2, 6, 7), drawn(3, 8)
    graph = make_fx(lambda v: warp(v, maps))(x)
    assert any("wellfit.warp" in str(node.target) for node in graph.graph.nodes)
    one, other = (x.clone().requires_grad_() for _ in range(2))
    graph(one).square().sum().backward()
    warp(other, maps).square().sum().backward()
    assert torch.equal(one.grad, other.grad)
    expected = warp(x, maps)
    monkeypatch.setattr("wellfit.regularizers.warping.library", lambda: None)
    assert graph(x) == pytest.approx(expected, abs=1e-5)


def test_the_pictures_of_a_stack_go_in_one_call(monkeypatch):
    calls, loops = [], library()
    counted = types.SimpleNamespace(wellfit_warp=lambda *given: calls.append(1) or loops.wellfit_warp(*given))
    monkeypatch.setattr(warping, "library", lambda: counted)
    torch.vmap(warp)(torch.rand(7, 4, 3, 8, 8), torch.stack([drawn(4, s) for s in range(7)]))
    assert len(calls) == 1


BAD = {
    "fewer maps": lambda x, maps, black: (x, maps[:1], black),
    "fewer channels of black": lambda x, maps, black: (x, maps, black[:1]),
    "another axis": lambda x, maps, black: (x[None], maps, black),
    "doubles": lambda x, maps, black: (x.double(), maps, black),
    "halves": lambda x, maps, black: (x.half(), maps, black),
    "coarse maps": lambda x, maps, black: (x, maps.float(), black),
    "black in doubles": lambda x, maps, black: (x, maps, black.double()),
    "a single row": lambda x, maps, black: (x[:, :, :1], maps, black),
}


@pytest.mark.parametrize("how", list(BAD))
def test_what_does_not_fit_is_refused_before_memory_is_touched(how):
    with pytest.raises(ValueError, match="do not fit each other"):
        torch.ops.wellfit.warp(*BAD[how](torch.rand(4, 3, 6, 6), drawn(4, 9), torch.zeros(3)), "reflect")
    with pytest.raises(ValueError, match="'odd'"):
        torch.ops.wellfit.warp(torch.rand(4, 3, 6, 6), drawn(4, 9), torch.zeros(3), "odd")


def test_one_black_for_all_channels_is_spread():
    out = warp(torch.ones(2, 9, 6, 6), drawn(2, 3), "constant", black=torch.full((1, 1, 1), 0.5))
    assert bool(((out >= 0.5 - 1e-6) & (out <= 1.0 + 1e-6)).all())


def test_what_it_does_not_do_is_left_to_torch():
    maps = drawn(2, 7)
    thin = torch.rand(2, 3, 1, 9)
    assert torch.equal(warp(thin, maps), _by_torch(thin, maps, "reflect", "bilinear", None))
    x = torch.rand(2, 3, 9, 9)
    assert torch.equal(warp(x, maps, interpolation="nearest"), _by_torch(x, maps, "reflect", "nearest", None))
    assert torch.equal(warp(x.double(), maps), _by_torch(x.double(), maps, "reflect", "bilinear", None))


def test_a_recipe_changes_pictures_alike_with_and_without_it(monkeypatch):
    x, recipe = torch.rand(16, 3, 20, 20), wf.Recipe(wf.Rotation(20.0), wf.Shift(0.1), wf.Flip(0.5), wf.Contrast(0.3))
    from wellfit.draws import Now

    with_loop = recipe.batch(x, None, Now.at(3))[0]
    monkeypatch.setattr("wellfit.regularizers.warping.library", lambda: None)
    without = recipe.batch(x, None, Now.at(3))[0]
    assert not torch.equal(with_loop, x)
    assert np.abs((with_loop - without).numpy()).max() < 1e-4
