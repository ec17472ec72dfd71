// Window attention with carried logits, as one pass over a band of keys. Called by window_native.py, which lays out:
//
//   Q [y][x][l]   queries, scaled            K [y][l][x]   keys, rows padded by at least 3 vectors on the right
//   V [y][x][m]   values, m whole vectors    Z [y][x][m]   result
//   S [y][x][dy][lane]  logits held: what each query has for the q x q keys of its window, minus the row maximum
//
// With `pairs`, what is multiplied is bfloat16, two neighbours in the place of one float (AVX-512 BF16 sums both products
// in float32): channels of Q and K in pairs, and keys of V, once paired from key 0 on and once from key 1, as windows
// begin anywhere: V [begin 0 or 1][y][pair of x][m].
//
// Queries are blocked down the picture: ROWS queries of one x share the key columns of each key row, so that lanes run
// along key columns and ROWS x 3 sums stay in registers. Every sum runs in the same order, key after key, wherever a
// query lies in its block and on whichever thread: tiles and threads change nothing.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#if defined(__AVX512F__) || defined(__F16C__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int LANES = 16, ROWS = 8;  // 32 registers of 16
#elif defined(__AVX2__)
constexpr int LANES = 8, ROWS = 4;  // 16 registers of 8
#else
constexpr int LANES = 4, ROWS = 8;  // NEON: 32 registers of 4
#endif
constexpr int WIDE = 3;             // vectors side by side in one kernel call
constexpr long SCRATCH = 320 << 10;  // bytes for the logits of a group of x; with the keys they touch, a second-level cache

typedef float F __attribute__((vector_size(LANES * 4)));
typedef int32_t I __attribute__((vector_size(LANES * 4)));
typedef float Loose __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

static inline F load(const float* p) { return *(const Loose*)p; }
static inline void store(float* p, F v) { *(Loose*)p = v; }
static inline F all(float s) { return s - F{}; }
static inline F larger(F a, F b) { return a > b ? a : b; }

static inline F load(const uint16_t* p) {
#if defined(__AVX512F__)
    return (F)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
#elif defined(__AVX2__) && defined(__F16C__)
    return (F)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p));
#elif defined(__aarch64__)
    F v;
    for (int i = 0; i < LANES; i++) v[i] = (float)((const __fp16*)p)[i];
    return v;
#else
    return F{};
#endif
}

static inline void store(uint16_t* p, F v) {
#if defined(__AVX512F__)
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(__AVX2__) && defined(__F16C__)
    _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(__aarch64__)
    for (int i = 0; i < LANES; i++) ((__fp16*)p)[i] = (__fp16)v[i];
#endif
}

// e^x for x <= 0, relative error below 2e-7; what is under e^-87 counts as that, 1e-38
static inline F exponential(F x) {
    x = larger(x, all(-87.0f));
    F shifted = x * 1.44269504f + 12582912.0f;  // rounds x / ln 2 to an integer, in the low bits
    F n = shifted - 12582912.0f;
    F r = x - n * 0.693359375f - n * -2.12194440e-4f;
    F p = r * 1.9875691500e-4f + 1.3981999507e-3f;  // Cephes, expf
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * (F)(((I)shifted << 23) + 0x3F800000);
}

struct Axis {  // the window of position i: `count(i)` keys from `start(i)` on
    int side, q, r;
    bool clamp;
    int start(int i) const { return clamp ? std::min(std::max(i - r, 0), std::max(side - q, 0)) : std::max(i - r, 0); }
    int end(int i) const { return clamp ? std::min(start(i) + q, side) : std::min(i + r + 1, side); }
};

// out[r][vector] += sum over c of q[c][r] k[c][vector]
template <int N, int WIDTH>
static void products(const float* q, const float* k, long k_stride, int l, float* out, long out_stride) {
    F sum[N][WIDTH] = {};
    for (int c = 0; c < l; c++, q += ROWS, k += k_stride) {
        F key[WIDTH];
        for (int v = 0; v < WIDTH; v++) key[v] = load(k + v * LANES);
        for (int r = 0; r < N; r++)
            for (int v = 0; v < WIDTH; v++) sum[r][v] += key[v] * q[r];
    }
    for (int r = 0; r < N; r++)
        for (int v = 0; v < WIDTH; v++) store(out + r * out_stride + v * LANES, sum[r][v]);
}

// z[r][vector] += sum over j of p[r][j] value[j][vector]
template <int N, int WIDTH>
static void weighted(const float* p, long p_stride, int keys, const float* value, long m, float* z, long z_stride) {
    F sum[N][WIDTH];
    for (int r = 0; r < N; r++)
        for (int v = 0; v < WIDTH; v++) sum[r][v] = load(z + r * z_stride + v * LANES);
    for (int j = 0; j < keys; j++, value += m) {
        F g[WIDTH];
        for (int v = 0; v < WIDTH; v++) g[v] = load(value + v * LANES);
        for (int r = 0; r < N; r++)
            for (int v = 0; v < WIDTH; v++) sum[r][v] += g[v] * p[r * p_stride + j];
    }
    for (int r = 0; r < N; r++)
        for (int v = 0; v < WIDTH; v++) store(z + r * z_stride + v * LANES, sum[r][v]);
}

#if defined(__AVX512BF16__)
constexpr bool PAIRS = true;

static inline F both(F sum, F a, const float* b) {
    return (F)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)_mm512_set1_ps(*b));
}

// the same as above, pair by pair
template <int N, int WIDTH>
static void products_of_pairs(const float* q, const float* k, long k_stride, int l, float* out, long out_stride) {
    F sum[N][WIDTH] = {};
    for (int c = 0; c < l; c++, q += ROWS, k += k_stride) {
        F key[WIDTH];
        for (int v = 0; v < WIDTH; v++) key[v] = load(k + v * LANES);
        for (int r = 0; r < N; r++)
            for (int v = 0; v < WIDTH; v++) sum[r][v] = both(sum[r][v], key[v], q + r);
    }
    for (int r = 0; r < N; r++)
        for (int v = 0; v < WIDTH; v++) store(out + r * out_stride + v * LANES, sum[r][v]);
}

template <int N, int WIDTH>
static void weighted_pairs(const float* p, long p_stride, int keys, const float* value, long m, float* z, long z_stride) {
    F sum[N][WIDTH];
    for (int r = 0; r < N; r++)
        for (int v = 0; v < WIDTH; v++) sum[r][v] = load(z + r * z_stride + v * LANES);
    for (int j = 0; j < keys; j++, value += m) {
        F g[WIDTH];
        for (int v = 0; v < WIDTH; v++) g[v] = load(value + v * LANES);
        for (int r = 0; r < N; r++)
            for (int v = 0; v < WIDTH; v++) sum[r][v] = both(sum[r][v], g[v], p + r * p_stride + j);
    }
    for (int r = 0; r < N; r++)
        for (int v = 0; v < WIDTH; v++) store(z + r * z_stride + v * LANES, sum[r][v]);
}

static inline void store_rounded(float* p, F v) {
    __m256bh rounded = _mm512_cvtneps_pbh((__m512)v);
    std::memcpy(p, &rounded, sizeof rounded);
}
#else
constexpr bool PAIRS = false;

template <int N, int WIDTH>
constexpr auto products_of_pairs = products<N, WIDTH>;
template <int N, int WIDTH>
constexpr auto weighted_pairs = weighted<N, WIDTH>;
static inline void store_rounded(float*, F) {}
#endif

typedef void (*Products)(const float*, const float*, long, int, float*, long);
typedef void (*Weighted)(const float*, long, int, const float*, long, float*, long);
struct Kernels {  // by query rows and vectors
    Products products_of[ROWS + 1][WIDE + 1];
    Weighted weighted_of[ROWS + 1][WIDE + 1];

    explicit Kernels(bool pairs) { pairs ? fill<ROWS, WIDE, true>() : fill<ROWS, WIDE, false>(); }

    template <int N, int WIDTH, bool PAIRED>
    void fill() {
        products_of[N][WIDTH] = PAIRED ? products_of_pairs<N, WIDTH> : products<N, WIDTH>;
        weighted_of[N][WIDTH] = PAIRED ? weighted_pairs<N, WIDTH> : weighted<N, WIDTH>;
        if constexpr (WIDTH > 1)
            fill<N, WIDTH - 1, PAIRED>();
        else if constexpr (N > 1)
            fill<N - 1, WIDE, PAIRED>();
    }
};

template <typename Held>
struct Work {
    const float *Q, *K, *V;
    float* Z;
    Held* S;
    bool carried, keep, pairs;
    int l, m;
    long k_stride;
    Axis Y, X;
    Kernels kernel{pairs};

    int vectors() const { return (X.q + LANES - 1) / LANES; }
    long stride() const { return vectors() * LANES; }
    long tall() const { return Y.q + ROWS - 1; }
    int group() const { return (int)std::min(16L, std::max(1L, SCRATCH / (tall() * ROWS * stride() * 4))); }

    const float* values(int y, int x) const {
        long row = pairs ? X.side / 2 + 1 : X.side, half = pairs ? x / 2 : x;
        return V + (((pairs ? x % 2 : 0) * (long)Y.side + y) * row + half) * m;
    }

    void rows(int y0, float* scratch, float* q) const {
        int n = std::min(ROWS, Y.side - y0), first = Y.start(y0), last = Y.end(y0 + n - 1);
        int begin[ROWS], end[ROWS];
        for (int r = 0; r < n; r++) begin[r] = Y.start(y0 + r), end[r] = Y.end(y0 + r);
        for (int x0 = 0; x0 < X.side; x0 += group()) {
            int x1 = std::min(X.side, x0 + group());
            for (int x = x0; x < x1; x++)  // the queries of one x beside each other
                for (int c = 0; c < l; c++)
                    for (int r = 0; r < n; r++) q[((x - x0) * l + c) * ROWS + r] = Q[((long)(y0 + r) * X.side + x) * l + c];
            auto active = [&](int ky, int& a, int& b) {  // the query rows whose windows have this key row
                for (a = 0; end[a] <= ky; a++) {}
                for (b = n; begin[b - 1] > ky; b--) {}
            };
            int a, b;
            for (int ky = first; ky < last; ky++) {
                active(ky, a, b);
                for (int x = x0; x < x1; x++) {
                    float* out = scratch + (((x - x0) * tall() + ky - first) * ROWS + a) * stride();
                    const float* k = K + (long)ky * l * k_stride + X.start(x);
                    for (int v = 0; v < vectors(); v += WIDE)
                        kernel.products_of[b - a][std::min(WIDE, vectors() - v)](
                            q + (x - x0) * l * ROWS + a, k + v * LANES, k_stride, l, out + v * LANES, stride());
                }
            }
            float total[16][ROWS];
            for (int x = x0; x < x1; x++)
                for (int r = 0; r < n; r++)
                    total[x - x0][r] = softmax(
                        scratch + (((x - x0) * tall() + begin[r] - first) * ROWS + r) * stride(), end[r] - begin[r],
                        X.end(x) - X.start(x), S ? S + ((long)(y0 + r) * X.side + x) * Y.q * stride() : nullptr);
            float* z = Z + ((long)y0 * X.side + x0) * m;
            long z_stride = (long)X.side * m;
            for (int r = 0; r < n; r++) std::memset(z + r * z_stride, 0, sizeof(float) * (x1 - x0) * m);
            for (int ky = first; ky < last; ky++) {
                active(ky, a, b);
                for (int c = 0; c < m; c += WIDE * LANES)
                    for (int x = x0; x < x1; x++)
                        kernel.weighted_of[b - a][std::min(WIDE, (m - c) / LANES)](
                            scratch + (((x - x0) * tall() + ky - first) * ROWS + a) * stride(), stride(),
                            pairs ? (X.end(x) - X.start(x) + 1) / 2 : X.end(x) - X.start(x),
                            values(ky, X.start(x)) + c, m, z + a * z_stride + (x - x0) * m + c, z_stride);
            }
            for (int r = 0; r < n; r++)
                for (int x = x0; x < x1; x++)
                    for (int c = 0; c < m; c += LANES) {
                        float* at = z + r * z_stride + (x - x0) * m + c;
                        store(at, load(at) / total[x - x0][r]);
                    }
        }
    }

    // logits of one query, ROWS * stride apart from key row to key row, become exp(S - max S); their sum
    float softmax(float* s, int key_rows, int keys, Held* held) const {
        long next = ROWS * stride();
        F top = all(-INFINITY), sum = {}, last = {};
        for (int v = 0; v < vectors(); v++) {
            F outside;  // lanes beyond the window
            for (int i = 0; i < LANES; i++) outside[i] = v * LANES + i < keys ? 0.0f : -INFINITY;
            for (int i = 0; i < LANES; i++) last[i] = v * LANES + i < keys ? 1.0f : 0.0f;
            for (int d = 0; d < key_rows; d++) {
                F here = load(s + d * next + v * LANES) + outside;
                if (carried) here += load(held + d * stride() + v * LANES);
                store(s + d * next + v * LANES, here);
                top = larger(top, here);
            }
        }
        float most = top[0];
        for (int i = 1; i < LANES; i++) most = std::max(most, top[i]);
        for (int d = 0; d < key_rows; d++)
            for (int v = 0; v < vectors(); v++) {
                F here = load(s + d * next + v * LANES) - most;
                if (keep) store(held + d * stride() + v * LANES, here);
                here = exponential(here);
                if (v == vectors() - 1) here *= last;
                sum += here;
                if (pairs)  // over what was read before
                    store_rounded(s + d * next + v * LANES / 2, here);
                else
                    store(s + d * next + v * LANES, here);
            }
        float whole = 0;
        for (int i = 0; i < LANES; i++) whole += sum[i];
        return whole;
    }

    void run(int threads) {
        int blocks = (Y.side + ROWS - 1) / ROWS;
        std::atomic<int> next{0};
        auto work = [&] {
            std::vector<float> scratch(group() * tall() * ROWS * stride()), q(group() * (long)l * ROWS);
            for (int block; (block = next++) < blocks;) rows(block * ROWS, scratch.data(), q.data());
        };
        std::vector<std::thread> others;
        for (int i = 1; i < std::min(threads, blocks); i++) others.emplace_back(work);
        work();
        for (auto& other : others) other.join();
    }
};

extern "C" {
int nonloc_lanes() { return LANES; }

int nonloc_pairs() { return PAIRS; }

int nonloc_holds_half() {
#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__F16C__)) || defined(__aarch64__)
    return 1;
#else
    return 0;
#endif
}

void nonloc_window_attention(const float* Q, const float* K, const float* V, float* Z, void* S, int carried, int keep,
                             int half, int pairs, int height, int width, int l, int m, int k_stride, int window, int clamp,
                             int threads) {
    int r = window / 2;
    Axis Y{height, clamp ? std::min(window, height) : 2 * std::min(r, height - 1) + 1, r, clamp != 0};
    Axis X{width, clamp ? std::min(window, width) : 2 * std::min(r, width - 1) + 1, r, clamp != 0};
    if (half)
        Work<uint16_t>{Q, K, V, Z, (uint16_t*)S, carried != 0, keep != 0, pairs != 0, l, m, k_stride, Y, X}.run(threads);
    else
        Work<float>{Q, K, V, Z, (float*)S, carried != 0, keep != 0, pairs != 0, l, m, k_stride, Y, X}.run(threads);
}
}
