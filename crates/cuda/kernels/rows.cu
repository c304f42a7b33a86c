// What is done with whole rows, or with whole channels: a block for each.

struct Rows {
    const REAL* x;
    REAL* y;
    size rows, width;
};

struct Targets {
    const REAL* x;
    const word* targets;
    const REAL* weights;
    REAL* y;
    size rows, width;
    size *status, step;
};

#define ROW_ARRAYS                                                                                 \
    SHARED REAL top[WIDEST];                                                                       \
    SHARED double sums[WIDEST];

// Finds the row's largest element, top[0], and the logarithm of the sum of the exponentials of all less
// that one, sums[0].
#define EXPONENTIALS(x)                                                                            \
    PHASE(                                                                                         \
        REAL so_far = least();                                                                     \
        LANES(i, a.width) so_far = larger(so_far, (x)[i]);                                         \
        top[THREAD] = so_far;                                                                      \
    );                                                                                             \
    FOLD(top, larger);                                                                             \
    PHASE(                                                                                         \
        double so_far = 0;                                                                         \
        LANES(i, a.width) so_far += exp((x)[i] - top[0]);                                          \
        sums[THREAD] = so_far;                                                                     \
    );                                                                                             \
    FOLD(sums, plus);                                                                              \
    PHASE(if (THREAD == 0) sums[0] = log(sums[0]););

// The logarithm of the sum of exponentials, of a row of nothing but negative infinities too.
#define LOG_SUM (top[0] == least() ? (double)top[0] : top[0] + sums[0])

#define PROBABILITY(x) exp(((x) - top[0]) - (REAL)sums[0])

KERNEL(NAME(softmax), Rows) {
    ROW_ARRAYS
    BLOCKS(row, a.rows) {
        const REAL* x = a.x + row * a.width;
        EXPONENTIALS(x)
        PHASE(LANES(i, a.width) a.y[row * a.width + i] = PROBABILITY(x[i]););
    }
}

KERNEL(NAME(log_softmax), Rows) {
    ROW_ARRAYS
    BLOCKS(row, a.rows) {
        const REAL* x = a.x + row * a.width;
        EXPONENTIALS(x)
        PHASE(LANES(i, a.width) a.y[row * a.width + i] = (REAL)(x[i] - LOG_SUM););
    }
}

KERNEL(NAME(log_sum_exp), Rows) {
    ROW_ARRAYS
    BLOCKS(row, a.rows) {
        EXPONENTIALS(a.x + row * a.width)
        PHASE(if (THREAD == 0) a.y[row] = (REAL)LOG_SUM;);
    }
}

// The cost of a row without a target is 0.
KERNEL(NAME(cross_entropy), Targets) {
    ROW_ARRAYS
    BLOCKS(row, a.rows) {
        const REAL* x = a.x + row * a.width;
        EXPONENTIALS(x)
        PHASE(if (THREAD == 0) {
            const word target = row_of(a.targets[row], a.width, a.status, a.step);
            a.y[row] = target == NONE ? (REAL)0 : (REAL)(LOG_SUM - x[target]);
        });
    }
}

KERNEL(NAME(cross_entropy_gradient), Targets) {
    ROW_ARRAYS
    BLOCKS(row, a.rows) {
        const REAL* x = a.x + row * a.width;
        EXPONENTIALS(x)
        PHASE(
            const word target = row_of(a.targets[row], a.width, a.status, a.step);
            LANES(i, a.width) {
                const REAL right = i == target ? 1 : 0;
                const REAL slope = PROBABILITY(x[i]) - right;
                a.y[row * a.width + i] = target == NONE ? (REAL)0 : a.weights[row] * slope;
            }
        );
    }
}

struct Channels {
    const REAL* x;
    REAL* y;
    size outer, channels, inner;
    double epsilon;
};

#define PLACE(i) (((i) / a.inner * a.channels + channel) * a.inner + (i) % a.inner)

// Finds the channel's mean, mean[0], and the mean of the squared distances from it, sums[0] / each.
#define MOMENTS                                                                                    \
    PHASE(                                                                                         \
        double so_far = 0;                                                                         \
        LANES(i, each) so_far += a.x[PLACE(i)];                                                    \
        sums[THREAD] = so_far;                                                                     \
    );                                                                                             \
    FOLD(sums, plus);                                                                              \
    PHASE(if (THREAD == 0) mean[0] = sums[0] / each;);                                             \
    PHASE(                                                                                         \
        double so_far = 0;                                                                         \
        LANES(i, each) {                                                                           \
            const double off = a.x[PLACE(i)] - mean[0];                                            \
            so_far += off * off;                                                                   \
        }                                                                                          \
        sums[THREAD] = so_far;                                                                     \
    );                                                                                             \
    FOLD(sums, plus);

#define INVERSE (1 / sqrt(sums[0] / each + a.epsilon))

KERNEL(NAME(normalise), Channels) {
    SHARED double sums[WIDEST];
    SHARED double mean[1];
    const size each = a.outer * a.inner;
    BLOCKS(channel, a.channels) {
        MOMENTS
        PHASE(
            const double inverse = INVERSE;
            LANES(i, each) a.y[PLACE(i)] = (REAL)((a.x[PLACE(i)] - mean[0]) * inverse);
        );
    }
}

KERNEL(NAME(inverse_deviation), Channels) {
    SHARED double sums[WIDEST];
    SHARED double mean[1];
    const size each = a.outer * a.inner;
    BLOCKS(channel, a.channels) {
        MOMENTS
        PHASE(if (THREAD == 0) a.y[channel] = (REAL)INVERSE;);
    }
}

struct TopK {
    const REAL* x;
    word* y;
    size rows, width, count;
};

// Whether element i comes before element j: NaN first, then the larger, of equal ones the first.
#define BEFORE(x, i, j)                                                                            \
    ((x)[i] != (x)[i] ? ((x)[j] == (x)[j] || (i) < (j))                                            \
                      : (x)[j] == (x)[j] && ((x)[i] > (x)[j] || ((x)[i] == (x)[j] && (i) < (j))))

// One after the other: the first of those that come after the one before.
KERNEL(NAME(top_k), TopK) {
    SHARED size best[WIDEST];
    SHARED size last[1];
    BLOCKS(row, a.rows) {
        const REAL* x = a.x + row * a.width;
        for (size k = 0; k < a.count; ++k) {
            PHASE(
                size mine = a.width;
                LANES(i, a.width) {
                    if (k > 0 && !(BEFORE(x, last[0], i))) continue;
                    if (mine == a.width || BEFORE(x, i, mine)) mine = i;
                }
                best[THREAD] = mine;
            );
            for (size half = THREADS / 2; half > 0; half /= 2)
                PHASE(if (THREAD < half) {
                    const size other = best[THREAD + half];
                    const size mine = best[THREAD];
                    if (other < a.width && (mine == a.width || BEFORE(x, other, mine)))
                        best[THREAD] = other;
                });
            PHASE(if (THREAD == 0) {
                last[0] = best[0];
                a.y[row * a.count + k] = (word)best[0];
            });
        }
    }
}
