//! Progress of a download: a bar on a terminal, single lines elsewhere.

use std::time::{Duration, Instant};

use datasets::{Manifest, SourceFault, Step};
use orchestrator::needs::size;

use super::bars::Bars;
use super::layout::Screen;
use super::units::span;
use crate::terminal::{self, say};

/// Time between lines where nothing is drawn.
const EVERY: Duration = Duration::from_secs(10);

/// Shows how a data set is fetched: a bar on a terminal, a line now and then elsewhere.
pub(crate) struct Download {
    name: String,
    /// Bytes of all its files together.
    size: u64,
    began: Instant,
    bars: Option<Bars>,
    /// When bytes came first from this source, and how many were there: a download may go on.
    first: Option<(Instant, u64)>,
    last_line: Instant,
}

impl Download {
    pub(crate) fn new(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            size: manifest.bytes(),
            began: Instant::now(),
            bars: terminal::redraws().then(Bars::new),
            first: None,
            last_line: Instant::now(),
        }
    }

    fn downloaded(&mut self, done: u64, total: Option<u64>) {
        let now = Instant::now();
        let (since, from) = *self.first.get_or_insert((now, done));
        let seconds = (now - since).as_secs_f64();
        let rate = (seconds > 0.5).then(|| done.saturating_sub(from) as f64 / seconds);
        let text = amount(done, total, rate);
        match &mut self.bars {
            Some(bars) => bars.show(|screen| vec![line(screen, &self.name, done, total, &text)]),
            None if now - self.last_line >= EVERY => {
                self.last_line = now;
                say(&format!("{}: {text}", self.name));
            }
            None => {}
        }
    }

    fn failed(&self, source: &str, reason: &SourceFault) {
        say(&format!("{}: {source}: {reason}", self.name));
    }
}

fn line(screen: Screen, name: &str, done: u64, total: Option<u64>, text: &str) -> String {
    match total {
        Some(total) => screen.total(name, done as f64 / total.max(1) as f64, text),
        None => screen.cut(&format!("{name}  {text}"), screen.width),
    }
}

/// `12.5 of 368 MB, 4.1 MB/s, 1m 26s left`.
fn amount(done: u64, total: Option<u64>, rate: Option<f64>) -> String {
    let mut text = size(done);
    if let Some(total) = total {
        text.push_str(&format!(" of {}", size(total)));
    }
    if let Some(rate) = rate.filter(|rate| *rate >= 1.0) {
        text.push_str(&format!(", {}/s", size(rate as u64)));
        if let Some(left) = total.and_then(|total| total.checked_sub(done)).filter(|left| *left > 0)
        {
            text.push_str(&format!(", {} left", span(left as f64 / rate)));
        }
    }
    text
}

impl datasets::Progress for Download {
    fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Waiting { lock } => {
                say(&format!("{}: waiting for another fetch ({})", self.name, lock.display()));
            }
            Step::Trying { source } => {
                self.first = None;
                say(&format!("{}: {} of files, from {source}", self.name, size(self.size)));
            }
            Step::Downloaded { bytes, total } => self.downloaded(bytes, total),
            Step::Failed { source, reason } => self.failed(source, reason),
            Step::Published { .. } => {
                self.bars = None;
                say(&format!(
                    "{}: here after {}",
                    self.name,
                    span(self.began.elapsed().as_secs_f64())
                ));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_says_size_rate_and_time() {
        assert_eq!(amount(12_500_000, None, None), "12.5 MB");
        assert_eq!(amount(12_500_000, Some(368_000_000), None), "12.5 MB of 368 MB");
        let rate = Some(4_100_000.0);
        let text = "12.5 MB of 368 MB, 4.1 MB/s, 1m 27s left";
        assert_eq!(amount(12_500_000, Some(368_000_000), rate), text);
        assert_eq!(amount(5, Some(5), rate), "5 B of 5 B, 4.1 MB/s");
    }
}
