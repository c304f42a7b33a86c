//! A driver that keeps what it was asked for, and fails where a test wants it to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cuda::driver::{Address, Driver, Fault, Function, Module, Product, Recorded};
use cuda::launch::Grid;

use super::host::Host;

/// A call of a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Allocate(usize),
    Free,
    Write(usize),
    Read(usize),
    Copy,
    Zero,
    Load,
    Launch(String),
    Product,
    BeginCapture,
    EndCapture,
    Replay,
    Forget,
    Synchronise,
}

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failing {
    Allocation,
    /// Launches and products.
    Command,
    /// What begins or ends a recording.
    Capture,
}

/// A host whose calls are recorded; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    host: Arc<Host>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    names: HashMap<Function, String>,
    live: HashMap<Address, usize>,
    /// What fails, after how many more that do not.
    failing: Option<(Failing, usize)>,
}

impl Recording {
    /// The calls since this was last asked.
    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// Bytes that are allocated.
    pub(crate) fn live(&self) -> usize {
        self.state.lock().unwrap().live.values().sum()
    }

    /// Lets one call fail, after so many more.
    pub(crate) fn fail(&self, what: Failing, after: usize) {
        self.state.lock().unwrap().failing = Some((what, after));
    }

    /// Whether the call that was to fail has failed; if not, it no more will.
    pub(crate) fn failed(&self) -> bool {
        self.state.lock().unwrap().failing.take().is_none()
    }

    fn note(&self, call: Call) {
        self.state.lock().unwrap().calls.push(call);
    }

    /// Whether this call is to fail.
    fn fails(&self, what: Failing) -> bool {
        let mut state = self.state.lock().unwrap();
        match &mut state.failing {
            Some((of, 0)) if *of == what => {
                state.failing = None;
                true
            }
            Some((of, after)) if *of == what => {
                *after -= 1;
                false
            }
            _ => false,
        }
    }

    fn command(&self, call: Call) -> Result<(), Fault> {
        self.note(call);
        if self.fails(Failing::Command) {
            return Err(Fault::Failed { call: "launch", message: "out of order".into() });
        }
        Ok(())
    }
}

fn refused() -> Fault {
    Fault::Failed { call: "capture", message: "refused".into() }
}

impl Driver for Recording {
    fn allocate(&self, bytes: usize) -> Result<Address, Fault> {
        self.note(Call::Allocate(bytes));
        if self.fails(Failing::Allocation) {
            return Err(Fault::Memory { bytes });
        }
        let at = self.host.allocate(bytes)?;
        self.state.lock().unwrap().live.insert(at, bytes);
        Ok(at)
    }

    fn free(&self, at: Address) {
        self.note(Call::Free);
        self.state.lock().unwrap().live.remove(&at).expect("allocated, and freed once");
        self.host.free(at);
    }

    fn write(&self, to: Address, from: &[u8]) -> Result<(), Fault> {
        self.note(Call::Write(from.len()));
        self.host.write(to, from)
    }

    fn read(&self, from: Address, to: &mut [u8]) -> Result<(), Fault> {
        self.note(Call::Read(to.len()));
        self.host.read(from, to)
    }

    fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<(), Fault> {
        self.note(Call::Copy);
        self.host.copy(from, to, bytes)
    }

    fn zero(&self, to: Address, bytes: usize) -> Result<(), Fault> {
        self.note(Call::Zero);
        self.host.zero(to, bytes)
    }

    fn load(&self, source: &str) -> Result<Module, Fault> {
        self.note(Call::Load);
        self.host.load(source)
    }

    fn function(&self, module: Module, name: &str) -> Result<Function, Fault> {
        let function = self.host.function(module, name)?;
        self.state.lock().unwrap().names.insert(function, name.into());
        Ok(function)
    }

    fn launch(&self, function: Function, grid: Grid, words: &[u64]) -> Result<(), Fault> {
        let name = self.state.lock().unwrap().names[&function].clone();
        self.command(Call::Launch(name))?;
        self.host.launch(function, grid, words)
    }

    fn product(&self, product: &Product<Address>) -> Result<(), Fault> {
        self.command(Call::Product)?;
        self.host.product(product)
    }

    fn begin_capture(&self) -> Result<(), Fault> {
        self.note(Call::BeginCapture);
        match self.fails(Failing::Capture) {
            true => Err(refused()),
            false => self.host.begin_capture(),
        }
    }

    fn end_capture(&self) -> Result<Recorded, Fault> {
        self.note(Call::EndCapture);
        let recorded = self.host.end_capture()?;
        if self.fails(Failing::Capture) {
            self.host.forget(recorded);
            return Err(refused());
        }
        Ok(recorded)
    }

    fn replay(&self, recorded: Recorded) -> Result<(), Fault> {
        self.note(Call::Replay);
        self.host.replay(recorded)
    }

    fn forget(&self, recorded: Recorded) {
        self.note(Call::Forget);
        self.host.forget(recorded);
    }

    fn synchronise(&self) -> Result<(), Fault> {
        self.note(Call::Synchronise);
        self.host.synchronise()
    }
}
