// The maps without a weight, over features [examples, pixels, channels]: FROM_* are the sizes of what is read, TO_*
// those of the result. Each is followed by `finish`.

#define FROM_SIZE (FROM_CHANNELS * FROM_PIXELS)
#define TO_SIZE (TO_CHANNELS * TO_PIXELS)

#define FOR_EACH_VALUE                                                                             \
    const size_t count = (size_t)examples * TO_SIZE;                                               \
    for (size_t index = FIRST; index < count; index += STRIDE_OF_GRID)

#define PARAMETERS                                                                                 \
    const float *x, float *y, const float *bias, const float *more, const float *saved,            \
        const float *factors, u32 examples

#define FINISH(value) y[index] = finish(value, index, index % TO_CHANNELS, bias, more, saved, factors)

#if MAP == 0
// The same numbers: in PyTorch's order, channel by channel, they are equal before and after.
KERNEL reorder(PARAMETERS) {
    FOR_EACH_VALUE {
        const u32 example = index / TO_SIZE, rest = index % TO_SIZE;
        const u32 place = rest % TO_CHANNELS * TO_PIXELS + rest / TO_CHANNELS;
        const u32 from = place % FROM_PIXELS * FROM_CHANNELS + place / FROM_PIXELS;
        FINISH(x[(size_t)example * FROM_SIZE + from]);
    }
}
#endif

#if MAP == 1
// y: small images, SCALE times the sums over squares of FACTOR by FACTOR pixels.
KERNEL gather(PARAMETERS) {
    FOR_EACH_VALUE {
        const u32 example = index / TO_SIZE, channel = index % TO_CHANNELS;
        const u32 pixel = index % TO_SIZE / TO_CHANNELS;
        const u32 row = pixel / TO_WIDTH * FACTOR, column = pixel % TO_WIDTH * FACTOR;
        const float* from = x + (size_t)example * FROM_SIZE + channel;
        float sum = 0.0f;
        for (u32 i = 0; i < FACTOR; ++i) {
            for (u32 j = 0; j < FACTOR; ++j) {
                sum += from[((row + i) * FROM_WIDTH + column + j) * FROM_CHANNELS];
            }
        }
        FINISH(sum * (float)(SCALE));
    }
}
#endif

#if MAP == 2
// y: large images, SCALE times the pixel of the small one.
KERNEL spread(PARAMETERS) {
    FOR_EACH_VALUE {
        const u32 example = index / TO_SIZE, channel = index % TO_CHANNELS;
        const u32 pixel = index % TO_SIZE / TO_CHANNELS;
        const u32 from = pixel / TO_WIDTH / FACTOR * FROM_WIDTH + pixel % TO_WIDTH / FACTOR;
        FINISH(x[(size_t)example * FROM_SIZE + from * FROM_CHANNELS + channel] * (float)(SCALE));
    }
}
#endif

#if MAP == 3
// The largest of each PIECES channels; what is not a number stays visible.
KERNEL maxout(PARAMETERS) {
    FOR_EACH_VALUE {
        const float* pieces = x + index * PIECES;
        float largest = pieces[0];
        for (u32 piece = 1; piece < PIECES; ++piece) {
            largest = pieces[piece] > largest || pieces[piece] != pieces[piece] ? pieces[piece] : largest;
        }
        FINISH(largest);
    }
}
#endif

#if MAP == 4
// Of the first piece that is as large as the result: input [.., PIECES · channels], output [.., channels].
INSIDE u32 chosen(const float* pieces, float output) {
    u32 piece = 0;
    while (piece + 1 < PIECES && pieces[piece] != output) {
        ++piece;
    }
    return piece;
}

// The tangent of the chosen piece.
KERNEL maxout_tangent(PARAMETERS, const float* input, const float* output) {
    FOR_EACH_VALUE {
        FINISH(x[index * PIECES + chosen(input + index * PIECES, output[index])]);
    }
}

// The gradient at the chosen piece, 0 at the others.
KERNEL maxout_back(PARAMETERS, const float* input, const float* output) {
    FOR_EACH_VALUE {
        const size_t unit = index / PIECES;
        const bool is_chosen = chosen(input + unit * PIECES, output[unit]) == index % PIECES;
        FINISH(is_chosen ? x[unit] : 0.0f);
    }
}
#endif

#if MAP == 5
// Each value times its factor.
KERNEL dropout(PARAMETERS, const float* mask) {
    FOR_EACH_VALUE { FINISH(x[index] * mask[index]); }
}
#endif

#if MAP == 6
// A one at the example's class behind the channels of a vector; zeros without labels, for a tangent.
KERNEL append_class(PARAMETERS, const u32* labels, u32 examples_of_batch) {
    FOR_EACH_VALUE {
        const u32 example = index / TO_CHANNELS, channel = index % TO_CHANNELS;
        const u32 class_channel = labels ? FROM_CHANNELS + labels[example % examples_of_batch] : 0;
        const bool is_input = channel < FROM_CHANNELS;
        FINISH(is_input ? x[(size_t)example * FROM_CHANNELS + channel]
                        : (channel == class_channel ? 1.0f : 0.0f));
    }
}

// Only the first channels have a gradient.
KERNEL append_class_back(PARAMETERS) {
    FOR_EACH_VALUE {
        FINISH(x[index / TO_CHANNELS * FROM_CHANNELS + index % TO_CHANNELS]);
    }
}
#endif

#if MAP == 7
// The first channel and that of the example's class.
KERNEL class_logit(PARAMETERS, const u32* labels, u32 examples_of_batch) {
    FOR_EACH_VALUE {
        const float* channels = x + index * FROM_CHANNELS;
        FINISH(channels[0] + channels[1 + labels[index % examples_of_batch]]);
    }
}

KERNEL class_logit_back(PARAMETERS, const u32* labels, u32 examples_of_batch) {
    FOR_EACH_VALUE {
        const u32 example = index / TO_CHANNELS, channel = index % TO_CHANNELS;
        const u32 class_channel = 1 + labels[example % examples_of_batch];
        FINISH(channel == 0 || channel == class_channel ? x[example] : 0.0f);
    }
}
#endif
