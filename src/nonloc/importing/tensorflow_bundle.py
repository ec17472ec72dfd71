"""Reads the variables of a TensorFlow checkpoint or SavedModel, without TensorFlow.

Source: the formats as their projects describe them. `NAME.index` is a LevelDB table (leveldb, doc/table_format.md)
from a variable's name to a protobuf that tells its type, shape, place and checksum (tensorflow,
core/protobuf/tensor_bundle.proto); `NAME.data-00000-of-00001` holds the numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import WeightsError

MAGIC = 0xDB4775248B80FB57
FOOTER = 48  # bytes: two handles of at most 20, and the magic number
TYPES: dict[int, np.dtype] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
    19: np.dtype("<f2"),
}
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types of protobuf


def read_bundle(index: Path) -> dict[str, np.ndarray]:
    """Every variable of the bundle whose `.index` file is given, by its name; checksums are verified.

    Raises WeightsError for a file that is missing, cut off, damaged, or in a form that is not read here.
    """
    try:
        entries = dict(_table(index.read_bytes()))
        header = _fields(entries.pop(b""))
        shards = _number(header, 1)
        if _number(header, 2):
            raise ValueError("its numbers are big-endian")
        data = [_shard(index, k, shards).read_bytes() for k in range(shards)]
        return {name.decode(): _variable(name.decode(), _fields(entry), data) for name, entry in entries.items()}
    except OSError as error:
        raise WeightsError(f"weights {index.name}", str(error), "Give the whole folder of the variables") from error
    except (KeyError, IndexError, ValueError, struct.error) as error:
        what = "the table has no header" if isinstance(error, KeyError) else str(error)
        raise WeightsError(f"weights {index.name}", f"it is damaged: {what}", "Fetch the file again") from error


def _shard(index: Path, k: int, shards: int) -> Path:
    return index.with_name(f"{index.stem}.data-{k:05d}-of-{shards:05d}")


def _variable(name: str, fields: dict[int, list], data: list[bytes]) -> np.ndarray:
    kind, shard, offset, size = (_number(fields, number) for number in (1, 3, 4, 5))
    if kind not in TYPES:
        raise ValueError(f"variable {name} has the unknown type {kind}")
    shape = [_number(_fields(dimension), 1) for dimension in _fields(_last(fields, 2, b"")).get(2, [])]
    stored = data[shard][offset : offset + size]
    if len(stored) != size or size != TYPES[kind].itemsize * int(np.prod(shape)):
        raise ValueError(f"variable {name} should have {size} bytes, {len(stored)} are there")
    if 6 in fields and crc32c(stored) != _unmask(_number(fields, 6)):
        raise ValueError(f"the checksum of variable {name} is wrong")
    return np.frombuffer(stored, TYPES[kind]).reshape(shape)


def _table(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a LevelDB table, sorted."""
    if len(table) < FOOTER or struct.unpack("<Q", table[-8:])[0] != MAGIC:
        raise ValueError("it does not end as such a table does")
    _, position = _handle(table, len(table) - FOOTER)  # of the filters; there are none
    index, _ = _handle(table, position)
    for _, value in _entries(_block(table, index)):
        block, _ = _handle(value, 0)
        yield from _entries(_block(table, block))


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and where the handle ends."""
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _block(table: bytes, handle: tuple[int, int]) -> bytes:
    offset, size = handle
    stored, trailer = table[offset : offset + size + 1], table[offset + size + 1 : offset + size + 5]
    if len(stored) != size + 1 or len(trailer) != 4:
        raise ValueError(f"a block of {size} bytes lies outside the file")
    if crc32c(stored) != _unmask(struct.unpack("<I", trailer)[0]):
        raise ValueError(f"the checksum of the block at byte {offset} is wrong")
    if stored[-1]:
        raise ValueError(f"the block at byte {offset} is compressed, which is not read here")
    return stored[:-1]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """A block's keys, each stored as what differs from the one before, and values."""
    restarts = struct.unpack("<I", block[-4:])[0]
    end, position, key = len(block) - 4 - 4 * restarts, 0, b""
    while position < end:
        shared, position = _varint(block, position)
        unshared, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        yield key, block[position : position + length]
        position += length


def _fields(message: bytes) -> dict[int, list]:
    """Fields of a protobuf message: numbers and byte strings, as often as they stand there."""
    found: dict[int, list] = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        value: int | bytes
        if wire == VARINT:
            value, position = _varint(message, position)
        elif wire in (FIXED32, FIXED64):
            form, width = ("<I", 4) if wire == FIXED32 else ("<Q", 8)
            value, position = struct.unpack_from(form, message, position)[0], position + width
        elif wire == BYTES:
            length, position = _varint(message, position)
            value, position = message[position : position + length], position + length
        else:
            raise ValueError(f"field {number} has the unknown wire type {wire}")
        found.setdefault(number, []).append(value)
    return found


def _last(fields: dict[int, list], number: int, default):
    return fields[number][-1] if number in fields else default


def _number(fields: dict[int, list], number: int) -> int:
    """A number's field; 0 where it is left out, as protobuf means it."""
    return _last(fields, number, 0)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """The number that begins there, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError(f"the number before byte {position} does not end")


def _unmask(stored: int) -> int:
    """A checksum as it was before it was masked, which is done so that data may hold checksums."""
    rotated = (stored - 0xA282EAD8) & 0xFFFFFFFF
    return ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """Cyclic redundancy check with Castagnoli's polynomial (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CASTAGNOLI[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _castagnoli() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CASTAGNOLI = _castagnoli()
