//! From steps over operands and earlier steps to a chain over registers.

use super::chain::{
    BLOCK, Chain, Fetch, Instruction, Operation, Product, REGISTERS, Source, Target,
};
use super::function::Function;
use crate::{DType, Layout};

/// What a step of a chain computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A function of values.
    Function(Function, Vec<Value>),
    /// The product of two operands that are matrices, few terms a sum; rows of the right one have no
    /// gaps.
    Product(usize, usize),
}

/// A value that a step reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// An operand of the chain.
    Load(usize),
    /// The value of an earlier step.
    Step(usize),
}

/// A step whose value is a result of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// The step.
    pub step: usize,
    /// Whether the result goes where an operand is read.
    pub overwrites: bool,
}

impl Chain {
    /// A chain over `shape`: its operands' layouts, its steps in order, its results.
    ///
    /// Multiplications by a number are computed in the sum that reads them, with the same roundings.
    ///
    /// # Panics
    /// If a step reads an operand or a step that is not there, or there are more operands and steps
    /// than [`REGISTERS`].
    #[must_use]
    pub fn new(
        dtype: DType,
        shape: &[usize],
        operands: &[Layout],
        steps: &[Step],
        stores: &[Store],
    ) -> Chain {
        assert!(
            operands.len() + steps.len() <= REGISTERS,
            "{} operands and {} steps in a chain of {REGISTERS} registers",
            operands.len(),
            steps.len()
        );
        let mut registers = 0..REGISTERS;
        let mut take = || registers.next().unwrap_or_else(|| unreachable!("a register for each"));
        let len = shape.iter().product();
        let (shape, strides) = joined(shape, operands, &elementwise(operands.len(), steps));
        let loads: Vec<Fetch> = (0..operands.len())
            .map(|load| match product(load, operands, steps) {
                Some(product) => Fetch::Product(take(), product),
                None => match &strides[load] {
                    None => Fetch::Factor,
                    Some(strides) => fetch(&shape, strides, &mut take),
                },
            })
            .collect();
        let mut compiler = Compiler { steps, stores, at: Vec::new(), code: Vec::new() };
        let late = compiler.run(&mut take);
        let (code, row) = (compiler.code, row(&shape, &loads));
        let stores = stores.len();
        let mut chain = Chain { dtype, len, shape, row, block: BLOCK, loads, code, stores, late };
        if whole_rows(&chain) {
            chain.block = chain.row;
        }
        chain
    }

    /// A chain that copies `len` neighbours.
    #[must_use]
    pub fn copy(dtype: DType, len: usize) -> Chain {
        let steps = [Step::Function(Function::Copy, vec![Value::Load(0)])];
        let stores = [Store { step: 0, overwrites: false }];
        Chain::new(dtype, &[len], &[Layout::contiguous(&[len])], &steps, &stores)
    }
}

/// Which operands are read element by element, not as a factor of a product.
fn elementwise(operands: usize, steps: &[Step]) -> Vec<bool> {
    let mut found = vec![true; operands];
    for step in steps {
        if let Step::Product(left, right) = *step {
            (found[left], found[right]) = (false, false);
        }
    }
    found
}

/// The product whose left factor an operand is.
fn product(load: usize, operands: &[Layout], steps: &[Step]) -> Option<Product> {
    steps.iter().find_map(|step| match *step {
        Step::Product(left, right) if left == load => {
            let (left, layout) = (&operands[left], &operands[right]);
            Some(Product {
                right,
                terms: left.shape[1],
                width: layout.shape[1],
                left: (left.strides[0], left.strides[1]),
                row: layout.strides[0],
            })
        }
        _ => None,
    })
}

fn fetch(shape: &[usize], strides: &[usize], take: &mut impl FnMut() -> usize) -> Fetch {
    let layout = Layout { shape: shape.to_vec(), strides: strides.to_vec(), offset: 0 };
    if layout.is_contiguous() {
        Fetch::Direct
    } else if strides.iter().all(|&stride| stride == 0) {
        Fetch::Repeat(take())
    } else {
        Fetch::Strided(take(), layout.strides)
    }
}

/// Blocks end with long rows where a strided operand can then be read in place.
fn row(shape: &[usize], loads: &[Fetch]) -> usize {
    let last = shape[shape.len() - 1];
    let in_place =
        |fetch: &Fetch| matches!(fetch, Fetch::Strided(_, strides) if strides.last() == Some(&1));
    if last >= BLOCK / 2 && loads.iter().any(in_place) { last } else { shape.iter().product() }
}

/// Whether nothing needs a register, so that blocks may be whole rows.
fn whole_rows(chain: &Chain) -> bool {
    let in_place = |fetch: &Fetch| match fetch {
        Fetch::Direct => true,
        Fetch::Repeat(_) | Fetch::Product(..) | Fetch::Factor => false,
        // Such a block never leaves the last axis.
        Fetch::Strided(_, strides) => {
            strides.last() == Some(&1) && chain.shape.last() == Some(&chain.row)
        }
    };
    let stored = |step: &Instruction| matches!(step.target, Target::Store(_));
    chain.loads.iter().all(in_place) && chain.code.iter().all(stored) && chain.late.is_empty()
}

/// Joins axes that every elementwise operand walks as one: the shape, and the strides of those operands.
fn joined(
    shape: &[usize],
    operands: &[Layout],
    elementwise: &[bool],
) -> (Vec<usize>, Vec<Option<Vec<usize>>>) {
    let mut kept: Vec<usize> = Vec::new();
    let mut strides: Vec<Option<Vec<usize>>> =
        elementwise.iter().map(|&own| own.then(Vec::new)).collect();
    for (axis, &extent) in shape.iter().enumerate().filter(|(_, extent)| **extent != 1) {
        let own = || operands.iter().zip(&strides).filter_map(|(o, s)| Some((o, s.as_ref()?)));
        let joins =
            !kept.is_empty() && own().all(|(o, s)| s.last() == Some(&(o.strides[axis] * extent)));
        match kept.last_mut() {
            Some(last) if joins => *last *= extent,
            _ => kept.push(extent),
        }
        for (operand, strides) in operands.iter().zip(&mut strides) {
            let Some(strides) = strides else { continue };
            if joins {
                strides.pop();
            }
            strides.push(operand.strides[axis]);
        }
    }
    if kept.is_empty() {
        kept.push(1);
        strides.iter_mut().flatten().for_each(|strides| strides.push(1));
    }
    (kept, strides)
}

/// Instructions while they are written.
struct Compiler<'a> {
    steps: &'a [Step],
    stores: &'a [Store],
    /// Where the value of each step so far is.
    at: Vec<Source>,
    code: Vec<Instruction>,
}

impl Compiler<'_> {
    /// Writes all instructions; the results that are copied from registers at a block's end.
    fn run(&mut self, take: &mut impl FnMut() -> usize) -> Vec<(usize, usize)> {
        let mut late = Vec::new();
        let scaled: Vec<Option<(usize, f64)>> =
            (0..self.steps.len()).map(|step| self.scaled(step)).collect();
        for (index, step) in self.steps.iter().enumerate() {
            let operands = match step {
                Step::Product(left, _) => vec![Value::Load(*left)],
                Step::Function(_, operands) => operands.clone(),
            };
            if scaled[index].is_some() {
                // Computed by the step that reads it, of what this one reads.
                self.at.push(self.source(operands[0]));
                continue;
            }
            let store = self.stores.iter().position(|store| store.step == index);
            if let (Step::Product(..), None) = (step, store) {
                self.at.push(self.source(operands[0]));
                continue;
            }
            let target = match store {
                Some(store) if !self.stores[store].overwrites => Target::Store(store),
                found => {
                    let register = take();
                    late.extend(found.map(|store| (register, store)));
                    Target::Register(register)
                }
            };
            let function = match step {
                Step::Product(..) => Function::Copy,
                Step::Function(function, _) => *function,
            };
            let [x, y] = [operands[0], operands[operands.len() - 1]];
            let by = |value: Value| match value {
                Value::Step(step) => scaled[step].filter(|(reader, _)| *reader == index),
                Value::Load(_) => None,
            };
            let (operation, [x, y]) = match (function, by(x), by(y)) {
                (Function::Add, Some((_, c)), _) => (Operation::ScaledAdd(c), [x, y]),
                (Function::Add, _, Some((_, c))) => (Operation::ScaledAdd(c), [y, x]),
                (Function::Sub, Some((_, c)), _) => (Operation::ScaledSub(c), [x, y]),
                (Function::Sub, _, Some((_, c))) => (Operation::SubScaled(c), [y, x]),
                _ => (Operation::Function(function), [x, y]),
            };
            let (x, y) = (self.source(x), self.source(y));
            self.code.push(Instruction { operation, x, y, target });
            self.at.push(match target {
                Target::Register(register) => Source::Register(register),
                Target::Store(store) => Source::Store(store),
            });
        }
        late
    }

    fn source(&self, value: Value) -> Source {
        match value {
            Value::Load(load) => Source::Load(load),
            Value::Step(step) => match self.at.get(step) {
                Some(source) => *source,
                None => panic!("step {} of a chain reads step {step}", self.at.len()),
            },
        }
    }

    /// The sum or difference that reads the value of a step, which multiplies by a number, alone, and
    /// that no earlier product with a number was joined to.
    fn scaled(&self, step: usize) -> Option<(usize, f64)> {
        let (reader, c) = self.scale_of(step)?;
        let Step::Function(_, operands) = &self.steps[reader] else { return None };
        let taken = operands.iter().any(|&operand| match operand {
            Value::Step(other) if other < step => self.scale_of(other).is_some(),
            _ => false,
        });
        (!taken).then_some((reader, c))
    }

    /// As [`Compiler::scaled`], whatever else the sum reads.
    fn scale_of(&self, step: usize) -> Option<(usize, f64)> {
        let Step::Function(Function::MulScalar(c), _) = self.steps[step] else { return None };
        if self.stores.iter().any(|store| store.step == step) {
            return None;
        }
        let mut readers = self.steps.iter().enumerate().flat_map(|(index, reader)| {
            let operands = match reader {
                Step::Function(_, operands) => &operands[..],
                Step::Product(..) => &[],
            };
            operands.iter().filter(|&&o| o == Value::Step(step)).map(move |_| index)
        });
        let (reader, None) = (readers.next()?, readers.next()) else { return None };
        let sums = matches!(self.steps[reader], Step::Function(Function::Add | Function::Sub, _));
        sums.then_some((reader, c))
    }
}
