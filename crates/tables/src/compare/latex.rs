//! A table in LaTeX.

use std::fmt::Write;

use super::sheet::{Column, Detail, Sheet, Shown};

/// A table of the `booktabs` package.
pub(super) fn text(sheet: &Sheet) -> String {
    let detail = Detail::ALL[0];
    let kinds = sheet.labels.iter().map(|_| 'l');
    let kinds = kinds.chain(sheet.columns.iter().map(|c| if c.words { 'l' } else { 'r' }));
    let caption = sheet.caption(detail);
    let caption = match &sheet.title {
        Some(title) => escaped(&format!("{title}. {caption}")),
        None => escaped(&caption),
    };
    let mut text = format!(
        "% needs \\usepackage{{booktabs}}\n\\begin{{table}}\n\\centering\n\
         \\caption{{{caption}}}\n\\begin{{tabular}}{{{}}}\n\\toprule\n",
        kinds.collect::<String>()
    );
    header(sheet, &mut text);
    text.push_str("\\midrule\n");
    for row in &sheet.rows {
        let labels = row.labels.iter().map(|label| escaped(label));
        let cells = row.entries.iter().map(|entry| escaped(&Shown::of(entry, detail).line()));
        line(labels.chain(cells), &mut text);
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    for note in sheet.notes(detail) {
        let _ = writeln!(text, "\n\\footnotesize {}", escaped(note));
    }
    text.push_str("\\end{table}\n");
    text
}

fn line(cells: impl Iterator<Item = String>, text: &mut String) {
    let _ = writeln!(text, "{} \\\\", cells.collect::<Vec<_>>().join(" & "));
}

/// A line a level of heads, names of levels above the last label; outer heads span their columns.
fn header(sheet: &Sheet, text: &mut String) {
    let innermost = sheet.levels.len().saturating_sub(1);
    for (level, name) in sheet.levels.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let mut cells = vec![String::new(); sheet.labels.len()];
        if let Some(last) = cells.last_mut() {
            *last = escaped(&format!("{name} →"));
        }
        let mut rules = String::new();
        let mut at = sheet.labels.len();
        let groups = sheet.columns.chunk_by(|a, b| a.heads[..=level] == b.heads[..=level]);
        for group in groups {
            let head = escaped(&group[0].heads[level]);
            if group.len() == 1 || level == innermost {
                cells.extend(group.iter().map(|_| head.clone()));
            } else {
                cells.push(format!("\\multicolumn{{{}}}{{c}}{{{head}}}", group.len()));
                let _ = write!(rules, "\\cmidrule(lr){{{}-{}}}", at + 1, at + group.len());
            }
            at += group.len();
        }
        line(cells.into_iter(), text);
        if !rules.is_empty() {
            let _ = writeln!(text, "{rules}");
        }
    }
    let unnamed = sheet.levels.last().is_some_and(String::is_empty);
    let head = |column: &Column| match column.heads.last() {
        Some(head) if unnamed => escaped(head),
        _ => String::new(),
    };
    let labels = sheet.labels.iter().map(|label| escaped(label));
    line(labels.chain(sheet.columns.iter().map(head)), text);
}

/// `text` with everything that LaTeX would interpret written as itself.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => safe.push_str("\\textbackslash{}"),
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => safe.extend(['\\', c]),
            '^' => safe.push_str("\\textasciicircum{}"),
            '~' => safe.push_str("\\textasciitilde{}"),
            '<' => safe.push_str("\\textless{}"),
            '>' => safe.push_str("\\textgreater{}"),
            '|' => safe.push_str("\\textbar{}"),
            '"' => safe.push_str("\\textquotedbl{}"),
            // At the start of a row these would belong to the line break before it.
            '[' | ']' | '*' => safe.extend(['{', c, '}']),
            '±' => safe.push_str("$\\pm$"),
            '†' => safe.push_str("$^\\dagger$"),
            '→' => safe.push_str("$\\to$"),
            '…' => safe.push_str("\\ldots{}"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specials_are_written_as_themselves() {
        assert_eq!(
            escaped("\\input{a}$x_1^2$ 5% #&~[*"),
            "\\textbackslash{}input\\{a\\}\\$x\\_1\\textasciicircum{}2\\$ 5\\% \
             \\#\\&\\textasciitilde{}{[}{*}"
        );
    }
}
