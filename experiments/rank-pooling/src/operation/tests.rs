//! Rank pooling against its definition and its gradients against differences.

use autodiff::{Buffer, DType, Device, Error, Graph, Program};

use super::*;
use crate::solver::{Newton, Problem};

const POOL: RankPool =
    RankPool { cost: 1.0, epsilon: 0.1, labels: Labels::Frames, inverse: Inverse::Exact };

/// Numbers without a pattern.
fn numbers(seed: usize, len: usize) -> Vec<f64> {
    (0..len).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0).collect()
}

/// u and the gradient of `sum weights * u` for clips `[clips, frames, width]`.
struct Pooled {
    program: Program,
    clips: usize,
}

impl Pooled {
    fn new(pool: RankPool, [clips, frames, width]: [usize; 3], dtype: DType) -> Self {
        let graph = Graph::new(dtype);
        let x = graph.input("frames", &[clips, frames, width]);
        let lengths = graph.index_input("lengths", &[clips]);
        let weights = graph.input("weights", &[clips, width]);
        let u = pool.pool(x, lengths).unwrap();
        let gradient = graph.grad(u.mul(weights).unwrap().sum_all(), &[x]).unwrap()[0];
        Self { program: graph.compile(&[u, gradient]).unwrap(), clips }
    }

    fn run(&mut self, x: &[f64], lengths: &[u32], weights: &[f64]) -> Result<[Vec<f64>; 2], Error> {
        assert_eq!(lengths.len(), self.clips);
        let dtype = self.program.inputs()[0].dtype;
        let float = |values: &[f64]| match dtype {
            DType::F64 => Buffer::from_slice(Device::current(), values),
            _ => {
                let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                Buffer::from_slice(Device::current(), &values)
            }
        };
        let (mut x, mut weights) = (float(x)?, float(weights)?);
        let mut lengths = Buffer::from_slice(Device::current(), lengths)?;
        self.program.run(&mut [&mut x, &mut lengths, &mut weights])?;
        let read = |output| match dtype {
            DType::F64 => self.program.output(output).to_vec::<f64>(),
            _ => Ok(self
                .program
                .output(output)
                .to_vec::<f32>()?
                .into_iter()
                .map(f64::from)
                .collect()),
        };
        Ok([read(0)?, read(1)?])
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn off(a: &[f64], b: &[f64]) -> f64 {
    let size = dot(b, b).sqrt().max(1e-300);
    let gap: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    dot(&gap, &gap).sqrt() / size
}

/// Sizes with fewer frames than columns, as many, and more, where the primal is solved.
const SIZES: [(usize, usize); 6] = [(1, 4), (5, 1), (7, 12), (9, 9), (20, 6), (40, 33)];

#[test]
fn gradients_are_those_of_the_argmin() {
    for (frames, width) in SIZES {
        for (cost, labels) in
            [(1e-2, Labels::Frames), (1.0, Labels::Fractions), (100.0, Labels::Frames)]
        {
            let pool = RankPool { cost, labels, epsilon: 0.05, ..POOL };
            let mut pooled = Pooled::new(pool, [2, frames, width], DType::F64);
            let (x, weights) = (numbers(frames, 2 * frames * width), numbers(width, 2 * width));
            let lengths = [frames as u32, (frames as u32).div_ceil(2)];
            let [_, gradient] = pooled.run(&x, &lengths, &weights).unwrap();
            let direction = numbers(5, x.len());
            let mut value = |step: f64| {
                let moved: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
                dot(&pooled.run(&moved, &lengths, &weights).unwrap()[0], &weights)
            };
            let step = 1e-6;
            let numeric = (value(step) - value(-step)) / (2.0 * step);
            let exact = dot(&gradient, &direction);
            let error = (numeric - exact).abs() / (1e-3 + exact.abs());
            assert!(error < 2e-6, "{frames} {width} {cost}: {numeric} {exact}");
        }
    }
}

#[test]
fn updates_of_the_inverse_give_the_exact_gradient_and_the_diagonal_one_does_not() {
    for (frames, width) in SIZES {
        for cost in [0.1, 1.0, 50.0] {
            let (x, weights) = (numbers(frames, frames * width), numbers(width, width));
            let of = |inverse| {
                let pool = RankPool { cost, inverse, ..POOL };
                let mut pooled = Pooled::new(pool, [1, frames, width], DType::F64);
                pooled.run(&x, &[frames as u32], &weights).unwrap()
            };
            let [exact, updates, diagonal] =
                [Inverse::Exact, Inverse::RankOne, Inverse::Diagonal].map(of);
            assert!(off(&updates[1], &exact[1]) < 1e-8, "{frames} {width} {cost}");
            assert_eq!(diagonal[0], exact[0]);
            // With one column H is its diagonal.
            let apart = off(&diagonal[1], &exact[1]);
            assert!(
                if width == 1 { apart < 1e-12 } else { apart > 1e-3 },
                "{frames} {width}: {apart}"
            );
        }
    }
}

#[test]
fn the_diagonal_gradient_by_hand() {
    // Frames (1, 0) and (1, 2), c = 1, epsilon = 0: both are below their labels 1 and 2.
    let pool = RankPool { epsilon: 0.0, inverse: Inverse::Diagonal, ..POOL };
    let mut pooled = Pooled::new(pool, [1, 2, 2], DType::F64);
    let [u, gradient] = pooled.run(&[1.0, 0.0, 1.0, 2.0], &[2], &[1.0, 0.0]).unwrap();
    // H = [3 2; 2 5], the right-hand side is (1 + 2, 4): u = (7/11, 6/11).
    assert!(off(&u, &[7.0 / 11.0, 6.0 / 11.0]) < 1e-14, "{u:?}");
    // a = (4/11, 3/11), q = (1/3, 0), z = (1/3, 1/3).
    let wanted = [4.0 - 7.0, -6.0, 3.0 - 7.0, -6.0].map(|x| x / 33.0);
    assert!(off(&gradient, &wanted) < 1e-14, "{gradient:?}");
}

#[test]
fn frames_after_the_end_of_a_clip_have_no_part() {
    let (frames, width) = (6, 4);
    let x = numbers(1, 2 * frames * width);
    let weights = numbers(2, 2 * width);
    let mut both = Pooled::new(POOL, [2, frames, width], DType::F64);
    let [u, gradient] = both.run(&x, &[3, 0], &weights).unwrap();
    let mut short = Pooled::new(POOL, [1, 3, width], DType::F64);
    let [wanted, slope] = short.run(&x[..3 * width], &[3], &weights[..width]).unwrap();
    assert_eq!(u[..width], wanted);
    assert_eq!(gradient[..3 * width], slope);
    assert!(u[width..].iter().chain(&gradient[3 * width..]).all(|&x| x == 0.0));
    // What stands there is not looked at.
    let mut poisoned = x.clone();
    poisoned[3 * width..].fill(f64::NAN);
    assert_eq!(both.run(&poisoned, &[3, 0], &weights).unwrap(), [u, gradient]);
}

#[test]
fn frames_that_are_not_finite_and_lengths_that_are_too_long_are_named() {
    let mut pooled = Pooled::new(POOL, [2, 3, 2], DType::F32);
    let mut x = numbers(1, 12);
    let weights = numbers(2, 4);
    let mut told =
        |x: &[f64], lengths: &[u32]| pooled.run(x, lengths, &weights).unwrap_err().to_string();
    assert_eq!(told(&x, &[1, 4]), "rank_pool: clip 1: wanted at most 3 frames, found 4");
    x[9] = f64::NAN;
    let wanted = "rank_pool: clip 1, frame 2: wanted finite numbers, found NaN in column 1";
    assert_eq!(told(&x, &[3, 3]), wanted);
    let graph = Graph::new(DType::F32);
    let frames = graph.input("frames", &[2, 3, 2]);
    let error = POOL.pool(frames, graph.index_input("lengths", &[3])).unwrap_err();
    assert!(error.to_string().contains("wanted a length a clip"), "{error}");
    let lengths = graph.index_input("lengths", &[2]);
    assert!(matches!(POOL.pool(lengths, lengths), Err(Error::Shape { .. })));
    assert!(matches!(POOL.pool(frames, frames), Err(Error::Type { .. })));
}

#[test]
fn constant_frames_have_the_solution_of_their_mean_label() {
    // Every frame is v: w = s v with s (1 + c T |v|^2) = c sum_t t where all are outside, epsilon 0.
    let pool = RankPool { epsilon: 0.0, ..POOL };
    for width in [1, 9] {
        let mut pooled = Pooled::new(pool, [1, 5, width], DType::F64);
        let x = vec![0.5; 5 * width];
        let [u, gradient] = pooled.run(&x, &[5], &vec![1.0; width]).unwrap();
        let s = 15.0 * 0.5 / (1.0 + 5.0 * 0.25 * width as f64);
        assert!(off(&u, &vec![s; width]) < 1e-13, "{u:?}");
        assert!(gradient.iter().all(|g| g.is_finite()));
    }
}

/// In f32 the fit and its factor are those of f64; what is rounded is the result.
#[test]
fn a_graph_in_f32_loses_no_more_than_its_rounding() {
    for (frames, width) in SIZES {
        for cost in [1.0, 1000.0] {
            // Numbers that f32 holds exactly.
            let exact = |seed, len| -> Vec<f64> {
                numbers(seed, len).into_iter().map(|x| f64::from(x as f32)).collect()
            };
            let (x, weights) = (exact(frames, frames * width), exact(width, width));
            let [wide, narrow] = [DType::F64, DType::F32].map(|dtype| {
                let pool = RankPool { cost, ..POOL };
                let mut pooled = Pooled::new(pool, [1, frames, width], dtype);
                pooled.run(&x, &[frames as u32], &weights).unwrap()
            });
            assert!(off(&narrow[0], &wide[0]) < 1e-7);
            assert!(off(&narrow[1], &wide[1]) < 1e-6, "{frames} {width} {cost}");
        }
    }
}

#[test]
fn the_vector_is_the_solvers() {
    let (frames, width) = (8, 5);
    let x = numbers(4, frames * width);
    let [low, high] = POOL.tube(frames);
    let problem = Problem { rows: &x, width, low: &low, high: &high, cost: 1.0 };
    let mut newton = Newton::default();
    let found = newton.solve(&problem).unwrap();
    let mut pooled = Pooled::new(POOL, [1, frames, width], DType::F64);
    assert_eq!(pooled.run(&x, &[frames as u32], &[0.0; 5]).unwrap()[0], found.w);
}

/// The operation's definition on the device of plain loops: another method, in the primal.
#[test]
fn devices_agree() {
    for (frames, width) in [(1, 4), (5, 1), (7, 12), (9, 9), (12, 5)] {
        for (cost, labels, inverse) in [
            (1e-2, Labels::Frames, Inverse::Exact),
            (1.0, Labels::Fractions, Inverse::Diagonal),
            (1.0, Labels::Frames, Inverse::RankOne),
            (100.0, Labels::Frames, Inverse::Exact),
        ] {
            let pool = RankPool { cost, labels, inverse, ..POOL };
            let (x, weights) = (numbers(frames, 3 * frames * width), numbers(width, 3 * width));
            let lengths = [frames as u32, (frames as u32).div_ceil(2), 0];
            let found = || {
                let mut pooled = Pooled::new(pool, [3, frames, width], DType::F64);
                pooled.run(&x, &lengths, &weights).unwrap()
            };
            let [ours, theirs] = [found(), reference::device().scope(found)];
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert!(off(ours, theirs) < 1e-8, "{frames} {width} {cost}: {ours:?} {theirs:?}");
            }
        }
    }
}
