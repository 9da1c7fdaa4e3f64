// Batch normalization over features [batches · rows, CHANNELS], each batch by its own moments (Ioffe & Szegedy,
// 2015). Sums over a batch's rows are made in two steps, by tiles of rows and over the tiles, in a fixed order.

#define LANES 32
#define ROWS_AT_ONCE (THREADS / LANES)

// The sum over the threads of one lane, in their order; for the first of them.
INSIDE double lane_sum(double* shared, double value) {
    const u32 lane = threadIdx.x % LANES;
    __syncthreads();
    shared[threadIdx.x] = value;
    __syncthreads();
    double sum = 0.0;
    for (u32 row = 0; row < ROWS_AT_ONCE; ++row) {
        sum += shared[row * LANES + lane];
    }
    return sum;
}

// Each tile's means and sums of squared distances from them: [batches, tiles, 2, CHANNELS].
KERNEL norm_partials(const float* x, float* partials, u32 rows, u32 tile_rows) {
    __shared__ double shared[THREADS];
    const u32 channel = blockIdx.x * LANES + threadIdx.x % LANES;
    const u32 batch = blockIdx.z, begin = blockIdx.y * tile_rows;
    const u32 end = begin + tile_rows < rows ? begin + tile_rows : rows;
    const float* values = x + (size_t)batch * rows * CHANNELS + channel;
    const bool inside = channel < CHANNELS;
    float sum = 0.0f;
    for (u32 row = begin + threadIdx.x / LANES; inside && row < end; row += ROWS_AT_ONCE) {
        sum += values[(size_t)row * CHANNELS];
    }
    const float mean = (float)(lane_sum(shared, sum) / (end - begin));
    float squares = 0.0f;
    for (u32 row = begin + threadIdx.x / LANES; inside && row < end; row += ROWS_AT_ONCE) {
        const float centred = values[(size_t)row * CHANNELS] - mean;
        squares += centred * centred;
    }
    const float total = (float)lane_sum(shared, squares);
    if (inside && threadIdx.x < LANES) {
        float* to = partials + ((size_t)(batch * gridDim.y + blockIdx.y) * 2) * CHANNELS + channel;
        to[0] = mean;
        to[CHANNELS] = total;
    }
}

// The tiles' moments together (Chan, Golub & LeVeque, 1979): means and 1 / sqrt(variance + EPS) of each batch,
// [batches, 2, CHANNELS], and the running statistics one batch further after the other.
KERNEL norm_moments(const float* partials, float* moments, float* running_mean,
                    float* running_variance, u32 rows, u32 tile_rows, u32 tiles, u32 batches) {
    const u32 channel = blockIdx.x * THREADS + threadIdx.x;
    if (channel >= CHANNELS) {
        return;
    }
    for (u32 batch = 0; batch < batches; ++batch) {
        const float* from = partials + (size_t)batch * tiles * 2 * CHANNELS + channel;
        double mean = 0.0, squares = 0.0, count = 0.0;
        for (u32 tile = 0; tile < tiles; ++tile, from += 2 * CHANNELS) {
            const u32 begin = tile * tile_rows;
            const double more = begin + tile_rows < rows ? tile_rows : rows - begin;
            const double distance = from[0] - mean, all = count + more;
            mean += distance * more / all;
            squares += from[CHANNELS] + distance * distance * count * more / all;
            count = all;
        }
        const double variance = squares / count;
        moments[(size_t)batch * 2 * CHANNELS + channel] = (float)mean;
        moments[((size_t)batch * 2 + 1) * CHANNELS + channel] =
            (float)(1.0 / sqrt(variance + (double)(EPS)));
        const float kept = (float)(1.0 - (double)(MOMENTUM));
        const double unbiased = variance * (count / (count - 1.0));
        running_mean[channel] =
            running_mean[channel] * kept + (float)(mean * (double)(MOMENTUM));
        running_variance[channel] =
            running_variance[channel] * kept + (float)(unbiased * (double)(MOMENTUM));
    }
}

// normalized ← (x − mean) / sqrt(variance + EPS), y ← activation(weight · normalized + bias).
KERNEL norm_apply(const float* x, const float* moments, const float* weight, const float* bias,
                  float* normalized, float* y, u32 rows, u32 batches) {
    const size_t count = (size_t)batches * rows * CHANNELS;
    for (size_t index = FIRST; index < count; index += STRIDE_OF_GRID) {
        const u32 channel = index % CHANNELS, batch = index / CHANNELS / rows;
        const float* at = moments + (size_t)batch * 2 * CHANNELS + channel;
        const float value = (x[index] - at[0]) * at[CHANNELS];
        normalized[index] = value;
        y[index] = activated(value * weight[channel] + bias[channel]);
    }
}

// Each tile's Σ g and Σ g · normalized: [batches, tiles, 2, CHANNELS].
KERNEL norm_back_partials(const float* gradient, const float* normalized, float* partials, u32 rows,
                          u32 tile_rows) {
    __shared__ double shared[THREADS];
    const u32 channel = blockIdx.x * LANES + threadIdx.x % LANES;
    const u32 batch = blockIdx.z, begin = blockIdx.y * tile_rows;
    const u32 end = begin + tile_rows < rows ? begin + tile_rows : rows;
    const bool inside = channel < CHANNELS;
    float by_bias = 0.0f, by_weight = 0.0f;
    for (u32 row = begin + threadIdx.x / LANES; inside && row < end; row += ROWS_AT_ONCE) {
        const size_t index = ((size_t)batch * rows + row) * CHANNELS + channel;
        by_bias += gradient[index];
        by_weight += gradient[index] * normalized[index];
    }
    const float bias = (float)lane_sum(shared, by_bias);
    const float weight = (float)lane_sum(shared, by_weight);
    if (inside && threadIdx.x < LANES) {
        float* to = partials + ((size_t)(batch * gridDim.y + blockIdx.y) * 2) * CHANNELS + channel;
        to[0] = bias;
        to[CHANNELS] = weight;
    }
}

// The sums over the tiles of each batch, [batches, 2, CHANNELS], and over the batches: the gradients of weight and
// bias, if `by_weight` is given.
KERNEL norm_back_sums(const float* partials, float* sums, float* by_weight, float* by_bias, u32 tiles,
                      u32 batches) {
    const u32 channel = blockIdx.x * THREADS + threadIdx.x;
    if (channel >= CHANNELS) {
        return;
    }
    double bias = 0.0, weight = 0.0;
    for (u32 batch = 0; batch < batches; ++batch) {
        const float* from = partials + (size_t)batch * tiles * 2 * CHANNELS + channel;
        double batch_bias = 0.0, batch_weight = 0.0;
        for (u32 tile = 0; tile < tiles; ++tile, from += 2 * CHANNELS) {
            batch_bias += from[0];
            batch_weight += from[CHANNELS];
        }
        sums[(size_t)batch * 2 * CHANNELS + channel] = (float)batch_bias;
        sums[((size_t)batch * 2 + 1) * CHANNELS + channel] = (float)batch_weight;
        bias += batch_bias;
        weight += batch_weight;
    }
    if (by_weight) {
        by_weight[channel] = (float)weight;
        by_bias[channel] = (float)bias;
    }
}

// gradient ← weight / σ · (gradient − mean gradient − normalized · mean gradient · normalized)
KERNEL norm_back_apply(float* gradient, const float* normalized, const float* moments,
                       const float* sums, const float* weight, u32 rows, u32 batches) {
    const size_t count = (size_t)batches * rows * CHANNELS;
    for (size_t index = FIRST; index < count; index += STRIDE_OF_GRID) {
        const u32 channel = index % CHANNELS, batch = index / CHANNELS / rows;
        const float scale = moments[((size_t)batch * 2 + 1) * CHANNELS + channel] * weight[channel];
        const float mean = sums[(size_t)batch * 2 * CHANNELS + channel] / rows;
        const float along = sums[((size_t)batch * 2 + 1) * CHANNELS + channel] / rows;
        gradient[index] = scale * (gradient[index] - mean - normalized[index] * along);
    }
}
