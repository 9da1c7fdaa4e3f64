// Real images, and what is done to images before the discriminator sees them. Images are [examples, channels, height,
// width] here, as in PyTorch.

// The set bit of an image's number in the order that says that it is mirrored.
#define MIRRORED 0x80000000u

// images ← the bytes of the images in this step's place of the order, x / 127.5 − 1. labels: of the data set, if any.
KERNEL real_images(const u8* bytes, const float* table, const u32* order, const u32* cursor,
                   float* images, const u32* all_labels, u32* labels, u32 batch_size, u32 values,
                   u32 width) {
    const u32 entry = order[(size_t)*cursor * batch_size + blockIdx.x];
    const u32 number = entry & ~MIRRORED;
    const u8* from = bytes + (size_t)number * values;
    float* to = images + (size_t)blockIdx.x * values;
    for (u32 index = threadIdx.x; index < values; index += THREADS) {
        const u32 column = index % width;
        const u32 place = entry & MIRRORED ? index - column + (width - 1 - column) : index;
        to[index] = table[from[place]];
    }
    if (threadIdx.x == 0 && all_labels) {
        labels[blockIdx.x] = all_labels[number];
    }
}

// The augmentation of one image.
struct Change {
    double brightness;
    int rows, columns;
    // Top, bottom, left and right of the cutout.
    int hole[4];
};

// Whether an augmented pixel shows the pixel `from` of the image.
INSIDE bool shows(const Change* change, u32 height, u32 width, u32 row, u32 column, u32* from) {
    const int y = (int)row - change->rows, x = (int)column - change->columns;
    const bool hidden = (int)row >= change->hole[0] && (int)row < change->hole[1] &&
                        (int)column >= change->hole[2] && (int)column < change->hole[3];
    *from = y * (int)width + x;
    return !hidden && y >= 0 && y < (int)height && x >= 0 && x < (int)width;
}

// augmented ← images, each with its change of this step; what shows none is black. first: the place of the first
// image among the changes of a step.
KERNEL augment(const float* images, float* augmented, const u8* changes, const u32* cursor,
               u32 changes_of_step, u32 first, u32 channels, u32 height, u32 width) {
    const Change* change =
        (const Change*)changes + (size_t)*cursor * changes_of_step + first + blockIdx.x;
    const u32 pixels = height * width;
    for (u32 index = threadIdx.x; index < channels * pixels; index += THREADS) {
        const u32 pixel = index % pixels;
        u32 from;
        const bool seen = shows(change, height, width, pixel / width, pixel % width, &from);
        const size_t begin = (size_t)blockIdx.x * channels * pixels;
        const size_t place = begin + index - pixel + from;
        augmented[begin + index] = seen ? (float)(images[place] + change->brightness) : -1.0f;
    }
}

// The adjoint of the linear part: gradients of images from those of augmented ones.
KERNEL augment_back(const float* augmented, float* images, const u8* changes, const u32* cursor,
                    u32 changes_of_step, u32 first, u32 channels, u32 height, u32 width) {
    const Change* change =
        (const Change*)changes + (size_t)*cursor * changes_of_step + first + blockIdx.x;
    const u32 pixels = height * width;
    for (u32 index = threadIdx.x; index < channels * pixels; index += THREADS) {
        const u32 pixel = index % pixels;
        const int row = (int)(pixel / width) + change->rows;
        const int column = (int)(pixel % width) + change->columns;
        const size_t begin = (size_t)blockIdx.x * channels * pixels;
        float gradient = 0.0f;
        if (row >= 0 && row < (int)height && column >= 0 && column < (int)width) {
            u32 from;
            if (shows(change, height, width, row, column, &from)) {
                gradient = augmented[begin + index - pixel + row * width + column];
            }
        }
        images[begin + index] = gradient;
    }
}
