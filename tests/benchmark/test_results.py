"""Rows in files: they read back, survive a kill, and never mix two versions of a method."""

from dataclasses import replace

import pytest
from rows import ROW

from nonloc.benchmark.results import COLUMNS, Results, Row, append_row, current, read_rows
from nonloc.errors import UsageError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "set12.csv"


def test_rows_read_back(file):
    rows = [ROW, replace(ROW, picture="02", sigma=None), replace(ROW, picture="a, b", psnr=float("inf"))]
    for row in rows:
        append_row(file, row)
    assert read_rows(file) == rows
    assert file.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_rounding_is_what_the_file_holds():
    row = replace(ROW, psnr=29.12345678901, cpu_s=1 / 3)
    assert row.rounded() == Row.from_cells(row.cells())
    assert row.rounded().psnr == 29.123457


def test_a_line_that_was_cut_off_is_dropped_and_the_next_row_stands_alone(file):
    append_row(file, ROW)
    append_row(file, replace(ROW, picture="02"))
    data = file.read_bytes()
    file.write_bytes(data[:-9])  # killed while it wrote
    assert read_rows(file) == [ROW]
    append_row(file, replace(ROW, picture="03"))
    assert [row.picture for row in read_rows(file)] == ["01", "03"]


def test_of_two_versions_of_a_method_only_the_last_is_current():
    old = [replace(ROW, picture=name) for name in ("01", "02", "03")]
    new = [replace(ROW, picture=name, weights="abc") for name in ("01", "02")]
    other = replace(ROW, method="nlrn")
    assert current([*old, other, *new]) == [other, *new]


def test_a_picture_measured_twice_counts_once():
    again = replace(ROW, cpu_s=2.0)
    assert current([ROW, again]) == [again]


def test_a_file_of_other_columns_is_an_error(file):
    file.parent.mkdir()
    file.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="columns"):
        Results.read(file.parent)


def test_a_broken_line_is_an_error_and_not_a_number(file):
    append_row(file, ROW)
    file.write_text(file.read_text().replace("29.123456", "twenty-nine"))
    with pytest.raises(UsageError, match="no row"):
        read_rows(file)
