// Indices as sorted keys, so that what belongs to one row is added up in a fixed order.
//
// A key is an index, and in its low word the place where it stood; what names no row is ABSENT and last.

#define ABSENT (~(size)0)
#define ROW(key) ((word)((key) >> 32))
#define PLACE_OF(key) ((key) & 0xffffffffull)
#define SPAN 2048

struct Keys {
    const word* indices;
    size* keys;
    // Keys from `start` on; up to `padded` they are absent.
    size count, padded;
    // Rows that can be named, and an index that is left out (of more than 32 bits for none).
    size rows, padding;
    size *status, step;
};

KERNEL(keys, Keys) {
    EACH(i, a.padded) {
        word row = NONE;
        if (i < a.count && a.indices[i] != a.padding)
            row = row_of(a.indices[i], a.rows, a.status, a.step);
        a.keys[i] = row == NONE ? ABSENT : (size)row << 32 | i;
    }
}

struct Sort {
    size* keys;
    size count, length, distance;
};

DEVICE void order(size* keys, size first, size distance, bool up) {
    const size x = keys[first], y = keys[first + distance];
    if ((x > y) == up) {
        keys[first] = y;
        keys[first + distance] = x;
    }
}

#define FIRST(pair, distance) ((pair) / (distance) * 2 * (distance) + (pair) % (distance))

// Runs of `length` keys, SPAN at most, each by itself; neighbours in opposite directions.
KERNEL(sort_runs, Sort) {
    SHARED size run[SPAN];
    BLOCKS(block, a.count / a.length) {
        size* keys = a.keys + block * a.length;
        PHASE(LANES(i, a.length) run[i] = keys[i];);
        for (size length = 2; length <= a.length; length *= 2)
            for (size distance = length / 2; distance > 0; distance /= 2)
                PHASE(LANES(pair, a.length / 2) {
                    const size first = FIRST(pair, distance);
                    order(run, first, distance, ((first + block * a.length) & length) == 0);
                });
        PHASE(LANES(i, a.length) keys[i] = run[i];);
    }
}

KERNEL(sort_pairs, Sort) {
    EACH(pair, a.count / 2) {
        const size first = FIRST(pair, a.distance);
        order(a.keys, first, a.distance, (first & a.length) == 0);
    }
}

// All distances below SPAN, within sequences of `length` keys.
KERNEL(sort_rest, Sort) {
    SHARED size run[SPAN];
    BLOCKS(block, a.count / SPAN) {
        size* keys = a.keys + block * SPAN;
        PHASE(LANES(i, SPAN) run[i] = keys[i];);
        for (size distance = SPAN / 2; distance > 0; distance /= 2)
            PHASE(LANES(pair, SPAN / 2) {
                const size first = FIRST(pair, distance);
                order(run, first, distance, ((first + block * SPAN) & a.length) == 0);
            });
        PHASE(LANES(i, SPAN) keys[i] = run[i];);
    }
}

struct Unique {
    const size* keys;
    word* y;
    size count, total;
};

// The rows that sorted keys name, each once, then NONE; for one block.
KERNEL(unique, Unique) {
    SHARED size starts[WIDEST];
    SHARED size kept[1];
    const size chunk = (a.count + THREADS - 1) / THREADS;
#define FRESH(i) (a.keys[i] != ABSENT && (i == 0 || ROW(a.keys[i]) != ROW(a.keys[i - 1])))
#define OWN(i) for (size i = THREAD * chunk; i < (THREAD + 1) * chunk && i < a.count; ++i)
    BLOCKS(block, 1) {
        PHASE(
            size own = 0;
            OWN(i) own += FRESH(i) ? 1 : 0;
            starts[THREAD] = own;
        );
        PHASE(if (THREAD == 0) {
            size so_far = 0;
            for (size i = 0; i < THREADS; ++i) {
                const size own = starts[i];
                starts[i] = so_far;
                so_far += own;
            }
            kept[0] = so_far;
        });
        PHASE(
            size to = starts[THREAD];
            OWN(i) if (FRESH(i)) a.y[to++] = ROW(a.keys[i]);
            LANES(i, a.total - kept[0]) a.y[kept[0] + i] = NONE;
        );
    }
}

struct Starts {
    const size* keys;
    // The rows that are looked for; their own numbers where this is nowhere.
    const word* rows;
    size* starts;
    size count, total;
};

// Where the keys of each row begin; `count` for a row that is none.
KERNEL(starts, Starts) {
    EACH(i, a.total) {
        const word row = a.rows ? a.rows[i] : (word)i;
        size low = 0, high = a.count;
        while (low < high) {
            const size middle = (low + high) / 2;
            if (a.keys[middle] < (size)row << 32) low = middle + 1;
            else high = middle;
        }
        a.starts[i] = row == NONE ? a.count : low;
    }
}

struct Position {
    const word* unique;
    const word* indices;
    word* y;
    size count, total, padding;
};

// Where each index stands among distinct ones that ascend.
KERNEL(position, Position) {
    EACH(i, a.count) {
        const word index = a.indices[i];
        size low = 0, high = a.total;
        while (low < high) {
            const size middle = (low + high) / 2;
            if (a.unique[middle] < index) low = middle + 1;
            else high = middle;
        }
        const bool there = index != NONE && index != a.padding && low < a.total;
        a.y[i] = there && a.unique[low] == index ? (word)low : NONE;
    }
}
