//! Text in columns that fits a screen.

use unicode_width::UnicodeWidthStr;

use crate::progress::Screen;

/// Rows of cells, each column as wide as its widest cell, but those before the last no wider than `most`;
/// lines end where the screen does.
pub(crate) fn aligned(rows: &[Vec<String>], screen: Screen, most: usize) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.width()).max().unwrap_or(0).min(most)
    };
    let widths: Vec<usize> = (0..count.saturating_sub(1)).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            match widths.get(at) {
                Some(width) => {
                    let cell = screen.cut(cell, *width);
                    line.push_str(&cell);
                    line.push_str(&" ".repeat(width - cell.width() + 2));
                }
                None => line.push_str(cell),
            }
        }
        text.push_str(&screen.cut(line.trim_end(), screen.width));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells_and_lines_as_the_screen() {
        let rows = [["run", "sweep", "varies"], ["1", "a-long-name", "rate=0.1 seed=0"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let screen = |width| Screen { width, height: 24, unicode: true };
        let wide = "run  sweep        varies\n1    a-long-name  rate=0.1 seed=0\n";
        assert_eq!(aligned(&rows, screen(usize::MAX), usize::MAX), wide);
        assert!(aligned(&rows, screen(80), 6).contains("1    a-lon…  rate"));
        for width in 1..40 {
            let text = aligned(&rows, screen(width), usize::MAX);
            assert!(text.lines().all(|line| line.width() <= width), "{width}: {text}");
        }
    }
}
