//! Rank pooling in simpler operations, for devices without a kernel of it: a semismooth Newton method of
//! a fixed number of steps in the primal, and the gradient by whole systems of D unknowns.

use autodiff::{Error, Var};

use super::packed::Packed;
use super::{Inverse, Labels, RankPool};

/// Newton steps. A clip takes a handful; steps at the minimum change nothing.
const STEPS: usize = 24;
/// How often a step is halved at most until it lowers the objective.
const HALVES: usize = 8;

/// The frames of a batch of clips `[clips, T, D]`, and what equation 5 says of them.
struct Regression<'g> {
    frames: Var<'g>,
    /// 1 for frames that count, `[clips, T, 1]`.
    mask: Var<'g>,
    labels: Var<'g>,
    /// I, `[D, D]`.
    identity: Var<'g>,
    pool: RankPool,
}

/// What a vector predicts: how far frames are above and below the tube, `[clips, T, 1]`.
struct Sides<'g> {
    above: Var<'g>,
    below: Var<'g>,
}

impl<'g> Regression<'g> {
    fn new(pool: RankPool, frames: Var<'g>, lengths: Var<'g>) -> Result<Self, Error> {
        let (graph, shape) = (frames.graph(), frames.shape());
        let (clips, count, width) = (shape[0], shape[1], shape[2]);
        let by_length = |value: &dyn Fn(usize, usize) -> f64| {
            let places = (0..=count).flat_map(|length| (0..count).map(move |at| (length, at)));
            let table: Vec<f64> = places.map(|(length, at)| value(length, at)).collect();
            let table = graph.constant(&table, &[count + 1, count])?;
            table.gather(lengths)?.reshape(&[clips, count, 1])
        };
        let mask = by_length(&|length, at| if at < length { 1.0 } else { 0.0 })?;
        let labels = by_length(&|length, at| match pool.labels {
            Labels::Frames => (at + 1) as f64,
            Labels::Fractions => (at + 1) as f64 / length.max(1) as f64,
        })?;
        let unit = |at| if at % (width + 1) == 0 { 1.0 } else { 0.0 };
        let identity: Vec<f64> = (0..width * width).map(unit).collect();
        let identity = graph.constant(&identity, &[1, width, width])?;
        Ok(Self { frames: frames.mul(mask)?, mask, labels, identity, pool })
    }

    fn sides(&self, w: Var<'g>) -> Result<Sides<'g>, Error> {
        let off = self.frames.matmul(w)?.sub(self.labels)?;
        let beyond = |off: Var<'g>| off.add_scalar(-self.pool.epsilon).relu().mul(self.mask);
        Ok(Sides { above: beyond(off)?, below: beyond(off.neg())? })
    }

    /// The objective, `[clips, 1, 1]`.
    fn value(&self, w: Var<'g>) -> Result<Var<'g>, Error> {
        let Sides { above, below } = self.sides(w)?;
        let loss = above.square().add(below.square())?.sum(&[1], true)?;
        w.square().sum(&[1], true)?.add(loss.mul_scalar(self.pool.cost))
    }

    /// `I + c sum_A v_t v_t'`, A being the frames where `active` is 1.
    fn hessian(&self, active: Var<'g>) -> Result<Var<'g>, Error> {
        let outside = self.frames.mul(active)?;
        let sum = outside.transpose(1, 2)?.matmul(self.frames)?;
        sum.mul_scalar(self.pool.cost).add(self.identity)
    }

    /// The minimum of the piece that a vector lies on, and the sides of its frames, -1 for below.
    fn minimum(&self, w: Var<'g>) -> Result<(Var<'g>, Var<'g>), Error> {
        let Sides { above, below } = self.sides(w)?;
        let sides = above.step().sub(below.step())?;
        let active = sides.square();
        let ends = self.labels.add(sides.mul_scalar(self.pool.epsilon))?.mul(active)?;
        let right = self.frames.transpose(1, 2)?.matmul(ends)?.mul_scalar(self.pool.cost);
        Ok((self.hessian(active)?.solve(right)?, sides))
    }
}

/// What the operation makes of `frames` and `lengths`, without the factor, which the gradient here does not
/// read.
pub(super) fn pooled<'g>(
    pool: RankPool,
    frames: Var<'g>,
    lengths: Var<'g>,
    packed: Packed,
) -> Result<Var<'g>, Error> {
    let of = Regression::new(pool, frames, lengths)?;
    let (graph, shape) = (frames.graph(), frames.shape());
    let (clips, count, width) = (shape[0], shape[1], shape[2]);
    let mut w = graph.full(0.0, &[clips, width, 1]);
    for _ in 0..STEPS {
        let step = of.minimum(w)?.0.sub(w)?;
        let value = of.value(w)?;
        let mut size = graph.full(1.0, &[clips, 1, 1]);
        for _ in 0..HALVES {
            let worse = of.value(w.add(step.mul(size)?)?)?.greater(value)?;
            size = size.mul(worse.mul_scalar(-0.5).add_scalar(1.0))?;
        }
        w = w.add(step.mul(size)?)?;
    }
    let (u, sides) = of.minimum(w)?;
    let ends = of.labels.add(sides.mul_scalar(pool.epsilon))?;
    let off = ends.sub(of.frames.matmul(u)?)?.mul(sides.square())?;
    let shares = off.mul_scalar(pool.cost);
    let rest = packed.len() - width - 2 * count;
    let flat = |x: Var<'g>, columns| x.reshape(&[clips, columns]);
    graph.concat(
        &[
            flat(u, width)?,
            flat(shares, count)?,
            flat(sides, count)?,
            graph.full(0.0, &[clips, rest]),
        ],
        1,
    )
}

/// The gradient of the frames: `a_t q - z_t u` with `H q = g` and `z_t = c v_t . q` for frames outside the
/// tube.
pub(super) fn gradient<'g>(
    pool: RankPool,
    [frames, lengths, fitted, towards]: [Var<'g>; 4],
) -> Result<Var<'g>, Error> {
    let of = Regression::new(pool, frames, lengths)?;
    let shape = frames.shape();
    let (clips, count, width) = (shape[0], shape[1], shape[2]);
    let column = |x: Var<'g>, first: usize, len: usize| {
        x.slice(1, first..first + len)?.reshape(&[clips, len, 1])
    };
    let u = column(fitted, 0, width)?;
    let shares = column(fitted, width, count)?;
    let active = column(fitted, width + count, count)?.square();
    let g = column(towards, 0, width)?;
    let q = match pool.inverse {
        Inverse::Exact | Inverse::RankOne => of.hessian(active)?.solve(g)?,
        Inverse::Diagonal => {
            let diagonal = of.frames.square().transpose(1, 2)?.matmul(active)?;
            g.div(diagonal.mul_scalar(pool.cost).add_scalar(1.0))?
        }
    };
    let z = of.frames.matmul(q)?.mul(active)?.mul_scalar(pool.cost);
    let [q, u] = [q, u].map(|x| x.transpose(1, 2));
    shares.matmul(q?)?.sub(z.matmul(u?)?)
}
