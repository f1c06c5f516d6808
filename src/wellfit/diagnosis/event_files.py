"""TensorBoard's event files, read without TensorBoard: records with checksums, and of each its scalar values.

A file is a row of records: length (8 bytes), checksum of the length (4), data (length), checksum of the data (4), all
little-endian. Data are protocol buffers: an Event holds a step and a summary, a summary values with a tag each. A value
is a plain number, or a tensor of one number as TensorFlow 2 writes it.

Source:
    TensorFlow, event.proto, summary.proto and tensor.proto; the framing is that of TFRecord. The checksum: Castagnoli,
    Brauer & Herrmann, Optimization of Cyclic Redundancy-Check Codes with 24 and 32 Parity Bits, 1993 (CRC-32C), masked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from wellfit.errors import DataError

Fields = dict[int, list[int | bytes]]
_SIZES = {1: 8, 5: 4}  # bytes of the wire types of fixed length
_TENSORS = {1: "<f", 2: "<d", 3: "<i", 9: "<q"}  # numbers that a tensor may hold, by its type
_LISTS = {1: 5, 2: 6, 3: 7, 9: 10}  # where a tensor lists its numbers, by its type


def scalars(content: bytes, name: str) -> Iterator[tuple[str, int, float]]:
    """(tag, step, value) of every scalar in a file; a last record that is not yet complete is left out.

    Raises:
        DataError: a checksum does not hold, or a record is no event.
    """
    for data in _records(content, name):
        try:
            event = _fields(data)
            step = _signed(int(event.get(2, [0])[-1]))
            for summary in event.get(5, []):
                for value in _fields(_bytes(summary)).get(1, []):
                    tag, number = _value(_fields(_bytes(value)))
                    if number is not None:
                        yield tag, step, number
        except (ValueError, IndexError, struct.error) as error:
            raise _damaged(name) from error


def _damaged(name: str) -> DataError:
    return DataError(f"{name} is damaged, or no event file of TensorBoard.", fix="Copy it again.", code="WF-G08")


def _records(content: bytes, name: str) -> Iterator[bytes]:
    place = 0
    while place + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        if struct.unpack_from("<I", content, place + 8)[0] != _masked(content[place : place + 8]):
            raise _damaged(name)
        end = place + 12 + length
        if end + 4 > len(content):
            return  # whoever writes the file has not come to its end
        data = content[place + 12 : end]
        if struct.unpack_from("<I", content, end)[0] != _masked(data):
            raise _damaged(name)
        yield data
        place = end + 4


def _table() -> list[int]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        found.append(byte)
    return found


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    state = 0xFFFFFFFF
    for byte in data:
        state = _TABLE[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _masked(data: bytes) -> int:
    found = crc32c(data)
    return (((found >> 15) | (found << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _fields(data: bytes) -> Fields:
    """The fields of a message by number, each with all its values in order; groups are no part of these messages."""
    found: Fields = {}
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(data, place)
            found.setdefault(number, []).append(value)
            continue
        size = _SIZES.get(kind)
        if kind == 2:
            size, place = _varint(data, place)
        if size is None or place + size > len(data):
            raise ValueError("no message")
        found.setdefault(number, []).append(data[place : place + size])
        place += size
    return found


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value, shift = 0, 0
    while shift < 70:
        byte = data[place]
        value, place, shift = value | (byte & 0x7F) << shift, place + 1, shift + 7
        if not byte & 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place
    raise ValueError("no number")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where a message is expected")
    return value


def _value(fields: Fields) -> tuple[str, float | None]:
    """The tag, and the number where the value is a scalar."""
    tag = b"".join(_bytes(v) for v in fields.get(1, [])).decode("utf-8", "replace")
    if 2 in fields:
        return tag, float(struct.unpack("<f", _bytes(fields[2][-1]))[0])
    return tag, _of_tensor(_fields(_bytes(fields[8][-1]))) if 8 in fields else None


def _of_tensor(fields: Fields) -> float | None:
    """The number of a tensor without dimensions or with one value; None for all others."""
    kind = int(fields.get(1, [0])[-1])
    form, listed = _TENSORS.get(kind), fields.get(_LISTS.get(kind, 0), [])
    if form is None:
        return None
    packed = _bytes(fields[4][-1]) if 4 in fields else b""
    if not packed and len(listed) == 1:
        only = listed[0]
        if isinstance(only, int):
            return float(_signed(only))
        packed = only
    if len(packed) != struct.calcsize(form):
        return None
    return float(struct.unpack(form, packed)[0])
