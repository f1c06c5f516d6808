"""Images under hostile names, and facts of a program for them that no run is needed for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

import wellfit as wf
from wellfit.data import PictureEncoder
from wellfit.exporter.facts import Reading
from wellfit.exporter.picture_facts import PictureFacts
from wellfit.models.picture_shape import PictureShape

CLASSES = (
    '"); __import__("abort").abort() #',
    "'''\"\"\"\\ a #? blocks",
    "{0} LAYERS ROWS ENDS\n\\N{DIGIT ONE}",
)
"""Folder names that end a string, a comment or a template where they are pasted into code."""


def digits(classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """(images, 8, 8) uint8 of scikit-learn's digits, and which digit each is."""
    held = load_digits()
    chosen = held.target < classes
    return (held.images[chosen] * 15.9).astype(np.uint8), held.target[chosen]


def write_folder(folder: Path) -> Path:
    """Digits as files in folders of hostile names, with a damaged file, a hidden one, a deep one and a text."""
    for number, (pixels, label) in enumerate(zip(*digits(), strict=True)):
        place = folder / CLASSES[label] / ("deep" if number % 7 == 0 else "")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number:04d}.png")
    (folder / CLASSES[1] / "0003.png").write_bytes(b"<html>")
    (folder / CLASSES[1] / ".0004.png").write_bytes(b"")
    (folder / CLASSES[2] / "notes.txt").write_text("no image")
    return folder


def facts(*parts: wf.Regularizer, channels: int = 3, side: int = 8, blocks: int = 0, **others: Any) -> PictureFacts:
    """Facts of a run on images with a recipe."""
    form = PictureShape(channels, side, side + 2, 3, 4, 6, 10, 2, blocks)
    encoder = PictureEncoder(side, side + 2, channels, (90.0, 100.0, 110.0)[:channels], (60.0, 70.0, 80.0)[:channels])
    told = {
        "task": "multiclass", "target": "class", "classes": ("a", "b", "c"), "shape": form, "encoder": encoder,
        "settings": {"rate": 0.01, "batch": 16, "steps": 4, "evaluate_every": 2}, "archive": True,
        "parts": {p.name: p for p in parts}, "reading": Reading("x.npz", None, None), "parts_in": (("x", "y"),),
    }  # fmt: skip
    return PictureFacts(**{**told, **others})
