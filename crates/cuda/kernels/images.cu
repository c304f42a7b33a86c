// Pooling, and what is done across channels.

struct Pool {
    const REAL* x;
    const REAL* g;
    REAL* y;
    size* winners;
    // Planes of the images, their extents, and those of what is pooled.
    size planes, height, width, rows, columns;
    size kernel_height, kernel_width, stride_height, stride_width, padding_height, padding_width;
};

// The range of an image's axis inside a window.
#define RANGE(first, last, at, stride, kernel, padding, extent)                                    \
    const size first = (at) * (stride) > (padding) ? (at) * (stride) - (padding) : 0;              \
    const size last = (at) * (stride) + (kernel) - (padding) < (extent)                            \
                          ? (at) * (stride) + (kernel) - (padding)                                 \
                          : (extent);

#define WINDOW(at)                                                                                 \
    const size plane = (at) / a.columns / a.rows;                                                  \
    RANGE(top, bottom, (at) / a.columns % a.rows, a.stride_height, a.kernel_height,                \
          a.padding_height, a.height)                                                              \
    RANGE(left, right, (at) % a.columns, a.stride_width, a.kernel_width, a.padding_width, a.width)

// Windows that an element may lie in: from `first`, below `last`.
#define WINDOWS(first, last, at, stride, kernel, padding, count)                                   \
    const size first = (at) + (padding) >= (kernel) ? ((at) + (padding) - (kernel)) / (stride) + 1 \
                                                    : 0;                                           \
    const size last = ((at) + (padding)) / (stride) + 1 < (count)                                  \
                          ? ((at) + (padding)) / (stride) + 1                                      \
                          : (count);

#define COVERING(at)                                                                               \
    const size plane = (at) / a.width / a.height;                                                  \
    WINDOWS(above, below, (at) / a.width % a.height, a.stride_height, a.kernel_height,             \
            a.padding_height, a.rows)                                                              \
    WINDOWS(before, behind, (at) % a.width, a.stride_width, a.kernel_width, a.padding_width,       \
            a.columns)

KERNEL(NAME(average_pool), Pool) {
    EACH(at, a.planes * a.rows * a.columns) {
        WINDOW(at)
        double sum = 0;
        for (size h = top; h < bottom; ++h)
            for (size w = left; w < right; ++w) sum += a.x[(plane * a.height + h) * a.width + w];
        a.y[at] = (REAL)(sum / (double)(a.kernel_height * a.kernel_width));
    }
}

KERNEL(NAME(average_pool_adjoint), Pool) {
    EACH(at, a.planes * a.height * a.width) {
        COVERING(at)
        double sum = 0;
        for (size h = above; h < below; ++h)
            for (size w = before; w < behind; ++w) sum += a.g[(plane * a.rows + h) * a.columns + w];
        a.y[at] = (REAL)(sum / (double)(a.kernel_height * a.kernel_width));
    }
}

// The place of each window's first largest element, or of its first NaN.
KERNEL(NAME(winners), Pool) {
    EACH(at, a.planes * a.rows * a.columns) {
        WINDOW(at)
        size best = (plane * a.height + top) * a.width + left;
        for (size h = top; h < bottom; ++h)
            for (size w = left; w < right; ++w) {
                const size place = (plane * a.height + h) * a.width + w;
                const REAL x = a.x[place], most = a.x[best];
                if (most == most && (x > most || x != x)) best = place;
            }
        a.winners[at] = best;
    }
}

// What lies at the winners.
KERNEL(NAME(select), Pool) {
    EACH(at, a.planes * a.rows * a.columns) a.y[at] = a.g[a.winners[at]];
}

// Each winner gets the sum over the windows that it won.
KERNEL(NAME(award), Pool) {
    EACH(at, a.planes * a.height * a.width) {
        COVERING(at)
        double sum = 0;
        for (size h = above; h < below; ++h)
            for (size w = before; w < behind; ++w) {
                const size window = (plane * a.rows + h) * a.columns + w;
                if (a.winners[window] == at) sum += a.g[window];
            }
        a.y[at] = (REAL)sum;
    }
}

struct Across {
    const REAL* x;
    const REAL* g;
    REAL* y;
    size count, channels, plane, size_around;
    double k, alpha, beta;
};

// Calls for each neighbour, `other`, of an element's channel: those that exist.
#define NEIGHBOURS(other, at)                                                                      \
    for (size other##_channel =                                                                    \
                  (at) / a.plane % a.channels > a.size_around / 2                                  \
                      ? (at) / a.plane % a.channels - a.size_around / 2                            \
                      : 0,                                                                         \
              other = ((at) / a.plane / a.channels * a.channels + other##_channel) * a.plane +     \
                      (at) % a.plane;                                                              \
         other##_channel <= (at) / a.plane % a.channels + a.size_around / 2 &&                     \
         other##_channel < a.channels;                                                             \
         ++other##_channel, other += a.plane)

KERNEL(NAME(channel_sum), Across) {
    EACH(at, a.count) {
        double sum = 0;
        NEIGHBOURS(other, at) sum += a.x[other];
        a.y[at] = (REAL)sum;
    }
}

// k + alpha / size times the sum of squares around an element.
DEVICE REAL NAME(scale_at)(const Across& a, size at) {
    double sum = 0;
    NEIGHBOURS(other, at) sum += (double)a.x[other] * a.x[other];
    return (REAL)(a.k + a.alpha / (double)a.size_around * sum);
}

KERNEL(NAME(response_norm), Across) {
    EACH(at, a.count) a.y[at] = a.x[at] * pow(NAME(scale_at)(a, at), (REAL)-a.beta);
}

// g s^-beta - 2 alpha beta / size x W(g x s^(-beta - 1)), W the sum around.
KERNEL(NAME(response_norm_gradient), Across) {
    EACH(at, a.count) {
        double sum = 0;
        NEIGHBOURS(other, at)
        sum += (double)a.g[other] * a.x[other] * pow(NAME(scale_at)(a, other), (REAL)(-a.beta - 1));
        const double factor = 2 * a.alpha * a.beta / (double)a.size_around;
        const double own = a.g[at] * pow(NAME(scale_at)(a, at), (REAL)-a.beta);
        a.y[at] = (REAL)(own - factor * a.x[at] * sum);
    }
}
