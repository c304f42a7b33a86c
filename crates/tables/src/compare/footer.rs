//! What a reader must know beside the numbers.

use super::{
    Agreement, Comparison, Standing, Summary, Test,
    best::LEVEL,
    labels::labels,
    sheet::{Note, When, number},
};
use crate::{processors::short, statistics::Bootstrap};

/// The notes of comparisons over the same rows and columns; what is not so of all of them begins
/// with the metric.
pub(super) fn notes(all: &[&Comparison]) -> Vec<Note> {
    let each: Vec<Vec<Note>> = all.iter().map(|comparison| of(comparison)).collect();
    let of_all = |note: &Note| each.iter().all(|notes| notes.contains(note));
    let mut joined: Vec<Note> = Vec::new();
    for (comparison, notes) in all.iter().zip(&each) {
        for note in notes {
            if !of_all(note) {
                let text = format!("{}: {}", comparison.metric, note.text);
                joined.push(Note::new(note.when, &text));
            } else if !joined.contains(note) {
                joined.push(note.clone());
            }
        }
    }
    let has_interval = |comparison: &&Comparison| {
        comparison.lines && comparison.cells().any(|cell| cell.interval.is_some())
    };
    if all.iter().any(has_interval) {
        let Bootstrap { draws, seed } = all[0].bootstrap;
        let over = over_items(all);
        let text = format!(
            "intervals: 95 % bootstrap percentiles of the mean{over}, {draws} draws of seed {seed}"
        );
        joined.push(Note::new(When::Optional, &text));
    }
    joined.extend(sources(all).map(|text| Note::new(When::Always, &text)));
    joined
}

/// ` over runs`, or what else draws are of where metrics have items.
pub(crate) fn over_items(all: &[&Comparison]) -> String {
    let mut names: Vec<&str> = all.iter().filter_map(|comparison| comparison.statistic).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return String::new();
    }
    format!(" over runs, and of {} over runs and their items", names.join(" and "))
}

fn of(comparison: &Comparison) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut say = |text: String| notes.push(Note::new(When::Always, &text));
    say(counted_runs(comparison));
    let others = comparison.runs.others("finished without this metric");
    if !others.is_empty() {
        let hint = if comparison.runs.can_be_run() { "; `regimen plan` names them" } else { "" };
        say(format!("left out: {}{hint}", others.join(", ")));
    }
    if !comparison.averaged_over.is_empty() {
        say(format!("cells average over {}", comparison.averaged_over.join(", ")));
    }
    if !comparison.changed.is_empty() {
        let doubt =
            if comparison.has_published() { ", so published numbers may not apply" } else { "" };
        say(format!("with {}{doubt}", comparison.changed.join(", ")));
    }
    if !comparison.mixed_cpu.is_empty() {
        let kinds = short(comparison.mixed_cpu.keys().map(String::as_str));
        let each = kinds.iter().zip(comparison.mixed_cpu.values());
        let each: Vec<String> = each.map(|(kind, runs)| format!("{runs} on {kind}")).collect();
        say(format!(
            "warning: these runs are of processors of different kinds ({}): differences in the last \
             digits may be theirs",
            each.join(", ")
        ));
    }
    notes.extend(comparison.refused_items.iter().map(|why| Note::new(When::Always, why)));
    notes.extend(marks(comparison));
    notes.extend(gaps(comparison));
    notes
}

impl Comparison {
    fn cells(&self) -> impl Iterator<Item = &Summary> {
        self.cells.iter().flatten()
    }

    pub(super) fn has_published(&self) -> bool {
        self.cells().any(|cell| cell.published.is_some())
    }
}

/// `9 finished runs, 3 a cell`.
fn counted_runs(comparison: &Comparison) -> String {
    let each = range(comparison.cells().map(|cell| cell.n).filter(|n| *n > 0));
    format!("{}, {each} a cell", counted(comparison.runs.counted, "finished run"))
}

/// How the best cells were found and tested.
fn marks(comparison: &Comparison) -> Vec<Note> {
    let mut notes = Vec::new();
    if comparison.cells().all(|cell| cell.standing != Some(Standing::Best)) {
        return notes;
    }
    let mut among = match (comparison.is_by_row(), comparison.columns.names.is_empty()) {
        (true, _) => "its row".to_owned(),
        (false, true) => "its column".to_owned(),
        (false, false) => "the table".to_owned(),
    };
    if !comparison.inner.names.is_empty() {
        among.push_str(&format!(" at the same {}", comparison.inner.names.join(", ")));
    }
    let tests: Vec<Test> = comparison.cells().filter_map(|cell| cell.test).collect();
    if tests.is_empty() {
        notes.push(Note::new(
            When::Marked,
            &format!(
                "* best of {among}, not tested: that takes two common seeds, and {} seeds or more \
                 could show a p below {LEVEL}",
                seeds_for(1)
            ),
        ));
        return notes;
    }
    notes.push(Note::new(
        When::Marked,
        &format!(
            "* best of {among}, † not distinguishable from it (p >= {LEVEL}): {}, Holm-corrected \
             over {}",
            described(&tests, comparison),
            counted(tests.len(), "comparison"),
        ),
    ));
    notes.extend(few_seeds(&tests).map(|text| Note::new(When::Marked, &text)));
    notes
}

/// How many seeds it takes, where there are fewer.
fn few_seeds(tests: &[Test]) -> Option<String> {
    let fewest = tests.iter().map(Test::seeds).min()?;
    let (alone, corrected) = (seeds_for(1), seeds_for(tests.len()));
    if fewest >= corrected {
        return None;
    }
    let mut text = format!(
        "{} {} few: by the signs of their differences alone, ",
        counted(fewest, "seed"),
        if fewest == 1 { "is" } else { "are" }
    );
    if fewest < alone {
        text.push_str(&format!("{alone} seeds or more could show a p below {LEVEL}"));
        if corrected > alone {
            text.push_str(&format!(
                ", and {corrected} after the correction over {} comparisons",
                tests.len()
            ));
        }
    } else {
        text.push_str(&format!(
            "{corrected} seeds or more could show a p below {LEVEL} after the correction over {} \
             comparisons",
            tests.len()
        ));
    }
    Some(text)
}

/// How many seeds the smallest p of a two-sided sign test takes to be below the level after
/// Holm's correction over so many comparisons: `comparisons * 2^(1 - seeds) < LEVEL`.
fn seeds_for(comparisons: usize) -> usize {
    let mut seeds = 1;
    let mut p = comparisons as f64;
    while p >= LEVEL {
        p /= 2.0;
        seeds += 1;
    }
    seeds
}

/// Cells whose gap to the published number is beyond both spreads.
fn gaps(comparison: &Comparison) -> Vec<Note> {
    let cells: Vec<&Summary> = comparison.cells().collect();
    let count = |agreement| cells.iter().filter(|cell| cell.agreement == Some(agreement)).count();
    let (differ, unknown) = (count(Agreement::Differs), count(Agreement::Unknown));
    let compared = cells.iter().filter(|cell| cell.agreement.is_some()).count();
    let mut notes = Vec::new();
    if differ > 0 {
        let most = largest(comparison, Agreement::Differs);
        let text = format!(
            "gap to the published number larger than both spreads: {differ} of {compared} cells{most}"
        );
        if comparison.lines {
            notes.push(Note::new(When::Always, &text));
        } else {
            notes.push(Note::new(When::Marked, &format!("! {text}")));
            notes.push(Note::new(When::Unmarked, &text));
        }
    }
    if unknown > 0 {
        let most = largest(comparison, Agreement::Unknown);
        let cells = counted(unknown, "cell");
        notes.push(Note::new(
            When::Always,
            &format!(
                "off the published number with one run, which has no spread: {cells}{most}; two seeds \
                 or more would tell"
            ),
        ));
    }
    notes
}

/// `, the most by +80.7 (regime 9, learner fp)`.
fn largest(comparison: &Comparison, agreement: Agreement) -> String {
    let mut most: Option<(f64, [usize; 2])> = None;
    for (row, cells) in comparison.cells.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            if let Some(gap) = cell.gap.filter(|_| cell.agreement == Some(agreement))
                && most.is_none_or(|(known, _)| gap.abs() > known.abs())
            {
                most = Some((gap, [row, column]));
            }
        }
    }
    let Some((gap, at)) = most else { return String::new() };
    let place: Vec<String> = [&comparison.rows, &comparison.columns]
        .iter()
        .zip(at)
        .flat_map(|(axis, at)| {
            let values = labels(axis).swap_remove(at);
            axis.names
                .iter()
                .zip(values)
                .map(|(name, value)| format!("{name} {value}"))
                .collect::<Vec<_>>()
        })
        .collect();
    let sign = if gap > 0.0 { "+" } else { "" };
    let gap = format!("{sign}{}", number(gap, comparison.places()));
    match place.as_slice() {
        [] => format!(", by {gap}"),
        place => format!(", the most by {gap} ({})", place.join(", ")),
    }
}

/// Where published numbers are from, and how sure they are.
fn sources(all: &[&Comparison]) -> Option<String> {
    let source = |cell: &Summary| {
        let theirs = cell.published.as_ref()?;
        let how = match theirs.confidence.as_str() {
            "verified" => String::new(),
            "recalled" => " (quoted from memory, not checked against the paper)".into(),
            "computed" => " (worked out from other numbers, not printed)".into(),
            other => format!(" ({other})"),
        };
        Some(format!("{}{how}", theirs.source))
    };
    let mut sources: Vec<String> =
        all.iter().flat_map(|comparison| comparison.cells()).filter_map(source).collect();
    sources.sort_unstable();
    sources.dedup();
    (!sources.is_empty()).then(|| format!("published: {}", sources.join("; ")))
}

/// Which tests, and over what.
fn described(tests: &[Test], comparison: &Comparison) -> String {
    let (mut seeds, mut sampled, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for test in tests {
        match test {
            Test::PairedT(_) => seeds.push(test.seeds()),
            Test::HierarchicalBootstrap { items: number, .. } => {
                sampled.push(test.seeds());
                items.push(*number);
            }
        }
    }
    let mut names = Vec::new();
    if !items.is_empty() {
        let Bootstrap { draws, seed } = comparison.bootstrap;
        let of = comparison.statistic.map_or_else(String::new, |name| format!(" of {name}"));
        names.push(format!(
            "hierarchical paired bootstrap{of} over common seeds ({}) and items ({}), {draws} draws of \
             seed {seed}",
            range(sampled.into_iter()),
            range(items.into_iter()),
        ));
    }
    if !seeds.is_empty() {
        let degrees = range(seeds.iter().map(|seeds| seeds - 1));
        names.push(format!(
            "paired t-test over common seeds ({}), {degrees} degree{} of freedom",
            range(seeds.iter().copied()),
            if degrees == "1" { "" } else { "s" },
        ));
    }
    names.join(", or ")
}

/// `3`, or `3 to 5`.
fn range(numbers: impl Iterator<Item = usize>) -> String {
    let (fewest, most) = numbers
        .fold((usize::MAX, 0), |(fewest, most), number| (fewest.min(number), most.max(number)));
    if fewest < most { format!("{fewest} to {most}") } else { most.to_string() }
}

/// `1 seed`, `2 seeds`.
fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By signs, n seeds give a p of 2^(1-n): .0625 with 5 and .03125 with 6; over 12 comparisons
    /// 12 * 2^-8 = .047.
    #[test]
    fn seeds_that_could_show_a_difference() {
        assert_eq!([1, 2, 12].map(seeds_for), [6, 7, 9]);
    }
}
