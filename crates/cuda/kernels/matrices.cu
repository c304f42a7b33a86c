// Factors and systems of equations.

struct Mirror {
    REAL* y;
    size count, n;
};

// What is below the diagonal, above it too.
KERNEL(NAME(mirror), Mirror) {
    EACH(at, a.count * a.n * a.n) {
        const size row = at / a.n % a.n, column = at % a.n;
        if (column > row) a.y[at] = a.y[(at / a.n / a.n * a.n + column) * a.n + row];
    }
}

struct Factor {
    const REAL* x;
    REAL* l;
    size count, n;
    size *status, step;
};

// The lower factors of the symmetric parts of matrices, column by column.
KERNEL(NAME(cholesky), Factor) {
    BLOCKS(matrix, a.count) {
        const REAL* x = a.x + matrix * a.n * a.n;
        REAL* l = a.l + matrix * a.n * a.n;
        for (size j = 0; j < a.n; ++j) {
            PHASE(LANES(i, a.n) {
                double rest = 0;
                if (i >= j) {
                    rest = ((double)x[i * a.n + j] + x[j * a.n + i]) / 2;
                    for (size p = 0; p < j; ++p) rest -= (double)l[i * a.n + p] * l[j * a.n + p];
                }
                l[i * a.n + j] = (REAL)rest;
                if (i == j && !(rest > 0)) note(a.status, a.step, 0);
            });
            PHASE(LANES(i, a.n) if (i > j) l[i * a.n + j] /= sqrt(l[j * a.n + j]););
            PHASE(if (THREAD == 0) l[j * a.n + j] = sqrt(l[j * a.n + j]););
        }
    }
}

struct Triangle {
    const REAL* l;
    const REAL* b;
    REAL* x;
    size count, n, m, transposed;
    size *status, step;
};

// l^-1 b or l^-T b, a thread for each column.
KERNEL(NAME(substitute), Triangle) {
    EACH(at, a.count * a.m) {
        const size matrix = at / a.m, column = at % a.m;
        const REAL* l = a.l + matrix * a.n * a.n;
        const REAL* b = a.b + matrix * a.n * a.m + column;
        REAL* x = a.x + matrix * a.n * a.m + column;
        for (size done = 0; done < a.n; ++done) {
            const size i = a.transposed ? a.n - 1 - done : done;
            double rest = b[i * a.m];
            for (size before = 0; before < done; ++before) {
                const size j = a.transposed ? a.n - 1 - before : before;
                const double factor = a.transposed ? l[j * a.n + i] : l[i * a.n + j];
                rest -= factor * x[j * a.m];
            }
            if (l[i * a.n + i] == 0) note(a.status, a.step, i);
            x[i * a.m] = (REAL)(rest / l[i * a.n + i]);
        }
    }
}
