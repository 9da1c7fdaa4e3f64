// The adversarial losses of a step, their derivatives with respect to the logits, and the step's figures.

#define NON_SATURATING 0
#define MINIMAX 1
#define LEAST_SQUARES 2
#define WASSERSTEIN 3
#define HINGE 4
#define RELATIVISTIC_PAIRING 5

// What a step reports.
struct Figures {
    double discriminator_loss, generator_loss, d_real, d_fake, value;
    // Whether logits of real, generated and interpolated images, and the generated images, are all finite.
    u32 finite[4];
};

INSIDE double sigmoid(double x) {
    const double e = exp(-fabs(x));
    return x >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

INSIDE double softplus(double x) { return (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x))); }

INSIDE bool is_finite(float x) { return x * 0.0f == 0.0f; }

// The discriminator's loss for an image of each kind, and its derivatives.
INSIDE double discriminator_loss(double real, double fake, double label, double* by_real,
                                 double* by_fake) {
#if LOSS == LEAST_SQUARES
    *by_real = real - label;
    *by_fake = fake;
    return 0.5 * ((real - label) * (real - label) + fake * fake);
#elif LOSS == WASSERSTEIN
    *by_real = -1.0;
    *by_fake = 1.0;
    return fake - real;
#elif LOSS == HINGE
    *by_real = real < 1.0 ? -1.0 : 0.0;
    *by_fake = fake > -1.0 ? 1.0 : 0.0;
    return (real < 1.0 ? 1.0 - real : 0.0) + (fake > -1.0 ? 1.0 + fake : 0.0);
#elif LOSS == RELATIVISTIC_PAIRING
    *by_fake = sigmoid(fake - real);
    *by_real = -*by_fake;
    return softplus(fake - real);
#else
    *by_real = 0.5 * (sigmoid(real) - label);
    *by_fake = 0.5 * sigmoid(fake);
    return 0.5 * (label * softplus(-real) + (1.0 - label) * softplus(real) + softplus(fake));
#endif
}

// The generator's loss for an image of each kind, and its derivative with respect to the generated one's logit.
INSIDE double generator_loss(double real, double fake, double* by_fake) {
#if LOSS == NON_SATURATING
    *by_fake = sigmoid(fake) - 1.0;
    return softplus(-fake);
#elif LOSS == MINIMAX
    *by_fake = -sigmoid(fake);
    return -softplus(fake);
#elif LOSS == LEAST_SQUARES
    *by_fake = fake - 1.0;
    return 0.5 * (fake - 1.0) * (fake - 1.0);
#elif LOSS == RELATIVISTIC_PAIRING
    *by_fake = -sigmoid(real - fake);
    return softplus(real - fake);
#else
    *by_fake = -1.0;
    return -fake;
#endif
}

// logits [batches, count]: of real images, generated ones and, of a third batch, others that no loss depends on. Writes
// the derivatives of the losses that are wanted: by_discriminator [batches, count], by_generator [count]; and their
// figures at the cursor.
KERNEL losses(const float* logits, float* by_discriminator, float* by_generator, u8* figures,
              const u32* cursor, const float* fake_images, u32 count, u32 batches, u32 values,
              double label) {
    __shared__ double shared[THREADS];
    double of_discriminator = 0.0, of_generator = 0.0, d_real = 0.0, d_fake = 0.0, value = 0.0;
    double bad[4] = {0.0, 0.0, 0.0, 0.0};
    for (u32 index = threadIdx.x; index < count; index += THREADS) {
        const double real = logits[index], fake = logits[count + index];
        double by_real, by_fake, by_fake_of_generator;
        of_discriminator += discriminator_loss(real, fake, label, &by_real, &by_fake);
        of_generator += generator_loss(real, fake, &by_fake_of_generator);
        d_real += sigmoid(real);
        d_fake += sigmoid(fake);
        value -= softplus(-real) + softplus(fake);
        if (by_discriminator) {
            by_discriminator[index] = (float)(by_real / count);
            by_discriminator[count + index] = (float)(by_fake / count);
            if (batches == 3) {
                by_discriminator[2 * count + index] = 0.0f;
            }
        }
        if (by_generator) {
            by_generator[index] = (float)(by_fake_of_generator / count);
        }
        for (u32 batch = 0; batch < batches; ++batch) {
            bad[batch] += is_finite(logits[batch * count + index]) ? 0.0 : 1.0;
        }
    }
    of_discriminator = block_sum(shared, of_discriminator) / count;
    of_generator = block_sum(shared, of_generator) / count;
    d_real = block_sum(shared, d_real) / count;
    d_fake = block_sum(shared, d_fake) / count;
    value = block_sum(shared, value) / count;
    double any = 0.0;
    for (u32 batch = 0; batch < 3; ++batch) {
        bad[batch] = block_sum(shared, bad[batch]);
        any += bad[batch];
    }
    // Only logits that are not finite raise the question.
    for (u32 index = threadIdx.x; any > 0.0 && index < count * values; index += THREADS) {
        bad[3] += is_finite(fake_images[index]) ? 0.0 : 1.0;
    }
    bad[3] = block_sum(shared, bad[3]);
    if (threadIdx.x == 0) {
        Figures* to = (Figures*)figures + *cursor;
        if (by_discriminator) {
            to->discriminator_loss = (float)of_discriminator;
            to->d_real = (float)d_real;
            to->d_fake = (float)d_fake;
            to->value = (float)value;
            for (int i = 0; i < 4; ++i) {
                to->finite[i] = bad[i] == 0.0;
            }
        }
        if (by_generator) {
            to->generator_loss = (float)of_generator;
        }
    }
}
