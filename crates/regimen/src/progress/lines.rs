use std::time::{Duration, Instant};

use super::Counts;
use crate::terminal::say;

/// Time between lines.
const EVERY: Duration = Duration::from_secs(5);

/// A line now and then, for logs.
pub(super) struct Lines {
    last: Instant,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { last: Instant::now() }
    }

    pub(super) fn show(&mut self, counts: &Counts) {
        let now = Instant::now();
        if now - self.last >= EVERY || counts.done == counts.total {
            self.last = now;
            say(&line(counts, now));
        }
    }
}

/// `12 of 60 runs, 2 running, 1 failed, 0.8 runs/s, 1m left`.
fn line(counts: &Counts, now: Instant) -> String {
    let mut line = format!("{} of {} runs{}", counts.done, counts.total, counts.asides());
    if let Some((rate, left)) = counts.pace(now).filter(|_| counts.done < counts.total) {
        let left = indicatif::HumanDuration(Duration::try_from_secs_f64(left).unwrap_or_default());
        line.push_str(&format!(", {rate:.1} runs/s, {left:#} left"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_long_it_will_take() {
        let start = Instant::now();
        let mut counts =
            Counts { total: 60, done: 20, ended: 10, failed: 1, running: 2, paused: 0, start };
        let now = start + Duration::from_secs(5);
        let wanted = "20 of 60 runs, 2 running, 1 failed, 2.0 runs/s, 20s left";
        assert_eq!(line(&counts, now), wanted);
        (counts.done, counts.running, counts.paused) = (60, 0, 3);
        assert_eq!(line(&counts, now), "60 of 60 runs, 3 paused, 1 failed");
    }
}
