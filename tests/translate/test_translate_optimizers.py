"""Weight decay of real optimizers: where each comes to rest, what one step does, and how fast weights are forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from canonical_minimum import minimum, problem

from wellfit.translator import TOOLS, translate

ROWS = {row["name"]: row for row in json.loads((Path(__file__).parents[1] / "data" / "oracles.json").read_text())}
COUPLED = ("SGD", "Adam", "NAdam", "RAdam", "Adagrad", "RMSprop", "Adamax", "Adadelta")
DECOUPLED = ("AdamW", "Adafactor", "Muon", "Adam(decoupled)", "NAdam(decoupled)", "RAdam(decoupled)")
L2 = 0.05


def optimizer(name: str, w: torch.Tensor, lr: float, weight_decay: float, **more) -> torch.optim.Optimizer:
    cls, _, rest = name.partition("(")
    more |= {"decoupled_weight_decay": True} if rest else {}
    return getattr(torch.optim, cls)([w], lr=lr, weight_decay=weight_decay, **more)


def one_step(name: str, w: float, g: float, lr: float, weight_decay: float) -> float:
    """What a torch optimizer makes of a weight in its first step; Muon takes matrices only."""
    shape = (2, 2) if name == "Muon" else (1,)
    weight = torch.full(shape, w, dtype=torch.float32 if name == "Muon" else torch.float64, requires_grad=True)
    weight.grad = torch.full_like(weight, g)
    optimizer(name, weight, lr, weight_decay).step()
    return weight.flatten()[0].item()


def fit(name: str, weight_decay: float, steps: int, lr: float, half: bool = False, total: bool = False, **more):
    """Full batches of squared errors with a bias that is decayed too, as torch does unless it is told otherwise."""
    x, y = problem()
    full, target = torch.tensor(np.column_stack([x, np.ones(len(x))])), torch.tensor(y)
    w = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    rule = optimizer(name, w, lr, weight_decay, **more)
    pace = torch.optim.lr_scheduler.CosineAnnealingLR(rule, steps)
    for _ in range(steps):
        errors = (full @ w - target) ** 2
        loss = (errors.sum() if total else errors.mean()) * (0.5 if half else 1.0)
        (w.grad,) = torch.autograd.grad(loss, w)
        rule.step()
        pace.step()
    return w.detach().numpy()


def pulled() -> np.ndarray:
    return np.append(*minimum(*problem(), l2=L2, bias="pulled"))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_oracle_sgd_reaches_the_minimum(momentum):
    values = translate("canonical L2=0.05", f"torch.SGD momentum={momentum}").values
    found = fit("SGD", **values, steps=1500, lr=0.1 * (1 - momentum), momentum=momentum)
    np.testing.assert_allclose(found, pulled(), atol=1e-7)


def test_oracle_adam_reaches_the_minimum():
    values = translate("canonical L2=0.05", "torch.Adam").values
    np.testing.assert_allclose(fit("Adam", **values, steps=3000, lr=0.05), pulled(), atol=1e-6)


@pytest.mark.parametrize(("words", "more"), [("half_loss=True", {"half": True}), ("reduction=sum", {"total": True})])
def test_oracle_sgd_with_another_loss(words, more):
    values = translate("canonical L2=0.05", f"torch.SGD {words}", batch=60).values
    lr = 0.1 / 60 if "total" in more else 0.1
    np.testing.assert_allclose(fit("SGD", **values, steps=2500, lr=lr, **more), pulled(), atol=1e-6)


def test_oracle_ridge_with_a_free_bias_in_a_group_of_its_own():
    """The way out that the note names makes torch's solution scikit-learn's."""
    from sklearn.linear_model import Ridge

    x, y = problem()
    found = translate("sklearn.Ridge alpha=3", "torch.SGD", n=60)
    assert "weight_decay=0" in " ".join(found.notes)
    inputs, target = torch.tensor(x), torch.tensor(y)
    w, b = (torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in (5, 1))
    rule = torch.optim.SGD([{"params": [w], **found.values}, {"params": [b], "weight_decay": 0.0}], lr=0.1)
    for _ in range(1500):
        w.grad, b.grad = torch.autograd.grad(((inputs @ w + b - target) ** 2).mean(), (w, b))
        rule.step()
    np.testing.assert_allclose(w.detach(), Ridge(alpha=3.0, tol=1e-12).fit(x, y).coef_, atol=1e-7)


@pytest.mark.parametrize("name", COUPLED)
def test_oracle_coupled_decay_stands_still_at_the_minimum(name):
    """At the minimum of the canonical objective the decayed gradient is 0; with another decay it is not."""
    values = translate("canonical L2=0.05", f"torch.{name}").values
    x, y = problem()
    full, target = torch.tensor(np.column_stack([x, np.ones(len(x))])), torch.tensor(y)
    for factor, still in ((1.0, True), (2.0, False)):
        w = torch.tensor(pulled(), requires_grad=True)
        rule = optimizer(name, w, 1e-3, factor * values["weight_decay"])
        (w.grad,) = torch.autograd.grad(((full @ w - target) ** 2).mean(), w)
        rule.step()
        # Adadelta's first steps are about sqrt(its eps) = 1e-3 of a step
        assert (np.abs(w.detach().numpy() - pulled()).max() < 1e-7) == still


@pytest.mark.parametrize("name", [row for row in ROWS if row.startswith("decay.one_step.torch.")])
def test_oracle_row_of_one_step(name):
    row, which = ROWS[name]["inputs"], name.removeprefix("decay.one_step.torch.").replace("(2x2)", "")
    found = one_step(which, row["w"], row["grad"], row["lr"], row["weight_decay"])
    assert found == pytest.approx(ROWS[name]["expected"], abs=ROWS[name]["tol"])


@pytest.mark.parametrize("name", COUPLED)
@pytest.mark.parametrize("g", [0.0, 0.3])
def test_oracle_coupled_means_added_to_the_gradient(name, g):
    assert one_step(name, 2.0, g, 0.1, 0.01) == pytest.approx(one_step(name, 2.0, g + 0.02, 0.1, 0.0), abs=1e-12)
    assert TOOLS[f"torch.{name}"].form is not None


@pytest.mark.parametrize("name", DECOUPLED)
def test_oracle_decoupled_means_a_share_of_the_weight(name):
    tool = TOOLS[f"torch.{name}"]
    assert tool.decay is not None and tool.form is None
    assert one_step(name, 2.0, 0.0, 0.1, 0.01) == pytest.approx(2.0 * (1 - 0.1 * 0.01), abs=1e-6)


@pytest.mark.parametrize("name", [name for name in COUPLED if name != "SGD"])
def test_an_adaptive_coupled_step_takes_no_share(name):
    """Why it has no timescale: ten times the decay does not make ten times the step."""
    once, more = (2.0 - one_step(name, 2.0, 0.5, 0.1, decay) for decay in (0.01, 0.1))
    base = 2.0 - one_step(name, 2.0, 0.5, 0.1, 0.0)
    proportional = (more - base) == pytest.approx(10 * (once - base), rel=1e-3) and once != base
    assert not proportional or name == "RAdam"  # RAdam's first steps are those of plain SGD
    assert TOOLS[f"torch.{name}"].decay is None


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_oracle_timescale_of_sgd(momentum):
    """With no gradient from the loss, coupled SGD forgets as fast as the AdamW that it translates to."""
    found = translate(f"torch.SGD weight_decay=0.002 lr=0.05 momentum={momentum}", "torch.AdamW lr=0.001")
    steps = int(2 * found.steps)
    left = []
    for name, lr, decay, more in (
        ("SGD", 0.05, 0.002, {"momentum": momentum}), ("AdamW", 0.001, found.values["weight_decay"], {}),
    ):  # fmt: skip
        w = torch.ones(1, dtype=torch.float64, requires_grad=True)
        rule = optimizer(name, w, lr, decay, **more)
        for _ in range(steps):
            w.grad = torch.zeros_like(w)
            rule.step()
        left.append(w.item())
    assert left == pytest.approx([np.exp(-2)] * 2, rel=0.02)


def test_the_pace_in_epochs():
    found = translate("torch.AdamW weight_decay=0.1", "optax.adamw lr=0.0001", n=1000, batch=50, lr=0.001)
    assert (found.steps, found.epochs) == pytest.approx((10_000, 500))
    assert found.values["weight_decay"] == pytest.approx(1.0)
