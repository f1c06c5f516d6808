"""Event files that TensorBoard and its writer in torch make are read without TensorBoard; damage is named."""

from __future__ import annotations

import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellfit import DataError
from wellfit.diagnosis.event_files import _masked, crc32c, scalars
from wellfit.diagnosis.readers import looks_like_history, read_history

TRAIN = [1.2 * 0.9**k for k in range(40)]
VALID = [1.0 / (1 + k) + 0.004 * k for k in range(40)]


@pytest.fixture
def written(tmp_path):
    """By torch: a training loss every 5 steps, a validation loss every 50, a histogram and a text between them."""
    writer_of = pytest.importorskip("torch.utils.tensorboard")
    with writer_of.SummaryWriter(tmp_path / "run") as writer:
        for k in range(400):
            writer.add_scalar("loss/train", TRAIN[k // 10], 5 * k)
            if k % 10 == 9:
                writer.add_scalar("loss/val", VALID[k // 10], 5 * k)
                writer.add_histogram("weights", np.arange(20.0), 5 * k)
        writer.add_text("note", "a text is no curve", 3)
        writer.add_scalar("new/val_accuracy", 0.5, 5, new_style=True)
    return tmp_path / "run"


def test_curves_of_torch_are_read(written):
    found = read_history(written)
    np.testing.assert_allclose(found.val_loss, VALID, rtol=1e-6)
    np.testing.assert_allclose(found.train_loss, TRAIN, rtol=1e-6)
    assert list(found.epoch) == list(range(1, 41))
    assert looks_like_history(written)
    single = next(written.glob("*tfevents*"))
    np.testing.assert_array_equal(read_history(single).val_loss, found.val_loss)


def test_every_scalar_is_what_tensorboard_reads(written):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    theirs = accumulator.EventAccumulator(str(written), size_guidance={"scalars": 0, "tensors": 0})
    theirs.Reload()
    ours = {}
    for tag, step, value in scalars(next(written.glob("*tfevents*")).read_bytes(), "file"):
        ours.setdefault(tag, {})[step] = value
    for tag in theirs.Tags()["scalars"]:
        assert ours[tag] == {e.step: e.value for e in theirs.Scalars(tag)}
    assert ours["new/val_accuracy"] == {5: 0.5}, "the form of TensorFlow 2"
    assert set(ours) == {*theirs.Tags()["scalars"], "new/val_accuracy"}


def test_folders_of_keras_are_two_sides(tmp_path):
    writer_of = pytest.importorskip("torch.utils.tensorboard")
    for side, values in (("train", TRAIN), ("validation", VALID)):
        with writer_of.SummaryWriter(tmp_path / side) as writer:
            for k, value in enumerate(values):
                writer.add_scalar("epoch_loss", value, k, new_style=True)
                writer.add_scalar("epoch_accuracy", 1 / (1 + value), k, new_style=True)
    found = read_history(tmp_path)
    np.testing.assert_allclose(found.train_loss, TRAIN, rtol=1e-6)
    np.testing.assert_allclose(found.val_loss, VALID, rtol=1e-6)
    np.testing.assert_allclose(found.val_metric, [1 / (1 + v) for v in VALID], rtol=1e-6)


def test_neither_tensorboard_nor_torchs_writer_is_imported(written):
    told = f"""
import sys
from wellfit.diagnosis.readers import read_history
print(len(read_history({str(written)!r})), [m for m in sys.modules if "tensorboard" in m or "google.protobuf" in m])
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "40 []"


def test_a_file_that_is_still_being_written_ends_at_its_last_whole_record(written):
    content = next(written.glob("*tfevents*")).read_bytes()
    whole = list(scalars(content, "file"))
    assert list(scalars(content[:-7], "file")) == whole[:-1]


def test_damage_is_named(written, tmp_path):
    content = bytearray(next(written.glob("*tfevents*")).read_bytes())
    content[200] ^= 0x40
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        read_history(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="no scalar curve"):
        read_history(path)


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked(length)) + data + struct.pack("<I", _masked(data))


@given(st.binary(max_size=60))
def test_any_bytes_with_true_checksums_are_read_or_refused(data):
    try:
        assert all(isinstance(v, float) for _, _, v in scalars(_record(data), "file"))
    except DataError as error:
        assert error.code == "WF-G08"


@given(st.binary(max_size=80))
def test_any_bytes_at_all_are_read_or_refused(data):
    try:
        list(scalars(data, "file"))
    except DataError as error:
        assert error.code == "WF-G08"


def test_checksums_of_the_standard():
    """RFC 3720, appendix B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes([255] * 32)) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
