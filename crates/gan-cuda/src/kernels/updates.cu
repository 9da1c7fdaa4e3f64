// What moves a network's tensors: they lie one after the other, with their gradients and what the optimizer keeps
// beside them in the same order.

// What differs from step to step of a burst.
struct Step {
    // The number of the step, for random numbers.
    u64 number;
    // Of Adam of the generator and of the discriminator: the step size corrected for the first moment's bias, and 1
    // over the root of the second moment's correction. Of momentum: the learning rate and the momentum.
    float rates[2][2];
    // What is kept of an average, and what is taken of a new value.
    float keep_average, take_value;
};

// Marks the part of this block as not finite in this step, unless it was before.
INSIDE void mark(bool finite, u32* first_bad, u32 cursor) {
    __shared__ u32 any;
    if (threadIdx.x == 0) {
        any = 0;
    }
    __syncthreads();
    if (!finite) {
        any = 1;
    }
    __syncthreads();
    if (threadIdx.x == 0 && any && first_bad[blockIdx.x] > cursor) {
        first_bad[blockIdx.x] = cursor;
    }
}

INSIDE float clamped(float x, float bound) {
    return x < -bound ? -bound : (x > bound ? bound : x);
}

// One step of Adam (Kingma & Ba, 2015). A block has 4 · THREADS values. player: 0 the generator, 1 the
// discriminator. factor: of the gradients, if there is one. weight_clip: if above 0, bounds the values.
KERNEL adam(float* theta, const float* gradient, float* m, float* v, const float* factor,
            u32* first_bad, const Step* steps, const u32* cursor, u32 player, u32 length,
            double beta1, double beta2, double eps, float weight_clip) {
    const Step* step = steps + *cursor;
    const float size = step->rates[player][0], correction = step->rates[player][1];
    const float keep_m = (float)beta1, take_m = (float)(1.0 - beta1);
    const float keep_v = (float)beta2, take_v = (float)(1.0 - beta2);
    const float scale = factor ? *factor : 1.0f;
    bool finite = true;
    for (u32 i = 0; i < 4; ++i) {
        const u32 index = (blockIdx.x * 4 + i) * THREADS + threadIdx.x;
        if (index < length) {
            const float g = gradient[index] * scale;
            const float new_m = keep_m * m[index] + take_m * g;
            const float new_v = keep_v * v[index] + take_v * g * g;
            const float moved =
                theta[index] - size * new_m / (sqrtf(new_v) * correction + (float)eps);
            m[index] = new_m;
            v[index] = new_v;
            finite = finite && moved * 0.0f + new_v * 0.0f == 0.0f;
            theta[index] = weight_clip > 0.0f ? clamped(moved, weight_clip) : moved;
        }
    }
    mark(finite, first_bad, *cursor);
}

// One step of gradient descent with momentum (Polyak, 1964).
KERNEL momentum(float* theta, const float* gradient, float* velocity, const float* factor,
                u32* first_bad, const Step* steps, const u32* cursor, u32 player, u32 length,
                float weight_clip) {
    const Step* step = steps + *cursor;
    const float rate = step->rates[player][0], kept = step->rates[player][1];
    const float scale = factor ? *factor : 1.0f;
    bool finite = true;
    for (u32 i = 0; i < 4; ++i) {
        const u32 index = (blockIdx.x * 4 + i) * THREADS + threadIdx.x;
        if (index < length) {
            const float v = kept * velocity[index] - rate * (gradient[index] * scale);
            const float moved = theta[index] + v;
            velocity[index] = v;
            finite = finite && moved * 0.0f == 0.0f;
            theta[index] = weight_clip > 0.0f ? clamped(moved, weight_clip) : moved;
        }
    }
    mark(finite, first_bad, *cursor);
}

KERNEL moving_average(float* average, const float* value, const Step* steps, const u32* cursor,
                      u32 length) {
    const Step* step = steps + *cursor;
    for (u32 index = FIRST; index < length; index += STRIDE_OF_GRID) {
        average[index] = average[index] * step->keep_average + value[index] * step->take_value;
    }
}

// The next number of passes that f32 can represent.
KERNEL count_pass(float* passes) {
    if (threadIdx.x == 0) {
        const float next = from_bits(bits_of(*passes) + 1);
        *passes = *passes + 1.0f > next ? *passes + 1.0f : next;
    }
}

// The burst goes on to its next step.
KERNEL next_step(u32* cursor) {
    if (threadIdx.x == 0) {
        *cursor += 1;
    }
}
