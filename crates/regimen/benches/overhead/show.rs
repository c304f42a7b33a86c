//! Prints the measured overheads as tables.

use std::fmt::Write;

use super::measure::{Kind, Sample, Subject, quartiles};

/// Milliseconds below which a call that does nothing should stay.
const START_UP: f64 = 30.0;

/// A time with three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        0.0..0.1 => format!("{value:.4}"),
        0.1..10.0 => format!("{value:.3}"),
        _ => format!("{value:.1}"),
    }
}

fn three([low, median, high]: [f64; 3]) -> String {
    format!("{:>9} {:>9} {:>9}", number(low), number(median), number(high))
}

fn against(median: f64, target: Option<f64>) -> String {
    target.map_or(String::new(), |target| {
        let met = if median < target { "met" } else { "missed" };
        format!("  below {target}: {met}")
    })
}

fn runs(samples: &[Sample]) -> [f64; 3] {
    quartiles(samples.iter().map(|sample| sample.run))
}

fn few(samples: &[Sample]) -> [f64; 3] {
    quartiles(samples.iter().map(|sample| sample.few))
}

/// What a run costs.
pub(crate) fn table(ours: &[Subject], theirs: &[Subject]) -> String {
    let mut text = format!(
        "{:28} {:>11} {:>6} {:>9} {:>9} {:>9}\n",
        "ms per run", "runs", "rounds", "quartile", "median", "quartile"
    );
    for subject in ours.iter().chain(theirs) {
        let (from, to) = subject.runs;
        let of = runs(&subject.samples);
        let head = format!("{:28} {:>11}", subject.name, format!("{from}..{to}"));
        let target = against(of[1], subject.target);
        let _ = write!(text, "{head} {:>6} {}{target}", subject.samples.len(), three(of));
        for (name, samples) in &subject.beside {
            let pairs = subject.samples.iter().zip(samples);
            let ratio = quartiles(pairs.map(|(their, our)| their.run / our.run))[1];
            let _ = write!(text, "  {} x {name}", number(ratio));
        }
        text.push('\n');
    }
    text += "A run costs (time of the call with many runs - time of the call with few) / runs between.\n\
             A ratio is the median over pairs of samples that were taken in turn.\n";
    text
}

/// What a call costs that has next to nothing to do.
pub(crate) fn start_up(version: [f64; 3], ours: &[Subject], theirs: &[Subject]) -> String {
    let mut text = format!("{:28} {:>4}\n", "ms of a call", "runs");
    let target = against(version[1], Some(START_UP));
    let _ = writeln!(text, "{:28} {:>4} {}{target}", "regimen --version", 0, three(version));
    for subject in ours.iter().chain(theirs) {
        let of = few(&subject.samples);
        let skips_ours = subject.target.is_some() && subject.kind == Kind::Skipped;
        let target = against(of[1], skips_ours.then_some(START_UP));
        let _ = writeln!(text, "{:28} {:>4} {}{target}", subject.name, subject.runs.0, three(of));
    }
    text
}
