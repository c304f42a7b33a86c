//! Charts, each twice: a drawing made here, for paper and for readers without scripts, and what the
//! page's script draws it from again, so that it answers the pointer and the filter.
//!
//! Colours are chosen by the style of the page, which knows light and dark: a mark carries a class.
//! Labels come from runs and are put in by the template, which escapes them.

mod lines;
mod parallel;
mod points;
mod short;

use charts::{Axis, Drawing};
use serde::Serialize;

pub(crate) use lines::{Line, lines};
pub(crate) use parallel::{Dimension, Path, parallel};
pub(crate) use points::{Dot, points};
pub(crate) use short::Short;

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

/// An axis for the script. Its ends and ticks are places: logarithms to base 10 where it is logarithmic.
#[derive(Debug, Serialize)]
struct LiveAxis<'a> {
    title: &'a str,
    log: bool,
    ends: [Short; 2],
    ticks: Vec<(Short, String)>,
}

impl<'a> LiveAxis<'a> {
    fn new(axis: &'a Axis) -> Self {
        let [low, high] = axis.scale.places();
        let tick = |(share, text)| (Short(low + share * (high - low)), text);
        Self {
            title: &axis.title,
            log: axis.scale.is_log(),
            ends: [low, high].map(Short),
            ticks: axis.scale.ticks(5).into_iter().map(tick).collect(),
        }
    }
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
