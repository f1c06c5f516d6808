"""Which models stack and which do not, and that both ways of training come to the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

import wellfit as wf
from models import Counting, Deciding, Dropping, Forgetting, Net, Numbers, Pictures, Reading, Sequences, digits
from wellfit.errors import DataError, UsageError
from wellfit.job.options import Options
from wellfit.job.space import kind_of, make_space
from wellfit.job.stack_or_apart import STACK, Mixes, choose_way
from wellfit.own.goal import make_goal
from wellfit.own.opening import open_search
from wellfit.own.stage import Here
from wellfit.recipe import Recipe
from wellfit.regularizers import EarlyStopping, Mixup
from wellfit.sites import find_sites
from wellfit.training.cohort import Member, seeded
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam
from wellfit.training.population import Course
from wellfit.training.study import Desk, Task

HELD = Net()
NOTHING = Recipe(EarlyStopping().neutral())


def opened(make, parts=None, loss=None, **options):
    train, valid, *_ = parts or digits(pictures=make is Pictures)
    return open_search(make, train, valid, None, loss, Options(**options))


def way_of(make, parts=None):
    ready = opened(make, parts)
    engine = Here()
    engine.open(ready.study)
    return choose_way(engine, ready.study, Mixes(NOTHING, NOTHING, NOTHING), 32, 2.0)


def words(parts):
    """Pixels as whole numbers: a sentence of eight words."""
    return [((x[:, 8:16] * 16).astype(int), y) for x, y in parts]


@pytest.mark.parametrize("make", [Net, Pictures, Counting, Reading])
def test_models_that_vmap_runs_stack(make):
    way = way_of(make, words(digits()) if make is Reading else None)
    assert f"a stack of {STACK} runs" in way.sentence, "the faster way is taken, and nothing speaks against a stack"


@pytest.mark.parametrize(
    ("make", "reason"), [(Deciding, "decides by the values"), (Dropping, "random numbers of its own")]
)
def test_models_that_it_does_not_run_train_one_by_one_and_the_reason_is_said(make, reason):
    way = way_of(make, words(digits()) if make is Sequences else None)
    assert (way.mode, way.chunk) == ("apart", 1)
    assert reason in way.sentence


def test_too_large_models_train_one_by_one(monkeypatch):
    monkeypatch.setattr("wellfit.job.stack_or_apart._MEMORY", 1e-9)
    assert "memory" in way_of(Net).sentence


@pytest.mark.parametrize("make", [Net, Pictures, Counting, Reading])
def test_apart_comes_to_what_a_stack_comes_to(make):
    parts = digits(pictures=make is Pictures)
    ready = opened(make, words(parts) if make is Reading else parts)
    whole = Recipe(wf.Dropout(0.2), wf.WeightDecay(0.1), wf.EMA(0.5), EarlyStopping().neutral())
    members = tuple(Member(whole, 1e-2, s) for s in range(2))
    both = [Desk(ready.study).work(Task(Course(6, 16, 3, mode), members)).cohort for mode in ("eager", "apart")]
    assert [h[0] for h in both[1].history] == [3, 6]
    for (_, *stacked), (_, *alone) in zip(both[0].history, both[1].history, strict=True):
        assert_close(stacked[0], alone[0], rtol=1e-4, atol=1e-5)
        # a bias before batch norm wanders under Adam by rounding alone, and the running mean follows late
        assert_close(stacked[1], alone[1], rtol=1e-2 if make is Pictures else 1e-4, atol=1e-5)


def test_apart_is_the_functional_step_in_float64():
    class Double(Net):
        def __init__(self):
            super().__init__()
            self.double()

    ready = opened(Double)
    recipe = Recipe(wf.Dropout(0.3), Mixup(0.2), wf.L2(1e-2), EarlyStopping().neutral())
    cohort = Desk(ready.study).work(Task(Course(5, 16, 5, "apart"), (Member(recipe, 1e-2, 3),))).cohort
    lone = Lone(seeded(ready.study.make, 3), recipe, Adam(), rate=1e-2, seed=3, epoch_steps=180 // 16)
    from wellfit.draws import member_key
    from wellfit.training.order import epoch_rows

    rows = ready.study.rows
    order = epoch_rows([rows.folds[0][0]], member_key(3).unsqueeze(0), 0, 16, 180 // 16)[:, 0]
    for batch in order[:5]:
        lone.step(rows.x[batch], rows.target.take(batch))
    for name, weight in lone.weights().items():
        assert_close(cohort.last_weights()[name][0], weight, rtol=1e-12, atol=1e-12)
        assert weight.dtype is torch.float64


def test_buffers_written_in_place_are_kept():
    ready = opened(Counting)
    cohort = Desk(ready.study).work(Task(Course(7, 16, 7, "apart"), (Member(NOTHING, 1e-3, 0),))).cohort
    assert float(cohort.last_weights()["seen"]) == 7.0


def test_frozen_weights_stay_and_the_others_move():
    def make():
        net = Net()
        net.first.requires_grad_(False)
        return net

    ready = opened(make)
    cohort = Desk(ready.study).work(Task(Course(5, 16, 5, "eager"), (Member(NOTHING, 1e-2, 0),))).cohort
    before = dict(seeded(ready.study.make, 0).named_parameters())
    after = cohort.last_weights()
    assert torch.equal(after["first.weight"][0], before["first.weight"])
    assert not torch.equal(after["last.weight"][0], before["last.weight"])
    assert any("frozen" in note for note in ready.notes)


def test_own_draws_follow_from_the_seed():
    ready = opened(Dropping)
    runs = [
        Desk(ready.study).work(Task(Course(4, 16, 4, "apart"), (Member(NOTHING, 1e-2, seed),))).cohort.best.outputs
        for seed in (1, 1, 2)
    ]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_parts_that_a_model_cannot_take_are_left_out_with_the_reason():
    class Linear(Net):
        def forward(self, x):
            return self.last(self.first(x))

    told = make_space(opened(Linear).study, "multiclass", False)
    assert "Dropout" not in told.parts
    assert any(line.startswith("Dropout: finds no place") for line in told.left_out)
    ready = opened(Sequences, words(digits()))
    assert kind_of(ready.study.rows.x) == "text"
    space = make_space(ready.study, "multiclass", False)
    assert not {"InputNoise", "Mixup"} & set(space.parts)
    assert {"WeightDecay", "EMA", "LabelSmoothing"} <= set(space.parts)


class Functional(nn.Module):
    """Calls its activations as functions, as most written models do; ``spare`` is never used."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.scale, self.spare, self.last = nn.Parameter(torch.ones(64)), nn.Linear(2, 2), nn.Linear(64, 10)

    def forward(self, x):
        maps = functional.max_pool2d(functional.relu(self.norm(self.first(x))), 2)
        return self.last((maps.flatten(1) * self.scale).tanh())


class Switching(Net):
    """Its forward asks whether it trains."""

    def forward(self, x):
        h = functional.relu(self.first(x))
        return self.last(h * 0.9 if self.training else h)


def test_activations_called_as_functions_are_places():
    ready = opened(Functional, digits(pictures=True))
    assert ready.study.functions
    plain, network = seeded(ready.study.make, 1), seeded(ready.study.network, 1)
    kinds = [s.kind for s in find_sites(network).values()]
    assert kinds.count("hidden") == 2
    x = ready.study.rows.x[:5]
    assert torch.equal(plain.train()(x), network.train()(x))
    assert torch.equal(plain.eval()(x), network.eval()(x))
    assert plain.state_dict().keys() == network.state_dict().keys()
    assert "Dropout" in make_space(ready.study, "multiclass", False).parts
    assert not opened(Switching).study.functions, "tracing would fix what it asks"
    assert not opened(Deciding).study.functions


def test_labels_for_a_loss_of_whole_numbers_are_never_mixed():
    weight = torch.arange(1.0, 11.0)
    ready = opened(Net, loss=nn.CrossEntropyLoss(weight=weight))
    assert (ready.goal.kind, ready.goal.apart) == ("labels", False)
    space = make_space(ready.study, "multiclass", False)
    assert not {"Mixup", "LabelSmoothing"} & set(space.parts)
    assert {"InputNoise", "Dropout", "WeightDecay"} <= set(space.parts)


def test_goals_by_target_and_loss():
    y, logits = torch.tensor([0, 1, 2, 1]), torch.randn(4, 3)
    plain = make_goal(None, y, logits)
    assert (plain.kind, plain.task, plain.count, plain.loss) == ("classes", "multiclass", 3, None)
    smooth = make_goal(nn.CrossEntropyLoss(label_smoothing=0.1), y, logits)
    assert (smooth.kind, smooth.apart) == ("classes", True)
    assert_close(smooth.batch_loss(logits, y), nn.CrossEntropyLoss(label_smoothing=0.1)(logits, y))
    margin = make_goal(nn.MultiMarginLoss(), y, logits)
    assert (margin.kind, margin.apart) == ("labels", True)
    numbers = make_goal(None, torch.randn(4), torch.randn(4, 1))
    assert (numbers.kind, numbers.task) == ("numbers", "regression")
    huber, target, out = nn.HuberLoss(), torch.randn(4, 2), torch.randn(4, 2)
    own = make_goal(huber, target, out)
    assert_close(own.target(target, torch.float32).loss(out), huber(out, target))
    assert_close(own.row_losses(out, target).mean(), huber(out, target))


def test_squared_error_of_one_number_a_row_is_not_broadcast():
    y, out = torch.randn(6), torch.randn(6)
    for shape in ((6,), (6, 1)):
        goal = make_goal(None, y, out.reshape(shape))
        assert_close(goal.target(y, torch.float32).loss(out.reshape(shape)), ((out - y) ** 2).mean())


@pytest.mark.parametrize(
    ("make", "loss", "code"),
    [
        (Net(), None, "WF-U33"),
        (Numbers, None, "WF-D69"),
        (lambda width: Net(), None, "WF-U33"),
        (lambda: 3, None, "WF-U33"),
        (Forgetting, None, "WF-U36"),
        (lambda: HELD, None, "WF-U34"),
        (lambda: Net(outputs=4), None, "WF-D67"),
        (lambda: Net().requires_grad_(False), None, "WF-U35"),
        (Net, "cross", "WF-U30"),
        (Net, nn.CrossEntropyLoss(reduction="none"), "WF-U32"),
        (Net, nn.BCEWithLogitsLoss(), "WF-U31"),
    ],
)
def test_what_does_not_fit_is_refused_by_code(make, loss, code):
    with pytest.raises((UsageError, DataError)) as caught:
        opened(make, loss=loss)
    assert caught.value.code == code
    assert caught.value.fix


def test_a_loss_that_would_broadcast_is_refused():
    x, y = np.random.default_rng(0).normal(size=(40, 10)), np.arange(40.0)
    with pytest.raises(UsageError) as caught:
        opened(lambda: Net(10, 1), [(x, y), (x, y)], loss=nn.MSELoss())
    assert caught.value.code == "WF-U31"


def test_where_a_step_alone_takes_long_no_stack_is_tried():
    ready, engine = opened(Net), Here()
    engine.open(ready.study)
    way = choose_way(engine, ready.study, Mixes(NOTHING, NOTHING, NOTHING), 32, 2.0, longest=1e-9)
    assert way.mode == "apart" and "of which a stack would save little" in way.sentence


def test_a_part_that_raises_on_these_inputs_is_left_out_with_what_it_said():
    """Noise is for amounts; asked of a table's space, token numbers make it raise."""
    space = make_space(opened(Sequences, words(digits())).study, "multiclass", False, "table")
    assert "InputNoise" not in space.parts
    assert any(line.startswith("InputNoise: does not work with this model (") for line in space.left_out)
