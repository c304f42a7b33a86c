//! Pools: one vector of the frames of a clip.

use autodiff::{Error, Var};
use learn::Layout;
use learn::layers::{Layer, Lstm, Params, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::{Inverse, Labels, RankPool};
use crate::transform::{normalised, running_mean, signed_root};

/// How the frames of a clip become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean.
    Average,
    /// The largest value of each feature.
    Max,
    /// The last one.
    Last,
    /// A weighted sum whose weights depend on the number of frames alone (Bilen et al. 2016, equation 5).
    ApproximateRank,
    /// The vector that orders them (equation 5 of the paper).
    #[default]
    Rank,
    /// The last state of an LSTM over them, which knows their order without rank pooling.
    Lstm,
    /// No vector: every frame is classified, and the scores of a clip's frames are added.
    ScoreSum,
}

/// In which directions clips are pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Directions {
    /// From the first frame to the last.
    Forward,
    /// That, and from the last to the first, one vector beside the other.
    #[default]
    Both,
}

/// Settings of rank pooling; approximate rank pooling has the transforms and directions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rank {
    /// The constant C of equation 5. The C of liblinear and scikit-learn is half of it.
    pub c: f64,
    /// Half the height of the tube.
    pub epsilon: f64,
    /// What frames are regressed on.
    pub labels: Labels,
    /// By which inverse gradients go through the argmin.
    pub inverse: Inverse,
    /// In which directions clips are pooled.
    pub directions: Directions,
    /// Whether each frame becomes the mean of those up to it, the time-varying mean, first.
    pub running_mean: bool,
    /// Whether each feature becomes its signed root then.
    pub signed_root: bool,
    /// Whether each frame is divided by its norm in the end.
    pub normalise: bool,
}

impl Default for Rank {
    fn default() -> Self {
        Self {
            c: 1.0,
            epsilon: 0.1,
            labels: Labels::default(),
            inverse: Inverse::default(),
            directions: Directions::default(),
            running_mean: false,
            signed_root: false,
            normalise: true,
        }
    }
}

/// The features of a batch of clips, and what pools need to know of their lengths.
#[derive(Clone, Copy)]
pub struct Sequences<'g> {
    /// `[clips, T, D]`; what lies beyond the end of a clip means nothing.
    pub features: Var<'g>,
    /// Frames of each clip, u32 `[clips]`.
    pub lengths: Var<'g>,
    /// Places of the frames from the last to the first among all `[clips T]`, u32 `[clips, T]`.
    pub backwards: Var<'g>,
    /// Place of the last frame among all, u32 `[clips]`.
    pub last: Var<'g>,
    /// The weight of each frame in the mean, `[clips, T]`.
    pub mean: Var<'g>,
    /// Its weight in approximate rank pooling, `[clips, T]`.
    pub ranks: Var<'g>,
    /// 1 for the frames of a clip and 0 beyond its end, `[clips, T]`. A clip without frames has one.
    pub mask: Var<'g>,
}

/// A pool with its parameters, of which only the LSTM has some.
#[derive(Debug, Clone)]
pub struct Pool {
    kind: Pooling,
    rank: Rank,
    width: usize,
    lstm: Lstm,
}

impl Pool {
    /// A pool of features of `width` columns.
    pub fn new(kind: Pooling, rank: Rank, width: usize) -> Self {
        Self { kind, rank, width, lstm: Lstm::new("lstm", width, width) }
    }

    /// Columns of the vector it makes.
    pub fn width(&self) -> usize {
        let twice = self.rank.directions == Directions::Both;
        match self.kind {
            Pooling::Rank | Pooling::ApproximateRank if twice => 2 * self.width,
            _ => self.width,
        }
    }

    /// The vectors `[clips, width]`.
    ///
    /// # Errors
    /// A shape error of the trace; [`Error::Custom`] for a pool that makes no vector.
    pub fn forward<'g>(
        &self,
        params: &Params<'_, 'g>,
        of: &Sequences<'g>,
    ) -> Result<Var<'g>, Error> {
        match self.kind {
            Pooling::Average => weighted(of.features, of.mean),
            Pooling::Max => {
                let [clips, frames, _] = three(of.features)?;
                let closed = of.mask.add_scalar(-1.0).mul_scalar(1e30);
                of.features.add(closed.reshape(&[clips, frames, 1])?)?.max(&[1], false)
            }
            Pooling::Last => of.table()?.gather(of.last),
            Pooling::ApproximateRank => self.both(of, |rows| {
                let mut rows = rows;
                if self.rank.signed_root {
                    rows = signed_root(rows)?;
                }
                if self.rank.normalise {
                    rows = normalised(rows)?;
                }
                weighted(rows, of.ranks)
            }),
            Pooling::Rank => {
                let Rank { c: cost, epsilon, labels, inverse, .. } = self.rank;
                let pool = RankPool { cost, epsilon, labels, inverse };
                self.both(of, |rows| pool.pool(self.transformed(rows)?, of.lengths))
            }
            Pooling::Lstm => self.recurrent(params, of),
            Pooling::ScoreSum => {
                let message = "score_sum makes no vector".into();
                Err(Error::Custom { op: "pool", message })
            }
        }
    }

    /// The frames as they are regressed.
    pub(crate) fn transformed<'g>(&self, rows: Var<'g>) -> Result<Var<'g>, Error> {
        let mut rows = rows;
        if self.rank.running_mean {
            rows = running_mean(rows)?;
        }
        if self.rank.signed_root {
            rows = signed_root(rows)?;
        }
        if self.rank.normalise { normalised(rows) } else { Ok(rows) }
    }

    /// What `pool` makes of the clips, and of the clips from behind.
    fn both<'g>(
        &self,
        of: &Sequences<'g>,
        pool: impl Fn(Var<'g>) -> Result<Var<'g>, Error>,
    ) -> Result<Var<'g>, Error> {
        let forward = pool(of.features)?;
        if self.rank.directions == Directions::Forward {
            return Ok(forward);
        }
        let backward = pool(of.table()?.gather(of.backwards)?)?;
        of.features.graph().concat(&[forward, backward], 1)
    }

    fn recurrent<'g>(&self, params: &Params<'_, 'g>, of: &Sequences<'g>) -> Result<Var<'g>, Error> {
        let [clips, _, _] = three(of.features)?;
        let steps = of.features.transpose(0, 1)?;
        let zeros = of.features.graph().full(0.0, &[clips, self.width]);
        let first = State { state: zeros, memory: Some(zeros) };
        let layer = self.lstm.over(params, steps, Some(first))?;
        Ok(layer.with_mask(of.mask.transpose(0, 1)?).run()?.last)
    }
}

impl Layer for Pool {
    fn declare(&self, layout: &mut Layout) {
        if self.kind == Pooling::Lstm {
            self.lstm.declare(layout);
        }
    }
}

impl<'g> Sequences<'g> {
    /// The features as a table of frames, `[clips T, D]`.
    fn table(&self) -> Result<Var<'g>, Error> {
        let [clips, frames, width] = three(self.features)?;
        self.features.reshape(&[clips * frames, width])
    }
}

/// Weighted sums of the frames of each clip.
fn weighted<'g>(rows: Var<'g>, weights: Var<'g>) -> Result<Var<'g>, Error> {
    let [clips, frames, width] = three(rows)?;
    weights.reshape(&[clips, 1, frames])?.matmul(rows)?.reshape(&[clips, width])
}

fn three(x: Var<'_>) -> Result<[usize; 3], Error> {
    let shape = x.shape();
    <[usize; 3]>::try_from(&shape[..]).map_err(|_| {
        let wanted = "[clips, frames, columns]".into();
        Error::Shape { op: "pool", shape, wanted }
    })
}

/// The weight of frame `t` of `frames`, from 1, in approximate rank pooling:
/// `sum over k from t of (2 k - T - 1) / k` (Bilen et al. 2016, equation 5), where the mean of the frames up
/// to each is accounted for.
pub fn approximate_weights(frames: usize) -> Vec<f64> {
    let mut weights = vec![0.0; frames];
    let mut sum = 0.0;
    for t in (1..=frames).rev() {
        sum += (2.0 * t as f64 - frames as f64 - 1.0) / t as f64;
        weights[t - 1] = sum;
    }
    weights
}

#[cfg(test)]
mod tests {
    use autodiff::{Buffer, DType, Device, Domain, Graph, check_grad};

    use super::*;

    /// Two clips of up to three frames with two features, of three frames and of two.
    const FEATURES: [f64; 12] = [1.0, 5.0, 3.0, 1.0, 2.0, 9.0, 4.0, -6.0, 8.0, -7.0, 99.0, 99.0];

    fn sequences<'g>(graph: &'g Graph, features: Var<'g>) -> Result<Sequences<'g>, Error> {
        let ranks: Vec<f64> = [approximate_weights(3), approximate_weights(2), vec![0.0]].concat();
        let third = 1.0 / 3.0;
        Ok(Sequences {
            features,
            lengths: graph.index_constant(&[3, 2], &[2])?,
            backwards: graph.index_constant(&[2, 1, 0, 4, 3, u32::MAX], &[2, 3])?,
            last: graph.index_constant(&[2, 4], &[2])?,
            mean: graph.constant(&[third, third, third, 0.5, 0.5, 0.0], &[2, 3])?,
            ranks: graph.constant(&ranks, &[2, 3])?,
            mask: graph.constant(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0], &[2, 3])?,
        })
    }

    fn pooled(kind: Pooling, rank: Rank) -> Vec<f64> {
        let pool = Pool::new(kind, rank, 2);
        let layout = pool.layout();
        let graph = Graph::new(DType::F64);
        let flat = graph.input("params", &[layout.len()]);
        let vars = layout.views(flat).unwrap();
        let of = sequences(&graph, graph.input("x", &[2, 3, 2])).unwrap();
        let y = pool.forward(&Params::new(&layout, &vars), &of).unwrap();
        assert_eq!(y.shape(), [2, pool.width()]);
        let mut program = graph.compile(&[y]).unwrap();
        let values = vec![0.3; layout.len()];
        let mut buffers =
            [&values[..], &FEATURES].map(|of| Buffer::from_slice(Device::cpu(), of).unwrap());
        program.run(&mut buffers.iter_mut().collect::<Vec<_>>()).unwrap();
        program.output(0).to_vec::<f64>().unwrap()
    }

    fn near(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        let off = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-12, "{found:?}, wanted {wanted:?}");
    }

    const PLAIN: Rank = Rank {
        c: 1.0,
        epsilon: 0.0,
        labels: Labels::Frames,
        inverse: Inverse::Exact,
        directions: Directions::Forward,
        running_mean: false,
        signed_root: false,
        normalise: false,
    };

    #[test]
    fn pools_by_hand() {
        near(&pooled(Pooling::Average, PLAIN), &[2.0, 5.0, 6.0, -6.5]);
        near(&pooled(Pooling::Max, PLAIN), &[3.0, 9.0, 8.0, -6.0]);
        near(&pooled(Pooling::Last, PLAIN), &[2.0, 9.0, 8.0, -7.0]);
        // The weights of three frames: (2-4)/1 + 0 + 2/3, 0 + 2/3, 2/3.
        let [w1, w2, w3] = [-4.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0];
        near(&approximate_weights(3), &[w1, w2, w3]);
        // Of two: (2-3)/1 + 1/2, 1/2.
        let first = [w1 + 3.0 * w2 + 2.0 * w3, 5.0 * w1 + w2 + 9.0 * w3];
        near(&pooled(Pooling::ApproximateRank, PLAIN), &[first[0], first[1], 2.0, -0.5]);
    }

    #[test]
    fn both_directions_stand_side_by_side() {
        let both = Rank { directions: Directions::Both, ..PLAIN };
        let [forward, all] = [PLAIN, both].map(|rank| pooled(Pooling::Rank, rank));
        assert_eq!([&all[..2], &all[4..6]].concat(), forward);
        // The second clip from behind: frames (8, -7) and (4, -6) with labels 1 and 2.
        let h = [1.0 + 64.0 + 16.0, -56.0 - 24.0, 1.0 + 49.0 + 36.0];
        let b = [8.0 + 8.0, -7.0 - 12.0];
        let det = h[0] * h[2] - h[1] * h[1];
        let wanted = [(b[0] * h[2] - b[1] * h[1]) / det, (b[1] * h[0] - b[0] * h[1]) / det];
        near(&all[6..], &wanted);
    }

    #[test]
    fn an_lstm_ends_with_the_clip() {
        let pool = |x: [f64; 12]| {
            let layer = Pool::new(Pooling::Lstm, PLAIN, 2);
            let layout = layer.layout();
            let graph = Graph::new(DType::F64);
            let vars = layout.views(graph.input("params", &[layout.len()])).unwrap();
            let of = sequences(&graph, graph.input("x", &[2, 3, 2])).unwrap();
            let y = layer.forward(&Params::new(&layout, &vars), &of).unwrap();
            let mut program = graph.compile(&[y]).unwrap();
            let values: Vec<f64> = (0..layout.len()).map(|i| (i % 7) as f64 / 7.0 - 0.4).collect();
            let mut params = Buffer::from_slice(Device::cpu(), &values).unwrap();
            program
                .run(&mut [&mut params, &mut Buffer::from_slice(Device::cpu(), &x).unwrap()])
                .unwrap();
            program.output(0).to_vec::<f64>().unwrap()
        };
        let mut other = FEATURES;
        other[10..].fill(-3.0);
        assert_eq!(pool(FEATURES), pool(other));
        // It knows the order.
        other[..4].rotate_left(2);
        assert_ne!(pool(FEATURES)[..2], pool(other)[..2]);
    }

    #[test]
    fn gradients_go_through_every_linear_pool_and_score_sum_makes_no_vector() {
        for kind in [Pooling::Average, Pooling::Max, Pooling::Last, Pooling::ApproximateRank] {
            let rank = Rank { signed_root: true, ..Rank::default() };
            check_grad(&[&[2, 3, 2]], Domain::REAL, |graph, x| {
                let layout = Layout::new();
                let pool = Pool::new(kind, rank, 2);
                pool.forward(&Params::new(&layout, &[]), &sequences(graph, x[0])?)
            })
            .unwrap();
        }
        let graph = Graph::new(DType::F64);
        let of = sequences(&graph, graph.input("x", &[2, 3, 2])).unwrap();
        let layout = Layout::new();
        let pool = Pool::new(Pooling::ScoreSum, PLAIN, 2);
        assert!(pool.forward(&Params::new(&layout, &[]), &of).is_err());
    }
}
