//! Comparisons of several metrics as one table.

use super::{
    Comparison, Format, Published, Request, compare,
    format::{self, Shown, Titled},
    records::Records,
    render,
    sheet::{Note, Sheet, When},
};
use crate::{Error, Runs};

/// One or several metrics over the same rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricTable {
    /// Its heading.
    pub title: Option<String>,
    /// A comparison a metric, at least one.
    pub comparisons: Vec<Comparison>,
    /// Why a metric that was asked for is not there, one sentence each.
    pub missing: Vec<String>,
}

impl MetricTable {
    /// Compares runs by each of the requests, which differ in their metric only.
    ///
    /// # Errors
    /// As [`compare`], where no metric has a number.
    pub fn new(
        title: Option<String>,
        runs: &Runs,
        requests: &[Request],
        published: Option<&Published>,
    ) -> Result<Self, Error> {
        let mut table = Self { title, comparisons: Vec::new(), missing: Vec::new() };
        let mut first = None;
        for request in requests {
            match compare(runs, request, published) {
                Ok(comparison) => table.comparisons.push(comparison),
                Err(error @ (Error::Nothing(_) | Error::Unknown { what: "final metric", .. })) => {
                    table.missing.push(match &error {
                        Error::Nothing(why) => why.clone(),
                        error => error.to_string(),
                    });
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match first {
            Some(error) if table.comparisons.is_empty() => Err(error),
            _ => Ok(table),
        }
    }

    /// Tables one after the other, as text that ends in a line break.
    ///
    /// Names are inert in every form: control characters, escape sequences and invisible characters
    /// are written out.
    pub fn render(tables: &[Self], format: Format) -> String {
        format::text(tables, format)
    }

    /// The bytes of one Parquet file with a row a cell, the columns being those of
    /// [`Format::Csv`].
    ///
    /// # Errors
    /// [`Error::Parquet`] when two columns have one name.
    pub fn to_parquet(tables: &[Self]) -> Result<Vec<u8>, Error> {
        format::to_parquet(tables)
    }
}

impl Shown for MetricTable {
    type Part = Comparison;

    fn sheet(&self) -> Sheet {
        let all: Vec<&Comparison> = self.comparisons.iter().collect();
        let mut sheet = render::sheet(&all);
        sheet.title = self.title.as_deref().map(super::sheet::sentence);
        sheet.notes.extend(self.missing.iter().map(|why| Note::new(When::Always, why)));
        sheet
    }

    fn records(&self) -> Records {
        self.comparisons.iter().map(render::records).collect()
    }

    fn parts(&self) -> Vec<Titled<'_, Comparison>> {
        let title = self.title.as_deref();
        self.comparisons.iter().map(|part| Titled { title, part }).collect()
    }
}
