//! A host that stands in for a graphics processor: the same kernel sources, compiled by its C++ compiler
//! against a header in place of CUDA's.
#![expect(unsafe_code, reason = "kernels are machine code over addresses, as on a device")]

use std::alloc::{Layout, alloc, dealloc};
use std::collections::HashMap;
use std::sync::Mutex;

use autodiff::DType;
use cuda::driver::{Address, Driver, Fault, Function, Module, Product, Recorded};
use cuda::launch::Grid;
use libloading::Library;

use super::compile::library;
use super::multiply::multiply;

const ALIGNMENT: usize = 256;

type Entry = unsafe extern "C" fn(*const u64, u32, u32);

#[derive(Debug, Default)]
pub(crate) struct Host {
    state: Mutex<State>,
    /// Whether threads take turns in the other order: what depends on it is a race.
    backwards: bool,
}

#[derive(Debug, Default)]
struct State {
    /// What is allocated, by address.
    memory: HashMap<u64, usize>,
    libraries: Vec<Library>,
    functions: Vec<(Entry, usize)>,
    /// What is being recorded, and what was.
    capture: Option<Vec<Queued>>,
    recorded: HashMap<u64, Vec<Queued>>,
    next: u64,
}

/// A command that was recorded.
#[derive(Debug, Clone)]
enum Queued {
    Copy(Address, Address, usize),
    Zero(Address, usize),
    Launch(Entry, Grid, Vec<u64>),
    Product(Product<Address>),
}

impl Host {
    /// A host whose threads take turns in the other order.
    pub(crate) fn backwards() -> Host {
        Host { backwards: true, state: Mutex::default() }
    }

    /// Carries a command out, or records it.
    fn queue(&self, command: Queued) -> Result<(), Fault> {
        let mut state = self.state.lock().unwrap();
        match &mut state.capture {
            Some(recorded) => recorded.push(command),
            None => state.carry_out(&command, self.backwards),
        }
        Ok(())
    }
}

impl State {
    /// Panics unless the bytes lie in memory that is allocated.
    fn check(&self, at: Address, bytes: usize) {
        let inside = |(&start, &len): (&u64, &usize)| {
            start <= at.0 && at.0 + bytes as u64 <= start + len as u64
        };
        assert!(bytes == 0 || self.memory.iter().any(inside), "{bytes} bytes at {at:?}");
    }

    fn carry_out(&self, command: &Queued, backwards: bool) {
        match command {
            Queued::Copy(from, to, bytes) => {
                self.check(*from, *bytes);
                self.check(*to, *bytes);
                // SAFETY: both ranges are allocated; callers keep them apart.
                unsafe { (to.0 as *mut u8).copy_from_nonoverlapping(from.0 as *const u8, *bytes) };
            }
            Queued::Zero(to, bytes) => {
                self.check(*to, *bytes);
                // SAFETY: the range is allocated.
                unsafe { (to.0 as *mut u8).write_bytes(0, *bytes) };
            }
            Queued::Launch(entry, grid, words) => {
                turn(&self.libraries, backwards);
                // SAFETY: the kernel takes as many words as were checked when it was queued.
                unsafe { entry(words.as_ptr(), grid.blocks, grid.threads) };
            }
            Queued::Product(product) => match product.dtype {
                DType::F64 => multiply::<f64>(product),
                _ => multiply::<f32>(product),
            },
        }
    }
}

/// The order in which threads of all libraries take turns.
fn turn(libraries: &[Library], backwards: bool) {
    for library in libraries {
        // SAFETY: the header declares it so.
        let turn = unsafe { library.get::<unsafe extern "C" fn(bool)>(b"turn_backwards\0") };
        // SAFETY: it writes one variable of its thread.
        unsafe { turn.unwrap()(backwards) };
    }
}

impl Driver for Host {
    fn allocate(&self, bytes: usize) -> Result<Address, Fault> {
        let layout = Layout::from_size_align(bytes.max(1), ALIGNMENT);
        let Ok(layout) = layout else { return Err(Fault::Memory { bytes }) };
        // SAFETY: the layout has one byte at least.
        let at = unsafe { alloc(layout) };
        if at.is_null() {
            return Err(Fault::Memory { bytes });
        }
        // Nobody may rely on what is there: large numbers, and indices outside every table.
        // SAFETY: the bytes were just allocated.
        unsafe { at.write_bytes(0xFE, bytes) };
        self.state.lock().unwrap().memory.insert(at as u64, bytes);
        Ok(Address(at as u64))
    }

    fn free(&self, at: Address) {
        let bytes = self.state.lock().unwrap().memory.remove(&at.0).expect("allocated");
        let layout = Layout::from_size_align(bytes.max(1), ALIGNMENT).unwrap();
        // SAFETY: it was allocated with this layout, and is no more listed.
        unsafe { dealloc(at.0 as *mut u8, layout) };
    }

    fn write(&self, to: Address, from: &[u8]) -> Result<(), Fault> {
        let state = self.state.lock().unwrap();
        assert!(state.capture.is_none(), "a copy from the host cannot be recorded");
        state.check(to, from.len());
        // SAFETY: the range is allocated, and the host's slice is not in it.
        unsafe { (to.0 as *mut u8).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Ok(())
    }

    fn read(&self, from: Address, to: &mut [u8]) -> Result<(), Fault> {
        let state = self.state.lock().unwrap();
        assert!(state.capture.is_none(), "a copy to the host cannot be recorded");
        state.check(from, to.len());
        // SAFETY: as above.
        unsafe { to.as_mut_ptr().copy_from_nonoverlapping(from.0 as *const u8, to.len()) };
        Ok(())
    }

    fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<(), Fault> {
        self.queue(Queued::Copy(from, to, bytes))
    }

    fn zero(&self, to: Address, bytes: usize) -> Result<(), Fault> {
        self.queue(Queued::Zero(to, bytes))
    }

    fn load(&self, source: &str) -> Result<Module, Fault> {
        let path = library(source)?;
        // SAFETY: the library was compiled from our source and runs nothing when loaded.
        let library = unsafe { Library::new(path) }.unwrap();
        let mut state = self.state.lock().unwrap();
        state.libraries.push(library);
        Ok(Module(state.libraries.len() as u64 - 1))
    }

    fn function(&self, module: Module, name: &str) -> Result<Function, Fault> {
        let mut state = self.state.lock().unwrap();
        let library = &state.libraries[module.0 as usize];
        let missing =
            |_| Fault::Failed { call: "function", message: format!("there is no {name}") };
        // SAFETY: the header declares kernels so.
        let entry = *unsafe { library.get::<Entry>(name.as_bytes()) }.map_err(missing)?;
        let words = format!("{name}_words");
        // SAFETY: as above.
        let words = unsafe { library.get::<unsafe extern "C" fn() -> u64>(words.as_bytes()) };
        // SAFETY: it returns a constant.
        let words = unsafe { words.map_err(missing)?() };
        state.functions.push((entry, words as usize));
        Ok(Function(state.functions.len() as u64 - 1))
    }

    fn launch(&self, function: Function, grid: Grid, words: &[u64]) -> Result<(), Fault> {
        let (entry, wanted) = self.state.lock().unwrap().functions[function.0 as usize];
        assert_eq!(words.len(), wanted, "words of a kernel's parameter");
        assert!(grid.blocks > 0 && grid.threads.is_power_of_two(), "{grid:?}");
        self.queue(Queued::Launch(entry, grid, words.to_vec()))
    }

    fn product(&self, product: &Product<Address>) -> Result<(), Fault> {
        let Product { m, n, k, count, left, right, result, .. } = *product;
        assert!(m > 0 && n > 0 && k > 0 && count > 0, "{product:?}");
        // What the library asks of leading dimensions.
        for (factor, columns) in [
            (left, if left.transposed { m } else { k }),
            (right, if right.transposed { k } else { n }),
            (result, n),
        ] {
            assert!(factor.row >= columns, "{product:?}");
        }
        self.queue(Queued::Product(*product))
    }

    fn begin_capture(&self) -> Result<(), Fault> {
        let before = self.state.lock().unwrap().capture.replace(Vec::new());
        assert!(before.is_none(), "one recording within another");
        Ok(())
    }

    fn end_capture(&self) -> Result<Recorded, Fault> {
        let mut state = self.state.lock().unwrap();
        let commands = state.capture.take().expect("a recording was begun");
        state.next += 1;
        let next = state.next;
        state.recorded.insert(next, commands);
        Ok(Recorded(next))
    }

    fn replay(&self, recorded: Recorded) -> Result<(), Fault> {
        let state = self.state.lock().unwrap();
        let commands = &state.recorded[&recorded.0];
        commands.iter().for_each(|command| state.carry_out(command, self.backwards));
        Ok(())
    }

    fn forget(&self, recorded: Recorded) {
        self.state.lock().unwrap().recorded.remove(&recorded.0).expect("recorded");
    }

    fn synchronise(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.state.get_mut().unwrap().memory);
        for (at, bytes) in memory {
            let layout = Layout::from_size_align(bytes.max(1), ALIGNMENT).unwrap();
            // SAFETY: what is listed was allocated with this layout.
            unsafe { dealloc(at as *mut u8, layout) };
        }
    }
}
