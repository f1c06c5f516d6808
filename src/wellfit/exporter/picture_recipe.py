"""The parts of a recipe for images as torch code: geometry as one affine map, light, and what is covered."""

from __future__ import annotations

from wellfit.exporter.picture_facts import PictureFacts
from wellfit.exporter.picture_policy import POLICIES, POLICY_TOLD, policy_piece, why_no_policy
from wellfit.exporter.source import Piece, piece
from wellfit.regularizer import Regularizer
from wellfit.regularizers.warping import FILLS

GEOMETRY = {
    "Crop": {"share": "CROP"}, "Flip": {"p": "FLIP"}, "Rotation": {"degrees": "ROTATION"}, "Shear": {"factor": "SHEAR"},
    "Shift": {"share": "SHIFT"}, "Zoom": {"share": "ZOOM"},
}  # fmt: skip
"""Parts that move pixels, in the order in which they act."""

_MOVING = (*GEOMETRY, *POLICIES)

LIGHT = {name: {"share": name.upper()} for name in ("Brightness", "Contrast", "Saturation")}

PICTURE_KNOBS = {
    **GEOMETRY, **POLICIES, **LIGHT,
    "RandomErasing": {"p": "ERASING", "area": "ERASING_AREA", "aspect": "ERASING_ASPECT"},
    "CutMix": {"alpha": "CUTMIX"}, "Cutout": {"share": "CUTOUT", "spread": "CUTOUT_SPREAD"},
}  # fmt: skip
"""The parts for images that have code here: their knobs, and the constants that hold them."""

PICTURE_TOLD = {
    "CROP": "padding as a share of the side", "FLIP": "probability", "ROTATION": "degrees, either way",
    "SHEAR": "pixels a row moves for each pixel of height, either way", "SHIFT": "share of the side, either way",
    "ZOOM": "how far the factor goes from 1", "BRIGHTNESS": "how far the factor goes from 1",
    "CONTRAST": "how far the factor goes from 1", "SATURATION": "how far the factor goes from 1",
    "ERASING": "probability", "ERASING_AREA": "of the largest rectangle, as a share of the image",
    "ERASING_ASPECT": "longer side over shorter one, at most", "CUTOUT": "side of the hole as a share of the image's",
    **POLICY_TOLD,
}  # fmt: skip
"""What a constant is, where its name does not say it."""

_EVEN = '''
def even(limit: float, rows: int) -> Tensor:
    """(rows,) numbers, each uniform between -limit and limit."""
    return limit * (2 * torch.rand(rows) - 1)
'''

_MATRIX = '''
def matrix(
    rows: int, xx: Tensor | float = 1.0, xy: Tensor | float = 0.0, x: Tensor | float = 0.0,
    yx: Tensor | float = 0.0, yy: Tensor | float = 1.0, y: Tensor | float = 0.0,
) -> Tensor:
    """(rows, 3, 3): where each pixel of a new image is read in the old one, x right and y down from the center."""
    entries = (xx, xy, x, yx, yy, y, 0.0, 0.0, 1.0)
    return torch.stack([torch.as_tensor(e).expand(rows) for e in entries], dim=1).view(rows, 3, 3)

'''

_MAPS = '''
def drawn_maps(rows: int) -> Tensor:
    """The geometry of each image, drawn anew: DONE."""
    maps = matrix(rows)
    right, down = (int(CROP * side + 1e-6) for side in (WIDTH, HEIGHT)) #? crop
    right, down = (torch.randint(-most, most + 1, (rows,)) for most in (right, down)) #? crop
    maps = maps @ matrix(rows, x=-right.float(), y=-down.float()) #? crop
    mirrored = 1 - 2 * (torch.rand(rows) < FLIP).float() #? across
    maps = maps @ matrix(rows, xx=mirrored) #? across
    mirrored = 1 - 2 * (torch.rand(rows) < FLIP).float() #? upside
    maps = maps @ matrix(rows, yy=mirrored) #? upside
    angle = torch.deg2rad(even(ROTATION, rows)) #? rotation
    maps = maps @ matrix(rows, xx=angle.cos(), xy=-angle.sin(), yx=angle.sin(), yy=angle.cos()) #? rotation
    maps = maps @ matrix(rows, xy=even(SHEAR, rows)) #? shear_across
    maps = maps @ matrix(rows, yx=even(SHEAR, rows)) #? shear_down
    maps = maps @ matrix(rows, xy=even(SHEAR, rows), yx=even(SHEAR, rows)) #? shear_both
    maps = maps @ matrix(rows, x=-WIDTH * even(SHIFT, rows)) #? shift_across
    maps = maps @ matrix(rows, y=-HEIGHT * even(SHIFT, rows)) #? shift_down
    maps = maps @ matrix(rows, x=-WIDTH * even(SHIFT, rows), y=-HEIGHT * even(SHIFT, rows)) #? shift_both
    factor = 1 + even(ZOOM, rows) #? zoom
    maps = maps @ matrix(rows, xx=1 / factor, yy=1 / factor) #? zoom
    return maps
'''

_WARP = '''
def warp(x: Tensor, maps: Tensor) -> Tensor:
    """Images read where their maps say, all geometry in one interpolation; what lies outside FILLED."""
    # affine_grid counts from -1 to 1 between the centers of the outermost pixels
    units = torch.tensor([max(1, WIDTH - 1) / 2, max(1, HEIGHT - 1) / 2, 1.0])
    grid = functional.affine_grid((maps * units / units[:, None])[:, :2], list(x.shape), align_corners=True)
    return functional.grid_sample(x, grid, mode=MODE, padding_mode=PADDING, align_corners=True)
'''

_LUMA = '''
LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]  # how much red, green and blue count for gray
'''

_LIGHT = '''
def in_other_light(x: Tensor) -> Tensor: #! ends
def in_other_light(x: Tensor, black: Tensor) -> Tensor: #? ends
    """Images whose LIGHT is changed, each by factors of its own."""
    x = black + (1 + even(BRIGHTNESS, len(x))).view(-1, 1, 1, 1) * (x - black) #? brightness
    gray = (LUMA * x).sum(1).mean((1, 2)).view(-1, 1, 1, 1) #? contrast_colors
    gray = x.mean((1, 2, 3), keepdim=True) #? contrast_gray
    x = gray + (1 + even(CONTRAST, len(x))).view(-1, 1, 1, 1) * (x - gray) #? contrast
    gray = (LUMA * x).sum(1, keepdim=True) #? saturation
    x = gray + (1 + even(SATURATION, len(x))).view(-1, 1, 1, 1) * (x - gray) #? saturation
    return x
'''

_ERASED = '''
def erased(x: Tensor, black: Tensor, white: Tensor) -> Tensor: #! mean
def erased(x: Tensor) -> Tensor: #? mean
    """Images of which some lose a rectangle to FILLING."""
    rows = len(x)
    least = min(0.02, ERASING_AREA)
    area = (least + (ERASING_AREA - least) * torch.rand(rows)) * HEIGHT * WIDTH
    # height over width, uniform on a logarithmic scale as far as the image holds such rectangles
    low = torch.log((area / WIDTH**2).clamp(min=1 / ERASING_ASPECT))
    high = torch.log((HEIGHT**2 / area).clamp(max=ERASING_ASPECT))
    ratio = torch.exp(low + torch.rand(rows) * (high - low))
    sides = (area * ratio).sqrt(), (area / ratio).sqrt()
    inside = []
    for length, side in zip((HEIGHT, WIDTH), sides, strict=True):
        side = side.round().clamp(1, length)[:, None]
        first = torch.floor(torch.rand(rows, 1) * (length - side + 1))
        places = torch.arange(length)
        inside.append((places >= first) & (places < first + side))
    hit = (torch.rand(rows) < ERASING).view(-1, 1, 1, 1)
    covered = hit & (inside[0][:, :, None] & inside[1][:, None, :])[:, None]
    return torch.where(covered, black + (white - black) * torch.rand_like(x), x) #? noise
    return torch.where(covered, black, x) #? constant
    return torch.where(covered, x.mean((2, 3), keepdim=True), x) #? mean
'''

_BOXES = '''
def boxes(shares: Tensor) -> Tensor:
    """(boxes, 1, HEIGHT, WIDTH): whether a pixel lies in a box whose sides are shares of the image's.

    Its center is any pixel; what lies outside of the image is cut off.
    """
    inside = []
    for length in (HEIGHT, WIDTH):
        side = torch.floor(length * shares * (1 + 1e-6))[:, None]
        first = torch.randint(length, side.shape) - torch.floor(side / 2)
        places = torch.arange(length)
        inside.append((places >= first) & (places < first + side))
    return (inside[0][:, :, None] & inside[1][:, None, :])[:, None]
'''

_FILLED = {"reflect": "is mirrored", "edge": "is the border's", "constant": "is black"}
_DONE = {
    "Crop": "cropped", "Flip": "mirrored", "Rotation": "turned", "Shear": "sheared", "Shift": "moved", "Zoom": "zoomed",
}  # fmt: skip
_FILLING = {"noise": "noise", "constant": "black", "mean": "their mean color"}


def why_no_picture_part(name: str, part: Regularizer, facts: PictureFacts) -> str:
    """Why a part for images has no code here; empty where it has."""
    if name in _MOVING and name != "Flip" and _form(part) != _form(_first(facts)):
        return f"{name}: geometry is written in one interpolation, and this part has a fill or a mode of its own."
    return why_no_policy(name, facts) if name in POLICIES else ""


def _form(part: Regularizer) -> tuple[str, str]:
    return part.fill, part.interpolation  # type: ignore[attr-defined] - what moves pixels has both


def _first(facts: PictureFacts) -> Regularizer:
    """The part of the recipe whose fill and interpolation the program has; a flip fills and interpolates nothing."""
    there = [name for name in _MOVING if name in facts.parts]
    return facts.parts[next((name for name in there if name != "Flip"), there[0])]


def uses_ends(facts: PictureFacts, names: set[str]) -> bool:
    """Whether the changes of a batch ask for the values of black and white."""
    erasing = "RandomErasing" in names and facts.parts["RandomErasing"].fill != "mean"
    return bool(names & {"Brightness", *POLICIES}) or erasing or _black(facts, names)


def _black(facts: PictureFacts, names: set[str]) -> bool:
    return bool(names & set(GEOMETRY)) and _first(facts).fill == "constant"


def change_lines(facts: PictureFacts, names: set[str]) -> list[str]:
    """The lines of ``changed`` that the parts for images have, and only those that they need."""
    colors = names & set(LIGHT) if facts.encoder.channels == 3 else names & {"Brightness", "Contrast"}
    erasing = facts.parts["RandomErasing"].fill if "RandomErasing" in names else ""
    black = _black(facts, names)
    lines = {
        "    x = warp(x, drawn_maps(len(x)))": bool(names & set(GEOMETRY)) and not black,
        "    x = encoder.black + warp(x - encoder.black, drawn_maps(len(x)))": black,
        "    x = augmented(x, encoder.black, encoder.white)": bool(names & set(POLICIES)),
        "    x = in_other_light(x, encoder.black)": "Brightness" in colors,
        "    x = in_other_light(x)": bool(colors) and "Brightness" not in colors,
        "    x = erased(x, encoder.black, encoder.white)": erasing in ("noise", "constant"),
        "    x = erased(x)": erasing == "mean",
    }
    return [line for line, needed in lines.items() if needed]


def picture_recipe_pieces(facts: PictureFacts, names: set[str]) -> list[Piece]:
    """The functions that change a batch of images, and only those."""
    moved, colored = names & set(GEOMETRY), names & set(LIGHT)
    found = [piece(_EVEN)] if (moved - {"Crop", "Flip"}) | colored else []
    policy, colors = bool(names & set(POLICIES)), facts.encoder.channels == 3
    colored = colored if colors else colored - {"Saturation"}
    if moved or policy:
        found += [piece(_MATRIX), *([_maps_piece(facts, moved)] if moved else []), _warp_piece(facts)]
    if colors and (policy or colored & {"Contrast", "Saturation"}):
        found.append(piece(_LUMA))
    found += [policy_piece(facts)] if policy else []
    found += [_light_piece(colored, colors)] if colored else []
    if "RandomErasing" in names:
        fill = facts.parts["RandomErasing"].fill
        made = piece(_ERASED, **{f: f == fill for f in _FILLING})
        found.append(Piece(made.code.replace("FILLING", _FILLING[fill])))
    if names & {"CutMix", "Cutout"}:
        found.append(piece(_BOXES))
    return found


def _maps_piece(facts: PictureFacts, moved: set[str]) -> Piece:
    def along(name: str, axis: str) -> bool:
        return name in moved and facts.parts[name].axis in (axis, "both")

    def only(name: str, axis: str) -> bool:
        return name in moved and facts.parts[name].axis == axis

    made = piece(
        _MAPS, crop="Crop" in moved, across=along("Flip", "horizontal"), upside=along("Flip", "vertical"),
        rotation="Rotation" in moved, zoom="Zoom" in moved,
        **{f"{name.lower()}_{short}": only(name, axis) for name in ("Shear", "Shift")
           for short, axis in (("across", "horizontal"), ("down", "vertical"), ("both", "both"))},
    )  # fmt: skip
    return Piece(made.code.replace("DONE", _listed([_DONE[n] for n in GEOMETRY if n in moved])))


def _warp_piece(facts: PictureFacts) -> Piece:
    first, code = _first(facts), piece(_WARP, "from torch.nn import functional")
    made = code.code.replace("FILLED", _FILLED[first.fill]).replace("PADDING", f'"{FILLS[first.fill]}"')
    return Piece(made.replace("mode=MODE", f'mode="{first.interpolation}"'), code.imports)


def _light_piece(colored: set[str], colors: bool) -> Piece:
    contrast = "Contrast" in colored
    made = piece(
        _LIGHT, ends="Brightness" in colored,
        brightness="Brightness" in colored, contrast=contrast, contrast_colors=contrast and colors,
        contrast_gray=contrast and not colors, saturation="Saturation" in colored,
    )  # fmt: skip
    listed = _listed([name.lower() for name in LIGHT if name in colored])
    code = made.code.replace("LIGHT is", f"{listed} {'are' if len(colored) > 1 else 'is'}")
    return Piece(code, made.imports)


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
