"""The loops that people have: accumulated gradients, loss scales, fused optimizers, closures, autocast, compilers."""

from __future__ import annotations

import pytest
import torch
from loops import CRITERION, EVERYTHING, RATE, STEPPING, batches, loop, make, optimizer_for, trained, values
from torch import nn
from torch.testing import assert_close

import wellfit as wf
from wellfit import Recipe


def test_accumulated_gradients_are_those_of_the_whole_batch():
    """Penalties and clipping act once a step, on the sum."""

    def accumulating(model, optimizer, run):
        for x, y in batches(12):
            for rows in torch.arange(len(x)).chunk(4):
                (CRITERION(model(x[rows]), y[rows]) / 4).backward()
            optimizer.step()
            optimizer.zero_grad()

    assert_close(trained(STEPPING, body=accumulating), trained(STEPPING), rtol=0, atol=1e-12)


def test_each_microbatch_has_noise_of_its_own():
    seen = []

    def accumulating(model, optimizer, run):
        model.relu.register_forward_hook(lambda module, args, out: seen.append(out == 0))
        x, y = next(batches(1))
        for _ in range(2):
            run.loss(CRITERION, model(x), y).backward()
        optimizer.step()

    trained(Recipe(wf.Dropout(0.5)), body=accumulating)
    trained(Recipe(wf.Dropout(0.5)), body=accumulating)
    first, second, again, more = seen
    assert not torch.equal(first, second)
    assert torch.equal(first, again) and torch.equal(second, more)


SCALED = {
    "SGD": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9),
    "fused SGD": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, fused=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=RATE),
    "fused Adam": lambda p: torch.optim.Adam(p, lr=RATE, fused=True),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=0.0),
    "fused AdamW": lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=0.0, fused=True),
}


def _scaled(kind, *, scale, infinite=None, unscale=False, recipe=STEPPING):
    """A loop with a loss scale; at the step ``infinite`` a gradient overflows."""
    model = make()
    optimizer = SCALED[kind](model.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1000)
    with recipe.attach(model, optimizer, seed=7) as run:
        for step, (x, y) in enumerate(batches(8)):
            optimizer.zero_grad()
            scaler.scale(run.loss(CRITERION, model(x), y)).backward()
            if step == infinite:
                model.head.bias.grad[0] = torch.inf
            if unscale:
                scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
        assert run.step == (8 if infinite is None else 7)
    return values(model)


@pytest.mark.parametrize("unscale", [False, True])
@pytest.mark.parametrize("kind", SCALED)
def test_a_loss_scale_changes_nothing(kind, unscale):
    """Clipping at 0.1 sees gradients of the loss, not of 1024 times the loss."""
    assert_close(_scaled(kind, scale=1024.0, unscale=unscale), _scaled(kind, scale=1.0), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", SCALED)
def test_an_overflowed_step_is_no_step(kind):
    """Neither weights, nor projections, nor averages, nor the count of steps see it."""
    fused = _scaled(kind, scale=1024.0, infinite=3)
    assert_close(fused, _scaled(kind.removeprefix("fused "), scale=1.0, infinite=3), rtol=0, atol=1e-10)
    assert all(torch.isfinite(w).all() for w in fused.values())


def test_fused_and_plain_are_one_training():
    for kind in ("SGD", "Adam"):
        assert_close(_scaled(kind, scale=1.0), _scaled(f"fused {kind}", scale=64.0), rtol=0, atol=1e-10)


def test_lbfgs_finds_the_ridge_solution():
    """A closure optimizer under L2 against the normal equations."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    y = torch.randn(30, 1, generator=generator, dtype=torch.float64)
    model = nn.Linear(4, 1, bias=False).double()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=50, tolerance_grad=1e-12, tolerance_change=0.0)
    with Recipe(wf.L2(0.1)).attach(model, optimizer):

        def closure():
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
    exact = torch.linalg.solve(x.T @ x / 30 + 0.1 * torch.eye(4).double(), x.T @ y / 30).T
    assert_close(model.weight, exact, rtol=0, atol=1e-7)


def test_bfloat16_autocast():
    """Penalties and projections are float32: beside autocast they change nothing but the loss's own rounding."""

    def autocast(model, optimizer, run):
        for x, y in batches(12, dtype=torch.float32):
            x, y = run.batch(x, y)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = run.loss(CRITERION, model(x), y)
            loss.backward()
            optimizer.step()

    def plain(model, optimizer, run):
        with torch.autocast("cpu", enabled=False):
            for x, y in batches(12, dtype=torch.float32):
                x, y = run.batch(x, y)
                optimizer.zero_grad()
                run.loss(CRITERION, model(x), y).backward()
                optimizer.step()

    for recipe in (EVERYTHING, Recipe(*EVERYTHING, wf.RDrop(0.5))):
        rough = trained(recipe, model=make().float(), body=autocast)
        exact = trained(recipe, model=make().float(), body=plain)
        assert all(w.dtype is torch.float32 for w in rough.values())
        assert_close(rough, exact, rtol=0, atol=0.03)
        assert any(not torch.equal(rough[n], exact[n]) for n in exact)


@pytest.mark.slow
@pytest.mark.parametrize("in_place", [False, True])
def test_a_compiled_model_trains_as_the_plain_one(in_place):
    def compiled(model, optimizer, run):
        if in_place:
            model.compile(backend="aot_eager")
        loop(model if in_place else torch.compile(model, backend="aot_eager"), optimizer, run, count=6)

    torch._dynamo.reset()
    plain = trained(EVERYTHING, body=lambda *all_: loop(*all_, count=6))
    assert_close(trained(EVERYTHING, body=compiled), plain, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_a_model_compiled_before():
    torch._dynamo.reset()
    model = make()
    wrapped = torch.compile(model, backend="aot_eager")
    wrapped(next(batches(1))[0])  # the graph is there before the hooks
    optimizer = optimizer_for(wrapped, "momentum")
    with EVERYTHING.attach(wrapped, optimizer, seed=7) as run:
        loop(wrapped, optimizer, run, count=6)
    assert_close(values(model), trained(EVERYTHING, body=lambda *all_: loop(*all_, count=6)), rtol=0, atol=1e-10)


def test_the_loop_keeps_its_own_schedule():
    """The recipe's rates are shares of what a scheduler of the loop has set, and the scheduler never sees them."""
    model = make()
    optimizer = optimizer_for(model, "SGD", rate=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    with Recipe(wf.WarmUp(2.0, 0.0)).attach(model, optimizer, epoch_steps=4) as run:
        for step, (x, y) in enumerate(batches(4)):
            before = model.head.bias.detach().clone()
            optimizer.zero_grad()
            CRITERION(model(x), y).backward()
            optimizer.step()
            share = step / 8
            assert_close(model.head.bias.detach(), before - 0.1 * 0.5**step * share * model.head.bias.grad)
            scheduler.step()
            assert abs(optimizer.param_groups[0]["lr"] - 0.1 * 0.5 ** (step + 1)) < 1e-15
        assert abs(run.rates()["head.bias"] - 0.1 / 16 * 0.5) < 1e-12
