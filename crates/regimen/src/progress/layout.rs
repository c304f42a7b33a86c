//! Lines of a progress display, none of them longer than the screen is wide.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::units::span;

/// Least and most columns of a bar.
const BAR: std::ops::RangeInclusive<usize> = 8..=32;
/// Columns of a run's bar.
const RUN_BAR: usize = 10;
/// Columns of a run's name that are worth more than a bar or a rate.
const NAME: usize = 24;

/// What lines are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Whether it shows more than ASCII.
    pub(crate) unicode: bool,
}

/// What is shown of a run under way.
pub(super) struct RunLine<'a> {
    pub(super) worker: u32,
    /// Which part is done, once it tells.
    pub(super) part: Option<f64>,
    pub(super) rate: Option<String>,
    pub(super) left: Option<f64>,
    /// Seconds since it began.
    pub(super) elapsed: f64,
    pub(super) name: &'a str,
}

impl Screen {
    /// `NAME  ━━━━━━────  TEXT`; the bar goes before the name does, and the name before the text.
    pub(super) fn total(self, name: &str, part: f64, text: &str) -> String {
        let (left, right) = (name.width(), text.width());
        let bar = self.width.saturating_sub(left + right + 4).min(*BAR.end());
        if bar >= *BAR.start() {
            return format!("{name}  {}  {text}", self.bar(part, bar));
        }
        match self.width.checked_sub(right + 2).filter(|room| *room >= 4) {
            Some(room) => format!("{}  {text}", self.cut(name, room)),
            None => self.cut(text, self.width),
        }
    }

    /// `   1  ━━━━──────   30%  6,980 steps/s  12s left  NAME`; what the name needs is taken from the
    /// bar first, then from the rate.
    pub(super) fn run(self, run: &RunLine<'_>) -> String {
        let mut pieces = vec![format!("{:>4}", run.worker)];
        match run.part {
            Some(part) => {
                pieces.push(self.bar(part, RUN_BAR));
                pieces.push(format!("{:>4}", format!("{:.0}%", (part * 100.0).floor())));
                pieces.extend(run.rate.clone());
                pieces.extend(run.left.map(|left| format!("{} left", span(left))));
            }
            None => pieces.push(span(run.elapsed)),
        }
        let wanted = run.name.width().min(NAME);
        let room = |pieces: &[String]| {
            let used: usize = pieces.iter().map(|piece| piece.width() + 2).sum();
            self.width.saturating_sub(used)
        };
        // The bar, and then the rate behind the percentage.
        for piece in [1, 2] {
            if run.part.is_some() && room(&pieces) < wanted && pieces.len() > piece + 1 {
                pieces.remove(piece);
            }
        }
        let name = self.cut(run.name, room(&pieces));
        if !name.is_empty() {
            pieces.push(name);
        }
        self.cut(&pieces.join("  "), self.width)
    }

    fn bar(self, part: f64, width: usize) -> String {
        let full = (part.clamp(0.0, 1.0) * width as f64).floor() as usize;
        let [done, open] = if self.unicode { ["━", "─"] } else { ["#", "-"] };
        done.repeat(full) + &open.repeat(width - full)
    }

    /// At most so many columns of a text, with a mark where something was cut off.
    pub(crate) fn cut(self, text: &str, width: usize) -> String {
        if text.width() <= width {
            return text.to_owned();
        }
        let mark = if self.unicode { "…" } else { "..." };
        let Some(room) = width.checked_sub(mark.width()) else { return String::new() };
        let mut used = 0;
        let fits = |c: &char| {
            used += c.width().unwrap_or(0);
            used <= room
        };
        let mut cut: String = text.chars().take_while(fits).collect();
        cut.push_str(mark);
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunLine<'_> = RunLine {
        worker: 1,
        part: Some(0.309),
        rate: None,
        left: Some(12.0),
        elapsed: 5.0,
        name: "regime=2 policy_accuracy=0.1 learner=fp seed=4",
    };

    fn screen(width: usize) -> Screen {
        Screen { width, height: 24, unicode: true }
    }

    #[test]
    fn everything_fits_and_the_least_goes_first() {
        let run = RunLine { rate: Some("6,980 steps/s".into()), ..RUN };
        let mut text = String::new();
        for width in [120, 80, 60, 40, 20] {
            let screen = screen(width);
            let counts = "263 of 600 runs, 2 running, 1 failed, 3m 20s left";
            for line in [screen.total("dialog-babi", 0.438, counts), screen.run(&run)] {
                text.push_str(&format!("{width:>4} |{line}\n"));
            }
        }
        let ascii = Screen { unicode: false, ..screen(50) };
        let silent = RunLine { part: None, left: None, ..RUN };
        for line in [ascii.total("babi", 0.5, "1 of 2 runs"), ascii.run(&RUN), ascii.run(&silent)] {
            text.push_str(&format!("  50 |{line}\n"));
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn no_line_is_longer_than_the_screen() {
        let names = ["", "a", RUN.name, "模型=大 seed=1", "e\u{301}tude=1"];
        for width in 1..200 {
            for unicode in [true, false] {
                let screen = Screen { width, height: 24, unicode };
                for name in names {
                    let long = Some("123,000 iterations/s".to_owned());
                    for part in [None, Some(0.0), Some(1.0)] {
                        let run = RunLine { part, name, rate: long.clone(), ..RUN };
                        let line = screen.run(&run);
                        assert!(line.width() <= width, "{width}: {line}");
                    }
                    let line = screen.total(name, 0.5, "1,000 of 1,000,000 runs, 1h 05m left");
                    assert!(line.width() <= width, "{width}: {line}");
                }
            }
        }
    }
}
