"""RandAugment and TrivialAugment as torch code: an operation and a strength drawn for each image."""

from __future__ import annotations

from wellfit.exporter.picture_facts import PictureFacts
from wellfit.exporter.source import Piece, constant, piece
from wellfit.regularizer import Regularizer
from wellfit.regularizers.picture_operations import AUTOAUGMENT, OPERATIONS, WIDE

POLICIES = {
    "RandAugment": {"p": "AUGMENTED", "magnitude": "MAGNITUDE"},
    "TrivialAugment": {"p": "AUGMENTED"},
}  # fmt: skip
POLICY_TOLD = {"AUGMENTED": "probability", "MAGNITUDE": "of the operations, of 30"}

_OPERATIONS = '''
def gray_of(u: Tensor) -> Tensor:
    """(images, 1, HEIGHT, WIDTH), how light each pixel is."""
    return (LUMA * u).sum(1, keepdim=True) #? colors
    return u.mean(1, keepdim=True) #! colors


def enhanced(u: Tensor, base: Tensor, strength: Tensor) -> Tensor:
    """Drawn away from another image, or toward it where the strength is negative."""
    factor = (1 + MOST["factor"] * strength).view(-1, 1, 1, 1)
    return (base + factor * (u - base)).clamp(0, 1)


def smooth(u: Tensor) -> Tensor:
    """A mean over 3 by 3 pixels, of which the middle one counts five times; border pixels stay."""
    kernel = torch.ones(CHANNELS, 1, 3, 3)
    kernel[:, :, 1, 1] = 5
    found = u.clone()
    found[:, :, 1:-1, 1:-1] = functional.conv2d(u, kernel / 13, groups=CHANNELS)
    return found


def stretched(u: Tensor) -> Tensor:
    """Each channel from black to white."""
    low, high = u.amin((2, 3), keepdim=True), u.amax((2, 3), keepdim=True)
    return torch.where(high > low, (u - low) / (high - low).clamp(min=1e-12), u).clamp(0, 1)


def equalized(u: Tensor) -> Tensor:
    """The histogram of each channel's 256 levels as flat as it can be, by Pillow's whole-number rule."""
    level = (255 * u).round().clamp(0, 255).long().flatten(2)
    counts = torch.zeros(*level.shape[:2], 256, dtype=torch.long).scatter_add(2, level, torch.ones_like(level))
    step = (level.shape[2] - counts.gather(2, level.amax(2, keepdim=True))) // 255
    moved = ((counts.cumsum(2) - counts + step // 2) // step.clamp(min=1)).clamp(max=255)
    return torch.where((step > 0).unsqueeze(-1), moved.gather(2, level).view(u.shape) / 255, u)


def operated(name: str, u: Tensor, share: Tensor, sign: Tensor) -> Tensor:
    """Images from 0, black, to 1, white, after one operation at shares of its largest strength, (images,)."""
    signed, rows = sign * share, len(u)
    match name:
        case "ShearX":
            return warp(u, matrix(rows, xy=MOST["shear"] * signed))
        case "ShearY":
            return warp(u, matrix(rows, yx=MOST["shear"] * signed))
        case "TranslateX":
            return warp(u, matrix(rows, x=-torch.trunc(MOST["across"] * signed)))
        case "TranslateY":
            return warp(u, matrix(rows, y=-torch.trunc(MOST["down"] * signed)))
        case "Rotate":
            angle = torch.deg2rad(MOST["turn"] * signed)
            return warp(u, matrix(rows, xx=angle.cos(), xy=-angle.sin(), yx=angle.sin(), yy=angle.cos()))
        case "Brightness":
            return enhanced(u, torch.zeros_like(u), signed)
        case "Color":
            return enhanced(u, gray_of(u), signed)
        case "Contrast":
            return enhanced(u, gray_of(u).mean((2, 3), keepdim=True), signed)
        case "Sharpness":
            return enhanced(u, smooth(u), signed)
        case "Posterize":
            step = torch.exp2(torch.round(MOST["bits"] * share)).view(-1, 1, 1, 1)
            return torch.floor((255 * u).round().clamp(0, 255) / step) * step / 255
        case "Solarize":
            return torch.where(255 * u >= (256 * (1 - share) - 1e-3).view(-1, 1, 1, 1), 1 - u, u)
        case "AutoContrast":
            return stretched(u)
        case "Equalize":
            return equalized(u)
    return u


def after_one(u: Tensor, hit: Tensor, share: Tensor) -> Tensor:
    """The images that are hit after one operation each, which is drawn for it as its sign is."""
    operation = torch.randint(len(OPERATIONS), (len(u),))
    sign = torch.where(torch.rand(len(u)) < 0.5, -1.0, 1.0)
    found = u.clone()
    for number in operation[hit].unique().tolist():
        rows = torch.nonzero(hit & (operation == number)).flatten()
        found[rows] = operated(OPERATIONS[number], u[rows], share[rows], sign[rows])
    return found


def augmented(x: Tensor, black: Tensor, white: Tensor) -> Tensor:
    """RandAugment: some images after LAYERS operations at one strength.""" #? layers
    """TrivialAugment: some images after one operation at a strength of its own.""" #! layers
    u, hit = (x - black) / (white - black), torch.rand(len(x)) < AUGMENTED
    for _ in range(LAYERS): #? layers
        u = after_one(u, hit, torch.full((len(x),), MAGNITUDE / 30)) #? layers
    u = after_one(u, hit, torch.randint(31, (len(x),)) / 30) #! layers
    return black + u * (white - black)
'''


def policy_of(facts: PictureFacts) -> Regularizer | None:
    """The policy of the recipe that a program has; one at most."""
    return next((facts.parts[name] for name in POLICIES if name in facts.parts), None)


def why_no_policy(name: str, facts: PictureFacts) -> str:
    """Why a policy has no code here; empty where it has."""
    policy = policy_of(facts)
    if policy is not None and policy.name != name:
        return f"{name}: one policy is written, and {policy.name} is in the recipe."
    if min(facts.form.height, facts.form.width) < 3:
        return f"{name}: it is written for images of 3 pixels a side and more."
    return ""


def policy_constants(facts: PictureFacts) -> list[str]:
    """What there is to draw from, and how strong it is at most."""
    policy = policy_of(facts)
    if policy is None:
        return []
    wide = policy.name == "TrivialAugment" and policy.space == "wide"  # type: ignore[attr-defined] - it has one
    space, height, width = (WIDE if wide else AUTOAUGMENT), facts.form.height, facts.form.width
    most = {
        "shear": space.shear, "across": space.pixels or space.share * width,
        "down": space.pixels or space.share * height, "turn": space.degrees, "factor": space.factor, "bits": space.bits,
    }  # fmt: skip
    layers = [constant("LAYERS", policy.layers)] if policy.name == "RandAugment" else []  # type: ignore[attr-defined]
    told = "at full strength: pixels a pixel, pixels, degrees, away from 1, bits that go"
    return [*layers, constant("OPERATIONS", list(OPERATIONS[:-1])), constant("MOST", most, told)]


def policy_piece(facts: PictureFacts) -> Piece:
    """``augmented(x, black, white)`` and its operations; it calls ``matrix`` and ``warp``."""
    layers = "RandAugment" in facts.parts
    return piece(_OPERATIONS, "from torch.nn import functional", colors=facts.encoder.channels == 3, layers=layers)
