"""Pictures in training: blends, cuts and pastes with what becomes of their labels, and noise of equal size."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from wellfit.gallery.look import BLUE, COLORS, ORANGE, bare, label_bars, sheet
from wellfit.gallery.plate import Plate, Table, figure
from wellfit.target import Target

if TYPE_CHECKING:
    from wellfit.draws import Now

NAMES = ("temple", "flower")


@functools.cache
def photographs(height: int = 128, width: int = 192) -> Tensor:
    """scikit-learn's two photographs, (2, 3, height, width) float64 from 0 to 1."""
    from sklearn.datasets import load_sample_image

    pictures = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(torch.float32) / 255.0
    return torch.nn.functional.interpolate(stacked, (height, width), mode="area").to(torch.float64)


def pair() -> Target:
    """The labels of the two photographs."""
    return Target(torch.eye(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64), classes=True)


def now_at(step: int, seed: int, name: str) -> Now:
    """The moment of a part in a step of two rows."""
    from wellfit.draws import Now

    return Now.at(step, seed).of(name)


def _partnered(part: object, seed: int, low: float, high: float) -> tuple[int, Tensor, Tensor]:
    """The first step that pairs the two photographs and keeps a share of the first between two bounds."""
    x = photographs()
    for step in range(2000):
        out, target = part.batch(x, pair(), now_at(step, seed, type(part).__name__))  # type: ignore[attr-defined]
        share = float(target.values[0, 0])
        if low < share < high:
            return step, out, target.values
    raise AssertionError("no draw of 2000 was in the bounds")


def shown(picture: Tensor) -> np.ndarray:
    """A picture as matplotlib takes it."""
    return picture.clamp(0, 1).permute(1, 2, 0).numpy()


def _strip(finding: str, pictures: list[Tensor], labels: list[list[float]], titles: list[str]) -> object:
    """A row of pictures, each with its label below."""
    tall = 8.6 / len(pictures) * 0.64
    made, panels = sheet(finding, len(pictures), 2, height=tall + 1.15, height_ratios=(tall, 0.62))
    for place, (picture, label, title) in enumerate(zip(pictures, labels, titles, strict=True)):
        panels[place].imshow(shown(picture))
        panels[place].set_title(title)
        bare(panels[place])
        label_bars(panels[len(pictures) + place], NAMES, label, (BLUE, ORANGE))
    return made


@figure("mixup", "Mixup")
def mixup(seed: int = 0) -> Plate:
    """Two photographs, and both blended with their labels."""
    from wellfit.regularizers import Mixup

    x = photographs()
    _, out, values = _partnered(Mixup(1.0), seed, 0.6, 0.8)
    share = float(values[0, 0])
    finding = f"Mixup blends pictures and labels alike: {share:.0%} temple in both"
    labels = [[1.0, 0.0], [0.0, 1.0], values[0].tolist()]
    made = _strip(finding, [x[0], x[1], out[0]], labels, ["first", "second", f"blend, share {share:.2f}"])
    left = (out[0] - x[1]).flatten() @ (x[0] - x[1]).flatten() / ((x[0] - x[1]) ** 2).sum()
    rows = [("first", *labels[0], 1.0), ("second", *labels[1], 0.0), ("blend", *labels[2], left)]
    alt = "A temple, a flower, and both shining through each other; bars below show a label with a share of each."
    note = "Mixup(1.0) on scikit-learn's photographs; the share in the pixels is measured from the blend itself."
    return Plate(made, Table.of(("picture", *NAMES, "share of the first in the pixels"), rows), finding, alt, note)


@figure("cutmix", "CutMix")
def cutmix(seed: int = 0) -> Plate:
    """Two photographs, and the first with a box of the second, labels by the area truly pasted."""
    from wellfit.regularizers import CutMix

    x = photographs()
    _, out, values = _partnered(CutMix(1.0), seed, 0.6, 0.85)
    pasted = float((out[0] != x[0]).any(0).double().mean())
    finding = f"CutMix pastes a box: {pasted:.0%} of the pixels and of the label are the flower's"
    labels = [[1.0, 0.0], [0.0, 1.0], values[0].tolist()]
    made = _strip(finding, [x[0], x[1], out[0]], labels, ["first", "second", "with a box of the second"])
    rows = [("first", *labels[0], 0.0), ("second", *labels[1], 1.0), ("pasted", *labels[2], pasted)]
    alt = "A temple, a flower, and the temple with a rectangle of the flower in it; the label has a share of each."
    note = "CutMix(1.0); the label follows the area after the box was clipped at the border, counted in pixels."
    return Plate(made, Table.of(("picture", *NAMES, "share of the second in the pixels"), rows), finding, alt, note)


@figure("cutout", "Cutout")
def cutout(seed: int = 0) -> Plate:
    """A photograph under Cutout in four steps: the label stays."""
    from wellfit.regularizers import Cutout

    x = photographs()
    center = x.mean((2, 3), keepdim=True)  # 0 is the mean of standardized inputs
    steps = (0, 1, 2, 3)
    found = [Cutout(0.5).batch(x - center, pair(), now_at(step, seed, "Cutout")) for step in steps]
    finding = "Cutout hides another place in every step, and the label stays what it is"
    made = _strip(
        finding,
        [out[1] + center[1] for out, _ in found],
        [target.values[1].tolist() for _, target in found],
        [f"step {step}" for step in steps],
    )
    rows = []
    for step, (out, target) in zip(steps, found, strict=True):
        hidden = (out[1] == 0).all(0)
        sides = hidden.any(1).sum(), hidden.any(0).sum()
        rows.append((step, hidden.double().mean(), *sides, *target.values[1].tolist()))
    columns = ("step", "share hidden", "rows of pixels", "columns of pixels", *NAMES)
    alt = "The flower four times, each with a flat box at another place, cut off where it meets the border."
    note = "Cutout(0.5): sides of half the picture, any center, clipped at the border, filled with the mean."
    return Plate(made, Table.of(columns, rows), finding, alt, note)


def noisy(seed: int = 0, std: float = 0.15) -> dict[str, Tensor]:
    """The flower under five families of input noise of one standard deviation."""
    from wellfit.regularizers import InputNoise
    from wellfit.regularizers.noise_families import FAMILIES

    x = photographs()[1:]
    # poisson noise has its deviation at x = 1: scaled so that its mean over the picture is the same
    scale = {"poisson": std / float(x.mean().sqrt())}
    return {
        family: InputNoise(scale.get(family, std), family=family).batch(x, None, now_at(0, seed, family))[0][0]  # type: ignore[arg-type]
        for family in FAMILIES
    }


@figure("noise-families", "Families of noise")
def noise_families(seed: int = 0) -> Plate:
    """Five families of noise at one standard deviation: what each does to a picture, and how it is spread."""
    std, clean, found = 0.15, photographs()[1], noisy(seed)
    finding = "Equal in standard deviation, different in kind: families of noise at 0.15"
    made, panels = sheet(finding, 5, 2, height=3.3, height_ratios=(1.1, 1.3))
    rows = []
    edges = np.linspace(-0.8, 0.8, 81)
    for place, (family, picture) in enumerate(found.items()):
        change = (picture - clean).flatten()
        panels[place].imshow(shown(picture))
        panels[place].set_title(family)
        bare(panels[place])
        below = panels[5 + place]
        below.hist(change.numpy(), edges, density=True, color=COLORS[place])
        below.set(xlabel="change of a pixel", yscale="log", ylim=(3e-3, 60), xlim=(-0.8, 0.8))
        root = float((change**2).mean().sqrt())
        kurtosis = float((change**4).mean() / (change**2).mean() ** 2)
        rows.append((family, std, root, change.mean(), kurtosis, (change != 0).double().mean()))
        if place:
            below.set_yticklabels([])
    panels[5].set_ylabel("density")
    columns = ("family", "std asked", "std measured", "mean", "kurtosis", "share changed")
    alt = "The flower under five kinds of noise with histograms: bell, box, peak with long tails, bell, and two spikes."
    note = "InputNoise on scikit-learn's flower, pixels 0 to 1; densities on a log axis. Poisson: brighter is noisier."
    return Plate(made, Table.of(columns, rows), finding, alt, note)
