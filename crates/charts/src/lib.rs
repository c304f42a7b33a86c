//! Scales, axes and drawings of charts, for the report and for the pictures that runs leave.
//!
//! A [`Drawing`] holds the marks of a chart as elements of SVG, which carry the classes of a style, and
//! the labels beside them as text. The report puts it into its page, whose style knows light and dark;
//! [`curves`] makes a file of its own.

mod curves;
mod frame;
mod scale;

pub use curves::{Curve, curves};
pub use frame::{Drawing, Frame, Label, WIDTH};
pub use scale::{Fit, Kind, Scale, tick};

/// A scale with what it measures.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it measures.
    pub title: String,
    /// Where values lie along it.
    pub scale: Scale,
}

impl Axis {
    /// An axis of a scale.
    pub fn new(title: impl Into<String>, scale: Scale) -> Self {
        Self { title: title.into(), scale }
    }
}
