"""A compiled step writes its state where it was: no value is read after it has been written over, no holder notices."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from wellfit import EMA, Lookahead, Recipe
from wellfit.target import Target
from wellfit.training.compiler import in_place
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam


def _swapped(a, b, c):
    """Two states that change places, one that becomes part of another, and a result."""
    return [b, a, a[:1] + 0.0, (a + b).sum()]


def _shared(a, b, c):
    """One new value in two places, a view of an old one in the third."""
    new = a * 2.0
    return [new, new, b[:1], c.sum()]


@pytest.mark.parametrize("function", [_swapped, _shared])
def test_results_are_written_over_arguments_in_any_order(function):
    arguments = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), torch.tensor([5.0])]
    expected = [t.clone() for t in function(*arguments)]
    graph = in_place(make_fx(function)(*arguments), 3)
    (result,) = graph(*arguments)
    assert torch.equal(result, expected[3])
    for written, new in zip(arguments, expected, strict=False):
        assert torch.equal(written, new)
    assert len({t.data_ptr() for t in arguments}) == 3


def test_the_graph_it_is_made_from_stays_pure():
    a, b, c = torch.ones(2), torch.zeros(2), torch.zeros(1)
    graph = make_fx(_swapped)(a, b, c)
    in_place(graph, 3)
    graph(a, b, c)
    assert torch.equal(a, torch.ones(2))


@pytest.mark.slow
def test_compiled_steps_equal_eager_ones_and_leave_what_was_handed_out():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)).double()
    recipe = Recipe(EMA(0.9), Lookahead(0.5, steps=2))
    values, weight = torch.eye(3).double()[torch.arange(8) % 3], torch.ones(8).double()
    x, target = torch.randn(8, 5).double(), Target(values, weight, True)
    eager, compiled = (Lone(copy.deepcopy(network), recipe, Adam(), rate=0.01, mode=m) for m in ("eager", "compiled"))
    for step in range(6):
        eager.step(x, target)
        compiled.step(x, target)
        if step == 2:
            held, then = compiled.weights(), {n: w.clone() for n, w in eager.weights().items()}
    if compiled.note:
        pytest.skip(compiled.note)
    for name, w in eager.weights().items():
        assert torch.allclose(w, compiled.weights()[name], rtol=0, atol=1e-10)
        assert torch.allclose(then[name], held[name], rtol=0, atol=1e-10)
