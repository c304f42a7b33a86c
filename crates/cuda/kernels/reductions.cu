// Sums and maxima along axes. Here and elsewhere sums are kept in double: an addition for each element
// that is read costs less than reading it.

struct Reduce {
    const REAL* x;
    REAL* y;
    // [outer, count, inner] to [outer, parts, inner].
    size outer, count, inner, parts, chunk;
    // Neighbours along inner that a block reduces side by side.
    size columns;
};

// A block reduces a range of its columns: each thread every so many elements, then a tree.
#define REDUCE(TYPE, START, STEP, JOIN)                                                            \
    SHARED TYPE folded[WIDEST];                                                                    \
    const size strips = (a.inner + a.columns - 1) / a.columns;                                     \
    BLOCKS(block, a.outer * a.parts * strips) {                                                    \
        PHASE(                                                                                     \
            const size column = block % strips * a.columns + THREAD % a.columns;                   \
            const size part = block / strips % a.parts, outer = block / strips / a.parts;          \
            const size end = (part + 1) * a.chunk < a.count ? (part + 1) * a.chunk : a.count;      \
            TYPE so_far = START;                                                                   \
            if (column < a.inner)                                                                  \
                for (size i = part * a.chunk + THREAD / a.columns; i < end;                        \
                     i += THREADS / a.columns) {                                                   \
                    const REAL x = a.x[(outer * a.count + i) * a.inner + column];                  \
                    so_far = STEP(so_far, x);                                                      \
                }                                                                                  \
            folded[THREAD] = so_far;                                                               \
        );                                                                                         \
        for (size half = THREADS / 2; half >= a.columns; half /= 2)                                \
            PHASE(if (THREAD < half)                                                               \
                      folded[THREAD] = JOIN(folded[THREAD], folded[THREAD + half]););              \
        PHASE(                                                                                     \
            const size column = block % strips * a.columns + THREAD;                               \
            if (THREAD < a.columns && column < a.inner)                                            \
                a.y[block / strips * a.inner + column] = (REAL)folded[THREAD];                     \
        );                                                                                         \
    }

KERNEL(NAME(sum), Reduce) { REDUCE(double, 0, plus, plus) }

KERNEL(NAME(max), Reduce) { REDUCE(REAL, least(), larger, larger) }
