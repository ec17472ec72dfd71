"""Pieces of work on several threads: order kept, errors passed on, no pools inside pools."""

import threading

import numba
import pytest

from nonloc.nonlocal_ops.strips import each


@pytest.fixture
def two_threads():
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba is allowed one thread")
    before = numba.get_num_threads()
    numba.set_num_threads(2)
    yield
    numba.set_num_threads(before)


def test_keeps_the_order_of_the_pieces(two_threads):
    assert each(lambda i: i * i, range(20)) == [i * i for i in range(20)]


def test_works_on_nothing():
    assert each(lambda i: i, []) == []


def test_an_error_in_a_piece_reaches_the_caller(two_threads):
    with pytest.raises(ZeroDivisionError):
        each(lambda i: 1 // i, [1, 0, 2])


def test_inside_another_each_it_stays_on_its_thread(two_threads):
    def outer(_):
        return set(each(lambda _: threading.get_ident(), range(8))) == {threading.get_ident()}

    assert each(outer, range(4)) == [True] * 4
