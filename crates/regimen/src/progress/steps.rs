//! How far a tool is.

use std::time::Instant;

use super::bars::Bars;
use super::lines::Lines;
use super::units::{span, thousands};
use crate::terminal;

/// Shows how far a tool is: a bar on a terminal, a line now and then elsewhere.
pub(crate) struct Steps {
    name: String,
    began: Instant,
    bars: Option<Bars>,
    lines: Lines,
}

impl Steps {
    pub(crate) fn new(name: &str) -> Self {
        let began = Instant::now();
        let bars = terminal::redraws().then(Bars::new);
        Self { name: name.into(), began, bars, lines: Lines::new(began) }
    }

    pub(crate) fn show(&mut self, done: u64, total: u64) {
        let now = Instant::now();
        let text = || amount(done, total, (now - self.began).as_secs_f64());
        let part = done as f64 / total.max(1) as f64;
        match &mut self.bars {
            Some(bars) => bars.show(|screen| vec![screen.total(&self.name, part, &text())]),
            None => {
                let facts = done.to_string();
                if self.lines.is_due(now, &facts) {
                    let line = format!("{}: {}", self.name, text());
                    self.lines.say(now, facts, &line);
                }
            }
        }
    }
}

/// `420 of 1,000, 12s left`.
fn amount(done: u64, total: u64, seconds: f64) -> String {
    let mut text = format!("{} of {}", thousands(done), thousands(total));
    // The first moments tell nothing.
    if seconds >= 1.0 && 0 < done && done < total {
        let left = seconds / done as f64 * (total - done) as f64;
        text.push_str(&format!(", {} left", span(left)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_says_what_is_left_once_that_is_known() {
        assert_eq!(amount(420, 1000, 9.0), "420 of 1,000, 12s left");
        assert_eq!(amount(420, 1000, 0.5), "420 of 1,000");
        assert_eq!(amount(0, 10, 9.0), "0 of 10");
        assert_eq!(amount(10, 10, 9.0), "10 of 10");
    }
}
