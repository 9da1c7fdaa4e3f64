// What every kernel begins with: short names, copies into shared memory and products on the tensor cores.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define KERNEL extern "C" __global__ void __launch_bounds__(THREADS)
#define INSIDE __device__ __forceinline__

// An index of a thread among all of a one-dimensional launch, and their number.
#define FIRST (blockIdx.x * THREADS + threadIdx.x)
#define STRIDE_OF_GRID (gridDim.x * THREADS)

INSIDE u32 shared_address(const void* pointer) {
    return (u32)__cvta_generic_to_shared(pointer);
}

// Copies `WIDTH` floats to shared memory, or zeros if not `valid`; complete after `copies_wait`.
template <int WIDTH> INSIDE void copy(float* to, const float* from, bool valid) {
    if (WIDTH == 4) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)),
                     "l"(from), "r"(valid ? 16 : 0));
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to)),
                     "l"(from), "r"(valid ? 4 : 0));
    }
}

INSIDE void copies_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most `LEFT` groups of copies are not complete.
template <int LEFT> INSIDE void copies_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

// The nearest number with the 10 bits of mantissa that a tensor core reads, in an f32.
INSIDE u32 to_tf32(float x) {
    u32 y;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
    return y;
}

// d [16, 8] += a [16, 8] · b [8, 8] of one warp. Of lane 4 g + t: d (g, 2t), (g, 2t + 1), (g + 8, 2t),
// (g + 8, 2t + 1); a (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4); b (t, g), (t + 4, g).
INSIDE void multiply(float* d, const u32* a, const u32* b) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Two numbers rounded to bfloat16, the first one in the low half.
INSIDE u32 bf16_pair(float low, float high) {
    u32 pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

// d [16, 8] += a [16, 16] · b [16, 8] of one warp, whose factors are pairs along the terms. Of lane 4 g + t: d as in
// `multiply`; a (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8); b (2t, g), (2t + 8, g).
INSIDE void multiply_bf16(float* d, const u32* a, const u32* b) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// The shared memory whose size is given at the launch.
#define DYNAMIC_SHARED(name) extern __shared__ __align__(16) float name[]

INSIDE float from_bits(u32 bits) { return __uint_as_float(bits); }

INSIDE u32 bits_of(float x) { return __float_as_uint(x); }

INSIDE double double_from_bits(u64 bits) { return __longlong_as_double((long long)bits); }

INSIDE u64 double_bits(double x) { return (u64)__double_as_longlong(x); }

// The value of the lane `mask` away.
template <typename T> INSIDE T of_lane(T value, int mask) {
    return __shfl_xor_sync(0xffffffffu, value, mask);
}
