"""Depth at random: what residual blocks add goes missing, or is mixed in random shares.

All of these act where a block hands over what it adds to its input: sites of kind ``branch`` and ``branches``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.regularizer import Params, Regularizer, knob
from wellfit.regularizers.dropout import inverse_keep
from wellfit.sites import Site


def _by_row(h: Tensor) -> tuple[int, ...]:
    return (len(h), *[1] * (h.ndim - 1))


def _deeper(p: Tensor | float, site: Site) -> Tensor | float:
    """The linear rule: p at the last site of its kind, p / total at the first one."""
    return p * ((site.index + 1) / site.total)


def _left_in(h: Tensor, kept: Tensor, p: Tensor | float) -> Tensor:
    return h * (kept.to(h.dtype).reshape(_by_row(h)) * inverse_keep(p, h))


def _forward_and_backward(h: Tensor, forward: Tensor, backward: Tensor) -> Tensor:
    """A value of h * forward, whose gradient is that of h * backward."""
    back = h * backward
    return back + (h * forward - back).detach()


class StochasticDepth(Regularizer):
    """Leave out residual blocks at random, deep ones more often: branch <- branch * kept / (1 - p_l), row by row.

    p_l = p * (l + 1) / L for block l of L: the linear rule of the source, which keeps early blocks, since all others
    read them. A row whose branch is dropped passes by its shortcut. Thanks to the division all blocks stand in
    evaluation as they are. Outside of a stack rows that are dropped are not computed where the block's branch is a
    ``Branch`` and the trainer ``skips``.

    Args:
        p: probability that the last block is dropped, 0 (neutral) to 1; 0.1 to 0.5 is usual.

    Shapes:
        h: (batch, ...) in, the same out; dtype and device are kept.

    Example:
        >>> from wellfit.draws import Now
        >>> last = Site("blocks.3.branch", "branch", index=3, total=4)
        >>> StochasticDepth(1.0).activation(torch.ones(2, 3), last, {}, Now.at(0)).tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]

    Source:
        Huang, Sun, Liu, Sedra & Weinberger, Deep Networks with Stochastic Depth, ECCV 2016, arXiv 1603.09382.
    """

    formula = "branch * kept / (1 - p_l), kept ~ Bernoulli(1 - p_l), p_l = p * (l + 1) / L"
    source = "Huang, Sun, Liu, Sedra & Weinberger, Deep Networks with Stochastic Depth, ECCV 2016, arXiv 1603.09382"
    use_when = "residual networks and transformers of many blocks"
    avoid_when = "there are few blocks, or no residual ones"
    grade = "A"
    site_kinds = frozenset({"branch"})
    p: float = knob(0.2, low=0.02, high=0.6, neutral=0.0, maximum=1.0)

    def kept_rows(self, site: Site, rows: int, now: Now) -> Tensor:
        return now.kept(_deeper(self.p, site), (rows,), site.name)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        return _left_in(h, self.kept_rows(site, len(h), now), _deeper(self.p, site))


class LayerDrop(Regularizer):
    """Leave out whole residual layers at random, for a whole batch: branch <- branch * kept / (1 - p).

    One draw for a layer and a step, the same p at every depth, so that a network comes to bear being cut down later.
    The source does not divide; with the division all layers stand in evaluation as they are.

    Args:
        p: probability that a layer is dropped, 0 (neutral) to 1; 0.1 to 0.2 is usual.

    Shapes:
        h: (batch, ...) in, the same out; dtype and device are kept.

    Example:
        >>> from wellfit.draws import Now
        >>> h = LayerDrop(0.5).activation(torch.ones(64, 3), Site("0.branch", "branch"), {}, Now.at(0))
        >>> len(h.unique())
        1

    Source:
        Fan, Grave & Joulin, Reducing Transformer Depth on Demand with Structured Dropout, ICLR 2020, arXiv 1909.11556.
    """

    formula = "branch * kept / (1 - p), kept ~ Bernoulli(1 - p), one draw for a batch"
    source = "Fan, Grave & Joulin, Reducing Transformer Depth on Demand, ICLR 2020, arXiv 1909.11556"
    use_when = "transformers, also those whose layers are to be pruned later"
    avoid_when = "there are few layers, or StochasticDepth is in the recipe already"
    grade = "B"
    site_kinds = frozenset({"branch"})
    p: float = knob(0.1, low=0.01, high=0.5, neutral=0.0, maximum=1.0)

    def kept_rows(self, site: Site, rows: int, now: Now) -> Tensor:
        return now.kept(self.p, (1,), site.name).expand(rows)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        return _left_in(h, self.kept_rows(site, len(h), now), self.p)


class ShakeShake(Regularizer):
    """Mix the branches of a block in random shares, and send gradients back in other ones.

    With n branches each row has shares a (forward) and b (backward), uniform on those that sum to 1. A branch becomes
    branch * (1 + strength * (n * a - 1)) with the gradient of branch * (1 + strength * (n * b - 1)). The mean of the
    factors is 1, so that it fits blocks that add up their branches and blocks that average them, and evaluation is
    the even mixture. ``RegularizedCNN(blocks=3)`` has such blocks.

    Args:
        strength: how far shares go from even ones, 0 (neutral) to 1, which is the source's.

    Shapes:
        h: (branches, batch, ...) in, the same out; dtype and device are kept.

    Example:
        >>> from wellfit.draws import Now
        >>> two = ShakeShake().activation(torch.ones(2, 5, 3), Site("0.branches", "branches"), {}, Now.at(0))
        >>> torch.allclose(two.sum(0), torch.full((5, 3), 2.0))
        True

    Source:
        Gastaldi, Shake-Shake Regularization, ICLR workshop 2017, arXiv 1705.07485.
    """

    formula = "branch * (1 + strength * (n * a - 1)), a uniform on shares; backward with shares b"
    source = "Gastaldi, Shake-Shake Regularization, ICLR workshop 2017, arXiv 1705.07485"
    use_when = "residual networks of several branches, very long trainings"
    avoid_when = "trainings are short: learning is slow under it"
    grade = "C+"
    site_kinds = frozenset({"branches"})
    strength: float = knob(1.0, low=0.1, high=1.0, neutral=0.0, maximum=1.0)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        forward = _even(h, now, f"{site.name}.forward")
        backward = _even(h, now, f"{site.name}.backward")
        return _forward_and_backward(h, 1.0 + self.strength * forward, 1.0 + self.strength * backward)


def _even(h: Tensor, now: Now, name: str) -> Tensor:
    """n * share - 1 of each branch and row, with shares uniform on the simplex: exponential draws over their sum."""
    draws = -torch.log1p(-now.uniform((*h.shape[:2], *[1] * (h.ndim - 2)), name))
    total = draws.sum(0, keepdim=True)
    shares = torch.where(total > 0, draws / torch.where(total > 0, total, 1.0), 1.0 / len(h))
    return (len(h) * shares - 1.0).to(h.dtype)


class ShakeDrop(Regularizer):
    """Shake what residual blocks add, deep ones more often: a factor in [-1, 1] forward, another in [0, 1] backward.

    With q_l = 1 - p_l, p_l = p * (l + 1) / L, and kept ~ Bernoulli(q_l) for each row:
    branch <- branch * (kept + (1 - kept) * a) / q_l, a ~ U(-1, 1), with the gradient of
    branch * (kept + (1 - kept) * b) / q_l, b ~ U(0, 1). The source multiplies by q_l in evaluation in place of the
    division here, thanks to which evaluation needs nothing.

    Args:
        p: probability that the last block is shaken, 0 (neutral) to 0.9; 0.5 is the source's. At 1 there would be no
            mean to keep.

    Shapes:
        h: (batch, ...) in, the same out; dtype and device are kept.

    Example:
        >>> ShakeDrop(0.0).is_neutral()
        True

    Source:
        Yamada, Iwamura, Akiba & Kise, ShakeDrop Regularization for Deep Residual Learning, IEEE Access 7, 2019, arXiv
        1802.02375.
    """

    formula = "branch * (kept + (1 - kept) * a) / (1 - p_l), a ~ U(-1, 1); backward with b ~ U(0, 1)"
    source = "Yamada, Iwamura, Akiba & Kise, ShakeDrop Regularization, IEEE Access 7, 2019, arXiv 1802.02375"
    use_when = "deep residual networks with batch norm at the end of a branch, long trainings"
    avoid_when = "blocks have no norm at their end: training diverges"
    grade = "C+"
    site_kinds = frozenset({"branch"})
    p: float = knob(0.3, low=0.05, high=0.6, neutral=0.0, maximum=0.9)

    def activation(self, h: Tensor, site: Site, params: Params, now: Now) -> Tensor:
        p, shape = _deeper(self.p, site), _by_row(h)
        shaken = now.chance(p, shape, site.name)
        forward = torch.where(shaken, 2.0 * now.uniform(shape, f"{site.name}.forward") - 1.0, 1.0).to(h.dtype)
        backward = torch.where(shaken, now.uniform(shape, f"{site.name}.backward"), 1.0).to(h.dtype)
        keep = inverse_keep(p, h)
        return _forward_and_backward(h, forward * keep, backward * keep)
