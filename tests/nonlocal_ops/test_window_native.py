"""The compiled window attention: equals the definition, to the bit over threads and tiles; its absence is no harm."""

import os
import platform
import tempfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonloc.errors import UsageError
from nonloc.nonlocal_ops import window_native
from nonloc.nonlocal_ops.definition import non_local
from nonloc.nonlocal_ops.window import choose, logits_bytes, window_attention

compiled = pytest.mark.skipif(window_native.load() is None, reason=window_native.status())
INTEL = platform.machine() in ("x86_64", "AMD64")


def drawn(shape, l, m, steps=1, seed=0):  # noqa: E741
    """theta, phi and g of each step; logits have a standard deviation near 1 whatever l is."""
    rng = torch.Generator().manual_seed(seed)
    batch, *size = shape
    scales = ((l, l**-0.25), (l, l**-0.25), (m, 1))
    return [tuple(s * torch.randn(batch, n, *size, generator=rng) for n, s in scales) for _ in range(steps)]


def last_z(maps, window, border="clamp", **options):
    """z of the last step, logits carried from the first on."""
    carried = None
    for i, step in enumerate(maps):
        z, carried = window_attention(
            *step, window, carried=carried, border=border, path="native", keep=i + 1 < len(maps), **options
        )
    return z


def right_z(maps, window, border="clamp"):
    S = None
    for step in maps:
        z, S = non_local(*(part.double() for part in step), window=window, border=border, carried=S)
    return z.float()


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A cache folder that is empty, and a kernel that is looked for again, before and after."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    window_native._library.cache_clear()
    yield tmp_path
    window_native._library.cache_clear()


@compiled
@pytest.mark.parametrize("border", ["clamp", "mask"])
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 23), st.integers(1, 23)),
    l=st.integers(1, 6),
    m=st.one_of(st.integers(1, 6), st.sampled_from([16, 31, 48, 70])),
    window=st.sampled_from([1, 3, 5, 7, 15, 17, 31, 45]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40)
def test_equals_the_definition(border, shape, l, m, window, seed):  # noqa: E741
    maps = drawn(shape, l, m, seed=seed)
    torch.testing.assert_close(last_z(maps, window, border), right_z(maps, window, border), rtol=0, atol=1e-5)


@compiled
@pytest.mark.parametrize(
    ("window", "border", "size"),
    [
        (7, "clamp", (21, 30)),
        (7, "mask", (21, 30)),
        (45, "clamp", (47, 49)),
        (45, "mask", (26, 30)),
        (51, "clamp", (29, 54)),  # more vectors than one kernel call takes
    ],
)
def test_twelve_carried_steps_equal_the_definition(window, border, size):
    maps = drawn((1, *size), 3, 2, steps=12)
    z = last_z(maps, window, border, held_as=torch.float32)
    torch.testing.assert_close(z, right_z(maps, window, border), rtol=0, atol=1e-4)


@compiled
def test_logits_held_in_16_bits_move_broad_attention_by_less_than_1e_4():
    maps = [(0.3 * theta, phi, 0.1 * g) for theta, phi, g in drawn((1, 30, 34), 8, 3, steps=12)]
    torch.testing.assert_close(last_z(maps, 15), right_z(maps, 15), rtol=0, atol=1e-4)


@compiled
def test_logits_of_hundreds_are_no_trouble():
    """NLRN's reach 421: e^421 is no float32, and 421 is known to 0.25 in float16."""
    maps = [(60 * theta, phi, g) for theta, phi, g in drawn((1, 20, 24), 4, 3, steps=3)]
    z = last_z(maps, 7)
    assert z.isfinite().all()
    assert (z - right_z(maps, 7)).abs().mean() < 0.01


@compiled
@pytest.mark.parametrize("products", [None, torch.bfloat16])
def test_threads_do_not_change_a_bit(products):
    maps = drawn((1, 45, 39), 6, 5, steps=3)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            results.append(last_z(maps, 15, products=products))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(result, results[0]) for result in results)


@compiled
def test_a_tile_with_enough_halo_is_the_whole_to_the_bit():
    """Two steps, the second from the first: twice the radius."""
    first, second = drawn((1, 61, 67), 3, 3, steps=2)

    def two_steps(where):
        theta, phi, g = (part[where] for part in first)
        z, logits = window_attention(theta, phi, g, 15, keep=True, path="native")
        return window_attention(z, *(part[where] for part in second[1:]), 15, carried=logits, path="native")[0]

    tile = (..., slice(5, 50), slice(3, 49))
    part, whole = two_steps(tile), two_steps((..., slice(None), slice(None)))[tile]
    inside = (..., slice(14, -14), slice(14, -14))
    assert torch.equal(part[inside], whole[inside])


@compiled
def test_rounded_products_leave_the_mean_of_the_values_exact():
    theta, phi, g = drawn((1, 30, 35), 7, 3)[0]
    z = last_z([(theta, phi, g + 100)], 15, products=torch.bfloat16)
    assert (z - right_z([(theta, phi, g + 100)], 15)).abs().max() < 0.01


@compiled
@pytest.mark.parametrize("border", ["clamp", "mask"])
@pytest.mark.parametrize("size", [(5, 4), (16, 17), (30, 51)])
def test_rounded_products_are_near_at_every_border(border, size):
    maps = drawn((2, *size), 5, 20, steps=2)
    z = last_z(maps, 7, border, products=torch.bfloat16)
    torch.testing.assert_close(z, right_z(maps, 7, border), rtol=0, atol=0.05)


@compiled
@pytest.mark.parametrize(("window", "border"), [(7, "clamp"), (45, "mask")])
def test_logits_bytes_is_what_is_held(window, border):
    logits = window_attention(*drawn((2, 17, 30), 2, 2)[0], window, keep=True, path="native", border=border)[1]
    number = logits.held.element_size()
    assert logits.held.nbytes == logits_bytes(17, 30, window, "native", batch=2, border=border, number=number)


@compiled
def test_it_is_taken_for_inference_and_refused_for_training():
    theta, phi, g = drawn((1, 9, 9), 2, 2)[0]
    assert choose(theta, g, differentiable=False) == "native"
    assert choose(theta, g, differentiable=True) == "blocked"
    with pytest.raises(UsageError, match="inference"):
        window_attention(theta.requires_grad_(), phi, g, 5, path="native")


@compiled
@pytest.mark.skipif(not INTEL, reason="these are Intel's and AMD's instruction sets")
@pytest.mark.parametrize(("flags", "lanes"), [("-msse2", 4), ("-mavx2 -mfma", 8), ("-mavx2 -mfma -mf16c", 8)])
def test_other_processors_get_the_same_numbers(fresh, monkeypatch, flags, lanes):
    if lanes == 8 and torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("this processor has no AVX2")
    monkeypatch.setenv("CXXFLAGS", flags)
    assert f"{lanes} lanes" in window_native.status()
    for border, window in (("clamp", 15), ("mask", 5), ("clamp", 45)):
        maps = [(0.3 * theta, phi, 0.1 * g) for theta, phi, g in drawn((1, 21, 30), 3, 18, steps=3)]
        torch.testing.assert_close(last_z(maps, window, border), right_z(maps, window, border), rtol=0, atol=1e-4)


@compiled
def test_it_is_compiled_once_for_all_processes(fresh, monkeypatch):
    monkeypatch.setenv("CXXFLAGS", "-O0")
    assert window_native.load() is not None
    (made,) = (fresh / "cache" / "nonloc").iterdir()
    written = made.stat().st_mtime_ns
    window_native._library.cache_clear()
    assert window_native.load() is not None
    assert made.stat().st_mtime_ns == written


@compiled
@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owner here")
def test_code_is_not_loaded_from_a_folder_that_others_can_write_to(fresh, monkeypatch):
    monkeypatch.setenv("CXXFLAGS", "-O0")
    folder = fresh / "cache" / "nonloc"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert window_native.load() is not None
    assert str(fresh / "elsewhere") in window_native.status()
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PATH": "", "CXX": ""}, "no C++ compiler"),
        ({"CXX": "false"}, "false failed"),
        ({"NONLOC_NATIVE": "off"}, "NONLOC_NATIVE"),
    ],
)
def test_without_it_the_blocked_path_is_taken_and_the_reason_is_known(fresh, monkeypatch, variables, words):
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert words in window_native.status()
    maps = drawn((1, 9, 9), 2, 2)
    z, logits = window_attention(*maps[0], 5, keep=True)
    assert logits.path == "blocked"
    torch.testing.assert_close(z, right_z(maps, 5), rtol=0, atol=1e-5)
    with pytest.raises(UsageError, match="compile"):
        window_attention(*maps[0], 5, path="native")
