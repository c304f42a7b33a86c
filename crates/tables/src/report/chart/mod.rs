//! Charts, each twice: a drawing made here, for paper and for readers without scripts, and what the
//! page's script draws it from again, so that it answers the pointer and the filter.
//!
//! Colours are chosen by the style of the page, which knows light and dark: a mark carries a class.
//! Labels come from runs and are put in by the template, which escapes them.

mod frame;
mod lines;
mod parallel;
mod points;
mod scale;

use serde::Serialize;

pub(crate) use frame::{Drawing, Frame};
pub(crate) use lines::{Line, lines};
pub(crate) use parallel::{Dimension, Path, parallel};
pub(crate) use points::{Dot, points};
pub(crate) use scale::{Fit, Kind, Scale, Short, tick};

/// A chart with what is written beside it.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// What it shows, for those who do not see it.
    pub(crate) description: String,
    pub(crate) drawing: Drawing,
    /// The same for the script, as JSON.
    pub(crate) live: String,
}

/// A scale with what it measures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) title: String,
    pub(crate) scale: Scale,
}

impl Axis {
    pub(crate) fn new(title: impl Into<String>, scale: Scale) -> Self {
        Self { title: title.into(), scale }
    }

    fn live(&self) -> LiveAxis<'_> {
        let [low, high] = self.scale.places();
        let tick = |(share, text)| (Short(low + share * (high - low)), text);
        LiveAxis {
            title: &self.title,
            log: self.scale.is_log(),
            ends: [low, high].map(Short),
            ticks: self.scale.ticks(5).into_iter().map(tick).collect(),
        }
    }
}

/// An axis for the script. Its ends and ticks are places: logarithms to base 10 where it is logarithmic.
#[derive(Debug, Serialize)]
struct LiveAxis<'a> {
    title: &'a str,
    log: bool,
    ends: [Short; 2],
    ticks: Vec<(Short, String)>,
}

/// A chart for the script.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Live<'a> {
    Lines { x: LiveAxis<'a>, y: LiveAxis<'a>, lines: Vec<lines::LiveLine<'a>> },
    Points { x: LiveAxis<'a>, y: LiveAxis<'a>, dots: Vec<points::LiveDot>, front: Vec<[Short; 2]> },
    Parallel { axes: Vec<LiveAxis<'a>>, paths: Vec<parallel::LivePath> },
}

impl Live<'_> {
    fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and text are JSON")
    }
}
