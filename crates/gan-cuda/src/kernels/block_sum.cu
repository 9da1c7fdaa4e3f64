// The sum over all threads of the block, in a fixed order, for each of them; shared: THREADS values.
INSIDE double block_sum(double* shared, double value) {
    __syncthreads();
    shared[threadIdx.x] = value;
    for (u32 half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
            shared[threadIdx.x] += shared[threadIdx.x + half];
        }
    }
    __syncthreads();
    return shared[0];
}
