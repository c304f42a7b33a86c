//! The steps, over slots.

use super::assign::Schedule;
use super::fuse::Group;
use super::liveness::Slots;
use super::{Micro, Place, Step, Unit, Value, Work, Worklist};
use crate::exec::Operand;
use crate::exec::fused::{BLOCK, Fetch, Function, Fused, Instruction, Product, Source, Target};
use crate::{DType, Layout};

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
    fn operand(&self, place: &Place) -> Operand {
        let dtype = self.list.values[place.value].dtype;
        Operand { slot: place.value, layout: place.layout.clone(), dtype }
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
                operands: unit.reads.iter().map(|place| self.operand(place)).collect(),
                output: self.result(unit.value, &unit.shape),
            }),
            Work::Micro(_) | Work::Product => Some(Step::Fused(self.chain(group))),
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
            None => Step::Fused(copy(self.list.values[assigned.value.value], value, target)),
        })
    }

    fn chain(&self, group: &Group) -> Fused {
        let units: Vec<_> = group.units.iter().map(|&unit| &self.list.units[unit]).collect();
        let made: Vec<usize> = units.iter().map(|unit| unit.value).collect();
        let original = external(&units, &made);
        let mut loads = original.clone();
        let shape = joined(&units[0].shape, &mut loads);
        let mut registers = Registers::default();
        let fetches: Vec<Fetch> = loads.iter().map(|load| registers.fetch(load)).collect();
        let mut chain = Fused {
            dtype: as_float(self.list.values[made[0]].dtype),
            len: units[0].shape.iter().product(),
            row: row(&shape, &fetches),
            block: BLOCK,
            shape,
            loads: Vec::new(),
            code: Vec::new(),
            stores: Vec::new(),
            late: Vec::new(),
        };
        let mut at: Vec<Option<Source>> = vec![None; units.len()];
        for (index, unit) in units.iter().enumerate() {
            if matches!(unit.work, Work::Product) {
                let x = self.product(unit, loads.len(), &mut registers, &mut chain);
                at[index] = Some(x);
                // Where no chain could take it in, it is a chain of its own.
                if self.slots.stored[unit.value] {
                    let target =
                        self.target(unit.value, &unit.shape, &loads, &mut registers, &mut chain);
                    let function = Function::Micro(Micro::Copy);
                    chain.code.push(Instruction { function, x, y: x, target });
                    at[index] = Some(target.source());
                }
                continue;
            }
            let sources: Vec<Source> = unit
                .reads
                .iter()
                .map(|place| match made.iter().position(|&value| value == place.value) {
                    Some(maker) => at[maker].unwrap_or(Source::Register(0)),
                    None => {
                        let load = original.iter().position(|other| other == place).unwrap_or(0);
                        Source::Load(load)
                    }
                })
                .collect();
            let target = self.target(unit.value, &unit.shape, &loads, &mut registers, &mut chain);
            at[index] = Some(target.source());
            let Work::Micro(micro) = unit.work else { unreachable!("a kernel in a chain") };
            let (x, y) = (sources[0], sources[sources.len() - 1]);
            let function = Function::Micro(micro);
            chain.code.push(Instruction { function, x, y, target });
        }
        let floats = loads.iter().zip(fetches).map(|(place, fetch)| {
            let operand = self.operand(place);
            (Operand { dtype: as_float(operand.dtype), ..operand }, fetch)
        });
        chain.loads.splice(..0, floats);
        super::scaled::join(&mut chain);
        chain.block = block(&chain);
        chain
    }

    /// Adds the factors of a product to the chain's operands, of which `others` come before those of
    /// products; where the product is then read.
    fn product(
        &self,
        unit: &Unit,
        others: usize,
        registers: &mut Registers,
        chain: &mut Fused,
    ) -> Source {
        let (left, right) = (&unit.reads[0], &unit.reads[1]);
        let index = others + chain.loads.len();
        let product = Product {
            right: index + 1,
            terms: left.layout.shape[1],
            width: right.layout.shape[1],
            left: (left.layout.strides[0], left.layout.strides[1]),
            row: right.layout.strides[0],
        };
        let fetch = Fetch::Product(registers.take(), product);
        chain.loads.extend([(self.operand(left), fetch), (self.operand(right), Fetch::Factor)]);
        Source::Load(index)
    }

    fn target(
        &self,
        value: usize,
        shape: &[usize],
        loads: &[Place],
        registers: &mut Registers,
        chain: &mut Fused,
    ) -> Target {
        if !self.slots.stored[value] {
            return Target::Register(registers.take());
        }
        let store = self.result(value, shape);
        let overwrites = loads.iter().any(|load| load.value == store.slot);
        chain.stores.push(Operand { dtype: as_float(store.dtype), ..store });
        let index = chain.stores.len() - 1;
        if !overwrites {
            return Target::Store(index);
        }
        let register = registers.take();
        chain.late.push((register, index));
        Target::Register(register)
    }
}

/// Places read that no unit of the chain makes, each once.
fn external(units: &[&Unit], made: &[usize]) -> Vec<Place> {
    let mut loads: Vec<Place> = Vec::new();
    let elementwise = units.iter().filter(|unit| matches!(unit.work, Work::Micro(_)));
    for place in elementwise.flat_map(|unit| &unit.reads) {
        if !made.contains(&place.value) && !loads.contains(place) {
            loads.push(place.clone());
        }
    }
    loads
}

/// Indices are only ever copied, so they travel as floats of their size.
fn as_float(dtype: DType) -> DType {
    if dtype == DType::U32 { DType::F32 } else { dtype }
}

/// Blocks end with long rows where a strided operand can then be read in place.
fn row(shape: &[usize], fetches: &[Fetch]) -> usize {
    let last = shape[shape.len() - 1];
    let in_place = fetches
        .iter()
        .any(|fetch| matches!(fetch, Fetch::Strided(_, strides) if strides.last() == Some(&1)));
    if in_place && last >= BLOCK / 2 { last } else { shape.iter().product() }
}

/// Elements of a block: as many as a register holds, or whole rows where nothing needs a register.
fn block(chain: &Fused) -> usize {
    let in_place = |fetch: &Fetch| match fetch {
        Fetch::Direct => true,
        Fetch::Repeat(_) | Fetch::Product(..) | Fetch::Factor => false,
        // Such a block never leaves the last axis.
        Fetch::Strided(_, strides) => {
            strides.last() == Some(&1) && chain.shape.last() == Some(&chain.row)
        }
    };
    let stored = |step: &Instruction| matches!(step.target, Target::Store(_));
    let free = chain.loads.iter().all(|(_, fetch)| in_place(fetch))
        && chain.code.iter().all(stored)
        && chain.late.is_empty();
    if free { chain.row } else { BLOCK }
}

fn copy(value: Value, from: Operand, to: Operand) -> Fused {
    let (x, target) = (Source::Load(0), Target::Store(0));
    let float = |operand: Operand| Operand { dtype: as_float(operand.dtype), ..operand };
    Fused {
        dtype: as_float(value.dtype),
        len: from.layout.len(),
        shape: vec![from.layout.len()],
        row: from.layout.len(),
        block: from.layout.len(),
        loads: vec![(float(from), Fetch::Direct)],
        code: vec![Instruction { function: Function::Micro(Micro::Copy), x, y: x, target }],
        stores: vec![float(to)],
        late: Vec::new(),
    }
}

impl Target {
    fn source(self) -> Source {
        match self {
            Target::Register(register) => Source::Register(register),
            Target::Store(store) => Source::Store(store),
        }
    }
}

#[derive(Default)]
struct Registers {
    used: usize,
}

impl Registers {
    fn take(&mut self) -> usize {
        self.used += 1;
        self.used - 1
    }

    fn fetch(&mut self, load: &Place) -> Fetch {
        if load.layout.is_contiguous() {
            Fetch::Direct
        } else if load.layout.strides.iter().all(|&stride| stride == 0) {
            Fetch::Repeat(self.take())
        } else {
            Fetch::Strided(self.take(), load.layout.strides.clone())
        }
    }
}

/// Joins axes that every load walks as one; the loads' layouts change with the shape returned.
fn joined(shape: &[usize], loads: &mut [Place]) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    let mut strides: Vec<Vec<usize>> = vec![Vec::new(); loads.len()];
    for (axis, &extent) in shape.iter().enumerate().filter(|(_, extent)| **extent != 1) {
        let joins = !kept.is_empty()
            && loads.iter().zip(&strides).all(|(load, strides)| {
                strides.last() == Some(&(load.layout.strides[axis] * extent))
            });
        match kept.last_mut() {
            Some(last) if joins => *last *= extent,
            _ => kept.push(extent),
        }
        for (load, strides) in loads.iter().zip(&mut strides) {
            let stride = load.layout.strides[axis];
            match strides.last_mut() {
                Some(last) if joins => *last = stride,
                _ => strides.push(stride),
            }
        }
    }
    if kept.is_empty() {
        kept.push(1);
        strides.iter_mut().for_each(|strides| strides.push(1));
    }
    for (load, strides) in loads.iter_mut().zip(strides) {
        load.layout.shape.clone_from(&kept);
        load.layout.strides = strides;
    }
    kept
}
