"""What a loop cannot honor is refused by name, with the way out; and the way out works."""

from __future__ import annotations

import pytest
import torch
from loops import RATE, Net, batches, loop, make, values
from torch import nn
from torch.testing import assert_close

import wellfit as wf
from wellfit import DataError, Recipe, RecipeError, RecipeWarning, UsageError, after, schedule, where
from wellfit.models.mlp import MLP, Shape

CRITERION = nn.CrossEntropyLoss()


def _lbfgs(model):
    return torch.optim.LBFGS(model.parameters())


def _rprop(model):
    return torch.optim.Rprop(model.parameters())


def _sgd(model):
    return torch.optim.SGD(model.parameters(), lr=RATE)


REFUSED = {
    "SAM": (wf.SAM(), _sgd, "WF-A22", "closure=True"),
    "scheduled SAM": (schedule(wf.SAM(), after(2)), _sgd, "WF-A22", "closure=True"),
    "ASAM": (wf.ASAM(), _sgd, "WF-A22", "closure=True"),
    "resampling": (wf.SMOTE(), _sgd, "WF-A20", "before you make the loader"),
    "a norm": (wf.LayerNorm(), _sgd, "WF-A21", "rewritten=True"),
    "a skip": (wf.SpectralNorm(), _sgd, "WF-A21", "rewritten=True"),
    "a proximal step without a metric": (wf.L1(1e-3), _rprop, "WF-A06", "loss form"),
    "a block step without a metric": (wf.GroupLasso(1e-3), _rprop, "WF-A06", "Adam"),
    "decay under LBFGS": (wf.WeightDecay(0.1), _lbfgs, "WF-A23", "coupled"),
    "extras under LBFGS": (wf.VariationalDropout(), _lbfgs, "WF-A23", "another optimizer"),
    "rates apart": (where(wf.Freeze(), "first.*"), _rprop, "WF-A07", "group"),
    "rates apart later": (wf.LayerwiseRates(0.5), _lbfgs, "WF-A07", "group"),
    "warm-up without a length": (wf.WarmUp(), _sgd, "WF-A24", "epoch_steps"),
    "a dial without a length": (schedule(wf.Dropout(0.3), after(2)), _sgd, "WF-A24", "epoch_steps"),
    "no place": (where(wf.Dropout(0.3), "encoder.*"), _sgd, "WF-A25", "after="),
    "no branch": (wf.StochasticDepth(0.2), _sgd, "WF-A25", "after="),
    "no embedding": (wf.NEFTune(5.0), _sgd, "WF-A25", "after="),
    "two decays": ([wf.L2(1e-3), wf.WeightDecay(0.1)], _sgd, "WF-L01", "allow="),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_name_with_the_way_out(case):
    parts, rule, code, out = REFUSED[case]
    recipe, model = Recipe(*parts) if isinstance(parts, list) else Recipe(parts), make()
    with pytest.raises(RecipeError) as caught:
        recipe.attach(model, rule(model))
    assert caught.value.code == code and out in caught.value.fix
    assert next(iter(recipe)).name in caught.value.message
    assert not model._forward_pre_hooks


@pytest.mark.parametrize(
    ("parts", "rule", "options"),
    [
        ([wf.L2(1e-3), wf.WeightDecay(0.1)], _sgd, {"allow": ["WF-L01"]}),
        ([wf.WarmUp()], _sgd, {"epoch_steps": 4}),
        ([wf.L1(1e-3, form="loss"), wf.MaxNorm()], _rprop, {}),
        ([wf.ReduceOnPlateau(), wf.EarlyStopping()], _rprop, {}),
        ([wf.SAM(0.0), wf.StochasticDepth(0.0)], _sgd, {}),
        ([where(wf.StochasticDepth(0.2), "relu")], _sgd, {}),
        ([wf.Dropout(0.2)], _sgd, {"after": ["first"]}),
    ],
)
def test_the_ways_out_work(parts, rule, options):
    model = make()
    optimizer = rule(model)
    before = values(model)
    with Recipe(*parts).attach(model, optimizer, **options) as run:
        loop(model, optimizer, run, count=3)
    assert not torch.equal(values(model)["head.weight"], before["head.weight"])


def test_a_rewritten_model_comes_first():
    recipe = Recipe(wf.LayerNorm(), wf.Dropout(0.2))
    model = recipe.rewrite(MLP(Shape(5, 3, 8, 2))).double()
    optimizer = _sgd(model)
    before = values(model)
    with recipe.attach(model, optimizer, rewritten=True) as run:
        loop(model, optimizer, run, count=2)
    assert any(isinstance(m, nn.LayerNorm) for m in model.modules())
    assert not torch.equal(values(model)["head.weight"], before["head.weight"])


def test_a_loop_that_leaves_a_line_out_is_told_at_its_first_step():
    x, y = next(batches(1))
    for part, line in ((wf.Mixup(0.2), "run.batch"), (wf.RDrop(1.0), "run.loss"), (wf.LabelSmoothing(), "run.batch")):
        model = make()
        optimizer = _sgd(model)
        before = values(model)
        with pytest.raises(UsageError, match=f"WF-A15: {part.name}.*{line}"), Recipe(part).attach(model, optimizer):
            CRITERION(model(x), y).backward()
            optimizer.step()
        assert_close(values(model), before, rtol=0, atol=0)


def test_a_closure_promised_and_not_given():
    model, (x, y) = make(), next(batches(1))
    optimizer = _sgd(model)
    with (
        pytest.raises(UsageError, match=r"WF-A05.*closure"),
        Recipe(wf.SAM()).attach(model, optimizer, closure=True) as run,
    ):
        run.loss(CRITERION, model(x), y).backward()
        optimizer.step()


def test_one_recipe_at_a_time():
    model, other = make(), make()
    optimizer = torch.optim.SGD([*model.parameters(), *other.parameters()], lr=RATE)
    with Recipe(wf.L2(1e-3)).attach(model, optimizer):
        for pair in ((model, _sgd(model)), (other, optimizer)):
            with pytest.raises(UsageError, match="WF-A09"), Recipe(wf.EMA()).attach(*pair):
                pass
    with Recipe(wf.EMA()).attach(model, optimizer):
        pass


def test_model_and_optimizer_belong_together():
    model = make()
    for pair in ((model, _sgd(make())), (model, "Adam"), ("model", _sgd(model))):
        with pytest.raises(UsageError, match="WF-A02"):
            Recipe(wf.L2(1e-3)).attach(*pair)
    for steps in (0, -1, True):
        with pytest.raises(UsageError, match="WF-A01"):
            Recipe(wf.L2(1e-3)).attach(model, _sgd(model), epoch_steps=steps)
    with pytest.raises(TypeError):
        Recipe(wf.L2(1e-3)).attach(model, _sgd(model), epochs=4)


def test_targets_that_cannot_be_mixed():
    model, (x, y) = make(), next(batches(1))
    with Recipe(wf.Mixup(0.2)).attach(model, _sgd(model)) as run:
        for target, kind, code in (
            (y.tolist(), UsageError, "WF-A11"), (y - 1, DataError, "WF-A12"), (y + 3, DataError, "WF-A12"),
            (y.repeat(2, 1), DataError, "WF-A12"),
        ):  # fmt: skip
            with pytest.raises(kind, match=code):
                run.batch(x, target)
        assert run.batch(x, y)[1].shape == (16, 3)  # how many classes there are, the model told
    scores = nn.Sequential(nn.Linear(5, 1), nn.Flatten(0))
    with Recipe(wf.Mixup(0.2)).attach(scores, _sgd(scores)) as run, pytest.raises(UsageError, match="WF-A13"):
        run.batch(x.float(), y)


def test_targets_keep_their_form():
    """What no part changes is handed on as it came; numbers come back in their own shape and dtype."""
    model, (x, y) = make(), next(batches(1))
    with Recipe(wf.InputNoise(0.1)).attach(model, _sgd(model)) as run:
        assert run.batch(x, y)[1] is y
    with Recipe(wf.Mixup(0.4)).attach(model, _sgd(model), seed=7) as run:
        for shape in ((16,), (16, 1), (16, 2)):
            numbers = torch.arange(16 * max(1, shape[-1] if len(shape) > 1 else 1), dtype=torch.float32).reshape(shape)
            mixed = run.batch(x, numbers)[1]
            assert mixed.shape == shape and mixed.dtype is torch.float32
            assert not torch.equal(mixed, numbers) and abs(mixed.mean() - numbers.mean()) < numbers.std()


def test_dropout_behind_the_last_layer_is_refused_wherever_it_is_registered():
    class Late(Net):
        def __init__(self):
            super().__init__()
            self.last = self.head
            self.dropout = nn.ReLU()

        def forward(self, x):
            return self.last(self.dropout(self.first(x)))

    model = make(Late)
    recipe = Recipe(wf.Dropout(0.2))
    with recipe.attach(model, _sgd(model)) as run:  # registered behind the head, and used before it
        assert "dropout" in run.reached
    with pytest.raises(RecipeError, match=r"WF-L43.*head"):
        recipe.attach(model, _sgd(model), after=["first", "head"])
    with recipe.attach(model, _sgd(model), after=["first", "head"], allow=["WF-L43"]) as run:
        assert run.reached == ("first", "head")


def test_warnings_of_the_lint_are_warnings():
    model = make(Net, norm=True)
    with pytest.warns(RecipeWarning, match="WF-L40"):
        Recipe(where(wf.Dropout(0.2), "first")).attach(model, _sgd(model), after=["first"])


def test_a_sparse_gradient_and_a_penalty():
    model = nn.Sequential(nn.Embedding(10, 4, sparse=True), nn.Flatten(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    with pytest.raises(UsageError, match=r"WF-A08.*0\.weight"), Recipe(wf.ClipNorm(1.0)).attach(model, optimizer):
        model(torch.randint(10, (4, 2))).sum().backward()
        optimizer.step()


class Named(torch.nn.Module):
    """Inputs by name, as in a dictionary of columns."""

    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.last(torch.cat([x["a"], x["b"]], dim=1))


def test_inputs_in_a_dictionary_can_have_their_labels_softened_and_no_noise():
    model, y = Named(), torch.tensor([0, 1, 2])
    x = {"a": torch.ones(3, 2), "b": torch.ones(3, 2)}
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for part in (wf.InputNoise(0.1), wf.Mixup(0.2)):
        with (
            pytest.raises(wf.UsageError, match=rf"WF-A17: {part.name} changes batches.*came as dict"),
            Recipe(part).attach(model, optimizer, classes=3) as run,
        ):
            run.batch(x, y)
    with Recipe(wf.LabelSmoothing(0.3)).attach(model, optimizer, classes=3) as run:
        same, shares = run.batch(x, y)
    assert same is x
    torch.testing.assert_close(shares[0], torch.tensor([0.8, 0.1, 0.1]))


def test_a_run_that_nobody_holds_does_not_stand_in_the_way():
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    Recipe(wf.EMA(0.9)).attach(model, optimizer).open()
    with Recipe(wf.EMA(0.9)).attach(model, optimizer) as run, pytest.raises(wf.UsageError, match="WF-A09"):
        Recipe(wf.EMA(0.9)).attach(model, optimizer).open()
    assert run.step == 0
