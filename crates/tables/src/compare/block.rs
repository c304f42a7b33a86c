//! Columns beside each other, as lines of text.

use unicode_width::UnicodeWidthStr;

use super::{
    layout::{Block, GAP, Geometry, Measured},
    sheet::Sheet,
};

/// A block while its lines are put together.
pub(super) struct Drawing<'a> {
    measured: &'a Measured<'a>,
    block: &'a Block,
    geometry: Geometry,
    ascii: bool,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(measured: &'a Measured<'a>, block: &'a Block, ascii: bool) -> Self {
        Self { measured, block, geometry: measured.geometry(block), ascii }
    }

    fn sheet(&self) -> &'a Sheet {
        self.measured.sheet
    }

    /// The outer heads that a whole block stands under, if any: `learner = rbi`.
    pub(super) fn title(&self) -> Option<String> {
        let first = self.block.columns.first().filter(|_| self.block.level > 0)?;
        let heads = self.sheet().levels.iter().zip(&self.sheet().columns[*first].heads);
        let heads: Vec<String> =
            heads.take(self.block.level).map(|(level, head)| format!("{level} = {head}")).collect();
        Some(heads.join(", "))
    }

    pub(super) fn width(&self) -> usize {
        self.geometry.total
    }

    /// Heads between two rules, the one above them where `above` says so, then rows, then a rule.
    pub(super) fn lines(&self, width: usize, above: bool) -> Vec<String> {
        let rule = |utf8: &str, ascii: &str| (if self.ascii { ascii } else { utf8 }).repeat(width);
        let mut lines = if above { vec![rule("─", "-")] } else { Vec::new() };
        lines.extend(self.heads());
        lines.push(rule("═", "="));
        for (row, cells) in self.sheet().rows.iter().zip(&self.measured.cells) {
            let labels = joined(&row.labels, &self.geometry.labels);
            let texts = |line: usize| self.block.columns.iter().map(move |c| &*cells[*c][line]);
            lines.push(self.line(&labels, texts(0)));
            if texts(1).any(|text| !text.is_empty()) {
                lines.push(self.line("", texts(1)));
            }
        }
        lines.push(rule("─", "-"));
        lines
    }

    /// A line a level of heads that has a name; names of the label columns last, beside the heads
    /// without a name.
    fn heads(&self) -> Vec<String> {
        let innermost = self.sheet().levels.len().saturating_sub(1);
        let head = |level: usize| {
            self.block
                .columns
                .iter()
                .map(move |column| &*self.sheet().columns[*column].heads[level])
        };
        let mut lines = Vec::new();
        let named = self.measured.levels.iter().enumerate().skip(self.block.level);
        for (level, name) in named.filter(|(_, name)| !name.is_empty()) {
            lines.push(match level < innermost {
                true => self.spans(level, name),
                false => self.line(name, head(level)),
            });
        }
        let labels = joined(&self.sheet().labels, &self.geometry.labels);
        let last = match self.sheet().levels.last() {
            Some(name) if name.is_empty() => self.line(&labels, head(innermost)),
            _ => labels,
        };
        lines.extend((!last.trim_end().is_empty()).then_some(last));
        lines
    }

    /// Heads over several columns each, with a rule on both sides.
    fn spans(&self, level: usize, name: &str) -> String {
        let mut line = padded(name, self.geometry.labels_width, false);
        for (group, head) in self.measured.groups(self.block, level) {
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            let widths = &self.geometry.columns[group];
            let width = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
            let free = width.saturating_sub(head.width());
            if widths.len() == 1 || free < 4 {
                line.push_str(&padded(head, width, true));
            } else {
                let left = (free - 2) / 2;
                let rule = |width: usize| (if self.ascii { "-" } else { "─" }).repeat(width);
                line.push_str(&format!("{} {head} {}", rule(left), rule(free - 2 - left)));
            }
        }
        line
    }

    /// Labels, then a text a column; labels may reach into the room before the first text.
    fn line<'t>(&self, labels: &str, texts: impl Iterator<Item = &'t str>) -> String {
        let mut line = padded(labels, self.geometry.labels_width, false);
        let (mut at, mut end) = (line.width(), self.geometry.labels_width);
        let columns = self.block.columns.iter().zip(&self.geometry.columns);
        for ((column, width), text) in columns.zip(texts) {
            let start = if end > 0 { end + GAP } else { 0 };
            end = start + width;
            let words = self.sheet().columns[*column].words;
            let from = if words { start } else { end - text.width() };
            line.push_str(&" ".repeat(from.saturating_sub(at)));
            line.push_str(text);
            at = from + text.width();
        }
        line
    }
}

fn joined(labels: &[String], widths: &[usize]) -> String {
    let labels: Vec<String> =
        labels.iter().zip(widths).map(|(label, width)| padded(label, *width, false)).collect();
    labels.join(&" ".repeat(GAP))
}

fn padded(text: &str, width: usize, right: bool) -> String {
    let space = " ".repeat(width.saturating_sub(text.width()));
    if right { space + text } else { text.to_owned() + &space }
}
