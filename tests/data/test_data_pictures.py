"""Picture files as people have them: each is read as it is to be looked at, left out and said, or refused by code."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from wellfit.data.new_pictures import read_new_pixels
from wellfit.data.picture import read_header, read_picture
from wellfit.data.picture_arrays import NpzFile, pixels_of
from wellfit.data.picture_encoder import PictureEncoder
from wellfit.data.picture_folder import find_classes
from wellfit.data.pictures import Form, choose_form, read_arrays, read_folders, resized, store
from wellfit.errors import DataError


def _gradient(height=8, width=12):
    return np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)


def _save(path, image, **options):
    image.save(path, **options)
    return path


def _bytes(image, form, **options):
    held = io.BytesIO()
    image.save(held, form, **options)
    return held.getvalue()


GRAY = Image.fromarray(_gradient())
COLOR = Image.fromarray(np.stack([_gradient(), 255 - _gradient(), _gradient() // 2], -1))


def test_a_gray_picture_comes_as_it_is(tmp_path):
    path = _save(tmp_path / "a.png", GRAY)
    assert np.array_equal(read_picture(path, 8, 12, 1)[0], _gradient())
    assert read_header(path).gray


def test_gray_in_a_study_of_color_has_three_equal_channels(tmp_path):
    found = read_picture(_save(tmp_path / "a.png", GRAY), 8, 12, 3)
    assert (found == _gradient()).all()


def test_sixteen_bits_keep_their_upper_eight(tmp_path):
    deep = Image.fromarray(_gradient().astype(np.uint16) * 257)
    path = _save(tmp_path / "deep.png", deep)
    assert np.array_equal(read_picture(path, 8, 12, 1)[0], _gradient())
    assert "deep" in read_header(path).said


def test_cmyk_becomes_rgb(tmp_path):
    path = _save(tmp_path / "a.jpg", COLOR.convert("CMYK"), quality=95)
    found = read_picture(path, 8, 12, 3).astype(int)
    assert np.abs(found - np.moveaxis(np.asarray(COLOR), -1, 0).astype(int)).mean() < 12
    assert "cmyk" in read_header(path).said


def test_exif_turns_the_picture_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: turn by 90 degrees clockwise
    path = _save(tmp_path / "a.png", GRAY, exif=exif)
    head = read_header(path)
    assert (head.height, head.width) == (12, 8)
    assert np.array_equal(read_picture(path, 12, 8, 1)[0], np.rot90(_gradient(), -1))


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    black = Image.fromarray(np.zeros((8, 12), np.uint8))
    path = tmp_path / "a.gif"
    GRAY.save(path, save_all=True, append_images=[black])
    assert "frames" in read_header(path).said
    assert read_picture(path, 8, 12, 1).max() > 200


def test_transparent_pixels_are_laid_on_white(tmp_path):
    clear = np.zeros((8, 12, 4), np.uint8)
    clear[:, :6] = (10, 20, 30, 255)
    path = _save(tmp_path / "a.png", Image.fromarray(clear))
    found = read_picture(path, 8, 12, 3)
    assert (found[:, :, 6:] == 255).all()
    assert found[:, 0, 0].tolist() == [10, 20, 30]


def test_a_palette_and_one_bit_are_read(tmp_path):
    palette = read_picture(_save(tmp_path / "p.png", COLOR.convert("P")), 8, 12, 3)
    assert palette.shape == (3, 8, 12)
    bits = read_picture(_save(tmp_path / "b.png", GRAY.convert("1")), 8, 12, 1)
    assert set(np.unique(bits)) <= {0, 255}


BROKEN = {
    "empty": (b"", "WF-D90"),
    "html": (b"<!DOCTYPE html><html>not found</html>", "WF-D90"),
    "pointer of git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "WF-D90"),
    "text": (b"hello", "WF-D90"),
    "svg": (b"<svg xmlns='x'></svg>", "WF-D90"),
    "truncated jpeg": (_bytes(COLOR.resize((64, 64)), "JPEG")[:-200], "WF-D91"),
    "truncated png": (_bytes(COLOR.resize((64, 64)), "PNG")[:-80], "WF-D91"),
    "damaged png": (_bytes(GRAY, "PNG")[:45] + b"\0" * 40, "WF-D91"),
    "bomb": (_bytes(Image.new("1", (20_000, 20_000)), "PNG"), "WF-D92"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_picture_is_refused_by_its_code(name, tmp_path):
    content, code = BROKEN[name]
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_picture(tmp_path / "a.png", 8, 8, 1)
    assert caught.value.code == code


def test_numbers_without_a_range_are_refused(tmp_path):
    path = _save(tmp_path / "a.tif", Image.fromarray(np.ones((8, 8), np.float32)))
    with pytest.raises(DataError) as caught:
        read_picture(path, 8, 8, 1)
    assert caught.value.code == "WF-D93"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError):
        read_header(tmp_path / "a.png")


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name, level in (("dark", 40), ("<b>light</b>", 200)):
        (tmp_path / "pics" / name.replace("/", "_")).mkdir(parents=True)
        for i in range(15):
            pixels = rng.integers(level - 30, level + 30, (10, 10)).astype(np.uint8)
            _save(tmp_path / "pics" / name.replace("/", "_") / f"{i}.png", Image.fromarray(pixels))
    return tmp_path / "pics"


def test_a_folder_for_each_class(folder):
    read = read_folders({"training": folder})
    assert len(read.samples) == 30
    assert read.samples.classes == ["<b>light<_b>", "dark"]
    assert read.form == Form(10, 10, 1)


def test_damaged_files_are_left_out_and_said(folder):
    (folder / "dark" / "broken.png").write_bytes(b"")
    (folder / "dark" / "notes.txt").write_text("x")
    Image.fromarray(_gradient(10, 10)).save(folder / "loose.png")
    read = read_folders({"training": folder})
    told = " ".join(n.sentence for n in read.samples.notes)
    assert len(read.samples) == 30
    assert "broken.png" in told
    assert "no images" in told
    assert "outside of any class folder" in told


def test_many_damaged_files_are_an_error(folder):
    for i in range(6):
        (folder / "dark" / f"z{i}.png").write_bytes(b"<html>")
    with pytest.raises(DataError, match="cannot be read as images"):
        read_folders({"training": folder})


def test_links_that_lead_back_are_left_out(folder):
    (folder / "dark" / "again").symlink_to(folder / "dark")
    found = find_classes(folder)
    assert len(found.files) == 30
    assert any("lead to a folder above or read already" in n.sentence for n in found.notes)


@pytest.mark.parametrize("size", [3, 5000])
def test_sizes_out_of_range_are_refused(folder, size):
    with pytest.raises(DataError) as caught:
        read_folders({"training": folder}, size)
    assert caught.value.code == "WF-D99"


def test_pictures_of_several_sizes_get_one_which_is_said(folder):
    Image.fromarray(_gradient(40, 20)).save(folder / "dark" / "tall.png")
    read = read_folders({"training": folder}, size=8)
    assert read.form == Form(8, 8, 1)
    assert any("resized to 8 x 8" in n.sentence for n in read.samples.notes)


def test_a_folder_without_classes_and_one_class(tmp_path, folder):
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError) as caught:
        read_folders({"training": tmp_path / "none"})
    assert caught.value.code == "WF-D94"
    for path in (folder / "<b>light<_b>").iterdir():
        path.unlink()
    with pytest.raises(DataError):
        read_folders({"training": folder})


@pytest.mark.parametrize(
    ("array", "code"),
    [
        (np.zeros((30, 8)), "WF-D19"),
        (np.zeros((30, 8, 8, 4)), "WF-D19"),
        (np.full((30, 8, 8), "x"), "WF-D18"),
        (np.zeros((0, 8, 8)), "WF-D19"),
    ],
)
def test_arrays_that_are_no_pictures(array, code):
    with pytest.raises(DataError) as caught:
        pixels_of(array)
    assert caught.value.code == code


def test_an_image_with_nan_is_named():
    x = np.zeros((30, 8, 8), np.float32)
    x[17, 2, 2] = np.nan
    with pytest.raises(DataError, match="image 17"):
        list(pixels_of(x).blocks())


def test_layouts_of_channels_come_to_the_same():
    x = np.random.default_rng(0).integers(0, 255, (25, 6, 7, 3)).astype(np.uint8)
    one, other = (np.concatenate(list(pixels_of(a).blocks())) for a in (x, np.moveaxis(x, -1, 1)))
    assert np.array_equal(one, other)


def test_archives_hold_no_code(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((30, 8, 8), np.uint8), y=np.array([{"a": 1}] * 30, dtype=object))
    with pytest.raises(DataError) as caught:
        NpzFile(tmp_path / "a.npz").small("y")
    assert caught.value.code == "WF-D18"
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04nonsense")
    with pytest.raises(DataError):
        NpzFile(tmp_path / "b.npz")
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY broken")
    with pytest.raises(DataError):
        NpzFile(tmp_path / "c.npz").pixels("x")


def test_color_does_not_pass_as_gray():
    colors = np.random.default_rng(0).integers(0, 255, (4, 8, 8, 3)).astype(np.uint8)
    encoder = PictureEncoder(8, 8, 1, (100.0,), (50.0,))
    with pytest.raises(DataError) as caught:
        read_new_pixels(pixels_of(colors), encoder)
    assert caught.value.code == "WF-D21"
    gray = read_new_pixels(pixels_of(np.repeat(colors[..., :1], 3, axis=3)), encoder)
    assert np.array_equal(gray[:], colors[..., 0][:, None]), "three channels that are the same are no color"


def test_lengths_have_to_agree():
    import pandas as pd

    with pytest.raises(DataError, match="30 images and 29 targets"):
        read_arrays({"training": (pixels_of(np.zeros((30, 8, 8), np.uint8)), pd.Series([0] * 29))}, None, None)


def test_the_form_follows_the_median(tmp_path):
    heads = [read_header(_save(tmp_path / f"{i}.png", GRAY.resize((100 + i, 50)))) for i in range(5)]
    form, notes = choose_form(heads, None)
    assert max(form.height, form.width) == 64
    assert notes


@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_every_fold_has_its_own_mean_and_deviation(dtype):
    pixels = (np.random.default_rng(0).random((30, 3, 5, 4)) * 250).astype(dtype)
    parts = [np.arange(7), np.array([29, 3, 11]), np.arange(30)]
    made = PictureEncoder.fit_each(store(iter([pixels]), 30, Form(5, 4, 3), dtype), parts)
    for encoder, rows in zip(made, parts, strict=True):
        assert np.allclose(encoder.mean, pixels[rows].astype("f8").mean((0, 2, 3)), rtol=1e-12)
        assert np.allclose(encoder.std, pixels[rows].astype("f8").std((0, 2, 3)), rtol=1e-9)
        assert encoder == PictureEncoder.fit(store(iter([pixels]), 30, Form(5, 4, 3), dtype), rows)


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_are_resized_as_each_channel_is(channels):
    block = np.random.default_rng(1).integers(0, 256, (4, channels, 9, 7), dtype=np.uint8)
    found = resized(block, 5, 6)
    for row, channel in np.ndindex(4, channels):
        alone = Image.fromarray(block[row, channel]).resize((6, 5), Image.Resampling.BILINEAR)
        assert np.array_equal(found[row, channel], np.asarray(alone))
