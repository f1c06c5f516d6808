"""Slips with images that would train or predict on wrong labels in silence: each is refused, or said."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from wellfit.data.arrays import target_from_array
from wellfit.data.new_pictures import read_new_array, read_new_pixels
from wellfit.data.picture import read_header, read_picture
from wellfit.data.picture_arrays import NpzFile, pixels_of
from wellfit.data.picture_encoder import PictureEncoder
from wellfit.data.picture_folder import find_classes, find_files, parts_of
from wellfit.data.pictures import read_arrays, read_folders
from wellfit.errors import DataError

BYTES = PictureEncoder(8, 8, 3, (120.0, 110.0, 100.0), (60.0, 60.0, 60.0))
FLOATS = PictureEncoder(8, 8, 3, (0.5, 0.4, 0.4), (0.2, 0.2, 0.2), whole=False)


def fill(folder, count=12, seed=0):
    """A folder of images, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, pixels in enumerate(np.random.default_rng(seed).integers(0, 255, (count, 8, 8, 3)).astype(np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture
def halves(tmp_path):
    """Training and test folders of two classes."""
    for place, part in enumerate(("train", "test")):
        for number, name in enumerate(("cat", "dog")):
            fill(tmp_path / "pics" / part / name, seed=10 * place + number)
    return tmp_path / "pics"


def refused(call, code, *words):
    with pytest.raises(DataError) as caught:
        call()
    assert caught.value.code == code
    for word in words:
        assert word in caught.value.message
    assert caught.value.fix


# Parts and classes


def test_folders_without_images_and_those_of_systems_are_no_parts(halves):
    (halves / "labels").mkdir()
    (halves / "labels" / "all.txt").write_text("cat dog")
    fill(halves / "__MACOSX" / "train" / "cat")
    assert {part: p.name for part, p in parts_of(halves).items()} == {"training": "train", "test": "test"}


@pytest.mark.parametrize("names", [("Training", "Testing"), ("train", "dev"), ("train", "eval"), ("TRAIN", "Val")])
def test_parts_are_known_by_their_usual_names(tmp_path, names):
    for place, name in enumerate(names):
        fill(tmp_path / name / "cat", seed=place)
    assert {p.name for p in parts_of(tmp_path).values()} == set(names)


def test_parts_beside_what_is_none_are_not_taken_for_classes(halves):
    fill(halves / "extra" / "cat", seed=5)
    refused(lambda: parts_of(halves), "WF-D85", "look like parts", '"extra" does not go with them')
    shutil.rmtree(halves / "extra")
    fill(halves / "val" / "cat", seed=6)
    fill(halves / "validation" / "cat", seed=7)
    refused(lambda: parts_of(halves), "WF-D85", "two of them are the same part")


def test_a_test_folder_without_classes_is_not_taken_for_one(halves):
    shutil.rmtree(halves / "test")
    fill(halves / "test")
    (halves / "test" / ".ipynb_checkpoints").mkdir()
    refused(lambda: parts_of(halves), "WF-D85", '"test" does not go with them')


def test_classes_may_be_called_train_and_test(tmp_path):
    """Photographs of trains and of laboratories."""
    fill(tmp_path / "train")
    fill(tmp_path / "test", seed=1)
    assert parts_of(tmp_path) == {}
    assert set(find_classes(tmp_path).labels) == {"train", "test"}


def test_a_class_that_only_the_test_has_is_refused(halves):
    (halves / "test" / "cat").rename(halves / "test" / "Cat")
    folders = {"training": halves / "train", "test": halves / "test"}
    refused(lambda: read_folders(folders), "WF-D88", '"Cat"')
    x, y = np.random.default_rng(0).integers(0, 255, (30, 8, 8)).astype(np.uint8), pd.Series([0, 1] * 15)
    given = {"training": (pixels_of(x), y), "test": (pixels_of(x[:4]), y[:4] + 1)}
    refused(lambda: read_arrays(given, None, None), "WF-D88", '"2"')


def test_a_part_or_a_class_that_is_damaged_as_a_whole_is_not_drawn_from_elsewhere(halves):
    folders = {"training": halves / "train", "test": halves / "test"}
    fill(halves / "train" / "cat", 60)
    fill(halves / "train" / "dog", 60, seed=1)
    for path in [*(halves / "test").rglob("*.png")][4:]:
        path.unlink()
    for path in (halves / "test").rglob("*.png"):
        path.write_bytes(path.read_bytes()[:120])
    refused(lambda: read_folders(folders), "WF-D87", "no test image of")


# Links


def test_a_link_to_the_folder_of_the_classes_brings_no_images_of_others(tmp_path):
    fill(tmp_path / "a")
    fill(tmp_path / "b", seed=1)
    (tmp_path / "b" / "up").symlink_to("..")
    found = find_classes(tmp_path)
    assert [found.labels.count(name) for name in ("a", "b")] == [12, 12]
    assert any("link left out" in n.sentence for n in found.notes)
    assert len(find_files(tmp_path / "b").files) == 12


def test_links_that_fan_out_are_followed_to_each_place_once(tmp_path):
    """Forty levels with two links each are a trillion ways down."""
    for level in range(40):
        (tmp_path / "c" / f"d{level}").mkdir(parents=True)
    for level in range(39):
        for name in ("one", "two"):
            (tmp_path / "c" / f"d{level}" / name).symlink_to(f"../d{level + 1}")
    fill(tmp_path / "c" / "d39")
    assert len(find_classes(tmp_path).files) == 12


# Names


def test_names_that_differ_by_spaces_are_refused(tmp_path):
    fill(tmp_path / "cat")
    fill(tmp_path / "cat ", seed=1)
    refused(lambda: find_classes(tmp_path), "WF-D95", '"cat"')


def test_jfif_is_an_image_and_a_folder_without_any_is_named(tmp_path):
    fill(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one.heic").write_bytes(b"x")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a" / "z.jfif", format="JPEG")
    found = find_classes(tmp_path)
    assert len(found.files) == 13
    assert any('1 folder without any image left out ("b")' in n.sentence for n in found.notes)


def test_one_picture_in_two_classes_is_said(tmp_path):
    fill(tmp_path / "a")
    fill(tmp_path / "b", seed=1)
    shutil.copy(tmp_path / "a" / "03.png", tmp_path / "b" / "copy.png")
    shutil.copy(tmp_path / "a" / "04.png", tmp_path / "a" / "again.png")
    notes = read_folders({"training": tmp_path}).samples.notes
    assert [n.sentence.split(" ")[0] for n in notes if n.code == "WF-D86"] == ["2"]


# Units and shapes of what is predicted


def test_numbers_in_other_units_than_the_training_are_refused():
    x = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)
    assert np.array_equal(read_new_pixels(pixels_of(x), BYTES)[:], np.moveaxis(x, -1, 1))
    assert read_new_pixels(pixels_of(x.astype(np.float32)), BYTES).dtype == np.float32
    refused(lambda: read_new_pixels(pixels_of(x / 255.0), BYTES), "WF-D89", "from 0 to 1")
    refused(lambda: read_new_pixels(pixels_of(x.astype(np.uint16) * 257), BYTES), "WF-D89")
    refused(lambda: read_new_pixels(pixels_of(x - 128.0), BYTES), "WF-D89")
    refused(lambda: read_new_pixels(pixels_of(x), FLOATS), "WF-D89", "mean of 0.5")
    assert len(read_new_pixels(pixels_of(x / 255.0), FLOATS)) == 5
    assert len(read_new_pixels(pixels_of(np.zeros((5, 8, 8, 3), np.float32)), BYTES)) == 5, "black is black"


def test_parts_in_different_units_are_refused():
    x, y = np.random.default_rng(0).integers(0, 256, (30, 8, 8)).astype(np.uint8), pd.Series([0, 1] * 15)
    given = {"training": (pixels_of(x), y), "test": (pixels_of(x / 255.0), y)}
    refused(lambda: read_arrays(given, None, None), "WF-D89", "the test images")


@pytest.mark.parametrize("shape", [(8, 8, 3), (3, 8, 8)])
def test_one_color_image_is_no_batch_of_its_rows(shape):
    x = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    refused(lambda: read_new_array(x, BYTES), "WF-D19", "one image")
    assert len(read_new_array(x[None], BYTES)) == 1


def test_what_a_float_of_32_bits_does_not_hold_is_refused():
    refused(lambda: read_new_array(np.full((2, 8, 8), 1e39), FLOATS), "WF-D93", "image 0")


def test_arrays_that_are_none_are_refused():
    refused(lambda: pixels_of([np.zeros((8, 8)), np.zeros((9, 9))]), "WF-D19")
    torch = pytest.importorskip("torch")
    assert len(pixels_of(torch.ones(4, 8, 8, requires_grad=True))) == 4
    refused(lambda: target_from_array(np.array([b"a", b"\xff"]), 2), "WF-D18", "UTF-8")


def test_archives_say_which_array_holds_images(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=np.zeros((3, 8, 8), np.uint8), y=np.arange(3))
    assert NpzFile(tmp_path / "a.npz").images == "x_train"
    np.savez(tmp_path / "b.npz", x=np.zeros((3, 8, 8), np.uint8), y=np.arange(3), x_test=np.zeros((3, 8, 8), np.uint8))
    from wellfit.job.picture_source import arrays_in

    refused(lambda: arrays_in(tmp_path / "b.npz"), "WF-D94", "x_test and no y_test")


# Files


@pytest.mark.parametrize("kind", ["png", "tif", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_form_is_that_of_the_upright_picture(tmp_path, kind, orientation):
    upright = np.zeros((16, 48), np.uint8)
    upright[:8, :16], upright[:8, 32:], upright[8:, :16] = 250, 160, 80  # four corners that can be told apart
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # PIL.Image.Transpose, the other way round
    image, exif = Image.fromarray(upright), Image.Exif()
    exif[0x0112] = orientation
    image = image if undo is None else image.transpose(undo)
    image.save(tmp_path / f"a.{kind}", exif=exif)
    head = read_header(tmp_path / f"a.{kind}")
    assert (head.height, head.width) == (16, 48)
    found = read_picture(tmp_path / f"a.{kind}", 16, 48, 1)[0].astype(int)
    assert np.abs(found - upright).max() <= (8 if kind == "jpg" else 0)


def test_odd_metadata_does_not_make_a_turned_photo_damaged(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a camera"
    held = exif.tobytes()
    entry = held.index(b"\x0e\x01\x02\x00") if b"\x0e\x01\x02\x00" in held else held.index(b"\x01\x0e\x00\x02")
    text = bytearray(held)  # a description that says it is a fraction: type 5 where 2 is text
    text[entry + 2 : entry + 4] = b"\x05\x00" if held[entry : entry + 1] == b"\x0e" else b"\x00\x05"
    text[entry + 4 : entry + 8] = (1).to_bytes(4, "little" if held[entry : entry + 1] == b"\x0e" else "big")
    Image.fromarray(np.arange(96, dtype=np.uint8).reshape(8, 12)).save(tmp_path / "a.jpg", exif=bytes(text))
    assert read_header(tmp_path / "a.jpg").said == ("turned",)
    assert read_picture(tmp_path / "a.jpg", 12, 8, 1).shape == (1, 12, 8)


def test_a_transparent_gray_of_sixteen_bits_is_laid_on_white(tmp_path):
    pixels = np.array([[0, 257 * 100], [257 * 200, 0]], np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png", transparency=0)
    assert read_picture(tmp_path / "a.png", 2, 2, 1)[0].tolist() == [[255, 100], [200, 255]]


def test_whole_numbers_without_a_range_are_refused(tmp_path):
    Image.fromarray(np.array([[0, 100], [200, 255]], np.int32)).save(tmp_path / "a.tif")
    refused_message = "without a known range"
    with pytest.raises(DataError, match=refused_message) as caught:
        read_picture(tmp_path / "a.tif", 2, 2, 1)
    assert caught.value.code == "WF-D93"
