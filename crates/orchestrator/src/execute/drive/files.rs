//! Files that runs read and that are not as they were planned.

use std::time::{Duration, Instant};

use experiment::RunId;

use super::Driver;
use crate::execute::attempt::outdated;
use crate::execute::protocol::Order;
use crate::execute::schedule::{Event, WorkerId};
use crate::execute::{Error, Notice};

/// How often files of runs under way are looked at.
const EVERY: Duration = Duration::from_secs(2);

impl Driver<'_> {
    /// A file that the worker's run reads is not as it was planned: no run that reads it is executed
    /// in this call, and those under way stop.
    pub(super) fn outdated(
        &mut self,
        worker: WorkerId,
        name: &str,
        why: &str,
    ) -> Result<(), Error> {
        let Some(spec) = self.crew.job(worker).map(|job| job.spec.clone()) else { return Ok(()) };
        self.left.insert(spec.run);
        let Some(sum) = spec.data.get(name) else { return Ok(()) };
        if self.gone.insert((name.to_owned(), sum.clone())) {
            self.observer.notify(&Notice::Outdated { why: why.into() });
            for other in self.crew.reading(name, sum) {
                self.crew.order(other, Order::Interrupt);
                // It would stop every run from now on.
                self.step(Event::Spent(other))?;
            }
        }
        Ok(())
    }

    /// Whether a run reads a file that is not as it was planned; it is left as it is then.
    pub(super) fn leaves(&mut self, run: RunId) -> bool {
        let Some(spec) = self.specs.get(&run) else { return false };
        let mut read = spec.data.iter();
        let outdated = !self.gone.is_empty()
            && read.any(|(name, sum)| self.gone.contains(&(name.clone(), sum.clone())));
        if outdated {
            self.left.insert(spec.run);
        }
        outdated
    }

    /// Tells of files that changed while runs read them: there is time to change them back.
    pub(super) fn look_at_files(&mut self) {
        if self.files_at.elapsed() < EVERY {
            return;
        }
        self.files_at = Instant::now();
        let mut seen = Vec::new();
        for spec in self.crew.specs() {
            if spec.data.is_empty() || seen.contains(&&spec.data) {
                continue;
            }
            seen.push(&spec.data);
            let entry = self.entries.iter().find(|entry| entry.name == spec.experiment);
            if let Some((name, why)) = entry.and_then(|entry| outdated(entry, spec))
                && self.changing.insert((name.clone(), spec.data[&name].clone()))
            {
                self.observer.notify(&Notice::Changing { why });
            }
        }
    }
}
