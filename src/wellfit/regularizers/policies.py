"""Policies of augmentation: which changes a picture gets, and how strong, is drawn for each picture anew."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.knobs import shortened
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.affine import INTERPOLATIONS, check_choice, check_image
from wellfit.regularizers.picture_operations import (
    AUTOAUGMENT,
    OPERATIONS,
    PLACE,
    WIDE,
    Canvas,
    Layer,
    amounts,
    applied,
)
from wellfit.regularizers.published import POLICIES, pairs
from wellfit.regularizers.warping import FILLS
from wellfit.target import Target

_LIST = OPERATIONS[:-1]
"""The fourteen of RandAugment and TrivialAugment: all but inverting."""
_SPACES = {"wide": WIDE, "standard": AUTOAUGMENT}
_MOST_LAYERS = 8


class Policy(Regularizer, abstract=True):
    """What chooses among changes for each picture. They come behind the recipe's own geometry and before its colors.

    Pictures are between black and white: 0 and 1 where a training knows no better, for 8-bit pixels 0 and 255. What
    is beyond is cut off in pictures whose colors change.
    """

    inputs = "image"
    rank = 21

    def __post_init__(self) -> None:
        super().__post_init__()
        choices = (
            ("fill", tuple(FILLS)), ("interpolation", INTERPOLATIONS), ("space", tuple(_SPACES)),
            ("policy", tuple(POLICIES)),
        )  # fmt: skip
        for field, allowed in choices:
            check_choice(self.name, field, getattr(self, field, allowed[0]), allowed)
        for field in ("layers", "chains", "depth"):
            count = getattr(self, field, 1)
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST_LAYERS:
                came = f"{self.name}.{field} is {shortened(count)}; a whole number from 1 to {_MOST_LAYERS} is allowed."
                raise RecipeError(came, fix="2 or 3 is usual.", code="WF-R03")

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        check_image(x, self.name)
        canvas = Canvas.of(x, self.name, now)
        hit = now.chance(self.p, (len(x),), "hit")  # type: ignore[attr-defined] - leaves that use this one have it
        layers = [layer._replace(operation=torch.where(hit, layer.operation, 0)) for layer in self.drawn(x, now)]
        u, changed = canvas.u, torch.zeros_like(hit)
        for layer in layers:
            u = applied(u, layer, self.fill, self.interpolation)  # type: ignore[attr-defined]
            changed = changed | (layer.operation != 0)
        return canvas.back(u, changed), target

    def drawn(self, x: Tensor, now: Now) -> Sequence[Layer]:
        """The changes of each picture, one after the other."""
        raise NotImplementedError


def numbers_of(names: Sequence[str], like: Tensor) -> Tensor:
    """Operations by their numbers, int64."""
    return torch.tensor([PLACE[n] for n in names], device=like.device)


def chosen_from(u: Tensor, among: Tensor) -> Tensor:
    """One of a list for each uniform draw, each as likely as any other."""
    return among[torch.floor(u * len(among)).to(torch.int64)]


def sign_of(u: Tensor) -> Tensor:
    """1 or -1 for each uniform draw, float64."""
    return torch.where(u < 0.5, -1.0, 1.0).to(torch.float64)


class TrivialAugment(Policy):
    """Change each picture in one way, drawn from fourteen, at a strength drawn anew: nothing to tune.

    The ways: none; shear (2), moves (2), turns; brightness, color, contrast, sharpness; fewer bits, solarizing;
    stretched and equalized histograms. Strengths are uniform over 31 steps up to the largest of the ``space``.
    ``wide``: shear 0.99, moves of 32 pixels, turns of 135 degrees, enhancements by 1 - 0.99 to 1 + 0.99, down to 2
    bits, solarizing from 256 levels to 0. ``standard``: RandAugment's at its strongest.

    Args:
        p: probability of a picture to be changed, 0 (neutral) to 1; 1 is the paper's.
        space: ``wide`` or ``standard``.
        fill: what comes in beyond the borders: ``reflect`` (the paper's program: gray), ``edge`` or ``constant``.
        interpolation: ``bilinear`` (the paper's program: nearest) or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown space, fill or interpolation.

    Example:
        >>> import torch
        >>> x = torch.rand(100, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> out, _ = TrivialAugment().batch(x, None, Now.at(0))
        >>> bool((out != x).flatten(1).any(1).sum() > 80)
        True

    Source:
        Mueller & Hutter, TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation, ICCV 2021, arXiv
        2103.10158.
    """

    formula = "o(x; m), o ~ Uniform(14 operations), m ~ Uniform(31 strengths)"
    source = "Mueller & Hutter, TrivialAugment: Tuning-free Data Augmentation, ICCV 2021, arXiv 2103.10158"
    use_when = "photographs, and no time to tune an augmentation"
    avoid_when = "a turn of 135 degrees or a shift of 32 pixels changes the class: letters, small pictures"
    grade = "A-"
    standard = frozenset({"image"})
    p: float = knob(1.0, low=0.2, high=1.0, neutral=0.0, maximum=1.0)
    space: str = static("wide")
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def drawn(self, x: Tensor, now: Now) -> Sequence[Layer]:
        u = now.uniform((3, len(x)), "layer").to(torch.float64)
        operation, share = chosen_from(u[0], numbers_of(_LIST, x)), torch.floor(u[1] * 31.0) / 30.0
        size = (x.shape[2], x.shape[3])
        return [Layer(operation, amounts(operation, share, sign_of(u[2]), _SPACES[self.space], size))]


class RandAugment(Policy):
    """Change each picture in a few ways, drawn from fourteen, all at one strength.

    The ways are those of TrivialAugment. A magnitude of 30 is: shear 0.3, moves of 150 / 331 of the side, turns of 30
    degrees, enhancements by 0.1 or 1.9, down to 4 bits, solarizing from 0 levels; below it is its share. Shear, moves,
    turns and enhancements go either way. Shear and turns are about the picture's center.

    Args:
        magnitude: 0 to 30; 5 to 15 is usual. Stretching and equalizing have no strength: at 0 they still act.
        p: probability of a picture to be changed, 0 (neutral) to 1; 1 is the paper's.
        layers: how many changes, one after the other, 1 to 8; 2 is usual. The same one may come twice.
        fill: what comes in beyond the borders: ``reflect`` (the paper's program: gray), ``edge`` or ``constant``.
        interpolation: ``bilinear`` (the paper's program: nearest) or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown fill or interpolation; layers below 1 or above 8.

    Example:
        >>> RandAugment(9.0).layers
        2

    Source:
        Cubuk, Zoph, Shlens & Le, RandAugment: Practical Automated Data Augmentation with a Reduced Search Space,
        NeurIPS 2020, arXiv 1909.13719.
    """

    formula = "o_2(o_1(x; m); m), o_i ~ Uniform(14 operations)"
    source = "Cubuk, Zoph, Shlens & Le, RandAugment, NeurIPS 2020, arXiv 1909.13719"
    use_when = "photographs, with one strength to search for"
    avoid_when = "colors or tones tell the class, or a turn changes it"
    grade = "A"
    standard = frozenset({"image"})
    magnitude: float = knob(9.0, low=2.0, high=20.0, maximum=30.0)
    p: float = knob(1.0, low=0.2, high=1.0, neutral=0.0, maximum=1.0)
    layers: int = static(2)
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def drawn(self, x: Tensor, now: Now) -> Sequence[Layer]:
        u = now.uniform((self.layers, 2, len(x)), "layers").to(torch.float64)
        share = torch.as_tensor(self.magnitude, dtype=torch.float64, device=x.device).expand(len(x)) / 30.0
        size, among = (x.shape[2], x.shape[3]), numbers_of(_LIST, x)
        found = []
        for choice, side in u:
            operation = chosen_from(choice, among)
            found.append(Layer(operation, amounts(operation, share, sign_of(side), AUTOAUGMENT, size)))
        return found


class AutoAugment(Policy):
    """Change each picture by a pair of operations, drawn from the 25 that a search found for a data set.

    Each of the two acts with the pair's own probability at its own magnitude, 0 to 9 of nine: 9 is what 30 is to
    RandAugment. Shear, moves, turns and enhancements go either way. Shear and turns are about the picture's center,
    where the authors' program shears about the upper left corner.

    Args:
        p: probability of a picture to be given a pair, 0 (neutral) to 1; 1 is the paper's.
        policy: ``cifar10``, ``svhn`` or ``imagenet``: the data set that it was found for.
        fill: what comes in beyond the borders: ``reflect`` (the paper's program: gray), ``edge`` or ``constant``.
        interpolation: ``bilinear`` (the paper's program: nearest) or ``nearest``.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels; targets stay.

    Raises:
        RecipeError: inputs that are no pictures; an unknown policy, fill or interpolation.

    Example:
        >>> len(pairs("svhn")), pairs("cifar10")[0]
        (25, (('Invert', 0.1, 0), ('Contrast', 0.2, 6)))

    Source:
        Cubuk, Zoph, Mane, Vasudevan & Le, AutoAugment: Learning Augmentation Strategies from Data, CVPR 2019, arXiv
        1805.09501.
    """

    formula = "o_2(o_1(x; m_1); m_2), (o, p, m) ~ Uniform(25 published pairs)"
    source = "Cubuk, Zoph, Mane, Vasudevan & Le, AutoAugment, CVPR 2019, arXiv 1805.09501"
    use_when = "photographs like those that a policy was found for"
    avoid_when = "small or gray pictures of another kind: search for a policy of your own"
    grade = "A-"
    p: float = knob(1.0, low=0.2, high=1.0, neutral=0.0, maximum=1.0)
    policy: str = static("cifar10")
    fill: str = static("reflect")
    interpolation: str = static("bilinear")

    def drawn(self, x: Tensor, now: Now) -> Sequence[Layer]:
        u = now.uniform((1, len(x)), "pair").to(torch.float64)
        mine = chosen_from(u[0], _table(self.policy, x))  # (rows, 2, 3)
        found, size = [], (x.shape[2], x.shape[3])
        for place, own in enumerate(now.uniform((2, 2, len(x)), "layers").to(torch.float64)):
            number, probability, magnitude = mine[:, place].unbind(-1)
            operation = torch.where(own[0] < probability, number, 0.0).to(torch.int64)
            found.append(Layer(operation, amounts(operation, magnitude / 9.0, sign_of(own[1]), AUTOAUGMENT, size)))
        return found


def _table(policy: str, like: Tensor) -> Tensor:
    """(25, 2, 3) float64: number of the operation, probability, magnitude."""
    rows = [[(float(PLACE[name]), p, float(m)) for name, p, m in pair] for pair in pairs(policy)]
    return torch.tensor(rows, dtype=torch.float64, device=like.device)
