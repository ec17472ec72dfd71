"""The MATLAB-4 generator against known numbers, and against its definition, one pair at a time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.benchmark.matlab4 import DEFAULT, M, Matlab4, _states, exchange
from nonloc.degradation import GaussianNoise
from nonloc.errors import UsageError


def definition(count, x=DEFAULT):
    numbers = []
    while len(numbers) < count:
        a = 2 * ((x := 16807 * x % M) / M) - 1
        b = 2 * ((x := 16807 * x % M) / M) - 1
        s = a * a + b * b
        if s < 1:
            numbers.append(a * math.sqrt(-2 * math.log(s) / s))
    return numbers, x


def test_the_first_four_states():
    assert _states(DEFAULT, 4).tolist() == [470211272, 101027544, 1457850878, 1458777923]


def test_the_first_ten_numbers():
    expected = [
        1.1649535105, 0.6268390826, 0.0750801547, 0.3516069028, -0.6965125352,
        1.6961424807, 0.0590597780, 1.7970717837, 0.2640685288, 0.8716732887,
    ]  # fmt: skip
    np.testing.assert_allclose(Matlab4().draw(10), expected, atol=6e-11)


@pytest.mark.parametrize(
    ("count", "total", "std", "last"),
    [
        (1000, -13.7756434496, 1.030591506527, -1.2747427507),
        (100_000, -339.0933472743, 1.001428068096, -0.2961151788),
        (154_401, -137.1587574828, 0.999674489237, 0.7007918428),
        (463_203, -451.5848202134, 0.999786584474, 1.9955501011),
        (1_000_000, 972.8348417079, 0.999961629817, -1.3185923433),
    ],
)
def test_sums_of_many_numbers(count, total, std, last):
    numbers = Matlab4().draw(count)
    assert len(numbers) == count
    assert numbers.sum() == pytest.approx(total, abs=1e-8)
    assert numbers.std() == pytest.approx(std, abs=1e-11)
    assert numbers[-1] == pytest.approx(last, abs=6e-11)


def test_the_state_after_a_hundred_thousand_and_the_extremes():
    generator = Matlab4()
    numbers = generator.draw(100_000)
    assert generator.state == 1055582471
    assert numbers.min() == pytest.approx(-4.9923785154, abs=6e-11)
    assert numbers.max() == pytest.approx(4.1854498700, abs=6e-11)


@given(st.integers(0, 300), st.integers(0, 300))
def test_equals_its_definition_and_goes_on_where_it_stopped(first, second):
    generator = Matlab4()
    numbers = [*generator.draw(first), *generator.draw(second)]
    expected, state = definition(first + second)
    np.testing.assert_allclose(numbers, expected, rtol=0, atol=1e-12)
    assert generator.state == state


def test_planes_fill_column_by_column():
    field = Matlab4().standard_normal((3, 4, 5))
    numbers = Matlab4().draw(60)
    assert all(
        field[c, row, column] == numbers[c * 20 + column * 4 + row]
        for c in range(3)
        for row in range(4)
        for column in range(5)
    )
    np.testing.assert_array_equal(Matlab4().standard_normal((4, 5)), field[0])


def test_a_printed_seed_is_not_a_state():
    assert exchange(931316785) == DEFAULT
    assert exchange(DEFAULT) == 931316785
    np.testing.assert_array_equal(Matlab4(931316785).draw(5), Matlab4().draw(5))
    with pytest.raises(UsageError, match="no such state"):
        Matlab4(-1)


def test_it_is_the_generator_that_a_degradation_takes():
    clean = np.full((4, 5), 0.5)
    noisy = GaussianNoise(51).apply(clean, Matlab4())
    np.testing.assert_array_equal(noisy, 0.5 + 51 / 255 * Matlab4().standard_normal((4, 5)))


@pytest.mark.slow
def test_equals_its_definition_far_out():
    expected, _ = definition(60_000)
    np.testing.assert_allclose(Matlab4().draw(60_000), expected, rtol=0, atol=1e-12)
