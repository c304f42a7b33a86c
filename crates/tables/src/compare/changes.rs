//! The cells of two stores as a sheet for people and as rows for machines.

use std::collections::BTreeSet;

use super::{
    Axis, Change, Format, Regression, Side, Verdict,
    best::LEVEL,
    format::{self, Shown, Titled},
    labels::labels,
    records::Records,
    sheet::{Column, Entry, Note, Number, Row, Sheet, When, mean, number, places, sentence, short},
};
use crate::{Cell, Error};

impl Regression {
    /// Tables one after the other, as text that ends in a line break; names are inert in every form.
    pub fn render(all: &[Self], format: Format) -> String {
        format::text(all, format)
    }

    /// The bytes of one Parquet file with a row a cell, the columns being those of [`Format::Csv`].
    ///
    /// # Errors
    /// [`Error::Parquet`] when two columns have one name.
    pub fn to_parquet(all: &[Self]) -> Result<Vec<u8>, Error> {
        format::to_parquet(all)
    }

    fn notes(&self) -> Vec<Note> {
        let kinds: BTreeSet<Verdict> = self.cells.iter().map(|cell| cell.verdict).collect();
        let count = |kind: &Verdict| {
            let number = self.cells.iter().filter(|cell| cell.verdict == *kind).count();
            format!("{number} {}", kind.name())
        };
        let counts = kinds.iter().map(count).collect::<Vec<_>>().join(", ");
        let mut notes = vec![Note::new(When::Always, &counts)];
        let tests = self.cells.iter().filter(|cell| cell.p.is_some()).count();
        if tests > 0 {
            let text = format!(
                "changed beyond its spread: p < {LEVEL} in a t-test, paired where two seeds or more \
                 are common and Welch's otherwise, Holm-corrected over {tests}"
            );
            notes.push(Note::new(When::Always, &text));
        }
        notes
    }
}

impl Shown for Regression {
    type Part = Self;

    fn sheet(&self) -> Sheet {
        let sides = self.cells.iter().flat_map(|cell| [cell.ours, cell.theirs]).flatten();
        let places = places(sides.map(|side| side.mean));
        let keys = self.cells.iter().map(|cell| cell.key.clone()).collect();
        let names = labels(&Axis { names: self.names.clone(), keys });
        let row =
            |(labels, cell): (Vec<String>, &Change)| Row { labels, entries: row(cell, places) };
        let column =
            |head: &str, optional, words| Column { heads: vec![head.into()], optional, words };
        Sheet {
            title: self.title.as_deref().map(sentence),
            subject: sentence(&format!("{}, {}", self.experiment, self.metric)),
            numbers: "mean here and there",
            labels: self.names.iter().map(|name| short(name)).collect(),
            levels: vec![String::new()],
            columns: vec![
                column("n", true, false),
                column("here", false, false),
                column("there", false, false),
                column("gap", false, false),
                column("p", false, false),
                column("verdict", false, true),
            ],
            rows: names.into_iter().zip(&self.cells).map(row).collect(),
            notes: self.notes(),
            ..Sheet::default()
        }
    }

    fn records(&self) -> Records {
        let number = |value: Option<f64>| value.map_or(Cell::Null, Cell::Float);
        let side = |side: Option<Side>| {
            [
                side.map_or(Cell::Int(0), |side| Cell::Int(side.n as i128)),
                number(side.map(|side| side.mean)),
                number(side.and_then(|side| side.deviation)),
            ]
        };
        let row = |cell: &Change| {
            let text = |text: &str| Cell::Text(text.into());
            let numbers = side(cell.ours).into_iter().chain(side(cell.theirs));
            let key = cell.key.iter().cloned().chain([text(&self.metric)]);
            let end = [number(cell.gap), number(cell.p), text(cell.verdict.name())];
            key.chain(numbers).chain(end).collect()
        };
        let numbers = [
            "metric",
            "n_here",
            "mean_here",
            "deviation_here",
            "n_there",
            "mean_there",
            "deviation_there",
            "gap",
            "p",
            "verdict",
        ];
        let names = self.names.iter().cloned().chain(numbers.map(str::to_owned)).collect();
        Records { names, rows: self.cells.iter().map(row).collect() }
    }

    fn parts(&self) -> Vec<Titled<'_, Self>> {
        vec![Titled { title: self.title.as_deref(), part: self }]
    }
}

fn row(cell: &Change, places: Option<usize>) -> Vec<Entry> {
    let side = |side: Option<Side>| match side {
        None => Number::plain("-"),
        Some(side) => Number {
            spread: side.deviation.map_or_else(String::new, |spread| number(spread, places)),
            ..Number::plain(mean(side.mean, places))
        },
    };
    let n = |side: Option<Side>| side.map_or(0, |side| side.n);
    let (ours, theirs) = (n(cell.ours), n(cell.theirs));
    let runs = if ours == theirs { ours.to_string() } else { format!("{ours}, {theirs}") };
    vec![
        vec![Number::plain(runs)],
        vec![side(cell.ours)],
        vec![side(cell.theirs)],
        vec![Number::plain(cell.gap.map_or("-".into(), |gap| number(gap, places)))],
        vec![Number::plain(cell.p.map_or("-".into(), p_text))],
        vec![Number::plain(cell.verdict.name())],
    ]
}

/// A p of two digits.
fn p_text(p: f64) -> String {
    if p < 0.005 { "<0.01".into() } else { format!("{p:.2}") }
}
