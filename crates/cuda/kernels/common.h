// What the kernels share.

#define NONE 0xffffffffu

// A block has at most so many threads.
#define WIDEST 256

// Folds a shared array of one value a thread into its first place, by a fixed tree.
#define FOLD(array, join)                                                                          \
    for (size half = THREADS / 2; half > 0; half /= 2)                                             \
    PHASE(if (THREAD < half) array[THREAD] = join(array[THREAD], array[THREAD + half]);)

DEVICE double plus(double x, double y) { return x + y; }

// Notes that something is wrong with a value: of all notes the one of the first step stays, and of its
// notes the one with the least value.
DEVICE void note(size* status, size step, size value) { most(status, ~(step << 32 | value)); }

// The row that an index names among so many; NONE for none, and for one that is noted.
DEVICE word row_of(word index, size rows, size* status, size step) {
    if (index == NONE || index < rows) return index;
    note(status, step, index);
    return NONE;
}
