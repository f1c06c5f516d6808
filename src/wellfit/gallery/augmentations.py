"""Pictures turned, moved and colored: what augmentation shows a network, and what it leaves of the label."""

from __future__ import annotations

from torch import Tensor

from wellfit.gallery.images import NAMES, now_at, pair, photographs, shown
from wellfit.gallery.look import ORANGE, QUIET, bare, sheet
from wellfit.gallery.plate import Plate, Table, figure
from wellfit.recipe import Recipe

STEPS = 24
"""Steps of which the one is drawn that changes the picture most: a draw near nothing shows nothing."""


def recipes() -> dict[str, Recipe]:
    """The ways to change a picture, by what stands above it: one by one, several by one interpolation, and policies."""
    from wellfit.regularizers import (
        AugMix,
        AutoAugment,
        Brightness,
        Contrast,
        Crop,
        Flip,
        RandAugment,
        RandomErasing,
        Rotation,
        Saturation,
        Shear,
        Shift,
        Zoom,
    )

    single = (
        Rotation(20.0), Zoom(0.2), Shift(0.2), Shear(0.2), Flip(0.5), Crop(0.2), Brightness(0.2), Contrast(0.3),
        Saturation(0.6),
    )  # fmt: skip
    named = {f"{type(part).__name__} {next(iter(vars(part).values())):g}": Recipe(part) for part in single}
    named["turned and zoomed"] = Recipe(Rotation(20.0), Zoom(0.15))
    named["all nine"] = Recipe(*single)
    named["erased"] = Recipe(RandomErasing(1.0, fill="mean"))
    named |= {part.name: Recipe(part) for part in (RandAugment(), AutoAugment(policy="imagenet"), AugMix())}
    return named


def changed(recipe: Recipe, seed: int) -> tuple[int, Tensor, Tensor]:
    """The step that changes the flower most: which it is, the picture then, and its label."""
    x, found = photographs(), []
    for step in range(STEPS):
        out, target = recipe.batch(x, pair(), now_at(step, seed, ""))
        found.append((float((out[1] - x[1]).abs().mean()), step, out[1], target.values[1]))
    _, step, picture, label = max(found, key=lambda one: one[0])
    return step, picture, label


@figure("augmentations", "Augmented pictures")
def augmentations(seed: int = 0) -> Plate:
    """One photograph under each geometric and color change, under several at once, erased, and under policies."""
    before = photographs()[1]
    found = {name: changed(recipe, seed) for name, recipe in recipes().items()}
    finding = "Turned, moved or recolored, a flower is a flower: pictures change, labels do not"
    made, panels = sheet(finding, 4, 4, height=8.6)
    _labeled(panels[0], before, "as it is", [0.0, 1.0])
    rows = []
    for panel, (name, (step, picture, label)) in zip(panels[1:], found.items(), strict=True):
        _labeled(panel, picture, name, label.tolist())
        change = (picture - before).abs()
        means = (picture.mean() / before.mean(), picture.std() / before.std())
        moved = (change > 1e-6).double().mean()
        rows.append((name, step, change.mean(), moved, *means, *label.tolist()))
    columns = ("change", "step", "mean change", "share changed", "brightness", "contrast", *NAMES)
    alt = (
        "Sixteen pictures of a flower: as it is, turned, zoomed, shifted, sheared, mirrored, cropped, recolored, "
        "partly erased, and changed by three policies."
    )
    note = f"Of {STEPS} steps the one that changes most. Orange: the label, which stays. Borders are mirrored."
    return Plate(made, Table.of(columns, rows), finding, alt, note)


def _labeled(panel: object, picture: Tensor, title: str, label: list[float]) -> None:
    """A picture with its label as a bar below."""
    panel.imshow(shown(picture))  # type: ignore[attr-defined]
    panel.set_title(title)  # type: ignore[attr-defined]
    bare(panel)  # type: ignore[arg-type]
    place = {"transform": panel.transAxes, "clip_on": False}  # type: ignore[attr-defined]
    panel.plot([0.0, 0.66 * label[1]], [-0.09, -0.09], color=ORANGE, linewidth=6, solid_capstyle="butt", **place)  # type: ignore[attr-defined]
    told = f"{NAMES[1]} {label[1]:.2f}"
    panel.text(1.0, -0.09, told, ha="right", va="center", fontsize=8.5, color=QUIET, **place)  # type: ignore[attr-defined]
