"""Connections: weights that go missing at random, and a gate on a way past a layer."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import Knob, check_knob, static
from wellfit.regularizer import Params, Regularizer, knob
from wellfit.regularizers.dropout import drop
from wellfit.regularizers.spectral_layers import SpectralLinear
from wellfit.regularizers.standardization import StandardizedLinear

# exact: a subclass of Linear may be read by its owner without being called, as in nn.MultiheadAttention
_LINEAR = (nn.Linear, StandardizedLinear, SpectralLinear)


class DropConnect(Regularizer):
    """Set single weights to zero at random, in the forward pass only: w <- w * mask / (1 - p).

    Gradients go to the weights that were there. One mask for a step and a weight, shared by the rows of a batch: the
    source draws one for each row, which would need a copy of the weights for each. Evaluation takes the weights as
    they are, their mean.

    Args:
        p: probability that a weight is missing, 0 (neutral) to 1; 0.05 to 0.5 is usual.

    Shapes:
        weights: any of two dimensions and more, each entry by itself; dtype and device are kept.

    Example:
        >>> import torch
        >>> used = DropConnect(0.5).weights({"w": torch.ones(20, 20)}, Now.at(0))["w"]
        >>> used.unique().tolist()
        [0.0, 2.0]

    Source:
        Wan, Zeiler, Zhang, LeCun & Fergus, Regularization of Neural Networks using DropConnect, ICML 2013.
    """

    formula = "w * mask / (1 - p), mask ~ Bernoulli(1 - p), forward only"
    source = "Wan, Zeiler, Zhang, LeCun & Fergus, Regularization of Neural Networks using DropConnect, ICML 2013"
    use_when = "recurrent weights, and wide layers in which Dropout is too coarse"
    avoid_when = "Dropout is in the recipe already, or batches are small: a whole batch shares its mask"
    grade = "B"
    p: float = knob(0.1, low=0.01, high=0.6, neutral=0.0, maximum=1.0)

    def weights(self, params: Params, now: Now) -> Params:
        return {n: drop(w, self.p, tuple(w.shape), n, now) for n, w in params.items()}


class SkipConnection(Regularizer):
    """Add a way past each layer of equal width, with a trainable gate: h <- layer(h) + gate * h.

    It goes round linear layers that give as many units as they take, before the activation; every other layer stays as
    it was. The gate is one number for a layer, trained with the weights and handed over with them.

    Args:
        gate: what gates begin with: 1 is a residual network from the start, at 0 the first outputs are the old ones.

    Shapes:
        h: (batch, ..., units) in, the same out.

    Raises:
        RecipeError: gate is no number from -1 to 1, or, when it is applied, no layer has equal width.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> [type(layer).__name__ for layer in SkipConnection().rewrite(model)]
        ['Linear', 'ReLU', 'Skip', 'ReLU', 'Linear']

    Source:
        He, Zhang, Ren & Sun, Deep Residual Learning, CVPR 2016, arXiv 1512.03385; gates: Srivastava, Greff &
        Schmidhuber, Highway Networks, 2015, arXiv 1505.00387; as a regularizer: Kadra, Lindauer, Hutter & Grabocka,
        Well-tuned Simple Nets Excel on Tabular Datasets, NeurIPS 2021, arXiv 2106.11189.
    """

    formula = "layer(h) + gate * h, gate trained"
    source = "He et al., CVPR 2016, arXiv 1512.03385; Kadra et al., NeurIPS 2021, arXiv 2106.11189"
    use_when = "plain networks of three hidden layers and more"
    avoid_when = "the network has residual blocks already, or layers of equal width are rare"
    grade = "B"
    exempt = "it adds ways to the network; a gate of 0 is only where training begins"
    gate: float = static(1.0)

    def __post_init__(self) -> None:
        check_knob("SkipConnection", "gate", self.gate, Knob(0.0, 1.0, minimum=-1.0, maximum=1.0))
        object.__setattr__(self, "gate", float(self.gate))

    def rewrite(self, model: nn.Module) -> nn.Module:
        model = copy.deepcopy(model)
        layers = {n: m for n, m in model.named_modules() if type(m) in _LINEAR and m.in_features == m.out_features}
        if not layers or "" in layers:
            raise RecipeError(
                "SkipConnection finds no linear layer inside the network that gives as many units as it takes.",
                fix="Leave it out, or make hidden layers of one width.",
                code="WF-R12",
            )
        for name, layer in layers.items():
            owner, _, last = name.rpartition(".")
            setattr(model.get_submodule(owner), last, Skip(layer, self.gate))
        return model


class Skip(nn.Module):
    """A layer and a gated way past it: layer(h) + gate * h."""

    def __init__(self, layer: nn.Linear, gate: float) -> None:
        super().__init__()
        self.layer = layer
        self.gate = nn.Parameter(layer.weight.new_full((), gate))

    def forward(self, h: Tensor) -> Tensor:
        return self.layer(h) + self.gate * h
