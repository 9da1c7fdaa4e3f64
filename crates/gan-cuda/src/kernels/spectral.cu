// Spectral normalization of a weight [ROWS, COLUMNS] by one step of power iteration a pass (Miyato et al., 2018, arXiv
// 1802.05957). One block does a weight.

// x ← x / |x|
INSIDE void to_unit(double* shared, float* x, u32 length) {
    double sum = 0.0;
    for (u32 index = threadIdx.x; index < length; index += THREADS) {
        sum += (double)x[index] * x[index];
    }
    const double norm = sqrt(block_sum(shared, sum));
    const float divisor = (float)(norm > 1e-12 ? norm : 1e-12);
    for (u32 index = threadIdx.x; index < length; index += THREADS) {
        x[index] /= divisor;
    }
    __syncthreads();
}

// u [ROWS] and v [COLUMNS] one step further, sigma ← uᵀ W v, in_force ← W / sigma.
KERNEL normalize(const float* weight, float* u, float* v, float* sigma, float* in_force) {
    __shared__ double shared[THREADS];
    to_unit(shared, u, ROWS);
    for (u32 column = threadIdx.x; column < COLUMNS; column += THREADS) {
        float sum = 0.0f;
        for (u32 row = 0; row < ROWS; ++row) {
            sum += weight[(size_t)row * COLUMNS + column] * u[row];
        }
        v[column] = sum;
    }
    __syncthreads();
    to_unit(shared, v, COLUMNS);
    // A warp for each row.
    for (u32 row = threadIdx.x / 32; row < ROWS; row += THREADS / 32) {
        double sum = 0.0;
        for (u32 column = threadIdx.x % 32; column < COLUMNS; column += 32) {
            sum += (double)weight[(size_t)row * COLUMNS + column] * v[column];
        }
        for (int mask = 16; mask > 0; mask /= 2) {
            sum += of_lane(sum, mask);
        }
        if (threadIdx.x % 32 == 0) {
            u[row] = (float)sum;
        }
    }
    __syncthreads();
    // uᵀ W v with u = W v / |W v| is |W v|.
    double sum = 0.0;
    for (u32 row = threadIdx.x; row < ROWS; row += THREADS) {
        sum += (double)u[row] * u[row];
    }
    const double norm = sqrt(block_sum(shared, sum));
    const float divisor = (float)(norm > 1e-12 ? norm : 1e-12);
    to_unit(shared, u, ROWS);
    for (u32 index = threadIdx.x; index < ROWS * COLUMNS; index += THREADS) {
        in_force[index] = weight[index] / divisor;
    }
    if (threadIdx.x == 0) {
        *sigma = divisor;
    }
}

// gradient ← (gradient − ⟨gradient, in_force⟩ u vᵀ) / sigma: from the weight in force to the trained one.
KERNEL to_trained(float* gradient, const float* in_force, const float* u, const float* v,
                  const float* sigma) {
    __shared__ double shared[THREADS];
    double sum = 0.0;
    for (u32 index = threadIdx.x; index < ROWS * COLUMNS; index += THREADS) {
        sum += (double)gradient[index] * in_force[index];
    }
    const float along = (float)block_sum(shared, sum);
    for (u32 index = threadIdx.x; index < ROWS * COLUMNS; index += THREADS) {
        const float outer = u[index / COLUMNS] * v[index % COLUMNS];
        gradient[index] = (gradient[index] - along * outer) / *sigma;
    }
}
