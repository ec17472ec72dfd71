"""Windowed attention in Triton: equals its definition forward and backward, at any size, with and without carrying.

Without a GPU the kernels run in Triton's interpreter, which must be chosen before Triton is imported. So in an ordinary
run one test starts this file again in a process of its own, with TRITON_INTERPRET=1, and the others live there.
"""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.utils.checkpoint import checkpoint

from nonloc.errors import UsageError
from nonloc.nonlocal_ops.definition import non_local
from nonloc.nonlocal_ops.window_triton import available, interpreted, logits_bytes, why_not, window_attention_triton

HERE = Path(__file__)
BENCHMARK = HERE.parents[2] / "benchmarks" / "window_triton.py"

inside = pytest.mark.skipif(not interpreted() or not available(), reason="runs in the interpreter, see above")
borders = st.sampled_from(["clamp", "mask"])
sides = st.integers(1, 19)  # less than a tile, less than the window, more than two tiles


@pytest.mark.slow  # 30 CPU seconds: the interpreter takes 15 ms for a tile
@pytest.mark.timeout(900)
@pytest.mark.skipif(interpreted(), reason="this is the process of its own")
def test_the_kernels_keep_their_promises_in_the_interpreter():
    pytest.importorskip("triton", reason="Triton is not installed: pip install triton")
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(HERE)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=HERE.parents[2], check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "passed" in run.stdout


@pytest.mark.skipif(interpreted(), reason="the interpreter compiles nothing")
@pytest.mark.parametrize("kernel", ["attend", "back_to_queries", "back_to_keys"])
@pytest.mark.parametrize("bits", [16, 32])
def test_the_kernels_compile_for_an_h100_and_fit_into_it(kernel, bits, tmp_path, monkeypatch):
    """With logits carried, the larger case, and NLRN's channels; needs no GPU."""
    triton = pytest.importorskip("triton", reason="Triton is not installed: pip install triton")
    from triton.backends.compiler import GPUTarget

    from nonloc.nonlocal_ops import window_triton_kernels, window_triton_steps

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    function = getattr(window_triton_kernels, kernel)
    across, maps, precision = (2, "*bf16", "ieee") if bits == 16 else (1, "*fp32", "tf32x3")
    options = {"L": 64, "M": 128, "ACROSS": across, "CLAMP": True, "PRECISION": precision}
    options |= {"READ": True, "WRITE": True, "SHIFT": True, "HELD": True, "LATER": True}
    kinds = dict.fromkeys(("height", "width", "window", "tiles_y", "tiles_x", "slots"), "i32")
    kinds |= {"scale": "fp32", "natural": "fp32", "lse": "*fp32", "delta": "*fp32", "G": "*fp32"}
    kinds |= {"held": "*fp16" if kernel == "attend" else "*fp32"} | dict.fromkeys(options, "constexpr")
    names = function.arg_names
    source = triton.compiler.ASTSource(
        fn=function,
        signature={name: kinds.get(name, maps) for name in names},
        constexprs={(names.index(name),): value for name, value in options.items() if name in names},
    )
    warps, stages = window_triton_steps.SHAPES[kernel == "attend", bits == 32]
    shape = {"num_warps": warps[across - 1], "num_stages": stages}
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=shape)
    assert compiled.metadata.shared <= 227 * 1024
    assert "wgmma" in compiled.asm["ptx"]  # the tensor cores of that generation


@pytest.mark.skipif(available(), reason="Triton can run here")
def test_says_why_it_cannot_run():
    maps = torch.zeros(1, 1, 3, 3)
    with pytest.raises(UsageError, match=why_not()):
        window_attention_triton(maps, maps, maps, 3)


def drawn(shape, channels, steps=1, seed=0, device="cpu"):
    """theta, phi and g of each step, with gradients."""
    rng = torch.Generator().manual_seed(seed)
    l, m = channels  # noqa: E741
    maps = [[torch.randn(shape[0], c, *shape[1:], generator=rng) for c in (l, l, m)] for _ in range(steps)]
    return [[x.to(device).requires_grad_() for x in step] for step in maps]


def unrolled(attention, maps, **options):
    """z of each step with logits carried on, by either function; the last step keeps none where that can be said."""
    carried, steps = None, []
    for t, (theta, phi, g) in enumerate(maps):
        keep = {} if attention is non_local else {"keep": t + 1 < len(maps)}
        z, carried = attention(theta, phi, g, window=options["window"], carried=carried, **keep, **rest(options))
        steps.append(z)
    return steps


def rest(options):
    return {name: value for name, value in options.items() if name != "window"}


def gradients(steps, maps):
    """Of a sum of all steps, each with weights of its own."""
    loss = sum(
        (z * torch.cos(torch.arange(z.numel(), device=z.device) + t).view(z.shape)).sum() for t, z in enumerate(steps)
    )
    return torch.autograd.grad(loss, [x for step in maps for x in step])


def assert_equals_definition(maps, options, kernel_options):
    steps = unrolled(window_attention_triton, maps, **options, **kernel_options)
    truth = unrolled(non_local, maps, **options)
    torch.testing.assert_close(steps, truth, rtol=0, atol=1e-5)
    torch.testing.assert_close(gradients(steps, maps), gradients(truth, maps), rtol=1e-4, atol=1e-4)


@inside
@settings(max_examples=6)
@given(
    st.tuples(st.integers(1, 2), sides, sides), st.integers(1, 7).map(lambda r: 2 * r + 1), borders,
    st.tuples(st.integers(1, 5), st.integers(1, 18)), st.sampled_from([1, 2]), st.integers(0, 99),
)  # fmt: skip
@example((1, 9, 5), 15, "mask", (3, 2), 1, 0)  # one column of tiles
@example((1, 10, 17), 3, "clamp", (3, 2), 2, 0)  # a tile with nothing but padding
def test_equals_its_definition_with_gradients(shape, window, border, channels, across, seed):
    options = {"window": window, "border": border, "scale": 0.7}
    assert_equals_definition(drawn(shape, channels, 1, seed), options, {"across": across})


@inside
@settings(max_examples=2)
@given(
    st.tuples(st.just(1), sides, sides), st.integers(1, 7).map(lambda r: 2 * r + 1), borders, st.sampled_from([1, 2])
)
@example((1, 17, 9), 5, "clamp", 2)
@example((2, 5, 18), 7, "mask", 1)
def test_logits_carried_over_three_steps_equal_their_definition_with_gradients(shape, window, border, across):
    options = {"window": window, "border": border, "scale": 0.7}
    assert_equals_definition(drawn(shape, (3, 2), steps=3), options, {"across": across})


@inside
@pytest.mark.parametrize("border", ["clamp", "mask"])
@pytest.mark.parametrize(("held_as", "atol"), [(torch.float32, 1e-5), (torch.float16, 0.01), (torch.bfloat16, 0.08)])
def test_logits_held_without_gradients_equal_the_definition_to_the_bits_they_are_held_in(border, held_as, atol):
    maps = drawn((1, 10, 17), (4, 3), steps=3)
    options = {"window": 5, "border": border}
    with torch.no_grad():
        steps = unrolled(window_attention_triton, maps, **options, held_as=held_as, across=2)
        truth = unrolled(non_local, maps, **options)
    torch.testing.assert_close(steps, truth, rtol=0, atol=atol)


@inside
def test_a_constant_of_each_row_leaves_sixteen_bits_enough_for_logits_they_could_not_hold():
    theta, phi, g = (x.detach() for x in drawn((1, 9, 9), (4, 3))[0])
    high = torch.full_like(theta, 300.0)  # adds 4 * 300 * 300 to every logit, beyond float16; the softmax is the same
    with torch.no_grad():
        _, carried = window_attention_triton(high, high, g, 7, keep=True)
        z, _ = window_attention_triton(theta, phi, g, 7, carried=carried)
    torch.testing.assert_close(z, non_local(theta, phi, g, window=7)[0], rtol=0, atol=1e-5)


@inside
def test_half_precision_maps_give_what_their_values_mean():
    maps = [[x.detach().half() for x in step] for step in drawn((1, 9, 12), (4, 3), steps=2)]
    steps = unrolled(window_attention_triton, maps, window=7)
    truth = unrolled(non_local, [[x.float() for x in step] for step in maps], window=7)
    assert steps[0].dtype == torch.float16
    torch.testing.assert_close([z.float() for z in steps], truth, rtol=0, atol=4e-3)


@inside
def test_any_memory_order_gives_the_same_and_inputs_stay_as_they_are():
    maps = [x.detach() for x in drawn((2, 9, 5), (4, 3))[0]]
    before = [x.clone() for x in maps]
    z, _ = window_attention_triton(*maps, 5)
    other, _ = window_attention_triton(*(x.to(memory_format=torch.channels_last) for x in maps), 5)
    torch.testing.assert_close(other, z, rtol=0, atol=0)
    torch.testing.assert_close(maps, before, rtol=0, atol=0)


@inside
def test_gradients_can_be_asked_for_twice_and_in_parts():
    maps = drawn((1, 9, 5), (3, 2), steps=3)
    options = {"window": 5, "border": "clamp"}
    steps, truth = unrolled(window_attention_triton, maps, **options), unrolled(non_local, maps, **options)
    # stops at step 3, whose share must not reach the next pass
    (last,) = torch.autograd.grad(steps[2].square().sum(), maps[2][0], retain_graph=True)
    torch.testing.assert_close(last, torch.autograd.grad(truth[2].square().sum(), maps[2][0], retain_graph=True)[0])
    for chosen in ([1], [2], [0, 2]):  # each leaves the logits where the next does not expect them
        wanted = [x for t, step in enumerate(maps[: max(chosen) + 1]) for x in (step if t in chosen else step[:2])]
        ours, theirs = (
            torch.autograd.grad(sum(z[t].square().sum() for t in chosen), wanted, retain_graph=True)
            for z in (steps, truth)
        )
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@inside
def test_steps_that_are_computed_again_on_the_way_back_give_the_same_gradients():
    maps = drawn((1, 9, 5), (3, 2), steps=3)

    def step(theta, phi, g, carried):
        return window_attention_triton(theta.sin(), phi, g, 5, carried=carried, keep=True)

    results = []
    for again in (False, True):
        carried, total = None, 0
        for theta, phi, g in maps:
            inputs = theta, phi, g, carried
            z, carried = checkpoint(step, *inputs, use_reentrant=False) if again else step(*inputs)
            total = total + z.square().sum()
        results.append(torch.autograd.grad(total, [x for step in maps for x in step]))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)


@inside
def test_logits_that_two_steps_carry_on_are_kept_apart_or_refused():
    (first, second, third) = drawn((1, 5, 9), (3, 2), steps=3)
    _, carried = window_attention_triton(*first, 5, keep=True)
    a, _ = window_attention_triton(*second, 5, carried=carried)
    b, _ = window_attention_triton(*third, 5, carried=carried)
    S = non_local(*first, window=5)[1]
    truth = [non_local(*step, window=5, carried=S)[0] for step in (second, third)]
    torch.testing.assert_close([a, b], truth, rtol=0, atol=1e-5)
    for z, definition in ((a, truth[0]), (b, truth[1])):
        ours, theirs = (torch.autograd.grad(x.square().sum(), first[0], retain_graph=True)[0] for x in (z, definition))
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    with pytest.raises(UsageError, match="two steps went on"):
        torch.autograd.grad((a + b).sum(), first[0])
    with torch.no_grad():
        _, carried = window_attention_triton(*first, 5, keep=True)
        window_attention_triton(*second, 5, carried=carried, keep=True)
        with pytest.raises(UsageError, match="used them up"):
            window_attention_triton(*third, 5, carried=carried)


@inside
@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"window": 4}, "odd"),
        ({"border": "zero"}, "clamp"),
        ({"held_as": torch.int8}, "float"),
        ({"phi": torch.zeros(1, 3, 5, 8)}, "one size"),
        ({"g": torch.zeros(1, 2, 5, 9, dtype=torch.float64)}, "dtype"),
        ({"g": torch.zeros(1, 300, 5, 9)}, "256"),
        ({"across": 3}, "tiles"),
        ({"window": 7}, "Carry those"),  # not the window of the carried logits
    ],
)
def test_refuses_what_it_cannot_do(change, word):
    theta, phi, g = (x.detach() for x in drawn((1, 5, 9), (3, 2))[0])
    _, carried = window_attention_triton(theta, phi, g, 5, keep=True)
    with pytest.raises(UsageError, match=word):
        window_attention_triton(**{"theta": theta, "phi": phi, "g": g, "window": 5, "carried": carried} | change)


@inside
def test_says_beforehand_what_is_held():
    theta, phi, g = (x.detach() for x in drawn((2, 9, 20), (3, 2))[0])
    _, carried = window_attention_triton(theta, phi, g, 5, keep=True)
    assert logits_bytes(9, 20, 5, batch=2, across=1) == carried.held.S.nbytes


@inside
def test_the_benchmark_runs(capsys):
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(BENCHMARK), run_name="__main__", init_globals=None)
    assert end.value.code not in (0, None)  # no GPU, and it says so
    runpy.run_path(str(BENCHMARK))["main"](["--smoke"])
    assert "roofline" in capsys.readouterr().out


@pytest.mark.gpu
@pytest.mark.skipif(interpreted() or not available(), reason=why_not() or "runs on a GPU, not in the interpreter")
@pytest.mark.parametrize("border", ["clamp", "mask"])
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float32, 1e-4), (torch.float16, 1e-2), (torch.bfloat16, 6e-2)])
def test_equals_its_definition_on_a_gpu(border, dtype, atol):
    maps = [
        [(x / 4).detach().to(dtype) for x in step] for step in drawn((2, 61, 83), (64, 128), steps=3, device="cuda")
    ]
    options = {"window": 45, "border": border}
    for step in maps:
        for x in step:
            x.requires_grad_()
    wide = [[x.detach().double().requires_grad_() for x in step] for step in maps]
    steps, truth = unrolled(window_attention_triton, maps, **options), unrolled(non_local, wide, **options)
    torch.testing.assert_close([z.double() for z in steps], truth, rtol=0, atol=atol)
    ours, theirs = gradients([z.double() for z in steps], maps), gradients(truth, wide)
    for mine, exact in zip(ours, theirs, strict=True):
        assert (mine.double() - exact).norm() < 10 * atol * exact.norm()
    with torch.no_grad():
        held = unrolled(window_attention_triton, maps, **options)
    torch.testing.assert_close([z.double() for z in held], truth, rtol=0, atol=max(atol, 1e-2))
