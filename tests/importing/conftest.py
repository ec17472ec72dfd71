"""Variables written as TensorFlow does, a LevelDB table and its data files, for the tests of what reads them."""

import struct
from pathlib import Path

import numpy as np
import pytest

from nonloc.importing.tensorflow_bundle import MAGIC, TYPES, crc32c


@pytest.fixture(scope="session")
def write_bundle():
    """The function below."""
    return write


def write(
    folder: Path, variables: dict[str, np.ndarray], *, shards: int = 1, block: int = 4096, compression: int = 0
) -> Path:
    """`variables.index` and its shards in `folder`; block: bytes after which a new block of the table begins."""
    kinds = {dtype: kind for kind, dtype in TYPES.items()}
    data = [b""] * shards
    entries = [(b"", field(1, shards))]
    for k, (name, values) in enumerate(sorted(variables.items())):
        shard, stored = k % shards, values.tobytes()
        shape = b"".join(field(2, field(1, side)) for side in values.shape)
        entry = field(1, kinds[values.dtype]) + field(2, shape) + field(3, shard)
        entry += field(4, len(data[shard])) + field(5, len(stored)) + fixed32(6, masked(stored))
        data[shard] += stored
        entries.append((name.encode(), entry))
    for k, stored in enumerate(data):
        (folder / f"variables.data-{k:05d}-of-{shards:05d}").write_bytes(stored)
    index = folder / "variables.index"
    index.write_bytes(table(entries, block, compression))
    return index


def table(entries: list[tuple[bytes, bytes]], size: int, compression: int) -> bytes:
    written, index, group = b"", [], []
    for k, entry in enumerate(entries):
        group.append(entry)
        if k == len(entries) - 1 or sum(len(key) + len(value) for key, value in group) >= size:
            stored = block(group)
            index.append((group[-1][0], varint(len(written)) + varint(len(stored))))
            written += sealed(stored, compression)
            group = []
    handles = []
    for stored in (block([]), block(index)):
        handles.append(varint(len(written)) + varint(len(stored)))
        written += sealed(stored, 0)
    return written + b"".join(handles).ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Keys with what they share with the one before left out, values, one restart."""
    written, before = b"", b""
    for key, value in entries:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(map(len, (key, before)))
        )
        written += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return written + struct.pack("<II", 0, 1)


def sealed(stored: bytes, compression: int) -> bytes:
    stored += bytes([compression])
    return stored + struct.pack("<I", masked(stored))


def masked(stored: bytes) -> int:
    crc = crc32c(stored)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def fixed32(number: int, value: int) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<I", value)


def varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
