//! Rank pooling as an operation of the engine: the vector that orders a clip's frames, and its gradient.

mod definition;
mod gradient;
mod packed;
#[cfg(test)]
mod tests;

use std::sync::Mutex;

use autodiff::{Call, DType, Derivative, Element, Error, Float, Op, Signature, Var};
use kernels::parallel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::solver::{Newton, Problem, SolveError};
use gradient::RankPoolGradient;
use packed::Packed;

/// What the frames of a clip of T frames are regressed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// Their numbers, 1 to T.
    #[default]
    Frames,
    /// Their numbers over T.
    Fractions,
}

/// By which inverse of the Hessian `I + c sum_A v_t v_t'` gradients go through the argmin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inverse {
    /// The inverse, by the factor that the fit left.
    #[default]
    Exact,
    /// The inverse of its diagonal, the paper's approximation.
    Diagonal,
    /// The inverse, made of the identity by a rank-one update a frame (Sherman & Morrison), the paper's
    /// way: exact, at a cost that is quadratic in the columns.
    RankOne,
}

/// Rank pooling of clips: the vector u of equation 5 and what its gradient needs, of frames `[clips, T,
/// D]` and lengths u32 `[clips]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankPool {
    /// The constant C of equation 5. The C of liblinear is half of it.
    pub cost: f64,
    /// Half the height of the tube.
    pub epsilon: f64,
    /// What frames are regressed on.
    pub labels: Labels,
    /// How gradients go through it.
    pub inverse: Inverse,
}

impl RankPool {
    /// The vectors u `[clips, D]` of `frames` `[clips, T, D]`.
    ///
    /// Of each clip the first `lengths` (u32 `[clips]`) frames count; a clip without frames has zeros.
    /// It is solved in f64 whatever the graph's type: at the point that is returned the frames outside
    /// the tube are those that it was computed for, up to [`TIE`](crate::solver::TIE), so that it is
    /// the minimum up to rounding. The program stops at a frame that is not finite.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Shapes`] for operands of other shapes.
    pub fn pool<'g>(self, frames: Var<'g>, lengths: Var<'g>) -> Result<Var<'g>, Error> {
        let shape = frames.shape();
        let packed = frames.graph().apply(self, &[frames, lengths])?;
        packed.slice(1, 0..shape[2])
    }

    /// The gradient of frames, of frames, lengths, what this operation makes of them and the gradient of
    /// that: what a derivative through it writes into the graph.
    ///
    /// # Errors
    /// [`Error::ForeignGraph`].
    pub fn gradient<'g>(self, of: [Var<'g>; 4]) -> Result<Var<'g>, Error> {
        of[0].graph().apply(RankPoolGradient(self), &of)
    }

    /// The tube around the labels of a clip of `frames` frames: lower and upper ends.
    pub fn tube(&self, frames: usize) -> [Vec<f64>; 2] {
        let unit = match self.labels {
            Labels::Frames => 1.0,
            Labels::Fractions => 1.0 / frames.max(1) as f64,
        };
        [-self.epsilon, self.epsilon]
            .map(|off| (1..=frames).map(|t| t as f64 * unit + off).collect())
    }

    fn kernel_of<T: Float>(&self, call: &mut Call<'_>) -> Result<(), Error> {
        let &[clips, frames, width] = call.shape(0) else { return Ok(()) };
        let packed = Packed::new::<T>(frames, width);
        let (x, lengths, y) = (call.input::<T>(0), call.input::<u32>(1), call.output::<T>());
        y.fill(T::zero());
        let fault = Mutex::new(None);
        let some = share(clips, frames, width);
        parallel::rows(y, packed.len(), some, 0, &|first, rows| {
            let (mut newton, mut wide) = (Newton::default(), Vec::new());
            for (clip, row) in (first..).zip(rows.chunks_exact_mut(packed.len())) {
                let length = lengths[clip] as usize;
                let from = &x[clip * frames * width..(clip + 1) * frames * width];
                let done = match from.get(..length * width) {
                    Some(rows) => {
                        let [low, high] = self.tube(length);
                        let rows = widened(rows, &mut wide);
                        let (low, high) = (&low[..], &high[..]);
                        let problem = Problem { rows, width, low, high, cost: self.cost };
                        newton
                            .solve(&problem)
                            .map(|found| packed.write(found, row))
                            .map_err(|error| describe(clip, &error))
                    }
                    None => {
                        Err(format!("clip {clip}: wanted at most {frames} frames, found {length}"))
                    }
                };
                if let Err(message) = done {
                    first_of(&fault, clip, message);
                }
            }
        });
        match fault.into_inner() {
            Ok(None) => Ok(()),
            Ok(Some((_, message))) => Err(Error::Custom { op: self.name(), message }),
            Err(_) => Err(Error::Custom { op: self.name(), message: "a solver panicked".into() }),
        }
    }
}

impl Op for RankPool {
    fn name(&self) -> &'static str {
        "rank_pool"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        let [frames, lengths] = inputs else {
            return Err(Error::Arity { op, wanted: 2, found: inputs.len() });
        };
        let [clips, count, width] = frames.shape[..] else {
            let wanted = "[clips, frames, columns]".into();
            return Err(Error::Shape { op, shape: frames.shape.clone(), wanted });
        };
        if frames.dtype == DType::U32 {
            return Err(Error::Type { op, wanted: DType::F64, found: DType::U32 });
        }
        if lengths.dtype != DType::U32 {
            return Err(Error::Type { op, wanted: DType::U32, found: lengths.dtype });
        }
        if lengths.shape != [clips] {
            let (left, right) = (frames.shape.clone(), lengths.shape.clone());
            return Err(Error::Shapes { op, left, right, wanted: "a length a clip" });
        }
        let len = Packed::of(frames.dtype, count, width).len();
        Ok(Signature { shape: vec![clips, len], dtype: frames.dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let operands = [at.inputs[0], at.inputs[1], at.output, at.gradient];
        Ok(vec![Some(self.gradient(operands)?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        match call.dtype() {
            DType::F64 => self.kernel_of::<f64>(call),
            _ => self.kernel_of::<f32>(call),
        }
    }

    fn definition<'g>(&self, operands: &[Var<'g>]) -> Option<Result<Var<'g>, Error>> {
        let &[frames, lengths] = operands else { return None };
        let shape = frames.shape();
        let packed = Packed::of(frames.dtype(), shape[1], shape[2]);
        Some(definition::pooled(*self, frames, lengths, packed))
    }
}

/// Multiplications from which clips are worth another thread.
const TASK: usize = 1 << 19;

/// How many clips one thread takes.
fn share(clips: usize, frames: usize, width: usize) -> usize {
    let each = frames * frames.min(width) * (width + 2 * frames);
    (TASK / each.max(1)).clamp(1, clips.max(1))
}

/// Keeps what is wrong with the first of the clips.
fn first_of(fault: &Mutex<Option<(usize, String)>>, clip: usize, message: String) {
    let Ok(mut fault) = fault.lock() else { return };
    if fault.as_ref().is_none_or(|(other, _)| clip < *other) {
        *fault = Some((clip, message));
    }
}

/// What is wrong with a clip, whose rows are frames.
fn describe(clip: usize, error: &SolveError) -> String {
    match error {
        SolveError::NotFinite { row, column, value } => format!(
            "clip {clip}, frame {}: wanted finite numbers, found {value} in column {column}",
            row + 1
        ),
        other => format!("clip {clip}: {other}"),
    }
}

/// Numbers in f64: themselves, or a copy.
fn widened<'a, T: Float>(values: &'a [T], copy: &'a mut Vec<f64>) -> &'a [f64] {
    if T::DTYPE == DType::F64 {
        return same::<T, f64>(values);
    }
    copy.clear();
    copy.extend(values.iter().map(|value| value.to_f64()));
    copy
}

/// The same elements under the name of their type.
fn same<T: Element, U: Element>(values: &[T]) -> &[U] {
    bytemuck::cast_slice(values)
}
