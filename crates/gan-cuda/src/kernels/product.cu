// Convolutions, transposed convolutions and linear maps with their gradients. A window joins a large image
// [rows, LARGE_H, LARGE_W, LARGE_C] and a small one [rows, SMALL_H, SMALL_W, SMALL_C] by a weight
// [SMALL_C, KERNEL_H, KERNEL_W, LARGE_C / GROUPS]; a linear map's images have one pixel.
//
// SHRINK: small ← weight · large. ENLARGE: large ← weightᵀ · small. WEIGHT: weight ← small ⊗ large, summed over
// pixels and examples.
//
// A block computes a tile [TILE_M, TILE_N] of the result as a sum over k, whose parts of TILE_K terms wait in
// shared memory, STAGES of them at a time. With PRECISION 0 each product of f32 numbers is three of their halves
// (Markidis et al., 2018, arXiv 1803.04014), which are summed outside of the tensor cores (Ootomo & Yokota, 2022, arXiv
// 2203.03341): together as accurate as f32 products. With 1 the factors are rounded to TF32, with 2 to bfloat16.

#define SHRINK 0
#define ENLARGE 1
#define WEIGHT 2

#define TAPS (KERNEL_H * KERNEL_W)
#define SMALL_G (SMALL_C / GROUPS)
#define LARGE_G (LARGE_C / GROUPS)
#define SMALL_PIXELS (SMALL_H * SMALL_W)
#define WIDTH_OF(length) ((length) % 4 == 0 ? 4 : 1)

// Whether k is the index that lies together in memory.
#define A_BY_K (MODE != WEIGHT)
#define B_BY_K (MODE == SHRINK)
#define A_ROW (A_BY_K ? TILE_K + 4 : TILE_M + 8)
#define B_ROW (B_BY_K ? TILE_K + 4 : TILE_N + 8)
#define A_SIZE (A_BY_K ? TILE_M * A_ROW : TILE_K * A_ROW)
#define B_SIZE (B_BY_K ? TILE_N * B_ROW : TILE_K * B_ROW)
#define M_TILES (TILE_M / WARPS_M / 16)
#define N_TILES (TILE_N / WARPS_N / 8)

#if MODE == SHRINK
#define COLUMNS SMALL_G
#define A_WIDTH WIDTH_OF(LARGE_G)
#define B_WIDTH WIDTH_OF(TAPS * LARGE_G)
#elif MODE == ENLARGE
#define COLUMNS LARGE_G
#define A_WIDTH WIDTH_OF(SMALL_G)
#define B_WIDTH WIDTH_OF(LARGE_G)
#else
#define COLUMNS (TAPS * LARGE_G)
#define A_WIDTH WIDTH_OF(SMALL_G)
#define B_WIDTH WIDTH_OF(LARGE_G)
#endif

// The pixels of the large image fall into STRIDE² phases: all of one see the same taps.
#define PHASES (MODE == ENLARGE ? STRIDE * STRIDE : 1)

struct Phase {
    // The first pixel, and the first tap that it sees.
    u32 y, x, tap_y, tap_x;
    // Numbers of pixels and taps.
    u32 height, width, taps_y, taps_x;
};

INSIDE Phase phase_of(u32 number) {
    Phase phase;
    phase.y = number / STRIDE;
    phase.x = number % STRIDE;
    phase.tap_y = (phase.y + PADDING) % STRIDE;
    phase.tap_x = (phase.x + PADDING) % STRIDE;
    phase.height = (LARGE_H + STRIDE - 1 - phase.y) / STRIDE;
    phase.width = (LARGE_W + STRIDE - 1 - phase.x) / STRIDE;
    phase.taps_y = (KERNEL_H + STRIDE - 1 - phase.tap_y) / STRIDE;
    phase.taps_x = (KERNEL_W + STRIDE - 1 - phase.tap_x) / STRIDE;
    return phase;
}

// Where the large pixel under a tap of the window at a small pixel lies, if it is not beyond the edge.
INSIDE bool seen(u32 row, u32 tap, u32 group, size_t* place) {
    const u32 example = row / SMALL_PIXELS, pixel = row % SMALL_PIXELS;
    const int y = (int)(pixel / SMALL_W * STRIDE + tap / KERNEL_W) - PADDING;
    const int x = (int)(pixel % SMALL_W * STRIDE + tap % KERNEL_W) - PADDING;
    *place = (((size_t)example * LARGE_H + y) * LARGE_W + x) * LARGE_C + group * LARGE_G;
    return (u32)y < LARGE_H && (u32)x < LARGE_W;
}

// Copies the terms from `k` on of the tile's rows from `m` on, of `rows` in all.
INSIDE void load_a(float* to, const float* a, u32 m, u32 k, u32 rows, u32 terms, u32 group,
                   Phase phase) {
    const int width = A_WIDTH, line = A_BY_K ? TILE_K : TILE_M;
    for (u32 chunk = threadIdx.x; chunk < TILE_M * TILE_K / width; chunk += THREADS) {
        const u32 outer = chunk / (line / width), inner = chunk % (line / width) * width;
#if MODE == WEIGHT
        const u32 row = k + outer, channel = m + inner;
        const bool valid = row < terms && channel < SMALL_G;
        const size_t place = (size_t)row * SMALL_C + group * SMALL_G + channel;
#elif MODE == SHRINK
        const u32 row = m + outer, term = k + inner;
        size_t place;
        const bool valid = row < rows && term < terms && seen(row, term / LARGE_G, group, &place);
        place += term % LARGE_G;
#else
        const u32 row = m + outer, term = k + inner;
        const u32 pixels = phase.height * phase.width > 0 ? phase.height * phase.width : 1;
        const u32 example = row / pixels, pixel = row % pixels, tap = term / SMALL_G;
        const u32 y = phase.y + pixel / phase.width * STRIDE + PADDING;
        const u32 x = phase.x + pixel % phase.width * STRIDE + PADDING;
        const int small_y = ((int)y - (int)(phase.tap_y + tap / phase.taps_x * STRIDE)) / STRIDE;
        const int small_x = ((int)x - (int)(phase.tap_x + tap % phase.taps_x * STRIDE)) / STRIDE;
        const bool inside = small_y >= 0 && small_y < SMALL_H && small_x >= 0 && small_x < SMALL_W;
        const bool valid = row < rows && term < terms && inside;
        const size_t place = (((size_t)example * SMALL_H + small_y) * SMALL_W + small_x) * SMALL_C +
                             group * SMALL_G + term % SMALL_G;
#endif
        copy<width>(to + outer * A_ROW + inner, valid ? a + place : a, valid);
    }
}

// Copies the terms from `k` on of the tile's columns from `n` on.
INSIDE void load_b(float* to, const float* b, u32 n, u32 k, u32 terms, u32 group, Phase phase) {
    const int width = B_WIDTH, line = B_BY_K ? TILE_K : TILE_N;
    for (u32 chunk = threadIdx.x; chunk < TILE_N * TILE_K / width; chunk += THREADS) {
        const u32 outer = chunk / (line / width), inner = chunk % (line / width) * width;
#if MODE == SHRINK
        const u32 column = n + outer, term = k + inner;
        const bool valid = column < COLUMNS && term < terms;
        const size_t place = (size_t)(group * SMALL_G + column) * (TAPS * LARGE_G) + term;
#elif MODE == ENLARGE
        const u32 term = k + outer, column = n + inner;
        const u32 number = term / SMALL_G;
        const u32 tap = (phase.tap_y + number / phase.taps_x * STRIDE) * KERNEL_W + phase.tap_x +
                        number % phase.taps_x * STRIDE;
        const bool valid = column < COLUMNS && term < terms;
        const size_t place =
            ((size_t)(group * SMALL_G + term % SMALL_G) * TAPS + tap) * LARGE_G + column;
#else
        const u32 row = k + outer, column = n + inner;
        size_t place;
        const bool valid =
            column < COLUMNS && row < terms && seen(row, column / LARGE_G, group, &place);
        place += column % LARGE_G;
#endif
        copy<width>(to + outer * B_ROW + inner, valid ? b + place : b, valid);
    }
}

// A number as the sum of two that a tensor core can read.
struct Halves {
    u32 high, low;
};

INSIDE Halves halves(float x) {
    Halves two;
    two.high = to_tf32(x);
    two.low = to_tf32(x - from_bits(two.high));
    return two;
}

// A term of a row, times its example's weight.
INSIDE float a_term(const float* a, u32 row, u32 term, u32 first_term, u32 terms,
                    const float* row_weights) {
    float value = A_BY_K ? a[row * A_ROW + term] : a[term * A_ROW + row];
#if WEIGHTED
    if (row_weights) {
        const u32 all = first_term + term;
        value *= all < terms ? row_weights[all / SMALL_PIXELS] : 0.0f;
    }
#endif
    return value;
}

INSIDE float b_term(const float* b, u32 column, u32 term) {
    return B_BY_K ? b[column * B_ROW + term] : b[term * B_ROW + column];
}

// Adds the terms in shared memory to this warp's part of the tile.
INSIDE void add_terms(float (*sums)[N_TILES][4], const float* a, const float* b, u32 first_term,
                      u32 terms, const float* row_weights) {
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
    const u32 m = warp / WARPS_N % WARPS_M * (TILE_M / WARPS_M) + g;
    const u32 n = warp % WARPS_N * (TILE_N / WARPS_N) + g;
#if PRECISION == 2
    for (u32 k = warp / (WARPS_M * WARPS_N) * 16; k < TILE_K; k += 16 * WARPS_K) {
        u32 rows[M_TILES][4];
        for (int i = 0; i < M_TILES; ++i) {
            for (int part = 0; part < 4; ++part) {
                const u32 row = m + 16 * i + part % 2 * 8, term = k + 2 * t + part / 2 * 8;
                rows[i][part] = bf16_pair(a_term(a, row, term, first_term, terms, row_weights),
                                          a_term(a, row, term + 1, first_term, terms, row_weights));
            }
        }
        for (int j = 0; j < N_TILES; ++j) {
            u32 columns[2];
            for (int part = 0; part < 2; ++part) {
                const u32 column = n + 8 * j, term = k + 2 * t + part * 8;
                columns[part] = bf16_pair(b_term(b, column, term), b_term(b, column, term + 1));
            }
            for (int i = 0; i < M_TILES; ++i) {
                multiply_bf16(sums[i][j], rows[i], columns);
            }
        }
    }
#else
    for (u32 k = warp / (WARPS_M * WARPS_N) * 8; k < TILE_K; k += 8 * WARPS_K) {
        u32 a_high[M_TILES][4], a_low[M_TILES][4];
        for (int i = 0; i < M_TILES; ++i) {
            for (int part = 0; part < 4; ++part) {
                const u32 row = m + 16 * i + part % 2 * 8, term = k + t + part / 2 * 4;
                const Halves two = halves(a_term(a, row, term, first_term, terms, row_weights));
                a_high[i][part] = two.high;
                a_low[i][part] = two.low;
            }
        }
        for (int j = 0; j < N_TILES; ++j) {
            u32 b_high[2], b_low[2];
            for (int part = 0; part < 2; ++part) {
                const Halves two = halves(b_term(b, n + 8 * j, k + t + part * 4));
                b_high[part] = two.high;
                b_low[part] = two.low;
            }
            for (int i = 0; i < M_TILES; ++i) {
#if PRECISION == 0
                // Tensor cores cut their sums off: eight terms at a time, which are then added with rounding.
                float eight[4] = {0.0f, 0.0f, 0.0f, 0.0f};
                multiply(eight, a_low[i], b_high);
                multiply(eight, a_high[i], b_low);
                multiply(eight, a_high[i], b_high);
                for (int part = 0; part < 4; ++part) {
                    sums[i][j][part] += eight[part];
                }
#else
                multiply(sums[i][j], a_high[i], b_high);
#endif
            }
        }
    }
#endif
}

// Adds what the warps with other terms have summed, in their order.
INSIDE void add_warps(float (*sums)[N_TILES][4], float* shared) {
    const u32 warps = WARPS_M * WARPS_N, own = threadIdx.x / 32 / warps;
    const u32 place = threadIdx.x % (32 * warps);
    for (u32 other = 1; other < WARPS_K; ++other) {
        __syncthreads();
        for (int i = 0; i < M_TILES; ++i) {
            for (int j = 0; j < N_TILES; ++j) {
                for (int part = 0; part < 4; ++part) {
                    float* slot = shared + ((i * N_TILES + j) * 4 + part) * 32 * warps + place;
                    if (own == other) {
                        *slot = sums[i][j][part];
                    }
                }
            }
        }
        __syncthreads();
        for (int i = 0; i < M_TILES; ++i) {
            for (int j = 0; j < N_TILES; ++j) {
                for (int part = 0; part < 4; ++part) {
                    const float* slot =
                        shared + ((i * N_TILES + j) * 4 + part) * 32 * warps + place;
                    if (own == 0) {
                        sums[i][j][part] += *slot;
                    }
                }
            }
        }
    }
}

// What a block computes: rows and columns from (m, n) on of the result's `rows`, each a sum of so many terms.
struct Work {
    u32 m, n, group, rest, rows, terms;
    Phase phase;
};

INSIDE Work work_of(u32 examples) {
    Work work;
    work.m = blockIdx.x * TILE_M;
    work.n = blockIdx.y * TILE_N;
    work.group = blockIdx.z % GROUPS;
    work.rest = blockIdx.z / GROUPS;
    work.phase = phase_of(PHASES > 1 ? work.rest : 0);
#if MODE == SHRINK
    work.rows = examples * SMALL_PIXELS;
    work.terms = TAPS * LARGE_G;
#elif MODE == ENLARGE
    work.rows = examples * work.phase.height * work.phase.width;
    work.terms = work.phase.taps_y * work.phase.taps_x * SMALL_G;
#else
    work.rows = SMALL_G;
    work.terms = examples * SMALL_PIXELS;
#endif
    return work;
}

// The sums of a tile, each warp's part in its threads; of those with other terms the first ones have all.
INSIDE void sum_tile(float (*sums)[N_TILES][4], float* shared, const Work& work, const float* a,
                     const float* b, const float* tangent, const float* row_weights) {
    u32 first = 0, parts = (work.terms + TILE_K - 1) / TILE_K;
#if MODE == WEIGHT
    const u32 share = (parts + SPLITS - 1) / SPLITS;
    first = work.rest * share;
    parts = parts < first + share ? (parts > first ? parts - first : 0) : share;
#endif
    const u32 all = TANGENT ? 2 * parts : parts;
    for (int i = 0; i < M_TILES; ++i) {
        for (int j = 0; j < N_TILES; ++j) {
            for (int part = 0; part < 4; ++part) {
                sums[i][j][part] = 0.0f;
            }
        }
    }
    for (u32 part = 0; part < all + STAGES - 1; ++part) {
        // The newest part's copies begin before the sums over the oldest.
        if (part < all) {
            const bool second = TANGENT && part >= parts;
            const u32 k = (first + (second ? part - parts : part)) * TILE_K;
            float* stage = shared + part % STAGES * (A_SIZE + B_SIZE);
            load_a(stage, second && TANGENT == 2 ? tangent : a, work.m, k, work.rows, work.terms,
                   work.group, work.phase);
            load_b(stage + A_SIZE, second && TANGENT == 1 ? tangent : b, work.n, k, work.terms,
                   work.group, work.phase);
        }
        copies_commit();
        if (part + 1 >= STAGES) {
            const u32 oldest = part + 1 - STAGES;
            const bool second = TANGENT && oldest >= parts;
            const u32 k = (first + (second ? oldest - parts : oldest)) * TILE_K;
            copies_wait<STAGES - 1>();
            __syncthreads();
            const float* stage = shared + oldest % STAGES * (A_SIZE + B_SIZE);
            add_terms(sums, stage, stage + A_SIZE, k, work.terms, second ? 0 : row_weights);
            __syncthreads();
        }
    }
    add_warps(sums, shared);
}

// Where a value of the result lies, and its channel.
struct Target {
    size_t index;
    u32 channel;
};

INSIDE Target target_of(const Work& work, u32 row, u32 column) {
    Target target;
#if MODE == SHRINK
    target.channel = work.group * SMALL_G + column;
    target.index = (size_t)row * SMALL_C + target.channel;
#elif MODE == ENLARGE
    const u32 pixels = work.phase.height * work.phase.width, pixel = row % pixels;
    const u32 y = work.phase.y + pixel / work.phase.width * STRIDE;
    const u32 x = work.phase.x + pixel % work.phase.width * STRIDE;
    target.channel = work.group * LARGE_G + column;
    target.index = (((size_t)(row / pixels) * LARGE_H + y) * LARGE_W + x) * LARGE_C + target.channel;
#else
    target.channel = 0;
    target.index = ((size_t)work.rest * SMALL_C + work.group * SMALL_G + row) * COLUMNS + column;
#endif
    return target;
}

// The row and column in the tile of a thread's sum [i][j][part]; a thread without sums has none.
#define FOR_EACH_SUM                                                                               \
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;                                    \
    if (warp < WARPS_M * WARPS_N)                                                                  \
        for (int i = 0; i < M_TILES; ++i)                                                          \
            for (int j = 0; j < N_TILES; ++j)                                                      \
                for (int part = 0; part < 4; ++part)

#define ROW_OF_SUM (warp / WARPS_N * (TILE_M / WARPS_M) + 16 * i + lane / 4 + part / 2 * 8)
#define COLUMN_OF_SUM (warp % WARPS_N * (TILE_N / WARPS_N) + 8 * j + lane % 4 * 2 + part % 2)

#if NORM == 0
// a, b: the factors, of so many examples. tangent: with TANGENT 1 a second `b`, with 2 a second `a`, whose products
// are added. row_weights: of each example, if WEIGHTED, in the first products alone. SPLITS: so many blocks share a
// sum and write a result each.
KERNEL product(const float* a, const float* b, float* result, const float* bias, const float* more,
               const float* saved, const float* factors, const float* tangent,
               const float* row_weights, u32 examples) {
    DYNAMIC_SHARED(shared);
    const Work work = work_of(examples);
    float sums[M_TILES][N_TILES][4];
    sum_tile(sums, shared, work, a, b, tangent, row_weights);
    FOR_EACH_SUM {
        const u32 row = work.m + ROW_OF_SUM, column = work.n + COLUMN_OF_SUM;
        if (row < work.rows && column < COLUMNS) {
            const Target to = target_of(work, row, column);
            result[to.index] = finish(sums[i][j][part], to.index, to.channel, bias, more, saved, factors);
        }
    }
}
#else
// Batch normalization of a result whose tiles have all rows of their columns, in the same kernel: one batch of examples
// of one pixel.

#define TILE_ROW (TILE_N + 1)
#define THREADS_OF_COLUMN (THREADS / TILE_N)

// The sum over the rows of a column of the tile, in a fixed order, for each of its threads; parts: THREADS values.
template <typename Value> INSIDE double column_sum(double* parts, u32 rows, Value value) {
    const u32 column = threadIdx.x % TILE_N;
    float sum = 0.0f;
    for (u32 row = threadIdx.x / TILE_N; row < rows; row += THREADS_OF_COLUMN) {
        sum += value(row);
    }
    __syncthreads();
    parts[threadIdx.x] = sum;
    __syncthreads();
    double total = 0.0;
    for (u32 part = 0; part < THREADS_OF_COLUMN; ++part) {
        total += parts[part * TILE_N + column];
    }
    return total;
}
#endif

#if NORM == 1
KERNEL product_normalized(const float* a, const float* b, float* result, const float* bias,
                          float* normalized, float* moments, float* running_mean,
                          float* running_variance, const float* gamma, const float* beta,
                          u32 examples) {
    DYNAMIC_SHARED(shared);
    __shared__ double parts[THREADS];
    const Work work = work_of(examples);
    float sums[M_TILES][N_TILES][4];
    sum_tile(sums, shared, work, a, b, 0, 0);
    __syncthreads();
    float* tile = shared;
    FOR_EACH_SUM {
        const u32 column = work.n + COLUMN_OF_SUM;
        const float before = HAS_BIAS && column < COLUMNS ? bias[column] : 0.0f;
        tile[ROW_OF_SUM * TILE_ROW + COLUMN_OF_SUM] = sums[i][j][part] + before;
    }
    __syncthreads();
    const u32 rows = work.rows, own = threadIdx.x % TILE_N, channel = work.n + own;
    const bool inside = channel < COLUMNS;
    const float mean = (float)(column_sum(parts, rows, [&](u32 row) { return tile[row * TILE_ROW + own]; }) / rows);
    const double variance = column_sum(parts, rows, [&](u32 row) {
        const float centred = tile[row * TILE_ROW + own] - mean;
        return centred * centred;
    }) / rows;
    const float scale = (float)(1.0 / sqrt(variance + (double)(EPS)));
    if (inside && threadIdx.x < TILE_N) {
        moments[channel] = mean;
        moments[COLUMNS + channel] = scale;
        const float kept = (float)(1.0 - (double)(MOMENTUM));
        const double unbiased = variance * ((double)rows / (rows - 1.0));
        running_mean[channel] = running_mean[channel] * kept + (float)(mean * (double)(MOMENTUM));
        running_variance[channel] =
            running_variance[channel] * kept + (float)(unbiased * (double)(MOMENTUM));
    }
    for (u32 row = threadIdx.x / TILE_N; inside && row < rows; row += THREADS_OF_COLUMN) {
        const float value = (tile[row * TILE_ROW + own] - mean) * scale;
        normalized[(size_t)row * COLUMNS + channel] = value;
        result[(size_t)row * COLUMNS + channel] = activated(value * gamma[channel] + beta[channel]);
    }
}
#endif

#if NORM == 2
KERNEL product_normalized_back(const float* a, const float* b, float* result, const float* more,
                               const float* saved, const float* normalized, const float* moments,
                               const float* gamma, float* by_gamma, float* by_beta, u32 examples) {
    DYNAMIC_SHARED(shared);
    __shared__ double parts[THREADS];
    const Work work = work_of(examples);
    float sums[M_TILES][N_TILES][4];
    sum_tile(sums, shared, work, a, b, 0, 0);
    __syncthreads();
    float* tile = shared;
    FOR_EACH_SUM {
        const u32 row = ROW_OF_SUM, column = work.n + COLUMN_OF_SUM;
        const size_t index = (size_t)row * COLUMNS + column;
        const bool inside = row < work.rows && column < COLUMNS;
        tile[row * TILE_ROW + COLUMN_OF_SUM] =
            inside ? finish(sums[i][j][part], index, column, 0, more, saved, 0) : 0.0f;
    }
    __syncthreads();
    const u32 rows = work.rows, own = threadIdx.x % TILE_N, channel = work.n + own;
    const bool inside = channel < COLUMNS;
    const double bias = column_sum(parts, rows, [&](u32 row) { return tile[row * TILE_ROW + own]; });
    const double weight = column_sum(parts, rows, [&](u32 row) {
        return inside ? tile[row * TILE_ROW + own] * normalized[(size_t)row * COLUMNS + channel] : 0.0f;
    });
    if (inside && threadIdx.x < TILE_N) {
        by_beta[channel] = (float)bias;
        by_gamma[channel] = (float)weight;
    }
    const float mean = (float)bias / rows, along = (float)weight / rows;
    const float scale = inside ? moments[COLUMNS + channel] * gamma[channel] : 0.0f;
    for (u32 row = threadIdx.x / TILE_N; inside && row < rows; row += THREADS_OF_COLUMN) {
        const size_t index = (size_t)row * COLUMNS + channel;
        result[index] = scale * (tile[row * TILE_ROW + own] - mean - normalized[index] * along);
    }
}
#endif
