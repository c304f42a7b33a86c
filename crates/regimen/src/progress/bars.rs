//! Progress bars on a terminal, redrawn at a limited rate.

use std::time::{Duration, Instant};

use super::layout::Screen;
use crate::{drawing, terminal};

/// Shortest time between two redraws.
const EVERY: Duration = Duration::from_millis(100);

/// Bars on a terminal, drawn now and then; taken away when dropped.
pub(crate) struct Bars {
    drawn: Option<Instant>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self { drawn: None }
    }

    /// Shows the lines that `make` makes for the screen, unless those there are recent.
    pub(crate) fn show(&mut self, make: impl FnOnce(Screen) -> Vec<String>) {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY) {
            self.drawn = Some(Instant::now());
            let screen = terminal::screen();
            // A line that fills a terminal makes some of them begin another one.
            drawing::draw(make(Screen { width: screen.width.saturating_sub(1).max(1), ..screen }));
        }
    }

    pub(crate) fn clear(&mut self) {
        drawing::draw(Vec::new());
        self.drawn = None;
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}
