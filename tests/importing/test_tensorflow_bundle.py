"""The reader of TensorFlow's variables: against a writer of our own, and against damage at every byte."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.errors import WeightsError
from nonloc.importing.tensorflow_bundle import crc32c, read_bundle

VARIABLES = {
    "model/conv1/bias": np.arange(3, dtype=np.float32),
    "model/conv1/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "model/conv1/steps": np.array(7, dtype=np.int64),
}


def test_the_checksum_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("block", [40, 4096])
def test_reads_what_was_written(write_bundle, tmp_path, shards, block):
    index = write_bundle(tmp_path, VARIABLES, shards=shards, block=block)
    found = read_bundle(index)
    assert set(found) == set(VARIABLES)
    for name, values in VARIABLES.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


@given(
    st.dictionaries(
        st.text("abc/_", min_size=1, max_size=6),
        st.lists(st.integers(0, 300), max_size=3).map(lambda shape: np.zeros([n % 7 for n in shape], np.float64)),
        max_size=6,
    )
)
def test_reads_any_names_and_shapes(write_bundle, tmp_path_factory, variables):
    found = read_bundle(write_bundle(tmp_path_factory.mktemp("bundle"), variables))
    assert {name: values.shape for name, values in found.items()} == {n: v.shape for n, v in variables.items()}


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_a_damaged_byte_is_an_error_and_never_another_number(write_bundle, tmp_path, suffix):
    index = write_bundle(tmp_path, VARIABLES)
    path = tmp_path / f"variables.{suffix}"
    whole = path.read_bytes()
    missed = []
    for k in range(len(whole)):
        path.write_bytes(whole[:k] + bytes([whole[k] ^ 0x10]) + whole[k + 1 :])
        try:
            found = read_bundle(index)
        except WeightsError:
            continue
        if any(not np.array_equal(found[name], values) for name, values in VARIABLES.items()):
            missed.append(k)
    assert missed == []


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_a_file_cut_off_anywhere_is_an_error(write_bundle, tmp_path, suffix):
    index = write_bundle(tmp_path, VARIABLES)
    path = tmp_path / f"variables.{suffix}"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"variables\.index"):
            read_bundle(index)


def test_missing_numbers_are_an_error_that_says_what_to_give(write_bundle, tmp_path):
    index = write_bundle(tmp_path, VARIABLES)
    (tmp_path / "variables.data-00000-of-00001").unlink()
    with pytest.raises(WeightsError, match="whole folder"):
        read_bundle(index)


def test_a_compressed_table_is_refused_in_words(write_bundle, tmp_path):
    with pytest.raises(WeightsError, match="compressed"):
        read_bundle(write_bundle(tmp_path, VARIABLES, compression=1))


def test_a_table_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "variables.index"
    path.write_bytes(b"\0" * 100 + struct.pack("<Q", 1))
    with pytest.raises(WeightsError, match="does not end"):
        read_bundle(path)
