"""Constraints: a set that weights must lie in, kept by projection after each optimizer step or by the layer itself."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import Knob, check_knob
from wellfit.regularizer import Params, Regularizer, knob, static
from wellfit.regularizers.groups import GROUPINGS, check_choice, group_norm
from wellfit.regularizers.projections import ball_measure, project_onto_ball
from wellfit.regularizers.spectral_layers import SPECTRAL, spectral_layer
from wellfit.regularizers.standardization import STANDARDIZED

BALLS = ("l2", "l1", "elastic")


class MaxNorm(Regularizer):
    """Bound each unit's incoming weights: ||w_unit|| <= limit, by projection after the step.

    A unit is an index along the first axis: a row of a linear layer, a filter of a convolution, a category of an
    embedding. Its norm runs over the rest: w_unit <- w_unit * min(1, limit / ||w_unit||).

    Args:
        limit: the largest norm, above 0; infinity is neutral; 1 to 4 is usual.
        by: "unit" (first axis), or "input" (second axis; the output units of a transposed convolution).

    Raises:
        RecipeError: where ``by`` is neither.

    Example:
        >>> import torch
        >>> MaxNorm(1.0).project({"w": torch.tensor([[3.0, 4.0], [0.3, 0.4]])}, None)["w"].tolist()
        [[0.6000000238418579, 0.800000011920929], [0.30000001192092896, 0.4000000059604645]]

    Source:
        Srebro, Rennie & Jaakkola, Maximum-Margin Matrix Factorization, NeurIPS 17, 2004; with dropout: Srivastava et
        al., Dropout, JMLR 15, 2014.
    """

    formula = "w_unit <- w_unit * min(1, limit / ||w_unit||)"
    source = "Srebro, Rennie & Jaakkola, Maximum-Margin Matrix Factorization, NeurIPS 17, 2004"
    use_when = "with dropout and large learning rates"
    avoid_when = "weight decay already keeps the norms small"
    grade = "B"
    standard = frozenset({"table", "image", "text"})
    rank = 90
    limit: float = knob(3.0, low=0.5, high=8.0, log=True, neutral=math.inf, minimum=1e-12)
    by: str = static("unit")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("MaxNorm", "by", self.by, GROUPINGS)

    def project(self, params: Params, now: Now) -> Params:
        # 1e-30 keeps limit / 0 out of an all-zero row
        return {n: w * (self.limit / _norm(w, self.by)).clamp(max=1.0) for n, w in params.items()}


class UnitNorm(Regularizer):
    """Give each unit's incoming weights length 1: w_unit <- w_unit / ||w_unit||, after each step.

    With a share under 1 the length goes that share of the way. A unit of zeros stays zero.

    Args:
        share: how much of the way to length 1 that a step takes, 0 (neutral) to 1 (strict).
        by: "unit" (first axis: rows, filters, categories of an embedding) or "input" (second axis).

    Raises:
        RecipeError: where ``by`` is neither.

    Example:
        >>> UnitNorm().project({"w": torch.tensor([[3.0, 4.0], [0.0, 0.0]])}, None)["w"].tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]

    Source:
        Salimans & Kingma, Weight Normalization, NeurIPS 29, 2016, arXiv 1602.07868 (length apart from direction); as a
        constraint: Chollet et al., Keras, 2015.
    """

    formula = "w_unit <- w_unit * (share / ||w_unit|| + 1 - share)"
    source = "Salimans & Kingma, Weight Normalization, NeurIPS 29, 2016, arXiv 1602.07868; Chollet et al., Keras, 2015"
    use_when = "only the direction of a unit's weights should count: embeddings compared by angle, cosine heads"
    avoid_when = "nothing behind the layer can set the scale again (no norm, no scale, a last layer)"
    grade = "B-"
    rank = 90
    share: float = knob(1.0, low=0.1, high=1.0, neutral=0.0, maximum=1.0)
    by: str = static("unit")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("UnitNorm", "by", self.by, GROUPINGS)

    def project(self, params: Params, now: Now) -> Params:
        return {n: w * (self.share / _norm(w, self.by) + (1.0 - self.share)) for n, w in params.items()}


class MinMaxNorm(Regularizer):
    """Hold the length of each unit's incoming weights between two bounds: least <= ||w_unit|| <= limit.

    w_unit <- w_unit * (share * clamp(||w_unit||, least, limit) / ||w_unit|| + 1 - share), after each step. A unit of
    zeros stays zero: it has no direction to grow in.

    Args:
        least: the smallest norm, 0 and up, not over ``limit``.
        limit: the largest norm, above 0; 1 to 4 is usual.
        share: how much of the way that a step takes, 0 (neutral) to 1 (strict).
        by: "unit" (first axis: rows, filters, categories of an embedding) or "input" (second axis).

    Raises:
        RecipeError: where ``by`` is neither, or ``least`` is over ``limit``.

    Example:
        >>> MinMaxNorm(1.0, 2.0).project({"w": torch.tensor([[3.0, 4.0], [0.0, 0.5]])}, None)["w"].tolist()
        [[1.2000000476837158, 1.600000023841858], [0.0, 1.0]]

    Source:
        Chollet et al., Keras (constraints.MinMaxNorm), 2015.
    """

    formula = "w_unit <- w_unit * (share * clamp(||w_unit||, least, limit) / ||w_unit|| + 1 - share)"
    source = "Chollet et al., Keras (constraints.MinMaxNorm), 2015"
    use_when = "units die out as well as blow up"
    avoid_when = "zeros are wanted (L1, GroupLasso): it pulls units away from zero"
    grade = "B-"
    rank = 90
    least: float = knob(0.5, low=0.0, high=1.0)
    limit: float = knob(3.0, low=1.0, high=8.0, log=True, minimum=1e-12)
    share: float = knob(1.0, low=0.1, high=1.0, neutral=0.0, maximum=1.0)
    by: str = static("unit")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("MinMaxNorm", "by", self.by, GROUPINGS)
        if not isinstance(self.least, Tensor) and not isinstance(self.limit, Tensor) and self.least > self.limit:
            fix = "Give least the smaller of the two."
            raise RecipeError(
                f"MinMaxNorm.least is {self.least:g}, over its limit {self.limit:g}.", fix=fix, code="WF-R03"
            )

    def project(self, params: Params, now: Now) -> Params:
        bounded = {}
        for n, w in params.items():
            norm = _norm(w, self.by)
            wanted = norm.clamp(min=self.least).clamp(max=self.limit)
            bounded[n] = w * (self.share * (wanted / norm) + (1.0 - self.share))
        return bounded


class NonNegative(Regularizer):
    """Keep weights at zero or above: w <- max(w, 0), after each step; with it a network can only rise in its inputs.

    With a share under 1 negative weights go that share of the way to zero.

    Args:
        share: how much of the way that a step takes, 0 (neutral) to 1 (strict).

    Example:
        >>> NonNegative().project({"w": torch.tensor([[3.0, -4.0]])}, None)["w"].tolist()
        [[3.0, 0.0]]

    Source:
        Lee & Seung, Learning the Parts of Objects by Non-negative Matrix Factorization, Nature 401, 1999; in networks:
        Chorowski & Zurada, IEEE Trans. Neural Networks 26(1), 2015.
    """

    formula = "w <- max(w, 0) + (1 - share) * min(w, 0)"
    source = "Lee & Seung, Learning the Parts of Objects by Non-negative Matrix Factorization, Nature 401, 1999"
    use_when = "an output must not fall when an input rises, or parts should add up and never cancel"
    avoid_when = "effects may have either sign"
    grade = "B-"
    rank = 90
    share: float = knob(1.0, low=0.1, high=1.0, neutral=0.0, maximum=1.0)

    def project(self, params: Params, now: Now) -> Params:
        return {n: w.clamp(min=0.0) + (1.0 - self.share) * w.clamp(max=0.0) for n, w in params.items()}


class Ball(Regularizer):
    """Bound all weights together, by projection onto a ball after each step: L1, L2 and elastic net as constraints.

    The set is ||w||_2 <= limit, ||w||_1 <= limit, or l1_ratio * ||w||_1 + (1 - l1_ratio) * ||w||_2 ** 2 <= limit, over
    all weights that it acts on; ``where`` gives a layer a ball of its own. For each strength of the penalty there is a
    limit with the same solution: ``wellfit.duality`` finds it. The nearest point is meant in the optimizer's own metric
    (each weight's squared way, divided by its step size): under SGD the Euclidean one. L1 is exact by sorting, L2 and
    elastic net by Newton's method.

    Args:
        limit: the radius, above 0; infinity is neutral; what is usual grows with the number of weights.
        l1_ratio: share of L1 in the elastic ball, 0 to 1; the others do not read it.
        kind: "l2", "l1" (exact zeros at its corners) or "elastic".

    Raises:
        RecipeError: where ``kind`` is none of these.

    Example:
        >>> now = Now.at(0, rates={"w": torch.tensor(0.1)})
        >>> Ball(1.0, kind="l1").project({"w": torch.tensor([[2.0, 0.5]])}, now)["w"].tolist()
        [[1.0, 0.0]]

    Source:
        Duchi, Shalev-Shwartz, Singer & Chandra, Efficient Projections onto the L1-Ball, ICML 2008; the two forms:
        Hastie, Tibshirani & Wainwright, Statistical Learning with Sparsity, CRC Press, 2015.
    """

    formula = (
        "w <- nearest point with ||w||_2 (or ||w||_1, or l1_ratio * ||w||_1 + (1 - l1_ratio) * ||w||_2 ** 2) <= limit"
    )
    source = "Duchi, Shalev-Shwartz, Singer & Chandra, Efficient Projections onto the L1-Ball, ICML 2008"
    use_when = "you know how large the weights may be, and not what a unit of them should cost"
    avoid_when = "L1, L2 or weight decay of any strength is in the recipe: it is the same thing twice"
    grade = "B"
    rank = 85
    limit: float = knob(10.0, low=1.0, high=100.0, log=True, neutral=math.inf, minimum=1e-12)
    l1_ratio: float = knob(0.5, low=0.05, high=0.95, maximum=1.0)
    kind: str = static("l2")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Ball", "kind", self.kind, BALLS)

    def measure(self, params: Params) -> Tensor:
        """What the limit bounds, of these weights: () float64."""
        flat = torch.cat([w.detach().flatten().to(torch.float64) for w in params.values()])
        return ball_measure(flat, self.kind, self.l1_ratio)

    def project(self, params: Params, now: Now) -> Params:
        if not params:
            return params
        flat = torch.cat([w.flatten() for w in params.values()])
        steps = torch.cat([(now.rates[n].to(w.dtype) + torch.zeros_like(w)).flatten() for n, w in params.items()])
        nearest = project_onto_ball(flat, steps, self.kind, self.limit, self.l1_ratio)
        parts = nearest.split([w.numel() for w in params.values()])
        return {n: part.view(w.shape) for (n, w), part in zip(params.items(), parts, strict=True)}


class SpectralNorm(Regularizer):
    """Divide each layer's weight by its largest singular value, so that no input is stretched: limit * w / sigma.

    Linear and convolution layers (a filter's weights as a row) keep their parameters; a buffer follows the first left
    singular vector by one step of power iteration in each training pass, and the gradient runs through sigma = u^T W v
    with u and v held; in evaluation the vector is found anew, so that averages of weights keep to the limit too. A
    network of linear layers and activations of slope 1 at most then has a Lipschitz constant of at most limit **
    layers. Of a convolution it is the filters that are held, not the map from image to image: positions overlap, and
    that can stretch by up to limit * sqrt(positions of a filter).

    Args:
        limit: the largest singular value of each layer, above 0; 1 is usual.

    Raises:
        RecipeError: where ``limit`` is no number above 0, or WeightStandardization has the same layers.

    Example:
        >>> layer = SpectralNorm().rewrite(nn.Sequential(nn.Linear(2, 2)).double()).eval()[0]
        >>> x = torch.eye(2, dtype=torch.float64)
        >>> round(torch.linalg.matrix_norm(layer(x) - layer.bias, 2).item(), 4)
        1.0

    Source:
        Miyato, Kataoka, Koyama & Yoshida, Spectral Normalization for Generative Adversarial Networks, ICLR 2018, arXiv
        1802.05957; Yoshida & Miyato, Spectral Norm Regularization, arXiv 1705.10941, 2017.
    """

    formula = "limit * w / sigma, sigma = largest singular value of w"
    source = "Miyato, Kataoka, Koyama & Yoshida, Spectral Normalization for GANs, ICLR 2018, arXiv 1802.05957"
    use_when = "small changes of an input must not change the output much; discriminators, critics"
    avoid_when = "batch norm follows each layer and sets the scale anew"
    grade = "A"
    exempt = "it changes what a layer computes with its weights; there is no limit at which they are used as they are"
    limit: float = static(1.0)

    def __post_init__(self) -> None:
        check_knob("SpectralNorm", "limit", self.limit, Knob(0.5, 4.0, minimum=1e-12))

    def rewrite(self, model: nn.Module) -> nn.Module:
        model = copy.deepcopy(model)
        for name, layer in list(model.named_modules()):
            if isinstance(layer, STANDARDIZED):
                raise RecipeError(
                    "SpectralNorm and WeightStandardization both settle the scale of the same layers "
                    f"({name or 'the model'} is one).",
                    fix="Keep one of the two.",
                    code="WF-R13",
                )
            if type(layer) in SPECTRAL:
                if not name:
                    return spectral_layer(layer, self.limit)
                parent = model.get_submodule(name.rpartition(".")[0])
                setattr(parent, name.rpartition(".")[2], spectral_layer(layer, self.limit))
        return model


def _norm(w: Tensor, by: str) -> Tensor:
    """The norm of each group, for use as a divisor: 1e-30 stands in for that of a group of zeros."""
    return group_norm(w, by).clamp(min=1e-30)
