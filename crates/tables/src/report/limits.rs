//! Limits on what a report shows, so that the page stays below 10 MB.

/// How much of everything a page holds, so that it stays below 10 MB whatever the store holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Sections; further ones are counted.
    pub(crate) sections: usize,
    /// Result tables a section.
    pub(crate) tables: usize,
    /// Rows of a result table.
    pub(crate) table_rows: usize,
    /// Columns of a result table.
    pub(crate) table_columns: usize,
    /// Metrics with learning curves.
    pub(crate) metrics: usize,
    /// Charts a metric.
    pub(crate) panels: usize,
    /// Points of a curve.
    pub(crate) points: usize,
    /// Runs in the table of raw rows, and in charts of single runs.
    pub(crate) raw_rows: usize,
    /// Trials of a search that have a curve each.
    pub(crate) trials: usize,
    /// Bytes of pictures on the whole page, before they are encoded.
    pub(crate) pictures: u64,
    /// Pixels of pictures that are decoded.
    pub(crate) pixels: u64,
    /// Bytes of one picture.
    pub(crate) picture: u64,
    /// Pictures that a section embeds.
    pub(crate) pictures_shown: usize,
}

/// Upper bound on the size of a page in bytes.
pub(crate) const PAGE: usize = 10_000_000;
/// Curves in one chart, as many as there are colours and dashes.
pub(crate) const SERIES: usize = 32;
/// Characters of a name or value.
pub(crate) const LABEL: usize = 60;
/// Most characters of the heading of a table.
pub(crate) const HEADING: usize = 200;
/// Characters of a name in a legend.
pub(crate) const CHART_LABEL: usize = 40;
/// Characters of an error.
pub(crate) const ERROR: usize = 2000;
/// Different errors of a section.
pub(crate) const ERRORS: usize = 30;
/// Parameters whose effect is shown.
pub(crate) const EFFECTS: usize = 12;
/// Values of such a parameter.
pub(crate) const VALUES: usize = 20;
/// Rows and columns of a heat map.
pub(crate) const HEAT: usize = 24;
/// Classes of a confusion matrix.
pub(crate) const CLASSES: usize = 40;

impl Limits {
    /// Limits of each of so many sections; the whole page has about 60 charts of curves, 600 raw rows
    /// and 6,000 cells of tables for them.
    pub(crate) fn of(sections: usize) -> Self {
        let sections = sections.clamp(1, 40);
        let charts = (60 / sections).max(1);
        let metrics = charts.clamp(1, 5);
        Self {
            sections,
            tables: 40,
            table_rows: (300 / sections).max(20),
            table_columns: 24,
            metrics,
            panels: (charts / metrics).max(1),
            points: 120,
            raw_rows: (600 / sections).max(20),
            trials: (60 / sections).max(10),
            pictures: 3 << 20,
            pixels: 150_000_000,
            picture: 1 << 20,
            pictures_shown: (240 / sections).max(6),
        }
    }

    /// Limits for a page that became too large, as one of many long names does.
    pub(crate) fn halved(self) -> Self {
        let half = |number: usize| number.div_ceil(2);
        Self {
            sections: half(self.sections),
            tables: half(self.tables),
            table_rows: half(self.table_rows),
            table_columns: half(self.table_columns),
            metrics: half(self.metrics),
            points: half(self.points).max(30),
            raw_rows: half(self.raw_rows),
            trials: half(self.trials),
            pictures: self.pictures / 2,
            ..self
        }
    }
}
