// Elements that are moved, or left out.

struct Place {
    const WORD* x;
    WORD* y;
    size rows, width, row, start;
};

// Rows of one width into longer ones, from a place on.
KERNEL(NAME(place), Place) {
    EACH(at, a.rows * a.width) a.y[at / a.width * a.row + a.start + at % a.width] = a.x[at];
}

struct Pad {
    const REAL* x;
    REAL* y;
    size count, inner, extent, start, whole;
};

// Zeros before and behind along one axis.
KERNEL(NAME(pad), Pad) {
    EACH(at, a.count) {
        const size along = at / a.inner % a.whole - a.start, outer = at / a.inner / a.whole;
        // Before the start, `along` has wrapped to a large number.
        a.y[at] = along < a.extent ? a.x[(outer * a.extent + along) * a.inner + at % a.inner] : 0;
    }
}

struct Dropout {
    const REAL* x;
    const word* key;
    REAL* y;
    size count, limit;
    double scale;
};

// As splitmix64 does it (Steele, Lea & Flood 2014, figure 15).
DEVICE size mixed(size z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// An element goes where its number, mixed from key and place, is below the limit.
KERNEL(NAME(dropout), Dropout) {
    const size golden = 0x9E3779B97F4A7C15ull;
    EACH(at, a.count) {
        const size stream = mixed(((size)a.key[1] << 32 | a.key[0]) + golden);
        const size start = mixed(stream ^ ((size)a.key[3] << 32 | a.key[2]) * golden);
        const size drawn = mixed(start + (at + 1) * golden) >> 32;
        a.y[at] = drawn < a.limit ? (REAL)0 : a.x[at] * (REAL)a.scale;
    }
}
