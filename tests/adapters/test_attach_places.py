"""Dropout and noise put into a model that knows nothing of it: by type, by name, behind functions."""

from __future__ import annotations

import warnings

import pytest
import torch
from loops import INPUTS, batches, functional, loop, make, optimizer_for, values
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import wellfit as wf
from wellfit import Recipe, RecipeError, RecipeWarning, UsageError, where

HALF = Recipe(wf.Dropout(0.5))


class Functions(nn.Module):
    """Activations as functions, in four ways of writing them, and one module between them."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(INPUTS, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.gelu = nn.GELU()

    def forward(self, x):
        h = F.relu(self.a(x))
        h = self.gelu(self.b(h))
        h = torch.tanh(self.b(h)) + self.b(h).sigmoid()
        return self.head(F.leaky_relu(h, 0.1))


class Modules(nn.Module):
    """The same network with modules where the other has functions."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(INPUTS, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.gelu = nn.GELU()
        names = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(), "leaky_relu": nn.LeakyReLU(0.1)}
        self.functional = nn.ModuleDict(names)

    def forward(self, x):
        h = self.functional["relu"](self.a(x))
        h = self.gelu(self.b(h))
        h = self.functional["tanh"](self.b(h)) + self.functional["sigmoid"](self.b(h))
        return self.head(self.functional["leaky_relu"](h))


class SharedModule(nn.Module):
    """Two hidden layers that share one ReLU."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(INPUTS, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.head(self.relu(self.b(self.relu(self.a(x)))))


def test_an_objective_sees_every_call_of_a_module():
    model, x, y = make(SharedModule), torch.randn(6, INPUTS, dtype=torch.float64), torch.arange(6) % 3
    one = model.relu(model.a(x))
    two = model.relu(model.b(one))
    by_hand = F.cross_entropy(model.head(two), y) + 0.3 * ((one**2).sum() + (two**2).sum()) / 6
    with Recipe(wf.ActivityPenalty(0.3)).attach(model, optimizer_for(model, "SGD")) as run:
        assert_close(run.loss(nn.CrossEntropyLoss(), model.train()(x), y), by_hand)


@pytest.mark.parametrize("pattern", [None, "functional.tanh|gelu"])
def test_functions_are_places_as_modules_are(pattern):
    """Every way of calling an activation is found, under its name, and trains as the network of modules does."""
    recipe = HALF if pattern is None else Recipe(where(wf.Dropout(0.5), pattern))
    model = make(Functions)
    lone = functional(make(Modules), recipe, "SGD")
    optimizer = optimizer_for(model, "SGD")
    with recipe.attach(model, optimizer, seed=7, allow=["WF-L44"]) as run:
        hidden = {"functional.relu", "functional.tanh", "functional.sigmoid", "functional.leaky_relu", "gelu"}
        assert set(run.reached) == (hidden if pattern is None else {"functional.tanh", "gelu"}) and run.unreached == ()
        loop(model, optimizer, run)
    assert_close(values(model), lone.weights(), rtol=0, atol=1e-10)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(INPUTS, 64), nn.Linear(64, 64), nn.Linear(64, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.head(self.relu(self.b(self.relu(self.a(x)))))


def test_a_module_used_twice_is_two_places():
    """Its two calls drop different units; and the functional step has the same two draws."""
    model, seen = make(Twice), []
    lone = functional(model, HALF, "SGD")
    with HALF.attach(model, optimizer_for(model, "SGD"), seed=7):
        model.relu.register_forward_hook(lambda module, args, out: seen.append((args[0] > 0, out > 0)))
        model(next(batches(1))[0])
    (one_alive, one), (other_alive, other) = seen
    alive = one_alive & other_alive
    assert 0.3 < float((one[alive] == other[alive]).double().mean()) < 0.7
    model = make(Twice)
    optimizer = optimizer_for(model, "SGD")
    with HALF.attach(model, optimizer, seed=7) as run:
        loop(model, optimizer, run)
    assert_close(values(model), lone.weights(), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("after", "reached"),
    [([nn.Linear], {"first", "second", "head"}), (["fir*", "second"], {"first", "second"}), ([nn.Tanh], {"tanh"})],
)
def test_places_by_type_and_by_name(after, reached):
    model = make()
    optimizer = optimizer_for(model, "SGD")
    with HALF.attach(model, optimizer, after=after, allow=["WF-L43"]) as run:
        assert set(run.reached) == reached
        hit = set()
        for name, module in model.named_modules():
            if name in ("first", "second", "head", "relu", "tanh"):
                module.register_forward_hook(
                    lambda m, a, out, name=name: hit.add(name) if (out == 0).double().mean() > 0.3 else None
                )
        model.relu = nn.Softplus()  # which has no zeros of its own
        model(next(batches(1, rows=64))[0])
        # zeros of a layer go through tanh, as they are
        assert hit - {"tanh"} == reached - {"tanh"} and ("tanh" in hit) == bool(reached & {"second", "tanh"})


def test_a_rule_that_nothing_answers_to():
    model = make()
    for rule in (nn.Conv2d, "encoder.*"):
        with pytest.raises(UsageError, match="WF-A03"):
            HALF.attach(model, optimizer_for(model, "SGD"), after=[rule])


class Branching(nn.Module):
    """Its forward depends on values: torch.fx cannot trace it."""

    def __init__(self, functions):
        super().__init__()
        self.a, self.head = nn.Linear(INPUTS, 8), nn.Linear(8, 3)
        self.relu = nn.ReLU() if not functions else nn.Identity()

    def forward(self, x):
        if x.sum() > 1e9:
            return self.head(F.gelu(self.a(x)))
        return self.head(self.relu(F.relu(self.a(x))))


def test_what_was_not_reached_is_told():
    model = make(Branching, functions=False)
    with pytest.warns(RecipeWarning, match="WF-A26.*torch.fx cannot trace"):
        run = HALF.attach(model, optimizer_for(model, "SGD"))
    assert run.reached == ("relu",) and len(run.unreached) == 1
    model = make(Branching, functions=True)
    with pytest.raises(RecipeError, match=r"WF-A25: Dropout finds no place in Branching"):
        HALF.attach(model, optimizer_for(model, "SGD"))
    layer = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), nn.ReLU(), nn.Linear(8, 3))
    with pytest.warns(RecipeWarning, match=r"0 \(TransformerEncoderLayer\)"):
        HALF.attach(layer, optimizer_for(layer, "SGD"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recipe(wf.L1(1e-3)).attach(model, optimizer_for(model, "SGD"))  # nothing to reach, nothing to tell


class Moody(nn.Module):
    """Calls an activation in training only; traced in evaluation mode, it has none."""

    def __init__(self):
        super().__init__()
        self.a, self.head = nn.Linear(INPUTS, 8), nn.Linear(8, 3)
        self.tanh = nn.Tanh()

    def forward(self, x):
        h = self.tanh(self.a(x))
        return self.head(F.relu(h) if self.training else F.relu(F.relu(h)))


def test_a_pass_with_other_calls_than_were_traced():
    model = make(Moody).eval()
    optimizer = optimizer_for(model, "SGD")
    with pytest.raises(UsageError, match=r"WF-A04.*1 activation functions.*2"), HALF.attach(model, optimizer):
        model.train()(next(batches(1))[0])
    assert not model._forward_hooks and torch.overrides._get_current_function_mode() is None


def test_an_lstm_may_be_followed_by_dropout():
    """A recurrent layer hands over values and state: the values are dropped, the state is not."""
    model = nn.LSTM(INPUTS, 6, batch_first=True).double()
    optimizer = optimizer_for(model, "SGD")
    wrapped = nn.Sequential(model)
    with HALF.attach(wrapped, optimizer, after=[nn.LSTM], allow=["WF-L43"]):
        values_, (state, _) = wrapped(torch.randn(4, 7, INPUTS, dtype=torch.float64))
    assert 0.2 < float((values_ == 0).double().mean()) < 0.8 and not (state == 0).any()


def test_weight_noise_reaches_an_lstm():
    """Its weights are held in two places; both see the noise."""
    model = nn.LSTM(INPUTS, 6, batch_first=True).double()
    optimizer, x = optimizer_for(model, "SGD"), torch.randn(2, 3, INPUTS, dtype=torch.float64)
    plain = model(x)[0]
    with Recipe(wf.DropConnect(0.5)).attach(model, optimizer):
        noisy = model(x)[0]
        noisy.sum().backward()
        assert bool((model.weight_hh_l0.grad == 0).any())  # the gradient of what was dropped
    assert not torch.equal(noisy, plain) and torch.equal(model(x)[0], plain)


@pytest.mark.slow
@pytest.mark.parametrize("in_place", [False, True])
def test_functions_inside_of_a_compiled_model_train_as_in_the_plain_one(in_place):
    """The compiler would see the calls, and nobody else: the model runs uncompiled while attached, and that is said."""

    def body(model, optimizer, run):
        if in_place:
            model.compile(backend="aot_eager")
        loop(model if in_place else torch.compile(model, backend="aot_eager"), optimizer, run, count=4)

    torch._dynamo.reset()
    found = []
    for how in (body, lambda *all_: loop(*all_, count=4)):
        model = make(Functions)
        optimizer = optimizer_for(model, "SGD")
        with HALF.attach(model, optimizer, seed=7, allow=["WF-L44"]) as run:
            if how is body:
                with pytest.warns(RecipeWarning, match="WF-A27"):
                    how(model, optimizer, run)
            else:
                how(model, optimizer, run)
        found.append(values(model))
    assert_close(found[0], found[1], rtol=0, atol=1e-12)
    counted = []
    function = torch.compile(lambda x: x.relu(), backend=lambda graph, _: counted.append(1) or graph.forward)
    function(torch.ones(3))
    assert counted  # compiled code compiles again once the recipe is detached
