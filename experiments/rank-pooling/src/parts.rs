//! A run in parts: each fold is trained as a run of its own, whose steps and checkpoints go to the whole
//! one.

use experiment::{Error, Run, RunContext, Sink, SinkError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a checkpoint of a whole run begins with, before that of the part.
#[derive(serde::Serialize, serde::Deserialize)]
struct Header<T> {
    part: u64,
    done: Vec<T>,
}

/// Does `parts` parts one after the other, each by `work`, which sees its number and a run of its own: the
/// steps of part `p` begin after `p * steps`. What parts gave is kept in checkpoints.
///
/// # Errors
/// Those of the parts; [`Error::Checkpoint`] for a checkpoint of something else.
pub(crate) fn in_parts<T: Serialize + DeserializeOwned>(
    run: &mut Run<'_>,
    parts: u64,
    steps: u64,
    mut work: impl FnMut(u64, &mut Run<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let (mut done, mut saved) = (Vec::new(), None);
    if let Some(bytes) = run.resume()? {
        let (header, rest) = split::<T>(&bytes)?;
        if header.done.len() as u64 != header.part || header.part >= parts {
            return Err(Error::Checkpoint(format!("wanted one of {parts} parts")));
        }
        (done, saved) = (header.done, Some(rest.to_vec()));
    }
    for part in done.len() as u64..parts {
        let context = RunContext {
            id: run.id(),
            seed: run.seed(),
            threads: run.threads(),
            device: run.device(),
            data: run.data().clone(),
        };
        let done_before = serde_json::to_vec(&Header { part, done: done.iter().collect() })
            .map_err(|e| Error::Checkpoint(e.to_string()))?;
        let mut sink = Part { run, header: done_before, saved: saved.take(), part, parts, steps };
        let given = work(part, &mut Run::new(context, &mut sink))?;
        done.push(given);
    }
    Ok(done)
}

/// The header of a checkpoint, and the checkpoint of the part.
fn split<T: DeserializeOwned>(bytes: &[u8]) -> Result<(Header<T>, &[u8]), Error> {
    let other = || Error::Checkpoint("wanted one of a run in parts".into());
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(other)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| other())?;
    let (header, rest) = rest.split_at_checked(length).ok_or_else(other)?;
    let header = serde_json::from_slice(header).map_err(|e| Error::Checkpoint(e.to_string()))?;
    Ok((header, rest))
}

/// Where the results of a part go.
struct Part<'a, 'r> {
    run: &'a mut Run<'r>,
    /// What its checkpoints begin with.
    header: Vec<u8>,
    saved: Option<Vec<u8>>,
    part: u64,
    parts: u64,
    steps: u64,
}

/// What the whole run says of a value is said by the part's own run too: only a sink's errors count.
fn passed(result: Result<(), Error>) -> Result<(), SinkError> {
    match result {
        Err(Error::Sink(error)) => Err(error),
        _ => Ok(()),
    }
}

impl Sink for Part<'_, '_> {
    fn metric(&mut self, step: u64, metric: &str, value: f64) -> Result<(), SinkError> {
        passed(self.run.record(self.part * self.steps + step, metric, value))
    }

    fn result(&mut self, metric: &str, value: f64) -> Result<(), SinkError> {
        passed(self.run.result(metric, value))
    }

    fn row(&mut self, table: &str, row: Value) -> Result<(), SinkError> {
        passed(self.run.table(table, &row))
    }

    fn artifact(&mut self, name: &str, bytes: &[u8]) -> Result<(), SinkError> {
        passed(self.run.artifact(name, bytes))
    }

    fn save_checkpoint(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let length = (self.header.len() as u64).to_le_bytes();
        passed(self.run.checkpoint(&[&length, &self.header[..], bytes].concat()))
    }

    fn load_checkpoint(&mut self) -> Result<Option<Vec<u8>>, SinkError> {
        Ok(self.saved.take())
    }

    fn log(&mut self, bytes: &[u8]) {
        self.run.log(bytes);
    }

    fn warn(&mut self, text: &str) {
        self.run.warn(text);
    }

    fn checkpoint_due(&self) -> bool {
        self.run.checkpoint_due()
    }

    fn progress(&mut self, done: u64, _: u64) {
        self.run.progress(self.part * self.steps + done, self.parts * self.steps);
    }

    fn interrupted(&self) -> bool {
        self.run.interrupted()
    }
}

#[cfg(test)]
mod tests {
    use experiment::{DataPaths, Device, MemorySink, RunId};

    use super::*;

    /// Three parts of four steps each, which add up the steps.
    fn sums(sink: &mut MemorySink) -> Result<Vec<u64>, Error> {
        let (id, data) = (RunId::of("test"), DataPaths::default());
        let context = RunContext { id, seed: 3, threads: 1, device: Device::Cpu, data };
        in_parts(&mut Run::new(context, sink), 3, 4, |part, run| {
            learn::repeat(
                "sums",
                4,
                10 * part,
                |sum, step, run| {
                    *sum += step;
                    run.record(step, "sum", *sum as f64)
                },
                run,
            )
        })
    }

    #[test]
    fn a_run_that_is_stopped_anywhere_ends_as_one_that_is_not() {
        let mut whole = MemorySink::default();
        assert_eq!(sums(&mut whole).unwrap(), [6, 16, 26]);
        assert_eq!(whole.metrics.len(), 12);
        assert_eq!(whole.metrics[5], (5, "sum".into(), 11.0));
        let mut stopped = MemorySink::default();
        let mut stops = 0;
        let found = loop {
            stopped.stop_after_checkpoints = Some(stopped.checkpoints + 1);
            match sums(&mut stopped) {
                Ok(found) => break found,
                Err(error) => assert!(matches!(error, Error::Interrupted), "{error}"),
            }
            stops += 1;
        };
        assert_eq!((found, stops), (vec![6, 16, 26], 9));
        assert_eq!(stopped.metrics, whole.metrics);
        let mut other = MemorySink { checkpoint: Some(vec![1, 2]), ..MemorySink::default() };
        assert!(matches!(sums(&mut other), Err(Error::Checkpoint(_))));
    }
}
