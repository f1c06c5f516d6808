"""The noise grid against scipy, NumPy and torch by hand: distributions, places, equal deviation, and cells refused."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_answers import ROWS
from torch import nn
from torch.testing import assert_close
from worlds import HIDDEN, now_at

from wellfit import Recipe, where
from wellfit.errors import RecipeError
from wellfit.regularizers import (
    ActivationNoise,
    ClipNorm,
    GradientNoise,
    InputNoise,
    NEFTune,
    WeightNoise,
)  # fmt: skip
from wellfit.regularizers.noise_families import FAMILIES, PLACES
from wellfit.sites import Site
from wellfit.target import Target
from wellfit.testing.outcome import draw_sample, slope, small_network
from wellfit.training.optimizers import SGD
from wellfit.training.step import Batch, Trainer

ADDED = ("gaussian", "uniform", "laplace")
SCIPY = {
    "gaussian": scipy.stats.norm(),
    "uniform": scipy.stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)),
    "laplace": scipy.stats.laplace(scale=math.sqrt(0.5)),
}
"""The families that are added, as scipy has them at standard deviation 1."""

NOISES = {
    "input": lambda std, family: InputNoise(std, family),
    "weight": lambda std, family: WeightNoise(std, family),
    "preactivation": lambda std, family: ActivationNoise(std, family),
    "hidden": lambda std, family: ActivationNoise(std, family, place="hidden"),
    "gradient": lambda std, family: GradientNoise(std, family=family),
}


def noise_of(place, family, std=1.0, like=(300, 200), seed=0):
    """What a cell of the grid adds to zeros."""
    zeros, now = torch.zeros(like, dtype=torch.float64), now_at(seed=seed)
    part = NOISES[place](std, family)
    if place == "input":
        return part.batch(zeros, None, now)[0]
    if place == "weight":
        return part.weights({"w": zeros}, now)["w"]
    if place == "gradient":
        return part.gradient(lambda params: params, {"w": zeros}, now)["w"]
    return part.activation(zeros, Site("a", place), {}, now)


@pytest.mark.parametrize("family", ADDED)
@pytest.mark.parametrize("place", PLACES)
def test_oracle_added_noise_has_its_distribution_and_its_std(place, family):
    noise = noise_of(place, family, std=0.3) / 0.3
    assert scipy.stats.kstest(noise.flatten().numpy(), SCIPY[family].cdf).pvalue > 1e-3
    spread = 5 * math.sqrt((float(SCIPY[family].stats(moments="k")) + 2) / noise.numel())
    assert abs(float(noise.mean())) < 5 / math.sqrt(noise.numel())
    assert abs(float((noise**2).mean()) - 1) < spread, "equal std"


def test_oracle_noise_parameters_at_equal_std():
    """noise.var and noise.equal_std: std is the one parameter, whatever a family's own is called."""
    parameters, expected = ROWS["noise.var"]["inputs"], ROWS["noise.var"]["expected"]
    own = {"gaussian": parameters["gaussian_sigma"], "uniform": parameters["uniform_a"] / math.sqrt(3),
           "laplace": parameters["laplace_b"] * math.sqrt(2)}  # fmt: skip
    for family, std in own.items():
        assert abs(float((noise_of("input", family, std) ** 2).mean()) / expected[family] - 1) < 0.05
    row = ROWS["noise.equal_std"]
    uniform = noise_of("input", "uniform", row["inputs"]["std"])
    assert 0 < row["expected"]["uniform_a"] - float(uniform.abs().max()) < 1e-4
    laplace = noise_of("input", "laplace", row["inputs"]["std"])
    assert abs(float(laplace.abs().mean()) / row["expected"]["laplace_b"] - 1) < 0.02  # E|x| = b


def test_oracle_the_sources_input_noise():
    """N(0, 0.1) and Uniform(-0.1, 0.1), as the source shows them."""
    gaussian, uniform = noise_of("input", "gaussian", 0.1), noise_of("input", "uniform", 0.1 / math.sqrt(3))
    assert scipy.stats.kstest(gaussian.flatten().numpy(), scipy.stats.norm(0, 0.1).cdf).pvalue > 1e-3
    assert scipy.stats.kstest(uniform.flatten().numpy(), scipy.stats.uniform(-0.1, 0.2).cdf).pvalue > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_oracle_pixels_of_8_bits_never_wrap(family):
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (20, 3, 8, 8), generator=generator, dtype=torch.uint8)
    x[:5], x[5:10] = 255, 0
    noisy = InputNoise(30.0, family).batch(x, None, now_at())[0]
    exact = InputNoise(30.0, family).batch(x.double(), None, now_at())[0].numpy()
    assert noisy.dtype == torch.uint8
    peer = np.rint(np.clip(exact, 0, 255)).astype(np.uint8)
    assert np.abs(noisy.numpy().astype(int) - peer).max() <= 1  # halves may round apart in float32
    assert (noisy.numpy() != peer).mean() < 1e-3
    assert torch.equal(InputNoise(0.0, family).batch(x, None, now_at())[0], x)


def test_whole_numbers_that_are_codes_are_refused():
    with pytest.raises(RecipeError, match="int64"):
        InputNoise(0.1).batch(torch.arange(6).view(2, 3), None, now_at())


def test_oracle_WeightNoise_is_never_written_back():
    """The sources' own: std 1 on weights of std 0.31. Added for good they reach std 9.9 within 100 steps."""
    sample, network = draw_sample(1), small_network("classification").double()
    trainer, recipe = Trainer(network, SGD()), Recipe(WeightNoise(1.0), where(WeightNoise(1.0), "*.bias"))
    state = begun = trainer.start(network, recipe)
    for step in range(5):
        now = now_at(state.params, step, rate=0.0)
        state, loss = trainer.step(state, Batch(sample.x, sample.target), now)
        assert abs(float(loss) - float(sample.target.loss(trainer.predict(begun.params, sample.x)))) > 1e-3
    for weights in (state.params, state.deployed()):
        assert all(torch.equal(weights[n], w) for n, w in begun.params.items())


def test_oracle_WeightNoise_gradient_is_taken_at_the_noisy_weights():
    """One SGD step against torch: a copy with noisy weights, its gradient on the weights without noise."""
    sample, network = draw_sample(1), small_network("classification").double()
    trainer, recipe = Trainer(network, SGD()), Recipe(WeightNoise(0.2), where(WeightNoise(0.1), "*.bias"))
    now = now_at(dict(network.named_parameters()), 3, rate=0.1)
    state, _ = trainer.step(trainer.start(network, recipe), Batch(sample.x, sample.target), now)
    peer = copy.deepcopy(network)
    with torch.no_grad():
        for name, w in peer.named_parameters():
            owner, std = ("WeightNoise", 0.2) if w.ndim > 1 else ("WeightNoise@*.bias", 0.1)
            w += std * now.of(owner).normal(tuple(w.shape), name)
    nn.functional.cross_entropy(peer(sample.x), sample.target.values).backward()
    grads = dict(peer.named_parameters())
    for name, w in network.named_parameters():
        assert_close(state.params[name], w - 0.1 * grads[name].grad, rtol=0, atol=1e-12)


def test_WeightNoise_leaves_biases_alone_and_shows_both_spreads():
    params = draw_sample(0).params
    noisy = WeightNoise(1.0)
    assert all(w.ndim > 1 for w in noisy.select(params).values())
    spreads = noisy.spreads(noisy.select(params))
    for name, (std, own) in spreads.items():
        assert std == 1.0
        assert abs(own - np.std(params[name].numpy(), ddof=1)) < 1e-12
    assert noisy.spreads({"w": torch.ones(1, 1)}) == {"w": (1.0, 0.0)}


@pytest.mark.parametrize("place", ["preactivation", "hidden"])
def test_oracle_ActivationNoise_before_and_after_the_activation(place):
    """Against the network by hand: relu(linear(h) + noise), or relu(linear(h)) + noise."""
    sample, network = draw_sample(2), small_network("classification").double()
    trainer = Trainer(network, SGD())
    part = ActivationNoise(0.7, place=place)
    now = now_at(dict(network.named_parameters()), 3)
    _, loss = trainer.step(trainer.start(network, Recipe(part)), Batch(sample.x, sample.target), now)
    h = sample.x
    for i, layer in enumerate(network.blocks):
        site = f"blocks.{i}.activation.in" if place == "preactivation" else f"blocks.{i}.hidden"
        noise = 0.7 * now.of("ActivationNoise").normal((len(h), layer.linear.out_features), site)
        h = torch.relu(layer.linear(h) + noise) if place == "preactivation" else torch.relu(layer.linear(h)) + noise
    assert_close(loss, nn.functional.cross_entropy(network.head(h), sample.target.values).detach())
    assert_close(trainer.predict(network.state_dict(), sample.x), network.eval()(sample.x), msg="none in evaluation")


def test_ActivationNoise_refuses_another_place():
    with pytest.raises(RecipeError, match=r"'output'.*preactivation.*hidden"):
        ActivationNoise(place="output")


@pytest.mark.parametrize("eta", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("step", [0, 9, 5000])
def test_oracle_GradientNoise_anneals(eta, step):
    """std_t ** 2 = eta / (1 + step) ** 0.55."""
    zeros = {"w": torch.zeros(300, 100, dtype=torch.float64), "b": torch.zeros(3000, dtype=torch.float64)}
    noise = GradientNoise(math.sqrt(eta)).gradient(lambda params: params, zeros, now_at(zeros, step))
    expected = eta / (1 + step) ** 0.55
    for g in noise.values():
        assert scipy.stats.kstest(g.flatten().numpy(), scipy.stats.norm(0, math.sqrt(expected)).cdf).pvalue > 1e-3
    constant = GradientNoise(math.sqrt(eta), gamma=0.0).gradient(lambda params: params, zeros, now_at(zeros, step))
    assert abs(float(constant["w"].var()) / eta - 1) < 0.05


def test_GradientNoise_falls_on_the_clipped_gradient_and_on_biases():
    sample, network = draw_sample(4), small_network("classification").double()
    recipe, now = Recipe(GradientNoise(0.5), ClipNorm(1e-6)), now_at(draw_sample(4).params)
    grads = recipe.gradient(lambda p: slope(network, sample, p), sample.params, now)
    for name, g in grads.items():
        expected = 0.5 * now.of("GradientNoise").normal(tuple(g.shape), name).double()
        assert_close(g, expected, rtol=0, atol=1e-6)
        assert float(g.abs().max()) > 1e-3


def test_oracle_NEFTune():
    """The bound and the distribution of the paper's Algorithm 1 on (batch, length, width), and its first site."""
    h = torch.zeros(16, 20, 50, dtype=torch.float64)
    noise = NEFTune(5.0).activation(h, HIDDEN, {}, now_at()).flatten().numpy()
    bound = 5.0 / math.sqrt(20 * 50)
    assert np.abs(noise).max() <= bound
    assert scipy.stats.kstest(noise, scipy.stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3
    lengths = np.linalg.norm(noise.reshape(16, -1), axis=1)
    np.testing.assert_allclose(lengths, 5.0 / math.sqrt(3), rtol=0.1)


def test_NEFTune_acts_on_embeddings_in_training_only():
    network = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 3)).double()
    x = torch.arange(18).view(6, 3) % 9
    target = Target(torch.eye(3, dtype=torch.float64).repeat(2, 1), torch.ones(6, dtype=torch.float64), classes=True)
    trainer, now = Trainer(network, SGD()), now_at(dict(network.named_parameters()))
    state = trainer.start(network, Recipe(NEFTune(5.0)))
    _, loss = trainer.step(state, Batch(x, target), now)
    u = (2.0 * now.of("NEFTune").uniform((6, 3, 4), "0").double() - 1.0) * 5.0 / math.sqrt(12)
    with torch.no_grad():
        by_hand = nn.functional.cross_entropy(network[2]((network[0](x) + u).flatten(1)), target.values)
    assert_close(loss, by_hand, rtol=0, atol=1e-5)  # the draw is put in the middle of its step
    assert_close(trainer.predict(state.deployed(), x), network(x))


@settings(max_examples=25, deadline=None)
@given(
    place=st.sampled_from(PLACES), family=st.sampled_from(ADDED), std=st.floats(1e-3, 10), seed=st.integers(0, 10**6)
)  # fmt: skip
def test_the_draw_is_free_of_strength(place, family, std, seed):
    one, other = (noise_of(place, family, s, (4, 3), seed) for s in (std, 2 * std))
    assert_close(other, 2 * one, rtol=1e-5, atol=0)
    assert float(one.abs().max()) > 0
