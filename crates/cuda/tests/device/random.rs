//! Operations over random shapes: odd extents, empty ones, views.

use autodiff::{Buffer, Conv2d, DType, Device, Error, Graph, LocalResponseNorm, Pool2d, Var};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{agree, floats};

/// Inputs of a graph, filled at random.
struct Given<'g> {
    graph: &'g Graph,
    rng: ChaCha8Rng,
    buffers: Vec<Buffer>,
}

impl<'g> Given<'g> {
    fn floats(&mut self, shape: &[usize]) -> Var<'g> {
        let len = shape.iter().product();
        let values: Vec<f64> = (0..len).map(|_| self.rng.random_range(-2.0..2.0)).collect();
        self.buffers.push(floats(&values, self.graph.dtype()));
        self.graph.input("x", shape)
    }

    /// Small integers, of which many are equal.
    fn integers(&mut self, shape: &[usize]) -> Var<'g> {
        let len = shape.iter().product();
        let values: Vec<f64> =
            (0..len).map(|_| f64::from(self.rng.random_range(-2i8..3))).collect();
        self.buffers.push(floats(&values, self.graph.dtype()));
        self.graph.input("x", shape)
    }

    /// Indices of so many rows, some of none.
    fn indices(&mut self, shape: &[usize], rows: usize) -> Var<'g> {
        let len = shape.iter().product();
        let index = |rng: &mut ChaCha8Rng| match rng.random_range(0..5) {
            0 => u32::MAX,
            _ => rng.random_range(0..rows as u32),
        };
        let values: Vec<u32> = (0..len).map(|_| index(&mut self.rng)).collect();
        self.buffers.push(Buffer::from_slice(Device::cpu(), &values).unwrap());
        self.graph.index_input("i", shape)
    }
}

/// Runs what `trace` writes, in f32 and f64, and its gradient for the inputs it returns.
fn check(
    what: &str,
    seed: u64,
    trace: impl for<'g> Fn(&mut Given<'g>) -> Result<(Vec<Var<'g>>, Vec<Var<'g>>), Error>,
) {
    for dtype in [DType::F32, DType::F64] {
        let graph = Graph::new(dtype);
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let mut given = Given { graph: &graph, rng, buffers: Vec::new() };
        let (mut outputs, wrt) = trace(&mut given).unwrap();
        let mut loss = graph.scalar(0.0);
        for output in outputs.iter().filter(|output| output.dtype() != DType::U32) {
            loss = loss.add(output.square().sum_all()).unwrap();
        }
        if !wrt.is_empty() {
            outputs.extend(graph.grad(loss, &wrt).unwrap());
        }
        agree(what, &graph, &outputs, &given.buffers);
    }
}

fn extents(rank: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1 => Just(0usize), 3 => Just(1), 12 => 2usize..9], rank)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn products_of_any_orientation(
        count in 1usize..4, m in 0usize..20, k in 0usize..20, n in 0usize..20,
        turned in any::<[bool; 2]>(), shared in any::<bool>(), seed in any::<u64>(),
    ) {
        check("matmul", seed, |given| {
            let orient = |given: &mut Given<'_>, rows, columns, turned| {
                let _ = given;
                if turned { [count, columns, rows] } else { [count, rows, columns] }
            };
            let a = orient(given, m, k, turned[0]);
            let b = orient(given, k, n, turned[1]);
            let (a, b) = if shared { (given.floats(&a), given.floats(&b[1..])) } else {
                (given.floats(&a), given.floats(&b))
            };
            let left = if turned[0] { a.transpose(1, 2)? } else { a };
            let rank = b.shape().len();
            let right = if turned[1] { b.transpose(rank - 2, rank - 1)? } else { b };
            Ok((vec![left.matmul(right)?], vec![a, b]))
        });
    }

    #[test]
    fn reductions_of_any_axes(shape in extents(1..=4), axes in any::<[usize; 2]>(), seed in any::<u64>()) {
        check("sum, max", seed, |given| {
            let x = given.integers(&shape);
            let [a, b] = axes.map(|axis| axis % shape.len());
            let (a, b) = (a.min(b), a.max(b) + 1);
            let over: Vec<usize> = (a..b).collect();
            Ok((vec![x.sum(&over, false)?, x.sum_all(), x.sum(&[a], true)?], vec![x]))
        });
        let filled: Vec<usize> = shape.iter().map(|&extent| extent.max(1)).collect();
        check("max", seed, |given| {
            let x = given.integers(&filled);
            Ok((vec![x.max(&[axes[0] % filled.len()], false)?], vec![x]))
        });
    }

    #[test]
    fn rows_of_any_width(rows in 1usize..9, width in 1usize..400, seed in any::<u64>()) {
        check("softmax and its like", seed, |given| {
            let x = given.floats(&[rows, width]);
            let targets = given.indices(&[rows], width);
            let costs = x.cross_entropy(targets)?;
            let rows = vec![x.softmax(1)?, x.log_softmax(1)?, x.log_sum_exp(1, false)?, costs];
            Ok((rows, vec![x]))
        });
    }

    #[test]
    fn normalised_channels(shape in prop::collection::vec(1usize..9, 3..=4), seed in any::<u64>()) {
        check("layer_norm", seed, |given| {
            let x = given.floats(&shape);
            Ok((vec![x.layer_norm(1e-3)?], vec![x]))
        });
    }

    #[test]
    fn elements_of_broadcast_and_turned_operands(
        shape in extents(1..=4), kept in any::<[bool; 4]>(), seed in any::<u64>(),
    ) {
        let small: Vec<usize> =
            shape.iter().zip(kept).map(|(&extent, kept)| if kept { extent } else { 1 }).collect();
        let back: Vec<usize> = shape.iter().rev().copied().collect();
        check("broadcast", seed, |given| {
            let (x, y, z) = (given.floats(&shape), given.floats(&small), given.floats(&back));
            let order = (0..shape.len() / 2).map(|axis| (axis, shape.len() - 1 - axis));
            let turned = order.into_iter().try_fold(z, |z, (a, b)| z.transpose(a, b))?;
            let sum = x.mul(y)?.add(turned)?;
            Ok((vec![sum.tanh(), x.maximum(turned)?, turned], vec![x, y, z]))
        });
    }

    #[test]
    fn parts_joined_padded_and_cut(
        rows in 0usize..6, widths in prop::collection::vec(0usize..7, 1..5), inner in 1usize..4,
        seed in any::<u64>(),
    ) {
        check("concat, slice", seed, |given| {
            let parts: Vec<Var<'_>> =
                widths.iter().map(|&width| given.floats(&[rows, width, inner])).collect();
            let whole = given.graph.concat(&parts, 1)?;
            let all: usize = widths.iter().sum();
            let cut = whole.slice(1, all / 3..all - all / 4)?;
            Ok((vec![whole.square(), cut.exp()], parts))
        });
    }

    #[test]
    fn rows_of_tables(
        rows in 1usize..40, width in 0usize..9, bags in 0usize..30, length in 1usize..6,
        padding in prop::option::of(0u32..3), seed in any::<u64>(),
    ) {
        check("gather, embedding_bag and their adjoints", seed, |given| {
            let table = given.floats(&[rows, width]);
            let indices = given.indices(&[bags, length], rows);
            let bag = table.embedding_bag(indices, padding)?;
            let one = table.gather(indices)?;
            let back = one.scatter_add(indices, rows)?;
            Ok((vec![bag, one, back], vec![table]))
        });
    }

    #[test]
    fn many_indices_of_few_rows(count in 2000usize..9000, rows in 1usize..5, seed in any::<u64>()) {
        check("scatter_add of many", seed, |given| {
            let (x, indices) = (given.floats(&[count, 2]), given.indices(&[count], rows));
            Ok((vec![x.scatter_add(indices, rows)?], vec![x]))
        });
    }

    #[test]
    fn the_largest_of_rows(rows in 1usize..6, width in 1usize..300, count in 1usize..9, seed in any::<u64>()) {
        check("top_k, take", seed, |given| {
            let x = given.integers(&[rows, width]);
            let (values, places) = x.top_k(count.min(width))?;
            Ok((vec![values, places], vec![x]))
        });
    }

    #[test]
    fn convolutions_of_any_geometry(
        images in 1usize..4, groups in 1usize..3, channels in 1usize..4, filters in 1usize..4,
        extent in prop::array::uniform2(3usize..9), kernel in prop::array::uniform2(1usize..4),
        stride in prop::array::uniform2(1usize..4), padding in prop::array::uniform2(0usize..3),
        dilation in prop::array::uniform2(1usize..3), seed in any::<u64>(),
    ) {
        let fits = (0..2).all(|at| extent[at] + 2 * padding[at] > dilation[at] * (kernel[at] - 1));
        prop_assume!(fits);
        check("conv2d", seed, |given| {
            let conv = Conv2d { stride, padding, dilation, groups, ..Conv2d::default() };
            let x = given.floats(&[images, groups * channels, extent[0], extent[1]]);
            let w = given.floats(&[groups * filters, channels, kernel[0], kernel[1]]);
            let b = given.floats(&[groups * filters]);
            let plain = x.conv2d(w, conv)?;
            Ok((vec![plain, x.conv2d_relu(w, Some(b), conv)?], vec![x, w, b]))
        });
    }

    #[test]
    fn pools_of_any_geometry(
        planes in prop::array::uniform2(1usize..4), extent in prop::array::uniform2(4usize..9),
        kernel in prop::array::uniform2(1usize..5), stride in prop::array::uniform2(1usize..4),
        padded in any::<[bool; 2]>(), seed in any::<u64>(),
    ) {
        let padding = [0, 1].map(|at| usize::from(padded[at]) * (kernel[at] - 1));
        check("pooling", seed, |given| {
            let pool = Pool2d { kernel, stride, padding };
            let x = given.integers(&[planes[0], planes[1], extent[0], extent[1]]);
            Ok((vec![x.max_pool2d(pool)?, x.avg_pool2d(pool)?], vec![x]))
        });
    }

    #[test]
    fn norms_across_channels(
        shape in prop::array::uniform4(1usize..6), size in (0usize..4).prop_map(|half| 2 * half + 1),
        seed in any::<u64>(),
    ) {
        check("local_response_norm", seed, |given| {
            let x = given.floats(&shape);
            let norm = LocalResponseNorm { size, ..LocalResponseNorm::default() };
            Ok((vec![x.local_response_norm(norm)?], vec![x]))
        });
    }

    #[test]
    fn systems_of_any_extent(count in 1usize..4, n in 1usize..12, m in 1usize..6, seed in any::<u64>()) {
        check("cholesky, solve", seed, |given| {
            let (x, b) = (given.floats(&[count, n, n]), given.floats(&[count, n, m]));
            let eye: Vec<f64> =
                (0..n * n).map(|at| if at / n == at % n { n as f64 } else { 0.0 }).collect();
            let definite = x.gram()?.add(given.graph.constant(&eye, &[n, n])?)?;
            let l = definite.cholesky()?;
            Ok((vec![definite, l, definite.solve(b)?], vec![x, b]))
        });
    }
}
