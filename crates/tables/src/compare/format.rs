use serde::Serialize;

use super::{
    records::{Records, json},
    sheet::Sheet,
};
use crate::{Error, file::parquet};

/// A form in which a comparison can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal, without colours.
    Table,
    /// A Markdown table.
    Markdown,
    /// A LaTeX table of the `booktabs` package.
    Latex,
    /// One line a cell.
    Csv,
    /// All of it.
    Json,
}

/// What can be printed in every form.
pub(super) trait Shown: Serialize + Sized {
    /// For people.
    fn sheet(&self) -> Sheet;

    /// For machines: a row a cell.
    fn records(&self) -> Records;

    /// As text that ends in a line break.
    fn text(&self, format: Format) -> String {
        match format {
            Format::Table => self.sheet().terminal(),
            Format::Markdown => self.sheet().markdown(),
            Format::Latex => self.sheet().latex(),
            Format::Csv => self.records().csv(),
            Format::Json => json(self),
        }
    }

    /// As the bytes of a Parquet file.
    fn parquet(&self) -> Result<Vec<u8>, Error> {
        let bytes = self.records().frame().and_then(|frame| parquet(&frame));
        bytes.map_err(|source| Error::Parquet { path: "comparison".into(), source })
    }
}
