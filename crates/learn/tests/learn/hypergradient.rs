//! Hypergradients against finite differences, and the three ways to them against each other.

use autodiff::{Error, Float, Var};
use experiment::Stream;
use learn::{
    Batch, BatchVars, Field, Fields, HyperError, HyperLearner, Hypergradient, Init, Layout,
    Objective, Schedules, Setting, Trajectory,
};
use rand::RngExt;

const ROWS: usize = 5;

/// A network of two layers with every kind of hyper-parameter: a penalty a weight, a scale and a
/// shift a feature, two training examples, and a matrix that the hidden units share.
struct Network {
    layout: Layout,
    hypers: Layout,
    fields: Fields,
    x: Field<f32>,
    class: Field<u32>,
    /// The outer objective has no penalty and no learned examples.
    outer: bool,
}

impl Network {
    fn new(outer: bool) -> Self {
        let normal = Init::Normal { std: 0.6 };
        let layout = Layout::new()
            .with("w1", &[3, 4], normal)
            .with("b1", &[4], normal)
            .with("w2", &[4, 2], normal)
            .with("b2", &[2], normal);
        let hypers = Layout::new()
            .with("penalty", &[layout.len()], Init::Normal { std: 0.05 })
            .with("scale", &[3], normal)
            .with("shift", &[3], normal)
            .with("examples", &[2, 3], normal)
            .with("sharing", &[4, 4], normal);
        let mut fields = Fields::new();
        let (x, class) = (fields.float("x", &[ROWS, 3]), fields.index("class", &[ROWS]));
        Self { layout, hypers, fields, x, class, outer }
    }

    fn surprise<'g>(
        params: &[Var<'g>],
        sharing: Var<'g>,
        x: Var<'g>,
        class: Var<'g>,
    ) -> Result<Var<'g>, Error> {
        let hidden = x.matmul(params[0])?.add(params[1])?.tanh().matmul(sharing)?;
        Ok(hidden.matmul(params[2])?.add(params[3])?.cross_entropy(class)?.mean_all())
    }
}

impl Objective for Network {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn hypers(&self) -> Option<&Layout> {
        Some(&self.hypers)
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, Error> {
        let graph = params[0].graph();
        let fixed = self.hypers.initial(&Stream::new(0, "hypers"));
        let hypers = self.hypers.views(graph.constant(&fixed, &[self.hypers.len()])?)?;
        self.hyper_loss(params, &hypers, batch)
    }

    fn hyper_loss<'g>(
        &self,
        params: &[Var<'g>],
        hypers: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, Error> {
        let &[penalty, scale, shift, examples, sharing] = hypers else { panic!("five tensors") };
        let x = batch[self.x].mul(scale)?.add(shift)?;
        let mut loss = Self::surprise(params, sharing, x, batch[self.class])?;
        if self.outer {
            return Ok(loss);
        }
        let classes = params[0].graph().index_constant(&[0, 1], &[2])?;
        loss = loss.add(Self::surprise(params, sharing, examples, classes)?)?;
        for (param, tensor) in params.iter().zip(self.layout.tensors()) {
            let weights = penalty
                .slice(0, tensor.offset..tensor.offset + tensor.len())?
                .reshape(&tensor.shape)?;
            loss = loss.add(weights.mul(param.square())?.sum_all())?;
        }
        Ok(loss)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index + if self.outer { 1 << 32 } else { 0 });
        for row in 0..ROWS {
            let class = u32::from(rng.random_bool(0.5));
            batch[self.class][row] = class;
            for x in &mut batch[self.x][3 * row..3 * row + 3] {
                *x = rng.random_range(-1.0..1.0) + class as f32;
            }
        }
    }
}

/// Everything that training is given, to be varied one number at a time.
#[derive(Clone)]
struct Given {
    rates: Vec<f64>,
    momenta: Vec<f64>,
    initial: Vec<f64>,
    hypers: Vec<f64>,
}

struct Problem {
    inner: Network,
    outer: Network,
    batches: Stream,
}

impl Problem {
    fn new() -> Self {
        let batches = Stream::new(3, "batches");
        Self { inner: Network::new(false), outer: Network::new(true), batches }
    }

    /// Momenta are multiples of 2^-20, and so are the steps that differences take.
    fn given(&self, steps: usize) -> Given {
        let mut rng = Stream::new(5, "schedules").rng(0);
        let mut draw = |low: f64, high: f64| {
            (0..4 * steps).map(|_| rng.random_range(low..high)).collect::<Vec<f64>>()
        };
        let grid = |gamma: f64| (gamma * 1024.0).round() / 1024.0;
        Given {
            rates: draw(0.1, 0.6),
            momenta: draw(0.3, 0.95).into_iter().map(grid).collect(),
            initial: self.inner.layout.initial(&Stream::new(1, "init")),
            hypers: self.inner.hypers.initial(&Stream::new(2, "hypers")),
        }
    }

    fn learner<F: Float>(&self) -> HyperLearner<F> {
        HyperLearner::new(&self.inner, &self.outer).unwrap()
    }

    fn value(&self, learner: &mut HyperLearner<f64>, given: &Given) -> f64 {
        let schedules = Schedules::new(4, &given.rates, &given.momenta).unwrap();
        let setting = self.setting(&schedules, given);
        learner.train(&self.inner, &self.outer, &setting).unwrap().value
    }

    fn hypergradient<F: Float>(
        &self,
        learner: &mut HyperLearner<F>,
        given: &Given,
        trajectory: Trajectory,
    ) -> Result<Hypergradient, HyperError> {
        let schedules = Schedules::new(4, &given.rates, &given.momenta)?;
        let setting = self.setting(&schedules, given);
        learner.hypergradient(&self.inner, &self.outer, &setting, trajectory)
    }

    fn setting<'a>(&'a self, schedules: &'a Schedules, given: &'a Given) -> Setting<'a> {
        let (initial, hypers) = (&given.initial, &given.hypers);
        Setting { schedules, initial, hypers, batches: &self.batches }
    }

    /// Compares each derivative with a central difference of the outer objective.
    fn check(&self, what: &str, given: &Given, found: &[f64], of: fn(&mut Given) -> &mut Vec<f64>) {
        // Velocities are exact to 2^-32, so smaller steps would measure noise.
        let step = 2f64.powi(-7);
        let mut learner = self.learner::<f64>();
        assert!(found.iter().any(|derivative| derivative.abs() > 1e-3), "{found:?}");
        for (at, derivative) in found.iter().enumerate() {
            let mut value = |step: f64| {
                let mut given = given.clone();
                of(&mut given)[at] += step;
                self.value(&mut learner, &given)
            };
            let mut difference = |step: f64| (value(step) - value(-step)) / (2.0 * step);
            let [fine, middle, coarse] = [step, 2.0 * step, 4.0 * step].map(&mut difference);
            // Richardson's combination of three steps leaves an error of order step^6.
            let numeric = (64.0 * fine - 20.0 * middle + coarse) / 45.0;
            let deviation = (derivative - numeric).abs() / (1.0 + derivative.abs());
            assert!(deviation < 5e-7, "{what} {at}: {derivative}, by differences {numeric}");
        }
    }
}

#[test]
fn hypergradients_agree_with_finite_differences() {
    let problem = Problem::new();
    let given = problem.given(7);
    let trajectory = Trajectory::Reversible;
    let found = problem.hypergradient::<f64>(&mut problem.learner(), &given, trajectory).unwrap();
    problem.check("rates", &given, &found.rates, |given| &mut given.rates);
    problem.check("momenta", &given, &found.momenta, |given| &mut given.momenta);
    problem.check("initial", &given, &found.initial, |given| &mut given.initial);
    let mut from = 0;
    for tensor in problem.inner.hypers.tensors() {
        let part = &found.hypers[from..from + tensor.len()];
        assert!(part.iter().any(|derivative| derivative.abs() > 1e-3), "{}", tensor.name);
        from += tensor.len();
    }
    problem.check("hypers", &given, &found.hypers, |given| &mut given.hypers);
}

/// Every number of two hypergradients, as bits.
fn bits(found: &Hypergradient) -> Vec<u64> {
    let trial = &found.trial;
    [&trial.losses, &trial.weights, &found.rates, &found.momenta, &found.initial, &found.hypers]
        .into_iter()
        .flatten()
        .chain([&trial.value])
        .map(|value| value.to_bits())
        .collect()
}

fn three_ways<F: Float>() {
    let problem = Problem::new();
    let mut learner = problem.learner::<F>();
    for steps in [1, 2, 3, 7, 16, 30] {
        let given = problem.given(steps);
        let mut find =
            |trajectory| problem.hypergradient(&mut learner, &given, trajectory).unwrap();
        let reversed = find(Trajectory::Reversible);
        let taped = find(Trajectory::Tape);
        let checkpointed = find(Trajectory::Checkpointed);
        assert_eq!(bits(&reversed), bits(&taped), "{steps} steps on a tape");
        assert_eq!(bits(&reversed), bits(&checkpointed), "{steps} steps from checkpoints");
        if steps == 30 {
            assert!(reversed.kept.trajectory < checkpointed.kept.trajectory);
            assert!(checkpointed.kept.trajectory < taped.kept.trajectory);
        }
    }
}

#[test]
fn three_ways_give_the_same_bits() {
    three_ways::<f64>();
    three_ways::<f32>();
}

#[test]
fn without_learning_the_initial_weights_have_the_validation_gradient() {
    let problem = Problem::new();
    let mut still = problem.given(9);
    still.rates.fill(0.0);
    let mut learner = problem.learner::<f32>();
    let still = problem.hypergradient(&mut learner, &still, Trajectory::Reversible).unwrap();
    let none = problem.hypergradient(&mut learner, &problem.given(0), Trajectory::Tape).unwrap();
    assert!(none.trial.losses.is_empty());
    assert_eq!(still.initial, none.initial);
    assert_eq!(still.trial.value, none.trial.value);
}

#[test]
fn what_cannot_be_learned_is_named() {
    let problem = Problem::new();
    let mut learner = problem.learner::<f32>();
    let mut fails = |change: fn(&mut Given)| {
        let mut given = problem.given(4);
        change(&mut given);
        let found = problem.hypergradient(&mut learner, &given, Trajectory::Reversible);
        found.unwrap_err().to_string()
    };
    assert_eq!(
        fails(|given| given.rates[13] = 1e9),
        "a weight or velocity of b1 leaves -1024..1024 at step 3"
    );
    assert_eq!(
        fails(|given| given.momenta[0] = 1.5),
        "wanted a momentum above 0 and at most 1, found 1.5"
    );
    assert_eq!(
        fails(|given| given.initial[2] = f64::NAN),
        "a weight or velocity of w1 leaves -1024..1024 at step 0"
    );
    assert_eq!(
        fails(|given| given.initial.truncate(25)),
        "initial weights: wanted 26 values, found 25"
    );
    assert_eq!(fails(|given| given.momenta.truncate(15)), "momenta: wanted 16 values, found 15");
    let several = Network { fields: Fields::with_buckets(2), ..Network::new(false) };
    let refused = HyperLearner::<f32>::new(&several, &problem.outer).err().unwrap();
    assert_eq!(refused.to_string(), "wanted batches of one shape, found 2 shapes");
}
