//! A line through noisy points, by gradient descent: replace it by the paper's one new idea.

use rand_distr::{Distribution, StandardNormal, StandardUniform};
use regimen::autodiff::{self, Buffer, Var};
use regimen::experiment::{
    Better, DataRef, Error, Experiment, Metric, ParamError, Run, Stream,
};
use regimen::learn::{
    self, Batch, BatchVars, Field, Fields, Groups, Init, Layout, Metrics, Objective, Optimizer,
    Schedule, Training,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Step size.
    pub learning_rate: f64,
    /// Points a batch.
    pub batch: usize,
    /// Steps.
    pub steps: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self { learning_rate: 0.1, batch: 32, steps: 200 }
    }
}

/// The experiment.
#[derive(Debug, Clone)]
pub struct Paper {
    params: Params,
}

/// Points of `y = 2 x - 1` with noise, and a slope and an intercept to find.
struct Line {
    layout: Layout,
    fields: Fields,
    x: Field<f32>,
    y: Field<f32>,
    batch: usize,
}

impl Objective for Line {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(
        &self,
        params: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, autodiff::Error> {
        let found = batch[self.x].mul(params[0])?.add(params[1])?;
        Ok(found.sub(batch[self.y])?.square().mean_all())
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        for row in 0..self.batch {
            let (x, noise): (f32, f32) =
                (StandardUniform.sample(&mut rng), StandardNormal.sample(&mut rng));
            batch[self.x][row] = x;
            batch[self.y][row] = 2.0 * x - 1.0 + 0.01 * noise;
        }
    }
}

impl learn::Task for Line {
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        let values = params.to_vec::<f32>().map_err(|e| Error::other("the line", e))?;
        let (slope, intercept) = (f64::from(values[0]), f64::from(values[1]));
        // The mean square over x in [0, 1], in closed form.
        let (a, b) = (slope - 2.0, intercept + 1.0);
        Ok(vec![("test_loss", a * a / 3.0 + a * b + b * b), ("slope", slope)])
    }
}

impl Experiment for Paper {
    type Params = Params;
    const NAME: &'static str = "{{name}}";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "A line through noisy points";
    const METRICS: &'static [Metric] =
        &[Metric::new("test_loss", "", Better::Lower), Metric::neutral("slope", "")];
    const STEP_METRICS: &'static [Metric] = &[
        Metric::new("test_loss", "", Better::Lower),
        Metric::neutral("slope", ""),
        Metric::new("train_loss", "", Better::Lower),
        Metric::neutral("gradient_norm", ""),
    ];

    fn new(params: Params) -> Result<Self, ParamError> {
        let positive = params.learning_rate > 0.0 && params.learning_rate.is_finite();
        ParamError::check(positive, "learning_rate", "a number above 0", params.learning_rate)?;
        ParamError::check(params.batch > 0, "batch", "1 or more", params.batch)?;
        ParamError::check(params.steps > 0, "steps", "1 or more", params.steps)?;
        Ok(Self { params })
    }

    fn data(&self) -> Vec<DataRef> {
        Vec::new()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let Params { learning_rate, batch, steps } = self.params;
        let mut fields = Fields::new();
        let mut line = Line {
            layout: Layout::new().with("slope", &[1], Init::Zeros).with(
                "intercept",
                &[1],
                Init::Zeros,
            ),
            x: fields.float("x", &[batch]),
            y: fields.float("y", &[batch]),
            fields,
            batch,
        };
        let settings = Training {
            steps,
            evaluate_every: steps.div_ceil(4),
            optimizer: Optimizer::sgd(0.9),
            groups: Groups::default(),
            learning_rate,
            schedule: Schedule::LinearDecay { from: 0.5 },
            clip: None,
            selection: None,
        };
        let trained = learn::train(&mut line, &settings, run)?;
        for (name, value) in trained.metrics {
            run.result(name, value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use regimen::experiment::{DataPaths, Device, MemorySink, RunContext, RunId};

    use super::*;

    #[test]
    fn it_finds_the_line() {
        let context = RunContext {
            id: RunId::of("test"),
            seed: 0,
            threads: 1,
            device: Device::Cpu,
            data: DataPaths::default(),
        };
        let mut sink = MemorySink::default();
        Paper::new(Params::default()).unwrap().run(&mut Run::new(context, &mut sink)).unwrap();
        assert!(sink.results["test_loss"] < 1e-3, "{:?}", sink.results);
    }
}
