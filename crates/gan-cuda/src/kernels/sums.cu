// Sums in a fixed order.

#define LANES 32
#define ROWS_AT_ONCE (THREADS / LANES)

// Each tile's sums over rows of x [rows, channels], a row times the weight of its example, if there are weights:
// parts [tiles, channels].
KERNEL column_sums(const float* x, const float* weights, float* parts, u32 rows, u32 tile_rows,
                   u32 channels, u32 rows_of_example) {
    __shared__ float shared[THREADS];
    const u32 channel = blockIdx.x * LANES + threadIdx.x % LANES, begin = blockIdx.y * tile_rows;
    const u32 end = begin + tile_rows < rows ? begin + tile_rows : rows;
    float sum = 0.0f;
    for (u32 row = begin + threadIdx.x / LANES; channel < channels && row < end;
         row += ROWS_AT_ONCE) {
        const float value = x[(size_t)row * channels + channel];
        sum += weights ? value * weights[row / rows_of_example] : value;
    }
    shared[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x < LANES && channel < channels) {
        float total = 0.0f;
        for (u32 row = 0; row < ROWS_AT_ONCE; ++row) {
            total += shared[row * LANES + threadIdx.x];
        }
        parts[(size_t)blockIdx.y * channels + channel] = total;
    }
}

// result [length] ← the sum of parts [count, length].
KERNEL add_parts(const float* parts, float* result, u32 count, u32 length) {
    for (u32 index = FIRST; index < length; index += STRIDE_OF_GRID) {
        float sum = 0.0f;
        for (u32 part = 0; part < count; ++part) {
            sum += parts[(size_t)part * length + index];
        }
        result[index] = sum;
    }
}

KERNEL fill(float* x, float value, u32 length) {
    for (u32 index = FIRST; index < length; index += STRIDE_OF_GRID) {
        x[index] = value;
    }
}

// Each block's Σ x²: parts [blocks].
KERNEL squares(const float* x, double* parts, u32 length) {
    __shared__ double shared[THREADS];
    double sum = 0.0;
    for (u32 index = FIRST; index < length; index += STRIDE_OF_GRID) {
        sum += (double)x[index] * x[index];
    }
    const double total = block_sum(shared, sum);
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = total;
    }
}

// The factor that brings a gradient to the norm `clip` if its own is larger; not finite if that is not.
KERNEL clip_factor(const double* parts, float* factor, u32 count, double clip) {
    __shared__ double shared[THREADS];
    double sum = 0.0;
    for (u32 index = threadIdx.x; index < count; index += THREADS) {
        sum += parts[index];
    }
    const double norm = sqrt(block_sum(shared, sum));
    if (threadIdx.x == 0) {
        const bool finite = norm - norm == 0.0;
        *factor = finite ? (clip < norm ? (float)(clip / norm) : 1.0f) : (float)(norm - norm);
    }
}

// For each example the direction of its penalties' derivative, from the gradient of its own logit, both
// [examples, VALUES]: `factor` times the gradient, or of a ONE_CENTERED penalty also times (norm − 1) / norm.
KERNEL penalty_directions(const float* gradients, float* directions, u32 values, u32 one_centered,
                          double factor) {
    __shared__ double shared[THREADS];
    const float* from = gradients + (size_t)blockIdx.x * values;
    float* to = directions + (size_t)blockIdx.x * values;
    float scale = (float)factor;
    if (one_centered) {
        double sum = 0.0;
        for (u32 index = threadIdx.x; index < values; index += THREADS) {
            sum += (double)from[index] * from[index];
        }
        const float norm = (float)sqrt((double)(float)block_sum(shared, sum));
        scale *= (norm - 1.0f) / (norm + 1e-12f);
    }
    for (u32 index = threadIdx.x; index < values; index += THREADS) {
        to[index] = from[index] * scale;
    }
}
