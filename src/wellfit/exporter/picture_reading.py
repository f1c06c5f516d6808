"""The pieces that read images, and bring them to one size."""

from __future__ import annotations

from wellfit.data.picture import SUFFIXES, UPRIGHT
from wellfit.exporter.picture_facts import PictureFacts
from wellfit.exporter.source import Piece, constant, piece

_FOLDER = '''
def files_below(folder: Path) -> Iterator[Path]:
    """The image files of a folder and of all folders in it, by name."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from files_below(path)
        elif path.suffix.lower() in SUFFIXES:
            yield path


def files_of(folder: Path) -> list[tuple[Path, str]]:
    """Each image and its class: the name of the topmost folder that it lies in."""
    found = []
    for place in (place for part in PARTS for place in sorted((folder / part).iterdir())): #? parts
    for place in sorted(folder.iterdir()): #! parts
        if place.is_dir() and not place.name.startswith("."):
            label = os.fsencode(place.name).decode("utf-8", "replace").strip()
            found += [(file, label) for file in files_below(place)]
    return found


def read_image(path: Path) -> np.ndarray:
    """(CHANNELS, HEIGHT, WIDTH) bytes of a file: upright, on white where it is transparent, of one size."""
    with open(path, "rb") as handle, Image.open(handle) as image:  # Pillow turns plain TIFF wrongly, opened by name
        image.draft(MODE, (WIDTH, HEIGHT))  # a JPEG is decoded near that size
        image.load()
        turned = image.getexif().get(0x0112)
        image = image.transpose(UPRIGHT[turned]) if turned in UPRIGHT else image
        if image.mode.startswith("I"):  # 16 bits
            deep, clear = np.asarray(image), image.info.get("transparency", -1)
            image = Image.fromarray(np.where(deep == clear, 255, deep.astype(np.uint32) // 257).astype(np.uint8))
        if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image.convert("RGBA"))
        image = image.convert("RGB").convert(MODE)
        if image.size != (WIDTH, HEIGHT):
            image = image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(HEIGHT, WIDTH, CHANNELS).transpose(2, 0, 1)


def read(path: str) -> tuple[np.ndarray, np.ndarray]:
    """(images, CHANNELS, HEIGHT, WIDTH) bytes, and the number of each image's class."""
    files = files_of(Path(path))
    pixels = np.zeros((len(files), CHANNELS, HEIGHT, WIDTH), dtype=np.uint8)
    place = {label: number for number, label in enumerate(CLASSES)}
    target = np.array([place.get(label, -1) for _, label in files])
    if (target < 0).all():
        raise SystemExit(f"no image below {path} lies in a folder that is called as a class is.")
    for row, ((file, _), part) in enumerate(zip(files, SPLIT, strict=False)): #? known
        if part != "-": #? known
            pixels[row] = read_image(file) #? known
    for row, (file, _) in enumerate(files): #! known
        try: #! known
            pixels[row] = read_image(file) #! known
        except (OSError, SyntaxError): #! known
            target[row] = -1  # damaged, and left out #! known
    return pixels, target
'''

_ARCHIVE = '''
def shaped(x: np.ndarray) -> np.ndarray:
    """Images as (images, CHANNELS, HEIGHT, WIDTH)."""
    if x.ndim == 3:
        x = x[:, None]
    elif x.shape[3] in (1, 3):
        x = np.moveaxis(x, 3, 1)
    x = x.astype(np.uint8) #? whole
    x = x.astype(np.float32) #! whole
    x = x[:, :1] #? gray
    x = np.repeat(x, 3, axis=1) if x.shape[1] == 1 else x #! gray
    if x.shape[2:] == (HEIGHT, WIDTH):
        return np.ascontiguousarray(x)
    planes = (Image.fromarray(plane) for plane in x.reshape(-1, *x.shape[2:]))
    resized = [np.asarray(plane.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)) for plane in planes]
    return np.stack(resized).reshape(*x.shape[:2], HEIGHT, WIDTH)


def read(path: str) -> tuple[np.ndarray, np.ndarray]:
    """(images, CHANNELS, HEIGHT, WIDTH) pixels, and the number of each image's class.""" #! number
    """(images, CHANNELS, HEIGHT, WIDTH) pixels, and the number that is to be predicted from each.""" #? number
    with np.load(path) as archive:
        pixels = np.concatenate([shaped(archive[x]) for x, _ in ARRAYS])
        labels = np.concatenate([archive[y].reshape(-1) for _, y in ARRAYS])
    return pixels, labels.astype(float) #? number
    labels = np.char.strip(labels.astype(str)).tolist() #? words
    labels = labels.tolist() #? values
    place = {label: number for number, label in enumerate(CLASSES)} #! number
    return pixels, np.array([place.get(label, -1) for label in labels]) #! number
'''

_ENCODER = '''
class Encoder:
    """Turns pixels into inputs, channel by channel: less the mean of training images, in units of their deviation."""

    def __init__(self, pixels: np.ndarray) -> None:
        mean = pixels.mean(axis=(0, 2, 3), dtype=np.float64)
        square = np.einsum("nchw,nchw->c", pixels, pixels, dtype=np.float64) / (pixels.size / CHANNELS)
        std = np.sqrt(np.maximum(square - mean**2, 0))
        std[std < 1e-6] = 1  # one color only
        self.mean, self.std = (torch.tensor(v, dtype=torch.float32)[:, None, None] for v in (mean, std))
        self.black, self.white = (0 - self.mean) / self.std, (255 - self.mean) / self.std #? ends
        self.black, self.white = torch.zeros(CHANNELS, 1, 1), torch.ones(CHANNELS, 1, 1) #? floats

    def __call__(self, pixels: Tensor) -> Tensor:
        return (pixels.float() - self.mean) / self.std
'''


def picture_constants(facts: PictureFacts) -> list[str]:
    """Where the images lie and what they are brought to; every text a literal."""
    encoder = facts.encoder
    lines = [constant("DATA", facts.reading.file)]
    if facts.archive:
        lines.append(constant("ARRAYS", list(facts.parts_in), "images and their classes"))
    elif facts.parts_in != ("",):
        lines.append(constant("PARTS", list(facts.parts_in), "each holds one folder for each class"))
    if not facts.regression:
        lines.append(constant("CLASSES", list(facts.classes)))
    lines.append(f"CHANNELS, HEIGHT, WIDTH = {encoder.channels:d}, {encoder.height:d}, {encoder.width:d}")
    if not facts.archive:
        lines.append(constant("MODE", "L" if encoder.channels == 1 else "RGB"))
        lines.append(constant("SUFFIXES", sorted(SUFFIXES)))
        lines.append(constant("UPRIGHT", UPRIGHT, "Pillow's transposition that undoes each EXIF orientation"))
    return lines


def picture_pieces(facts: PictureFacts) -> list[Piece]:
    """How the files become pixels with a target."""
    if facts.archive:
        words = not facts.regression and all(isinstance(c, str) for c in facts.classes)
        return [piece(
            _ARCHIVE, "import numpy as np", "from PIL import Image", whole=facts.encoder.whole,
            gray=facts.encoder.channels == 1, number=facts.regression, words=words,
            values=not words and not facts.regression,
        )]  # fmt: skip
    imports = (
        "import numpy as np", "import os", "from collections.abc import Iterator", "from pathlib import Path",
        "from PIL import Image",
    )  # fmt: skip
    return [piece(_FOLDER, *imports, parts=facts.parts_in != ("",), known=bool(facts.reading.split))]


def picture_encoder_piece(facts: PictureFacts, ends: bool) -> Piece:
    """How pixels become inputs; ``ends``: whether the program asks for black and white."""
    whole = facts.encoder.whole
    return piece(_ENCODER, "import torch", "from torch import Tensor", ends=ends and whole, floats=ends and not whole)
