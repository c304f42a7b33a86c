//! Convolutions as products with unfolded images, as many images at a time as there is room for.

use autodiff::{Conv2d, ops};

use super::Emit;
use super::emit::{matrix, turned};
use crate::command::{Place, Word, words};
use crate::driver::Product;
use crate::launch::elements;

/// Extents of a convolution; channels and filters are those of one group.
struct Geometry {
    conv: Conv2d,
    images: usize,
    channels: usize,
    filters: usize,
    input: [usize; 2],
    kernel: [usize; 2],
    output: [usize; 2],
    /// Bytes of an element.
    size: usize,
    /// Images whose columns there is room for.
    share: usize,
}

impl Geometry {
    fn new(conv: Conv2d, x: &[usize], w: &[usize], y: &[usize], step: &Emit<'_, '_>) -> Geometry {
        let size = step.dtype().size();
        let columns = w[1] * w[2] * w[3] * y[2] * y[3] * size;
        Geometry {
            conv,
            images: x[0],
            channels: w[1],
            filters: w[0] / conv.groups,
            input: [x[2], x[3]],
            kernel: [w[2], w[3]],
            output: [y[2], y[3]],
            size,
            share: (step.room() / columns.max(1)).clamp(1, x[0].max(1)),
        }
    }

    fn taps(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// Elements of a plane of the result.
    fn area(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Elements of an image, all groups of it.
    fn image(&self) -> usize {
        self.conv.groups * self.channels * self.input[0] * self.input[1]
    }

    /// Elements of an image of the result.
    fn result(&self) -> usize {
        self.conv.groups * self.filters * self.area()
    }

    /// Whether the columns of an image are the image.
    fn plain(&self) -> bool {
        let Conv2d { stride, padding, .. } = self.conv;
        self.kernel == [1, 1] && stride == [1, 1] && padding == [0, 0]
    }

    /// Each share of the images and each group: number of images, and where its part of the images, of
    /// the filters and of the result begins.
    fn parts(&self, [x, w, y]: [Place; 3]) -> Vec<(usize, [Place; 3])> {
        let mut parts = Vec::new();
        for first in (0..self.images).step_by(self.share) {
            for group in 0..self.conv.groups {
                let plane = self.input[0] * self.input[1];
                let from = first * self.image() + group * self.channels * plane;
                let to = first * self.result() + group * self.filters * self.area();
                let filters = group * self.filters * self.taps();
                let places =
                    [x.plus(from * self.size), w.plus(filters * self.size), y.plus(to * self.size)];
                parts.push((self.share.min(self.images - first), places));
            }
        }
        parts
    }

    /// The parameter of a kernel that unfolds or folds: from where to where, how many images, and the
    /// columns' distances from image to image and from tap to tap.
    fn words(&self, places: [Place; 2], images: usize, apart: [usize; 2]) -> Vec<Word> {
        let Conv2d { stride, padding, dilation, .. } = self.conv;
        let mut words: Vec<Word> = words![places[0], places[1], images, self.channels].into();
        let pairs = [self.input, self.kernel, self.output, stride, padding, dilation];
        words.extend(pairs.into_iter().flatten().map(Word::from));
        words.extend(words![self.image(), apart[0], apart[1]]);
        words
    }
}

pub(super) fn convolution(op: &ops::Convolution, step: &mut Emit<'_, '_>) {
    let shapes = (step.shape(0), step.shape(1), step.result_shape());
    let geometry = Geometry::new(op.conv, shapes.0, shapes.1, shapes.2, step);
    let (taps, area, dtype) = (geometry.taps(), geometry.area(), step.dtype());
    let columns =
        (!geometry.plain()).then(|| step.scratch(geometry.share * taps * area * geometry.size));
    for (images, [x, w, y]) in geometry.parts([step.x(0), step.x(1), step.y()]) {
        let right = match columns {
            Some(columns) => {
                let words = geometry.words([x, columns], images, [taps * area, area]);
                step.launch("unfold", elements(images * taps * area), words);
                matrix(columns, area, taps * area)
            }
            None => matrix(x, area, geometry.image()),
        };
        let (left, result) = (matrix(w, taps, 0), matrix(y, area, geometry.result()));
        let (m, k) = (geometry.filters, taps);
        let product =
            Product { dtype, m, n: area, k, count: images, left, right, result, adds: false };
        step.product(product);
    }
    finish(op, step);
}

fn finish(op: &ops::Convolution, step: &mut Emit<'_, '_>) {
    if !op.after.bias && !op.after.relu {
        return;
    }
    let &[_, filters, height, width] = step.result_shape() else { return };
    let bias = if op.after.bias { step.x(2).into() } else { Word::from(0usize) };
    let (count, y) = (step.result_count(), step.y());
    let words = words![y, bias, count, filters, height * width, op.after.relu];
    step.launch("finish", elements(count), words);
}

pub(super) fn convolution_input(op: &ops::ConvolutionInput, step: &mut Emit<'_, '_>) {
    let shapes = (step.result_shape(), step.shape(1), step.shape(0));
    let geometry = Geometry::new(op.conv, shapes.0, shapes.1, shapes.2, step);
    let (taps, area, dtype) = (geometry.taps(), geometry.area(), step.dtype());
    let columns = step.scratch(geometry.share * taps * area * geometry.size);
    for (images, [x, w, g]) in geometry.parts([step.y(), step.x(1), step.x(0)]) {
        let (left, right) = (turned(w, taps, 0), matrix(g, area, geometry.result()));
        let result = matrix(columns, area, taps * area);
        let (n, k) = (area, geometry.filters);
        let product =
            Product { dtype, m: taps, n, k, count: images, left, right, result, adds: false };
        step.product(product);
        let words = geometry.words([columns, x], images, [taps * area, area]);
        let plane = geometry.input[0] * geometry.input[1];
        step.launch("fold", elements(images * geometry.channels * plane), words);
    }
}

/// One product over the places of all images of a share, which are neighbours in what is unfolded.
pub(super) fn convolution_weight(op: &ops::ConvolutionWeight, step: &mut Emit<'_, '_>) {
    let shapes = (step.shape(0), step.result_shape(), step.shape(1));
    let geometry = Geometry::new(op.conv, shapes.0, shapes.1, shapes.2, step);
    let (taps, area, dtype) = (geometry.taps(), geometry.area(), step.dtype());
    let (filters, share) = (geometry.filters, geometry.share);
    let columns = step.scratch(share * taps * area * geometry.size);
    let gathered = step.scratch(share * filters * area * geometry.size);
    if geometry.images == 0 {
        let (to, bytes) = (step.y(), step.result_count() * geometry.size);
        return step.zero(to, bytes);
    }
    for (part, (images, [x, w, g])) in
        geometry.parts([step.x(0), step.y(), step.x(1)]).into_iter().enumerate()
    {
        let places = images * area;
        let words = geometry.words([x, columns], images, [area, places]);
        step.launch("unfold", elements(taps * places), words);
        let words = words![g, gathered, images, filters, area, geometry.result()];
        step.launch("rows_first", elements(filters * places), words);
        let (left, right) = (matrix(gathered, places, 0), turned(columns, places, 0));
        let (result, adds) = (matrix(w, taps, 0), part >= geometry.conv.groups);
        let (m, n, k) = (filters, taps, places);
        step.product(Product { dtype, m, n, k, count: 1, left, right, result, adds });
    }
}
