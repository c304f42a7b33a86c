// What kernels are written in, on a host that stands in for a device: blocks one after the other, the
// threads of a block in turn within each phase, forwards or backwards.

typedef unsigned long long size;
typedef unsigned int word;

// A header would take longer to read than most kernels to compile.
#define FUNCTION(name)                                                                             \
    static inline float name(float x) { return __builtin_##name##f(x); }                           \
    static inline double name(double x) { return __builtin_##name(x); }
FUNCTION(exp)
FUNCTION(log)
FUNCTION(sqrt)
FUNCTION(tanh)
static inline float pow(float x, float y) { return __builtin_powf(x, y); }
static inline double pow(double x, double y) { return __builtin_pow(x, y); }

namespace {
struct Index {
    size x;
};
thread_local Index threadIdx, blockIdx, blockDim, gridDim;
thread_local bool backwards;
}  // namespace

extern "C" void turn_backwards(bool yes) { backwards = yes; }

#define KERNEL(name, Arguments) KERNEL_OF(name, Arguments)
#define KERNEL_OF(name, Arguments)                                                                 \
    static void name##_block(const Arguments& a);                                                  \
    extern "C" void name(const void* words, unsigned blocks, unsigned threads) {                   \
        blockDim.x = threads;                                                                      \
        gridDim.x = blocks;                                                                        \
        for (unsigned i = 0; i < blocks; ++i) {                                                    \
            blockIdx.x = backwards ? blocks - 1 - i : i;                                           \
            name##_block(*static_cast<const Arguments*>(words));                                   \
        }                                                                                          \
    }                                                                                              \
    extern "C" size name##_words() { return sizeof(Arguments) / sizeof(size); }                    \
    static void name##_block(const Arguments& a)

#define DEVICE static inline
#define SHARED
#define THREAD (threadIdx.x)
#define THREADS (blockDim.x)

#define EACH_THREAD                                                                                \
    for (size turn = 0; turn < blockDim.x; ++turn)                                                 \
        if (threadIdx.x = backwards ? blockDim.x - 1 - turn : turn; true)

#define EACH(i, count)                                                                             \
    EACH_THREAD                                                                                    \
    for (size i = blockIdx.x * blockDim.x + threadIdx.x; i < (count); i += gridDim.x * blockDim.x)

#define BLOCKS(i, count) for (size i = blockIdx.x; i < (count); i += gridDim.x)
#define LANES(i, count) for (size i = threadIdx.x; i < (count); i += blockDim.x)
#define PHASE(...)                                                                                 \
    do {                                                                                           \
        EACH_THREAD { __VA_ARGS__ }                                                                \
    } while (0)

DEVICE void most(size* at, size value) {
    if (value > *at) *at = value;
}
