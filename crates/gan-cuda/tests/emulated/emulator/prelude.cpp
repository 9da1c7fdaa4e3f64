// A GPU's threads on the CPU, for tests: the kernels' own source, compiled as C++ behind this in place of `prelude.cu`.
// The threads of a block are contexts that take turns: each runs until it waits for the block or its warp. In which
// order is a choice, so that what depends on it is found. Warps multiply with the tensor cores' numbers.

#include "headers.h"

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

namespace emulation {

const u32 MOST_THREADS = 1024, STACK = 128 << 10, SHARED = 232448;

enum State { READY, AT_WARP, AT_BLOCK, DONE };

struct Index {
    u32 x, y, z;
};

struct Launch {
    Index grid;
    u32 threads, shared_bytes;
    // 0: threads run in their order; else a number that shuffles it.
    u32 order;
};

static State states[MOST_THREADS];
static jmp_buf contexts[MOST_THREADS], scheduler;
static ucontext_t beginnings[MOST_THREADS], home;
static char* stacks;
static u32 current;
static bool begun[MOST_THREADS];
// Two, in turns: who writes the next one has seen that all have read the last.
static u64 exchanged[2][MOST_THREADS][3];
static u32 exchanges[MOST_THREADS];
static void (*body)(void*);
static void* body_argument;
static char shared_memory[SHARED] __attribute__((aligned(128)));

static void wait(State state) {
    states[current] = state;
    if (_setjmp(contexts[current]) == 0) {
        _longjmp(scheduler, 1);
    }
}

// A thread's context serves every block: to begin one anew asks the system for its signals.
static void thread() {
    for (;;) {
        body(body_argument);
        wait(DONE);
    }
}

}  // namespace emulation

static emulation::Index threadIdx, blockIdx, gridDim;

namespace emulation {

static void run(u32 number) {
    current = number;
    threadIdx.x = number;
    if (_setjmp(scheduler) != 0) {
        return;
    }
    if (begun[number]) {
        _longjmp(contexts[number], 1);
    }
    begun[number] = true;
    ucontext_t* context = &beginnings[number];
    getcontext(context);
    context->uc_stack.ss_sp = stacks + (size_t)number * STACK;
    context->uc_stack.ss_size = STACK;
    context->uc_link = &home;
    makecontext(context, thread, 0);
    setcontext(context);
}

// Whether all of some threads that are not done wait so; they may go on then.
static bool release(u32 begin, u32 end, State state) {
    bool any = false;
    for (u32 i = begin; i < end; ++i) {
        if (states[i] != state && states[i] != DONE) {
            return false;
        }
        any = any || states[i] == state;
    }
    for (u32 i = begin; any && i < end; ++i) {
        states[i] = states[i] == state ? READY : states[i];
    }
    return any;
}

static u32 gcd(u32 a, u32 b) { return b == 0 ? a : gcd(b, a % b); }

// Whether a block came to its end: its threads do not if some wait for what others never do.
static bool run_block(const Launch* launch) {
    const u32 count = launch->threads;
    std::memset(shared_memory, 0xff, launch->shared_bytes);
    for (u32 i = 0; i < count; ++i) {
        states[i] = READY;
        exchanges[i] = 0;
    }
    u32 stride = launch->order == 0 ? 1 : launch->order % count;
    while (stride == 0 || gcd(stride, count) != 1) {
        ++stride;
    }
    for (bool going = true; going;) {
        going = false;
        for (u32 turn = 0; turn < count; ++turn) {
            const u32 number = (u32)((u64)turn * stride + launch->order) % count;
            if (states[number] == READY) {
                run(number);
                going = true;
            }
        }
        for (u32 begin = 0; begin < count; begin += 32) {
            going = release(begin, begin + 32 < count ? begin + 32 : count, AT_WARP) || going;
        }
        going = release(0, count, AT_BLOCK) || going;
    }
    for (u32 i = 0; i < count; ++i) {
        if (states[i] != DONE) {
            return false;
        }
    }
    return true;
}

template <typename... Arguments, size_t... Numbers>
static void call(void (*kernel)(Arguments...), void** arguments, std::index_sequence<Numbers...>) {
    kernel(*(Arguments*)arguments[Numbers]...);
}

template <typename T> static char type_of(T*) { return 'p'; }
static char type_of(u32) { return 'u'; }
static char type_of(u64) { return 'U'; }
static char type_of(float) { return 'f'; }
static char type_of(double) { return 'd'; }

// 0: done; 1: some threads wait for ever; 2: the kernel has other arguments.
template <typename... Arguments>
static int launch(void (*kernel)(Arguments...), const Launch* launch, void** arguments,
                  const char* types) {
    const char expected[] = {type_of(Arguments())..., 0};
    if (std::strcmp(types, expected) != 0) {
        return 2;
    }
    struct Call {
        void (*kernel)(Arguments...);
        void** arguments;
    } values = {kernel, arguments};
    body = [](void* pointer) {
        const Call* values = (const Call*)pointer;
        call(values->kernel, values->arguments, std::index_sequence_for<Arguments...>());
    };
    body_argument = &values;
    if (!stacks) {
        stacks = new char[(size_t)MOST_THREADS * STACK];
    }
    gridDim = launch->grid;
    for (blockIdx.z = 0; blockIdx.z < gridDim.z; ++blockIdx.z) {
        for (blockIdx.y = 0; blockIdx.y < gridDim.y; ++blockIdx.y) {
            for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x) {
                if (!run_block(launch)) {
                    return 1;
                }
            }
        }
    }
    return 0;
}

// The numbers that each lane of the warp gives, in its slot; valid until the next exchange.
static u64 (*exchange(u64 a, u64 b, u64 c))[3] {
    u64(*slots)[3] = exchanged[exchanges[current]++ % 2];
    slots[current][0] = a;
    slots[current][1] = b;
    slots[current][2] = c;
    wait(AT_WARP);
    return slots + current / 32 * 32;
}

}  // namespace emulation

#define KERNEL static void
#define INSIDE static inline
#define __shared__ static
#define FIRST (blockIdx.x * THREADS + threadIdx.x)
#define STRIDE_OF_GRID (gridDim.x * THREADS)
#define DYNAMIC_SHARED(name) float* name = (float*)emulation::shared_memory

static inline void __syncthreads() { emulation::wait(emulation::AT_BLOCK); }

// Copies into shared memory are made when a thread waits for them, and not before: who forgets it reads what was there.
struct Copy {
    float* to;
    const float* from;
    int width;
};

static std::vector<std::vector<Copy>> groups[emulation::MOST_THREADS];

static std::vector<std::vector<Copy>>* own_groups() {
    std::vector<std::vector<Copy>>* own = &groups[emulation::current];
    if (own->empty()) {
        own->emplace_back();
    }
    return own;
}

template <int WIDTH> static inline void copy(float* to, const float* from, bool valid) {
    own_groups()->back().push_back({to, valid ? from : 0, WIDTH});
}

static inline void copies_commit() { own_groups()->emplace_back(); }

template <int LEFT> static inline void copies_wait() {
    std::vector<std::vector<Copy>>* own = own_groups();
    // The last one is not committed yet.
    while (own->size() > LEFT + 1) {
        for (const Copy& copy : own->front()) {
            for (int i = 0; i < copy.width; ++i) {
                copy.to[i] = copy.from ? copy.from[i] : 0.0f;
            }
        }
        own->erase(own->begin());
    }
}

template <typename To, typename From> static inline To same_bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "sizes");
    To y;
    std::memcpy(&y, &x, sizeof(y));
    return y;
}

static inline float from_bits(u32 bits) { return same_bits<float>(bits); }
static inline u32 bits_of(float x) { return same_bits<u32>(x); }
static inline double double_from_bits(u64 bits) { return same_bits<double>(bits); }
static inline u64 double_bits(double x) { return same_bits<u64>(x); }

static inline u32 to_tf32(float x) {
    const u32 bits = bits_of(x);
    return (bits & 0x7f800000u) == 0x7f800000u ? bits : (bits + 0x1000u) & 0xffffe000u;
}

// A sum as a tensor core leaves it, which cuts it off.
static inline float cut_off(double sum) {
    const float nearest = (float)sum;
    return std::fabs((double)nearest) > std::fabs(sum) ? std::nextafter(nearest, 0.0f) : nearest;
}

static inline void multiply(float* d, const u32* a, const u32* b) {
    // a₀ a₁, a₂ a₃, b₀ b₁ of each lane.
    const u64(*lanes)[3] = emulation::exchange(a[0] | (u64)a[1] << 32, a[2] | (u64)a[3] << 32,
                                               b[0] | (u64)b[1] << 32);
    const u32 lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    for (u32 part = 0; part < 4; ++part) {
        const u32 high_row = part / 2, column = 2 * t + part % 2;
        double sum = d[part];
        for (u32 k = 0; k < 8; ++k) {
            const u64 a_pair = lanes[4 * g + k % 4][k / 4], b_pair = lanes[4 * column + k % 4][2];
            const float a_k = from_bits((u32)(a_pair >> 32 * high_row));
            sum += (double)a_k * from_bits((u32)(b_pair >> 32 * (k / 4)));
        }
        d[part] = cut_off(sum);
    }
}

static inline u32 bf16_pair(float low, float high) {
    // To the nearest, halfway to an even last bit.
    const u32 bits[2] = {bits_of(low), bits_of(high)};
    u32 pair = 0;
    for (int i = 0; i < 2; ++i) {
        const u32 rounded = bits[i] + 0x7fffu + (bits[i] >> 16 & 1u);
        pair |= rounded >> 16 << 16 * i;
    }
    return pair;
}

static inline void multiply_bf16(float* d, const u32* a, const u32* b) {
    const u64(*lanes)[3] = emulation::exchange(a[0] | (u64)a[1] << 32, a[2] | (u64)a[3] << 32,
                                               b[0] | (u64)b[1] << 32);
    const u32 lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    for (u32 part = 0; part < 4; ++part) {
        const u32 high_row = part / 2, column = 2 * t + part % 2;
        double sum = d[part];
        for (u32 k = 0; k < 16; ++k) {
            const u32 of_lane = k % 8 / 2;
            const u32 a_pair = (u32)(lanes[4 * g + of_lane][k / 8] >> 32 * high_row);
            const u32 b_pair = (u32)(lanes[4 * column + of_lane][2] >> 32 * (k / 8));
            const float a_k = from_bits(a_pair >> 16 * (k % 2) << 16);
            sum += (double)a_k * from_bits(b_pair >> 16 * (k % 2) << 16);
        }
        d[part] = cut_off(sum);
    }
}

template <typename T> static inline T of_lane(T value, int mask) {
    u64 bits = 0;
    std::memcpy(&bits, &value, sizeof(value));
    const u64(*lanes)[3] = emulation::exchange(bits, 0, 0);
    T other;
    std::memcpy(&other, &lanes[(threadIdx.x % 32) ^ (u32)mask][0], sizeof(other));
    return other;
}
