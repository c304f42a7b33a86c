//! What a checkpoint takes of memory and of the disk.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::cell::Cell;

use autodiff::{Buffer, Error as TraceError, Var};
use experiment::{Error, Run, Sink, SinkError, Stream};
use learn::{
    Batch, BatchVars, Groups, Init, Layout, Metrics, Objective, Optimizer, Schedule, Task,
    Training, train,
};
use serde_json::Value;

use crate::training::context;

struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    LIVE.set(LIVE.get() + bytes);
    PEAK.set(PEAK.get().max(LIVE.get()));
}

// SAFETY: every request goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        count(memory.size().cast_signed());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(memory) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, memory: Memory) {
        count(-memory.size().cast_signed());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, memory) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Measures checkpoints, and keeps nothing.
#[derive(Default)]
struct Measure {
    before: Cell<isize>,
    /// Bytes of the file, and of memory that was taken to write it.
    found: Vec<(usize, isize)>,
}

impl Sink for Measure {
    fn metric(&mut self, _: u64, _: &str, _: f64) -> Result<(), SinkError> {
        Ok(())
    }
    fn result(&mut self, _: &str, _: f64) -> Result<(), SinkError> {
        Ok(())
    }
    fn row(&mut self, _: &str, _: Value) -> Result<(), SinkError> {
        Ok(())
    }
    fn artifact(&mut self, _: &str, _: &[u8]) -> Result<(), SinkError> {
        Ok(())
    }
    fn save_checkpoint(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.found.push((bytes.len(), PEAK.get() - self.before.get()));
        Ok(())
    }
    fn load_checkpoint(&mut self) -> Result<Option<Vec<u8>>, SinkError> {
        Ok(None)
    }
    fn checkpoint_due(&self) -> bool {
        self.before.set(LIVE.get());
        PEAK.set(LIVE.get());
        true
    }
    fn progress(&mut self, _: u64, _: u64) {}
    fn interrupted(&self) -> bool {
        false
    }
}

/// Parameters that shrink.
struct Large(Layout);

impl Objective for Large {
    fn layout(&self) -> &Layout {
        &self.0
    }

    fn loss<'g>(&self, params: &[Var<'g>], _: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        Ok(params[0].square().sum_all())
    }

    fn fill(&self, _: &Stream, _: u64, _: &mut Batch) {}
}

impl Task for Large {
    fn evaluate(&mut self, _: &mut Buffer) -> Result<Metrics, Error> {
        Ok(Metrics::new())
    }
}

#[test]
fn ten_million_parameters_take_41_mb_and_one_copy() {
    for (optimizer, states) in [(Optimizer::default(), 0), (Optimizer::sgd(0.9), 1)] {
        let mut large = Large(Layout::new().with("w", &[10_000_000], Init::Zeros));
        let settings = Training {
            steps: 2,
            evaluate_every: 2,
            optimizer,
            groups: Groups::default(),
            learning_rate: 0.1,
            schedule: Schedule::Constant,
            clip: None,
            selection: None,
        };
        let mut sink = Measure::default();
        train(&mut large, &settings, &mut Run::new(context(), &mut sink)).unwrap();
        let [(file, memory)] = sink.found[..] else { panic!("{:?}", sink.found) };
        let limit = 41_000_000 + states * 40_000_000;
        assert!((40_000_000..=limit).contains(&file), "{file}");
        assert!(memory >= file.cast_signed() && memory <= limit.cast_signed(), "{memory}");
    }
}
