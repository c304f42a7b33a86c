//! A program on the device: its memory, its commands, and their replay.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use autodiff::backend::Executable;
use autodiff::{Buffer, DType, Device, Error};

use crate::command::{Bases, Command, Kernel};
use crate::context::{Block, Context, Queue};
use crate::driver::{Address, Driver, Fault, Function, Module, Recorded};
use crate::lower::{Lowered, Note};
use crate::pool::ALIGNMENT;
use crate::source;
use crate::storage::DeviceStorage;

#[derive(Debug)]
pub(crate) struct Replay {
    context: Arc<Context>,
    commands: Vec<Command<Function>>,
    notes: Vec<Note>,
    outputs: Vec<Buffer>,
    /// Status, constants, intermediate values and scratch.
    memory: Block,
    bases: Bases,
    recording: Recording,
}

/// The commands of a run as one, for the addresses of its inputs.
#[derive(Debug)]
enum Recording {
    /// Nothing ran so far.
    None,
    /// The last run was with these inputs, command by command.
    Seen(Vec<Address>),
    /// All is recorded for these inputs.
    Kept(Vec<Address>, Recorded),
    /// The driver does not record it.
    Refused,
}

impl Replay {
    /// The program of a lowered plan, whose outputs are on `device`.
    pub(crate) fn new(
        context: &Arc<Context>,
        lowered: Lowered,
        outputs: &[(DType, usize)],
        device: Device,
    ) -> Result<Replay, Error> {
        let functions = functions(context, &lowered)?;
        let commands = resolved(lowered.commands, &functions);
        let outputs = outputs.iter().map(|&(dtype, len)| Buffer::zeros(device, dtype, len));
        let outputs: Vec<Buffer> = outputs.collect::<Result<_, _>>()?;
        let sizes = [ALIGNMENT, lowered.constants.len(), lowered.arena, lowered.scratch];
        let sizes = sizes.map(|size| size.next_multiple_of(ALIGNMENT));
        let memory = context.allocate(sizes.iter().sum())?;
        let status = memory.at();
        let constants = status.plus(sizes[0]);
        let arena = constants.plus(sizes[1]);
        let scratch = arena.plus(sizes[2]);
        if !lowered.constants.is_empty() {
            let queue = context.queue();
            queue.checked(queue.driver().write(constants, &lowered.constants))?;
        }
        let places = outputs.iter().map(|output| storage(output).block.at()).collect();
        let bases =
            Bases { status, constants, arena, scratch, inputs: Vec::new(), outputs: places };
        let (context, notes) = (Arc::clone(context), lowered.notes);
        Ok(Replay { context, commands, notes, outputs, memory, bases, recording: Recording::None })
    }

    /// Issues the commands, from the second run with the same inputs on as one.
    fn issue(&mut self, driver: &dyn Driver) -> Result<(), Fault> {
        match std::mem::replace(&mut self.recording, Recording::None) {
            Recording::Kept(inputs, recorded) if inputs == self.bases.inputs => {
                let answer = driver.replay(recorded);
                self.recording = Recording::Kept(inputs, recorded);
                return answer;
            }
            Recording::Seen(inputs) if inputs == self.bases.inputs => {
                match record(driver, || self.each(driver))? {
                    Ok(recorded) => {
                        self.recording = Recording::Kept(inputs, recorded);
                        return driver.replay(recorded);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a program is not recorded and runs step by step");
                        self.recording = Recording::Refused;
                        return self.each(driver);
                    }
                }
            }
            Recording::Refused => {
                self.recording = Recording::Refused;
                return self.each(driver);
            }
            Recording::Kept(_, recorded) => driver.forget(recorded),
            Recording::Seen(_) | Recording::None => {}
        }
        self.each(driver)?;
        self.recording = Recording::Seen(self.bases.inputs.clone());
        Ok(())
    }

    fn each(&self, driver: &dyn Driver) -> Result<(), Fault> {
        if !self.notes.is_empty() {
            driver.zero(self.bases.status, size_of::<u64>())?;
        }
        self.commands.iter().try_for_each(|command| self.command(command, driver))
    }

    fn command(&self, command: &Command<Function>, driver: &dyn Driver) -> Result<(), Fault> {
        let at = |place| self.bases.address(place);
        match command {
            Command::Launch { kernel, grid, words } => {
                let words: Vec<u64> = words.iter().map(|&word| self.bases.bits(word)).collect();
                driver.launch(*kernel, *grid, &words)
            }
            Command::Product(product) => driver.product(&product.map(at)),
            Command::Zero { to, bytes } => driver.zero(at(*to), *bytes),
            Command::Copy { from, to, bytes } => driver.copy(at(*from), at(*to), *bytes),
        }
    }

    /// What kernels noted, the first step's note first.
    fn noted(&self, queue: &Queue<'_>) -> Result<(), Error> {
        if self.notes.is_empty() {
            return Ok(());
        }
        let mut status = [0; size_of::<u64>()];
        queue.checked(queue.driver().read(self.bases.status, &mut status))?;
        let status = u64::from_ne_bytes(status);
        if status == 0 {
            return Ok(());
        }
        let (note, value) = (!status >> 32, !status as u32);
        match usize::try_from(note).ok().and_then(|note| self.notes.get(note.wrapping_sub(1))) {
            Some(note) => Err(note.error(value)),
            None => panic!("a note {status:#x} that no step makes"),
        }
    }
}

/// Records what is issued, or says why the driver does not. Where a command fails, nothing stays
/// recorded.
fn record(
    driver: &dyn Driver,
    issue: impl FnOnce() -> Result<(), Fault>,
) -> Result<Result<Recorded, Fault>, Fault> {
    if let Err(fault) = driver.begin_capture() {
        return Ok(Err(fault));
    }
    let issued = issue();
    let recorded = driver.end_capture();
    match issued {
        Ok(()) => Ok(recorded),
        Err(fault) => {
            if let Ok(recorded) = recorded {
                driver.forget(recorded);
            }
            Err(fault)
        }
    }
}

/// Every kernel that a program launches, loaded.
fn functions(context: &Context, lowered: &Lowered) -> Result<HashMap<Kernel, Function>, Error> {
    let mut functions = HashMap::new();
    let (mut fixed, mut generated) = (None, None);
    for command in &lowered.commands {
        let Command::Launch { kernel, .. } = command else { continue };
        if functions.contains_key(kernel) {
            continue;
        }
        let (module, name) = match kernel {
            Kernel::Fixed(name) => (module(context, &mut fixed, source::fixed)?, name),
            Kernel::Generated(name) => {
                (module(context, &mut generated, || source_of(lowered))?, name)
            }
        };
        let queue = context.queue();
        let function = queue.checked(queue.driver().function(module, name))?;
        functions.insert(kernel.clone(), function);
    }
    Ok(functions)
}

/// The module of a source, which is made when it is first wanted.
fn module(
    context: &Context,
    known: &mut Option<Module>,
    source: impl FnOnce() -> String,
) -> Result<Module, Error> {
    match *known {
        Some(module) => Ok(module),
        None => Ok(*known.insert(context.module(&source())?)),
    }
}

/// One source for all that was generated.
fn source_of(lowered: &Lowered) -> String {
    let kernels: Vec<(DType, &str)> =
        lowered.generated.values().map(|(dtype, text)| (*dtype, &**text)).collect();
    source::generated(&kernels)
}

fn resolved(
    commands: Vec<Command<Kernel>>,
    functions: &HashMap<Kernel, Function>,
) -> Vec<Command<Function>> {
    let resolve = |command| match command {
        Command::Launch { kernel, grid, words } => {
            Command::Launch { kernel: functions[&kernel], grid, words }
        }
        Command::Product(product) => Command::Product(product),
        Command::Zero { to, bytes } => Command::Zero { to, bytes },
        Command::Copy { from, to, bytes } => Command::Copy { from, to, bytes },
    };
    commands.into_iter().map(resolve).collect()
}

/// The memory of a buffer of this device.
fn storage(buffer: &Buffer) -> &DeviceStorage {
    match (buffer.storage() as &dyn Any).downcast_ref() {
        Some(storage) => storage,
        None => panic!("{buffer:?} is on another device"),
    }
}

impl Executable for Replay {
    fn run(&mut self, inputs: &mut [&mut Buffer]) -> Result<(), Error> {
        self.bases.inputs.clear();
        self.bases.inputs.extend(inputs.iter().map(|input| storage(input).block.at()));
        let context = Arc::clone(&self.context);
        let queue = context.queue();
        queue.checked(self.issue(queue.driver()))?;
        self.noted(&queue)
    }

    fn output(&self, index: usize) -> &Buffer {
        &self.outputs[index]
    }

    fn bytes(&self) -> usize {
        self.memory.reserved() + self.outputs.iter().map(Buffer::bytes).sum::<usize>()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        if let Recording::Kept(_, recorded) = self.recording {
            self.context.queue().driver().forget(recorded);
        }
    }
}
