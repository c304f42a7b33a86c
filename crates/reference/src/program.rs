//! A plan, step by step, each value in memory of its own.

use std::any::Any;
use std::sync::Arc;

use autodiff::backend::{
    ElementwiseStep, Executable, Fused, Operand, Plan, Slot, Step, Value as Read,
};
use autodiff::{Buffer, DType, Error, Graph, Layout, Op, Program};

use super::kernels::{self, elementwise};
use super::value::{Cells, Numbers, Value};

#[derive(Debug)]
pub(crate) struct Loops {
    slots: Vec<Slot>,
    steps: Vec<(Step, Option<Program>)>,
    constants: Vec<Numbers>,
    outputs: Vec<Buffer>,
}

impl Loops {
    pub(crate) fn new(plan: Plan) -> Result<Loops, Error> {
        let outputs = plan.outputs.iter();
        let outputs = outputs.map(|&(dtype, len)| Buffer::zeros(super::device(), dtype, len));
        let steps = plan.steps.into_iter().map(|step| {
            let defined = match &step {
                Step::Kernel { op, operands, .. } if !kernels::has(&**op) => {
                    Some(definition(op, operands)?)
                }
                _ => None,
            };
            Ok((step, defined))
        });
        Ok(Loops {
            slots: plan.slots,
            steps: steps.collect::<Result<_, Error>>()?,
            constants: plan
                .constants
                .iter()
                .map(|data| Numbers::of(data.dtype(), data.bytes()))
                .collect(),
            outputs: outputs.collect::<Result<_, _>>()?,
        })
    }
}

/// The program of an operation that has no loop here, by its definition.
fn definition(op: &Arc<dyn Op>, operands: &[Operand]) -> Result<Program, Error> {
    let float = operands.iter().map(|operand| operand.dtype).find(|&dtype| dtype != DType::U32);
    let graph = Graph::new(float.unwrap_or(DType::F64));
    let inputs: Vec<_> = operands
        .iter()
        .map(|operand| match operand.dtype {
            DType::U32 => graph.index_input("operand", &operand.layout.shape),
            _ => graph.input("operand", &operand.layout.shape),
        })
        .collect();
    let message = "has neither a loop on the reference device nor a definition".into();
    let result = op.definition(&inputs).ok_or(Error::Custom { op: op.name(), message })??;
    super::device().scope(|| graph.compile(&[result]))
}

/// What lies in the slots during a run.
struct Memory(Vec<Option<Numbers>>);

impl Memory {
    fn read(&self, operand: &Operand) -> Value {
        let Layout { shape, .. } = &operand.layout;
        if operand.layout.is_empty() {
            return Value { shape: shape.clone(), numbers: Numbers::zeros(operand.dtype, 0) };
        }
        let Some(numbers) = &self.0[operand.slot] else {
            panic!("{operand:?} is read before it is written");
        };
        Value { shape: shape.clone(), numbers: numbers.at(places(&operand.layout)) }
    }

    fn write(&mut self, operand: &Operand, numbers: &Numbers) {
        let (start, end) = (operand.layout.offset, operand.layout.offset + numbers.len());
        let fresh = || Numbers::zeros(operand.dtype, end);
        self.0[operand.slot].get_or_insert_with(fresh).write(start, numbers, operand.dtype);
    }
}

/// Where the elements of a layout lie, row by row.
fn places(layout: &Layout) -> impl Iterator<Item = usize> {
    (0..layout.len()).map(|mut index| {
        let mut place = layout.offset;
        for (&extent, &stride) in layout.shape.iter().zip(&layout.strides).rev() {
            place += index % extent * stride;
            index /= extent;
        }
        place
    })
}

fn step(step: &Step, defined: Option<&mut Program>, memory: &mut Memory) -> Result<(), Error> {
    match step {
        Step::Fused(fused) => run_fused(fused, memory),
        Step::Kernel { op, operands, output } => {
            let values: Vec<Value> = operands.iter().map(|operand| memory.read(operand)).collect();
            let result = match defined {
                Some(program) => by_definition(program, operands, values)?,
                None => kernels::run(&**op, &values, &output.layout.shape)?,
            };
            memory.write(output, &result);
        }
        Step::Rows { indices, rows, target } => {
            let (indices, rows) = (memory.read(indices), memory.read(rows));
            let mut table = memory.read(target);
            let (height, width) = (table.shape[0], table.shape[1..].iter().product::<usize>());
            for (row, &index) in indices.indices().iter().enumerate() {
                let Some(to) = kernels::row("assign_rows", index, height)? else { continue };
                let places = row * width..(row + 1) * width;
                table.numbers.write(to * width, &rows.numbers.at(places), target.dtype);
            }
            memory.write(target, &table.numbers);
        }
    }
    Ok(())
}

fn run_fused(fused: &Fused, memory: &mut Memory) {
    let loaded: Vec<Value> = fused.operands.iter().map(|operand| memory.read(operand)).collect();
    let mut made: Vec<Numbers> = Vec::new();
    for step in &fused.steps {
        let ElementwiseStep::Function(function, reads) = step else {
            panic!("a product in a step of the reference device");
        };
        let operands: Vec<&Numbers> = reads
            .iter()
            .map(|read| match *read {
                Read::Load(load) => &loaded[load].numbers,
                Read::Step(step) => &made[step],
            })
            .collect();
        made.push(elementwise::run(*function, &operands));
    }
    for (store, result) in fused.stores.iter().zip(&fused.results) {
        memory.write(result, &made[store.step]);
    }
}

fn by_definition(
    program: &mut Program,
    operands: &[Operand],
    values: Vec<Value>,
) -> Result<Numbers, Error> {
    let mut buffers = Vec::with_capacity(values.len());
    for (operand, value) in operands.iter().zip(values) {
        let mut buffer = Buffer::zeros(super::device(), operand.dtype, value.numbers.len())?;
        cells(&mut buffer).numbers = value.numbers;
        buffers.push(buffer);
    }
    program.run(&mut buffers.iter_mut().collect::<Vec<_>>())?;
    let result = program.output(0);
    match (result.storage() as &dyn Any).downcast_ref::<Cells>() {
        Some(cells) => Ok(cells.numbers.clone()),
        None => panic!("{result:?} is on another device"),
    }
}

fn cells(buffer: &mut Buffer) -> &mut Cells {
    match (buffer.storage_mut() as &mut dyn Any).downcast_mut() {
        Some(cells) => cells,
        None => panic!("a buffer of another device"),
    }
}

impl Executable for Loops {
    fn run(&mut self, inputs: &mut [&mut Buffer]) -> Result<(), Error> {
        let slot = |slot: &Slot| match *slot {
            Slot::Input(input) => Some(input),
            _ => None,
        };
        let mut memory = Memory(vec![None; self.slots.len()]);
        for (index, to) in self.slots.iter().enumerate() {
            memory.0[index] = match *to {
                Slot::Input(input) => Some(cells(inputs[input]).numbers.clone()),
                Slot::Constant(constant) => Some(self.constants[constant].clone()),
                _ => None,
            };
        }
        for (at, defined) in &mut self.steps {
            step(at, defined.as_mut(), &mut memory)?;
        }
        // Written back at the end, so that an error leaves inputs as they were.
        for (index, numbers) in memory.0.into_iter().enumerate() {
            let Some(numbers) = numbers else { continue };
            match self.slots[index] {
                Slot::Output(output) => cells(&mut self.outputs[output]).numbers = numbers,
                // Values that are assigned in place have the slot of an input, not its number.
                _ if slot(&self.slots[index]) == Some(index) => {
                    cells(inputs[index]).numbers = numbers;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn output(&self, index: usize) -> &Buffer {
        &self.outputs[index]
    }

    fn bytes(&self) -> usize {
        self.outputs.iter().map(Buffer::bytes).sum()
    }
}
