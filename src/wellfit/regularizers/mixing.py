"""Mixing: training rows that are blends of two, at the inputs or inside the network."""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob
from wellfit.regularizers.amounts import amounts_of, back_to
from wellfit.sites import Site
from wellfit.target import Target


class Mixup(Regularizer):
    """Train on blends of two rows: x <- lam * x_i + (1 - lam) * x_j and the same for targets, lam ~ Beta(alpha, alpha).

    One lam a step, partners by a random order of the batch; labels blend with the same lam, so that the loss is
    lam * loss_i + (1 - lam) * loss_j. Training accuracy under mixing means nothing: judge on clean rows.

    Args:
        alpha: shape of the Beta distribution, 0 (neutral: lam = 1) and up; 0.1 to 0.4 is usual, 1 is strong.

    Shapes:
        x: (batch, ...), floats or 8-bit pixels; target values (batch, classes or outputs).

    Raises:
        RecipeError: inputs of whole numbers that are not of 8 bits.

    Example:
        >>> Mixup(0.2).replace(alpha=1.0)
        Mixup(alpha=1.0)

    Source:
        Zhang, Cisse, Dauphin & Lopez-Paz, mixup: Beyond Empirical Risk Minimization, ICLR 2018, arXiv 1710.09412.
    """

    formula = "lam * x_i + (1 - lam) * x_j, lam ~ Beta(alpha, alpha); targets alike"
    source = "Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018, arXiv 1710.09412"
    use_when = "few rows, noisy labels, over-confident probabilities"
    avoid_when = "a blend of two rows means nothing, or label smoothing softens the labels already"
    grade = "A"
    standard = frozenset({"table", "image"})
    rank = 40
    alpha: float = knob(0.2, low=0.02, high=2.0, log=True, neutral=0.0)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        share = mixing_share(self.alpha, now)
        partner = now.permutation(x.shape[0], "partner")
        mixed = blend(amounts_of(x, self.name), partner, share)
        return back_to(x, mixed), target.blend(target.take(partner), share.to(mixed.dtype))


class ManifoldMixup(Regularizer):
    """Blend two rows inside the network: h <- lam * h_i + (1 - lam) * h_j at one site, lam ~ Beta(alpha, alpha).

    Each step draws one of the sites it acts on (hidden values after an activation), each as likely as the others, and
    blends there and nowhere else; targets blend with the same lam and the same partners. A module that the network
    calls more than once blends at its first call: rows blended twice would no longer be what their target says. In a
    second pass over the same step the blend is the same, as the target is. A network without such a site is left alone,
    its targets too.

    Args:
        alpha: shape of the Beta distribution, 0 (neutral: lam = 1) and up; 0.2 to 2 is usual, 2 the paper's.

    Shapes:
        h: (batch, ...), rows in the order of the batch; target values (batch, classes or outputs).

    Example:
        >>> ManifoldMixup(2.0).selects_site(Site("blocks.0.hidden", "hidden"))
        True

    Source:
        Verma, Lamb, Beckham, Najafi, Mitliagkas, Lopez-Paz & Bengio, Manifold Mixup: Better Representations by
        Interpolating Hidden States, ICML 2019, arXiv 1806.05236.
    """

    formula = "lam * h_i + (1 - lam) * h_j at one site a step, lam ~ Beta(alpha, alpha); targets alike"
    source = "Verma et al., Manifold Mixup: Better Representations by Interpolating Hidden States, ICML 2019"
    use_when = "blends of raw rows mean nothing, but blends of what a layer makes of them may"
    avoid_when = "Mixup or CutMix is in the recipe: targets would be blended twice"
    grade = "B-"
    rank = 41
    site_kinds = frozenset({"hidden"})
    alpha: float = knob(1.0, low=0.05, high=4.0, log=True, neutral=0.0)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return x, blended_inside(target, len(x), self.alpha, now)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        if now.call > 1:
            return h
        names = [s.name for s in now.sites]
        share, partner = drawn_once(len(h), self.alpha, now)
        # the draw is below 1, so that its floor is below the number of sites
        chosen = torch.floor(now.first().uniform((), "site") * len(names)) == names.index(site.name)
        return torch.where(chosen, blend(h, partner, share), h)


class WordMixup(Regularizer):
    """Blend the words' vectors of two texts by places: h <- lam * h_i + (1 - lam) * h_j, lam ~ Beta(alpha, alpha).

    One lam a step, partners by a random order of the batch; targets blend with the same lam. A text that ends sooner is
    filled up with vectors of zeros: the blend is as long as the longer of the two, which the network is told where it
    has a place for that (``mask``, as the networks for texts here have). A network of your own whose mask is computed
    from the numbers of the first text loses what the longer partner says after its end. A network without embeddings
    is left alone, its targets too.

    Args:
        alpha: shape of the Beta distribution, 0 (neutral: lam = 1) and up; 1 is the paper's.

    Shapes:
        h: (batch, positions, width), and the mask (batch, positions, ...); target values (batch, classes or outputs).

    Example:
        >>> WordMixup(1.0).selects_site(Site("words", "embedding"))
        True

    Source:
        Guo, Mao & Zhang, Augmenting Data with Mixup for Sentence Classification: An Empirical Study, 2019, arXiv
        1905.08941 (its "wordMixup").
    """

    formula = "lam * h_i + (1 - lam) * h_j at the words' vectors, lam ~ Beta(alpha, alpha); targets alike"
    source = "Guo, Mao & Zhang, Augmenting Data with Mixup for Sentence Classification, 2019, arXiv 1905.08941"
    use_when = "few labeled texts, and a network that reads them through embeddings"
    avoid_when = "tables, whose numbers would stay unmixed; Mixup or CutMix is in the recipe: targets would blend twice"
    grade = "B"
    standard = frozenset({"text"})
    rank = 40
    site_kinds = frozenset({"embedding", "mask"})
    alpha: float = knob(0.5, low=0.05, high=2.0, log=True, neutral=0.0)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        return x, blended_inside(target, len(x), self.alpha, now)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        share, partner = drawn_once(len(h), self.alpha, now)
        if site.kind == "mask":
            return torch.where(share < 1.0, torch.maximum(h, h[partner]), h)
        return blend(h, partner, share)


def blended_inside(target: Target, rows: int, alpha: Tensor | float, now: Now) -> Target:
    """The targets where hidden values are blended: as they are, where the network has no site for that."""
    if not now.sites:
        return target
    share, partner = drawn_once(rows, alpha, now)
    return target.blend(target.take(partner), share.to(target.values.dtype))


def drawn_once(rows: int, alpha: Tensor | float, now: Now) -> tuple[Tensor, Tensor]:
    """Share and partners of this step: the same in both stages, at every site and in every pass."""
    return mixing_share(alpha, now.first()), now.first().permutation(rows, "partner")


def mixing_share(alpha: Tensor | float, now: Now) -> Tensor:
    """lam ~ Beta(alpha, alpha), () float32; exactly 1 at alpha = 0."""
    return torch.where(torch.as_tensor(alpha, device=now.key.device) > 0, now.beta(alpha, "share"), 1.0)


def blend(values: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """``share`` of each row and the rest of its partner, in the dtype of ``values``."""
    share = share.to(values.dtype)
    return share * values + (1.0 - share) * values[partner]
