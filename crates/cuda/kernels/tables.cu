// Rows of tables and elements of rows, by index.

struct Bags {
    const REAL* table;
    const word* indices;
    REAL* y;
    size bags, length, width, rows, padding;
    size *status, step;
};

// The sum of the rows that each bag names.
KERNEL(NAME(bags), Bags) {
    EACH(at, a.bags * a.width) {
        const size bag = at / a.width, column = at % a.width;
        double sum = 0;
        for (size i = bag * a.length; i < (bag + 1) * a.length; ++i) {
            if (a.indices[i] == a.padding) continue;
            const word row = row_of(a.indices[i], a.rows, a.status, a.step);
            if (row != NONE) sum += a.table[row * a.width + column];
        }
        a.y[at] = (REAL)sum;
    }
}

struct RowSums {
    const REAL* x;
    const size* keys;
    const size* starts;
    // The row of each result; its own number where this is nowhere.
    const word* rows;
    REAL* y;
    // Results, elements of each, keys, and keys that share a row of x.
    size total, width, count, length, adds;
};

// The sum of the rows of x whose keys name each row, in the order of their places.
KERNEL(NAME(row_sums), RowSums) {
    EACH(at, a.total * a.width) {
        const size result = at / a.width, column = at % a.width;
        const word row = a.rows ? a.rows[result] : (word)result;
        double sum = a.adds ? a.y[at] : 0;
        for (size i = a.starts[result]; i < a.count && ROW(a.keys[i]) == row; ++i) {
            // An index that names no row is absent, and NONE is the row of those.
            if (row == NONE) break;
            sum += a.x[PLACE_OF(a.keys[i]) / a.length * a.width + column];
        }
        a.y[at] = (REAL)sum;
    }
}

struct Assign {
    const WORD* rows;
    const size* keys;
    WORD* table;
    size count, width;
    const size* status;
};

// Rows over those that sorted keys name; of several for one row the last. Nothing where something was
// noted.
KERNEL(NAME(assign_rows), Assign) {
    if (*a.status) return;
    EACH(at, a.count * a.width) {
        const size i = at / a.width, column = at % a.width, key = a.keys[i];
        if (key == ABSENT || (i + 1 < a.count && ROW(a.keys[i + 1]) == ROW(key))) continue;
        a.table[ROW(key) * a.width + column] = a.rows[PLACE_OF(key) * a.width + column];
    }
}

struct Pick {
    const REAL* x;
    const word* indices;
    REAL* y;
    size rows, width, count;
    size *status, step;
};

// Elements of rows of `width`, `count` of each.
KERNEL(NAME(take), Pick) {
    EACH(at, a.rows * a.count) {
        const word place = row_of(a.indices[at], a.width, a.status, a.step);
        a.y[at] = place == NONE ? (REAL)0 : a.x[at / a.count * a.width + place];
    }
}

// The other way round: what is put to one place is added up.
KERNEL(NAME(put), Pick) {
    EACH(at, a.rows * a.width) {
        const size row = at / a.width, column = at % a.width;
        double sum = 0;
        for (size i = row * a.count; i < (row + 1) * a.count; ++i) {
            const word place = row_of(a.indices[i], a.width, a.status, a.step);
            if (place != NONE && place == column) sum += a.x[i];
        }
        a.y[at] = (REAL)sum;
    }
}
