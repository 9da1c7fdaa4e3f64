// Random numbers that are bit for bit those of the CPU: ChaCha8 (Bernstein, 2008), keyed by the seed and the purpose,
// with the step as its stream, and normal numbers by the same exact operations as `gan_core`. To be compiled without
// fused products.

INSIDE u32 rotated(u32 x, int by) { return x << by | x >> (32 - by); }

#define QUARTER(a, b, c, d)                                                                        \
    a += b, d = rotated(d ^ a, 16), c += d, b = rotated(b ^ c, 12);                                 \
    a += b, d = rotated(d ^ a, 8), c += d, b = rotated(b ^ c, 7)

// Which of a run's random numbers.
struct Stream {
    u64 seed;
    u32 purpose;
    u64 number;
};

// The 16 words of a stream from 16 · `block` on.
INSIDE void words_of(Stream stream, u64 block, u32* words) {
    const u32 start[16] = {0x61707865,
                           0x3320646e,
                           0x79622d32,
                           0x6b206574,
                           (u32)stream.seed,
                           (u32)(stream.seed >> 32),
                           stream.purpose,
                           0,
                           0,
                           0,
                           0,
                           0,
                           (u32)block,
                           (u32)(block >> 32),
                           (u32)stream.number,
                           (u32)(stream.number >> 32)};
    for (int i = 0; i < 16; ++i) {
        words[i] = start[i];
    }
    for (int round = 0; round < 4; ++round) {
        QUARTER(words[0], words[4], words[8], words[12]);
        QUARTER(words[1], words[5], words[9], words[13]);
        QUARTER(words[2], words[6], words[10], words[14]);
        QUARTER(words[3], words[7], words[11], words[15]);
        QUARTER(words[0], words[5], words[10], words[15]);
        QUARTER(words[1], words[6], words[11], words[12]);
        QUARTER(words[2], words[7], words[8], words[13]);
        QUARTER(words[3], words[4], words[9], words[14]);
    }
    for (int i = 0; i < 16; ++i) {
        words[i] += start[i];
    }
}

// ln x for x in (0, 1]: gan_core::exact::ln.
INSIDE double exact_ln(double x) {
    const u64 one = 0x3ff0000000000000, sqrt_half = 0x3fe6a09e667f3bcd;
    const u64 shifted = double_bits(x) + (one - sqrt_half);
    const double m = double_from_bits((shifted & 0xfffffffffffffull) + sqrt_half);
    const int exponent = (int)(shifted >> 52) - 1023;
    const double s = (m - 1.0) / (m + 1.0), t = s * s;
    double series = 1.0 / 17.0;
    for (double divisor = 15.0; divisor >= 1.0; divisor -= 2.0) {
        series = series * t + 1.0 / divisor;
    }
    return exponent * 0.693147180559945309417232121458 + 2.0 * s * series;
}

// Sine and cosine of `turns` / 2^32 full turns: gan_core::exact.
INSIDE void exact_sin_cos(u32 turns, double* sine, double* cosine) {
    const double tau = 6.28318530717958647692528676655900577;
    const u32 quarter = (turns + (1u << 29)) >> 30;
    const double x = (double)(int)(turns - (quarter << 30)) * (tau / 4294967296.0), t = x * x;
    const double sin_divisors[6] = {12.0 * 13.0, 10.0 * 11.0, 8.0 * 9.0, 6.0 * 7.0, 4.0 * 5.0, 2.0 * 3.0};
    const double cos_divisors[7] = {13.0 * 14.0, 11.0 * 12.0, 9.0 * 10.0, 7.0 * 8.0,
                                    5.0 * 6.0,   3.0 * 4.0,   2.0};
    double sin = 1.0, cos = 1.0;
    for (int i = 0; i < 6; ++i) {
        sin = 1.0 - sin * t * (1.0 / sin_divisors[i]);
    }
    for (int i = 0; i < 7; ++i) {
        cos = 1.0 - cos * t * (1.0 / cos_divisors[i]);
    }
    sin = x * sin;
    const double s = quarter & 1 ? cos : sin, c = quarter & 1 ? -sin : cos;
    *sine = quarter & 2 ? -s : s;
    *cosine = quarter & 2 ? -c : c;
}

// The 16 normal numbers of a stream from 16 · `block` on (Box & Muller, 1958).
INSIDE void normals_of(Stream stream, u64 block, float* values) {
    u32 words[16];
    words_of(stream, block, words);
    for (int pair = 0; pair < 8; ++pair) {
        const double uniform = ((double)words[2 * pair] + 1.0) / 4294967296.0;
        const double radius = sqrt(-2.0 * exact_ln(uniform));
        double sine, cosine;
        exact_sin_cos(words[2 * pair + 1], &sine, &cosine);
        values[2 * pair] = (float)(radius * cosine);
        values[2 * pair + 1] = (float)(radius * sine);
    }
}

// A uniform number in [0, 1) of two words.
INSIDE double uniform_of(const u32* words) {
    const u64 both = (u64)words[1] << 32 | words[0];
    return (double)(both >> 11) * (1.0 / 9007199254740992.0);
}

// The stream of this step: `steps` begin with their numbers and are `step_size` bytes each.
INSIDE Stream of_step(u64 seed, u32 purpose, const u8* steps, u32 step_size, const u32* cursor) {
    Stream stream;
    stream.seed = seed;
    stream.purpose = purpose;
    stream.number = *(const u64*)(steps + (size_t)*cursor * step_size);
    return stream;
}

// z [count] ~ N(0, 1)
KERNEL normal_latents(float* z, u32 count, u64 seed, u32 purpose, const u8* steps, u32 step_size,
                      const u32* cursor) {
    const Stream stream = of_step(seed, purpose, steps, step_size, cursor);
    for (u32 block = FIRST; block < (count + 15) / 16; block += STRIDE_OF_GRID) {
        float values[16];
        normals_of(stream, block, values);
        for (u32 i = 0; i < 16 && block * 16 + i < count; ++i) {
            z[block * 16 + i] = values[i];
        }
    }
}

// z [count] ~ U(−bound, bound)
KERNEL uniform_latents(float* z, u32 count, u64 seed, u32 purpose, const u8* steps, u32 step_size,
                       const u32* cursor, double bound) {
    const Stream stream = of_step(seed, purpose, steps, step_size, cursor);
    for (u32 block = FIRST; block < (count + 7) / 8; block += STRIDE_OF_GRID) {
        u32 words[16];
        words_of(stream, block, words);
        for (u32 i = 0; i < 8 && block * 8 + i < count; ++i) {
            z[block * 8 + i] = (float)((2.0 * uniform_of(words + 2 * i) - 1.0) * bound);
        }
    }
}

// images [count] += deviation · N(0, 1), from number `first` of the stream on, a multiple of 2.
KERNEL instance_noise(float* images, u32 count, u32 first, float deviation, u64 seed, u32 purpose,
                      const u8* steps, u32 step_size, const u32* cursor) {
    const Stream stream = of_step(seed, purpose, steps, step_size, cursor);
    const u32 begin = first / 16, end = (first + count + 15) / 16;
    for (u32 block = begin + FIRST; block < end; block += STRIDE_OF_GRID) {
        float values[16];
        normals_of(stream, block, values);
        for (u32 i = 0; i < 16; ++i) {
            const u32 number = block * 16 + i;
            if (number >= first && number - first < count) {
                images[number - first] = images[number - first] + values[i] * deviation;
            }
        }
    }
}

// between [examples, values] ← fake + (real − fake) · u, u ~ U[0, 1) for each example.
KERNEL interpolate(const float* real, const float* fake, float* between, u32 examples, u32 values,
                   u64 seed, u32 purpose, const u8* steps, u32 step_size, const u32* cursor) {
    const Stream stream = of_step(seed, purpose, steps, step_size, cursor);
    u32 words[16];
    words_of(stream, blockIdx.x / 8, words);
    const float share = (float)uniform_of(words + blockIdx.x % 8 * 2);
    const size_t begin = (size_t)blockIdx.x * values;
    for (size_t index = begin + threadIdx.x; index < begin + values; index += THREADS) {
        between[index] = fake[index] + (real[index] - fake[index]) * share;
    }
}

// The factors of dropout, mask [examples, pixels, channels]: 0 where the word is not below `limit`, else `factor`.
// Words are drawn by example, channel and pixel, from word `first` on. passes: which pass draws.
KERNEL dropout_mask(float* mask, u32 examples, u32 pixels, u32 channels, u64 first, u64 limit,
                    float factor, u64 seed, u32 purpose, const float* passes) {
    Stream stream;
    stream.seed = seed;
    stream.purpose = purpose;
    stream.number = (u64)*passes;
    const u64 count = (u64)examples * pixels * channels;
    const u64 begin = first / 16, end = (first + count + 15) / 16;
    for (u64 block = begin + FIRST; block < end; block += STRIDE_OF_GRID) {
        u32 words[16];
        words_of(stream, block, words);
        for (u32 i = 0; i < 16; ++i) {
            const u64 number = block * 16 + i;
            if (number >= first && number - first < count) {
                const u64 place = number - first, size = (u64)pixels * channels;
                const u64 example = place / size, rest = place % size;
                const u64 to = example * size + rest % pixels * channels + rest / pixels;
                mask[to] = words[i] < limit ? factor : 0.0f;
            }
        }
    }
}
