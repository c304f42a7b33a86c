//! A table for people, in each form they read.

use std::fmt::Write;

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::latex;
use crate::text::{inert, inert_short};

/// Longest name or value in a table for people.
const WIDEST: usize = 60;

/// A table of texts that are inert: control characters, escape sequences and invisible characters
/// are written out. What a form would interpret is escaped when it is written in that form.
pub(super) struct Sheet {
    pub caption: String,
    /// How many columns at the left hold names.
    pub labels: usize,
    /// One cell a column, each with the same number of lines.
    pub header: Vec<Vec<String>>,
    pub body: Vec<Vec<String>>,
    pub footer: Vec<String>,
}

impl Sheet {
    pub(super) fn terminal(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
        table.set_header(self.header.iter().map(|lines| lines.join("\n")));
        for row in &self.body {
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(self.labels) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut text = format!("{}\n", self.caption);
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        for line in &self.footer {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    pub(super) fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let safe = |lines: &Vec<String>| {
            lines.iter().map(|line| markdown_text(line)).collect::<Vec<_>>().join("<br>")
        };
        let rule = (0..self.header.len())
            .map(|at| if at < self.labels { "---" } else { "---:" }.to_owned());
        let mut text = format!("{}\n\n", markdown_text(&self.caption));
        text.push_str(&line(self.header.iter().map(safe).collect()));
        text.push_str(&line(rule.collect()));
        for row in &self.body {
            text.push_str(&line(row.iter().map(|cell| markdown_text(cell)).collect()));
        }
        text.push('\n');
        for footer in &self.footer {
            let _ = writeln!(text, "- {}", markdown_text(footer));
        }
        text
    }

    pub(super) fn latex(&self) -> String {
        let all = |texts: &[String]| -> Vec<String> {
            texts.iter().map(|text| latex::latex_text(text)).collect()
        };
        let header: Vec<Vec<String>> = self.header.iter().map(|lines| all(lines)).collect();
        let body: Vec<Vec<String>> = self.body.iter().map(|row| all(row)).collect();
        let caption = latex::latex_text(&self.caption);
        latex::table(&caption, self.labels, &header, &body, &all(&self.footer))
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

/// `text` with everything that Markdown or HTML would interpret written as itself.
fn markdown_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '[' | ']' | '!' | '#' | '~' => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}
