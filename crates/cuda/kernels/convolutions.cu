// Convolutions as products: images unfolded to columns, and folded back.

struct Unfold {
    const REAL* x;
    REAL* columns;
    size images, channels, height, width;
    size kernel_height, kernel_width, rows, places;
    size stride_height, stride_width, padding_height, padding_width, dilation_height, dilation_width;
    // Elements from one image to the next, and in the columns from image to image and tap to tap.
    size image, of_image, of_tap;
};

// columns[tap, place] = what the tap of the kernel meets at the place of the result.
KERNEL(NAME(unfold), Unfold) {
    const size taps = a.channels * a.kernel_height * a.kernel_width, area = a.rows * a.places;
    EACH(at, a.images * taps * area) {
        const size place = at % area, tap = at / area % taps, image = at / area / taps;
        const size kx = tap % a.kernel_width, ky = tap / a.kernel_width % a.kernel_height;
        const size channel = tap / a.kernel_width / a.kernel_height;
        // What lies before the image wraps to a large number.
        const size h = place / a.places * a.stride_height + ky * a.dilation_height - a.padding_height;
        const size w = place % a.places * a.stride_width + kx * a.dilation_width - a.padding_width;
        const bool inside = h < a.height && w < a.width;
        const size from = image * a.image + (channel * a.height + h) * a.width + w;
        a.columns[image * a.of_image + tap * a.of_tap + place] = inside ? a.x[from] : (REAL)0;
    }
}

struct Fold {
    const REAL* columns;
    REAL* x;
    size images, channels, height, width;
    size kernel_height, kernel_width, rows, places;
    size stride_height, stride_width, padding_height, padding_width, dilation_height, dilation_width;
    size image, of_image, of_tap;
};

// Each element of the images is the sum of the columns' elements that it was unfolded to.
KERNEL(NAME(fold), Fold) {
    EACH(at, a.images * a.channels * a.height * a.width) {
        const size w = at % a.width, h = at / a.width % a.height;
        const size channel = at / a.width / a.height % a.channels;
        const size image = at / a.width / a.height / a.channels;
        double sum = 0;
        for (size ky = 0; ky < a.kernel_height; ++ky) {
            const size down = h + a.padding_height - ky * a.dilation_height;
            if (down % a.stride_height != 0 || down / a.stride_height >= a.rows) continue;
            for (size kx = 0; kx < a.kernel_width; ++kx) {
                const size along = w + a.padding_width - kx * a.dilation_width;
                if (along % a.stride_width != 0 || along / a.stride_width >= a.places) continue;
                const size tap = (channel * a.kernel_height + ky) * a.kernel_width + kx;
                const size place = down / a.stride_height * a.places + along / a.stride_width;
                sum += a.columns[image * a.of_image + tap * a.of_tap + place];
            }
        }
        a.x[image * a.image + (channel * a.height + h) * a.width + w] = (REAL)sum;
    }
}

struct Gathered {
    const REAL* x;
    REAL* y;
    size images, rows, area, image;
};

// [images, rows, area] to [rows, images, area].
KERNEL(NAME(rows_first), Gathered) {
    EACH(at, a.images * a.rows * a.area) {
        const size image = at / a.area % a.images, row = at / a.area / a.images;
        a.y[at] = a.x[image * a.image + row * a.area + at % a.area];
    }
}

struct Finish {
    REAL* y;
    const REAL* bias;
    size count, filters, area, rectified;
};

// A bias for each filter, then negative results to zero; the bias may be nowhere.
KERNEL(NAME(finish), Finish) {
    EACH(at, a.count) {
        const REAL y = a.bias ? a.y[at] + a.bias[at / a.area % a.filters] : a.y[at];
        a.y[at] = a.rectified && y < 0 ? (REAL)0 : y;
    }
}
