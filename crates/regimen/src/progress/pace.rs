//! How long what is left will take.

/// What is known of a sweep under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// Seconds since it began.
    pub(super) elapsed: f64,
    /// Runs that ended here since.
    pub(super) ended: usize,
    /// Runs that have not ended, those under way among them.
    pub(super) to_do: usize,
    pub(super) running: Vec<Running>,
    /// Seconds of a run as earlier ones took them, and how many are executed at a time.
    pub(super) usual: Option<(f64, usize)>,
}

/// A run under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    /// Which part of it is done; 0 until it tells.
    pub(super) done: f64,
    /// Seconds until it ends at its own rate, once that is known.
    pub(super) left: Option<f64>,
}

impl Pace {
    /// Seconds until everything ended; none while nothing is known to tell by.
    ///
    /// The runs here, those under way by the part of them that is done, took so much time a run; what
    /// is left will take as much. It takes no less than the slowest run under way.
    pub(super) fn left(&self) -> Option<f64> {
        if self.to_do == 0 {
            return Some(0.0);
        }
        let under_way: f64 = self.running.iter().map(|run| run.done).sum();
        let done = self.ended as f64 + under_way;
        let usual = self.usual.map(|(seconds, jobs)| seconds / jobs.max(1) as f64);
        // The first moments of a first run tell nothing.
        let each = if done >= 0.02 { Some(self.elapsed / done) } else { usual };
        let shared = each.map(|each| (self.to_do as f64 - under_way).max(0.0) * each);
        let slowest = self.running.iter().filter_map(|run| run.left).reduce(f64::max);
        shared.zip(slowest).map(|(a, b)| a.max(b)).or(shared)
    }

    /// Runs that end in a second.
    pub(super) fn rate(&self) -> Option<f64> {
        (self.ended > 0 && self.elapsed > 0.0).then(|| self.ended as f64 / self.elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_takes_as_long_as_what_was_done() {
        let mut pace = Pace { elapsed: 10.0, to_do: 40, ..Pace::default() };
        assert_eq!(pace.left(), None, "nothing is known yet");
        pace.usual = Some((3.0, 2));
        assert_eq!(pace.left(), Some(60.0), "as earlier runs took");
        pace.ended = 5;
        assert_eq!(pace.left(), Some(80.0), "as these took");
        assert_eq!(pace.rate(), Some(0.5));
        pace.running = vec![Running { done: 0.0, left: None }; 2];
        assert_eq!(pace.left(), Some(80.0));
        pace.to_do = 0;
        assert_eq!(pace.left(), Some(0.0));
    }

    #[test]
    fn runs_under_way_count_by_the_part_that_is_done() {
        let half = Running { done: 0.5, left: Some(10.0) };
        let pace = Pace { elapsed: 10.0, to_do: 2, running: vec![half; 2], ..Pace::default() };
        assert_eq!(pace.left(), Some(10.0), "before the first of them ended");
    }

    #[test]
    fn no_less_than_the_slowest_run() {
        let slow = Running { done: 0.1, left: Some(900.0) };
        let pace =
            Pace { elapsed: 100.0, ended: 99, to_do: 1, running: vec![slow], ..Pace::default() };
        assert_eq!(pace.left(), Some(900.0));
    }
}
