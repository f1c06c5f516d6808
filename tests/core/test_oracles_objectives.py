"""Objectives against independent words: torch's own autograd and losses, scipy, Keras, and closed forms by hand."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close
from worlds import now_at

from wellfit import (
    ActivityPenalty,
    AdversarialTraining,
    BatchNorm,
    ConfidencePenalty,
    Distillation,
    Dropout,
    InputGradientPenalty,
    JacobianPenalty,
    LabelSmoothing,
    RDrop,
    Recipe,
    SelfDistillation,
    TemporalActivityPenalty,
    VirtualAdversarial,
    where,
)  # fmt: skip
from wellfit.errors import RecipeError
from wellfit.regularizers.objectives import row_divergence
from wellfit.sites import Marker
from wellfit.target import Target
from wellfit.testing.outcome import Sample, draw_sample, small_network
from wellfit.training.cohort import Member, seeded
from wellfit.training.optimizers import SGD
from wellfit.training.population import Course
from wellfit.training.step import Batch, Seen, Trainer

TASKS = ("classification", "regression")
AT_INPUTS = (AdversarialTraining(0.5, 0.3), VirtualAdversarial(), JacobianPenalty(0.1), InputGradientPenalty(0.1))


def trained(recipe: Recipe, sample: Sample, network: nn.Module, resources=None, step: int = 0):
    """The loss of one step as our engine has it, and the gradient that it took."""
    trainer = Trainer(copy.deepcopy(network), SGD(), resources or {})
    state = trainer.start(network, recipe)
    moment = now_at(state.params, rate=1.0, step=step)
    later, loss = trainer.step(state, Batch(sample.x, sample.target), moment)
    return loss, {n: state.params[n] - later.params[n] for n in state.params}


def filled(task: str, sample: Sample) -> nn.Module:
    network = small_network(task).double()
    network.load_state_dict(sample.params)
    return network


def plain_loss(outputs: torch.Tensor, sample: Sample) -> torch.Tensor:
    if sample.target.classes:
        return F.cross_entropy(outputs, sample.target.values.argmax(1))
    return F.mse_loss(outputs, sample.target.values)


def hold(recipe: Recipe, task: str, theirs, *, resources=None, atol: float = 1e-12) -> None:
    """The loss and its gradient are what ``theirs(network, sample)`` and torch's autograd say."""
    sample = draw_sample(4, task)
    network = filled(task, sample)
    loss, grads = trained(recipe, sample, network, resources)
    peer = copy.deepcopy(network)
    expected = theirs(peer, sample)
    expected.backward()
    assert_close(loss, expected.detach(), rtol=0, atol=atol)
    for name, p in peer.named_parameters():
        assert_close(grads[name], p.grad, rtol=0, atol=atol)


def passes(*outputs: torch.Tensor, target: Target):
    """A loss that sees these outputs, one pass after another."""
    left = list(outputs)

    def loss_of(x, target, now):
        found = left.pop(0)
        return target.loss(found), Seen(found, {}, {})

    return loss_of


def labels_of(rows: int, classes: int) -> Target:
    values = F.one_hot(torch.arange(rows) % classes, classes).double()
    return Target(values, torch.ones(rows, dtype=torch.float64), classes=True)


# Teachers


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_oracle_Distillation(temperature):
    """The form of Hinton et al. by torch's own kl_div."""
    teacher = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)).double()

    def theirs(network, sample):
        outputs = network(sample.x)
        soft = F.kl_div(
            F.log_softmax(outputs / temperature, 1), F.softmax(teacher(sample.x).detach() / temperature, 1),
            reduction="batchmean",
        )  # fmt: skip
        return 0.3 * plain_loss(outputs, sample) + 0.7 * temperature**2 * soft

    hold(Recipe(Distillation(0.7, temperature)), "classification", theirs, resources={"teacher": teacher})


def test_oracle_Distillation_of_numbers():
    def theirs(network, sample):
        outputs = network(sample.x)
        return 0.6 * plain_loss(outputs, sample) + 0.4 * F.mse_loss(outputs, sample.x[:, :1] * 2)

    hold(Recipe(Distillation(0.4)), "regression", theirs, resources={"teacher": lambda x: x[:, :1] * 2})


def test_distillation_with_all_of_it_the_teachers_learns_the_teacher_and_not_the_labels():
    teacher, network = seeded(lambda: nn.Linear(5, 3).double(), 3), seeded(worlds.make, 4)
    rows = worlds.make_rows()
    trainer = Trainer(network, SGD(momentum=0.9), {"teacher": teacher})
    state = trainer.start(network, Recipe(Distillation(1.0, 2.0)))
    wrong = Target(rows.target.values.roll(1, 1), rows.target.weight, classes=True)
    for step in range(400):
        state, _ = trainer.step(state, Batch(rows.x, wrong), now_at(state.params, step=step, rate=0.05))
    ours = trainer.predict(state.deployed(), rows.x).argmax(1)
    assert float((ours == teacher(rows.x).argmax(1)).double().mean()) > 0.95


def test_distillation_without_a_teacher_is_refused():
    sample = draw_sample(1)
    with pytest.raises(RecipeError, match="needs a teacher"):
        trained(Recipe(Distillation()), sample, filled("classification", sample))


def test_a_teacher_is_no_part_of_the_recipes_file():
    form = Recipe(Distillation(0.5, 3.0)).to_json()["regularizers"]
    assert form == [{"Distillation": {"share": 0.5, "temperature": 3.0}}]


@pytest.mark.parametrize("task", TASKS)
def test_oracle_SelfDistillation(task):
    """Steps by hand with a second network that torch's AveragedModel keeps."""
    sample = draw_sample(3, task)
    network = filled(task, sample)
    trainer = Trainer(copy.deepcopy(network), SGD())
    state = trainer.start(network, Recipe(SelfDistillation(2.0, 0.8)))
    peer = copy.deepcopy(network)
    optimizer = torch.optim.SGD(peer.parameters(), lr=0.1)
    decays = iter([0.0, 0.5, 2 / 3, 0.75, 0.8, 0.8, 0.8, 0.8])
    average = copy.deepcopy(peer)
    for step in range(8):
        batch = draw_sample(100 + step, task)
        state, _ = trainer.step(state, Batch(batch.x, batch.target), now_at(state.params, step=step))
        optimizer.zero_grad()
        outputs, told = peer(batch.x), average(batch.x).detach()
        if task == "classification":
            apart = F.kl_div(F.log_softmax(outputs, 1), F.log_softmax(told, 1), reduction="batchmean", log_target=True)
        else:
            apart = F.mse_loss(outputs, told)
        (plain_loss(outputs, batch) + 2.0 * apart).backward()
        optimizer.step()
        d = next(decays)
        with torch.no_grad():
            for a, p in zip(average.parameters(), peer.parameters(), strict=True):
                a.copy_(d * a + (1 - d) * p)
    for name, p in peer.named_parameters():
        assert_close(state.params[name], p.detach(), rtol=0, atol=1e-12)
    for name, p in average.named_parameters():
        assert_close(state.recipe["SelfDistillation"].average[name], p.detach(), rtol=0, atol=1e-12)


def test_self_distillation_of_a_part_of_the_network_is_refused():
    with pytest.raises(RecipeError, match="whole network"):
        where(SelfDistillation(), "head.*")


# Agreement and confidence


def test_oracle_RDrop():
    draw = torch.Generator().manual_seed(0)
    first, second = (torch.randn(9, 4, dtype=torch.float64, generator=draw) for _ in range(2))
    target = labels_of(9, 4)
    ours, seen = RDrop(1.7).objective(passes(first, second, target=target), first, target, now_at())
    there, back = (
        F.kl_div(F.log_softmax(b, 1), F.log_softmax(a, 1), reduction="batchmean", log_target=True)
        for a, b in ((first, second), (second, first))
    )
    labels = target.values.argmax(1)
    losses = (F.cross_entropy(first, labels) + F.cross_entropy(second, labels)) / 2
    assert_close(ours, losses + 1.7 * (there + back) / 2)
    assert seen.outputs is first, "running statistics come from the first pass"


def test_RDrop_draws_two_masks_and_needs_something_random():
    sample = draw_sample(2)
    network = filled("classification", sample)
    plain, slope = trained(Recipe(), sample, network)
    still, same = trained(Recipe(RDrop(5.0)), sample, network)
    assert_close(still, plain, rtol=0, atol=1e-14)
    for name in slope:
        assert_close(same[name], slope[name], rtol=0, atol=1e-13)
    noisy, _ = trained(Recipe(Dropout(0.5)), sample, network)
    asked, _ = trained(Recipe(Dropout(0.5), RDrop(5.0)), sample, network)
    assert float((asked - noisy).abs()) > 1e-2


def test_RDrop_brings_passes_under_dropout_together():
    rows = worlds.make_rows()

    def apart(recipe):
        cohort = worlds.train([Member(recipe, 0.02, seed=3)], rows, Course(120, 16, 60, mode="eager"))
        params = {n: w[0] for n, w in cohort.state.params.items()}
        trainer = worlds.trainer_for()
        state = trainer.start(worlds.make(), Recipe(Dropout(0.4)))._replace(params=params)
        seen = [trainer._forward(state, params, rows.x, now_at(step=s)).outputs for s in range(6)]
        return float(sum(row_divergence(a, b, True).mean() for a, b in zip(seen[::2], seen[1::2], strict=True)))

    assert apart(Recipe(Dropout(0.4), RDrop(5.0))) < 0.5 * apart(Recipe(Dropout(0.4)))


@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([True, False]))
@settings(max_examples=40, deadline=None)
def test_a_divergence_is_never_negative_and_zero_only_between_equals(seed, width, classes):
    draw = torch.Generator().manual_seed(seed)
    p, q = (3 * torch.randn(5, width, dtype=torch.float64, generator=draw) for _ in range(2))
    assert bool((row_divergence(p, q, classes) > 0).all())
    assert_close(row_divergence(p, p, classes), torch.zeros(5, dtype=torch.float64), rtol=0, atol=1e-15)
    if classes:
        theirs = scipy.stats.entropy(scipy.special.softmax(p, 1), scipy.special.softmax(q, 1), axis=1)
        assert_close(row_divergence(p, q, True), torch.as_tensor(theirs), rtol=1e-9, atol=1e-12)


def test_oracle_ConfidencePenalty():
    def theirs(network, sample):
        outputs = network(sample.x)
        return plain_loss(outputs, sample) - 0.4 * torch.distributions.Categorical(logits=outputs).entropy().mean()

    hold(Recipe(ConfidencePenalty(0.4)), "classification", theirs)


def test_confidence_penalty_is_uniform_smoothing_the_other_way_round():
    """loss - s H(p) = loss + s KL(p || uniform) - s log K: the direction of KL that label smoothing does not take."""
    sample = draw_sample(6)
    outputs, classes = sample.hidden[:, :3], 3
    ours, _ = ConfidencePenalty(1.0).objective(passes(outputs, target=sample.target), sample.x, sample.target, now_at())
    uniform = scipy.stats.entropy(scipy.special.softmax(outputs.numpy(), 1), np.full((1, classes), 1 / 3), axis=1)
    assert_close(ours, sample.target.loss(outputs) + float(uniform.mean()) - math.log(classes))


def test_confidence_penalty_of_certainty_is_finite():
    target = labels_of(3, 3)
    sure = 1e4 * target.values
    loss, _ = ConfidencePenalty(1.0).objective(passes(sure, target=target), sure, target, now_at())
    assert_close(loss, torch.zeros((), dtype=torch.float64))


# Adversaries


def _attacked(network, sample, epsilon, share):
    x = sample.x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(plain_loss(network(x), sample), x)
    moved = sample.x + epsilon * slope.sign()
    return (1 - share) * plain_loss(network(sample.x), sample) + share * plain_loss(network(moved), sample)


@pytest.mark.parametrize("task", TASKS)
def test_oracle_AdversarialTraining(task):
    hold(Recipe(AdversarialTraining(0.4, 0.2)), task, lambda n, s: _attacked(n, s, 0.2, 0.4))


def test_adversarial_training_withstands_what_plain_training_does_not():
    rows = worlds.make_rows(rows=64, valid=(16,))
    losses = {}
    for epsilon in (0.0, 0.3):
        member = Member(Recipe(AdversarialTraining(0.5, epsilon)), 0.02, seed=1)
        cohort = worlds.train([member], rows, Course(200, 16, 100, mode="eager"))
        network = worlds.make()
        network.load_state_dict({n: w[0] for n, w in cohort.state.params.items()})
        train = rows.folds[0][0]
        sample = draw_sample(0)._replace(x=rows.x[train], target=rows.target.take(train))
        losses[epsilon] = float(_attacked(network, sample, 0.3, 1.0).detach())
    assert losses[0.3] < 0.8 * losses[0.0]


def test_oracle_VirtualAdversarial_of_a_linear_model():
    """The worst direction of outputs x w is w / |w|, and moves them by epsilon |w|: strength (epsilon |w|) ** 2."""
    draw = torch.Generator().manual_seed(0)
    x, w = torch.randn(20, 4, generator=draw).double(), torch.randn(4, 1, generator=draw).double()
    target = Target(torch.zeros(20, 1, dtype=torch.float64), torch.ones(20, dtype=torch.float64), classes=False)

    def loss_of(x, target, now):
        return target.loss(x @ w), Seen(x @ w, {}, {})

    ours, _ = VirtualAdversarial(1.5, 0.7).objective(loss_of, x, target, now_at())
    assert_close(ours, target.loss(x @ w) + 1.5 * 0.49 * (w * w).sum(), rtol=1e-9, atol=0)


def test_oracle_VirtualAdversarial_finds_the_leading_direction_of_the_fisher_matrix():
    """By NumPy: KL(p(x) || p(x + r)) is r F r / 2 for small r, F = J' (diag p - p p') J: its largest eigenvalue."""
    sample = draw_sample(8)
    network = filled("classification", sample)
    epsilon = 1e-3
    part = VirtualAdversarial(1.0, epsilon, iterations=30)
    worst = []
    for row in sample.x:
        j = torch.autograd.functional.jacobian(lambda x: network(x[None])[0], row).numpy()
        p = scipy.special.softmax(network(row[None]).detach().numpy()[0])
        worst.append(0.5 * epsilon**2 * np.linalg.eigvalsh(j.T @ (np.diag(p) - np.outer(p, p)) @ j)[-1])

    def loss_of(x, target, now):
        return target.loss(network(x)), Seen(network(x), {}, {})

    ours, _ = part.objective(loss_of, sample.x, sample.target, now_at())
    found = float((ours - sample.target.loss(network(sample.x))).detach())
    assert 0.99 * np.mean(worst) < found < 1.01 * np.mean(worst)
    drawn = VirtualAdversarial(1.0, epsilon).objective(loss_of, sample.x, sample.target, now_at())[0]
    assert float(drawn.detach()) < float(ours.detach()) + 1e-9, "more iterations find no weaker direction"


@pytest.mark.parametrize("part", AT_INPUTS, ids=lambda p: p.name)
def test_what_moves_inputs_refuses_whole_numbers(part):
    x = torch.zeros(4, 3, dtype=torch.int64)
    with pytest.raises(RecipeError, match="whole numbers"):
        part.objective(lambda *_: None, x, labels_of(4, 2), now_at())


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "1"])
def test_counts_are_whole_numbers_from_one(bad):
    for make in (lambda: VirtualAdversarial(iterations=bad), lambda: JacobianPenalty(projections=bad)):
        with pytest.raises(RecipeError, match="whole numbers from 1"):
            make()


def test_a_flat_network_has_no_worst_direction_and_nothing_is_nan():
    x, target = torch.randn(6, 3), Target(torch.zeros(6, 1), torch.ones(6), classes=False)

    def loss_of(x, target, now):
        return target.loss(0.0 * x[:, :1]), Seen(0.0 * x[:, :1], {}, {})

    for part in AT_INPUTS:
        assert float(part.objective(loss_of, x, target, now_at())[0]) == 0.0


# Smoothness


def _frobenius(network, sample):
    """The mean squared Frobenius norm of all rows' Jacobians, with a graph behind it."""
    norms = []
    for row in sample.x:
        j = torch.autograd.functional.jacobian(lambda x: network(x[None])[0], row, create_graph=True)
        norms.append((j**2).sum())
    return torch.stack(norms).mean()


def test_oracle_JacobianPenalty_of_one_output_is_exact():
    hold(
        Recipe(JacobianPenalty(0.3)), "regression",
        lambda n, s: plain_loss(n(s.x), s) + 0.3 * _frobenius(n, s), atol=1e-11,
    )  # fmt: skip


def test_oracle_JacobianPenalty_is_unbiased_over_draws():
    sample = draw_sample(5)
    network = filled("classification", sample)
    base = plain_loss(network(sample.x), sample).item()
    exact = _frobenius(network, sample).item()
    found = np.array(
        [trained(Recipe(JacobianPenalty(1.0)), sample, network, step=s)[0].item() - base for s in range(400)]
    )
    assert abs(found.mean() - exact) < 5 * found.std() / 20
    many = [
        trained(Recipe(JacobianPenalty(1.0, projections=16)), sample, network, step=s)[0].item() - base
        for s in range(50)
    ]
    assert np.std(many) < 0.5 * found.std()


@pytest.mark.parametrize("task", TASKS)
def test_oracle_InputGradientPenalty(task):
    """Double backpropagation by torch's own autograd."""

    def theirs(network, sample):
        x = sample.x.clone().requires_grad_()
        loss = plain_loss(network(x), sample)
        (slope,) = torch.autograd.grad(loss * len(x), x, create_graph=True)
        return loss + 0.2 * (slope**2).sum(1).mean()

    hold(Recipe(InputGradientPenalty(0.2)), task, theirs)


def test_input_gradient_penalty_counts_rows_by_weight():
    """A row that weighs 2 is the row twice."""
    sample = draw_sample(7, "regression")
    network = filled("regression", sample)
    twice = torch.cat([torch.arange(12), torch.arange(4)])
    double = sample._replace(x=sample.x[twice], target=sample.target.take(twice))
    weight = torch.tensor([2.0] * 4 + [1.0] * 8, dtype=torch.float64) * 12 / 16
    weighed = sample._replace(target=Target(sample.target.values, weight, classes=False))
    for part in (InputGradientPenalty(0.5), JacobianPenalty(0.5), ActivityPenalty(0.5), AdversarialTraining()):
        ours, theirs = (trained(Recipe(part), s, network) for s in (weighed, double))
        assert_close(ours[0], theirs[0], rtol=0, atol=1e-12)
        for name in ours[1]:
            assert_close(ours[1][name], theirs[1][name], rtol=0, atol=1e-12)


# Hidden values


def test_oracle_ActivityPenalty():
    """Keras' activity regularizer on the same layers, its loss per row of the batch."""
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    sample = draw_sample(2, "regression", torch.float32)
    network = small_network("regression")
    network.load_state_dict(sample.params)
    regularizer = keras.regularizers.L1L2(l1=0.02 * 0.25, l2=0.02 * 0.75)
    layers = [m for m in network.modules() if isinstance(m, nn.Linear)]
    h, theirs = sample.x, 0.0
    for layer in layers[:-1]:
        peer = keras.layers.Dense(layer.out_features, activation="relu", activity_regularizer=regularizer)
        peer.build(h.shape)
        peer.set_weights([layer.weight.detach().numpy().T, layer.bias.detach().numpy()])
        h = peer(h)
        theirs += sum(loss.item() for loss in peer.losses)
    plain, _ = trained(Recipe(), sample, network)
    ours, _ = trained(Recipe(ActivityPenalty(0.02, 0.25)), sample, network)
    assert theirs > 1e-3
    assert_close(float(ours - plain), theirs, rtol=1e-4, atol=1e-6)


def test_activity_penalty_has_its_gradient_and_its_sites():
    def theirs(which):
        def loss(network, sample):
            seen = []
            places = [m for n, m in network.named_modules() if isinstance(m, Marker) and m.kind == "hidden"]
            for i in which:
                places[i].register_forward_hook(lambda _m, _a, out: seen.append(out))
            outputs = network(sample.x)
            return plain_loss(outputs, sample) + 0.3 * sum((h**2).sum() for h in seen) / len(sample.x)

        return loss

    hold(Recipe(ActivityPenalty(0.3)), "classification", theirs((0, 1)))
    # another part that acts at every site does not widen what this one looks at
    hold(Recipe(where(ActivityPenalty(0.3), "blocks.0.hidden"), Dropout(0.0)), "classification", theirs((0,)))
    hold(Recipe(where(Dropout(0.0), "*"), ActivityPenalty(0.3)), "classification", theirs((0, 1)))


def test_two_objectives_each_see_their_own_sites():
    sample = draw_sample(3)
    network = filled("classification", sample)
    first, second = (where(ActivityPenalty(0.3), f"blocks.{i}.*") for i in range(2))
    base, *alone = (trained(Recipe(*parts), sample, network)[0] for parts in ((), (first,), (second,)))
    both = trained(Recipe(first, second), sample, network)[0]
    assert_close(both - base, alone[0] - base + alone[1] - base, rtol=0, atol=1e-13)


class Twice(nn.Module):
    """Two hidden layers that share one ReLU."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(5, 4), nn.Linear(4, 4), nn.Linear(4, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.head(self.relu(self.second(self.relu(self.first(x)))))


def test_activity_of_a_module_that_is_called_twice_counts_twice():
    sample, network = draw_sample(3), Twice().double()
    one = network.relu(network.first(sample.x))
    two = network.relu(network.second(one))
    by_hand = 0.3 * ((one**2).sum() + (two**2).sum()) / len(sample.x)
    plain, _ = trained(Recipe(), sample, network)
    ours, _ = trained(Recipe(ActivityPenalty(0.3)), sample, network)
    assert_close(ours - plain, by_hand.detach())


class Recurrent(nn.Module):
    """A small recurrent network over (batch, time) numbers, its hidden values a site."""

    def __init__(self):
        super().__init__()
        self.enter, self.turn = nn.Linear(1, 4), nn.Linear(4, 4)
        self.hidden, self.head = Marker("hidden"), nn.Linear(4, 3)

    def forward(self, x):
        h, path = torch.zeros_like(x[:, :1]) @ torch.ones(1, 4, dtype=x.dtype), []
        for t in range(x.shape[1]):
            h = torch.tanh(self.enter(x[:, t : t + 1]) + self.turn(h))
            path.append(h)
        return self.head(self.hidden(torch.stack(path, dim=1))[:, -1])


def test_oracle_TemporalActivityPenalty():
    """The slowness term of Merity et al. by torch.diff, with its gradient; on a site without time it costs nothing."""
    sample = draw_sample(5)
    network = Recurrent().double()
    loss, grads = trained(Recipe(TemporalActivityPenalty(0.7)), sample, network)
    peer, seen = copy.deepcopy(network), []
    peer.hidden.register_forward_hook(lambda _m, _a, out: seen.append(out))
    outputs = peer(sample.x)
    expected = plain_loss(outputs, sample) + 0.7 * (torch.diff(seen[0], dim=1) ** 2).sum() / len(sample.x)
    expected.backward()
    assert_close(loss, expected.detach(), rtol=0, atol=1e-13)
    for name, p in peer.named_parameters():
        assert_close(grads[name], p.grad, rtol=0, atol=1e-13)
    plain = filled("classification", sample)
    assert torch.equal(
        trained(Recipe(TemporalActivityPenalty(0.7)), sample, plain)[0], trained(Recipe(), sample, plain)[0]
    )


# Together, in a stack


def all_objectives(s: float = 1.0) -> Recipe:
    return Recipe(
        RDrop(0.5 * s), ConfidencePenalty(0.05 * s), SelfDistillation(0.5 * s), AdversarialTraining(0.4, 0.05 * s),
        VirtualAdversarial(0.5 * s), JacobianPenalty(0.01 * s), InputGradientPenalty(0.01 * s),
        ActivityPenalty(0.01 * s, 0.3), Dropout(0.2), LabelSmoothing(0.05),
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["eager", "traced"])
def test_a_stack_of_all_objectives_is_as_many_trainings(mode):
    members = [Member(all_objectives(s), 0.01 * s, seed=i, fold=i % 2) for i, s in enumerate((0.5, 1.0, 2.0))]
    members.append(Member(all_objectives().neutral(), 0.02, seed=7))
    course = Course(until=6, batch=8, evaluate_every=3, mode=mode)
    cohort = worlds.train(members, course=course)
    for i, member in enumerate(members):
        lone = worlds.train_alone(member, course=course)
        for name, w in lone.state.deployed().items():
            assert_close(cohort.state.params[name][i], w, rtol=0, atol=1e-10)


@pytest.mark.parametrize("part", [*AT_INPUTS, RDrop()], ids=lambda p: p.name)
def test_objectives_with_batch_norm_keep_the_statistics_of_the_clean_pass(part):
    members = [Member(Recipe(BatchNorm(), Dropout(0.2), p), 0.02, seed=2) for p in (part, part.neutral())]
    course = Course(until=1, batch=16, evaluate_every=1, mode="eager")
    cohort = worlds.train(members, course=course, build=worlds.make_normalized)
    changed = [n for n, w in cohort.state.params.items() if not torch.equal(w[0], w[1])]
    assert changed, "the part moved the weights"
    for name, b in cohort.state.buffers.items():
        assert torch.equal(b[0], b[1]), name
