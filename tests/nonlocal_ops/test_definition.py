"""The non-local operation: small cases by hand, a loop over pairs, and what its variants promise."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from nonloc.errors import UsageError
from nonloc.nonlocal_ops.definition import AFFINITIES, BORDERS, EXPONENTIAL, ONE_EMBEDDING, non_local

W = (torch.tensor([0.7, -0.4], dtype=torch.float64), torch.tensor([0.2, 0.9], dtype=torch.float64))


def maps(*sides, l=2, m=3, batch=1, seed=0):  # noqa: E741  the paper's letter
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, c, *sides, generator=rng, dtype=torch.float64) for c in (l, l, m)]


def operate(theta, phi, g, affinity="embedded", **options):
    phi = None if affinity in ONE_EMBEDDING else phi
    return non_local(theta, phi, g, affinity=affinity, concat=W if affinity == "concat" else None, **options)


def line(*numbers):
    return torch.tensor(numbers, dtype=torch.float64).reshape(1, 1, -1)


def test_two_positions_by_hand():
    """theta = (0, 1), phi = (0, ln 3): the first query sees both keys alike, the second weighs them 1 to 3."""
    z, S = non_local(line(0, 1), line(0, math.log(3)), line(4, 8))
    torch.testing.assert_close(z, line(6, 7))
    torch.testing.assert_close(S, torch.tensor([[[0, 0], [0, math.log(3)]]], dtype=torch.float64))
    z, _ = non_local(line(0, 1), line(2, 3), line(4, 8), affinity="dot")
    torch.testing.assert_close(z, line(0, (2 * 4 + 3 * 8) / 2))
    w = (torch.ones(1, dtype=torch.float64), -torch.ones(1, dtype=torch.float64))
    z, _ = non_local(line(5, 1), line(2, 3), line(4, 8), affinity="concat", concat=w)
    torch.testing.assert_close(z, line((3 * 4 + 2 * 8) / 2, 0))


def loop(theta, phi, g, affinity, window, border, scale):
    """The same, pair by pair, in plain Python, for one picture without a batch: phi, g by position."""
    sides = theta.shape[2:]
    at = {i: (theta[(0, slice(None), *i)], phi[(0, slice(None), *i)], g[(0, slice(None), *i)]) for i in grid(sides)}
    nothing = (None, torch.zeros_like(at[(0,) * len(sides)][1]), torch.zeros_like(at[(0,) * len(sides)][2]))
    z = torch.empty_like(g)
    for i in grid(sides):
        spans = []
        for x, side, q in zip(i, sides, window, strict=True):
            first = x - q // 2
            if border == "clamp":
                first = min(max(first, 0), max(side - q, 0))
            spans.append([j for j in range(first, first + q) if border == "zero" or 0 <= j < side])
        total, mass, keys = 0, 0, 0
        for j in product(*spans):
            _, b, value = at.get(j, nothing)
            a = at[i][0]
            if affinity == "euclidean":
                f = math.exp(scale * -float((a - b).square().sum()) / 2)
            elif affinity == "concat":
                f = scale * max(0.0, float(W[0] @ a + W[1] @ b))
            else:
                f = scale * float(a @ b)
                f = f if affinity == "dot" else math.exp(f)
            total, mass, keys = total + f * value, mass + f, keys + 1
        z[(0, slice(None), *i)] = total / (mass if affinity in EXPONENTIAL else keys)
    return z


def grid(sides):
    return product(*(range(side) for side in sides))


@given(
    sides=st.lists(st.integers(1, 5), min_size=1, max_size=3).filter(lambda s: math.prod(s) <= 30),
    odd=st.lists(st.sampled_from([1, 3, 5, 7]), min_size=3, max_size=3),
    affinity=st.sampled_from(AFFINITIES),
    border=st.sampled_from(BORDERS),
    scale=st.sampled_from([1.0, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_a_loop_over_pairs(sides, odd, affinity, border, scale, seed):
    theta, phi, g = maps(*sides, seed=seed)
    window = odd[: len(sides)]
    z, _ = operate(theta, phi, g, affinity, window=window, border=border, scale=scale)
    phi = theta if affinity in ONE_EMBEDDING else phi
    torch.testing.assert_close(z, loop(theta, phi, g, affinity, window, border, scale))


@given(
    sides=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    window=st.sampled_from([None, 3, 5]),
    border=st.sampled_from(BORDERS),
    affinity=st.sampled_from(AFFINITIES),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
    keys=st.sampled_from([{}, {"key_stride": 2}, {"key_pool": 2}]),
)
def test_keeps_shape_and_dtype(sides, window, border, affinity, dtype, keys):
    theta, phi, g = (t.to(dtype) for t in maps(*sides, batch=2))
    concat = tuple(w.to(dtype) for w in W) if affinity == "concat" else None
    phi = None if affinity in ONE_EMBEDDING else phi
    z, S = non_local(theta, phi, g, affinity=affinity, concat=concat, window=window, border=border, **keys)
    assert z.shape == g.shape
    assert z.dtype == S.dtype == dtype
    assert z.isfinite().all()


def test_printed_equation_1_gives_every_position_the_same():
    """f(x_j, x_j) does not depend on i: one vector for the whole picture. The right f(x_i, x_j) gives each its own."""
    x, _, g = maps(4, 5)
    energy = x.flatten(2).square().sum(1).softmax(-1)
    printed = torch.einsum("bj,bmj->bm", energy, g.flatten(2))[..., None].expand(-1, -1, 20)
    assert (printed == printed[..., :1]).all()
    right, _ = non_local(x, None, g, affinity="gaussian")
    assert right.flatten(2).std(-1).min() > 0.1


def test_printed_equation_2_is_a_1x1_convolution():
    """X_i W_g leaves the sum over j, and the exponentials cancel against delta_i. The right X_j W_g stays."""
    X, _, _ = maps(4, 5, l=4)
    rng = torch.Generator().manual_seed(1)
    W_theta, W_psi, W_g = (torch.randn(4, n, dtype=torch.float64, generator=rng) for n in (2, 2, 5))
    rows = X.flatten(2).mT[0]  # (positions, channels), as the paper has X
    f = (rows @ W_theta @ W_psi.T @ rows.T).exp()
    delta = f.sum(1)
    printed = torch.stack([sum(f[i, j] * rows[i] @ W_g for j in range(20)) / delta[i] for i in range(20)])
    right = torch.stack([sum(f[i, j] * rows[j] @ W_g for j in range(20)) / delta[i] for i in range(20)])
    theta, phi, g = (conv2d(X, w.T[..., None, None]) for w in (W_theta, W_psi, W_g))
    torch.testing.assert_close(printed, g.flatten(2).mT[0])
    torch.testing.assert_close(right, non_local(theta, phi, g)[0].flatten(2).mT[0])
    assert (printed - right).abs().mean() > 0.1


def test_euclidean_is_the_dot_product_with_a_bias_on_each_key():
    theta, phi, g = maps(6, 7)
    ones = torch.ones_like(theta[:, :1])
    bias = -phi.square().sum(1, keepdim=True) / 2
    biased, _ = non_local(torch.cat([theta, ones], 1), torch.cat([phi, bias], 1), g, window=5)
    euclidean, _ = non_local(theta, phi, g, window=5, affinity="euclidean")
    torch.testing.assert_close(euclidean, biased)
    assert (euclidean - non_local(theta, phi, g, window=5)[0]).abs().max() > 0.1


def test_one_embedding_is_the_embedded_gaussian_with_phi_equal_to_theta():
    theta, phi, g = maps(5, 5)
    expected, _ = non_local(theta, theta.clone(), g)
    for affinity in ONE_EMBEDDING:
        torch.testing.assert_close(non_local(theta, None, g, affinity=affinity)[0], expected)
        with pytest.raises(UsageError, match="phi is not theta"):
            non_local(theta, phi, g, affinity=affinity)


def test_a_clamped_window_as_large_as_the_picture_sees_all_of_it():
    theta, phi, g = maps(7, 7)
    everything, _ = non_local(theta, phi, g)
    torch.testing.assert_close(non_local(theta, phi, g, window=7)[0], everything)
    assert (non_local(theta, phi, g, window=7, border="mask")[0] - everything).abs().max() > 1e-3


def test_carried_logits_are_concatenated_embeddings():
    """S_t = [theta_1 ... theta_t] [phi_1 ... phi_t]^T: the sum of all products so far, before the softmax."""
    steps, S = [maps(5, 6, seed=t) for t in range(3)], None
    for t, (theta, phi, g) in enumerate(steps, start=1):
        z, S = non_local(theta, phi, g, window=3, carried=S)
        thetas, phis = (torch.cat([step[n] for step in steps[:t]], 1) for n in (0, 1))
        expected, S_t = non_local(thetas, phis, g, window=3)
        torch.testing.assert_close(z, expected)
        torch.testing.assert_close(S, S_t)


def neighbours(border, position):
    """How many keys a position of a 9 x 9 picture has in a window of 5: N = 1 / weight, since all f are 1."""
    theta = torch.ones(1, 1, 9, 9, dtype=torch.float64)
    lone = torch.zeros_like(theta)
    lone[(0, 0, *position)] = 1
    z, _ = non_local(theta, theta, lone, affinity="dot", window=5, border=border)
    return round(1 / float(z[(0, 0, *position)]))


def test_the_border_rule_says_how_many_keys_a_corner_has():
    assert [neighbours(border, (0, 0)) for border in BORDERS] == [25, 9, 25]
    assert [neighbours(border, (0, 4)) for border in BORDERS] == [25, 15, 25]
    assert [neighbours(border, (4, 4)) for border in BORDERS] == [25, 25, 25]


def test_zero_keys_take_weight_near_borders():
    """Equal logits and values of one: the corner of a 3 x 3 window keeps 4 keys of 9."""
    theta, g = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    z, _ = non_local(theta, theta, g, window=3, border="zero")
    assert float(z[0, 0, 0, 0]) == pytest.approx(4 / 9)
    assert float(z[0, 0, 1, 1]) == pytest.approx(1)


@pytest.mark.parametrize("border", BORDERS)
def test_content_that_moves_takes_its_result_along(border):
    """Away from the border, where the window does not move against the pixel."""
    theta, phi, g = maps(11, 12)
    moved = [t.roll((1, 2), (2, 3)) for t in (theta, phi, g)]
    z, _ = non_local(theta, phi, g, window=3, border=border)
    shifted, _ = non_local(*moved, window=3, border=border)
    torch.testing.assert_close(shifted[..., 2:-1, 3:-1], z[..., 1:-2, 1:-3])


def test_strided_keys_are_every_second_position():
    theta, phi, g = maps(5, 6)
    z, S = non_local(theta, phi, g, key_stride=2)
    every = [t[..., ::2, ::2].flatten(2) for t in (phi, g)]
    P = (theta.flatten(2).mT @ every[0]).softmax(-1)
    assert S.shape == (1, 30, 9)
    torch.testing.assert_close(z.flatten(2), every[1] @ P.mT)


def test_pooled_keys_are_the_maxima_of_cells_and_the_last_cell_may_be_cut():
    z, S = non_local(line(0, 0, 0), line(1, 2, 3), line(1, 4, 2), key_pool=2)
    torch.testing.assert_close(S, torch.zeros(1, 3, 2, dtype=torch.float64))
    torch.testing.assert_close(z, line(3, 3, 3))


@pytest.mark.parametrize("keys", [{"key_stride": 2}, {"key_pool": 2}])
def test_a_window_has_the_keys_whose_position_lies_in_it(keys):
    """Keys at 0, 2, 4, 6 of seven positions, a window of 3, moved inside at both ends."""
    theta, values = line(*[0] * 7), line(1, 1, 10, 10, 100, 100, 1000)
    z, _ = non_local(theta, theta, values, window=3, **keys)
    torch.testing.assert_close(z, line(5.5, 5.5, 10, 55, 100, 550, 550))


def test_a_window_without_keys_is_refused():
    theta, phi, g = maps(8)
    with pytest.raises(UsageError, match="at least 5, so that each window has a key"):
        non_local(theta, phi, g, window=3, key_stride=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 4},
        {"window": (3, 3, 3)},
        {"window": 0},
        {"border": "reflect"},
        {"affinity": "cosine"},
        {"normaliser": "max"},
        {"affinity": "concat"},
        {"concat": W},
        {"key_stride": 0},
        {"phi": torch.zeros(1, 2, 4, 4)},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong):
    theta, phi, g = maps(4, 5)
    with pytest.raises(UsageError):
        non_local(**{"theta": theta, "phi": phi, "g": g, **wrong})


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("affinity", AFFINITIES)
def test_gradients_are_right(affinity, border):
    theta, phi, g = (t.requires_grad_() for t in maps(3, 4))
    carried = operate(*maps(3, 4, seed=1), affinity, window=3, border=border)[1].detach().requires_grad_()

    def z(*maps_and_logits):
        return operate(*maps_and_logits[:3], affinity, window=3, border=border, carried=maps_and_logits[3])[0]

    assert torch.autograd.gradcheck(z, (theta, phi, g, carried))
