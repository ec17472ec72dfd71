"""Triton kernels of windowed attention in two dimensions, forward and backward, with carried logits.

Source: the tiled softmax with running maximum of Dao, "FlashAttention-2", arXiv 2307.08691, algorithms 1 and 2, here
over the tiles that a centred window touches; logits carried from step to step after Liu et al., NeurIPS 2018,
arXiv 1806.02919. Imported only where Triton is; `window_triton` and `window_triton_steps` launch what is here.

Tokens are in tile order: (B, tiles, 8 * 8, channels), tiles in reading order, so that each load is one plain block.
A query block is ACROSS tiles side by side. Logits S are in units of log 2, so that exp2 needs no factor. Held logits
are (B, query blocks, slots, queries, keys): the key tiles that a query block's windows touch, in reading order.
"""

import triton
import triton.language as tl

SIDE = tl.constexpr(8)  # of a tile
TILE = tl.constexpr(64)  # its tokens
LOW = tl.constexpr(-1e30)  # where running maxima start: finite, so that no -inf is taken from -inf
FLOOR = tl.constexpr(-60000.0)  # float16 holds it, and its exp2 is zero


@triton.jit
def keys_seen(i, side, window, CLAMP: tl.constexpr):
    """First key of query i along one axis, and one past the last."""
    if CLAMP:
        q = tl.minimum(window, side)
        first = tl.maximum(tl.minimum(i - window // 2, side - q), 0)
        return first, first + q
    else:
        return tl.maximum(i - window // 2, 0), tl.minimum(i + window // 2 + 1, side)


@triton.jit
def queries_seeing(j, side, window, CLAMP: tl.constexpr):
    """First query that sees key j along one axis, and one past the last."""
    first, end = tl.maximum(j - window // 2, 0), tl.minimum(j + window // 2 + 1, side)
    if CLAMP:  # queries at a border look further in
        first = tl.where(j < window, 0, first)
        end = tl.where(j >= side - window, side, end)
    return first, end


@triton.jit
def tiles_seen(start, count, side, window, CLAMP: tl.constexpr):
    """First key tile of the queries from `start` on, and one past the last, along one axis."""
    first, _ = keys_seen(start, side, window, CLAMP)
    _, end = keys_seen(tl.minimum(start + count, side) - 1, side, window, CLAMP)
    return first // SIDE, (end + SIDE - 1) // SIDE


@triton.jit
def windows(ty, tx, height, width, window, ACROSS: tl.constexpr, CLAMP: tl.constexpr):
    """The window of each query of a block: rows from y0 to y1, columns from x0 to x1. Padding takes the nearest."""
    i = tl.arange(0, TILE * ACROSS)
    y0, y1 = keys_seen(tl.minimum(ty * SIDE + i % TILE // SIDE, height - 1), height, window, CLAMP)
    x0, x1 = keys_seen(tl.minimum((tx + i // TILE) * SIDE + i % SIDE, width - 1), width, window, CLAMP)
    return y0, y1, x0, x1


@triton.jit
def only_inside(S, beyond, ty, tx, y0, y1, x0, x1):
    """S of one key tile, `beyond` where a key is not in the query's window; nothing to do where all see all."""
    top, left = ty * SIDE, tx * SIDE
    rows = (tl.max(y0, 0) <= top) & (top + SIDE <= tl.min(y1, 0))
    if not (rows & (tl.max(x0, 0) <= left) & (left + SIDE <= tl.min(x1, 0))):
        j = tl.arange(0, TILE)
        y, x = (top + j // SIDE)[None, :], (left + j % SIDE)[None, :]
        inside = (y >= y0[:, None]) & (y < y1[:, None]) & (x >= x0[:, None]) & (x < x1[:, None])
        S = tl.where(inside, S, beyond)
    return S


@triton.jit
def block(rows: tl.constexpr, columns: tl.constexpr):
    """Offsets of a contiguous block."""
    return tl.arange(0, rows)[:, None] * columns + tl.arange(0, columns)[None, :]


@triton.jit
def attend(theta, phi, g, held, z, lse, height, width, window, tiles_y, tiles_x, slots, scale,
           L: tl.constexpr, M: tl.constexpr, ACROSS: tl.constexpr, CLAMP: tl.constexpr, READ: tl.constexpr,
           WRITE: tl.constexpr, SHIFT: tl.constexpr, PRECISION: tl.constexpr):  # fmt: skip
    """z = softmax(S) g and log2 of the softmax's sum, for one query block. S = scale theta phi^T, plus `held` (READ).

    WRITE: held becomes S, or, with SHIFT, S minus the largest logit of the query's own block: a constant of each row,
    which no later softmax sees, and near the row's maximum (within 5 units for NLRN's weights on Barbara), so that 16
    bits are enough: 0.0003 of 255 gray levels after 12 steps, as with the maximum itself.
    """
    QUERIES: tl.constexpr = TILE * ACROSS
    number, b = tl.program_id(0), tl.program_id(1).to(tl.int64)
    across = tiles_x // ACROSS
    ty, tx = number // across, number % across * ACROSS
    y0, y1, x0, x1 = windows(ty, tx, height, width, window, ACROSS, CLAMP)
    ky, ky_end = tiles_seen(ty * SIDE, SIDE, height, window, CLAMP)
    kx, kx_end = tiles_seen(tx * SIDE, SIDE * ACROSS, width, window, CLAMP)
    first = b * tiles_y * tiles_x * TILE
    query = first + (ty * tiles_x + tx) * TILE
    slot = held + (b * tiles_y * across + number) * slots * QUERIES * TILE + block(QUERIES, TILE)
    Q = tl.load(theta + query * L + block(QUERIES, L))
    m = tl.full([QUERIES], LOW, tl.float32)
    if SHIFT:
        for a in range(0, tl.minimum(ACROSS, (width + SIDE - 1) // SIDE - tx)):
            own = tx + a
            K = tl.load(phi + (first + (ty * tiles_x + own) * TILE) * L + block(TILE, L))
            S = tl.dot(Q, tl.trans(K), input_precision=PRECISION) * scale
            if READ:
                S += tl.load(slot + ((ty - ky) * (kx_end - kx) + own - kx) * QUERIES * TILE).to(tl.float32)
            m = tl.maximum(m, tl.max(only_inside(S, float("-inf"), ty, own, y0, y1, x0, x1), 1))
    shift = m
    total = tl.zeros([QUERIES], tl.float32)
    out = tl.zeros([QUERIES, M], tl.float32)
    for n in range(0, (ky_end - ky) * (kx_end - kx)):
        y, x = ky + n // (kx_end - kx), kx + n % (kx_end - kx)
        key = first + (y * tiles_x + x) * TILE
        K = tl.load(phi + key * L + block(TILE, L))
        S = tl.dot(Q, tl.trans(K), input_precision=PRECISION) * scale
        if READ:
            S += tl.load(slot + n * QUERIES * TILE).to(tl.float32)
        if WRITE:
            stored = tl.maximum(S - shift[:, None], FLOOR) if SHIFT else S
            tl.store(slot + n * QUERIES * TILE, stored.to(held.dtype.element_ty))
        S = only_inside(S, float("-inf"), y, x, y0, y1, x0, x1)
        higher = tl.maximum(m, tl.max(S, 1))
        P = tl.exp2(S - higher[:, None])
        fade = tl.exp2(m - higher)
        V = tl.load(g + key * M + block(TILE, M))
        out = tl.dot(P.to(V.dtype), V, out * fade[:, None], input_precision=PRECISION)
        total = total * fade + tl.sum(P, 1)
        m = higher
    tl.store(z + query * M + block(QUERIES, M), (out / total[:, None]).to(z.dtype.element_ty))
    tl.store(lse + query + tl.arange(0, QUERIES), m + tl.log2(total))


@triton.jit
def back_to_queries(theta, phi, g, dz, lse, delta, held, G, dtheta, height, width, window, tiles_y, tiles_x, slots,
                    scale, natural, L: tl.constexpr, M: tl.constexpr, ACROSS: tl.constexpr, CLAMP: tl.constexpr,
                    HELD: tl.constexpr, LATER: tl.constexpr, PRECISION: tl.constexpr):  # fmt: skip
    """dtheta = natural G phi of one query block, with dS = P (dz g^T - delta) and G = dS.

    HELD: S is read from `held` instead of computed, and G, which is dS plus that of all LATER steps, is stored.
    """
    QUERIES: tl.constexpr = TILE * ACROSS
    number, b = tl.program_id(0), tl.program_id(1).to(tl.int64)
    across = tiles_x // ACROSS
    ty, tx = number // across, number % across * ACROSS
    y0, y1, x0, x1 = windows(ty, tx, height, width, window, ACROSS, CLAMP)
    ky, ky_end = tiles_seen(ty * SIDE, SIDE, height, window, CLAMP)
    kx, kx_end = tiles_seen(tx * SIDE, SIDE * ACROSS, width, window, CLAMP)
    first = b * tiles_y * tiles_x * TILE
    query = first + (ty * tiles_x + tx) * TILE
    slot = (b * tiles_y * across + number) * slots * QUERIES * TILE + block(QUERIES, TILE)
    Q = tl.load(theta + query * L + block(QUERIES, L))
    dZ = tl.load(dz + query * M + block(QUERIES, M))
    row_lse = tl.load(lse + query + tl.arange(0, QUERIES))[:, None]
    row_delta = tl.load(delta + query + tl.arange(0, QUERIES))[:, None]
    out = tl.zeros([QUERIES, L], tl.float32)
    for n in range(0, (ky_end - ky) * (kx_end - kx)):
        y, x = ky + n // (kx_end - kx), kx + n % (kx_end - kx)
        key = first + (y * tiles_x + x) * TILE
        K = tl.load(phi + key * L + block(TILE, L))
        V = tl.load(g + key * M + block(TILE, M))
        if HELD:
            S = tl.load(held + slot + n * QUERIES * TILE)
        else:
            S = tl.dot(Q, tl.trans(K), input_precision=PRECISION) * scale
        P = tl.exp2(only_inside(S, float("-inf"), y, x, y0, y1, x0, x1) - row_lse)
        dS = P * (tl.dot(dZ, tl.trans(V), input_precision=PRECISION) - row_delta)
        if HELD:
            if LATER:
                dS += tl.load(G + slot + n * QUERIES * TILE)
            tl.store(G + slot + n * QUERIES * TILE, dS)
        out = tl.dot(dS.to(K.dtype), K, out, input_precision=PRECISION)
    tl.store(dtheta + query * L + block(QUERIES, L), (out * natural).to(dtheta.dtype.element_ty))


@triton.jit
def back_to_keys(theta, phi, g, dz, lse, delta, held, G, dphi, dg, height, width, window, tiles_y, tiles_x, slots,
                 scale, natural, L: tl.constexpr, M: tl.constexpr, ACROSS: tl.constexpr, CLAMP: tl.constexpr,
                 HELD: tl.constexpr, PRECISION: tl.constexpr):  # fmt: skip
    """dphi = natural G^T theta and dg = P^T dz of one key tile.

    HELD: S and G are read, and `held` goes back to the step before: S minus scale theta phi^T.
    """
    QUERIES: tl.constexpr = TILE * ACROSS
    number, b = tl.program_id(0), tl.program_id(1).to(tl.int64)
    across = tiles_x // ACROSS
    y, x = number // tiles_x, number % tiles_x
    by, _ = queries_seeing(y * SIDE, height, window, CLAMP)
    _, by_end = queries_seeing(tl.minimum(y * SIDE + SIDE, height) - 1, height, window, CLAMP)
    bx, _ = queries_seeing(x * SIDE, width, window, CLAMP)
    _, bx_end = queries_seeing(tl.minimum(x * SIDE + SIDE, width) - 1, width, window, CLAMP)
    by, by_end = by // SIDE, (by_end + SIDE - 1) // SIDE
    bx, bx_end = bx // (SIDE * ACROSS), (bx_end + SIDE * ACROSS - 1) // (SIDE * ACROSS)
    blocks = tl.where(x * SIDE < width, (by_end - by) * (bx_end - bx), 0)  # a tile of padding is seen by none
    first = b * tiles_y * tiles_x * TILE
    key = first + number * TILE
    K = tl.load(phi + key * L + block(TILE, L))
    V = tl.load(g + key * M + block(TILE, M))
    to_phi = tl.zeros([TILE, L], tl.float32)
    to_g = tl.zeros([TILE, M], tl.float32)
    for n in range(0, blocks):
        ty, column = by + n // (bx_end - bx), bx + n % (bx_end - bx)
        tx = column * ACROSS
        query = first + (ty * tiles_x + tx) * TILE
        y0, y1, x0, x1 = windows(ty, tx, height, width, window, ACROSS, CLAMP)
        Q = tl.load(theta + query * L + block(QUERIES, L))
        dZ = tl.load(dz + query * M + block(QUERIES, M))
        product = tl.dot(Q, tl.trans(K), input_precision=PRECISION) * scale
        ky, _ = tiles_seen(ty * SIDE, SIDE, height, window, CLAMP)
        kx, kx_end = tiles_seen(tx * SIDE, SIDE * ACROSS, width, window, CLAMP)
        place = (b * tiles_y * across + ty * across + column) * slots + (y - ky) * (kx_end - kx) + x - kx
        slot = place * QUERIES * TILE + block(QUERIES, TILE)
        if HELD:
            S = tl.load(held + slot)
            tl.store(held + slot, S - product)
        else:
            S = product
        row_lse = tl.load(lse + query + tl.arange(0, QUERIES))[:, None]
        P = tl.exp2(only_inside(S, float("-inf"), y, x, y0, y1, x0, x1) - row_lse)
        to_g = tl.dot(tl.trans(P.to(dZ.dtype)), dZ, to_g, input_precision=PRECISION)
        if HELD:
            dS = tl.load(G + slot)
        else:
            row_delta = tl.load(delta + query + tl.arange(0, QUERIES))[:, None]
            dS = P * (tl.dot(dZ, tl.trans(V), input_precision=PRECISION) - row_delta)
        to_phi = tl.dot(tl.trans(dS.to(Q.dtype)), Q, to_phi, input_precision=PRECISION)
    tl.store(dphi + key * L + block(TILE, L), (to_phi * natural).to(dphi.dtype.element_ty))
    tl.store(dg + key * M + block(TILE, M), to_g.to(dg.dtype.element_ty))
