//! The steps, over slots.

use kernels::elementwise;

use super::assign::Schedule;
use super::fuse::Group;
use super::liveness::Slots;
use super::step::{Fused, Step};
use super::worklist::{Unit, View, Work, Worklist};
use crate::exec::Operand;
use crate::{Function, Layout};

pub(crate) fn emit(list: &Worklist, schedule: &Schedule, slots: &Slots) -> Vec<Step> {
    let emitter = Emitter { list, schedule, slots };
    let groups = schedule.groups.iter().filter_map(|group| emitter.group(group));
    let trailing = schedule.trailing.iter().filter_map(|&index| emitter.trailing(index));
    groups.chain(trailing).collect()
}

struct Emitter<'a> {
    list: &'a Worklist,
    schedule: &'a Schedule,
    slots: &'a Slots,
}

impl Emitter<'_> {
    fn operand(&self, view: &View) -> Operand {
        let dtype = self.list.values[view.value].dtype;
        Operand { slot: view.value, layout: view.layout.clone(), dtype }
    }

    /// Where a unit's value is written: its own slot, or the target of its assignment.
    fn result(&self, value: usize, shape: &[usize]) -> Operand {
        let dtype = self.list.values[value].dtype;
        match self.schedule.in_place.get(&value) {
            Some(&taker) => {
                let target = &self.list.assigned[taker].target;
                Operand { slot: target.value, layout: target.layout.clone(), dtype }
            }
            None => Operand { slot: value, layout: Layout::contiguous(shape), dtype },
        }
    }

    fn group(&self, group: &Group) -> Option<Step> {
        let unit = &self.list.units[group.units[0]];
        if unit.shape.contains(&0) {
            return None;
        }
        match &unit.work {
            Work::Kernel(op) => Some(Step::Kernel {
                op: std::sync::Arc::clone(op),
                operands: unit.reads.iter().map(|view| self.operand(view)).collect(),
                output: self.result(unit.value, &unit.shape),
            }),
            Work::Elementwise(_) | Work::Product => Some(Step::Fused(self.fused(group))),
        }
    }

    fn trailing(&self, index: usize) -> Option<Step> {
        let assigned = &self.list.assigned[index];
        if assigned.target.layout.is_empty() || assigned.value.layout.is_empty() {
            return None;
        }
        let (value, target) = (self.operand(&assigned.value), self.operand(&assigned.target));
        Some(match &assigned.indices {
            Some(indices) => Step::Rows { indices: self.operand(indices), rows: value, target },
            None => copy(value, target),
        })
    }

    fn fused(&self, group: &Group) -> Fused {
        let units: Vec<&Unit> = group.units.iter().map(|&unit| &self.list.units[unit]).collect();
        let mut loads = elementwise_operands(&units);
        let (mut factor, mut steps) = (loads.len(), Vec::new());
        // Factors come last: they are read as matrices, whatever else reads them.
        for unit in units.iter().filter(|unit| matches!(unit.work, Work::Product)) {
            loads.extend_from_slice(&unit.reads[..2]);
        }
        for unit in &units {
            steps.push(match unit.work {
                Work::Elementwise(function) => {
                    let read = |view| value(view, &units, &loads);
                    elementwise::Step::Function(function, unit.reads.iter().map(read).collect())
                }
                Work::Product => {
                    factor += 2;
                    elementwise::Step::Product(factor - 2, factor - 1)
                }
                Work::Kernel(_) => unreachable!("a kernel in a chain"),
            });
        }
        let (mut stores, mut results) = (Vec::new(), Vec::new());
        for (step, unit) in units.iter().enumerate() {
            if self.slots.stored[unit.value] {
                let result = self.result(unit.value, &unit.shape);
                let overwrites = loads.iter().any(|load| load.value == result.slot);
                stores.push(elementwise::Store { step, overwrites });
                results.push(result);
            }
        }
        Fused {
            dtype: self.list.values[units[0].value].dtype,
            shape: units[0].shape.clone(),
            operands: loads.iter().map(|view| self.operand(view)).collect(),
            steps,
            stores,
            results,
        }
    }
}

/// Places that elementwise units of a chain read and none of it makes, each once.
fn elementwise_operands(units: &[&Unit]) -> Vec<View> {
    let mut loads: Vec<View> = Vec::new();
    let elementwise = units.iter().filter(|unit| matches!(unit.work, Work::Elementwise(_)));
    for view in elementwise.flat_map(|unit| &unit.reads) {
        if !units.iter().any(|unit| unit.value == view.value) && !loads.contains(view) {
            loads.push(view.clone());
        }
    }
    loads
}

/// What a unit of a chain reads: an earlier one, or an operand.
fn value(view: &View, units: &[&Unit], loads: &[View]) -> elementwise::Value {
    if let Some(step) = units.iter().position(|unit| unit.value == view.value) {
        return elementwise::Value::Step(step);
    }
    match loads.iter().position(|load| load == view) {
        Some(load) => elementwise::Value::Load(load),
        None => panic!("a chain reads {view:?}, which is no operand of it"),
    }
}

/// Neighbours from one view to another.
fn copy(from: Operand, to: Operand) -> Step {
    let shape = vec![from.layout.len()];
    let flat = |operand: Operand| {
        let layout = Layout { offset: operand.layout.offset, ..Layout::contiguous(&shape) };
        Operand { layout, ..operand }
    };
    Step::Fused(Fused {
        dtype: from.dtype,
        operands: vec![flat(from)],
        steps: vec![elementwise::Step::Function(Function::Copy, vec![elementwise::Value::Load(0)])],
        stores: vec![elementwise::Store { step: 0, overwrites: false }],
        results: vec![flat(to)],
        shape,
    })
}

#[cfg(test)]
mod tests {
    use crate::{Buffer, Device, Float, Graph, Var};

    type Reader = for<'g> fn(Var<'g>, Var<'g>) -> Result<Var<'g>, crate::Error>;

    /// The results of something read together with a scaled input; with `shown`, the latter is an
    /// output too, and computed by itself.
    fn read<T: Float>(reader: Reader, shown: bool) -> Vec<T> {
        let graph = Graph::new(T::DTYPE);
        let [x, y] = ["x", "y"].map(|name| graph.input(name, &[1000]));
        let scaled = x.mul_scalar(0.1);
        let outputs = [reader(scaled, y).unwrap(), scaled];
        let mut program = graph.compile(if shown { &outputs } else { &outputs[..1] }).unwrap();
        let numbers = |scale: f64| -> Buffer {
            let number = |i: usize| T::from_f64(((i * 37) % 101) as f64 * scale - 1.0);
            Buffer::from_slice(Device::cpu(), &(0..1000).map(number).collect::<Vec<T>>()).unwrap()
        };
        let mut inputs = [numbers(0.031), numbers(0.0107)];
        program.run(&mut inputs.each_mut()).unwrap();
        program.output(0).to_vec().unwrap()
    }

    #[test]
    fn a_product_with_a_number_is_rounded_before_it_is_added() {
        let readers: [Reader; 6] = [
            |scaled, y| scaled.add(y),
            |scaled, y| y.add(scaled),
            |scaled, y| scaled.sub(y),
            |scaled, y| y.sub(scaled),
            |scaled, y| y.mul_scalar(3.0).sub(scaled),
            |scaled, _| scaled.add(scaled),
        ];
        for (at, reader) in readers.into_iter().enumerate() {
            assert!(read::<f32>(reader, false) == read::<f32>(reader, true), "{at}");
            assert!(read::<f64>(reader, false) == read::<f64>(reader, true), "{at}");
        }
    }
}
