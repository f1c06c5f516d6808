"""``where`` confines and ``schedule`` dials, and the two commute."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from worlds import CONFINED, DIALED, LEAVES

from wellfit import (
    EMA,
    L0,
    L1,
    L2,
    SAM,
    SMOTE,
    SWA,
    ActivationNoise,
    AdversarialTraining,
    BatchNorm,
    ClipNorm,
    Dropout,
    EarlyStopping,
    LabelSmoothing,
    Lookahead,
    ManifoldMixup,
    MaxNorm,
    RDrop,
    Recipe,
    RecipeError,
    ReduceOnPlateau,
    Regularizer,
    StochasticDepth,
    VirtualAdversarial,
    WeightDecay,
    after,
    fade,
    ramp,
    schedule,
    where,
)  # fmt: skip
from wellfit.draws import Now
from wellfit.models.mlp import MLP, Shape
from wellfit.sites import Site, find_sites
from wellfit.stacking import stack
from wellfit.testing.outcome import draw_sample, outcome, small_network
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Seen, Trainer
from wellfit.wrappers import Wrapper

SAMPLE, NETWORK = draw_sample(0), small_network("classification")
RATES = {n: torch.tensor(0.1, dtype=torch.float64) for n in SAMPLE.params}
ROWS = {
    "ADASYN", "BPEDropout", "BackTranslation", "BorderlineSMOTE", "ClassWeights", "OutlierFilter", "OverSample",
    "SMOTE", "SMOTENC", "SentenceOrder", "Synonyms", "UnderSample", "WordDeletion", "WordInsertion", "WordSwap",
}  # fmt: skip
NETWORKS = {
    "BatchNorm", "FreezeStatistics", "GhostBatchNorm", "GroupNorm", "LayerNorm", "SkipConnection", "SpectralNorm",
    "WeightStandardization",
}  # fmt: skip
ON_ALL = {
    "AdversarialTraining", "AugMix", "AugMixConsistency", "AutoAugment", "Brightness", "ConfidencePenalty",
    "Contrast", "Crop", "CutMix", "Cutout", "Distillation", "EarlyStopping", "Flip", "InputGradientPenalty",
    "InputNoise", "JacobianPenalty", "LabelSmoothing", "Mixup", "RandAugment", "RandomErasing", "RDrop",
    "Rotation", "Saturation", "SelfDistillation", "Shear", "Shift", "TokenMask", "Transform", "TrivialAugment",
    "VirtualAdversarial", "Zoom",
}  # fmt: skip


def _now(epoch=0.0, step=1):
    return Now.at(step, 2, rates=RATES, epoch=epoch)


def _at(part, epoch):
    """The part as it stands at an epoch, with knobs as in training: tensors."""
    return Recipe(part).on(SAMPLE.x).parts[0].at(_now(epoch))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", {"blocks.0.linear.weight", "blocks.0.linear.bias", "blocks.1.linear.weight", "blocks.1.linear.bias",
               "head.weight", "head.bias"}),
        ("head.*", {"head.weight", "head.bias"}),
        ("*.bias", {"blocks.0.linear.bias", "blocks.1.linear.bias", "head.bias"}),
        ("blocks.[1-9].*|head.weight", {"blocks.1.linear.weight", "blocks.1.linear.bias", "head.weight"}),
        ("blocks.?.linear.bias", {"blocks.0.linear.bias", "blocks.1.linear.bias"}),
        ("HEAD.*", set()),
        ("", set()),
    ],
)  # fmt: skip
def test_where_selects_parameters_by_name(pattern, expected):
    part = where(WeightDecay(0.5), pattern)
    assert set(part.select(SAMPLE.params)) == expected
    moved = Recipe(part).shrink(SAMPLE.params, _now())
    assert {n for n in moved if not torch.equal(moved[n], SAMPLE.params[n])} == expected


def test_without_where_biases_are_spared():
    for part in (L1(0.5), WeightDecay(0.5), MaxNorm(0.1)):
        recipe = Recipe(part)
        moved = recipe.project(recipe.shrink(SAMPLE.params, _now()), _now())
        changed = {n for n in moved if not torch.equal(moved[n], SAMPLE.params[n])}
        assert changed == {n for n in moved if n.endswith("weight")}
    assert set(Recipe(L2(0.5)).penalty_gradient(SAMPLE.params, _now())) == {n for n in SAMPLE.params if "weight" in n}


def test_where_selects_sites_by_name():
    h = torch.ones(50, 8, dtype=torch.float64)
    first, second = (Site(f"blocks.{i}.hidden", "hidden", i, 2) for i in range(2))
    recipe = Recipe(where(Dropout(0.5), "blocks.0.*"))
    assert not torch.equal(recipe.activation(h, first, {}, _now()), h)
    assert torch.equal(recipe.activation(h, second, {}, _now()), h)


@pytest.mark.parametrize(
    ("part", "pattern", "expected"),
    [
        (Dropout(), "blocks.*", {"blocks.0.layer.hidden", "blocks.1.layer.hidden"}),
        (Dropout(), "*", {"blocks.0.layer.hidden", "blocks.1.layer.hidden"}),
        (Dropout(), "input", {"input"}),
        (Dropout(), "input|blocks.0.*", {"blocks.0.layer.hidden"}),
        (Dropout(), "*.branch", {"blocks.0.branch", "blocks.1.branch"}),
        (Dropout(), "*.1.layer.activation.in", {"blocks.1.layer.activation.in"}),
        (ActivationNoise(place="preactivation"), "blocks.0.*", {"blocks.0.layer.activation.in"}),
        (ActivationNoise(place="hidden"), "blocks.0.*", {"blocks.0.layer.hidden"}),
        (StochasticDepth(), "blocks.*", {"blocks.0.branch", "blocks.1.branch"}),
        (ManifoldMixup(), "blocks.*", {"blocks.0.layer.hidden", "blocks.1.layer.hidden"}),
        (Dropout(), "no such name", set()),
    ],
    ids=lambda v: repr(v) if isinstance(v, Regularizer) else str(v) if isinstance(v, str) else "",
)
def test_a_pattern_keeps_to_the_kinds_of_its_part_where_it_names_any(part, pattern, expected):
    """In a residual network every block has what enters an activation, what leaves it, and a branch."""
    sites = find_sites(MLP(Shape(5, 3, 6, 2, residual=True))).values()
    for wrapped in (
        where(part, pattern),
        schedule(where(part, pattern), ramp(2)),
        where(schedule(part, ramp(2)), pattern),
    ):
        assert {s.name for s in sites if wrapped.selects_site(s)} == expected
        assert {s.name for s in sites if pickle.loads(pickle.dumps(wrapped)).selects_site(s)} == expected


def test_which_parts_no_pattern_confines_and_no_dial_turns():
    assert {c.__name__ for c in LEAVES} - {c.__name__ for c in CONFINED} == ROWS | NETWORKS | ON_ALL
    assert {c.__name__ for c in LEAVES} - {c.__name__ for c in DIALED} == ROWS | NETWORKS | {"EarlyStopping"}
    for part in (LabelSmoothing(0.1), SMOTE(), RDrop(), EarlyStopping()):
        with pytest.raises(RecipeError, match=r"where\(\) cannot confine it") as caught:
            where(part, "nothing")
        assert caught.value.code == "WF-R07"
    for part, word in ((SMOTE(), "before"), (BatchNorm(), "before"), (EarlyStopping(2), "ends the training.*warm_up")):
        for inner in (part, where(part, "*")) if type(part) in CONFINED else (part,):
            with pytest.raises(RecipeError, match=f"{part.name}.*{word}"):
                schedule(inner, after(5))


@pytest.mark.parametrize(
    "cls", [c for c in DIALED if c in CONFINED and "batch" not in c.stages], ids=lambda c: c.__name__
)
def test_where_that_matches_nothing_is_the_identity(cls):
    part = where(cls(), "no such name")
    got, idle = outcome(Recipe(part), SAMPLE, NETWORK), outcome(Recipe(), SAMPLE, NETWORK)
    bare = outcome(Recipe(part), SAMPLE, NETWORK, plain=True)
    assert idle == {}
    for name, value in got.items():
        if not name.startswith("penalty."):
            assert torch.equal(value, bare[name]), name
    assert not Recipe(part).penalty_gradient(SAMPLE.params, _now())
    grads = Recipe(part).gradient(lambda params: {n: 2 * w for n, w in params.items()}, SAMPLE.params, _now())
    assert all(torch.equal(grads[n], 2 * SAMPLE.params[n]) for n in SAMPLE.params)


def test_clip_under_where_takes_the_norm_of_what_it_selects():
    recipe = Recipe(where(ClipNorm(0.5), "head.*"))
    grads = recipe.gradient(lambda params: dict(params), SAMPLE.params, _now())
    length = torch.sqrt(sum((grads[n] ** 2).sum() for n in grads if n.startswith("head")))
    assert abs(length - 0.5) < 1e-5
    assert all(torch.equal(grads[n], SAMPLE.params[n]) for n in grads if not n.startswith("head"))


def test_sam_under_where_moves_only_what_it_selects():
    seen = []

    def grad_of(params):
        seen.append(dict(params))
        return {n: 2 * w for n, w in params.items()}

    grads = Recipe(where(SAM(0.5), "head.*")).gradient(grad_of, SAMPLE.params, _now())
    moved = {n for n in seen[1] if not torch.equal(seen[1][n], SAMPLE.params[n])}
    assert moved == {"head.weight", "head.bias"}
    assert all(torch.equal(grads[n], 2 * seen[1][n]) for n in grads)


def test_average_under_where_hands_over_the_rest_as_it_is():
    recipe = Recipe(where(EMA(0.9), "head.*")).start(SAMPLE.weights)
    later = {n: w + 1 for n, w in SAMPLE.weights.items()}
    deployed = recipe.after_step(later, _now(step=50)).deploy(later)
    changed = {n for n in later if not torch.equal(deployed[n], later[n])}
    assert changed == {"head.weight", "head.bias"}


def test_what_changes_the_network_cannot_be_confined():
    with pytest.raises(RecipeError, match="whole network"):
        where(BatchNorm(), "blocks.0*")


@pytest.mark.parametrize("call", [lambda: where(L2, "*"), lambda: where(L2(), 3), lambda: where("L2", "*"),
                                  lambda: schedule(L2(), 5), lambda: schedule(None, ramp(2)), lambda: ramp(0),
                                  lambda: ramp(-1), lambda: fade(math.nan), lambda: after(math.inf),
                                  lambda: ramp("3"), lambda: ramp(True), lambda: fade(10**400)])  # fmt: skip
def test_malformed_wrappers_are_refused(call):
    with pytest.raises(RecipeError) as caught:
        call()
    assert caught.value.code


@pytest.mark.parametrize(
    ("dial", "course"),
    [
        (ramp(4), {0.0: 0.0, 1.0: 0.25, 4.0: 1.0, 9.0: 1.0}),
        (fade(4), {0.0: 1.0, 1.0: 0.75, 4.0: 0.0, 9.0: 0.0}),
        (after(4), {0.0: 0.0, 3.99: 0.0, 4.0: 1.0, 9.0: 1.0}),
    ],
)
def test_dials(dial, course):
    for epoch, expected in course.items():
        assert abs(float(dial(torch.tensor(epoch))) - expected) < 1e-7
        assert float(_at(schedule(L2(0.3), dial), epoch).strength) == pytest.approx(0.3 * expected, rel=1e-6)


@pytest.mark.parametrize("cls", DIALED, ids=lambda c: c.__name__)
def test_schedule_is_neutral_at_zero_and_as_given_at_one(cls):
    part = schedule(cls(), ramp(4))
    dialed = [n for n, facts in cls.knobs().items() if facts.neutral is not None][:1]
    for name, facts in cls.knobs().items():
        assert float(getattr(_at(part, 0.0), name)) == (facts.neutral if name in dialed else getattr(cls(), name))
        assert float(getattr(_at(part, 4.0), name)) == getattr(cls(), name)
    assert _at(part, 0.0).is_neutral()
    sample = draw_sample(0, inputs=cls.inputs)
    network = small_network("classification", cls.inputs)
    late = outcome(_at(part, 4.0), sample, network)
    plain = outcome(Recipe(cls()).on(sample.target.weight).parts[0], sample, network)
    assert all(torch.equal(late[n], plain[n]) for n in plain)


def test_a_dial_turns_one_knob_so_that_strength_follows_it_and_not_its_square():
    """At half of a ramp adversarial rows have half of the loss, at their full distance."""
    base, part = trained_loss(), schedule(AdversarialTraining(share=0.5, epsilon=0.2), ramp(4))
    full, half = (trained_loss(part, epoch=epoch) - base for epoch in (4.0, 2.0))
    assert full > 1e-3
    assert half == pytest.approx(full / 2, rel=1e-6)
    assert float(_at(schedule(VirtualAdversarial(epsilon=0.5), ramp(4)), 1.0).epsilon) == 0.5


def trained_loss(*parts, epoch=0.0):
    network = filled_network()
    trainer = Trainer(network, SGD())
    state = trainer.start(network, Recipe(*parts))
    now = _now(epoch).of("")

    def loss_of(x, target, now):
        outputs = trainer.predict(state.params, x)
        return target.loss(outputs), Seen(outputs, {}, {})

    return float(state.recipe.objective(loss_of, SAMPLE.x, SAMPLE.target, now)[0].detach())


def filled_network():
    network = copy.deepcopy(NETWORK).double()
    network.load_state_dict(SAMPLE.params)
    return network


def _course(part, epochs, steps=4):
    """A training of some epochs, a validation loss that stands still after each: the state it ends in."""
    network = filled_network()
    trainer = Trainer(network, SGD())
    state = trainer.start(network, Recipe(part))
    for step in range(epochs * steps):
        now = Now.at(
            step, 2, rates={n: torch.tensor(0.05, dtype=torch.float64) for n in state.params}, epoch=step / steps
        )
        state, _ = trainer.step(state, Batch(SAMPLE.x, SAMPLE.target), now)
        if (step + 1) % steps == 0:
            then = Now.at(step + 1, 2, epoch=(step + 1) / steps)
            recipe = state.recipe.after_epoch(state.weights(), {"loss": torch.tensor(1.0, dtype=torch.float64)}, then)
            state = state._replace(recipe=recipe)
    return state


@pytest.mark.parametrize(
    "part",
    [L0(1e-2), Lookahead(0.5, 7), EMA(0.9), SWA(0.5), ReduceOnPlateau(patience=0, factor=0.1), Dropout(0.4)],
    ids=lambda p: p.name,
)
@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: where(p, "*")], ids=["", "where"])
def test_what_has_faded_out_neither_acts_nor_is_handed_over(part, wrap):
    """At dial 0 a part is the identity, whatever it remembers; while it is dialed, it is handed over as trained."""
    state = _course(schedule(wrap(part), fade(3)), 5)
    handed = state.deployed()
    for name in SAMPLE.params:
        assert torch.equal(handed[name], state.params[name]), name
    rates = {n: torch.tensor(0.05, dtype=torch.float64) for n in state.params}
    assert state.recipe.rate(rates, _now(epoch=5.0)) == rates
    if "deploy" in part.stages:
        early, plain = _course(schedule(wrap(part), fade(20)), 3), _course(wrap(part), 3)
        moved = [n for n, w in early.deployed().items() if not torch.equal(w, early.params[n])]
        assert moved == [n for n, w in plain.deployed().items() if not torch.equal(w, plain.params[n])]
        assert moved


def test_the_last_dial_is_remembered_in_a_stack_and_in_the_precision_of_the_weights():
    recipe = Recipe(schedule(Lookahead(0.5), fade(2)))
    for like in (torch.zeros(2), torch.zeros(2, dtype=torch.float64)):
        joined = stack([recipe, recipe], like)
        started = torch.func.vmap(lambda r, w: r.start({"w": w}))(joined, torch.stack([like, like + 1]))
        later = torch.func.vmap(lambda r, w: r.after_step({"w": w}, _now(epoch=1.5)))(
            started, torch.stack([like, like])
        )
        assert later.parts[0].last.dtype == like.dtype
        assert later.parts[0].last.tolist() == [0.25, 0.25]


def test_a_limit_comes_down_from_infinity():
    limits = [float(_at(schedule(MaxNorm(2.0), ramp(4)), e).limit) for e in (0.0, 1.0, 2.0, 4.0)]
    assert limits == [math.inf, 8.0, 4.0, 2.0]


@given(
    cls=some.sampled_from([L1, L2, WeightDecay, Dropout, MaxNorm, ClipNorm, SAM, EMA]),
    epoch=some.floats(0, 8),
    dial=some.sampled_from([ramp(3), fade(5), after(2)]),
    pattern=some.sampled_from(["*", "head.*", "*.bias", "none"]),
)
@settings(max_examples=60, deadline=None)
def test_schedule_and_where_commute(cls, epoch, dial, pattern):
    one, other = schedule(where(cls(), pattern), dial), where(schedule(cls(), dial), pattern)
    assert one.name == other.name
    step = round(epoch * 4)
    a, b = (outcome(Recipe(p).on(SAMPLE.x), SAMPLE, NETWORK, step=step) for p in (one, other))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[n], b[n]) for n in a)


def test_a_schedule_keeps_the_memory_and_not_the_knob_of_the_moment():
    dialed = schedule(EMA(0.9), ramp(4))
    for part in (dialed, where(dialed, "*"), schedule(where(EMA(0.9), "*"), ramp(4))):
        recipe = Recipe(part).on(SAMPLE.x).start(SAMPLE.weights)
        recipe = recipe.after_step(SAMPLE.weights, _now(epoch=1.0, step=50))
        inner = recipe.parts[0].inner
        inner = inner.inner if isinstance(inner, Wrapper) else inner
        assert float(inner.decay) == 0.9
        assert inner.average is not None


def test_a_wrapper_answers_for_what_is_inside():
    for cls in DIALED:
        wrapped = schedule(cls(), ramp(2))
        assert isinstance(wrapped, Wrapper)
        for fact in ("rank", "tasks", "exempt"):
            assert getattr(wrapped, fact) == getattr(cls, fact)
        assert wrapped.stages - cls.stages <= ({"after_step"} if "deploy" in cls.stages else set())
        assert cls.stages <= wrapped.stages
        assert wrapped.knobs() == cls.knobs()
        assert wrapped == schedule(cls(), ramp(2))
        assert wrapped != schedule(cls(), ramp(3))
        assert wrapped != cls()
        assert hash(wrapped) == hash(schedule(cls(), ramp(2)))
    assert where(Dropout(0.2), "a").name == "Dropout@a"
