//! The experiment `style`: its parameters, and a run of it.
//!
#![doc = include_str!("../README.md")]

mod colour;
mod descent;
mod evaluation;
mod leaves;
mod losses;
mod normalise;
mod observe;
mod params;
mod picture;
mod published;
mod tool;
mod transfer;
mod vgg;
mod weights;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use experiment::{
    Better, DataRef, Error, Experiment, Metric, ParamError, PublishedTable, Run, Tool,
};
use learn::{Restored, Resumable, Saved, drive};

pub use colour::Colour;
pub use descent::Optimizer;
pub use losses::Constants;
pub use params::{Kind, Normalise, Params, Start};
pub use picture::{Picture, PictureError};
pub use vgg::{Architecture, Pool};
pub use weights::Inputs;

use transfer::Transfer;

/// The experiment.
#[derive(Debug, Clone)]
pub struct Style {
    params: Params,
}

const LOSS: Metric = Metric::new("loss", "", Better::Lower);
const CONTENT: Metric = Metric::new("content_loss", "", Better::Lower);
const STYLE: Metric = Metric::new("style_loss", "", Better::Lower);
const EVALUATIONS: Metric = Metric::neutral("evaluations", "");

impl Experiment for Style {
    type Params = Params;
    const NAME: &'static str = "style";
    const VERSION: u32 = 3;
    const SUMMARY: &'static str =
        "Pictures in the style of paintings, by a network's features (Gatys et al. 2015)";
    const PROGRESS: &'static str = "evaluations";
    const METRICS: &'static [Metric] = &[LOSS, CONTENT, STYLE, EVALUATIONS];
    const STEP_METRICS: &'static [Metric] = &[LOSS, CONTENT, STYLE];
    const PUBLISHED: &'static [PublishedTable] = published::TABLES;

    fn new(params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        Ok(Self { params })
    }

    fn metrics(&self) -> Vec<Metric> {
        [self.step_metrics(), vec![EVALUATIONS]].concat()
    }

    fn step_metrics(&self) -> Vec<Metric> {
        match self.params.kind {
            Kind::Transfer => vec![LOSS, CONTENT, STYLE],
            Kind::Content => vec![LOSS, CONTENT],
            Kind::Style => vec![LOSS, STYLE],
        }
    }

    fn identity(params: &Params) -> Cow<'_, Params> {
        Cow::Owned(params.canonical())
    }

    fn data(&self) -> Vec<DataRef> {
        self.params.data()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let params = &self.params;
        let transfer = Transfer::open(params, run.data(), &run.stream("start"))?;
        let mut work = Work { transfer, made: 0, params };
        drive(&mut work, params.evaluations, run)?;
        for (name, value) in work.metrics() {
            run.result(name, value)?;
        }
        run.result("evaluations", work.made as f64)?;
        let picture = work.transfer.picture().to_file(Path::new("picture.png"))?;
        run.artifact("picture.png", &picture)
    }

    fn tools() -> Vec<Tool> {
        vec![tool::tool()]
    }
}

/// A run under way.
struct Work<'a> {
    transfer: Transfer,
    /// Evaluations so far.
    made: u64,
    params: &'a Params,
}

impl Work<'_> {
    fn metrics(&self) -> Vec<(&'static str, f64)> {
        let [content, style] = self.transfer.sums();
        let loss = ("loss", self.transfer.losses().total);
        match self.params.kind {
            Kind::Transfer => vec![loss, ("content_loss", content), ("style_loss", style)],
            Kind::Content => vec![loss, ("content_loss", content)],
            Kind::Style => vec![loss, ("style_loss", style)],
        }
    }
}

const AT: &str = "at";
const DESCENT: &str = "descent";

impl Resumable for Work<'_> {
    fn name(&self) -> &'static str {
        "style transfer"
    }

    fn advance(&mut self, step: u64, run: &mut Run<'_>) -> Result<ControlFlow<()>, Error> {
        let more = self.transfer.advance()?;
        self.made = step + 1;
        let due = self.made == 1 || self.made.is_multiple_of(self.params.record_every);
        if due || !more {
            for (name, value) in self.metrics() {
                run.record(self.made, name, value)?;
            }
        }
        Ok(if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    }

    fn save(&self) -> Result<Saved<'_>, Error> {
        let (at, descent) = self.transfer.save()?;
        Ok(Saved::new().json(AT, &(self.made, at))?.bytes(DESCENT, descent))
    }

    fn restore(&mut self, saved: &Restored<'_>) -> Result<(), Error> {
        let (made, at) = saved.json(AT)?;
        self.transfer.restore(at, saved.bytes(DESCENT)?)?;
        self.made = made;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
