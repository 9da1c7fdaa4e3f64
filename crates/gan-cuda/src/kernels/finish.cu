// What follows a map on each value: forwards a bias, a shortcut and the activation function; backwards and along
// tangents the other terms of the sum and the activation's derivative.

#define IDENTITY 0
#define LEAKY_RELU 1
#define TANH 2
#define AFFINE 3

INSIDE float activated(float x) {
#if ACTIVATION == LEAKY_RELU
    return x > 0.0f ? x : x * (float)(ACTIVATION_SCALE);
#elif ACTIVATION == TANH
    return (float)tanh((double)x);
#elif ACTIVATION == AFFINE
    return (float)(ACTIVATION_SCALE) * x + (float)(ACTIVATION_SHIFT);
#else
    return x;
#endif
}

// The derivative where the activation function is y.
INSIDE float slope(float y) {
#if ACTIVATION == LEAKY_RELU
    return y > 0.0f ? 1.0f : (float)(ACTIVATION_SCALE);
#elif ACTIVATION == TANH
    return 1.0f - y * y;
#elif ACTIVATION == AFFINE
    return (float)(ACTIVATION_SCALE);
#else
    return 1.0f;
#endif
}

// x: what the map gave at `index`, of `channel`. more: a second term, of the result's shape. saved: the
// activations, where the derivative is taken. factors: of each example, whose values are FACTOR_VALUES.
INSIDE float finish(float x, size_t index, u32 channel, const float* bias, const float* more,
                    const float* saved, const float* factors) {
#if HAS_BIAS
    x += bias[channel];
#endif
#if HAS_MORE
    x += more[index];
#endif
#if HAS_FACTORS
    x *= factors[index / FACTOR_VALUES];
#endif
#if BACKWARD
    return x * slope(ACTIVATION == IDENTITY || ACTIVATION == AFFINE ? 0.0f : saved[index]);
#else
    return activated(x);
#endif
}
