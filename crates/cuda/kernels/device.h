// What kernels are written in, on a device. A host that stands in for one has a header of its own.
//
// A kernel has one parameter, `a`, a structure of words of 64 bits. It consists of loops over elements
// (EACH), or over what one block does (BLOCKS): there, statements of all threads stand in PHASEs, at
// whose end the threads wait for each other. What outlasts a phase lies in SHARED arrays.

typedef unsigned long long size;
typedef unsigned int word;

#define KERNEL(name, Arguments) extern "C" __global__ void name(const Arguments a)
#define DEVICE static __device__ __forceinline__
#define SHARED __shared__

#define THREAD ((size)threadIdx.x)
#define THREADS ((size)blockDim.x)

// Each i below the count is one thread's.
#define EACH(i, count)                                                                             \
    for (size i = (size)blockIdx.x * blockDim.x + threadIdx.x; i < (count);                        \
         i += (size)gridDim.x * blockDim.x)

// Each i below the count is one block's.
#define BLOCKS(i, count) for (size i = blockIdx.x; i < (count); i += gridDim.x)

// In a phase: each i below the count is one thread's of the block.
#define LANES(i, count) for (size i = threadIdx.x; i < (count); i += blockDim.x)

#define PHASE(...)                                                                                 \
    do {                                                                                           \
        { __VA_ARGS__ }                                                                            \
        __syncthreads();                                                                           \
    } while (0)

DEVICE void most(size* at, size value) { atomicMax(at, value); }
