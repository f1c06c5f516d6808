"""Networks for texts: what padding, order and unknown words change, and what they do not."""

from __future__ import annotations

import pytest
import torch

import wellfit as wf
from wellfit.draws import Now
from wellfit.errors import UsageError
from wellfit.models.bag_of_embeddings import BagOfEmbeddings
from wellfit.models.bag_of_ngrams import BagOfNgrams
from wellfit.models.text_cnn import TextCNN
from wellfit.models.text_shape import MODELS, TextShape
from wellfit.sites import acting, find_sites


@pytest.mark.parametrize("model", MODELS)
def test_padding_changes_nothing_and_members_stack(model):
    torch.manual_seed(0)
    network = TextShape(30, 6, 3, width=16, model=model).network().double().eval()
    short, padded = torch.tensor([[7, 3, 9]]), torch.tensor([[7, 3, 9, 0, 0, 0]])
    assert torch.allclose(network(short), network(padded), atol=1e-12)
    weights = {n: torch.stack([w.detach(), 2 * w.detach()]) for n, w in network.named_parameters()}
    both = torch.vmap(lambda w: torch.func.functional_call(network, w, (padded,)))(weights)
    assert torch.allclose(both[0], network(padded), atol=1e-12)
    assert {s.kind for s in find_sites(network).values()} >= {"embedding", "hidden"}


def test_order_counts_for_windows_and_not_for_a_bag():
    one, other = torch.tensor([[5, 6, 7, 8]]), torch.tensor([[8, 6, 5, 7]])
    bag, windows = BagOfEmbeddings(20, 2).eval(), TextCNN(20, 2).eval()
    assert torch.allclose(bag(one), bag(other), atol=1e-6)
    assert not torch.allclose(windows(one), windows(other), atol=1e-4)


def test_a_bag_is_the_mean_of_its_words_by_hand():
    network = BagOfEmbeddings(20, 2, width=4, hidden=3).eval()
    vectors = network.vectors.weight
    mean = (vectors[5] + vectors[6]) / 2**0.5
    expected = network.head(torch.relu(network.layer(mean)))
    assert torch.allclose(network(torch.tensor([[5, 1, 6, 0]]))[0], expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_both_sets_of_n_grams_weigh_the_same_by_hand(dtype):
    network = BagOfNgrams(20, 2, words=3).to(dtype).eval()
    torch.nn.init.normal_(network.vectors.weight), torch.nn.init.normal_(network.bias)
    v, tokens = network.vectors.weight, torch.tensor([[5, 6, 0, 9, 10, 11, 12, 0], [0, 1, 0, 9, 0, 0, 0, 0]])
    both = (v[5] + v[6]) / 2**0.5 + (v[9] + v[10] + v[11] + v[12]) / 2
    expected = network.bias + torch.stack([both, v[9]])
    near = 1e-12 if dtype == torch.float64 else 0.1
    torch.testing.assert_close(network(tokens), expected, atol=near, rtol=near)


@pytest.mark.parametrize("part", [wf.AlphaDropout(0.3), wf.ActivationNoise(0.5, place="hidden"), wf.Dropout(0.3)])
def test_what_a_recipe_does_to_padding_is_not_added_up(part):
    network, tokens = BagOfNgrams(20, 2, words=400), torch.zeros(1, 2000, dtype=torch.int64)
    sites = [s for s in find_sites(network).values() if part.selects_site(s)]
    with torch.no_grad(), acting(network, lambda h, site: part.activation(h, site, {}, Now.at(0)), sites):
        assert torch.equal(network(tokens), torch.zeros(1, 2))
    assert sites


@pytest.mark.parametrize("sizes", [(0, 2, 1), (9, 0, 1), (9, 2, 0)])
def test_n_grams_of_no_size_are_refused(sizes):
    with pytest.raises(UsageError, match="WF-A60"):
        BagOfNgrams(sizes[0], sizes[1], words=sizes[2])


@pytest.mark.parametrize("model", ["bag", "cnn", "ngrams"])
def test_texts_without_words_have_a_finite_answer(model):
    network = TextShape(30, 4, 2, model=model).network().eval()
    assert network(torch.zeros(2, 4, dtype=torch.int64)).isfinite().all()
