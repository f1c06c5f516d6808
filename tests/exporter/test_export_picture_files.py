"""Programs for images read what the run reads: archives of every layout, folders of parts, files of every form."""

from __future__ import annotations

import numpy as np
import pytest
from exported_programs import namespace
from picture_cases import digits, facts
from PIL import Image

from wellfit import job
from wellfit.data import PictureEncoder
from wellfit.data.picture import read_picture
from wellfit.exporter.facts import Reading
from wellfit.exporter.picture_facts import split_and_parts
from wellfit.exporter.programs import program_of
from wellfit.job.picture_source import pictures_from_path
from wellfit.job.prepare import data_hash


@pytest.mark.parametrize("layout", ["gray", "channels behind", "channels before", "floats", "colorless", "large"])
def test_archives_are_read_as_by_the_run(layout, tmp_path):
    x, y = digits()
    made = {
        "gray": x, "channels behind": np.stack([x, x // 2, 255 - x], -1), "floats": x / 16.0,
        "channels before": np.stack([x, x // 2, 255 - x], 1), "colorless": np.stack([x] * 3, -1),
        "large": np.repeat(np.repeat(x, 3, 1), 2, 2),
    }[layout]  # fmt: skip
    path = tmp_path / "x.npz"
    labels = np.array(["p ", "q", "r"])[y] if layout == "gray" else y
    np.savez(path, x_train=made[40:], y_train=labels[40:], x_test=made[:40], y_test=labels[:40])
    source = pictures_from_path(path, job.Options(size=8))
    pixels = source.table.take(np.arange(len(y)))[:]
    encoder = PictureEncoder.fit(source.table.features, np.arange(len(y)))
    told = facts(channels=encoder.channels, encoder=encoder, classes=tuple(source.table.class_values),
                 parts_in=(("x_train", "y_train"), ("x_test", "y_test")))  # fmt: skip
    defined = namespace(program_of(told, "torch").code, tmp_path)
    found, target = defined["read"](path)
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, pixels)
    np.testing.assert_array_equal(target, source.table.target)


def test_parts_in_folders_are_read_in_their_order(tmp_path):
    """Images of train and test in one list; without the folder the program says what to name."""
    for part, rows in (("train", 30), ("test", 8)):
        for number in range(rows):
            place = tmp_path / "data" / part / "ab"[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            gray = np.full((5, 4), number + 100 * (part == "test"), np.uint8)
            Image.fromarray(gray).save(place / f"{number:02d}.png")
    record = {"data": {"file": "data", "split": "test as given"}, "options": {}}
    source = pictures_from_path(tmp_path / "data", job.Options())
    record["data"]["hash"] = data_hash(source.table)
    split, missing, parts_in = split_and_parts(record, tmp_path / "data")
    assert not missing and split.count("t") == 8 and set(parts_in) == {"train", "test"}
    encoder = PictureEncoder.fit(source.table.features, np.arange(38))
    told = facts(channels=1, archive=False, parts_in=parts_in, classes=("a", "b"), encoder=encoder, task="binary",
                 reading=Reading("data", None, None, split))  # fmt: skip
    defined = namespace(program_of(told, "torch").code, tmp_path)
    pixels, target = defined["read"](tmp_path / "data")
    np.testing.assert_array_equal(pixels, source.table.take(np.arange(38))[:])
    np.testing.assert_array_equal(target, source.table.target)
    assert {int(p[0, 0, 0]) >= 100 for p, letter in zip(pixels, split, strict=True) if letter == "t"} == {True}


def odd_files(folder):
    """Images of every form that a folder may hold: large ones, turned ones, transparent ones, of 1 and of 16 bits."""
    draw = np.random.default_rng(0)
    colors = Image.fromarray(draw.integers(0, 256, (60, 90, 3), dtype=np.uint8)).resize((180, 120))
    clear = colors.convert("RGBA")
    clear.putalpha(Image.fromarray(draw.integers(0, 256, (120, 180), dtype=np.uint8)))
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = Image.fromarray(np.asarray(colors.convert("L")).astype(np.uint16) * 251)
    made = {
        "large.jpg": (colors, {}), "gray.jpg": (colors.convert("L"), {}), "turned.jpg": (colors, {"exif": turned}),
        "cmyk.jpg": (colors.convert("CMYK"), {}), "clear.png": (clear, {}), "gray_clear.png": (clear.convert("LA"), {}),
        "palette.gif": (colors.convert("P"), {"transparency": 3}), "bits.png": (colors.convert("1"), {}),
        "palette.png": (colors.convert("P"), {"transparency": 7}), "deep.png": (deep, {}), "plain.bmp": (colors, {}),
        "turned.tif": (colors, {"exif": turned}), "deep_clear.png": (deep, {"transparency": 251 * 128}),
        "frames.gif": (colors, {"save_all": True, "append_images": [clear]}), "clear.webp": (clear, {}),
    }  # fmt: skip
    for name, (image, options) in made.items():
        image.save(folder / name, **options)
    return [folder / name for name in made]


@pytest.mark.parametrize("channels", [1, 3])
def test_files_of_every_form_are_read_as_by_the_run(channels, tmp_path):
    told = facts(channels=channels, archive=False, parts_in=("",))
    defined = namespace(program_of(told, "torch").code, tmp_path)
    for file in odd_files(tmp_path):
        found, expected = defined["read_image"](file), read_picture(file, 8, 10, channels)
        np.testing.assert_array_equal(found, expected, err_msg=file.name)
