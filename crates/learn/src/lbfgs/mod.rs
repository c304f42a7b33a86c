//! L-BFGS: descent by a limited memory of gradients (Nocedal & Wright 2006, algorithm 7.5), within
//! bounds if there are any (L-BFGS-B), stopped and continued at any evaluation.

mod bounds;
mod compact;
mod history;
mod line_search;
mod program;
mod settings;

use serde::{Deserialize, Serialize};

pub use bounds::Bounds;
use history::{History, dot};
use line_search::{LineSearch, Verdict};
pub use program::ValueAndGradient;
pub use settings::{Ending, LbfgsSettings, Progress};

/// A line search under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Search {
    direction: Vec<f64>,
    line: LineSearch,
}

/// A minimisation in progress. Its state is plain values: [`to_bytes`](Self::to_bytes) at any
/// moment, and [`from_bytes`](Self::from_bytes) goes on with the same bits.
///
/// ```
/// use learn::{Lbfgs, LbfgsSettings};
///
/// let mut parabola = |x: &[f64], gradient: &mut [f64]| {
///     gradient[0] = 2.0 * (x[0] - 3.0);
///     Ok::<_, std::convert::Infallible>((x[0] - 3.0).powi(2))
/// };
/// let mut search = Lbfgs::new(vec![0.0], LbfgsSettings::default());
/// while search.advance(&mut parabola)?.is_none() {}
/// assert!((search.point()[0] - 3.0).abs() < 1e-5);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lbfgs {
    settings: LbfgsSettings,
    bounds: Option<Bounds>,
    point: Vec<f64>,
    value: f64,
    /// Empty before the first evaluation.
    gradient: Vec<f64>,
    history: History,
    search: Option<Search>,
    evaluations: u64,
    iterations: u64,
    ended: Option<Ending>,
}

impl Lbfgs {
    /// A search from a point.
    pub fn new(point: Vec<f64>, settings: LbfgsSettings) -> Self {
        Self {
            settings,
            bounds: None,
            point,
            value: f64::INFINITY,
            gradient: Vec::new(),
            history: History::new(settings.history),
            search: None,
            evaluations: 0,
            iterations: 0,
            ended: None,
        }
    }

    /// A search within bounds; a point outside is moved to the nearest one inside.
    ///
    /// # Errors
    /// What is wrong with the bounds: another number of them, or a lower one above the upper.
    pub fn within(
        bounds: Bounds,
        mut point: Vec<f64>,
        settings: LbfgsSettings,
    ) -> Result<Self, String> {
        if let Some(fault) = bounds.fault(point.len()) {
            return Err(format!("bounds: {fault}"));
        }
        bounds.clamp(&mut point);
        Ok(Self { bounds: Some(bounds), ..Self::new(point, settings) })
    }

    /// The best point so far.
    pub fn point(&self) -> &[f64] {
        &self.point
    }

    /// The value there; infinite before the first evaluation.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The gradient there; empty before the first evaluation.
    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    /// Number of evaluations so far.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Number of iterations so far.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Completes one iteration of `function`, which returns the value at its first argument and
    /// writes the gradient to its second; why the search ended, if it has.
    ///
    /// # Errors
    /// The function's; the search can then go on from where it was.
    pub fn advance<E>(
        &mut self,
        function: &mut impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
    ) -> Result<Option<Ending>, E> {
        loop {
            match self.evaluate(function)? {
                Progress::Searching => {}
                Progress::Moved => return Ok(None),
                Progress::Ended(ending) => return Ok(Some(ending)),
            }
        }
    }

    /// Evaluates `function` once, as [`advance`](Self::advance) does one or several times.
    ///
    /// # Errors
    /// The function's; the search can then go on from where it was.
    pub fn evaluate<E>(
        &mut self,
        function: &mut impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
    ) -> Result<Progress, E> {
        if let Some(ending) = self.ended {
            return Ok(Progress::Ended(ending));
        }
        let mut gradient = vec![0.0; self.point.len()];
        if self.gradient.is_empty() {
            self.value = function(&self.point, &mut gradient)?;
            self.evaluations += 1;
            self.gradient = gradient;
            let usable = self.value.is_finite() && self.gradient.iter().all(|g| g.is_finite());
            if !usable {
                return Ok(self.end(Ending::NoStep));
            }
            return Ok(self.flat().unwrap_or(Progress::Searching));
        }
        let Some(search) = self.search.take().or_else(|| self.begin()) else {
            return Ok(self.end(Ending::NoStep));
        };
        let search = self.search.insert(search);
        let step = search.line.step();
        let mut trial: Vec<f64> =
            self.point.iter().zip(&search.direction).map(|(x, d)| x + step * d).collect();
        if let Some(bounds) = &self.bounds {
            bounds.clamp(&mut trial);
        }
        let value = function(&trial, &mut gradient)?;
        self.evaluations += 1;
        let slope = dot(&gradient, &search.direction);
        match search.line.judge(value, slope, self.settings.search_evaluations) {
            Verdict::Try => Ok(Progress::Searching),
            Verdict::Take => Ok(self.take(trial, value, gradient)),
            Verdict::GiveUp => {
                self.search = None;
                Ok(self.forget().unwrap_or(Progress::Searching))
            }
        }
    }

    /// A line search along the next direction; `None` where there is none that descends.
    fn begin(&mut self) -> Option<Search> {
        const FAR: f64 = 1e10;
        loop {
            let (x, g) = (&self.point, &self.gradient);
            let (direction, longest) = match &self.bounds {
                None => (Some(self.history.descent(g)), FAR),
                Some(bounds) => {
                    let direction = bounds::direction(&self.history, bounds, x, g);
                    let longest = match &direction {
                        Some(_) if self.iterations == 0 => 1.0,
                        Some(direction) => bounds.longest(x, direction, FAR),
                        None => 0.0,
                    };
                    (direction, longest)
                }
            };
            if let Some(direction) = direction {
                let slope = dot(g, &direction);
                if slope < 0.0 && longest > 0.0 {
                    let norm = dot(&direction, &direction).sqrt();
                    let first = if self.iterations == 0 { 1.0 / norm } else { 1.0 };
                    let step = f64::min(first, longest);
                    let line = LineSearch::new(self.value, slope, step, longest);
                    return Some(Search { direction, line });
                }
            }
            if self.history.pairs.is_empty() {
                return None;
            }
            self.history.pairs.clear();
        }
    }

    /// Moves to a point that the line search takes.
    fn take(&mut self, point: Vec<f64>, value: f64, gradient: Vec<f64>) -> Progress {
        self.search = None;
        let s: Vec<f64> = point.iter().zip(&self.point).map(|(new, old)| new - old).collect();
        let y: Vec<f64> = gradient.iter().zip(&self.gradient).map(|(new, old)| new - old).collect();
        let fall = -dot(&self.gradient, &s);
        self.history.push(s, y, fall);
        let size = self.value.abs().max(value.abs()).max(1.0);
        let still = self.value - value <= self.settings.value_tolerance * size;
        (self.point, self.value, self.gradient) = (point, value, gradient);
        self.iterations += 1;
        match self.flat() {
            Some(ended) => ended,
            None if still => self.end(Ending::Value),
            None => Progress::Moved,
        }
    }

    /// Ends where the gradient, projected onto the bounds, is small.
    fn flat(&mut self) -> Option<Progress> {
        let mut moved: Vec<f64> =
            self.point.iter().zip(&self.gradient).map(|(x, g)| x - g).collect();
        let largest = match &self.bounds {
            None => self.gradient.iter().fold(0.0, |largest, g| f64::max(largest, g.abs())),
            Some(bounds) => {
                bounds.clamp(&mut moved);
                let change = moved.iter().zip(&self.point).map(|(new, old)| (new - old).abs());
                change.fold(0.0, f64::max)
            }
        };
        (largest <= self.settings.gradient_tolerance).then(|| self.end(Ending::Gradient))
    }

    /// Goes on along the gradient after a search that was given up, or ends if it did so already.
    fn forget(&mut self) -> Option<Progress> {
        if self.history.pairs.is_empty() {
            return Some(self.end(Ending::NoStep));
        }
        self.history.pairs.clear();
        None
    }

    fn end(&mut self, ending: Ending) -> Progress {
        self.ended = Some(ending);
        Progress::Ended(ending)
    }

    /// The whole state, as MessagePack.
    ///
    /// # Panics
    /// Never: plain values have a form in MessagePack.
    pub fn to_bytes(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("plain values have a form in MessagePack")
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = rmp_serde::from_slice(bytes).map_err(|e| format!("L-BFGS state: {e}"))?;
        let len = read.point.len();
        let fits = (read.gradient.is_empty() || read.gradient.len() == len)
            && read.history.suits(len)
            && read.search.as_ref().is_none_or(|search| search.direction.len() == len)
            && read.bounds.as_ref().is_none_or(|bounds| bounds.fault(len).is_none());
        if !fits {
            return Err(format!("L-BFGS state: wanted vectors of {len} elements, found others"));
        }
        Ok(read)
    }
}
