use std::fmt::Write;

/// `text` with everything that LaTeX would interpret written as itself.
pub(super) fn latex_text(text: &str) -> String {
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

/// A `booktabs` table of what [`latex_text`] made safe; `header` cells have one or more lines.
pub(super) fn table(
    caption: &str,
    labels: usize,
    header: &[Vec<String>],
    body: &[Vec<String>],
    footer: &[String],
) -> String {
    let columns = format!("{}{}", "l".repeat(labels), "r".repeat(header.len() - labels));
    let mut text = format!(
        "% needs \\usepackage{{booktabs}}\n\\begin{{table}}\n\\centering\n\
         \\caption{{{caption}}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
    );
    let depth = header.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..depth {
        let cells: Vec<&str> =
            header.iter().map(|cell| cell.get(line).map_or("", String::as_str)).collect();
        let _ = writeln!(text, "{} \\\\", cells.join(" & "));
    }
    text.push_str("\\midrule\n");
    for row in body {
        let _ = writeln!(text, "{} \\\\", row.join(" & "));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    for line in footer {
        let _ = writeln!(text, "\n\\footnotesize {line}");
    }
    text.push_str("\\end{table}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specials_are_written_as_themselves() {
        assert_eq!(
            latex_text("\\input{a}$x_1^2$ 5% #&~[*"),
            "\\textbackslash{}input\\{a\\}\\$x\\_1\\textasciicircum{}2\\$ 5\\% \
             \\#\\&\\textasciitilde{}{[}{*}"
        );
    }
}
