"""In a loop of one's own, proximal steps rest at the Lasso's solution whatever momentum torch's optimizer gathers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso
from torch import nn
from torch.testing import assert_close

from wellfit import L1, Recipe

RULES = {
    "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "dampening": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, dampening=0.5),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.002, momentum=0.5, alpha=0.999, eps=0.1),
}


@pytest.mark.parametrize("rule", RULES)
def test_oracle_L1_rests_at_the_Lasso(rule):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 5))
    y = x @ np.array([3.0, -2.0, 0.0, 0.0, 0.05]) + 0.1 * draw.normal(size=60)
    theirs = Lasso(alpha=0.25, fit_intercept=False, tol=1e-12).fit(x, y).coef_  # 1 / (2 n) against 1 / n: half
    model = nn.Linear(5, 1, bias=False).double()
    nn.init.constant_(model.weight, 0.01)
    optimizer = RULES[rule](model.parameters())
    inputs, wanted = torch.from_numpy(x), torch.from_numpy(y).unsqueeze(1)
    with Recipe(L1(0.5)).attach(model, optimizer) as run:
        for _ in range(1500):
            xb, yb = run.batch(inputs, wanted)
            optimizer.zero_grad()
            run.loss(nn.functional.mse_loss, model(xb), yb).backward()
            optimizer.step()
        found = model.weight.detach().numpy()[0].copy()
    assert_close(found, theirs, rtol=0, atol=1e-3)  # RMSprop comes near slowly; momentum alone would be .2 off
    assert np.array_equal(found == 0, theirs == 0)
