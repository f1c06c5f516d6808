"""Anybody's own change of pictures as a part of a recipe: a function, or a transform of another library."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wellfit.draws import Now
from wellfit.errors import RecipeError
from wellfit.regularizer import Regularizer, knob, static
from wellfit.regularizers.affine import check_choice, check_image
from wellfit.regularizers.picture_operations import Canvas
from wellfit.target import Target

TAKES = ("tensor", "batch", "array", "keyword")
"""How a transform wants its pictures: see ``Transform``."""

_SEEDS = 1 << 23
_KNOWN: dict[int, Callable[..., Any]] = {}
"""Transforms by their number: an operation of torch is handed numbers and tensors, and no functions."""


class Transform(Regularizer):
    """Change pictures by anybody's own transform: a function, or an object of torchvision v2, kornia or albumentations.

    A recipe and its file hold no code: they hold the name under which a training brings the transform, as it brings a
    teacher: ``resources={"transform": my_transform}``. What it draws follows from the training's seed and the step:
    Python's, NumPy's and torch's generators (and ``set_random_seed`` of a transform that has it, as albumentations'
    do) are seeded before each batch, and the three generators are as before afterwards. Only the pictures that it is
    to change are handed to it. It may not change a picture's size. Targets stay; no gradient passes through it.

    Pictures go to it between black, 0, and white, 1 (or 255, for 8-bit forms) whatever the training's inputs are scaled
    to, where black and white are known; elsewhere floats are between 0 and 1 already.

    Args:
        p: probability of a picture to be changed, 0 (neutral) to 1.
        resource: the name under which the training brings the transform.
        takes: ``tensor``, a float picture (channels, height, width) at a time, as torchvision v2 wants it; ``batch``,
            floats (batch, channels, height, width), as kornia does; ``array``, an 8-bit NumPy array (height, width,
            channels) at a time; ``keyword``, such an array as ``image=...`` with a dictionary that holds ``image`` as
            the answer, as albumentations does. Arrays of one channel may come back without that axis.

    Shapes:
        x: (batch, channels, height, width), floats or 8-bit pixels.

    Raises:
        RecipeError: the training brought no such transform, it is no function, or it gave back another shape; inputs
            that are no pictures; an unknown form.

    Example:
        >>> import dataclasses, torch
        >>> now = dataclasses.replace(Now.at(0), resources={"negative": lambda picture: 1.0 - picture})
        >>> Transform(resource="negative").batch(torch.full((1, 1, 1, 2), 0.25), None, now)[0].tolist()
        [[[[0.75, 0.75]]]]

    Source:
        Buslaev, Iglovikov, Khvedchenya, Parinov, Druzhinin & Kalinin, Albumentations: Fast and Flexible Image
        Augmentations, Information 11(2):125, 2020 (the form ``keyword``).
    """

    formula = "t(x) with probability p, t the training's own"
    source = "Buslaev et al., Albumentations: Fast and Flexible Image Augmentations, Information 11(2):125, 2020"
    use_when = "a change of pictures that wellfit does not have"
    avoid_when = "wellfit has it: foreign code runs picture by picture, and in no compiled step"
    grade = "A"
    inputs = "image"
    rank = 19
    p: float = knob(1.0, low=0.1, high=1.0, neutral=0.0, maximum=1.0)
    resource: str = static("transform")
    takes: str = static("tensor")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self.name, "takes", self.takes, TAKES)
        if not isinstance(self.resource, str) or not self.resource:
            raise RecipeError(
                f"{self.name}.resource is {self.resource!r}; a name is allowed.",
                fix='The transform itself comes with the training: resources={"transform": your transform}.',
                code="WF-R02",
            )

    def needs(self) -> tuple[str, ...]:
        return (self.resource,)

    def batch(self, x: Tensor, target: Target, now: Now) -> tuple[Tensor, Target]:
        check_image(x, self.name)
        transform = now.resources.get(self.resource)
        if not callable(transform):
            came = "this training has none" if transform is None else f"what it is, {transform!r:.60}, is no function"
            fix = f'Bring it with the training: resources={{"{self.resource}": your transform}}.'
            raise RecipeError(f"Transform needs {self.resource!r}, and {came}.", fix=fix, code="WF-R08")
        canvas = Canvas.of(x, self.name, now)
        hit = now.chance(self.p, (len(x),), "hit")
        seed = (now.uniform((1,), "seed") * _SEEDS).to(torch.int64)
        _KNOWN[id(transform)] = transform
        return canvas.back(_run(canvas.u, hit, seed, id(transform), self.takes), hit), target


@torch.library.custom_op(
    "wellfit::transform", mutates_args=(), schema="(Tensor u, Tensor hit, Tensor seed, int number, str takes) -> Tensor"
)
def _run(u: Tensor, hit: Tensor, seed: Tensor, number: int, takes: str) -> Tensor:
    """The pictures that are hit after a transform, the others as they came: one operation to torch, so that tracing
    and ``vmap`` look no further.
    """
    transform, rows = _KNOWN[number], hit.nonzero().squeeze(1)
    out = u.clone()
    if not len(rows):
        return out
    with seeded(int(seed), transform):
        if takes == "batch":
            made = _checked(transform(u[rows]), u[rows])
        else:
            made = torch.stack([_one(transform, picture, takes) for picture in u[rows]])
    out[rows] = made
    return out


@_run.register_fake
def _(u: Tensor, hit: Tensor, seed: Tensor, number: int, takes: str) -> Tensor:
    return torch.empty_like(u)


@_run.register_vmap
def _(
    info: Any, in_dims: tuple[int | None, ...], u: Tensor, hit: Tensor, seed: Tensor, number: int, takes: str
) -> tuple[Tensor, int]:
    """Members of a stack one after the other."""
    every = [
        [leaf if axis is None else leaf.select(axis, i) for i in range(info.batch_size)]
        for leaf, axis in zip((u, hit, seed), in_dims, strict=False)
    ]
    return torch.stack([_run(*one, number, takes) for one in zip(*every, strict=True)]), 0


def _one(transform: Callable[..., Any], picture: Tensor, takes: str) -> Tensor:
    """One picture (channels, height, width) from 0 to 1 through a transform, in the form that it takes."""
    if takes == "tensor":
        return _checked(transform(picture.clone()), picture)
    pixels = (255.0 * picture).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
    found = np.asarray(transform(image=pixels)["image"] if takes == "keyword" else transform(pixels))
    found = found[..., None] if found.ndim == 2 else found
    whole = found.dtype == np.uint8
    back = torch.from_numpy(np.ascontiguousarray(found)).movedim(-1, 0).to(picture)
    return _checked(back / 255.0 if whole else back, picture)


def _checked(found: Any, like: Tensor) -> Tensor:
    if not isinstance(found, Tensor) or found.shape != like.shape:
        came = tuple(found.shape) if isinstance(found, Tensor) else f"{found!r:.60}"
        raise RecipeError(
            f"the transform was given a picture or batch of {tuple(like.shape)} and gave back {came}.",
            fix="End it with a resize to the size that came, and choose the form it takes: Transform(takes=...).",
            code="WF-R11",
        )
    return found.to(like)


@contextlib.contextmanager
def seeded(seed: int, transform: Any) -> Iterator[None]:
    """While the context is open every global generator begins from a seed, and the transform's own where it has one."""
    plain, arrays = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            if callable(getattr(transform, "set_random_seed", None)):
                transform.set_random_seed(seed)
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(arrays)
