//! The formats in which a comparison can be printed.

use serde::Serialize;

use super::{
    latex, markdown,
    records::{Records, json},
    sheet::Sheet,
    terminal,
};
use crate::{Error, file::parquet};

/// A form in which comparisons can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal, without colours.
    Table(Terminal),
    /// A Markdown table.
    Markdown,
    /// A LaTeX table of the `booktabs` package.
    Latex,
    /// One line a cell.
    Csv,
    /// All of it: an object, or a list of objects where there are several.
    Json,
}

/// What a terminal can show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Columns that a line has at most, at least 20; any number where it is not known.
    pub width: Option<usize>,
    /// Whether it has ASCII only.
    pub ascii: bool,
}

/// What can be printed in every form.
pub(super) trait Shown {
    /// For people.
    fn sheet(&self) -> Sheet;

    /// For machines: a row a cell.
    fn records(&self) -> Records;

    /// What machines get one of for each metric.
    type Part: Serialize;

    /// For machines: the parts.
    fn parts(&self) -> Vec<Titled<'_, Self::Part>>;
}

/// A part of a table with the title of the table.
#[derive(Serialize)]
pub(super) struct Titled<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    #[serde(flatten)]
    pub(super) part: &'a T,
}

/// Several comparisons, one after the other, as text that ends in a line break.
pub(super) fn text<T: Shown>(all: &[T], format: Format) -> String {
    let each = |form: &dyn Fn(&Sheet) -> String| {
        all.iter().map(|one| form(&one.sheet())).collect::<Vec<_>>().join("\n")
    };
    match format {
        Format::Table(terminal) => each(&|sheet| terminal::text(sheet, terminal)),
        Format::Markdown => each(&markdown::text),
        Format::Latex => each(&latex::text),
        Format::Csv => records(all).csv(),
        Format::Json => {
            let parts: Vec<_> = all.iter().flat_map(T::parts).collect();
            match parts.as_slice() {
                [one] => json(one),
                several => json(&several),
            }
        }
    }
}

/// Several comparisons as the bytes of one Parquet file.
pub(super) fn to_parquet<T: Shown>(all: &[T]) -> Result<Vec<u8>, Error> {
    let bytes = records(all).frame().and_then(|frame| parquet(&frame));
    bytes.map_err(|source| Error::Parquet { path: "comparison".into(), source })
}

/// Rows of all; of several, each row begins with which it is of.
fn records<T: Shown>(all: &[T]) -> Records {
    let each = all.iter().map(Shown::records);
    if all.len() == 1 {
        each.collect()
    } else {
        each.zip(1..).map(|(r, at)| r.numbered(at)).collect()
    }
}
