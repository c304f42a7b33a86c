//! A table in Markdown.

use std::fmt::Write;

use super::sheet::{Detail, Sheet, Shown};

pub(super) fn text(sheet: &Sheet) -> String {
    let detail = Detail::ALL[0];
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = String::new();
    if let Some(title) = &sheet.title {
        let _ = writeln!(text, "**{}**\n", escaped(title));
    }
    let _ = writeln!(text, "{}\n", escaped(&sheet.caption(detail)));
    text.push_str(&line(header(sheet)));
    let left = sheet.labels.iter().map(|_| "---");
    let right = sheet.columns.iter().map(|column| if column.words { "---" } else { "---:" });
    text.push_str(&line(left.chain(right).map(str::to_owned).collect()));
    for row in &sheet.rows {
        let labels = row.labels.iter().map(|label| escaped(label));
        let cells = row.entries.iter().map(|entry| escaped(&Shown::of(entry, detail).line()));
        text.push_str(&line(labels.chain(cells).collect()));
    }
    text.push('\n');
    for note in sheet.notes(detail) {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    text
}

/// A cell a column; names of levels stand above the last label.
fn header(sheet: &Sheet) -> Vec<String> {
    let levels = sheet.levels.iter().filter(|level| !level.is_empty());
    let mut named: Vec<String> = levels.map(|level| escaped(&format!("{level} →"))).collect();
    let mut labels: Vec<String> = sheet.labels.iter().map(|label| escaped(label)).collect();
    if let Some(last) = labels.pop() {
        named.push(last);
        labels.push(named.join("<br>"));
    }
    let heads = |heads: &Vec<String>| {
        heads.iter().map(|head| escaped(head)).collect::<Vec<_>>().join("<br>")
    };
    labels.extend(sheet.columns.iter().map(|column| heads(&column.heads)));
    labels
}

/// `text` with everything that Markdown or HTML would interpret written as itself.
fn escaped(text: &str) -> String {
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
