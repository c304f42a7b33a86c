//! The one loop of everything that can be stopped and goes on.

use std::ops::ControlFlow;

use experiment::{Error, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{debug_span, field::Empty};

use crate::checkpoint::{Header, Restored, Saved};

/// A computation in steps that can be written down between any two of them.
pub trait Resumable {
    /// What it is called in its checkpoints, which others refuse.
    fn name(&self) -> &'static str;

    /// Takes step number `step`, from 0; whether more may follow.
    ///
    /// # Errors
    /// Whatever goes wrong there.
    fn advance(&mut self, step: u64, run: &mut Run<'_>) -> Result<ControlFlow<()>, Error>;

    /// All that later steps depend on.
    ///
    /// # Errors
    /// What cannot be written down.
    fn save(&self) -> Result<Saved<'_>, Error>;

    /// Goes back to where [`save`](Self::save) was.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for what was saved by another computation.
    fn restore(&mut self, saved: &Restored<'_>) -> Result<(), Error>;
}

/// Takes at most `steps` steps: tells progress, checkpoints when the run says so, and begins where the
/// newest checkpoint was made, with the same bits as if nothing had happened.
///
/// # Errors
/// [`Error::Interrupted`] after a checkpoint when the run was asked to stop, and whatever the
/// computation or the run's sink reports.
pub fn drive(work: &mut dyn Resumable, steps: u64, run: &mut Run<'_>) -> Result<(), Error> {
    let mut step = match run.resume()? {
        Some(file) => {
            let (saved, header) = Restored::from_file(&file, work.name())?;
            work.restore(&saved)?;
            if let Some(warning) = other_blas(&header.blas) {
                run.warn(&warning);
            }
            header.step
        }
        None => 0,
    };
    let _span = debug_span!("steps", of = work.name(), from = step, to = steps).entered();
    while step < steps {
        let flow = work.advance(step, run)?;
        step += 1;
        run.progress(step, steps);
        if flow.is_break() || step == steps {
            break;
        }
        if run.checkpoint_due() {
            let span = debug_span!("checkpoint", step, bytes = Empty).entered();
            let file = work.save()?.to_file(&Header::new(work.name(), step))?;
            span.record("bytes", file.len());
            run.checkpoint(&file)?;
        }
        if run.interrupted() {
            return Err(Error::Interrupted);
        }
    }
    Ok(())
}

/// What it means that a checkpoint was made with other kernels than the ones here.
fn other_blas(before: &str) -> Option<String> {
    let here = autodiff::blas_core();
    (before != here).then(|| {
        format!(
            "the checkpoint was made with OpenBLAS's kernels for {before}, here they are those for \
             {here}: results from here on may differ in their last bits from those of a run that \
             was never stopped"
        )
    })
}

/// [`drive`]s a state that is kept as JSON, by a function that takes one step; the state afterwards.
///
/// # Errors
/// As [`drive`].
pub fn repeat<S: Serialize + DeserializeOwned>(
    name: &'static str,
    steps: u64,
    start: S,
    advance: impl FnMut(&mut S, u64, &mut Run<'_>) -> Result<(), Error>,
    run: &mut Run<'_>,
) -> Result<S, Error> {
    let mut repeated = Repeated { name, state: start, advance };
    drive(&mut repeated, steps, run)?;
    Ok(repeated.state)
}

struct Repeated<S, A> {
    name: &'static str,
    state: S,
    advance: A,
}

const STATE: &str = "state";

impl<S, A> Resumable for Repeated<S, A>
where
    S: Serialize + DeserializeOwned,
    A: FnMut(&mut S, u64, &mut Run<'_>) -> Result<(), Error>,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn advance(&mut self, step: u64, run: &mut Run<'_>) -> Result<ControlFlow<()>, Error> {
        (self.advance)(&mut self.state, step, run).map(ControlFlow::Continue)
    }

    fn save(&self) -> Result<Saved<'_>, Error> {
        Saved::new().json(STATE, &self.state)
    }

    fn restore(&mut self, saved: &Restored<'_>) -> Result<(), Error> {
        self.state = saved.json(STATE)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kernels_are_told_of() {
        assert_eq!(other_blas(&autodiff::blas_core()), None);
        let told = other_blas("a processor of long ago").unwrap();
        assert!(told.contains("for a processor of long ago") && told.contains("last bits"));
    }
}
