//! Progress as single lines that become rarer with time.

use std::time::{Duration, Instant};

use crate::terminal::say;

/// Least and most time between lines. Between them it is a part of the time that passed, so that a
/// log of hours is no longer than a log of minutes is.
const EVERY: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];
const PART: u32 = 20;

/// A line now and then, for logs and for terminals that only type.
pub(super) struct Lines {
    began: Instant,
    last: Instant,
    /// What the last line said, without times.
    said: String,
}

impl Lines {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, last: now, said: String::new() }
    }

    /// Whether it is time for a line that says `facts`: something new, or that nothing changed for
    /// long.
    pub(super) fn is_due(&self, now: Instant, facts: &str) -> bool {
        let [least, most] = EVERY;
        let pause = now - self.last;
        let news = pause >= ((now - self.began) / PART).clamp(least, most);
        (news && facts != self.said) || pause >= most
    }

    pub(super) fn say(&mut self, now: Instant, facts: String, line: &str) {
        (self.last, self.said) = (now, facts);
        say(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_something_new_and_become_rare() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut lines = Lines::new(began);
        assert!(!lines.is_due(at(4), "1"));
        assert!(lines.is_due(at(5), "1"));
        lines.say(at(5), "1".into(), "1 of 9 runs");
        assert!(!lines.is_due(at(11), "1"), "nothing new");
        assert!(lines.is_due(at(11), "2"));
        assert!(lines.is_due(at(65), "1"), "nothing new for long");
        lines.last = at(600);
        assert!(!lines.is_due(at(625), "2"));
        assert!(lines.is_due(at(632), "2"));
        lines.last = at(36_000);
        assert!(lines.is_due(at(36_060), "2"));
    }
}
