//! A table for people before it has a form.
//!
//! All texts are inert: control characters, escape sequences and invisible characters are written
//! out. What a form would interpret is escaped when it is written in that form.

use super::Standing;
use crate::text::{inert, inert_short};

/// Longest name or value in a table for people.
const WIDEST: usize = 60;

/// A table of texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet {
    /// Its heading.
    pub(super) title: Option<String>,
    /// What is shown, for example `dialog, test_accuracy`.
    pub(super) subject: String,
    /// What the numbers are, for example `mean`.
    pub(super) numbers: &'static str,
    /// What else a reader must know to read a cell.
    pub(super) reading: Option<String>,
    /// Names of the columns at the left that hold names.
    pub(super) labels: Vec<String>,
    /// Names of the levels of heads, the outermost first; empty for a level without a name, which
    /// can only be the last.
    pub(super) levels: Vec<String>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// What a reader must know beside the numbers.
    pub(super) notes: Vec<Note>,
}

/// A column of numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    /// One head a level.
    pub(super) heads: Vec<String>,
    /// Whether it goes first where there is not room for all.
    pub(super) optional: bool,
    /// Whether it holds words.
    pub(super) words: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) labels: Vec<String>,
    /// One entry a column.
    pub(super) entries: Vec<Entry>,
}

/// Values that stand side by side.
pub(super) type Entry = Vec<Number>;

/// A number with what belongs to it; empty texts for what does not.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Number {
    pub(super) text: String,
    pub(super) spread: String,
    pub(super) standing: Option<Standing>,
    pub(super) published: String,
    /// Whether it differs from the published number beyond both spreads.
    pub(super) differs: bool,
}

impl Number {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A sentence below a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) text: String,
    pub(super) when: When,
}

/// When a sentence is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// Where marks are shown.
    Marked,
    /// Where marks had no room.
    Unmarked,
    /// Where optional columns are shown.
    Optional,
}

impl Note {
    pub(super) fn new(when: When, text: &str) -> Self {
        Self { text: sentence(text), when }
    }
}

/// How much of each number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) spread: bool,
    pub(super) marks: bool,
    /// Whether published numbers stand below ours.
    pub(super) stacked: bool,
    /// Whether values side by side stand close together.
    pub(super) tight: bool,
    /// Whether columns that are optional are shown.
    pub(super) optional: bool,
}

impl Detail {
    /// From all to the numbers alone.
    pub(super) const ALL: [Self; 5] = [
        Self { spread: true, marks: true, stacked: false, tight: false, optional: true },
        Self { spread: false, marks: true, stacked: false, tight: false, optional: false },
        Self { spread: false, marks: true, stacked: true, tight: false, optional: false },
        Self { spread: false, marks: true, stacked: true, tight: true, optional: false },
        Self { spread: false, marks: false, stacked: true, tight: true, optional: false },
    ];

    fn between(self) -> &'static str {
        if self.tight { "/" } else { " / " }
    }
}

/// A cell as text: `99.5 ±0.5* (100)`.
pub(super) struct Shown {
    pub(super) ours: String,
    /// The published numbers in brackets, empty where there are none.
    pub(super) published: String,
}

impl Shown {
    pub(super) fn of(entry: &Entry, detail: Detail) -> Self {
        let joined = |part: &dyn Fn(&Number) -> String| {
            entry.iter().map(part).collect::<Vec<_>>().join(detail.between())
        };
        let ours = joined(&|number| {
            let mut text = number.text.clone();
            if detail.spread && !number.spread.is_empty() {
                text.push_str(" ±");
                text.push_str(&number.spread);
            }
            if detail.marks {
                text.push_str(number.standing.map_or("", Standing::mark));
            }
            text
        });
        if entry.iter().all(|number| number.published.is_empty()) {
            return Self { ours, published: String::new() };
        }
        let published = joined(&|number| {
            let text = if number.published.is_empty() { "-" } else { &number.published };
            format!("{text}{}", if detail.marks && number.differs { "!" } else { "" })
        });
        Self { ours, published: format!("({published})") }
    }

    /// On one line.
    pub(super) fn line(self) -> String {
        match self.published.as_str() {
            "" => self.ours,
            published => format!("{} {published}", self.ours),
        }
    }
}

impl Sheet {
    /// The sheet with every text changed, but for numbers.
    pub(super) fn map(&self, form: &dyn Fn(&str) -> String) -> Self {
        let all = |texts: &[String]| texts.iter().map(|text| form(text)).collect::<Vec<_>>();
        let mut sheet = self.clone();
        sheet.title = self.title.as_deref().map(form);
        sheet.subject = form(&self.subject);
        sheet.reading = self.reading.as_deref().map(form);
        sheet.labels = all(&self.labels);
        sheet.levels = all(&self.levels);
        sheet.columns.iter_mut().for_each(|column| column.heads = all(&column.heads));
        sheet.rows.iter_mut().for_each(|row| row.labels = all(&row.labels));
        sheet.notes.iter_mut().for_each(|note| note.text = form(&note.text));
        sheet
    }

    /// What is not shown with so much of each number, in words.
    pub(super) fn dropped(&self, detail: Detail) -> Vec<String> {
        let any = |part: &dyn Fn(&Number) -> bool| {
            self.rows.iter().flat_map(|row| &row.entries).flatten().any(part)
        };
        let marked = |number: &Number| {
            number.differs || number.standing.is_some_and(|standing| standing != Standing::Worse)
        };
        let mut dropped = Vec::new();
        if !detail.spread && any(&|number| !number.spread.is_empty()) {
            dropped.push("standard deviations".into());
        }
        if !detail.optional {
            let heads = self.columns.iter().filter(|column| column.optional);
            dropped.extend(heads.filter_map(|column| column.heads.last().cloned()));
        }
        if !detail.marks && any(&marked) {
            dropped.push("marks".into());
        }
        dropped
    }

    /// One line on what is shown, with so much of each number.
    pub(super) fn caption(&self, detail: Detail) -> String {
        let numbers = || self.rows.iter().flat_map(|row| &row.entries).flatten();
        let mut caption = format!("{}: {}", self.subject, self.numbers);
        if detail.spread && numbers().any(|number| !number.spread.is_empty()) {
            caption.push_str(" ± standard deviation");
        }
        if numbers().any(|number| !number.published.is_empty()) {
            caption.push_str(" (published)");
        }
        if let Some(reading) = &self.reading {
            caption.push_str("; ");
            caption.push_str(reading);
        }
        caption
    }

    /// The sentences to be read with so much of each number.
    pub(super) fn notes(&self, detail: Detail) -> impl Iterator<Item = &str> {
        self.notes.iter().filter_map(move |note| {
            let read = match note.when {
                When::Always => true,
                When::Marked => detail.marks,
                When::Unmarked => !detail.marks,
                When::Optional => detail.optional,
            };
            read.then_some(note.text.as_str())
        })
    }
}

/// A name or value for a table: inert and not too long.
pub(super) fn short(text: &str) -> String {
    inert_short(text, WIDEST)
}

/// A sentence for a footer or caption.
pub(super) fn sentence(text: &str) -> String {
    inert(text).into_owned()
}

/// A number with so many decimal places, or in exponent form without.
pub(crate) fn number(value: f64, places: Option<usize>) -> String {
    match places {
        Some(places) => format!("{value:.places$}"),
        None => format!("{value:.2e}"),
    }
}

/// A mean with so many decimal places; one that they would show as zero, in exponent form.
pub(super) fn mean(value: f64, places: Option<usize>) -> String {
    match places {
        Some(places) if value != 0.0 && value.abs() < 0.5 * 10.0_f64.powi(-(places as i32)) => {
            format!("{value:.1e}")
        }
        places => number(value, places),
    }
}

/// Decimal places that leave three or four significant digits of the largest value; none where only
/// the exponent form is short.
pub(super) fn places(values: impl Iterator<Item = f64>) -> Option<usize> {
    let largest = values.map(f64::abs).filter(|value| value.is_finite()).fold(0.0, f64::max);
    match largest {
        0.0 => Some(1),
        small if small < 1e-4 => None,
        small if small < 10.0 => Some((2.0 - small.log10().floor()) as usize),
        large if large < 1e3 => Some(1),
        large if large < 1e7 => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mean_is_shown_as_zero_but_zero() {
        let texts = [0.519, 0.003, 4.58e-5, -4.58e-5, 0.0].map(|value| mean(value, Some(3)));
        assert_eq!(texts, ["0.519", "0.003", "4.6e-5", "-4.6e-5", "0.000"]);
        assert_eq!(mean(4.58e-5, None), "4.58e-5");
        assert_eq!(mean(f64::NAN, Some(1)), "NaN");
    }
}
