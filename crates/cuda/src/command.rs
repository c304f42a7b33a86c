//! What a program asks of a driver, with places that are known only when it runs.

use crate::driver::{Address, Product};
use crate::launch::Grid;

/// Memory that a program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Where kernels note what is wrong with values.
    Status,
    /// Constants of the plan.
    Constants,
    /// Intermediate values.
    Arena,
    /// What one step needs for itself.
    Scratch,
    /// An input.
    Input(usize),
    /// An output.
    Output(usize),
}

/// A place in such memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which memory.
    pub base: Base,
    /// Bytes from its beginning.
    pub offset: usize,
}

impl Place {
    /// The place some bytes further on.
    #[must_use]
    pub fn plus(self, bytes: usize) -> Place {
        Place { offset: self.offset + bytes, ..self }
    }
}

/// A word of a kernel's parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Where something lies.
    Place(Place),
    /// A number, or the bits of one.
    Bits(u64),
}

impl From<Place> for Word {
    fn from(place: Place) -> Word {
        Word::Place(place)
    }
}

impl From<usize> for Word {
    fn from(number: usize) -> Word {
        Word::Bits(number as u64)
    }
}

impl From<u64> for Word {
    fn from(number: u64) -> Word {
        Word::Bits(number)
    }
}

impl From<f64> for Word {
    fn from(number: f64) -> Word {
        Word::Bits(number.to_bits())
    }
}

impl From<bool> for Word {
    fn from(truth: bool) -> Word {
        Word::Bits(truth.into())
    }
}

/// The words of a kernel's parameter, in order.
macro_rules! words {
    ($($word:expr),* $(,)?) => { [$(crate::command::Word::from($word)),*] };
}
pub(crate) use words;

/// A kernel by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kernel {
    /// One of those that are always the same.
    Fixed(String),
    /// One that was generated for the program.
    Generated(String),
}

/// One thing a driver is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command<K> {
    /// To launch a kernel.
    Launch {
        /// The kernel.
        kernel: K,
        /// Its blocks and threads.
        grid: Grid,
        /// Its parameter.
        words: Vec<Word>,
    },
    /// To multiply matrices.
    Product(Product<Place>),
    /// To write zeros.
    Zero {
        /// Where.
        to: Place,
        /// How many bytes.
        bytes: usize,
    },
    /// To copy bytes.
    Copy {
        /// From where.
        from: Place,
        /// To where.
        to: Place,
        /// How many.
        bytes: usize,
    },
}

/// Where the memory of a program lies during a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bases {
    /// See [`Base::Status`].
    pub status: Address,
    /// See [`Base::Constants`].
    pub constants: Address,
    /// See [`Base::Arena`].
    pub arena: Address,
    /// See [`Base::Scratch`].
    pub scratch: Address,
    /// Where each input lies.
    pub inputs: Vec<Address>,
    /// Where each output lies.
    pub outputs: Vec<Address>,
}

impl Bases {
    /// The address of a place.
    #[must_use]
    pub fn address(&self, place: Place) -> Address {
        let base = match place.base {
            Base::Status => self.status,
            Base::Constants => self.constants,
            Base::Arena => self.arena,
            Base::Scratch => self.scratch,
            Base::Input(input) => self.inputs[input],
            Base::Output(output) => self.outputs[output],
        };
        base.plus(place.offset)
    }

    /// The bits of a word.
    #[must_use]
    pub fn bits(&self, word: Word) -> u64 {
        match word {
            Word::Place(place) => self.address(place).0,
            Word::Bits(bits) => bits,
        }
    }
}
